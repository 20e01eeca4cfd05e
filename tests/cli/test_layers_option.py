"""--layers takes the name of a network, a sample, a file or the layers themselves."""

import re
from pathlib import Path

import pytest

from convtui.cli.main import main
from tests.cli.test_main import built


def test_layers_are_laid_over_the_image(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("conv 3x3 4, relu")
    for choice, name in (("resnet-18", "resnet-18"), ("dilated", "dilated"), (str(file), "mine.txt")):
        stack = built("cat-32", "--layers", choice).stack
        assert (stack.name, stack.input_shape) == (name, (3, 32, 32))
    assert built("--layers", "conv 3x3 4, relu").stack.text == "conv 3x3 4, relu"
    assert built().stack.name == "simple-cnn"
    with pytest.raises(ValueError, match=r"convtui has no network 'resnet-19'; it has .*resnet-18"):
        built("--layers", "resnet-19")
    with pytest.raises(ValueError, match=r"none\.txt"):
        built("--layers", "none.txt")


def test_a_layer_is_looked_at() -> None:
    assert built("--layer", "5").stack.layer == 5
    assert built("cat-64", "--layers", "resnet-18", "--layer", "0").stack.layer == 0
    for layer, message in (
        ("11", "no layer 11; layers are 0 to 10"),
        ("x", "must be a whole number"),
        ("-1", "must be a whole number"),
    ):
        with pytest.raises(ValueError, match=message):
            built(f"--layer={layer}")


@pytest.mark.parametrize(
    ("image", "layers", "side"),
    [
        ("mnist-7", "alexnet", 224),
        ("count-5x5", "simple-cnn", None),
        ("count-5x5", "lenet-5", 28),
        ("ramp-6x11", "conv 3x3 4, maxpool 5", 7),
        ("mnist-7", "conv 3x3 4, maxpool 3", None),
        ("mnist-7", "conv 5000x5000 4", None),
    ],
)
def test_an_image_that_is_too_small_is_to_be_scaled(image: str, layers: str, side: int | None) -> None:
    session = built(image, "--layers", layers)
    _, height, width = session.stack.input_shape
    if side is None:
        assert (session.stack.fitting_side, session.notice) == (None, "")
        return
    assert re.search(rf"do not fit {height}x{width} pixels; --resize {side} \(or R on", session.notice)
    scaled = built(image, "--layers", layers, "--resize", str(side))
    assert (scaled.stack.summary.error, scaled.notice) == (None, "")


def test_every_row_of_a_network_of_152_layers_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = "conv 1x1 64 nobias\nbn\nrelu\nconv 3x3 64 p1 nobias\nbn\nrelu\n"
    file, out = tmp_path / "net.txt", tmp_path / "out.txt"
    file.write_text("conv 7x7 64 s2 p3\n" + block * 25 + "adaptiveavgpool 3\n")
    command = ["render", str(out), "cat-64", "--screen", "layers", "--layers", str(file)]
    assert main([*command, "--layer", "101", "--size", "120x200"]) == 0
    text = out.read_text("utf-8")
    numbers = [
        int(match[1]) for line in text.splitlines() if (match := re.match(r"[ ▸] +([0-9]+)  \w", line))
    ]
    assert numbers[:153] == list(range(153))
    assert "▸ 101  conv 3x3 64 p1 nobias" in text
    assert "↑" not in text
    assert "below ↓" not in text
    assert main([*command, "--layer", "101"]) == 0
    text = out.read_text("utf-8")
    assert "▸ 101  conv 3x3 64 p1 nobias" in text
    assert re.search("↑ [0-9]+ above · [0-9]+ below ↓", text)
    assert capsys.readouterr().err == ""
    assert main([*command, "--layer", "153"]) == 2
    assert "no layer 153; layers are 0 to 152" in capsys.readouterr().err
