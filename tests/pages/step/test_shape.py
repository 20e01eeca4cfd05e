"""The size of the output is explained in true numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.step.labels import corner, notes
from convtui.pages.step.shape import remarks, shape_notes
from convtui.paint.text import spans
from convtui.state.session import Session
from convtui.state.settings import operation_change
from tests.support.example_sessions import lesson, session_on, sessions

IN_WORDS = "(image + padding − dilation·(kernel−1) − 1)/stride + 1"


def value_of(formula: str) -> int:
    """What the first form of the formula comes to."""
    text = formula.split(" = ")[0].translate(str.maketrans("−·⌊⌋", "-*()")).replace("/", "//")
    assert re.fullmatch(r"[-+*/() 0-9]+", text)
    return int(eval(text))


@given(sessions(), st.integers(0, 6))
def test_every_formula_comes_to_the_output_size(session: Session, lines: int) -> None:
    notes = shape_notes(session.convolution.axes, 200, lines)
    formulas = [note[note.index("(") - ("⌊" in note) :] for note in notes if re.search(r"\) / \d", note)]
    sizes = [int(formula.rpartition(" = ")[2]) for formula in formulas]
    assert [value_of(formula) for formula in formulas] == sizes
    rows, columns = session.convolution.output_shape[1:]
    assert sizes == ([rows, columns] if len(sizes) == 2 else [rows]) or rows == columns == sizes[0]


@given(sessions(), st.integers(0, 6))
def test_every_unused_row_and_column_is_named(session: Session, lines: int) -> None:
    notes = "\n".join(shape_notes(session.convolution.axes, 200, lines))
    rows, columns = (axis.unused for axis in session.convolution.axes)
    assert ("never read" in notes) == bool(rows or columns)
    for name, unused in (("row", rows), ("column", columns)):
        if unused:
            assert re.search(rf"\b{name}s? {re.escape(spans(unused))}", notes)


@given(sessions(), st.integers(59, 200), st.integers(1, 6))
def test_there_are_no_more_notes_than_lines_nor_wider_ones(session: Session, width: int, lines: int) -> None:
    least = len(shape_notes(session.convolution.axes, width, 0))
    notes = shape_notes(session.convolution.axes, width, lines)
    assert len(notes) <= max(lines, least)
    assert max(map(len, notes)) <= width


def test_both_axes_are_written_once_where_they_agree() -> None:
    axes = lesson(stride=2).convolution.axes
    formula = "⌊(28 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1"
    assert shape_notes(axes, 120, 1) == [f"output rows and columns  {formula} = ⌊27 / 2⌋ + 1 = 13 + 1 = 14"]
    assert shape_notes(axes, 70, 1) == [f"output rows and columns  {formula} = 14"]
    assert shape_notes(axes, 120, 2) == [
        f"output size = {IN_WORDS}",
        f"{formula} = ⌊27 / 2⌋ + 1 = 13 + 1 = 14",
    ]
    assert shape_notes(axes, 120, 3) == ["output size", IN_WORDS, f"{formula} = ⌊27 / 2⌋ + 1 = 13 + 1 = 14"]


def test_each_axis_is_written_where_they_differ() -> None:
    notes = shape_notes(session_on("ramp-6x11", stride=(1, 2)).convolution.axes, 120, 0)
    assert notes[0].startswith("output rows  (6 + 0 + 0 − ")
    assert notes[1].startswith("columns  (11 + 0 + 0 − ")


def test_what_no_window_reads_is_said() -> None:
    assert "never read by any window" not in "".join(shape_notes(lesson(stride=2).convolution.axes, 120, 0))
    notes = shape_notes(lesson(stride=3, padding=0).convolution.axes, 120, 0)
    assert notes[-1] == "never read by any window: row 27, column 27"
    notes = shape_notes(session_on("count-5x5", size=2, stride=3).convolution.axes, 120, 0)
    assert notes[-1] == "never read by any window: row 2, column 2"


@pytest.mark.parametrize("way", ["scatter", "gather"])
def test_what_lands_nowhere_is_said(way: str) -> None:
    """No window reads, of a transposed convolution; and a corner does not say it again."""
    session = operation_change("convtranspose 2 1 s2 p3")(session_on("count-5x5", "random", size=2))
    session = session.with_way(way)
    told = "cut off, so they land nowhere: rows 0, 4, columns 0, 4"
    written = notes(session, 120, 3)
    assert told in written
    assert not any("land nowhere" in line for line in corner(session, written, 40, 4))


@given(st.sets(st.integers(0, 60), min_size=1))
def test_spans_name_every_number(numbers: set[int]) -> None:
    text = spans(sorted(numbers), most=100)
    named: set[int] = set()
    for part in text.split(", "):
        first, _, last = part.partition("-")
        named.update(range(int(first), int(last or first) + 1))
    assert named == numbers
    assert len(text.split(", ")) == len(numbers) - sum(number + 1 in numbers for number in numbers)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([3], "3"),
        ([3, 7, 8, 9, 27], "3, 7-9, 27"),
        ([0, 2, 4, 6, 8, 10], "0, 2, 4, 6 … (6 in all)"),
        (range(100), "0-99"),
    ],
)
def test_spans(numbers: list[int], text: str) -> None:
    assert spans(numbers) == text


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            "maxpool 3 s2 ceil",
            [
                "output size",
                "⌈(image + padding − dilation·(kernel−1) − 1)/stride⌉ + 1",
                "⌈(28 + 0 + 0 − 1·(3 − 1) − 1) / 2⌉ + 1 = ⌈25 / 2⌉ + 1 = 13 + 1 = 14",
            ],
        ),
        (
            "adaptiveavgpool 5",
            [
                "output size = the one asked for; window i is ⌊i·image/output⌋ to ⌈(i+1)·image/output⌉ − 1",
                "5 windows over 28 rows, of 6 and 7 each; here rows ⌊0·28 / 5⌋ = 0 to ⌈1·28 / 5⌉ − 1 = 5",
                "5 windows over 28 columns, of 6 and 7 each; "
                "here columns ⌊1·28 / 5⌋ = 5 to ⌈2·28 / 5⌉ − 1 = 11",
            ],
        ),
        (
            "convtranspose s2",
            [
                "output size = (image−1)·stride − padding + dilation·(kernel−1) + output padding + 1",
                "(28 − 1)·2 − 0 − 0 + 1·(3 − 1) + 0 + 1 = 54 − 0 + 2 + 0 + 1 = 57",
                "checkerboard: stride 2 does not divide kernel size 3: 1 and 2 windows in turn land on rows",
            ],
        ),
    ],
)
@pytest.mark.parametrize("way", ["scatter", "gather"])
def test_the_sizes_of_other_operations_have_their_own_formulas(text: str, notes: list[str], way: str) -> None:
    session = operation_change(text)(lesson(padding=0))
    session = session.with_way(way) if session.way else session
    written = shape_notes(session.operation.axes, 120, 3, (0, 1))
    assert written == notes
    for lines in range(5):
        assert max(map(len, shape_notes(session.operation.axes, 59, lines))) <= 59


def test_an_even_transposed_convolution_makes_no_pattern() -> None:
    session = operation_change("convtranspose 4x4 1 s2")(session_on("ramp-6x11", "identity"))
    assert remarks(session.operation.axes, 120) == []
