"""A grid's pane repaints all that changed, follows the window, and knows which cell lies where."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region

from convtui.engine.convolution import Convolution
from convtui.pages.base.step_grids import Pointer, step_grids
from convtui.paint.cells import OutputCells, Patch
from convtui.paint.colours import DARK, LIGHT, Palette
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, CellSize, Grid
from convtui.paint.grid import GridPane
from convtui.state.session import Session
from tests.support.example_sessions import (
    Change,
    changes,
    counting,
    lesson,
    moves,
    session_on,
    sessions,
    step_of,
    stepped_sessions,
)

NAMES = ("image", "output", "window", "kernel", "products")
sizes = st.sampled_from([TALL_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS])

Character = tuple[str, Style | None]


def characters(pane: GridPane) -> list[list[Character]]:
    """All that the pane draws, character by character."""
    lines = [pane.line(y) for y in range(pane.region.height)]
    return [[(char, style) for text, style, _ in line for char in text] for line in lines]


def pane_for(
    session: Session, name: str = "image", width: int = 60, height: int = 20, size: CellSize = BLOCKS
) -> GridPane:
    pane = GridPane(name)
    pane.place(Region(0, 0, width, height), size, False, DARK)
    show(pane, session)
    return pane


def show(pane: GridPane, session: Session, pointer: Pointer | None = None) -> None:
    pane.show(getattr(step_grids(session, step_of(session), pointer or Pointer()), pane.name))


def text(pane: GridPane) -> list[str]:
    return ["".join(char for char, _ in line) for line in characters(pane)]


cells = st.tuples(st.integers(0, 4), st.integers(0, 4))
pointers = st.one_of(
    st.just(Pointer()),
    cells.map(lambda cell: Pointer(pixel=cell)),
    cells.map(lambda cell: Pointer(entry=cell)),
)


@given(
    session=stepped_sessions(),
    path=st.lists(st.tuples(moves() | moves() | changes(), pointers), min_size=1, max_size=6),
    name=st.sampled_from(NAMES),
    size=sizes,
    width=st.integers(1, 40),
    height=st.integers(2, 16),
    hinted=st.booleans(),
)
def test_what_is_repainted_is_all_that_changed(
    session: Session,
    path: list[tuple[Change, Pointer]],
    name: str,
    size: CellSize,
    width: int,
    height: int,
    hinted: bool,
) -> None:
    pane = GridPane(name)
    pane.place(Region(3, 2, width, height), size, hinted, DARK)
    show(pane, session)
    pane.changes()
    screen = characters(pane)
    for change, pointer in path:
        try:
            session = change(session)
        except (ValueError, IndexError):
            continue
        down, across = session.convolution.axes
        if pointer.pixel and (pointer.pixel[0] >= down.size or pointer.pixel[1] >= across.size):
            continue
        if pointer.entry and (pointer.entry[0] >= down.kernel or pointer.entry[1] >= across.kernel):
            continue
        show(pane, session, pointer)
        changed, now = pane.changes(), characters(pane)
        for region in changed:
            assert Region(0, 0, width, height).contains_region(region)
            for y in range(region.y, region.bottom):
                screen[y][region.x : region.right] = now[y][region.x : region.right]
        assert screen == now


@given(sessions(), st.sampled_from(NAMES), sizes, st.integers(1, 40), st.integers(2, 16), st.booleans())
def test_every_line_has_the_width_of_the_pane(
    session: Session, name: str, size: CellSize, width: int, height: int, hinted: bool
) -> None:
    pane = GridPane(name)
    pane.place(Region(0, 0, width, height), size, hinted, DARK)
    blank = [pane.line(y) for y in range(height)]
    show(pane, session)
    for line in [*blank, *(pane.line(y) for y in range(height))]:
        assert Segment.get_line_length(line) == width


def test_a_step_repaints_little_whatever_the_size() -> None:
    session = session_on(counting(1, 300, 300)).finished().at(150)
    pane = pane_for(session, "output", 100, 40)
    pane.changes()
    show(pane, session.moved(-1))
    assert sum(region.area for region in pane.changes()) <= 2 * 2 + 100


class Asked:
    """Cells that remember which of their rows were asked for."""

    def __init__(self, cells: OutputCells) -> None:
        self.cells, self.rows_asked = cells, range(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cells, name)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        self.rows_asked = rows
        return self.cells.patch(rows, columns, palette)


@pytest.mark.parametrize("size", [NUMBERS, BLOCKS, HALF_BLOCKS])
def test_rows_that_are_all_dots_are_not_computed(size: CellSize) -> None:
    """A cell of a large filter has 100,000 products, and a frame must not wait for those of a screenful."""
    convolution = session_on(counting(1, 40, 40)).convolution
    cells = Asked(OutputCells(convolution, 0, True))
    rows, columns = cells.rows, cells.columns
    pane, whole = GridPane("output"), GridPane("output")
    for each in (pane, whole):
        each.place(Region(0, 0, 200, rows + 1), size, False, DARK)
    for filled in (0, 1, columns, columns + 1, 3 * columns, 9 * columns + 5, rows * columns):
        grid = Grid(cells.cells, "output", filled=filled, focus=(filled // columns, 0))
        whole.show(grid)
        whole._visible_rows(replace(grid, filled=None))
        pane.show(replace(grid, cells=cells))
        pane.changes()
        assert characters(pane) == characters(whole)
        assert len(cells.rows_asked) <= max(4, 2 * (filled / columns + 1))


@pytest.mark.parametrize("at_once", [1, 7, 40, 130])
@pytest.mark.parametrize("size", [NUMBERS, BLOCKS, HALF_BLOCKS])
def test_a_frame_computes_no_more_than_it_has_time_for(
    size: CellSize, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = OutputCells(session_on(counting(1, 24, 32)).convolution, 0, True)
    products = 9
    pane, whole = GridPane("output"), GridPane("output")
    for each in (pane, whole):
        each.place(Region(0, 0, 150, 30), size, False, DARK)
        each.show(Grid(cells, "output"))
    whole.changes()
    expected = characters(whole)
    asked: list[int] = []
    block = Convolution.block

    def counted(convolution: Convolution, channel: int, rows: range, columns: range) -> Any:
        asked.append(len(rows) * len(columns))
        return block(convolution, channel, rows, columns)

    monkeypatch.setattr(Convolution, "block", counted)
    monkeypatch.setattr("convtui.paint.grid.MOST_AT_ONCE", at_once * products)
    pane.changes()
    screen = characters(pane)
    while pane.is_behind:
        frames = len(asked)
        for region in pane.changes():
            for y in range(region.y, region.bottom):
                screen[y][region.x : region.right] = characters(pane)[y][region.x : region.right]
        assert len(asked) == frames + 1
    assert screen == characters(pane) == expected
    assert max(asked) <= at_once
    rows, columns = pane.visible
    assert sum(asked) == len(rows) * len(columns)


@given(sessions(), st.lists(moves(), min_size=1, max_size=5), sizes, st.integers(6, 40), st.integers(4, 20))
def test_the_start_of_the_window_is_always_in_view(
    session: Session, path: list[Change], size: CellSize, width: int, height: int
) -> None:
    panes = [pane_for(session, name, width, height, size) for name in ("image", "output")]
    for move in path:
        session = move(session)
        for pane in panes:
            show(pane, session)
    image, output = panes
    assert session.position[1:] in in_view(output)
    down, across = session.convolution.axes
    rows, columns = size.rows(height - 1), width // size.width
    if down.span <= rows and across.span <= columns:
        window = {
            (int(r) + down.before, int(c) + across.before)
            for r in step_of(session).rows
            for c in step_of(session).columns
        }
        assert window <= in_view(image)


def in_view(pane: GridPane) -> set[tuple[int, int] | None]:
    """Every cell that lies somewhere on the pane."""
    width, height = pane.region.size
    found = {pane.cell_at(x, y) for x in range(width) for y in range(height)}
    if pane.cell_size.half:
        rows = pane.grid.cells.rows if pane.grid else 0
        found |= {(cell[0] + 1, cell[1]) for cell in found if cell and cell[0] + 1 < rows}
    return found


@given(sessions(), sizes, st.integers(6, 40), st.integers(2, 20))
def test_every_cell_lies_where_it_is_drawn(session: Session, size: CellSize, width: int, height: int) -> None:
    pane = pane_for(session, "output", width, height, size)
    cells = step_grids(session, step_of(session), Pointer()).output.cells
    at_origin = pane.cell_at(0, 1)
    assert at_origin == (0, 0)
    for y in range(height):
        for x in range(width):
            cell = pane.cell_at(x, y)
            inside = y >= 1 and x // size.width < cells.columns and size.row_at(y - 1) < cells.rows
            inside = inside and x // size.width < max(1, width // size.width)
            inside = inside and size.row_at(y - 1) < max(1, size.rows(height - 1))
            assert (cell is not None) == inside
            if cell:
                assert cell == (size.row_at(y - 1), x // size.width)


def test_the_wheel_scrolls_an_eighth_and_stops_at_the_ends() -> None:
    pane = pane_for(session_on(counting(1, 100, 100)), width=40, height=17)
    assert pane.cell_at(0, 1) == (0, 0)
    pane.scroll(1, 0)
    assert pane.cell_at(0, 1) == (2, 0)
    pane.scroll(0, 1)
    assert pane.cell_at(0, 1) == (2, 2)
    assert pane.changes()
    for _ in range(60):
        pane.scroll(1, 1)
    assert pane.cell_at(39, 16) == (99, 99)
    pane.changes()
    pane.scroll(1, 0)
    assert not pane.changes()
    for _ in range(60):
        pane.scroll(-1, -1)
    assert pane.cell_at(0, 1) == (0, 0)


def test_what_is_larger_than_the_pane_says_what_is_in_view() -> None:
    pane = pane_for(session_on(counting(1, 100, 100)), width=80, height=17)
    assert "rows 0-15, columns 0-39 in view" in text(pane)[0]
    assert "in view" not in text(pane_for(lesson(), width=80, height=40))[0]


def test_the_scale_stands_below_the_cells_or_where_no_line_is_free_beside_the_hint() -> None:
    session = lesson()
    for height, line in ((40, 2 + 28), (2 + 28, 1)):
        pane = pane_for(session, "output", 70, height)
        pane.place(pane.region, BLOCKS, True, DARK)
        assert [y for y, drawn in enumerate(text(pane)) if "█" in drawn] == [line]
        assert text(pane)[1].startswith("dots: not computed yet")


def test_a_title_without_room_is_a_shorter_one() -> None:
    assert text(pane_for(lesson(), "output", 60))[0].startswith("output[0, 0, 0] of 1x28x28 · step 1 of 784")
    assert text(pane_for(lesson(), "output", 30))[0].startswith("[0, 0, 0] · step 1 of 784")


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_the_palette_it_was_given_is_the_one_it_draws_in(palette: Palette) -> None:
    pane = pane_for(lesson(), "output")
    pane.place(pane.region, BLOCKS, False, palette)
    drawn = {
        style.bgcolor.triplet for line in characters(pane) for _, style in line if style and style.bgcolor
    }
    assert palette.background in drawn
    assert palette.uncomputed in drawn
