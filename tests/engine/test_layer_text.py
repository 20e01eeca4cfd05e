"""Stacks are read from text and TOML, written back, and refused with the layer and the word that is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.branches import Concat, Residual
from convtui.engine.layer_text import format_layers, load_layers, parse_layers, parse_layers_toml
from convtui.engine.layers import BatchNorm, Flatten, Layer, LayerError, Linear, ReLU, Shape
from convtui.engine.pool_layers import AdaptiveAvgPool, AvgPool, MaxPool
from convtui.engine.window_layers import Conv
from tests.engine.stacks import stacks


@given(stacks())
def test_text_is_read_back(stack: tuple[list[Layer], Shape]) -> None:
    layers, _ = stack
    assert list(parse_layers(format_layers(layers))) == layers


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("conv 3x3 8 s2 p1, relu, maxpool 2 s2", [Conv(8, 3, 2, 1), ReLU(), MaxPool(2)]),
        (
            "bn, gap, flatten, linear 10 nobias",
            [BatchNorm(), AdaptiveAvgPool(1), Flatten(), Linear(10, False)],
        ),
        ("conv 3 8 same d2 g4 nobias reflect", [Conv(8, 3, 1, "same", 2, 4, False, "reflect")]),
        ("conv 1x5 8 s1x2 p0x2", [Conv(8, (1, 5), (1, 2), (0, 2))]),
        ("conv 2×3 4 P0:1x2:3 Valid", None),
        ("CONV 2×3 4 P0:1x2:3", [Conv(4, (2, 3), padding=((0, 1), (2, 3)))]),
        ("conv 3x3 8 # the first\n\n relu\r\navgpool 3 s2 p1,", [Conv(8, 3), ReLU(), AvgPool(3, 2, 1)]),
        ("residual(relu)", [Residual([[ReLU()], []])]),
        ("residual ( relu , bn | )", [Residual([[ReLU(), BatchNorm()], []])]),
        (
            "residual(\n  relu\n  concat(bn | relu | )\n|\n  bn\n), relu",
            [Residual([[ReLU(), Concat([[BatchNorm()], [ReLU()], []])], [BatchNorm()]]), ReLU()],
        ),
    ],
)
def test_text(text: str, layers: list[Layer] | None) -> None:
    if layers is None:
        with pytest.raises(LayerError, match="padding is given twice, the second time as 'Valid'"):
            parse_layers(text)
    else:
        assert list(parse_layers(text)) == layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cnov 3x3 8", "layer 1 (cnov 3x3 8): unknown layer type 'cnov'; did you mean conv?"),
        ("relu, Conv2d 3x3 8", "layer 2 (Conv2d 3x3 8): unknown layer type 'Conv2d'; did you mean conv?"),
        ("BatchNorm2d", "layer 1 (BatchNorm2d): unknown layer type 'BatchNorm2d'; did you mean bn?"),
        ("fc 10", "layer 1 (fc 10): unknown layer type 'fc'; did you mean linear?"),
        (
            "xyz",
            "layer 1 (xyz): unknown layer type 'xyz'; "
            "choose from conv, maxpool, relu, bn, linear and others; convtui layers --help lists them",
        ),
        (
            "conv 3x3 8 z2",
            "layer 1 (conv 3x3 8 z2): 'z2' is not a parameter of conv; for example: conv 3x3 8 s2 p1",
        ),
        (
            "conv 3x3 8 9",
            "layer 1 (conv 3x3 8 9): '9' is not a parameter of conv; for example: conv 3x3 8 s2 p1",
        ),
        ("relu 3", "layer 1 (relu 3): '3' is not a parameter of relu; for example: relu"),
        ("relu, conv 3", "layer 2 (conv 3): conv needs out_channels; for example: conv 3x3 8 s2 p1"),
        (
            "conv 8 3x3",
            "layer 1 (conv 8 3x3): out_channels=(3, 3): must be a whole number; "
            "for example: conv 3x3 8 s2 p1",
        ),
        ("conv 3 8 s0", "layer 1 (conv 3 8 s0): stride=0: must be at least 1; nearest legal: 1"),
        ("conv 3 8 s2 s3", "layer 1 (conv 3 8 s2 s3): stride is given twice, the second time as 's3'"),
        ("conv 3 8 p1 same", "layer 1 (conv 3 8 p1 same): padding is given twice, the second time as 'same'"),
        ("maxpool 2 g2", "layer 1 (maxpool 2 g2): maxpool has no groups; for example: maxpool 2 s2"),
        ("linear 10 s2", "layer 1 (linear 10 s2): linear has no stride; for example: linear 10"),
        ("re\x1blu", r"layer 1 (re\x1blu): unknown layer type 're\x1blu'; did you mean relu?"),
        ("relu, bn(3)", "layer 2 (bn): bn takes no brackets; for example: bn"),
        ("relu, (bn)", "layer 2: only residual, multiply or concat may come before ("),
        ("conv 3 (bn)", "layer 1 (conv 3): only residual, multiply or concat may come before ("),
        ("residual(relu, cnv 3 | relu)", "layer 2 (cnv 3): unknown layer type 'cnv'; did you mean conv?"),
        ("residual(relu, bn", "layer 3 (residual): missing closing )"),
        ("relu, bn), relu", "layer 3: unexpected ')' outside residual( | ) or concat( | )"),
        ("relu | bn", "layer 2: unexpected '|' outside residual( | ) or concat( | )"),
        ("residual(relu) relu", "layer 3: missing comma before 'relu'"),
        (
            "relu, residual",
            "layer 2 (residual): residual needs paths; "
            "for example: residual(conv 3x3 8 p1, relu | conv 1x1 8)",
        ),
        ("residual(" * 40, "layer 1 (residual): nested more than 16 levels deep"),
        (" ,\n# relu", "layer 1: no layers given; for example: conv 3x3 8 s2 p1, relu"),
    ],
)
def test_wrong_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(LayerError) as error:
        parse_layers(text)
    assert str(error.value) == message


def test_long_words_are_shortened() -> None:
    for text in "x" * 99_999, f"conv 3 {'9' * 99_999}", f"residual({'relu ' * 9999})":
        with pytest.raises(LayerError) as error:
            parse_layers(text)
        assert len(str(error.value)) < 320


@given(st.text("conv3x8 ,sp(|)relu\n#", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        layers = parse_layers(text)
    except LayerError:
        return
    assert parse_layers(format_layers(layers)) == layers


TOML = """\
[[layer]]
type = "conv"
out_channels = 8
kernel_size = [3, 5]
stride = 2
padding = [[0, 1], [2, 2]]
bias = false

