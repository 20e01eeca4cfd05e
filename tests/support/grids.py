"""Grids to draw, with everything marked that can be."""

import numpy as np
from hypothesis import strategies as st

from convtui.paint.cells import TableCells
from convtui.paint.drawing import Grid, Outline, Readers


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """A grid with everything marked that can be, all of it anywhere."""
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    lowest, highest = draw(
        st.sampled_from([(0, 1), (-1, 1), (0, 255), (-3000, 3000), (-1e20, 1e20), (0, 0.01)])
    )
    values = np.random.default_rng(draw(st.integers(0, 9))).uniform(lowest, highest, (rows, columns))
    padding = np.arange(rows * columns).reshape(rows, columns) % 3 == 0 if draw(st.booleans()) else None
    cells = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    top, left = draw(cells)
    outline = Outline(
        range(top, rows, draw(st.integers(1, 3))), range(left, columns, draw(st.integers(1, 3)))
    )
    return Grid(
        TableCells(values, lowest, highest, padding=padding),
        "title",
        filled=draw(st.none() | st.integers(0, rows * columns)),
        outline=draw(st.none() | st.just(outline)),
        focus=draw(st.none() | cells),
        readers=Readers(
            draw(st.frozensets(st.integers(0, rows - 1), max_size=3)),
            draw(st.frozensets(st.integers(0, columns - 1), max_size=3)),
        ),
        lit_row=draw(st.none() | st.integers(0, rows - 1)),
        lit_column=draw(st.none() | st.integers(0, columns - 1)),
    )
