"""What is said of layers is true, and fits."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.layers import Layer, Shape
from convtui.engine.presets import NAMES, preset
from convtui.engine.stack import summarize
from convtui.engine.tracing import feeding, field_through
from convtui.engine.window_layers import Conv
from convtui.pages.layers.labels import (
    error_lines,
    field_line,
    fixes_of,
    growth,
    layer_controls,
    layer_line,
    size_line,
    terms,
)
from convtui.state.network import Stack
from tests.engine.stacks import Torch, stacks

DIGIT = (1, 28, 28)
LENET = Stack.chosen("lenet-5", DIGIT)
CNN = Stack.chosen("simple-cnn", DIGIT)


def said(stack: Stack, value: float | None = None, width: int = 119) -> str:
    fed = feeding(stack.summary.rows, stack.layer, stack.activation)
    return field_line(stack, fed, value, width)


def test_the_sentence_names_both_growths_and_why() -> None:
    text = growth(CNN.summary, 119)
    for words in ("3x3 → 63x63", "windows of windows", "Fewer cells", "4 → 32"):
        assert words in text


def test_the_headings_of_the_table_are_explained_with_the_selected_layers_figures() -> None:
    assert terms(CNN.at(3).row, CNN.summary, 119) == (
        "jump 4: fields are 4 pixels apart · start 0: the centre of the first field"
        "   * larger than the image: clipped"
    )
    uneven = Stack.chosen("conv 2x3 1 s1x2", DIGIT).at(1)
    assert terms(uneven.row, uneven.summary, 119) == (
        "jump 1,2: fields are 1 row, 2 columns apart · start 0.5, 1: the centre of the first field"
    )
    whole = Stack.chosen("gap", DIGIT).at(1)
    assert "fields would be" in terms(whole.row, whole.summary, 119)
    assert "*" not in terms(whole.row, whole.summary, 119)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [59, 79, 99, 119])
def test_the_explanation_fits(name: str, width: int) -> None:
    summary = summarize(preset(name).text, preset(name).input_shape)
    for row in summary.rows:
        assert len(terms(row, summary, width)) <= width


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [119, 160])
def test_the_sentence_fits(name: str, width: int) -> None:
    assert len(growth(summarize(preset(name).text, preset(name).input_shape), width)) <= width


@pytest.mark.parametrize(
    ("text", "says", "not_says"),
    [
        ("conv 3x3 8, conv 3x3 8", "3x3 → 5x5", "filters"),
        ("conv 1x1 4, conv 1x1 8", "field: the pixels", "Deeper"),
        ("relu", "field: the pixels", "filters"),
        ("conv 3x3 4 p1, conv 3x3 8 p1", "More kinds of patterns", "Fewer cells"),
    ],
)
def test_only_what_grows_is_said_to_grow(text: str, says: str, not_says: str) -> None:
    sentence = growth(summarize(text, DIGIT), 119)
    assert says in sentence
    assert not_says not in sentence


def test_parameters_and_multiply_adds_are_spelled_out() -> None:
    row = CNN.at(3).row
    both = "parameters 8*(4*3*3)+8 = 296 · multiply-adds 7*7*288 = 14,112"
    assert layer_line(row, 119) == f"3 conv 3x3 8 s2 p1: {both}"
    assert layer_line(row, 79) == both if len(both) <= 79 else True
    assert layer_line(row, 40) == "parameters 8*(4*3*3)+8 = 296"
    assert "nothing to train" in layer_line(CNN.at(2).row, 79)


def test_the_output_size_is_explained() -> None:
    assert size_line(CNN.at(3).row, 119).endswith("= 6 + 1 = 7")
    assert size_line(LENET.at(len(LENET.summary.rows)).row, 119) == "output [10] from [84]"
    uneven = Stack.chosen("conv 3x5 1", DIGIT).at(1)
    assert "columns (28" in size_line(uneven.row, 200)
    assert size_line(uneven.row, 60) == "output rows 26, columns 24"
    joined = Stack.chosen(
        "residual(conv 3x3 1 p1), concat(conv 1x1 4 | conv 3x3 6 p1)", (1, 8, 8)
    ).summary.rows
    assert size_line(joined[2], 119) == "output [1, 8, 8]: the sum of layers 1, 0"
    assert size_line(joined[5], 119) == "output [10, 8, 8]: the channels of layers 3, 4"


def test_what_an_activation_sees_is_said_with_its_clipping() -> None:
    stack = CNN.at(3, (1, 3, 4))
    assert said(stack, 0.25) == (
        "activation [1, 3, 4] = 0.25 sees 7x7 pixels: rows 9 to 15, columns 13 to 19, centre 12, 16"
    )
    corner = CNN.at(7, (0, 0, 1))
    assert "clipped: 15 above, 4 right" in said(corner)
    assert "rows −15 to 15" in said(corner)
    assert "spans 31x31 pixels and reads 432: " in said(corner)
    assert said(CNN.at(0, (0, 3, 4)), 1.0) == "pixel [0, 3, 4] = 1"
    assert len(said(Stack.chosen("vgg-16", (3, 224, 224)).at(31), -1.2345, 79)) <= 79


@settings(max_examples=40)
@given(stacks(), st.data())
def test_what_feeds_lies_in_what_is_said_to_be_seen(drawn: tuple, data: st.DataObject) -> None:  # type: ignore[type-arg]
    stack = Stack.laid(*drawn)
    stack = stack.at(data.draw(st.integers(0, len(stack.summary.rows) - 1)), (0, 0, 0))
    stack = stack.moved(data.draw(st.integers(0, 99)))
    every = feeding(stack.summary.rows, stack.layer, stack.activation)
    fed = every[0]
    seen, (down, across) = field_through(stack.summary.rows, every), stack.cell()
    is_plain = all(
        not isinstance(each.layer, Conv) or each.layer.spec.padding_mode == "zeros"
        for each in stack.summary.rows
    )
    if is_plain and len(fed.rows):
        first, last = seen.rows.span(down)
        assert first <= fed.rows[0] and fed.rows[-1] <= last  # noqa: PT018
        left, right = seen.columns.span(across)
        assert left <= fed.columns[0] and fed.columns[-1] <= right  # noqa: PT018


def test_a_channel_of_a_concat_sees_what_its_own_branch_sees() -> None:
    stack = Stack.chosen("concat(conv 1x1 2 | conv 5x5 2 p2)", DIGIT).at(3, (1, 4, 4))
    assert "sees 1x1 pixels: rows 4, columns 4, centre 4, 4" in said(stack)
    assert "sees 5x5 pixels: rows 2 to 6" in said(stack.at(3, (2, 4, 4)))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "conv 3x3 1 d4",
            (0, 5, 5),
            "spans 9x9 pixels and reads 9: rows 5 to 13, columns 5 to 13, centre 9, 9",
        ),
        ("conv 3x3 1 p4 d4", (0, 0, 5), "spans 9x9 pixels and reads 6: rows −4 to 4, columns 1 to 9"),
        ("conv 1x1 1 s2, conv 3x3 1", (0, 1, 1), "spans 5x5 pixels and reads 9: rows 2 to 6"),
        (
            "residual(conv 3x1 1 p1x0 | conv 1x3 1 p0x1)",
            (0, 5, 5),
            "spans 3x3 pixels and reads 5: rows 4 to 6",
        ),
        ("conv 3x3 1 p1 circular", (0, 0, 0), "sees 3x3 pixels: rows −1 to 1"),
        ("adaptiveavgpool 6", (0, 1, 5), "sees 6x5 pixels: rows 4 to 9, columns 23 to 27, centre 6.5, 25"),
    ],
)
def test_what_is_spanned_and_what_is_read(text: str, place: tuple[int, int, int], words: str) -> None:
    stack = Stack.chosen(text, DIGIT)
    assert words in said(stack.at(len(stack.summary.rows) - 1, place))


@settings(max_examples=40)
@given(stacks(), st.data(), st.integers(79, 160))
def test_the_pixels_that_are_said_to_be_read_are_those_with_a_gradient(
    drawn: tuple[list[Layer], Shape], data: st.DataObject, width: int
) -> None:
    stack = Stack.laid(*drawn)
    layer = data.draw(st.integers(1, len(stack.summary.rows) - 1))
    stack = stack.at(layer, (0, 0, 0)).moved(data.draw(st.integers(0, 99)))
    image = torch.ones(drawn[1], dtype=torch.float64, requires_grad=True)
    output = Torch(image, is_probe=True).run(drawn[0]).outputs[layer]
    (gradient,) = torch.autograd.grad(output[stack.activation[: output.ndim]], image)
    told = re.search(r"reads ([0-9,]+)|sees ([0-9]+)x([0-9]+) pixels", said(stack, width=width))
    if told:
        reads, rows, columns = told.groups()
        count = int(reads.replace(",", "")) if reads else int(rows) * int(columns)
        assert count == np.count_nonzero(gradient.numpy().any(0))


def test_what_is_only_bounded_is_said_by_what_feeds() -> None:
    stack = Stack.chosen("adaptiveavgpool 4000x1", (1, 4096, 60)).at(1, (0, 2000, 0))
    assert said(stack).startswith(
        "activation [0, 2000, 0] sees 2x60 pixels: rows 2048 to 2049, columns 0 to 59"
    )


def test_holes_are_explained() -> None:
    stack = Stack.chosen("conv 3x3 8 p1, conv 3x3 8 p4 d4, relu", DIGIT)
    assert terms(stack.at(2).row, stack.summary, 119).startswith(
        "reads 81 of the 121 pixels that its field spans · jump 1"
    )
    assert terms(stack.at(2).row, stack.summary, 50) == "reads 81 of 121 pixels"
    assert "reads" not in terms(stack.at(1).row, stack.summary, 119)
    assert growth(stack.summary, 119).startswith("Deeper layers span more (3x3 → 11x11)")
    dilated = Stack.chosen("conv 3x3 8 d4", DIGIT).summary
    assert growth(dilated, 119).startswith("field: the pixels that an activation spans; reads: how many")


def test_adaptive_pooling_is_explained() -> None:
    even, uneven = (Stack.chosen(f"adaptiveavgpool {size}", DIGIT).at(1) for size in (7, 6))
    assert size_line(even.row, 119) == "output [1, 7, 7] from [1, 28, 28]: each is the mean of 4x4 cells"
    assert size_line(uneven.row, 119) == (
        "output [1, 6, 6] from [1, 28, 28]: window i has rows and columns ⌊28·i/6⌋ to ⌈28·(i + 1)/6⌉ − 1"
    )
    assert size_line(uneven.row, 60) == "output [1, 6, 6] from [1, 28, 28]: uneven windows"
    assert terms(uneven.row, uneven.summary, 119).startswith(
        "jump 4.60: fields are 4.60 pixels apart on average".replace("jump 4.60", "jump 4.6")
    )


def test_errors_propose_to_scale_the_image() -> None:
    stack = Stack.chosen("alexnet", DIGIT)
    assert stack.summary.error is not None
    lines = error_lines(stack.summary.error, (), stack.fitting_side, 79)
    assert "R scales the image to 224 pixels: then every layer fits" in " ".join(" ".join(lines).split())


def test_errors_take_as_many_lines_as_they_need() -> None:
    error = Stack.chosen("alexnet", DIGIT).summary.error
    assert error is not None
    lines = error_lines(error, (), None, 79)
    assert all(len(line) <= 79 for line in lines)
    assert " ".join(" ".join(lines).split()) == f"✗ {' '.join(str(error).split())}"


def test_what_would_fit_is_told_where_the_error_does_not_say_so() -> None:
    stack = Stack.chosen("residual(conv 3x3 4 s2 p1 | conv 1x1 2)", (1, 8, 8))
    error, fixes = stack.summary.error, fixes_of(stack.summary)
    assert error is not None
    told = " ".join(" ".join(error_lines(error, fixes, None, 79)).split())
    assert told.endswith("; would fit: a 1x1 convolution on path 2, from 2 to 4 channels, with stride 2")
    assert fixes_of(Stack.chosen("alexnet", DIGIT).summary) == fixes_of(CNN.summary) == ()


def test_controls_are_those_of_the_selected_layer() -> None:
    names = [control.name for control in layer_controls(CNN.at(3))]
    assert names == [
        "network",
        "weights",
        "layer",
        "stride",
        "padding",
        "size",
        "filters",
        "dilation",
        "groups",
    ]
    assert [control.name for control in layer_controls(CNN.at(2))] == ["network", "weights", "layer"]
    assert "filters" not in [control.name for control in layer_controls(LENET.at(3))]
    values = {control.name: control.value for control in layer_controls(LENET.at(1))}
    assert (values["network"], values["padding"], values["size"]) == ("lenet-5", "2", "5x5")
    assert layer_controls(CNN.changed(stride=1))[0].value == "custom"


def value_of(formula: str) -> int:
    """What a side of a formula with whole numbers comes to."""
    text = re.sub("⌈(.*?) / (.*?)⌉", r"-(-\1 // \2)", formula)
    text = text.translate(str.maketrans("−·⌊⌋", "-*()", ",")).replace(" / ", " // ")
    assert re.fullmatch(r"[-+*/() \d]+", text), formula
    return int(eval(text))


@given(stacks())
def test_the_sizes_and_the_counts_of_every_layer_are_true(stack: tuple[list[Layer], Shape]) -> None:
    for row in summarize(*stack).rows[1:]:
        texts = [layer_line(row, 200), size_line(row, 200)]
        formulas = [part for text in texts for part in re.split(" · |: ", text) if " = " in part]
        for formula in formulas:
            sides = re.sub(r"^[a-z -]*", "", formula).split(" = ")
            assert len(set(map(value_of, sides))) == 1, formula