[[layer]]
type = "residual"
paths = ["conv 3x3 8 p1, bn", [{ type = "bn" }, { type = "relu" }]]

[[layer]]
type = "maxpool"
kernel_size = 2
"""


def test_toml_tables() -> None:
    text = "conv 3x5 8 s2 p0:1x2:2 nobias, residual(conv 3x3 8 p1, bn | bn, relu), maxpool 2"
    assert parse_layers_toml(TOML) == parse_layers(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"conv"', '"cnov"', "layer 1 (cnov): unknown layer type 'cnov'; did you mean conv?"),
        ("stride = 2", "strid = 2", "layer 1 (conv): conv has no strid; did you mean stride?"),
        ("stride = 2", "xyz = 2", "layer 1 (conv): conv has no xyz; for example: conv 3x3 8 s2 p1"),
        ("stride = 2", "stride = 2.5", "layer 1 (conv): stride=2.5: must be whole numbers"),
        ("out_channels = 8\n", "", "layer 1 (conv): conv needs out_channels; for example: conv 3x3 8"),
        ("bias = false", "bias = 0", "layer 1 (conv): bias=0: must be true or false"),
        ("conv 3x3 8 p1, bn", "relu, cnv", "layer 3 (cnv): unknown layer type 'cnv'; did you mean conv?"),
        ("conv 3x3 8 p1, bn", "relu | bn", "layer 3: unexpected '|' outside residual"),
        ('{ type = "relu" }', "3", 'layer 5: a layer must be a table with a type, such as type = "conv"'),
        ('type = "maxpool"\n', "", 'layer 7: a layer must be a table with a type, such as type = "conv"'),
        (
            'type = "maxpool"',
            "type = 3",
            'layer 7: a layer must be a table with a type, such as type = "conv"',
        ),
        (
            'paths = ["conv',
            'paths = "relu" #',
            "layer 2: paths must be an array, each path a text or an array",
        ),
        ("[[layer]]\n", "[layers]\n", "'layers' is not a known key; each layer is a [[layer]] table"),
        ("stride = 2", "stride =", "invalid TOML: Invalid value (at line 5, column 9)"),
        ("stride = 2", f"stride = {'[' * 5000}", "invalid TOML: "),
    ],
)
def test_wrong_toml_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse_layers_toml(TOML.replace(old, new, 1))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'layer 1: no layers given; for example: [[layer]] with type = "relu"'),
        ('layer = "relu"', "layer 1: layers must be an array of tables, [[layer]]"),
    ],
)
def test_toml_without_tables_is_refused(text: str, message: str) -> None:
    with pytest.raises(LayerError) as error:
        parse_layers_toml(text)
    assert str(error.value) == message


def test_toml_is_not_nested_without_end() -> None:
    nested = "[{type = 'residual', paths = [" * 20 + "'relu'" + "]}]" * 20
    with pytest.raises(LayerError, match="nested more than 16 levels deep"):
        parse_layers_toml(f"layer = {nested}")


def test_files(tmp_path: Path) -> None:
    text, toml, damaged = (tmp_path / name for name in ("stack.txt", "stack.TOML", "damaged.txt"))
    text.write_text("\ufeffrelu,\nbn\n", "utf-8")
    toml.write_text(TOML)
    damaged.write_bytes(b"relu\xff")
    assert load_layers(text) == parse_layers("relu, bn")
    assert load_layers(str(toml)) == parse_layers_toml(TOML)
    for path, message in (
        (damaged, "not a text file"),
        (tmp_path, "no such file"),
        (tmp_path / "x", "no such file"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            load_layers(path)
        assert str(error.value).startswith(str(path))
    text.write_text("x" * (2**20 + 1))
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        load_layers(text)
    text.write_text("relu, rleu")
    with pytest.raises(ValueError, match=r"stack.txt: layer 2 \(rleu\)"):
        load_layers(text)
