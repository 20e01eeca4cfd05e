"""The five grids show the session's step, and what the user points at, truly."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.base.step_grids import Pointer, StepGrids, picture_title, slice_names, step_grids
from convtui.paint.colours import DARK
from convtui.paint.drawing import Grid
from convtui.state.session import Session
from tests.support.example_sessions import (
    counting,
    lesson,
    own,
    session_on,
    sessions,
    step_of,
    stepped_sessions,
)

NOTHING = Pointer()


def grids(session: Session, pointer: Pointer = NOTHING) -> StepGrids:
    return step_grids(session, step_of(session), pointer)


def shown(grid: Grid) -> Any:
    """The values of all its cells."""
    return grid.cells.patch(range(grid.cells.rows), range(grid.cells.columns), DARK).values


@given(stepped_sessions())
def test_window_times_kernel_is_products(session: Session) -> None:
    made, step = grids(session), step_of(session)
    np.testing.assert_array_equal(shown(made.window), step.window[session.slice])
    np.testing.assert_array_equal(shown(made.kernel), step.weights[session.slice])
    np.testing.assert_array_equal(shown(made.products), shown(made.window) * shown(made.kernel))
    np.testing.assert_allclose(shown(made.output), session.convolution.output[session.position[0]], atol=1e-9)


@given(stepped_sessions())
def test_the_outline_frames_the_pixels_of_the_window(session: Session) -> None:
    image = grids(session).image
    assert image.outline is not None
    framed = shown(image)[np.ix_(image.outline.rows, image.outline.columns)]
    np.testing.assert_array_equal(framed, step_of(session).window[session.slice])


@given(stepped_sessions())
def test_the_cells_filled_are_those_computed(session: Session) -> None:
    output = grids(session).output
    o, r, c = session.position
    _, rows, columns = session.convolution.output_shape
    begun = session.taps is not None and session.taps < session.products
    for row in range(rows):
        for column in range(columns):
            index = session.convolution.index(o, row, column)
            is_begun = index == session.index and begun and session.filled == index + 1
            assert output.is_filled(row, column) == (index < session.filled and not is_begun)
    assert output.focus == (r, c)


@given(sessions(), st.data())
def test_inside_a_cell_one_entry_is_marked_everywhere(session: Session, data: st.DataObject) -> None:
    session = session.at(data.draw(st.integers(0, session.size)), data.draw(st.integers(1, session.products)))
    made = grids(session)
    assert session.taps is not None
    at = step_of(session).multiply_adds[session.taps - 1]
    assert made.window.focus == made.kernel.focus == made.products.focus == (at.i, at.j)
    assert shown(made.window)[at.i, at.j] == at.pixel
    assert shown(made.kernel)[at.i, at.j] == at.weight
    assert made.image.focus is not None
    assert shown(made.image)[made.image.focus] == at.pixel
    earlier = {(m.i, m.j) for m in step_of(session).multiply_adds[: session.taps] if m.slice == session.slice}
    assert {
        cell for cell in np.ndindex(session.spec.kernel_size) if made.products.is_filled(*cell)
    } == earlier


@given(sessions(), st.data())
def test_pointing_at_a_pixel_marks_the_cells_that_read_it(session: Session, data: st.DataObject) -> None:
    session = session.at(data.draw(st.integers(0, session.size)))
    _, height, width = session.convolution.image_shape
    pixel = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    made = grids(session, Pointer(pixel=pixel))
    touched = session.convolution.touched_by(session.channel, *pixel)
    cells = np.ndindex(session.convolution.output_shape[1:])
    expected = {(r, c) for o, r, c in touched if o == session.position[0]}
    assert {cell for cell in cells if cell in made.output.readers} == expected
    assert made.output.readers.count == len(expected)
    assert ("no cell" in made.output.title) == (not expected)
    assert made.image.focus is not None
    assert shown(made.image)[made.image.focus] == session.convolution.image[session.channel][pixel]


@given(sessions(), st.data())
def test_pointing_at_a_weight_marks_the_pixel_that_it_multiplies(
    session: Session, data: st.DataObject
) -> None:
    rows, columns = session.spec.kernel_size
    entry = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    made = grids(session, Pointer(entry=entry))
    assert made.kernel.focus == made.window.focus == made.products.focus == entry
    assert made.image.focus is not None
    assert shown(made.image)[made.image.focus] == step_of(session).window[session.slice][entry]


def test_cells_are_kept_while_stepping() -> None:
    session = lesson()
    before, after = grids(session), grids(session.moved(5))
    for name in ("image", "output", "kernel"):
        assert getattr(before, name).cells is getattr(after, name).cells
    changed = grids(session.with_weight_value(0, 0, 0, 0, 9.0))
    assert changed.kernel.cells is not before.kernel.cells
    assert shown(changed.kernel)[0, 0] == 9


@pytest.mark.parametrize(
    ("session", "title"),
    [
        (lesson(), "mnist-7 1x28x28 · padding 1"),
        (lesson(padding=0), "mnist-7 1x28x28"),
        (session_on("cat-32"), "cat-32 3x32x32"),
        (session_on("cat-32").with_view(slice=1), "cat-32 3x32x32 · channel 1 green"),
        (session_on("cat-32").multiply_added(), "cat-32 3x32x32 · channel 0 red"),
        (session_on(counting(2)), "counting 2x5x5 · channel 0"),
        (session_on("count-5x5", padding=(1, 2)), "count-5x5 1x5x5 · padding 1,2"),
        (session_on("count-5x5", size=2, padding="same"), "count-5x5 1x5x5 · padding same (0,1,0,1)"),
    ],
)
def test_the_image_is_titled_with_its_shape(session: Session, title: str) -> None:
    assert grids(session).image.title == title


def test_the_output_is_titled_with_its_place_and_step() -> None:
    assert grids(lesson().at(28 * 4 + 18)).output.title == "output[0, 4, 18] of 1x28x28 · step 131 of 784"


def test_the_readers_are_named() -> None:
    output = grids(lesson(), Pointer(pixel=(4, 18))).output
    assert output.title == "image[0, 4, 18] is read by rows 3-5, columns 17-19"
    assert output.hint == "9 cells read it"
    unread = grids(lesson(stride=3, padding=0), Pointer(pixel=(27, 0))).output
    assert unread.title == "no cell here reads image[0, 27, 0]"


def test_a_pixel_of_another_group_is_read_by_no_cell_of_this_filter() -> None:
    session = own(np.ones((2, 1, 1, 1)), counting(2, 2, 2), groups=2)
    for o in range(2):
        output = grids(session.moved_channels(o), Pointer(pixel=(0, 0))).output
        assert output.readers.count == 1
        assert output.title.startswith(f"image[{o}, 0, 0]")


def test_kernels_are_numbered_where_there_are_several() -> None:
    assert grids(lesson()).kernel.title == "kernel"
    assert grids(session_on("cat-32").with_view(slice=2)).kernel.title == "kernel [0, 2]"
    assert grids(session_on("count-5x5", "edges").moved_channels(3)).kernel.title == "kernel [3, 0]"


def test_whole_numbers_are_shown_as_such() -> None:
    whole = grids(session_on("count-5x5"))
    for name in ("image", "output", "window", "kernel", "products"):
        assert getattr(whole, name).cells.text(3.0) == "3"
    halves = grids(session_on("count-5x5").with_bias_value(0, 0.5))
    assert halves.output.cells.text(3.0) == "3.0"
    assert halves.products.cells.text(3.0) == "3"


def test_a_window_says_which_of_the_channels_it_is() -> None:
    window = grids(session_on("cat-32").with_view(slice=2)).window
    assert (window.title, window.short_title) == ("window · blue (3 of 3)", "window · blue")
    assert grids(own(np.ones((2, 2, 1, 1)), counting(4), groups=2).at(25)).window.title == (
        "window · channel 2 (1 of 2)"
    )
    assert grids(lesson()).window.title == "window"


def test_the_colours_that_a_filter_reads_are_named() -> None:
    session = session_on("cat-32")
    assert slice_names(session) == ["red", "green", "blue"]
    assert slice_names(session.with_groups(3).at(2 * 900)) == ["blue"]
    assert slice_names(session_on(counting(3))) == []


@pytest.mark.parametrize(
    ("session", "hint"),
    [
        (lesson(), "dots: not computed yet"),
        (lesson().finished(), "all 784 cells are computed"),
        (lesson().with_filters(2).at(784), "dots: not computed yet"),
        (lesson().with_filters(2).at(784).at(0), "all 784 cells of this channel are computed"),
        (session_on(counting(), size=5), "the only cell is computed"),
        (session_on(counting(), size=5).multiply_added(1), "dots: not computed yet"),
    ],
)
def test_dots_are_spoken_of_where_there_are_some(session: Session, hint: str) -> None:
    assert grids(session).output.hint == hint


@pytest.mark.parametrize(
    ("name", "width", "title"),
    [
        ("mnist-7", 40, "mnist-7 1x28x28 · padding 1"),
        ("mnist-7", 24, "mnist-7 1x28x28"),
        ("mnist-12k test 0: a 7, normalised", 80, "mnist-12k test 0: a 7, normalised 1x28x28 · padding 1"),
        ("mnist-12k test 0: a 7, normalised", 44, "mnist-12k test 0: a 7, normalised 1x28x28"),
        ("mnist-12k test 0: a 7, normalised", 36, "a 7, normalised 1x28x28 · padding 1"),
        ("mnist-12k test 0: a 7, normalised", 30, "a 7, normalised 1x28x28"),
        ("mnist-7 · layer 3 input", 30, "layer 3 input 1x28x28"),
        ("a-photograph-of-a-street.jpg", 30, "…graph-of-a-street.jpg 1x28x28"),
        ("a-photograph-of-a-street.jpg", 14, "1x28x28"),
    ],
)
def test_a_title_keeps_the_pictures_name_as_long_as_there_is_room(name: str, width: int, title: str) -> None:
    shown = picture_title(replace(lesson().picture, name=name), "1x28x28", ["padding 1"], width)
    assert shown == title
    assert len(shown) <= width
