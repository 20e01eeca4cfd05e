"""A stack has PyTorch's shapes and parameters, and says which layer does not fit and why."""

import re
from math import prod

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from convtui.engine.layer_text import parse_layers
from convtui.engine.layers import Layer, LayerError, Shape
from convtui.engine.pool_layers import MaxPool
from convtui.engine.spec import SpecError
from convtui.engine.stack import nodes, summarize
from tests.engine.stacks import Torch, convs, pools, stacks

LECTURE = "conv 3x3 4 s2 p1, relu, conv 3x3 8 s2 p1"


@settings(max_examples=50)
@given(stacks())
def test_shapes_and_parameters_are_those_of_torch(stack: tuple[list[Layer], Shape]) -> None:
    layers, image = stack
    computed = Torch(torch.zeros(image, dtype=torch.float64)).run(layers)
    summary = summarize(layers, image)
    assert summary.error is None
    assert [row.number for row in summary.rows] == list(range(len(computed.outputs)))
    for row, output, module in zip(summary.rows, computed.outputs, computed.modules, strict=True):
        assert row.output_shape == tuple(output.shape)
        parameters = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
        assert row.parameter_shapes == parameters
        assert row.parameters == sum(map(prod, parameters.values()))


@settings(max_examples=25)
@given(stacks())
def test_multiply_adds_are_those_that_torch_counts(stack: tuple[list[Layer], Shape]) -> None:
    layers, image = stack
    with FlopCounterMode(display=False) as counter:
        Torch(torch.zeros(image, dtype=torch.float64)).run(layers)
    assert 2 * summarize(layers, image).multiply_adds == counter.get_total_flops()


@given(st.integers(1, 4), st.data())
def test_refuses_exactly_what_torch_refuses(channels: int, data: st.DataObject) -> None:
    layer = data.draw(st.one_of(convs(data.draw(st.integers(1, 4))), pools()))
    image = (channels, data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6)))
    error = summarize([layer], image).error
    try:
        Torch(torch.zeros(image, dtype=torch.float64)).run([layer])
    except (RuntimeError, ValueError):
        assert error is not None
    else:
        assert error is None


@pytest.mark.parametrize(
    ("text", "image", "formulas"),
    [
        (LECTURE, (1, 28, 28), {1: ("4*(1*3*3)+4 = 40", "14*14*36 = 7,056")}),
        (LECTURE, (1, 28, 28), {2: ("0", "0"), 3: ("8*(4*3*3)+8 = 296", "7*7*288 = 14,112")}),
        ("conv 3x5 6 g3 nobias", (3, 9, 9), {1: ("6*(1*3*5) = 90", "7*5*90 = 3,150")}),
        ("bn, flatten, linear 10", (8, 4, 5), {1: ("8+8 = 16", "0")}),
        ("bn, flatten, linear 10", (8, 4, 5), {3: ("10*160+10 = 1,610", "10*160 = 1,600")}),
    ],
)
def test_formulas(text: str, image: Shape, formulas: dict[int, tuple[str, str]]) -> None:
    rows = summarize(text, image).rows
    for number, (parameters, multiply_adds) in formulas.items():
        assert rows[number].parameters_formula == parameters
        assert rows[number].cost.formula == multiply_adds


@given(stacks())
def test_formulas_are_true(stack: tuple[list[Layer], Shape]) -> None:
    for row in summarize(*stack).rows:
        for formula, number in (
            (row.parameters_formula, row.parameters),
            (row.cost.formula, row.multiply_adds),
        ):
            sides = formula.replace(",", "").split(" = ")
            assert {eval(side) for side in sides} == {number}


