"""Every line fills its place, and only lines that differ are painted again."""

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.geometry import Region

from convtui.paint.colours import DARK, LIGHT, Palette, style
from convtui.paint.drawing import Cell
from convtui.paint.glyphs import Lines
from convtui.paint.panes import DrawnPane, Size, TextPane


def drawn(shown: list[str], size: Size, palette: Palette) -> Lines:
    return [[Segment(text[: size[1]], style(None, palette.background))] for text in shown[: size[0]]]


def pane() -> DrawnPane[list[str]]:
    made = DrawnPane(drawn)
    made.place(Region(3, 2, 4, 3), DARK)
    return made


def changed_lines(made: DrawnPane[list[str]]) -> list[int]:
    return [region.y for region in made.changes()]


def test_lines_that_are_the_same_are_not_painted_again() -> None:
    made = pane()
    made.show(["aaaa", "bbbb", "cccc"])
    assert changed_lines(made) == [0, 1, 2]
    made.show(["aaaa", "xxxx", "cccc"])
    assert changed_lines(made) == [1]
    assert changed_lines(made) == []


def test_a_line_that_is_gone_is_painted_blank() -> None:
    made = pane()
    made.show(["aaaa", "bbbb"])
    made.changes()
    made.show(["aaaa"])
    assert changed_lines(made) == [1]
    assert [segment.text for segment in made.line(1)] == ["    "]


def test_the_very_same_thing_is_not_drawn_again() -> None:
    calls = []

    def counted(shown: list[str], size: Size, palette: Palette) -> Lines:
        calls.append(shown)
        return drawn(shown, size, palette)

    made = DrawnPane(counted)
    made.place(Region(0, 0, 4, 1), DARK)
    words = ["aaaa"]
    made.show(words)
    made.show(words)
    assert len(calls) == 1


def test_every_line_is_as_wide_as_the_pane() -> None:
    made = pane()
    made.show(["a", "bbbbbbbb"])
    assert [Segment.get_line_length(made.line(y)) for y in range(3)] == [4, 4, 4]


def test_another_place_or_palette_draws_anew() -> None:
    made = pane()
    made.show(["aaaaaaaa"])
    made.place(Region(0, 0, 6, 2), LIGHT)
    assert made.line(0) == [Segment("aaaaaa", style(None, LIGHT.background))]


def test_cells_are_told_by_line_and_column() -> None:
    def cell_of(shown: list[str], size: Size, y: int, x: int) -> Cell | None:
        return (y, x) if y < len(shown) and size == (3, 4) else None

    made = DrawnPane(drawn, cell_of)
    made.place(Region(3, 2, 4, 3), DARK)
    assert made.cell_at(1, 0) is None
    made.show(["aaaa", "bbbb"])
    assert made.cell_at(2, 1) == (1, 2)
    assert made.cell_at(2, 2) is None
    assert pane().cell_at(0, 0) is None


# -- text

texts = st.lists(st.text("abc ×−⌊", max_size=12), max_size=4)


def screen_of(pane: TextPane) -> list[list[Segment]]:
    return [pane.line(y) for y in range(pane.region.height)]


@given(texts, texts, st.integers(1, 10), st.integers(1, 5))
def test_what_differs_is_drawn_again(before: list[str], after: list[str], width: int, height: int) -> None:
    pane = TextPane()
    pane.place(Region(2, 3, width, height), DARK)
    pane.show(before)
    pane.changes()
    screen = screen_of(pane)
    pane.show(after)
    for region in pane.changes():
        screen[region.y] = pane.line(region.y)
    assert screen == screen_of(pane)
    assert all(Segment.get_line_length(line) == width for line in screen)
    pane.show(after)
    assert not pane.changes()


def test_text_is_in_the_palette_it_was_given() -> None:
    for muted in (False, True):
        pane = TextPane(muted)
        for palette in (DARK, LIGHT):
            pane.place(Region(0, 0, 9, 1), palette)
            pane.show(["words"])
            ((_, style, _), *_) = pane.line(0)
            assert style is not None
            assert style.color is not None
            assert style.color.triplet == (palette.muted if muted else palette.text)


def test_there_are_no_cells_in_text() -> None:
    assert TextPane().cell_at(0, 0) is None
