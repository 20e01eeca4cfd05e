"""The diagram of a scattering transposed convolution shows what has landed, and the matrix pane its lines."""

import numpy as np
from hypothesis import given, settings

from convtui.engine.matrices import matrix_of
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.export.diagram import Box, Diagram, Label
from convtui.export.matrix_pane import MOST_LINES, MatrixPane
from convtui.export.raster import animated_gif
from convtui.export.steps import steps_diagram, usual_steps
from convtui.export.subject import MOST_CELLS, Subject
from convtui.export.svg import animated_svg
from convtui.paint.cells import PLAIN, OutputCells
from convtui.paint.colours import DARK
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as transposed_cases
from tests.export.subjects import subject, swept
from tests.export.test_raster import frames_of
from tests.export.test_steps import picture, texts

SCATTER = "count-5x5 --operation 'convtranspose s2' --way scatter"


def outputs(diagram: Diagram, at: int) -> dict[tuple[int, int], str]:
    """The numbers that frames up to one have written, by their places: the last is seen."""
    return {
        (round(shape.x), round(shape.y)): shape.text
        for frame in diagram.frames[: at + 1]
        for shape in frame.staying
        if isinstance(shape, Label)
    }


def test_what_has_landed_adds_up() -> None:
    diagram = swept(SCATTER)
    assert len(diagram.frames) == 26
    assert outputs(diagram, 0) == {}
    assert list(outputs(diagram, 1).values()) == ["-1"] * 3 + ["0"] * 3 + ["1"] * 3
    assert "-3" in outputs(diagram, 2).values()  # -1 - 2, where two windows overlap
    assert len(outputs(diagram, 25)) == 121
    assert "step 25 of 25" in texts(diagram)


@settings(max_examples=25)
@given(transposed_cases)
def test_the_last_frame_is_the_output(case: TransposedCase) -> None:
    operation = Scattering(case.ours)
    if max(operation.image_shape[1:]) > MOST_CELLS:
        return
    steps = usual_steps(operation, operation.image_shape[0] - 1)
    diagram = steps_diagram(Subject(picture(case.image), operation, "kernel"), steps)
    seen = {
        (shape.x, shape.y): shape.fill
        for frame in diagram.frames
        for shape in frame.staying
        if isinstance(shape, Box)
    }
    channel = operation.channels_written(operation.image_shape[0] - 1)[0]
    patch = OutputCells(Gathering(case.ours), channel, whole=False)
    pixels = patch.patch(range(patch.rows), range(patch.columns), DARK).pixels
    fills = [fill for _, fill in sorted(seen.items(), key=lambda each: (each[0][1], each[0][0]))]
    assert fills == [tuple(pixel) for row in pixels.tolist() for pixel in row]


def test_the_row_of_the_matrix_is_framed_beside_the_window() -> None:
    diagram = swept("count-5x5 --padding 1", panes=("image", "output", "matrix"))
    assert "weight matrix 25x25" in texts(diagram)
    assert [down for _, down in diagram.movers[-1].places] == [17 * max(at - 1, 0) for at in range(26)]
    assert len(animated_svg(diagram).encode()) < 20_000
    assert len(animated_gif(diagram)) < 130_000


def test_the_row_of_a_large_matrix_is_folded_as_the_image() -> None:
    for command, line in (("digit-8x8-3 --kernel edges", "row"), (f"digit-8x8-3 {SCATTER[10:]}", "column")):
        diagram = swept(command, every=9, panes=("matrix",))
        assert f"{line} of the weight matrix" in texts(diagram)
        weights = [shape for shape in diagram.frames[3].passing if isinstance(shape, Box)]
        assert len(weights) == 9


def test_its_values_are_those_of_the_matrix() -> None:
    operation = subject("digit-8x8-3 --padding 1").operation
    pane = MatrixPane(operation, [0], DARK)
    assert not pane.is_whole
    assert max(matrix_of(operation).shape) > MOST_LINES
    for index in (0, 9, 63):
        cells = pane._folded(index, 0)
        patch = cells.patch(range(8), range(8), DARK)
        row = matrix_of(operation).row(index)
        assert np.flatnonzero(patch.kinds.ravel() == PLAIN).tolist() == row.indices.tolist()
        assert patch.values.ravel()[row.indices].tolist() == row.values.tolist()


def test_a_pixel_of_the_gif_has_the_colour_of_its_weight() -> None:
    diagram = swept("count-5x5 --padding 1", every=5, panes=("matrix",))
    first = next(shape for shape in diagram.base if isinstance(shape, Box) and shape.fill == DARK.positive)
    for frame in frames_of(animated_gif(diagram)):
        red, green, blue = frame.getpixel((first.x + first.width // 2, first.y + 9))  # type: ignore[misc]
        assert max(abs(red - 255), abs(green - 146), abs(blue - 48)) < 24
