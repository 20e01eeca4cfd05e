"""A diagram's stills: what has stayed, what moved, and what only that frame shows."""

from convtui.export.diagram import Box, Diagram, Frame, Label, Mover, Outline, text_width

BLACK = (0, 0, 0)
BASE, FIRST, SECOND = (Box(x, 0, 1, 1, BLACK) for x in range(3))
WORD = Label(1.5, 2.0, "now", 12, BLACK)
EDGE = Outline(10, 10, 4, 4, BLACK)


def test_a_still_is_one_moment() -> None:
    frames = (Frame(1.0, (FIRST,)), Frame(2.0, (SECOND,), (WORD,)))
    diagram = Diagram(9, 9, BLACK, "", (BASE,), frames, (Mover((EDGE,), ((0, 0), (3, -2))),))
    assert diagram.seconds == 3
    assert diagram.still(0).base == (BASE, FIRST, EDGE)
    assert diagram.still().base == (BASE, FIRST, SECOND, Outline(13, 8, 4, 4, BLACK), WORD)
    assert diagram.still().still() == diagram.still()


def test_text_is_as_wide_as_its_characters() -> None:
    assert text_width("0" * 8, 12) == 8 * text_width("0", 12) > 8 * 7
