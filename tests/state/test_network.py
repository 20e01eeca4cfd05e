"""A stack's selection always exists, stays over what it sees, and layers are changed where they stand."""

from math import prod
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.layer_text import parse_layers
from convtui.engine.layers import Layer, LayerError, Shape
from convtui.engine.presets import NAMES, preset
from convtui.engine.spec import SpecError
from convtui.engine.stack import nodes, summarize
from convtui.engine.tracing import feeding
from convtui.engine.window_layers import Conv, ConvTranspose, Depthwise, Window
from convtui.state.network import Stack, default_stack
from tests.engine.stacks import stacks

DIGIT = (1, 28, 28)
LAID = stacks().map(lambda drawn: Stack.laid(*drawn))
MOVES = st.one_of(
    st.integers(-9, 9).map(lambda count: lambda stack: stack.moved(count)),
    st.integers(-9, 9).map(lambda count: lambda stack: stack.moved_rows(count)),
    st.integers(-9, 9).map(lambda count: lambda stack: stack.moved_channels(count)),
    st.integers(-9, 9).map(lambda count: lambda stack: stack.moved_layers(count)),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)).map(
        lambda shape: lambda stack: stack.over(shape)
    ),
)


def assert_exists(stack: Stack) -> None:
    """The selection is one of an activation that there is."""
    expected = summarize(stack.layers, stack.input_shape)
    assert stack.summary.rows == expected.rows
    assert str(stack.summary.error) == str(expected.error)
    assert 0 <= stack.layer < len(stack.summary.rows)
    assert prod(stack.maps()) == prod(stack.row.output_shape)
    assert all(0 <= at < size for at, size in zip(stack.activation, stack.maps(), strict=True))
    assert feeding(stack.summary.rows, stack.layer, stack.activation)


@settings(max_examples=30)
@given(LAID, st.lists(MOVES, max_size=6))
def test_the_selection_always_exists(stack: Stack, moves: list) -> None:  # type: ignore[type-arg]
    assert_exists(stack)
    for move in moves:
        stack = move(stack)
        assert_exists(stack)


@settings(max_examples=30)
@given(LAID, st.data())
def test_activations_are_gone_through_in_order(stack: Stack, data: st.DataObject) -> None:
    stack = stack.at(data.draw(st.integers(0, len(stack.summary.rows) - 1)), (0, 0, 0))
    count = prod(stack.maps())
    assert stack.moved(-1) == stack
    assert stack.moved(count).moved(1) == stack.moved(count)
    index = data.draw(st.integers(0, count - 1))
    channel, row, column = stack.moved(index).activation
    _, rows, columns = stack.maps()
    assert (channel * rows + row) * columns + column == index


@settings(max_examples=30)
@given(LAID)
def test_another_layer_is_selected_where_it_sees_the_same(stack: Stack) -> None:
    down, across = stack.cell()
    centre = stack.row.field.centre(down, across)
    for layer, row in enumerate(stack.summary.rows):
        there = stack.at(layer)
        distances = [abs(a - b) for a, b in zip(row.field.centre(*there.cell()), centre, strict=True)]
        for distance, field, at in zip(distances, (row.field.rows, row.field.columns), range(2), strict=True):
            reading = [i for i in range(field.count) if not field.uneven or field.uneven[i]]
            nearest = min(abs(field.centre(i) - centre[at]) for i in reading or range(field.count))
            here = (stack.row.field.rows, stack.row.field.columns)[at]
            assert distance == nearest or (here.count == field.count and not (here.jump and field.jump))


def test_a_norm_that_sees_everything_keeps_the_place() -> None:
    stack = Stack.laid(parse_layers("conv 3x3 4 p1, layernorm, relu, conv 3x3 4 p1"), DIGIT).at(1, (2, 3, 5))
    for layer in 2, 3, 4:
        stack = stack.moved_layers(1)
        assert (stack.layer, stack.activation) == (layer, (2, 3, 5))


