"""Text on the canvas: every line fills its place, and only what differs is drawn again."""

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.geometry import Region

from convtui.paint.colours import DARK, LIGHT
from convtui.paint.text_pane import TextPane

texts = st.lists(st.text("abc ×−⌊", max_size=12), max_size=4)


def drawn(pane: TextPane) -> list[list[Segment]]:
    return [pane.line(y) for y in range(pane.region.height)]


@given(texts, texts, st.integers(1, 10), st.integers(1, 5))
def test_what_differs_is_drawn_again(before: list[str], after: list[str], width: int, height: int) -> None:
    pane = TextPane()
    pane.place(Region(2, 3, width, height), DARK)
    pane.show(before)
    pane.changes()
    screen = drawn(pane)
    pane.show(after)
    for region in pane.changes():
        screen[region.y] = pane.line(region.y)
    assert screen == drawn(pane)
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
