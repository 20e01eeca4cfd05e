"""--layers takes the name of a network, a sample, a file or the layers themselves."""

from pathlib import Path

import pytest

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
