"""What the Step page has to lay out for the operation on show."""

from __future__ import annotations

from convtui.engine.convolution import Convolution
from convtui.engine.spec import Axis
from convtui.pages.base.step_grids import frame_of, window_size
from convtui.pages.step.layout import Shapes
from convtui.pages.step.maps import are_quick
from convtui.state.session import Session


def shapes_of(session: Session) -> Shapes:
    """The sizes of the image, of the window and of the output, and how many outputs are worth showing."""
    operation = session.operation
    filters = operation.output_shape[0] if are_quick(operation) else 1
    rows, columns = operation.axes
    if isinstance(rows, Axis) and isinstance(columns, Axis):
        _, *image = operation.image_shape
        own = None if isinstance(operation, Convolution) or not rows.ceil_mode else operation.output_shape[1:]
        return Shapes(
            (image[0], image[1]),
            (rows.kernel, columns.kernel),
            (rows.span - 1, columns.span - 1),
            (rows.stride, columns.stride),
            filters,
            own,
        )
    down, across = frame_of(operation)
    image_size = len(down.sources), len(across.sources)
    return Shapes(image_size, window_size(session), (0, 0), (1, 1), filters, operation.output_shape[1:])
