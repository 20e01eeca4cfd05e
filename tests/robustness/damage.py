"""Files as disks, editors and strangers leave them; seeded, so that a damage can be made again."""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 1, 2, 9, 255, 10**6, 2**31, 2**53 + 1, 2**63, 10**30, -(10**12)),
    *(0.5, -0.0, 1e-300, 1e308, -1e308, "NaN", "Infinity", "-Infinity"),
    *("", "0", "x", "\x1b[2J", "two\nlines", "\u202e", "é" * 50, "x" * 5000),
    *([], [0], [[]], [[[[]]]], [1, "2", None], {}, {"step": 1}, [0] * 1000),
)
NUMBERS: Final = (
    *("-1", "0", "1", "2", "7", "99", "-0", "0.5", "1e9", "1e308", "1e-320", "inf", "-nan", "1_0", "0x1f"),
    *(
        "4096",
        "4097",
        "65536",
        "2147483648",
        "9223372036854775808",
        "1" * 50,
        "1" * 5000,
        "1..2",
        "-",
        "",
        "٣",
    ),
)

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


def of_bytes(data: bytes, chance: Random) -> bytes:
    """Cut, with a few bytes changed, with a part left out, twice, exchanged or zero."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    end = min(end, start + chance.choice((1, 8, 100, 10**6)))
    part = data[start:end]
    match chance.randrange(8):
        case 0:
            return data[:start]
        case 1 | 2:
            flipped = bytearray(data)
            for _ in range(chance.choice((1, 1, 3, 30))):
                flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(flipped)
        case 3:
            return data[:start] + data[end:]
        case 4:
            return data[:end] + part + data[end:]
        case 5:
            return data[:start] + bytes(len(part)) + data[end:]
        case 6:
            return data[:start] + chance.randbytes(len(part)) + data[end:]
        case _:
            return data[:start] + part[::-1] + data[end:]


def of_text(text: str, chance: Random) -> str:
    """With a number exchanged, a line left out, twice, elsewhere or cut, or a character too many."""
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    other = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0 | 1 | 2:
            numbers = list(_NUMBER.finditer(text))
            if numbers:
                found = chance.choice(numbers)
                return text[: found.start()] + chance.choice(NUMBERS) + text[found.end() :]
            return ""
        case 3:
            del lines[at]
        case 4:
            lines.insert(other, lines[at])
        case 5:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        case _:
            where = chance.randrange(len(text))
            strange = chance.choice(
                ('"', "'", "[", "]", "{", "=", ",", "#", "\x00", "\x1b", "\r", "\ufeff", "|", "(")
            )
            return text[:where] + strange + text[where + chance.randrange(2) :]
    return "".join(lines)


def of_json(value: Any, chance: Random) -> Any:
    """JSON's values with one of them another, gone, or there twice."""
    copied = json.loads(json.dumps(value))
    if not isinstance(copied, dict | list) or not copied:
        return chance.choice(VALUES)
    inside = copied
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = chance.choice(keys)
        deeper = inside[key]
        if isinstance(deeper, dict | list) and deeper and chance.random() < 0.85:
            inside = deeper
            continue
        match chance.randrange(6):
            case 0:
                del inside[key]
            case 1 if isinstance(inside, list):
                inside.insert(key, deeper)
            case 2 if isinstance(deeper, int | float) and not isinstance(deeper, bool):
                inside[key] = deeper + chance.choice((-1, 1, 0.5, -1000, 1000))
            case 3 if isinstance(deeper, int | float):
                inside[key] = -deeper
            case _:
                inside[key] = chance.choice(VALUES)
        return copied


def of_json_lines(data: bytes, chance: Random) -> bytes:
    """A log with some lines damaged each in its own way, or as any file."""
    if chance.random() < 0.2:
        return of_bytes(data, chance)
    lines = data.splitlines()
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(lines))
        # Rare kinds of lines are damaged as often as frequent ones.
        kinds = sorted({line[:18] for line in lines})
        kind = chance.choice(kinds)
        at = chance.choice([place for place, line in enumerate(lines) if line[:18] == kind])
        match chance.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(chance.randrange(len(lines)), lines[at])
            case 2:
                lines[at] = lines[at][: chance.randrange(len(lines[at]))]
            case _:
                lines[at] = _changed_line(lines[at], chance)
        if not lines:
            return b""
    return b"\n".join(lines) + b"\n"


def _changed_line(line: bytes, chance: Random) -> bytes:
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return json.dumps(of_json(value, chance)).encode()


Damage = Callable[[bytes, Random], bytes]


def as_text(data: bytes, chance: Random) -> bytes:
    """Half the time as a text, else as any file."""
    if chance.random() < 0.3:
        return of_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 2, 4))):
        data = of_text(data.decode(errors="replace") or "\n", chance).encode(errors="replace")
    return data
