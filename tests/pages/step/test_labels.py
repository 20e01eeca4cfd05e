"""Words beside the figures: as many as there is room for, and what is needed most first."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.spec import SpecError
from convtui.pages.step.labels import code_lines, corner, introduced, introductions, notes
from convtui.pages.step.shape import shape_notes
from convtui.state.operation import EXAMPLES
from convtui.state.session import Session
from convtui.state.settings import operation_change
from tests.support.example_sessions import lesson, picture_of, session_on, sessions

CALL = "F.conv2d(x, w, padding=1)"
LESSON = lesson()
INTRODUCTIONS = introductions(LESSON)


def without_hints(session: Session = LESSON) -> Session:
    return session.with_view(hints=False)


@given(sessions(), st.sampled_from(EXAMPLES), st.booleans(), st.integers(59, 200), st.integers(1, 8))
def test_there_are_no_more_words_than_room(
    session: Session, text: str, hints: bool, width: int, lines: int
) -> None:
    session = session.with_view(hints=hints)
    with suppress(SpecError):
        session = operation_change(text)(session)
    least = len(shape_notes(session.operation.axes, width, 0))
    written = notes(session, width, lines)
    assert len(written) <= lines
    assert max(map(len, written)) <= max(width, len(session.torch_call))
    assert (session.torch_call in " ".join(map(str.strip, written))) == (lines > least)
    assert any("space plays" in line for line in written) == (hints and lines > least + 1)


def test_the_sentence_is_as_full_as_fits() -> None:
    assert [introduced(INTRODUCTIONS, width).count(",") for width in (200, 100, 57)] == [3, 2, 1]
    assert max(len(introduced(INTRODUCTIONS, width)) for width in (79, 78)) <= 79
    assert len(INTRODUCTIONS[-1]) <= 57


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_operation_has_a_sentence_that_fits(text: str) -> None:
    session = operation_change(text)(LESSON)
    ways = [session.with_way(way) for way in ("scatter", "gather")] if session.way else [session]
    for each in ways:
        words = introductions(each)
        assert len(words[1]) <= 118
        assert len(words[2]) <= 59


def test_one_row_is_said_to_be_1d() -> None:
    row = session_on("ramp-6x11", "identity", size=1).with_picture(picture_of(np.ones((1, 1, 9))))
    assert introductions(row)[1].startswith("1-D, one row, as in Conv1d")


def test_a_corner_has_the_sentence_or_else_the_call() -> None:
    shown = ["A kernel slides", "over the image:", "→ next cell,", "space plays"]
    assert corner(LESSON, [], 17, 4) == shown
    assert corner(without_hints(), [], 17, 4) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(LESSON, [], 17, 3) == ["F.conv2d(x, w,", "padding=1)"]
    assert corner(LESSON, [], 12, 2) == []
    assert corner(LESSON, [], 0, 0) == []


def test_a_corner_repeats_nothing() -> None:
    said = notes(LESSON, 79, 3)
    assert corner(LESSON, said, 17, 4) == []
    assert corner(LESSON, notes(without_hints(), 79, 2), 17, 4)[0] == "A kernel slides"


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (60, [f"code  {CALL}  (Y copies it)"]),
        (40, [f"code  {CALL}"]),
        (25, [CALL]),
        (20, ["F.conv2d(x, w,", "  padding=1)"]),
    ],
)
def test_the_call_is_named_where_there_is_room(width: int, lines: list[str]) -> None:
    assert code_lines(CALL, width, 2) == lines
    assert code_lines(CALL, width, 0) == []
    assert len(code_lines(CALL, width, 1)) == 1


def test_pixels_never_read_are_told_in_the_corner_where_no_line_is_left() -> None:
    session = lesson(stride=2, padding=0)
    written = notes(session, 79, 1)
    assert written == ["output rows and columns  ⌊(28 + 0 + 0 − 1·(3 − 1) − 1) / 2⌋ + 1 = 13"]
    told = corner(session, written, 17, 4)
    assert told == ["never read by any", "window: row 27,", "column 27"]
