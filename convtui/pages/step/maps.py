"""The outputs of several filters, small and side by side."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Final

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.transposed_ways import Scattering
from convtui.inputs.images import Picture
from convtui.pages.base.step_grids import output_cells
from convtui.pages.base.step_tables import COLOURS
from convtui.pages.step.layout import MOST_MAPS, Maps
from convtui.paint.cells import OutputCells
from convtui.paint.drawing import HALF_BLOCKS, Grid
from convtui.state.operation import Operation
from convtui.state.session import Session

CELLS: Final = 1 << 10  # of one output, about
MOST_PRODUCTS: Final = 1 << 24  # more would be waited for


def are_quick(operation: Operation) -> bool:
    """Whether all outputs can be shown without waiting for them; those that are scattered never can."""
    if isinstance(operation, Scattering):
        return False
    return min(operation.output_shape[0], MOST_MAPS) * operation.entries(0) * CELLS <= MOST_PRODUCTS


def maps_of(session: Session, maps: Maps) -> list[Grid]:
    """The outputs on show, the whole of each."""
    first, every = first_map(session, maps), _every(session, maps)
    return [_grid(session, channel, every) for channel in range(first, first + maps.count)]


def first_map(session: Session, maps: Maps) -> int:
    """The first channel on show; of more than there is room for, those around the current one are."""
    last = session.operation.output_shape[0] - maps.count
    return min(session.position[0] // maps.count * maps.count, last)


def _every(session: Session, maps: Maps) -> int:
    """Which cells are shown: fewer than planned where padding has made the output larger."""
    _, rows, columns = session.operation.output_shape
    return max(maps.every, ceil(columns / maps.width), ceil(rows / HALF_BLOCKS.rows(maps.height - 1)))


def _grid(session: Session, channel: int, every: int) -> Grid:
    mark = "▸" if channel == session.position[0] else " "
    name = f"{channel} {session.filter_name(channel) or 'filter'}"
    if isinstance(session.operation, Pooling):
        name = COLOURS[channel] if session.picture.colour else str(channel)
    cells = _cells(session.picture, session.operation, channel, every)
    return Grid(cells=cells, title=f"{mark}{name}")


@lru_cache(maxsize=2 * MOST_MAPS)
def _cells(picture: Picture, operation: Operation, channel: int, every: int) -> OutputCells:
    if isinstance(operation, Convolution):
        return OutputCells(operation, channel, whole=False, every=every)
    return output_cells(picture, operation, channel, every)
