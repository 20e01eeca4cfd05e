"""A session comes back from its file exactly as it was."""

import shutil
import tomllib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from convtui.engine.transposed_ways import Scattering
from convtui.inputs import samples
from convtui.inputs.images import read_picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.network import Stack
from convtui.state.norm_choice import NormChoice
from convtui.state.session import Session
from convtui.store import pictures
from convtui.store.session_file import SessionFileError, dumps, load, loads, save
from tests.support.example_sessions import step_of
from tests.support.sessions import figures, image_file, sessions, top_edge


@given(sessions())
def test_text_brings_back_every_figure(session: Session) -> None:
    text = dumps(session)
    again = loads(text, "lesson.toml")
    assert figures(again) == figures(session)
    assert dumps(again) == text


@given(sessions(), sessions())
def test_a_file_written_over_another_holds_the_new_session(old: Session, new: Session) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "lesson.toml")
        save(old, file)
        save(new, file)
        assert figures(load(file)) == figures(new)


@pytest.mark.parametrize("file", samples.session_files(), ids=lambda file: file.stem)
def test_samples_load_and_teach(file: Path) -> None:
    session = load(file)
    assert session.picture.source in samples.image_names()
    assert "#" in file.read_text(encoding="utf-8").splitlines()[0]
    assert figures(loads(dumps(session), "again.toml")) == figures(session)


def test_samples_show_what_they_say() -> None:
    lessons = {file.stem: load(file) for file in samples.session_files()}
    assert lessons["why-13x13"].convolution.output_shape == (1, 13, 13)
    assert [axis.unused for axis in lessons["why-13x13"].convolution.axes] == [(27,), (27,)]
    assert lessons["same-even-kernel"].spec.pads == ((1, 2), (1, 2))
    assert lessons["same-even-kernel"].convolution.output_shape == (1, 8, 8)
    assert lessons["colour-groups"].convolution.output_shape[0] == 3
    assert list(step_of(lessons["colour-groups"]).channels) == [1]
    assert lessons["dilation"].convolution.output_shape == lessons["dilation"].convolution.image_shape
    assert [axis.span for axis in lessons["dilation"].convolution.axes] == [5, 5]
    checkerboard = lessons["checkerboard"]
    assert len(np.unique(checkerboard.picture.pixels)) == len(np.unique(checkerboard.convolution.weight)) == 1
    for session, values in (checkerboard, 3), (checkerboard.with_parameters(kernel_size=4), 1):
        assert isinstance(session.operation, Scattering)
        inner = session.operation.transposed.output[0, 3:-3, 3:-3]
        assert len(np.unique(inner.round(9))) == values
    top_edge = step_of(lessons["top-edge"])
    assert top_edge.value == top_edge.products.sum() > 2


def test_values_are_written_as_briefly_as_they_can_be() -> None:
    session = top_edge().with_spec(padding=((1, 1), (2, 2)), dilation=(2, 1))
    data = tomllib.loads(dumps(session))
    assert data["convolution"]["stride"] == 1
    assert data["convolution"]["padding"] == [1, 2]
    assert data["convolution"]["dilation"] == [2, 1]
    assert tomllib.loads(dumps(session.with_spec(padding=((1, 1), (0, 1)))))["convolution"]["padding"] == [
        [1, 1],
        [0, 1],
    ]
    assert data["kernel"] == {"name": "top-edge", "size": 3}
    assert data["image"] == {"sample": "mnist-7"}


def test_layers_are_written_as_far_as_they_are_not_the_default() -> None:
    session = top_edge()
    stack = session.stack
    assert "[layers]" not in dumps(session)
    assert "[layers]" not in dumps(session.with_stack(stack))
    layers = tomllib.loads(dumps(session.with_stack(stack.moved(1))))["layers"]
    assert layers == {"layer": 3, "activation": [0, 3, 4]}
    named = Stack.chosen("resnet-18", stack.input_shape, seed=2)
    assert tomllib.loads(dumps(session.with_stack(named)))["layers"] == {"text": "resnet-18", "seed": 2}
    own = session.with_stack(stack.changed(stride=1))
    assert tomllib.loads(dumps(own))["layers"]["text"].startswith("conv 3x3 4 s2 p1, relu, conv 3x3 8 p1,")


def test_the_norm_is_written_as_far_as_it_is_not_batch_norm() -> None:
    session = top_edge()
    assert "[batchnorm]" not in dumps(session)
    grouped = replace(session, norm=NormChoice("group", 4))
    assert tomllib.loads(dumps(grouped))["batchnorm"] == {"norm": "group", "num_groups": 4}
    layered = replace(session, norm=NormChoice("layer"))
    assert tomllib.loads(dumps(layered))["batchnorm"] == {"norm": "layer"}


def test_layers_come_back_over_another_image() -> None:
    text = dumps(top_edge().with_stack(Stack.chosen("two-layers", (1, 28, 28))))
    again = loads(text.replace('"mnist-7"', '"cat-32"'), "other.toml")
    assert (again.stack.name, again.stack.input_shape) == ("two-layers", (3, 32, 32))


def test_only_the_last_edit_of_a_pixel_is_written_and_none_that_was_taken_back() -> None:
    session = top_edge().with_pixel_value(0, 1, 2, 0.5).with_pixel_value(0, 3, 4, 0.5)
    session = session.with_pixel_value(0, 1, 2, 0.25).with_pixel_value(0, 3, 4, 0.0)
    assert tomllib.loads(dumps(session))["image"]["edits"] == [[0, 1, 2, 0.25]]