def test_branches_lie_flat_before_their_join() -> None:
    layers = parse_layers("relu, residual(bn, residual(relu, bn) | conv 3x3 8), flatten")
    assert [(node.layer.kind, node.inputs, node.branch) for node in nodes(layers)] == [
        ("relu", (0,), ()),
        ("bn", (1,), (0,)),
        ("relu", (2,), (0, 0)),
        ("bn", (3,), (0, 0)),
        ("residual", (4, 2), (0,)),
        ("conv", (1,), (1,)),
        ("residual", (5, 6), ()),
        ("flatten", (7,), ()),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "conv 3x3 8 s2 p1, relu, maxpool 5 s2",
            "layer 3 (maxpool 5 s2): kernel_size=5: the window spans 5 rows "
            "but the padded image has only 4; nearest legal: kernel_size 4, or padding 1; "
            "rows: ⌊(4 + 0 + 0 − 1·(5 − 1) − 1) / 2⌋ + 1 = ⌊−1 / 2⌋ + 1 = −1 + 1 = 0",
        ),
        (
            "conv 3x9 8",
            "layer 1 (conv 3x9 8): kernel_size=(3, 9): the window spans 9 columns "
            "but the padded image has only 7; nearest legal: kernel_size (3, 7), or padding (0, 1); "
            "columns: (7 + 0 + 0 − 1·(9 − 1) − 1) / 1 + 1 = −2 / 1 + 1 = −2 + 1 = −1",
        ),
        (
            "conv 3x3 8 p7 reflect",
            "layer 1 (conv 3x3 8 p7 reflect): padding=7: reflect padding must be less than "
            "the image's 7 rows; nearest legal: padding 6, or padding_mode zeros",
        ),
        (
            "relu, conv 3x3 4 g2",
            "layer 2 (conv 3x3 4 g2): groups=2: must divide the 3 input channels; nearest legal: 1",
        ),
        (
            "linear 10",
            "layer 1 (linear 10): input=[3, 7, 7]: linear takes features, not feature maps; "
            "nearest legal: flatten before it",
        ),
        (
            "flatten, relu, maxpool 2",
            "layer 3 (maxpool 2): input=[147]: maxpool takes feature maps [channels, rows, columns]; "
            "nearest legal: before flatten",
        ),
        (
            "residual(conv 3x3 8 s2 p1)",
            "layer 2 (residual): paths=[[8, 4, 4], [3, 7, 7]]: all paths must end in the same shape; "
            "nearest legal: the shortcut conv 1x1 8 s2",
        ),
        (
            "residual(conv 3x3 3)",
            "layer 2 (residual): paths=[[3, 5, 5], [3, 7, 7]]: all paths must end in the same shape",
        ),
        (
            "residual(relu | flatten)",
            "layer 3 (residual): paths=[[3, 7, 7], [147]]: all paths must end in the same shape",
        ),
        (
            "concat(conv 3x3 8 | relu)",
            "layer 3 (concat): paths=[[8, 5, 5], [3, 7, 7]]: all paths must end in the same rows and columns",
        ),
        (
            "maxpool 3 s2 p1 d9",
            "layer 1 (maxpool 3 s2 p1 d9): kernel_size=3: with dilation 9 the window spans 19 rows "
            "but the padded image has only 9; nearest legal: dilation 4; "
            "rows: (7 + 1 + 1 − 9·(3 − 1) − 1) / 2 + 1 = −10 / 2 + 1 = −5 + 1 = −4",
        ),
    ],
)
def test_says_which_layer_does_not_fit_and_what_would(text: str, message: str) -> None:
    summary = summarize(text, (3, 7, 7))
    assert str(summary.error) == message
    assert summary.error is not None
    assert len(summary.rows) == summary.error.number


def test_shortcut_that_is_offered_fits() -> None:
    layers = "residual(conv 3x3 8 s2 p1, relu, maxpool 2 | conv 1x1 8 s4)"
    without = summarize(layers.replace(" conv 1x1 8 s4", ""), (3, 16, 16))
    assert without.error is not None
    assert without.error.reason.endswith("the shortcut conv 1x1 8 s4")
    assert summarize(layers, (3, 16, 16)).error is None


@given(st.integers(1, 6), st.integers(0, 3), st.integers(2, 9), st.integers(1, 5))
def test_dilated_pooling_is_offered_only_what_is_legal(
    kernel: int, padding: int, dilation: int, size: int
) -> None:
    assume(padding <= kernel // 2)
    error = summarize(f"maxpool {kernel} p{padding} d{dilation}", (1, size, size)).error
    if error:
        offers = "".join(re.findall("nearest legal: (.*?);", error.reason))
        assert offers or kernel > size + 2 * padding
        pool = MaxPool(kernel, kernel, padding, dilation)
        for name, value in re.findall(r"(\w+) (\d+)", offers):
            assert summarize([pool.changed(**{name: int(value)})], (1, size, size)).error is None


def test_image_of_no_shape_is_refused() -> None:
    for shape in (0, 4, 4), (4, 4), (1, 4, -4):
        with pytest.raises(SpecError, match="input_shape"):
            summarize("relu", shape)


def test_text_that_names_no_layer_is_refused() -> None:
    with pytest.raises(LayerError, match="did you mean relu"):
        summarize("rleu", (1, 4, 4))


def test_totals_are_sums_of_the_rows() -> None:
    summary = summarize("conv 3x3 4, residual(conv 3x3 4 p1, bn), flatten, linear 3", (2, 6, 6))
    assert summary.parameters == 76 + 148 + 8 + 195
    assert summary.multiply_adds == 16 * 72 + 16 * 144 + 192


def test_notes_tell_of_clipped_fields_only() -> None:
    rows = summarize("conv 3x3 1 s2 p1, conv 3x3 1 s2 p1, conv 3x3 1 s2 p1", (1, 7, 12)).rows
    notes = [row.notes for row in rows]
    assert notes == [(), (), (), ("the 15x15 field is larger than the image and is clipped to 7x12",)]


def test_a_row_has_the_shapes_of_all_its_arrays_and_of_its_maps() -> None:
    rows = summarize("conv 3x3 4, bn, flatten, linear 5 nobias", (2, 6, 5)).rows
    assert [row.weight_shapes for row in rows] == [
        {},
        {"weight": (4, 2, 3, 3), "bias": (4,)},
        {"weight": (4,), "bias": (4,), "running_mean": (4,), "running_var": (4,)},
        {},
        {"weight": (5, 48)},
    ]
    assert [row.output_maps for row in rows] == [(2, 6, 5), (4, 4, 3), (4, 4, 3), (48, 1, 1), (5, 1, 1)]
