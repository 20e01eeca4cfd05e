"""The bundled samples: all there, all as described, all found by name."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convtui import receptive_field
from convtui.engine.kernels import kernel, load_kernel
from convtui.engine.layer_text import load_layers
from convtui.engine.stack import summarize
from convtui.inputs import samples
from convtui.inputs.images import InputError
from convtui.store import pictures


def test_the_default_comes_first() -> None:
    assert samples.image_names()[0] == samples.DEFAULT_IMAGE


def test_every_image_is_listed() -> None:
    files = {path.stem for path in (samples.folder() / "images").iterdir()}
    assert files == set(samples.image_names())


@pytest.mark.parametrize("name", samples.image_names())
def test_images_are_as_described(name: str) -> None:
    picture = samples.open_image(name)
    channels, rows, cols = picture.pixels.shape
    description = samples.describe(name)
    assert description.endswith(f"{rows}x{cols}.")
    assert ("colour" in description) == picture.colour == (channels == 3)
    assert (picture.name, picture.source, picture.notice) == (name, name, "")
    assert picture.lowest <= picture.pixels.min() <= picture.pixels.max() <= picture.highest
    assert (picture.pixels.min() == picture.pixels.max()) == (name == "flat-6x6")
    if name not in ("count-3x3", "count-5x5"):
        assert (picture.lowest, picture.highest) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("prefix", "archive", "white"), [("mnist", "mnist-12k", 255), ("digit-8x8", "digits-8x8", 16)]
)
def test_digits_are_what_their_names_say(prefix: str, archive: str, white: int) -> None:
    with np.load(samples.folder() / "data" / f"{archive}.npz") as data:
        images, labels = data["test_images"], data["test_labels"]
    for name in samples.image_names():
        if name.startswith(prefix):
            same = (images == np.round(samples.open_image(name).pixels * white)).all((1, 2))
            assert labels[same].tolist() == [int(name[-1])]


def test_colours_are_red_green_blue() -> None:
    pixels = samples.open_image("colours-12x12").pixels
    assert pixels[:, 0, ::4].T.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_licences_are_told_for_every_folder_and_image() -> None:
    readme = (samples.folder() / "README.md").read_text(encoding="utf-8")
    for path in samples.folder().rglob("*.*"):
        if path.parent.name in ("data", "kernels"):
            assert f"`{path.name}`" in readme
    for family in {name.rstrip("0123456789") for name in samples.image_names()}:
        assert f"`{family}" in readme


def test_kernels_load_with_the_shape_the_readme_tells() -> None:
    readme = (samples.folder() / "README.md").read_text(encoding="utf-8")
    assert samples.kernel_files()
    for path in samples.kernel_files():
        assert f"| `{path.name}` | `{list(load_kernel(path).shape)}` |" in readme


def test_kernels_do_what_they_say() -> None:
    weights = {path.stem: load_kernel(path) for path in samples.kernel_files()}
    np.testing.assert_array_equal(weights["lecture-edges"], kernel("edges"))
    np.testing.assert_allclose(weights["red-green"].sum((0, 2, 3)), [1, -1, 0])
    np.testing.assert_allclose(weights["luma"].sum(), 1)
    np.testing.assert_allclose(weights["motion-blur"].sum(), 1)


def test_layers_are_told_and_fit() -> None:
    readme = (samples.folder() / "README.md").read_text(encoding="utf-8")
    for path in samples.layer_files():
        assert f"| `{path.name}` |" in readme
        assert path.read_text(encoding="utf-8").startswith("# ")
        assert summarize(load_layers(path), (3, 28, 28)).error is None
    assert receptive_field(load_layers(samples.folder() / "layers" / "dilated.txt"))[-1].size == (31, 31)


def test_session_files_are_toml() -> None:
    assert {path.name for path in samples.session_files()} == {
        path.name for path in (samples.folder() / "sessions").iterdir() if path.suffix == ".toml"
    }


@pytest.mark.parametrize("text", ["cat-32", "cat-32.png"])
def test_open_any_finds_samples(text: str) -> None:
    picture = pictures.open_any(text, resize=8, gray=True)
    assert picture.pixels.shape == (1, 8, 8)
    assert (picture.name, picture.source, picture.resize, picture.gray) == ("cat-32", "cat-32", 8, True)


def test_open_any_prefers_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (2, 3)).save(tmp_path / "cat-32.png")
    assert pictures.open_any("cat-32.png").pixels.shape == (1, 3, 2)
    assert pictures.open_any("cat-32").pixels.shape == (3, 32, 32)


def test_open_any_prefers_a_sample_to_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat-32").mkdir()
    assert pictures.open_any("cat-32").pixels.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat-23", "cat-23: no such file or sample; did you mean cat-32"),
        ("photo.pgn", "photo.pgn: no such file or sample; did you mean photo.png?"),
        ("zzzzzz", "zzzzzz: no such file or sample"),
        ("folder", "folder: is a folder"),
        ("\x1b[31m", "'\\x1b[31m': no such file or sample"),
        ("", "'': is a folder"),
    ],
)
def test_open_any_says_what_is_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        pictures.open_any(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_open_image_says_what_is_close() -> None:
    with pytest.raises(InputError, match=r"^mnist-77: no such sample; did you mean mnist-7"):
        samples.open_image("mnist-77")


def test_the_default_needs_neither_pillow_nor_torch() -> None:
    script = (
        "import sys, convtui.inputs.samples as samples\n"
        "samples.open_image(samples.DEFAULT_IMAGE)\n"
        "print(*sorted({'PIL', 'torch', 'textual', 'difflib'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_data_sets_are_told() -> None:
    files = {path.stem for path in (samples.folder() / "data").glob("*.npz")}
    assert files == set(samples.data_names())
    assert all(samples.describe_data(name).endswith(".") for name in samples.data_names())