@pytest.mark.parametrize(
    "name", ["image.csv", 'a "quoted" \\ name.csv', "new\nline\t\x1b[31m\x7f.csv", "é🐈.csv"]
)
def test_an_image_file_is_named_relative_to_the_session(tmp_path: Path, name: str) -> None:
    session = top_edge(read_picture(image_file(tmp_path / "images" / name)))
    (tmp_path / "lessons").mkdir()
    save(session, tmp_path / "lessons" / "lesson.toml")
    shutil.copytree(tmp_path, moved := tmp_path.with_name(f"{tmp_path.name}-moved"))
    again = load(moved / "lessons" / "lesson.toml")
    assert figures(again) == figures(session)
    assert Path(again.picture.source).samefile(moved / "images" / name)
    assert again.picture.notice == ""


def test_a_relative_source_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image_file(Path("image.csv"))
    text = dumps(top_edge(read_picture("image.csv")))
    monkeypatch.chdir("/")
    assert loads(text, "lesson.toml").picture.source == str(tmp_path / "image.csv")


def test_a_file_named_like_a_sample_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(samples.folder() / "images" / "cat-32.png", "mnist-7")
    session = top_edge(pictures.open_any("mnist-7"))
    save(session, Path("lesson.toml"))
    assert figures(load(Path("lesson.toml"))) == figures(session)


def test_an_image_that_has_changed_since_is_noticed(tmp_path: Path) -> None:
    image = image_file(tmp_path / "image.csv")
    save(top_edge(read_picture(image)), tmp_path / "lesson.toml")
    image_file(image, np.ones((3, 3)))
    assert "image.csv" in (notice := load(tmp_path / "lesson.toml").picture.notice)
    assert "changed" in notice


def test_the_pixels_of_a_file_are_digested_once_however_often_they_are_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[bytes] = []

    def counted(start: bytes) -> object:
        digested.append(start)
        return sha256(start)

    monkeypatch.setattr("convtui.store.session_parser.sha256", counted)
    session = top_edge(read_picture(image_file(tmp_path / "image.csv")))
    for value in 0.1, 0.2, 0.3:
        session = session.with_pixel_value(0, 0, 0, value)
        dumps(session)
    assert len(digested) == 1


def test_a_place_that_is_gone_with_the_changed_image_is_explained(tmp_path: Path) -> None:
    image = image_file(tmp_path / "image.csv", np.eye(9))
    save(top_edge(read_picture(image)).finished().at(40), tmp_path / "lesson.toml")
    image_file(image, np.eye(5))
    with pytest.raises(SessionFileError, match=r"^[^\n]*lesson\.toml, line \d+: [^\n]*changed[^\n]*$"):
        load(tmp_path / "lesson.toml")


def test_resize_and_gray_are_done_again(tmp_path: Path) -> None:
    shutil.copy(samples.folder() / "images" / "cat-64.png", tmp_path)
    session = top_edge(read_picture(tmp_path / "cat-64.png", resize=20, gray=True))
    save(session, tmp_path / "lesson.toml")
    assert figures(load(tmp_path / "lesson.toml")) == figures(session)


def test_kernel_choice_of_an_edited_set_comes_back() -> None:
    session = Session.start(top_edge().picture, KernelChoice("random", seed=7, filters=2))
    edited = session.with_weight_value(1, 0, 2, 2, -0.0)
    assert figures(loads(dumps(edited), "lesson.toml")) == figures(edited)


def test_a_session_of_convtui_0_1_is_scaled_by_its_longer_side(tmp_path: Path) -> None:
    """A number was the longer side then, and stays it; in quotes it is the shorter, as it is typed now."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "old.jpg")
    text = 'convtui = 1\n\n[image]\npath = "old.jpg"\nresize = {}\n\n[kernel]\nname = "top-edge"\n'
    (tmp_path / "a.toml").write_text(text.format(60))
    (tmp_path / "b.toml").write_text(text.format('"60"'))
    old, new = load(tmp_path / "a.toml"), load(tmp_path / "b.toml")
    assert old.picture.pixels.shape == (1, 60, 40)
    assert new.picture.pixels.shape == (1, 90, 60)
    with Image.open(tmp_path / "old.jpg") as image:
        image.draft(None, (40, 60))  # as it was decoded then
        same = np.asarray(image.resize((40, 60), Image.Resampling.BILINEAR)) / 255
    np.testing.assert_array_equal(old.picture.pixels[0], same)
    for session, line in ((old, "resize = 60\n"), (new, 'resize = "60"\n')):
        assert line in dumps(session)


def test_both_sides_and_the_middle_are_read_again(tmp_path: Path) -> None:
    session = top_edge(pictures.open_any("cat-64", resize=(40, 50), crop=32))
    save(session, tmp_path / "c.toml")
    text = (tmp_path / "c.toml").read_text()
    assert 'resize = "40x50"\ncrop = "32"\n' in text
    again = load(tmp_path / "c.toml").picture
    assert (again.resize, again.crop, again.pixels.shape) == ((40, 50), 32, (3, 32, 32))
    np.testing.assert_array_equal(again.pixels, session.picture.pixels)
