"""Words that the sentences of all matrices have in common, and how sentences fit into their panes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from textwrap import wrap

from convtui.engine.operation_matrix import OperationMatrix
from convtui.pages.matrix.shown import Shown


def shape_words(shown: Shown) -> tuple[str, str]:
    """How many rows and columns there are, and for what they stand; and only how many."""
    rows, columns = shown.matrix.shape
    of_rows, of_columns = ("pixels", "output cells") if shown.is_transposed else ("output cells", "pixels")
    return (
        f"{rows:,} rows ({of_rows}) x {columns:,} columns ({of_columns})",
        f"{rows:,} x {columns:,}",
    )


def share_of(matrix: OperationMatrix, cells: int) -> str:
    """So many cells as a share of all."""
    return f"{100 * cells / prod(matrix.shape):.3g}%"


def without_values(shown: Shown, width: int) -> str:
    """How many pixels no window reads, and how many have only values of 0."""
    matrix = shown.matrix
    lines, unread, zero = "columns", matrix.empty_columns, matrix.zero_columns
    if shown.is_transposed:
        lines, unread, zero = "rows", matrix.empty_rows, matrix.zero_rows
    if not unread and not zero:
        every = "every pixel is read by a window"
        none = "" if zero is None else f", and no {lines[:-1]} is all zero"
        return fitting(width, every + none, every)
    read = f"{lines} no window reads: {unread:,}"
    if zero is None:
        return read
    return fitting(
        width,
        f"{read}; {lines} that are all zero: {zero:,}",
        f"{read}; all zero: {zero:,}",
        f"{lines} unread: {unread:,}; all zero: {zero:,}",
    )


def wrapped(texts: Sequence[str], width: int, lines: int) -> list[str]:
    """The first text that fits in so many lines; else the last, cut with dots."""
    width = max(1, width)
    every = (wrap(text, width) for text in texts)
    cut = wrap(texts[-1], width, max_lines=lines, placeholder=" …")
    return next((each for each in every if len(each) <= lines), cut)


def fitting(width: int, *texts: str) -> str:
    """The first text that fits, else the last."""
    return next((text for text in texts if len(text) <= width), texts[-1])
