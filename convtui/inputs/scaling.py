"""The size to which an image is scaled, and what is kept of it, as by torchvision's Resize and CenterCrop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

LARGEST_SIDE: Final = 4096

Pair: TypeAlias = tuple[int, int]


class ScalingError(ValueError):
    """One line: which size, what is wrong with it, what would be right."""


@dataclass(frozen=True)
class Longer:
    """The longer side of a scaled image, as sessions of convtui 0.1 say it."""

    side: int


Resize: TypeAlias = int | Pair | Longer
"""The shorter side, or rows and columns, as torchvision's Resize takes them."""


def scaled_size(rows: int, columns: int, resize: Resize) -> Pair:
    """The rows and columns of a scaled image.

    One number is its shorter side, and the other keeps the ratio, rounded down as by torchvision's Resize.
    Raises ScalingError for a side that would be too long.
    """
    if isinstance(resize, tuple):
        return resize
    if isinstance(resize, Longer):
        factor = resize.side / max(rows, columns)
        return max(1, round(rows * factor)), max(1, round(columns * factor))
    other = int(resize * max(rows, columns) / min(rows, columns))
    size = (resize, other) if rows <= columns else (other, resize)
    if other > LARGEST_SIDE:
        made = f"makes {side_text(size)} pixels of {rows}x{columns}"
        raise ScalingError(f"resize {resize}: {made}; a side has at most {LARGEST_SIDE}")
    return size


def cropped(rows: int, columns: int, crop: int | Pair) -> tuple[slice, slice]:
    """The middle rows and columns, as torchvision's CenterCrop takes them. Raises ScalingError."""
    wanted = crop if isinstance(crop, tuple) else (crop, crop)
    if wanted[0] > rows or wanted[1] > columns:
        has = f"the image has {rows}x{columns} pixels, of which at most all are kept"
        raise ScalingError(f"crop {side_text(crop)}: {has}")
    top, left = (round((size - kept) / 2.0) for size, kept in zip((rows, columns), wanted, strict=True))
    return slice(top, top + wanted[0]), slice(left, left + wanted[1])


def require_sides(name: str, sides: Resize | None) -> None:
    """Raise ScalingError for a side that is not from 1 to 4096."""
    if sides is None:
        return
    given = (sides.side,) if isinstance(sides, Longer) else sides if isinstance(sides, tuple) else (sides,)
    if not all(1 <= side <= LARGEST_SIDE for side in given):
        raise ScalingError(f"{name} {side_text(sides)}: a side must be from 1 to {LARGEST_SIDE} pixels")


def side_text(sides: Resize) -> str:
    """As it is typed: 224, or 224x160 for rows and columns."""
    if isinstance(sides, Longer):
        return str(sides.side)
    return "x".join(map(str, sides)) if isinstance(sides, tuple) else str(sides)
