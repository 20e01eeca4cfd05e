"""Shapes and settings as diagrams and notebooks write them."""

from collections.abc import Sequence

from convtui.engine.spec import Pair, Sides


def shape_text(shape: Sequence[int]) -> str:
    """As "3x32x32"."""
    return "x".join(map(str, shape))


def pair_text(pair: Pair) -> str:
    """One number for both where they are the same: "2", "2,1"."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"


def sides_text(sides: Sides) -> str:
    """Top, bottom, left, right, or one number for all: "1", "0,1,0,1"."""
    flat = [*sides[0], *sides[1]]
    return str(flat[0]) if len(set(flat)) == 1 else ",".join(map(str, flat))
