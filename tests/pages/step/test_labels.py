"""Words beside the figures: as many as there is room for, and what is needed most first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.step.labels import INTRODUCTIONS, code_line, corner, introduced, notes
from convtui.pages.step.shape import shape_notes
from convtui.state.session import Session
from tests.support.example_sessions import lesson, sessions

CALL = "F.conv2d(x, w, padding=1)"
AXES = lesson().convolution.axes


@given(sessions(), st.booleans(), st.integers(59, 200), st.integers(1, 8))
def test_there_are_no_more_words_than_room(session: Session, hints: bool, width: int, lines: int) -> None:
    axes = session.convolution.axes
    least = len(shape_notes(axes, width, 0))
    written = notes(axes, CALL, hints, width, lines)
    assert len(written) <= lines
    assert max(map(len, written)) <= width
    assert any(CALL in line for line in written) == (lines > least)
    assert any("slides" in line for line in written) == (hints and lines > least + 1)


def test_the_sentence_is_as_full_as_fits() -> None:
    assert [introduced(width).count(",") for width in (200, 100, 57)] == [3, 2, 1]
    assert max(len(introduced(width)) for width in (79, 78)) <= 79
    assert len(INTRODUCTIONS[-1]) <= 57


def test_a_corner_has_the_sentence_or_else_the_call() -> None:
    shown = ["A kernel slides", "over the image:", "→ next cell,", "space plays"]
    assert corner(AXES, CALL, [], True, 17, 4) == shown
    assert corner(AXES, CALL, [], False, 17, 4) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(AXES, CALL, [], True, 17, 3) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(AXES, CALL, [], True, 12, 2) == []
    assert corner(AXES, CALL, [], True, 0, 0) == []


def test_a_corner_repeats_nothing() -> None:
    said = notes(AXES, CALL, True, 79, 3)
    assert corner(AXES, CALL, said, True, 17, 4) == []
    assert corner(AXES, CALL, notes(AXES, CALL, False, 79, 2), True, 17, 4)[0] == "A kernel slides"


@pytest.mark.parametrize(
    ("width", "line"), [(60, f"code  {CALL}  (Y copies it)"), (40, f"code  {CALL}"), (20, CALL)]
)
def test_the_call_is_named_where_there_is_room(width: int, line: str) -> None:
    assert code_line(CALL, width) == line


def test_pixels_never_read_are_told_in_the_corner_where_no_line_is_left() -> None:
    axes = lesson(stride=2, padding=0).convolution.axes
    written = notes(axes, CALL, True, 79, 1)
    assert written == ["output rows and columns  ⌊(28 + 0 + 0 − 1·(3 − 1) − 1) / 2⌋ + 1 = 13"]
    told = corner(axes, CALL, written, True, 17, 4)
    assert told == ["never read by any", "window: row 27,", "column 27"]
    assert corner(axes, CALL, notes(axes, CALL, True, 79, 2), True, 17, 4)[0] == "A kernel slides"
