"""Other operations over the same image and with the same kernel, chosen, changed, opened and left again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.pooling import Pooling
from convtui.engine.spec import SpecError
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.inputs.samples import open_image
from convtui.state.kernel_choice import KernelChoice
from convtui.state.layer_opening import layer_opened
from convtui.state.norm_choice import NormChoice
from convtui.state.operation import EXAMPLES, KINDS, transposed_weight
from convtui.state.session import Session
from convtui.state.settings import transition
from convtui.store.session_file import dumps, loads
from tests.support.sessions import embedded, figures, sessions, top_edge


def typed(session: Session, *lines: str) -> Session:
    for line in lines:
        session = transition(line)(session)
    return session


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_kind_is_typed_as_a_layer(text: str) -> None:
    session = typed(top_edge(), f"operation {text}")
    assert session.kind == text.split()[0]
    if session.layer:
        assert set(text.split()) <= set(str(session.layer).split())
    assert typed(session, "operation conv").operation is session.convolution


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (3, 9, 1), (2, 5, 6)])
def test_a_kind_alone_fits_any_image(kind: str, shape: tuple[int, int, int]) -> None:
    session = Session.start(embedded(np.ones(shape)), KernelChoice("identity"), size=1)
    for chosen in (typed(session, f"operation {kind}"), session.with_kind(kind)):
        assert chosen.kind == kind
        if "pool" in kind and shape[1] == 1:
            assert chosen.operation.output_shape[1] == 1


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("convtranspose", "convtranspose 3x3 1"),
        ("convtranspose s2", "convtranspose 3x3 1 s2"),
        ("convtranspose 5 s2", "convtranspose 5x5 1 s2"),
        ("convtranspose s2 5x5", "convtranspose 5x5 1 s2"),
        ("convtranspose s2 2x3 4", "convtranspose 2x3 4 s2"),
        ("convtranspose out_channels=2 stride=2", "convtranspose 3x3 2 s2"),
        ("convtranspose kernel_size=4x2", "convtranspose 4x2 1"),
    ],
)
def test_what_is_left_out_is_that_of_the_kernel(text: str, layer: str) -> None:
    session = top_edge().with_kernel(KernelChoice("random"), 3).with_bias(np.zeros(1))
    assert str(typed(session, f"operation {text}").layer) == layer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relu", "must be conv, convtranspose, maxpool, avgpool, adaptivemaxpool or adaptiveavgpool"),
        ("maxpool 2, relu", "must be one layer"),
        ("maxpol 2", "did you mean maxpool"),
        ("maxpool 2 p2", "at most half the kernel_size"),
        ("maxpool 99", "kernel_size"),
        ("avgpool 2 d2", "dilation"),
        ("conv3d 3 8", "two-dimensional"),
        ("maxpool 2 s0", "^operation='maxpool 2 s0': stride=0: must be at least 1"),
        ("convtranspose op1", "^operation='convtranspose op1': output_padding=1: must be smaller"),
    ],
)
def test_what_is_no_operation_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        typed(top_edge(), f"operation {text}")


def test_a_transposed_convolution_has_the_kernel_of_the_convolution() -> None:
    session = typed(
        top_edge(open_image("colours-12x12")), "filters 2", "bias 0.5", "operation convtranspose s2"
    )
    assert isinstance(session.operation, Scattering)
    transposed = session.operation.transposed
    assert str(session.layer) == "convtranspose 3x3 2 s2"
    np.testing.assert_array_equal(transposed.weight, session.convolution.weight.swapaxes(0, 1))
    assert typed(session, "kernel sobel-x").operation.transposed.weight[0, 0, 1].tolist() == [-2, 0, 2]  # type: ignore[union-attr]
    assert typed(session, "size 5").layer.spec.kernel_size == (5, 5)  # type: ignore[union-attr]
    assert typed(session, "groups 3").operation.output_shape[0] == 3
    assert typed(session, "operation convtranspose 4x4 5 s2 p1 nobias").convolution.weight_shape == (
        5,
        3,
        4,
        4,
    )


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_swapping_the_axes_of_groups_twice_changes_nothing(groups: int, filters: int, slices: int) -> None:
    weight = np.random.default_rng(0).standard_normal((groups * filters, slices, 2, 3))
    swapped = transposed_weight(weight, groups)
    assert swapped.shape == (groups * slices, filters, 2, 3)
    np.testing.assert_array_equal(transposed_weight(swapped, groups), weight)


def test_parameters_change_the_operation_on_show_and_not_the_convolution() -> None:
    session = typed(top_edge(), "operation maxpool 3", "stride 2", "padding 1", "ceil_mode on", "size 2")
    assert str(session.layer) == "maxpool 2 p1 ceil"
    assert session.spec == top_edge().spec
    assert typed(session, "operation conv").spec.stride == (1, 1)
    adaptive = typed(session, "operation adaptiveavgpool 5", "size 3x4")
    assert adaptive.operation.output_shape == (1, 3, 4)
    with pytest.raises(SpecError, match="operation maxpool 2 has"):
        typed(adaptive, "stride 2")


def test_a_large_kernel_is_taken_by_a_transposed_convolution_of_a_small_image() -> None:
    session = Session.start(embedded(np.ones((1, 2, 2))), KernelChoice("identity"), size=1)
    session = typed(session, "operation convtranspose 5x5 1 s2")
    assert session.operation.output_shape == (1, 7, 7)


@given(sessions(), st.data())
def test_going_entry_by_entry_and_back(session: Session, data: st.DataObject) -> None:
    """From the first entry to the last and back, whatever the windows' sizes; each cell in turn."""
    start = session.at(data.draw(st.integers(0, min(session.size, 50) - 1)), 0)
    count = data.draw(st.integers(1, 60))
    ahead = start
    for _ in range(count):
        ahead = ahead.multiply_added()
    at_once = start.multiply_added(count)
    assert (ahead.index, ahead.taps) == (at_once.index, at_once.taps)
    is_end = ahead.index == ahead.size - 1 and ahead.taps == ahead.products
    back = ahead.multiply_added(-count)
    if not is_end:
        assert (back.index, back.taps) in ((start.index, 0), (start.index - 1, start.moved(-1).products))
    assert 0 <= start.slice < start.slices
    assert 0 <= ahead.channel < ahead.operation.image_shape[0]
    assert 0 <= ahead.output_channel < ahead.operation.output_shape[0]


