"""What cats and learners do to a keyboard, a mouse and a window, as a terminal sends it; seeded."""

import string
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from textual.keys import _character_to_key

from convtui.engine.kernels import NAMES
from convtui.pages.base.keys import PAGES, SECTIONS
from convtui.state.settings import EXAMPLES

CHARACTERS: Final = {_character_to_key(each): each.encode() for each in string.printable[:95]}
SEQUENCES: Final = {
    **{
        name: f"\x1b[{end}".encode()
        for name, end in zip(("up", "down", "right", "left"), "ABCD", strict=True)
    },
    **{
        f"shift+{name}": f"\x1b[1;2{end}".encode()
        for name, end in zip(("up", "down", "right", "left"), "ABCD", strict=True)
    },
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "f1": b"\x1bOP",
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "backspace": b"\x7f",
    "ctrl+r": b"\x12",
    "ctrl+c": b"\x03",
}
PALETTE, ESCAPE, ENTER = b"\x10", b"\x1b", b"\r"
RARE: Final = (b"q", b"\x03")
WHEEL: Final = (64, 65, 66, 67, 64 + 4, 65 + 4, 65 + 16)  # up, down, left, right; with shift, with ctrl
WORDS: Final = (
    "cat-32",
    "mnist-7",
    "photo",
    "lesson",
    "theme",
    "quit",
    "3",
    "1,2",
    "-1",
    "1e9",
    "0.5",
    "x" * 60,
)


class Size(NamedTuple):
    """The window has so many columns and rows from now on."""

    columns: int
    rows: int


Stroke = bytes | Size
LEAST, MOST = Size(20, 5), Size(300, 100)
BEGINNING = Size(120, 40)


def keys() -> list[bytes]:
    """All that do something on some page, but for the one that puts the app to sleep."""
    tables = (*SECTIONS.values(), *PAGES.values())
    names = {name for table in tables for key in table for name in key.names.split(",")} - {"ctrl+z"}
    encoded = {**CHARACTERS, **SEQUENCES}
    return sorted({encoded[name] for name in names if name in encoded} - set(RARE))


def strokes(chance: Random) -> Iterator[Stroke]:
    """Without end."""
    size, known = BEGINNING, keys()
    kinds = {
        "key": 50, "character": 8, "setting": 5, "words": 4, "mouse": 14, "clicks": 5, "size": 4,
        "palette": 2, "page": 5, "rare": 0.3,
    }  # fmt: skip
    while True:
        match chance.choices(list(kinds), list(kinds.values()))[0]:
            case "key":
                yield chance.choice(known)
            case "character":
                yield chance.choice((*CHARACTERS.values(), ENTER, ESCAPE))
            case "setting":
                yield from (b":", setting(chance).encode(), chance.choice((ENTER, ENTER, ESCAPE)))
            case "words":
                yield from (chance.choice((b"o", b"S", b"g", b"e")), words(chance).encode())
                yield chance.choice((ENTER, ENTER, ESCAPE, b"\t"))
            case "mouse":
                yield mouse(chance, size)
            case "clicks":
                yield 2 * click(place(chance, size))
            case "size":
                size = Size(*map(chance.randint, LEAST, MOST))
                yield size
            case "palette":
                yield from (PALETTE, words(chance).encode())
                yield chance.choice(
                    (ENTER, ESCAPE, 2 * click(Size(1, size.rows)), 2 * click(place(chance, size)))
                )
            case "page":
                yield chance.choice((b"1", b"2", b"3", b"4", b"5"))
            case _:
                yield chance.choice(RARE)


def setting(chance: Random) -> str:
    """One that may be meant, or not."""
    if chance.random() < 0.4:
        return chance.choice(tuple(EXAMPLES.values()))
    name = chance.choice((*EXAMPLES, "mode", "size", "gamma", "batch", "lr", "image"))
    values = (*WORDS, *NAMES, "same", "valid", "reflect", "circular", "2", "0", "64", "7x3", "none")
    return f"{name.replace('_', ' ')} {chance.choice(values)}"


def words(chance: Random) -> str:
    """Without a slash, so that nothing is written outside of the folder."""
    return chance.choice((*WORDS, chance.choice(NAMES), "".join(chance.choices("abc 019,.-=", k=6))))


def place(chance: Random, size: Size) -> Size:
    return Size(chance.randint(1, size.columns), chance.randint(1, size.rows))


def mouse(chance: Random, size: Size) -> bytes:
    """The wheel, a click, a move, or a drag."""
    at, to = place(chance, size), place(chance, size)
    match chance.randrange(5):
        case 0 | 1:
            return event(chance.choice(WHEEL), at) * chance.choice((1, 1, 5))
        case 2:
            return click(at)
        case 3:
            return event(35, at)
        case _:
            return event(0, at) + event(32, to) + event(0, to, "m")


def event(button: int, at: Size, end: str = "M") -> bytes:
    return f"\x1b[<{button};{at.columns};{at.rows}{end}".encode()


def click(at: Size) -> bytes:
    return event(0, at) + event(0, at, "m")
