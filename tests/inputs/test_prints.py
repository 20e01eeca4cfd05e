"""What the user's code prints: nothing of it is obeyed by a terminal."""

import pytest

from convtui.inputs.prints import Prints, plain


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("loss 0.5", "loss 0.5"),
        ("\x1b[1;31mred\x1b[0m and plain", "red and plain"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://x.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("\x9b2Jcleared\x1b(B\x1b=\x1bc", "cleared"),
        ("\x1bPq data\x1b\\after", "after"),
        ("10%\r20%\r30%", "30%"),
        ("30%\r", "30%"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("a\tb\x00\x07c\x08", "a       bc"),
        ("no\xa0break\u202eright to left", "no breakright to left"),
        ("é ✓ 日本", "é ✓ 日本"),
        ("cut off \x1b[3", "cut off "),
        ("\x1b", ""),
        ("", ""),
    ],
)
def test_plain(printed: str, shown: str) -> None:
    assert plain(printed) == shown
    assert all(each.isprintable() for each in shown.split("\n"))


def test_parts_of_lines_and_of_escape_codes() -> None:
    prints = Prints()
    told = [
        line
        for part in ("ep", "och 1\nred \x1b[3", "1mtext\r\n", "\n", "1%\r", "2%")
        for line in prints.lines_of(part)
    ]
    assert told == ["epoch 1", "red text", ""]
    assert prints.rest() == ["2%"]
    assert prints.rest() == []
