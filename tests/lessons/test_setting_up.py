"""What a step begins with: the settings of the step before, then its own, read beside the lesson's file."""

from pathlib import Path

import numpy as np
import pytest

from convtui.inputs import samples
from convtui.lessons.lesson_file import MOST_STEPS, LessonError
from convtui.lessons.setting_up import SetUps, changed
from convtui.state.session import Zoom
from convtui.store.session_file import save
from convtui.training.recipe import Recipe
from tests.support import data_files
from tests.support.example_sessions import session_on
from tests.support.lessons import READ, begun, lesson_of
from tests.support.sessions import image_file


def refusal(*steps: str, path: Path = Path("tried.toml")) -> str:
    with pytest.raises(LessonError) as caught:
        begun(*steps, path=path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_lesson_begins_as_convtui_opens_an_image() -> None:
    session = begun(READ).session
    assert session.picture.name == "mnist-7"
    assert (session.kernel.name, session.spec.stride, session.spec.pads) == (
        "top-edge",
        (1, 1),
        ((0, 0), (0, 0)),
    )
    assert (session.index, session.taps, session.filled) == (0, None, 1)


def test_settings_are_typed_in_order() -> None:
    session = begun(f"{READ}settings = ['padding 2', 'kernel identity 5', 'stride 2', 'at 0,1,2']").session
    assert (session.spec.kernel_size, session.spec.stride) == ((5, 5), (2, 2))
    assert session.position == (0, 1, 2)


def test_a_step_goes_on_from_the_one_before() -> None:
    steps = (
        f"{READ}settings = ['stride 2', 'at 0,4,5']\nrecipe = ['epochs 1']\n"
        "multiply_adds = 4\nview = ['transposed']",
        f"{READ}settings = ['padding 1']",
        f"{READ}image = 'cat-32'",
    )
    second, third = begun(*steps[:2]), begun(*steps)
    assert second.session.spec.stride == (2, 2)
    assert second.session.spec.pads == ((1, 1), (1, 1))
    assert second.session.taps is None
    assert not second.session.view.transposed
    assert second.recipe == third.recipe == Recipe(epochs=1)
    assert third.session.spec.stride == (1, 1)
    assert third.session.picture.name == "cat-32"


def test_an_operation_is_chosen_before_the_settings() -> None:
    step = f"{READ}operation = 'maxpool 3 s2'\nsettings = ['ceil_mode on', 'at 0,13,13']"
    session = begun(step).session
    assert (session.kind, session.way, session.position) == ("maxpool", "", (0, 13, 13))
    step = f"{READ}image = 'count-3x3'\noperation = 'convtranspose 3x3 1 s2'\nway = 'gather'"
    session = begun(f"{step}\nsettings = ['at 0,6,5']").session
    assert (session.kind, session.way, session.position) == ("convtranspose", "gather", (0, 6, 5))


def test_an_operation_stays_until_another_or_another_image() -> None:
    steps = (
        f"{READ}operation = 'avgpool 2'",
        READ,
        f"{READ}operation = 'conv'",
        f"{READ}operation = 'adaptivemaxpool 4'",
        f"{READ}image = 'cat-32'",
    )
    kinds = [begun(*steps[: n + 1]).session.kind for n in range(5)]
    assert kinds == ["avgpool", "avgpool", "conv", "adaptivemaxpool", "conv"]


def test_a_recipe_starts_from_the_default() -> None:
    steps = (f"{READ}recipe = ['epochs 1']", f"{READ}recipe = ['batch_norm off']", f"{READ}recipe = []")
    assert [begun(*steps[: n + 1]).recipe for n in range(3)] == [
        Recipe(epochs=1),
        Recipe(batch_norm=False),
        Recipe(),
    ]
    assert begun(READ).recipe is None


def test_steps_can_be_asked_for_in_any_order() -> None:
    lesson = lesson_of(*[f"{READ}settings = ['padding {n}']" for n in range(5)])
    set_ups = SetUps(lesson)
    for n in (3, 0, 4, 4, 1):
        assert set_ups.of(n).session.spec.pads[0] == (n, n)
    assert set_ups.of(3) is set_ups.of(3)


def test_a_recipe_does_not_depend_on_what_was_asked_for_before() -> None:
    lesson = lesson_of(f"{READ}recipe = ['epochs 1']", f"{READ}image = 'cat-32'")
    assert SetUps(lesson).of(1).recipe == Recipe(epochs=1)


def test_a_long_lesson() -> None:
    assert begun(*[READ] * MOST_STEPS).session.picture.name == "mnist-7"


def test_a_step_with_an_image_does_not_need_those_before() -> None:
    assert begun(f"{READ}image = 'nowhere'", f"{READ}image = 'cat-32'").session.picture.name == "cat-32"


def test_how_it_is_shown() -> None:
    step = f"{READ}image = 'cat-32'\nfinished = true\nmultiply_adds = 4\nzoom = 'half-blocks'\nslice = 2"
    session = begun(step).session
    assert session.filled == session.size
    assert session.taps == 4
    assert (session.view.zoom, session.view.slice) == (Zoom.HALF_BLOCKS, 2)


def test_files_are_found_beside_the_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = tmp_path / "my course"
    image_file(course / "mine.csv")
    image_file(course / "kernels" / "own kernel.csv", [[1, 2], [3, 4]])
    np.save(course / "keras.npy", np.ones((2, 2, 1, 3)))
    (course / "net.txt").write_text("conv 2x2 3")
    save(session_on("cat-32", padding=1), course / "saved.toml")
    data_files.npz(course / "set.npz")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in (course / "lesson.toml", Path("../my course/lesson.toml")):
        monkeypatch.chdir(elsewhere)
        opened = begun(f"{READ}image = 'mine.csv'", path=path).session
        assert opened.picture.pixels.shape == (1, 3, 3)
        own = "settings = ['kernel kernels/own kernel.csv']"
        assert begun(f"{READ}image = 'mine.csv'\n{own}", path=path).session.convolution.weight.sum() == 10
        keras = "settings = ['kernel = keras.npy hwio', 'layers net.txt']"
        session = begun(f"{READ}image = 'mine.csv'\n{keras}", path=path).session
        assert session.convolution.weight_shape == (3, 1, 2, 2)
        assert session.stack.name == "net.txt"
        saved = begun(f"{READ}image = 'saved.toml'", path=path).session
        assert (saved.picture.name, saved.spec.pads, saved.path) == ("cat-32", ((1, 1), (1, 1)), None)
        assert begun(f"{READ}image = 'set.npz:test:0'", path=path).session.picture.pixels.ndim == 3
        assert begun(f"{READ}recipe = ['data set.npz']", path=path).recipe == Recipe(
            data=str(path.parent / "set.npz")
        )


def test_samples_are_found_by_name() -> None:
    for file in samples.session_files():
        assert begun(f"{READ}image = '{file.stem}'").session.path is None
    assert begun(f"{READ}image = 'mnist-12k:test:3'").session.picture.pixels.shape == (1, 28, 28)
    assert begun(f"{READ}image = '[[1, 2, 3], [4, 5, 6], [7, 8, 9]]'").session.picture.pixels.sum() == 45
    kernel = begun(f"{READ}image = 'cat-32'\nsettings = ['kernel luma']").session
    assert kernel.kernel.name == "luma.txt"


@pytest.mark.parametrize(
    ("step", "line", "said"),
    [
        (f"{READ}image = 'mnist-77'", 5, "mnist-77: no such file or sample; did you mean mnist-7"),
        (f"{READ}image = 'missing.toml'", 5, "missing.toml: no such file"),
        (f"{READ}image = '{'x' * 5000}'", 5, "xx"),
        (f"{READ}settings = ['stride 0']", 5, "stride"),
        (
            f"{READ}settings = [\n  'stride 2',\n  'strid 3',\n]",
            5,
            "strid: unknown setting; did you mean stride",
        ),
        (f"{READ}settings = ['stride']", 5, "stride needs a value"),
        (f"{READ}settings = ['']", 5, "unknown setting"),
        (f"{READ}operation = 'maxpol 2'", 5, "did you mean maxpool"),
        (f"{READ}operation = 'relu'", 5, "must be conv, convtranspose, maxpool"),
        (f"{READ}operation = 'maxpool 2'\nway = 'gather'", 6, "only a transposed convolution has ways"),
        (f"{READ}operation = 'convtranspose'\nway = 'sideways'", 6, "must be scatter or gather"),
        (f"{READ}settings = ['kernel missing.txt']", 5, "missing.txt: no such kernel or file"),
        (f"{READ}settings = ['kernel identity 99']", 5, "kernel"),
        (f"{READ}settings = ['at 0,40,0']", 5, "no output row 40"),
        (f"{READ}settings = ['layer 40']", 5, "no layer 40"),
        (f"{READ}recipe = ['epochs 0']", 5, "epochs"),
        (f"{READ}recipe = ['epoch 2']", 5, "epoch"),
        (f"{READ}multiply_adds = 10", 5, "multiply_adds 10: a cell has 9"),
        (f"{READ}slice = 1", 5, "slice 1: must be from 0 to 0"),
    ],
)
def test_what_is_refused_has_its_line(step: str, line: int, said: str) -> None:
    message = refusal(step)
    assert message.startswith(f"tried.toml, line {line}: ")
    assert said in message


def test_the_line_is_that_of_the_step_that_is_refused() -> None:
    assert refusal(READ, f"{READ}settings = ['stride 0']", READ).startswith("tried.toml, line 7: ")


def test_a_setting_of_an_answer_finds_its_files_too(tmp_path: Path) -> None:
    image_file(tmp_path / "own.csv", [[1, 2], [3, 4]])
    session = changed(begun(READ).session, "kernel own.csv", tmp_path)
    assert session.convolution.weight.sum() == 10
    with pytest.raises(ValueError, match="no such kernel or file"):
        changed(session, "kernel nowhere.csv", tmp_path)