@given(sessions())
def test_every_cell_can_be_reached(session: Session) -> None:
    channels, rows, columns = session.shape
    assert session.size == channels * rows * columns
    assert session.at(session.size).position == (channels - 1, rows - 1, columns - 1)
    assert session.at(0).moved_rows(rows).moved_channels(channels).position == (channels - 1, rows - 1, 0)
    assert session.finished().filled == session.size


def test_ways_go_through_the_input_or_the_output() -> None:
    session = typed(top_edge(), "operation convtranspose s2", "way scatter")
    assert session.size == 784
    gathering = typed(session, "way gather")
    assert isinstance(gathering.operation, Gathering)
    assert gathering.size == 57 * 57
    assert typed(gathering, "stride 1").way == "gather"
    with pytest.raises(SpecError, match="must be scatter or gather"):
        typed(session, "way both")
    with pytest.raises(SpecError, match="only a transposed convolution"):
        typed(top_edge(), "way gather")


LAYERS = (
    "conv 3x3 4 p1, maxpool 2, avgpool 3 s1 p1 nopadcount, convtranspose 4x4 6 s2 p1, adaptiveavgpool 3, gap"
)


@pytest.mark.parametrize("layer", range(1, 7))
def test_every_layer_with_windows_opens(layer: int) -> None:
    from convtui.state.network import Stack

    session = top_edge()
    stack = Stack.chosen(LAYERS, session.picture.pixels.shape).at(layer, (0, 0, 0))
    maps = FeatureMaps(LAYERS, session.picture.pixels)
    opened = layer_opened(session.with_stack(stack), maps)
    assert opened.operation.output_shape == stack.maps()
    operation = opened.operation
    assert not isinstance(operation, Scattering)
    np.testing.assert_allclose(operation.output, maps.activations(layer), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(opened.picture.pixels, operation.image)
    if isinstance(operation, Pooling) and layer > 2:
        assert "input" in opened.picture.name
    assert typed(opened, "operation conv").convolution.image_shape == opened.picture.pixels.shape


def test_a_layer_opens_where_nothing_but_its_cell_is_computed() -> None:
    """However far the session has come; and what the Norms page begins with stays."""
    from convtui.state.network import Stack

    session = replace(top_edge().finished(), norm=NormChoice("group", 4))
    for text in ("conv 3x3 2", "maxpool 2", "convtranspose 2 2 s2"):
        stack = Stack.chosen(text, session.picture.pixels.shape).at(1, (0, 1, 2))
        opened = layer_opened(session.with_stack(stack), FeatureMaps(text, session.picture.pixels))
        assert opened.position == (0, 1, 2)
        assert opened.filled == opened.index + 1
        assert opened.norm == session.norm
        assert figures(loads(dumps(opened), "opened.toml")) == figures(opened)


@pytest.mark.parametrize("layer", ["maxpool 2", "adaptiveavgpool 4", "convtranspose s2"])
def test_the_convolution_that_is_not_on_show_refuses_nothing(layer: str) -> None:
    """Its kernel is larger than the image; the operation takes that image."""
    session = typed(top_edge(), f"operation {layer}")
    small = session.with_picture(embedded(np.ones((1, 2, 2))))
    assert small.kind == session.kind
    assert small.operation.image_shape == (1, 2, 2)
    assert typed(small, "operation conv").operation.output_shape[1:] == (1, 1)
    with pytest.raises(SpecError, match="the window spans 3 rows"):
        top_edge().with_picture(embedded(np.ones((1, 2, 2))))


def test_a_kernel_larger_than_the_image_is_laid_on_the_output() -> None:
    session = typed(top_edge(embedded(np.ones((1, 8, 8)))), "operation convtranspose")
    assert typed(session, "kernel gaussian-blur 11").operation.output_shape == (1, 18, 18)


def test_the_generator_of_a_gan_opens_on_one_pixel() -> None:
    from convtui.state.network import Stack

    session = Session.start(embedded(np.ones((8, 1, 1))), KernelChoice("identity"), size=1)
    text = "convtranspose 4x4 6"
    opened = layer_opened(
        session.with_stack(Stack.chosen(text, (8, 1, 1)).at(1)), FeatureMaps(text, np.ones((8, 1, 1)))
    )
    assert opened.operation.output_shape == (6, 4, 4)
    assert typed(opened, "way scatter").size == 8
    for kind in KINDS:
        if kind not in ("maxpool", "avgpool"):
            assert opened.with_kind(kind).with_kind("convtranspose").kind == "convtranspose"


def test_another_operation_looks_at_the_same_place() -> None:
    """The window of the new one has the pixel in the middle of the old one's."""
    session = top_edge().at(26 * 10 + 14)  # its window begins at row 10, column 14
    pooled = session.with_kind("maxpool")
    assert pooled.position == (0, 5, 7)
    assert session.with_kind("convtranspose").position == (0, 11, 15)
    assert session.with_kind("adaptiveavgpool").position == (0, 1, 2)
    assert pooled.with_kind("conv").position in {(0, row, column) for row in (9, 10) for column in (13, 14)}
    assert top_edge().with_kind("maxpool").index == top_edge().with_kind("convtranspose").index == 0


def test_the_other_way_stays_with_the_pixel_and_the_filter() -> None:
    session = typed(top_edge(), "filters 3", "operation convtranspose s2", "at 0,10,10").with_view(slice=2)
    gathering = session.with_way("gather")
    assert gathering.position[0] == 2
    assert (10, 10) in {
        (int(r), int(q))
        for r in gathering.operation.transposed.axes[0].window(gathering.position[1])  # type: ignore[union-attr]
        for q in gathering.operation.transposed.axes[1].window(gathering.position[2])  # type: ignore[union-attr]
    }
    back = gathering.with_way("scatter")
    assert back.position == (0, 10, 10)
    assert back.output_channel == 2
    assert session.with_way("scatter") is session
