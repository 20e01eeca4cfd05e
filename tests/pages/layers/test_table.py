"""The table says of every layer what the engine says of it, in columns that stand still."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.layers import Layer, Shape
from convtui.engine.memory import memory_text
from convtui.engine.presets import NAMES, preset
from convtui.engine.stack import summarize
from convtui.engine.tracing import feeding
from convtui.pages.layers.table import (
    BEFORE,
    FEEDING,
    MARKER,
    Kind,
    feeding_text,
    layer_text,
    table_lines,
)
from tests.engine.stacks import stacks


def texts(layers: str | list[Layer], shape: Shape, width: int = 120) -> list[str]:
    return [line.text for line in table_lines(summarize(layers, shape), width)]


@pytest.mark.parametrize("width", [60, 78, 80, 100, 118, 200])
@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_the_same_width_and_fits(name: str, width: int) -> None:
    summary = summarize(preset(name).text, preset(name).input_shape)
    lines = table_lines(summary, width)
    assert len({len(line.text) for line in lines}) == 1
    assert [line.kind for line in lines] == [
        Kind.HEADER,
        *[Kind.LAYER] * len(summary.rows),
        Kind.TOTAL,
    ]
    widest = len(MARKER + lines[0].text + BEFORE + FEEDING)
    assert widest <= width or width < 80


def test_the_lectures_network_shows_the_books_figures() -> None:
    shown = [line.split() for line in texts("conv 3x3 4 s2 p1, relu, conv 3x3 8 s2 p1", (1, 28, 28))]
    assert shown[0] == ["layer", "output", "parameters", "multiply-adds", "memory", "field", "jump", "start"]
    assert shown[1] == ["0", "image", "1x28x28", "1x1"]
    assert shown[2][-7:] == ["40", "7,056", "3.1", "kB", "3x3", "2", "0"]
    assert shown[4][-7:] == ["296", "14,112", "1.6", "kB", "7x7", "4", "0"]
    assert shown[5] == ["all", "layers", "336", "21,168", "7.8", "kB"]


@settings(max_examples=30)
@given(stacks())
def test_every_row_is_said_as_it_is(drawn: tuple[list[Layer], Shape]) -> None:
    summary = summarize(*drawn)
    for row, line in zip(summary.rows[1:], texts(*drawn, width=300)[2:], strict=False):
        size = "x".join(map(str, row.field.size))
        figures = [f"{row.parameters:,}", f"{row.multiply_adds:,}", memory_text(row.memory)]
        assert line.split()[0] == str(row.number)
        assert " ".join([*figures, size]) in " ".join(line.split())
        if any(each.field.has_holes for each in summary.rows) and row.field.pixels is not None:
            assert f"{row.field.pixels:,}" in line.split()
        assert f"{size}*" in line if any("clipped" in note for note in row.notes) else f"{size} " in line


def test_narrow_tables_leave_out_what_can_be_missed() -> None:
    text, shape = preset("resnet-50").text, (3, 64, 64)
    assert "multiply-adds" in texts(text, shape, 120)[0]
    header = texts(text, shape, 80)[0]
    assert "start" not in header
    for title in ("layer", "output", "params", "field"):
        assert title in header


def test_what_is_read_is_counted_where_a_field_has_holes() -> None:
    shown = [line.split() for line in texts("conv 3x3 8 p1, conv 3x3 8 p4 d4", (1, 28, 28), 80)]
    assert shown[0][-3:] == ["field", "reads", "jump"]
    assert [line[-3:-1] for line in shown[2:4]] == [["3x3", "9"], ["11x11", "81"]]
    assert "reads" not in texts("conv 3x3 8 p1, conv 3x3 8 p2 d2", (1, 28, 28), 80)[0]


@pytest.mark.parametrize(
    ("text", "position", "said", "narrow"),
    [
        ("conv 3x3 1 d4", (0, 2, 3), "2-10, 3-11: 9", "9 of 9x9"),
        ("conv 3x3 1 d4 p4", (0, 0, 0), "0-4, 0-4: 4", "4 of 5x5"),
        ("residual(conv 3x1 1 p1x0 | conv 1x3 1 p0x1)", (0, 2, 2), "1-3, 1-3: 5", "5 of 3x3"),
        ("conv 3x3 1 d1", (0, 2, 2), "2-4, 2-4", "2-4, 2-4"),
    ],
)
def test_cells_that_feed_are_counted_where_there_are_holes(
    text: str, position: tuple[int, int, int], said: str, narrow: str
) -> None:
    rows = summarize(text, (1, 20, 20)).rows
    fed = feeding(rows, len(rows) - 1, position)[0]
    assert (feeding_text(fed, rows[0], 30), feeding_text(fed, rows[0], 10)) == (said, narrow)


def test_a_field_of_which_only_a_bound_is_told_has_its_sign() -> None:
    assert "≤4096x60 " in texts("adaptiveavgpool 4000x1", (1, 4096, 60))[2]


def test_branches_are_set_in_and_joins_name_what_they_join() -> None:
    rows = summarize("residual(conv 3x3 1 p1, relu | conv 1x1 1), concat(relu | bn)", (1, 4, 4)).rows
    assert [layer_text(row) for row in rows[1:]] == [
        "│ conv 3x3 1 p1",
        "│ relu",
        "╎ conv 1x1 1",
        "residual 2 + 3",
        "│ relu",
        "╎ bn",
        "concat 5, 6",
    ]


def test_a_layer_that_does_not_fit_ends_the_table() -> None:
    *_, last, wrong = table_lines(summarize("conv 3x3 2, conv 9x9 2, relu", (1, 6, 6)), 100)
    assert "conv 3x3 2" in last.text
    assert (wrong.kind, wrong.text.split()[0]) == (Kind.ERROR, "2")
    assert "conv 9x9 2  does not fit" in wrong.text


def test_a_long_layer_is_cut() -> None:
    (row,) = summarize("conv 3x3 16777216 s10x10 p0:1x2:3 d2x1 nobias circular", (1, 40, 40)).rows[1:]
    assert len(layer_text(row)) == 30
    assert layer_text(row).endswith("…")


@pytest.mark.parametrize(
    ("layer", "position", "expected"),
    [
        (1, (0, 0, 0), ["0-1, 0-1", "0, 0"]),
        (1, (0, 2, 1), ["1-3, 0-2", "2, 1"]),
        (3, (7, 0, 0), ["0-3, 0-3", "1-3, 1-3", "1, 1", "feature 7"]),
        (4, (1, 0, 0), ["0-3, 0-3", "0-3, 0-3", "0-1, 0-1", "16 of 16", "feature 1"]),
        (5, (0, 0, 0), ["0-3, 0-3", "0-3, 0-3", "0-1, 0-1", "16 of 16", "2 of 2", "1 of 1"]),
    ],
)
def test_the_cells_that_feed_are_named(
    layer: int, position: tuple[int, int, int], expected: list[str]
) -> None:
    summary = summarize("conv 3x3 4 p1, conv 3x3 4 s2 p1, flatten, linear 2, linear 1", (1, 4, 4))
    fed = feeding(summary.rows, layer, position)
    assert [feeding_text(each, row, 99) for each, row in zip(fed, summary.rows, strict=False)] == expected


@settings(max_examples=30)
@given(stacks(), st.data())
def test_what_feeds_always_fits_its_column(drawn: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    rows = summarize(*drawn).rows
    last = len(rows) - 1
    shape = (*rows[last].output_shape, 1, 1)[:3]
    position = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    width = 400
    lines = table_lines(summarize(*drawn), width)
    for each, row in zip(feeding(rows, last, position), rows, strict=True):  # type: ignore[arg-type]
        assert len(MARKER + lines[0].text + BEFORE + feeding_text(each, row, 99)) <= width


def test_a_lesson_hides_what_gives_an_answer_away() -> None:
    summary = summarize(preset("lenet-5").text, (1, 28, 28))
    shapes = [line.text for line in table_lines(summary, 120, frozenset({"layers"}), 3)]
    assert "6x28x28" in shapes[3]
    assert all("?" in line and "x14x14" not in line for line in shapes[4:])
    fields = [line.text for line in table_lines(summary, 120, frozenset({"field"}), 3)]
    assert "5x5" in fields[3]
    assert "6x14x14" in fields[4]
    assert "6x6" not in fields[4]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5_000_000_000_000, "5.0 TB"),
        (10**18, "1000 PB"),
    ],
)
def test_memory_has_at_most_three_digits_before_the_point(count: int, text: str) -> None:
    assert memory_text(count) == text


def test_joins_name_the_rows_that_they_join() -> None:
    text = "residual(relu | bn), multiply(gap, sigmoid | ), concat(relu | bn)"
    joins = [layer_text(row) for row in summarize(text, (2, 4, 4)).rows if len(row.inputs) > 1]
    assert joins == ["residual 1 + 2", "multiply 5 × 3", "concat 7, 8"]