@pytest.mark.parametrize("name", NAMES)
def test_presets_begin_at_the_second_convolution(name: str) -> None:
    stack = Stack.chosen(name, preset(name).input_shape)
    assert stack.name == stack.text == name
    assert stack.summary.error is None
    kinds = Conv | Depthwise | ConvTranspose
    convs = [row.number for row in stack.summary.rows if isinstance(row.layer, kinds)]
    assert stack.layer == convs[1]
    _, rows, columns = stack.maps()
    assert stack.activation == (0, rows // 2, columns // 2)


@given(st.integers(1, 8), st.integers(1, 40), st.integers(1, 40))
def test_the_default_fits_any_image(channels: int, rows: int, columns: int) -> None:
    stack = default_stack((channels, rows, columns))
    assert stack.summary.error is None
    assert stack.row.layer.kind == "conv"


def test_the_default_is_the_lectures_network_on_one_channel() -> None:
    assert default_stack(DIGIT).layers == preset("simple-cnn").layers
    assert default_stack((3, 32, 32)).name == "small-cnn"


def test_layers_come_from_names_files_and_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("conv 3x3 4, relu")
    stack = Stack.chosen(str(file), DIGIT, seed=3)
    assert (stack.name, stack.text, stack.seed) == ("mine.txt", "conv 3x3 4, relu", 3)
    typed = Stack.chosen("conv 3x3 4, relu", DIGIT)
    assert (typed.name, typed.layers) == ("", stack.layers)
    assert Stack.chosen("ResNet18", (3, 64, 64)).name == "resnet-18"
    with pytest.raises(ValueError, match="resnet-18"):
        Stack.chosen("resnet-19", DIGIT)


def test_a_stack_that_does_not_fit_is_selected_as_far_as_it_does() -> None:
    stack = Stack.chosen("alexnet", DIGIT)
    assert stack.summary.error is not None
    assert stack.moved_layers(99).layer == stack.summary.error.number - 1
    assert Stack.laid(parse_layers("conv 9x9 2"), (1, 3, 3)).layer == 0


# -- changing a layer


@settings(max_examples=30)
@given(stacks(), st.data())
def test_a_layer_is_changed_where_it_stands(drawn: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    stack = Stack.laid(*drawn)
    windows = [row.number for row in stack.summary.rows if isinstance(row.layer, Window)]
    if not windows:
        return
    number = data.draw(st.sampled_from(windows))
    before = [node.layer for node in nodes(stack.layers)]
    try:
        changed = stack.at(number).changed(stride=(2, 3), padding=0)
    except SpecError:
        return
    after = [node.layer for node in nodes(changed.layers)]
    assert after[number - 1].spec.stride == (2, 3)  # type: ignore[attr-defined]
    joins = {"residual", "multiply", "concat"}
    others = [i for i, layer in enumerate(before) if i != number - 1 and layer.kind not in joins]
    assert [after[i] for i in others] == [before[i] for i in others]
    assert_exists(changed)


@settings(max_examples=30)
@given(stacks(), st.data())
def test_a_layer_changed_to_what_it_is_stays_the_same(
    drawn: tuple[list[Layer], Shape], data: st.DataObject
) -> None:
    stack = Stack.laid(*drawn)
    stack = stack.at(data.draw(st.integers(0, len(stack.summary.rows) - 1)))
    try:
        assert stack.changed(stride=stack.window.spec.stride).layers == stack.layers
    except LayerError:
        assert not isinstance(stack.row.layer, Window)


@pytest.mark.parametrize(
    ("layer", "parameters", "words"),
    [
        (2, {"stride": 2}, "relu"),
        (0, {"stride": 2}, "image"),
        (3, {"groups": 2}, "maxpool 2.*has no groups"),
        (3, {"padding": 2}, "padding"),
        (1, {"stride": 0}, "stride=.*at least 1"),
        (1, {"out_channels": 0}, "out_channels=0"),
    ],
)
def test_what_a_layer_cannot_be_is_refused(layer: int, parameters: dict[str, int], words: str) -> None:
    stack = Stack.chosen("conv 3x3 4, relu, maxpool 2", DIGIT).at(layer)
    with pytest.raises(ValueError, match=words):
        stack.changed(**parameters)


def test_a_changed_network_has_no_name() -> None:
    stack = Stack.chosen("simple-cnn", DIGIT)
    assert stack.changed(stride=1).name == ""
    assert stack.reseeded(4).name == "simple-cnn"
    assert stack.reseeded(-1).seed == 0
