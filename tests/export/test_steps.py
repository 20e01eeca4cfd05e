"""What a diagram shows is what the engine computes, at each step."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling, adaptive_avg_pool2d
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering
from convtui.export.diagram import Box, Diagram, Label, Outline
from convtui.export.operations import frame_of, output_cells
from convtui.export.steps import USUAL_STEPS, steps_diagram, usual_steps
from convtui.export.subject import HOLD, MOST_CELLS, Subject
from convtui.inputs.images import Picture
from convtui.paint.colours import DARK, LIGHT, diverging
from tests.engine.cases import Case, legal_cases
from tests.engine.test_pooling import PoolCase
from tests.engine.test_pooling import legal_cases as pool_cases
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as transposed_cases
from tests.export.subjects import subject, swept


def texts(diagram: Diagram, at: int = -1) -> list[str]:
    return [shape.text for shape in diagram.still(at).base if isinstance(shape, Label)]


def picture(image: np.ndarray) -> Picture:
    return Picture(image, "image", "", False, min(0.0, float(image.min())), max(1.0, float(image.max())))


def test_the_output_fills_up_with_the_cells_that_the_engine_computes() -> None:
    diagram = swept("count-5x5 --padding 1")
    operation = subject("count-5x5 --padding 1").operation
    assert isinstance(operation, Convolution)
    output = operation.output[0]
    assert len(diagram.frames) == 26
    for at, frame in enumerate(diagram.frames):
        shown = [shape.text for shape in frame.staying if isinstance(shape, Label)]
        assert shown == ([f"{output.ravel()[at - 1]:.0f}"] if at else [])
    assert texts(diagram, 0).count("·") == 25
    assert "step 0 of 25" in texts(diagram, 0)
    assert not any("=" in text for text in texts(diagram, 0) if text.startswith("output["))
    assert "output[0, 1, 2] = -2 - 3 - 4 + 0 + 0 + 0 + 12 + 13 + 14 = 30" in texts(diagram, 8)


@settings(max_examples=40)
@given(legal_cases(), st.data())
def test_any_convolution_is_drawn_and_its_cells_have_their_colours(case: Case, data: st.DataObject) -> None:
    convolution = case.convolution
    channel = data.draw(st.integers(0, convolution.output_shape[0] - 1))
    steps = usual_steps(convolution, channel)
    diagram = steps_diagram(Subject(picture(case.image), convolution, "kernel"), steps)
    output = convolution.block(channel, slice(None), slice(None))
    output[np.abs(output) <= 1e-12 * np.abs(output).max()] = 0.0
    drawn = [shape for frame in diagram.frames for shape in frame.staying if isinstance(shape, Box)]
    colours = diverging(output.ravel(), float(np.abs(output).max()), DARK)
    assert [shape.fill for shape in drawn] == [tuple(colour) for colour in colours.tolist()]
    for shape in diagram.still().base:
        if isinstance(shape, Box | Outline):
            assert 0 <= shape.x <= shape.x + shape.width <= diagram.width
            assert 0 <= shape.y <= shape.y + shape.height <= diagram.height


@given(legal_cases(), st.data())
def test_the_window_lies_where_the_engine_reads(case: Case, data: st.DataObject) -> None:
    convolution = case.convolution
    index = data.draw(st.integers(0, convolution.size - 1))
    drawn = Subject(picture(case.image), convolution, "kernel")
    diagram = steps_diagram(drawn, [index + 1], panes=("image",))
    boxes = [shape for shape in diagram.base if isinstance(shape, Box)]
    left, top, side = boxes[0].x, boxes[0].y, _side(boxes, convolution)
    down, across = convolution.axes
    step = convolution.step(index)
    right, below = diagram.movers[0].places[0]
    outline = diagram.movers[0].shapes[1]
    assert isinstance(outline, Outline)
    assert outline.x + right + 1 == left + (step.columns[0] + across.before) * side
    assert outline.y + below + 1 == top + (step.rows[0] + down.before) * side


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.one_of(pool_cases(), transposed_cases), st.data())
def test_poolings_and_transposed_convolutions(case: PoolCase | TransposedCase, data: st.DataObject) -> None:
    ours = case.ours
    operation = Gathering(ours) if isinstance(ours, TransposedConvolution) else ours
    channel = data.draw(st.integers(0, operation.output_shape[0] - 1))
    drawn = Subject(picture(case.image), operation, "kernel")
    if max(len(axis.sources) for axis in frame_of(operation)) > MOST_CELLS:
        return
    diagram = steps_diagram(drawn, usual_steps(operation, channel))
    fills = [shape.fill for frame in diagram.frames for shape in frame.staying if isinstance(shape, Box)]
    cells = output_cells(operation, drawn.picture, channel)
    patch = cells.patch(range(cells.rows), range(cells.columns), DARK)
    assert fills == [tuple(pixel) for row in patch.pixels.tolist() for pixel in row]
    assert cells.patch(range(1), range(1), DARK).values[0, 0] == pytest.approx(
        operation.step(channel, 0, 0).value
        if isinstance(operation, Gathering)
        else _pooled(operation, channel)
    )
    for shape in diagram.still().base:
        if isinstance(shape, Box | Outline):
            assert 0 <= shape.x <= shape.x + shape.width <= diagram.width
            assert 0 <= shape.y <= shape.y + shape.height <= diagram.height


def _pooled(operation: Pooling, channel: int) -> float:
    return operation.step(channel, 0, 0).value


def test_uneven_windows_of_adaptive_pooling_are_outlined_one_by_one() -> None:
    image = np.arange(25.0).reshape(1, 5, 5)
    drawn = Subject(picture(image), adaptive_avg_pool2d(image, (1, 3)), "")
    diagram = steps_diagram(drawn, range(4), panes=("image", "output", "sum"))
    assert len(diagram.movers) == 1  # of the output cell
    widths = [
        [shape.width for shape in frame.passing if isinstance(shape, Outline)][1] for frame in diagram.frames
    ]
    assert widths == [2 * 36 + 1, 2 * 36 + 1, 3 * 36 + 1, 2 * 36 + 1]
    assert "output[0, 0, 1] = 180 / 15 = 12" in texts(diagram, 2)


def test_a_gathering_transposed_convolution_shows_zeros_between_pixels_and_the_kernel_flipped() -> None:
    image = np.arange(1.0, 5.0).reshape(1, 2, 2)
    transposed = TransposedConvolution(image, np.arange(4.0).reshape(1, 1, 2, 2), stride=2)
    drawn = Subject(picture(image), Gathering(transposed), "mine")
    diagram = steps_diagram(drawn, [1])
    shown = texts(diagram)
    assert {"transposed mine over image", "kernel 2x2, flipped", "stride 2 · padding 0"} <= {*shown}
    assert "output[0, 0, 0] = 0 + 0 + 0 + 0 = 0" in shown
    assert "=" not in shown


def _side(boxes: list[Box], convolution: Convolution) -> int:
    """How wide a cell is: from the first column of pixels to the last."""
    columns = convolution.axes[1].padded
    if columns == 1:
        return 36
    return (max(box.x for box in boxes) - min(box.x for box in boxes)) // (columns - 1)


def test_the_last_frame_stays() -> None:
    assert swept("count-5x5", seconds=0.1).frames[-1].seconds == HOLD
    assert {frame.seconds for frame in swept("count-5x5", seconds=0.1).frames[:-1]} == {0.1}


def test_large_outputs_go_through_64_steps_and_are_full_at_the_end() -> None:
    diagram = swept("mnist-7 --padding 1")
    assert len(diagram.frames) == USUAL_STEPS + 1
    assert sum(isinstance(shape, Box) for frame in diagram.frames for shape in frame.staying) == 784
    assert "window" in texts(diagram)  # as the image has no room for numbers


def test_a_still_shows_what_is_computed_so_far() -> None:
    drawn = subject("count-5x5")
    few, all_ = (steps_diagram(drawn, [2], filled=filled) for filled in (2, 9))
    assert (texts(few).count("·"), texts(all_).count("·")) == (9, 9)  # a cell covers its dot
    cells = [sum(isinstance(shape, Box) for shape in each.still().base) for each in (few, all_)]
    assert cells[1] - cells[0] == 7


def test_colour_pictures_show_a_window_and_a_kernel_for_each_channel() -> None:
    shown = texts(swept("cat-32 --kernel edges --stride 2 --bias 0.5", channel=2))
    assert {"red", "green", "blue", "kernel [2, 0]", "kernel [2, 2]", "output[2] of 4x15x15"} <= {*shown}
    assert "edges, filter 2, over cat-32" in shown
    assert "stride 2 · padding 0" in shown
    assert "=" not in shown  # three kernels and a bias are no equation of two


def test_a_dilated_window_is_outlined_pixel_by_pixel() -> None:
    diagram = swept("checkerboard-8x8 --dilation 2 --padding-mode circular --padding 1")
    assert len(diagram.movers[0].shapes) == 2 * 9
    assert "stride 1 · circular padding 1 · dilation 2" in texts(diagram)


def test_dark_and_light() -> None:
    assert swept("count-5x5").background == DARK.background
    assert swept("count-5x5", is_dark=False).background == LIGHT.background


@pytest.mark.parametrize("panes", [("image",), ("output", "sum"), ("kernel",), ("sum",)])
def test_only_the_panes_that_are_asked_for(panes: tuple[str, ...]) -> None:
    shown = texts(swept("count-5x5", panes=panes))
    titles = {"image": "image 1x5x5", "kernel": "kernel 3x3", "output": "output 1x3x3", "sum": "step 9 of 9"}
    assert {name for name, title in titles.items() if title in shown} == {*panes}
    assert not {"∗", "=", "→"} & {*shown}


@pytest.mark.parametrize(
    ("command", "steps", "message"),
    [
        ("count-5x5", range(3, 12), "steps 3-11: there are 9 steps; choose from 0-9"),
        ("cat-32 --kernel edges", range(890, 910), "must be of one filter; those of filter 0 are 1-900"),
        ("mnist-7", range(1, 500), "steps 1-499: 499 steps are too many for an animation; at most 256"),
        (
            "cat-64 --padding 9",
            range(1, 2),
            "cat-64: 82x82 pixels with the padding are too many for a diagram, which has at most 80x80; "
            "--resize 62 scales the image",
        ),
    ],
)
def test_what_is_too_much_is_refused(command: str, steps: range, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        steps_diagram(subject(command), steps)


def test_the_largest_image_that_is_drawn() -> None:
    image = np.zeros((1, MOST_CELLS, MOST_CELLS))
    drawn = Subject(picture(image), Convolution(image, np.ones((1, 1, 3, 3))), "kernel")
    assert steps_diagram(drawn, [1]).width < 1400
