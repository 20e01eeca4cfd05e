"""How images, kernels and data sets are read, on the command line: the options, the notices, the refusals."""

from pathlib import Path

import numpy as np
import pytest

from convtui.cli import main as cli
from convtui.cli.train import parser as train_parser
from tests.cli.test_main import built, refusal
from tests.support import tiff_files as tag
from tests.support.data_files import npz
from tests.support.image_files import saved, written

KERAS = np.random.default_rng(0).normal(size=(3, 3, 3, 8)).round(2)


def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """What `convtui render` says of how it was read."""
    assert cli.main(["render", str(tmp_path / "out.txt"), *arguments]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    return output.err


def test_axes_of_an_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(saved(tmp_path / "a.npy", np.arange(75).reshape(5, 5, 3)))
    assert built(path).convolution.image_shape == (3, 5, 5)
    assert built(path, "--channels-first", "--kernel-size", "2").convolution.image_shape == (5, 5, 3)
    read = "a.npy: shape (5, 5, 3) read as [rows, columns, channels]"
    assert told(capsys, tmp_path, path) == f"{read} (--channels-first reads the other order)\n"
    assert told(capsys, tmp_path, path, "--channels-last") == ""
    assert "not allowed with argument" in refusal(capsys, [path, "--channels-last", "--channels-first"])


def test_the_advice_of_a_notice_is_an_option() -> None:
    options = {*cli._open_parser()._option_string_actions, *train_parser()._option_string_actions}
    assert {"--channels-first", "--channels-last", "--kernel-layout", "--white"} <= options
    assert {"--channels-first", "--channels-last"} <= {*train_parser()._option_string_actions}


def test_layout_of_a_kernel(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(saved(tmp_path / "keras.npy", KERAS))
    session = built("cat-32", "--kernel", path)
    np.testing.assert_array_equal(session.convolution.weight, KERAS.transpose(3, 2, 0, 1))
    as_torch = built("cat-32", "--kernel", path, "--kernel-layout", "oihw")
    np.testing.assert_array_equal(as_torch.convolution.weight, KERAS)
    read = "keras.npy: shape (3, 3, 3, 8) read as [rows, columns, in, out]"
    hint = "(--kernel-layout oihw reads the other order)"
    assert told(capsys, tmp_path, "cat-32", "--kernel", path) == f"{read} {hint}\n"
    for layout in "hwio", "oihw":
        assert told(capsys, tmp_path, "cat-32", "--kernel", path, "--kernel-layout", layout) == ""


def test_a_kernel_that_does_not_fit_is_named_with_its_shape(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(saved(tmp_path / "w.npy", np.ones((8, 3, 3, 3))))
    line = refusal(capsys, ["mnist-7", "--kernel", path])
    assert "a filter needs 1/1 = 1 slices, not 3 (w.npy: shape (8, 3, 3, 3) read as [out, in, rows," in line
    text = str(written(tmp_path / "two.txt", "1 2\n\n3 4\n"))
    assert "(two.txt: weight of shape (1, 2, 1, 2))" in refusal(capsys, ["mnist-7", "--kernel", text])
    keras = str(saved(tmp_path / "keras.npy", KERAS))
    line = refusal(capsys, ["mnist-7", "--kernel", keras])
    assert "(keras.npy: shape (3, 3, 3, 8) read as [rows, columns, in, out] (--kernel-layout oihw" in line


@pytest.mark.parametrize("kernel", [(), ("--kernel", "sobel-x")])
def test_a_layout_without_an_array(capsys: pytest.CaptureFixture[str], kernel: tuple[str, ...]) -> None:
    line = refusal(capsys, ["mnist-7", *kernel, "--kernel-layout", "hwio"])
    assert line == "--kernel-layout hwio: works only with --kernel and an array"


def test_pasted_arrays() -> None:
    session = built("[[1, 2, 3], [4, 5, 6]]", "--kernel", "[1 0; 0 -1]")
    np.testing.assert_array_equal(session.convolution.image, [[[1, 2, 3], [4, 5, 6]]])
    np.testing.assert_array_equal(session.convolution.weight, [[[[1, 0], [0, -1]]]])
    np.testing.assert_array_equal(session.convolution.output, [[[-4, -4]]])
    assert (session.picture.name, session.kernel.name) == ("pasted", "pasted")
    assert built("1 2; 3 4", "--kernel", "tensor([[1.]])").convolution.image_shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["[[1, 2], [3]]"], "pasted: line 1: row of length 1, but the first has length 2"),
        (["[[1_0, 2]]"], "pasted: line 1: '1_0' is not a number"),
        (["mnist-7", "--kernel", "[[1_0]]"], "pasted kernel: line 1: '1_0' is not a number"),
        (["mnist-7", "--kernel", "[[1, 2"], "pasted kernel: line 1: a bracket is not closed"),
        (["mnist-7", "--bias", "1_0"], "--bias 1_0: must be a number"),
        (["[[1, 2], [3, 4]]", "--kernel", f"[{'1 ' * 65}]"], "pasted kernel: kernel of 1 x 65; at most 64"),
    ],
)
def test_pasted_arrays_that_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert refusal(capsys, arguments).startswith(words)


def test_white(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    values = np.array([[0, 1000], [2000, 4000]], dtype="<u2")
    path = str(written(tmp_path / "scan.tif", tag.tiff(values, tag.BLACK_IS_ZERO)))
    kernel = "--kernel", "identity", "--kernel-size", "1"
    assert "4000 is read as white (--white LEVEL sets it)" in told(capsys, tmp_path, path, *kernel)
    assert told(capsys, tmp_path, path, *kernel, "--white", "4095") == ""
    assert built(path, *kernel, "--white", "8000").picture.pixels.max() == 0.5
    assert refusal(capsys, [path, "--white", "0"]).startswith("--white 0: must be a positive number")


def test_a_session_is_read_again_by_what_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from convtui.store import session_file

    path = str(saved(tmp_path / "a.npy", np.arange(75).reshape(5, 5, 3)))
    kernel = "--kernel", "identity", "--kernel-size", "1"
    session_file.save(built(path, *kernel, "--white", "100"), tmp_path / "a.toml")
    again = built(str(tmp_path / "a.toml"), "--channels-first")
    assert (again.convolution.image_shape, again.picture.white) == ((5, 5, 3), 100)
    session_file.save(built("[[1, 2], [3, 4]]", *kernel), tmp_path / "b.toml")
    line = refusal(capsys, [str(tmp_path / "b.toml"), "--white", "4", "--channels-first"])
    assert line.endswith("is stored in the session; --channels-first, --white can only be used for a file")


def test_an_archive_says_how_its_images_are_opened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = npz(tmp_path / "set.npz")
    assert f"open an image of a data set by {path}:test:0 or" in refusal(capsys, [str(path)])
    assert built(f"{path}:test:0").convolution.image_shape == (1, 5, 4)


def test_the_train_page_gets_the_axes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from convtui.training.recipe import Recipe

    recipes = []

    def app(*_: object, recipe: Recipe, **__: object) -> object:
        recipes.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr("convtui.app.app.ConvtuiApp", app)
    monkeypatch.setattr(cli, "_is_on_a_terminal", lambda: True)
    path = str(npz(tmp_path / "set.npz"))
    for option, axes in ((), "auto"), (("--channels-last",), "channels-last"):
        assert cli.main(["--data", path, *option]) == cli.INTERRUPTED
        assert recipes.pop() == Recipe(data=path, axes=axes)
