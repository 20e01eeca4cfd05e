"""Words beside the figures: as many as there is room for, and what is needed most first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.step.labels import INTRODUCTIONS, code_line, corner, introduced, notes
from convtui.pages.step.shape import shape_notes
from convtui.state.session import Session
from tests.support.example_sessions import lesson, sessions

CALL = "F.conv2d(x, w, padding=1)"


@given(sessions(), st.booleans(), st.integers(59, 200), st.integers(1, 8))
def test_there_are_no_more_words_than_room(session: Session, hints: bool, width: int, lines: int) -> None:
    axes = session.convolution.axes
    least = len(shape_notes(axes, width, 0))
    written = notes(axes, CALL, hints, width, lines)
    assert len(written) <= max(lines, least)
    assert max(map(len, written)) <= width
    assert any(CALL in line for line in written) == (lines > least)
    assert any("slides" in line for line in written) == (hints and lines > least + 1)


def test_the_sentence_is_as_full_as_fits() -> None:
    assert [introduced(width).count(",") for width in (200, 100, 57)] == [3, 2, 1]
    assert max(len(introduced(width)) for width in (79, 78)) <= 79
    assert len(INTRODUCTIONS[-1]) <= 57


def test_a_corner_has_the_sentence_or_else_the_call() -> None:
    shown = ["A kernel slides", "over the image:", "→ next cell,", "space plays"]
    assert corner(CALL, [], True, 17, 4) == shown
    assert corner(CALL, [], False, 17, 4) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(CALL, [], True, 17, 3) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(CALL, [], True, 12, 2) == []
    assert corner(CALL, [], True, 0, 0) == []


def test_a_corner_repeats_nothing() -> None:
    axes = lesson().convolution.axes
    said = notes(axes, CALL, True, 79, 3)
    assert corner(CALL, said, True, 17, 4) == []
    assert corner(CALL, notes(axes, CALL, False, 79, 2), True, 17, 4)[0] == "A kernel slides"


@pytest.mark.parametrize(
    ("width", "line"), [(60, f"code  {CALL}  (Y copies it)"), (40, f"code  {CALL}"), (20, CALL)]
)
def test_the_call_is_named_where_there_is_room(width: int, line: str) -> None:
    assert code_line(CALL, width) == line
