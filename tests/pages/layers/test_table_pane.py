"""The table scrolls with its selection, is clicked, and draws again only what differs."""

import pytest
from textual.geometry import Region

from convtui.engine.presets import preset
from convtui.engine.stack import summarize
from convtui.pages.layers.table import Kind, TableLine, table_lines
from convtui.pages.layers.table_pane import TablePane
from convtui.paint.colours import DARK

LINES = [TableLine("header", Kind.HEADER), *[TableLine(f"line {i}") for i in range(20)]]
LINES.append(TableLine("total", Kind.TOTAL))


def pane(height: int = 8, selected: int = 0) -> TablePane:
    table = TablePane()
    table.place(Region(0, 0, 40, height), DARK)
    table.show(LINES, selected, lambda number: f"feeds {number}")
    return table


def text(table: TablePane) -> list[str]:
    lines = ["".join(segment.text for segment in table.line(y)) for y in range(table.region.height)]
    assert {len(line) for line in lines} == {40}
    return [line.rstrip() for line in lines]


def test_the_header_stays_above_the_lines() -> None:
    table = pane()
    assert text(table)[:3] == ["  header  feeding cells", "▸ line 0  feeds 0", "  line 1  feeds 1"]
    table.show(LINES, 12, lambda _: "")
    assert text(table)[0] == "  header  feeding cells"


@pytest.mark.parametrize("height", [2, 3, 5, 8, 30])
@pytest.mark.parametrize("selected", [0, 1, 10, 19])
def test_the_selected_line_is_in_view(height: int, selected: int) -> None:
    shown = text(pane(height, selected))
    assert [line for line in shown if line.startswith("▸")] == [f"▸ line {selected}  feeds {selected}"]
    if height >= 5:
        before = selected - 1 if selected else 1
        assert f"  line {before}  feeds {before}" in shown


def test_the_last_line_comes_into_view() -> None:
    assert text(pane(8, 19))[-2:] == ["  total", "  ↑ 15 above"]


@pytest.mark.parametrize("height", [4, 8, 12, 21])
@pytest.mark.parametrize("selected", range(20))
def test_the_lines_above_and_below_are_counted(height: int, selected: int) -> None:
    header, *shown, told = text(pane(height, selected))
    names = [line.text for line in LINES]
    first, last = (names.index(line[2:].partition("  ")[0]) for line in (shown[0], shown[-1]))
    assert header.startswith("  header")
    parts = [f"↑ {first - 1} above"] * (first > 1) + [f"{21 - last} below ↓"] * (last < 21)
    assert told == f"  {' · '.join(parts)}"


def test_nothing_is_told_where_all_lines_are_in_view() -> None:
    assert text(pane(22))[-1] == "  line 19  feeds 19" or text(pane(23))[-1] == ""
    assert not any(
        "above" in line or "below" in line for height in (22, 23, 30) for line in text(pane(height))
    )


def test_only_lines_that_differ_are_drawn_again() -> None:
    table = pane()
    table.changes()
    table.show(LINES, 1, lambda number: f"feeds {number}")
    assert [region.y for region in table.changes()] == [1, 2]
    table.show(LINES, 1, lambda number: "other" if number == 3 else f"feeds {number}")
    assert [region.y for region in table.changes()] == [4]
    table.show(list(LINES), 1, lambda number: "other" if number == 3 else f"feeds {number}")
    assert table.changes() == []


def test_lines_below_the_header_are_layers_to_be_clicked() -> None:
    table = pane(30)
    assert table.cell_at(3, 0) is None
    assert table.cell_at(3, 1) == (0, 0)
    assert table.cell_at(39, 20) == (19, 0)
    assert table.cell_at(3, 21) is None
    assert table.cell_at(3, 25) is None


def test_the_wheel_scrolls_until_the_selection_moves() -> None:
    table = pane()
    table.changes()
    table.scroll(2, 0)
    assert text(table)[1] == "  line 2  feeds 2"
    assert len(table.changes()) == 7
    assert table.cell_at(0, 1) == (2, 0)
    table.scroll(-99, 0)
    assert text(table)[1] == "▸ line 0  feeds 0"
    table.scroll(99, 0)
    assert text(table)[-2] == "  total"
    assert table.cell_at(0, 7) is None
    table.show(LINES, 1, lambda _: "")
    assert text(table)[1] == "  line 0"


def test_a_layer_that_does_not_fit_is_in_the_accent() -> None:
    summary = summarize(preset("alexnet").layers, (1, 28, 28))
    table = TablePane()
    table.place(Region(0, 0, 80, 40), DARK)
    table.show(table_lines(summary, 80), 0, lambda _: "")
    (wrong,) = [y for y in range(40) if "does not fit" in "".join(each.text for each in table.line(y))]
    assert summary.error is not None
    assert wrong == summary.error.number + 1
    assert table.cell_at(0, wrong) is None
