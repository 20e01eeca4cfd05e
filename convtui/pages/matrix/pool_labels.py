"""What the Matrix page says of the matrix of a pooling, in which nothing is trained."""

from __future__ import annotations

from math import prod

from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Average, Mean
from convtui.engine.words import counted
from convtui.pages.matrix.shown import Pointed, Shown
from convtui.pages.matrix.wording import fitting, shape_words, share_of, without_values
from convtui.paint.arithmetic import precision
from convtui.paint.matrix_cells import share


def row_words(shown: Shown, step: PoolStep) -> list[str]:
    """What the line of an output cell comes to, in full, then shorter."""
    name, line = f"output{list(step.position)}", f"{shown.line_name} {step.index}"
    pixels = counted(int((~step.is_padding).sum()), "pixel")
    done = step.done
    if isinstance(done, Mean):
        shares = _shares_of(step, done)
        if shown.is_transposed:
            return [
                f"{line} spreads {name} over {pixels}: {share(1 / done.divisor)} to each",
                f"{line} spreads {name} over {pixels}",
            ]
        value = f"{line} · x = {name} = {precision(done.value).text(done.value)}"
        return [f"{value}  ({shares})", value, value.partition("· x = ")[2]]
    if done.at is None:
        return [
            f"{line} is empty: the window of {name} has no pixel, and its maximum is -inf",
            f"{line} is empty: {name} is -inf",
        ]
    row, column = int(step.source_rows[done.at[0]]), int(step.source_columns[done.at[1]])
    winner = f"image[{step.position[0]}, {row}, {column}]"
    equal = int(((step.window[0] == done.value) & ~step.is_padding).sum())
    won = f"the first of {equal} that are equally great" if equal > 1 else f"the greatest of {pixels}"
    if shown.is_transposed:
        spread = f"{line} gives all of {name} back to {winner}"
        return [f"{spread}, {won}", spread]
    value = f"{line} · x = {name} = {precision(done.value).text(done.value)}"
    return [f"{value}: its 1 is at {winner}, {won}", f"{value}: its 1 is at {winner}", value]


def _shares_of(step: PoolStep, done: Mean) -> str:
    """How many shares a row has, and where the others of its window are."""
    pixels = int((~step.is_padding).sum())
    counted_pixels = int(done.is_counted.sum())
    shares = f"{counted(pixels, 'share')} of {share(1 / done.divisor)}"
    on_padding = counted_pixels - pixels
    if on_padding > 0:
        return f"{shares}; {on_padding} more {'falls' if on_padding == 1 else 'fall'} on padding"
    return shares


def pointed_words(
    shown: Shown, pointed: Pointed, name: str, pixel: tuple[str, float], output: str
) -> list[str]:
    """A place in a window as what its pixel has of the output cell, and of a gradient there."""
    of, number = pixel
    value = float(shown.standing.block([pointed.output], [pointed.input]).values[0, 0])
    is_average = isinstance(_pooling(shown).reduction, Average)
    if is_average:
        way = f"{output} -> {of}" if shown.is_transposed else f"{of} -> {output}"
        words = f"{name} = {share(value)} · {way}"
        return [
            f"{words}; never trained; of a gradient there, {share(value)} reaches the pixel",
            f"{words}; never trained",
            words,
            f"{name} = {share(value)} · {of}",
        ]
    has = f"{of} = {precision(number).text(number)}"
    if value:
        return [
            f"{name} = 1: {has} is the winner of {output}; all of a gradient there reaches it",
            f"{name} = 1: {of} is the winner of {output}",
            f"{name} = 1: {of} is the winner",
        ]
    return [
        f"{name} = 0: {has} is in the window of {output} and does not win; no gradient reaches it from there",
        f"{name} = 0: {of} is read by {output} and does not win",
        f"{name} = 0: {of} does not win",
    ]


def figures(shown: Shown, width: int) -> list[str]:
    """Shares or winners; that nothing is trained; empty and all-zero columns: as full as fits."""
    matrix = shown.matrix
    long, short = shape_words(shown)
    dense = f"a dense layer of this shape would have {prod(matrix.shape):,}"
    if isinstance(_pooling(shown).reduction, Average):
        places = f"{counted(matrix.places, 'share')} ({share_of(matrix, matrix.places)})"
        counts = [f"{long}: {places}", f"{short}: {places}", places]
        trained = ["nothing is trained in an average", "nothing is trained"]
    else:
        ones = f"{counted(shown.standing.shape[0] - shown.standing.empty_rows, 'winner')}"
        among = f"{ones} among {matrix.places:,} places in windows"
        counts = [
            f"{long}: {among} ({share_of(matrix, matrix.places)})",
            f"{short}: {among}",
            f"{short}: {ones}",
            ones,
        ]
        trained = [
            "nothing is trained, and another image has another matrix",
            "another image, another matrix",
        ]
    free = "free parameters: 0"
    return [
        fitting(width, *counts),
        fitting(
            width,
            *(f"{free} ({each}); {dense}" for each in trained),
            *(f"{free} ({each})" for each in trained),
            f"0 free; {trained[1]}",
        ),
        _without_gradient(shown, width),
    ]


def _without_gradient(shown: Shown, width: int) -> str:
    """How many pixels no gradient reaches."""
    standing = shown.standing
    unread, zero = standing.empty_columns, standing.zero_columns
    if isinstance(_pooling(shown).reduction, Average) or not zero:
        return without_values(shown, width)
    lines = "rows" if shown.is_transposed else "columns"
    losing = f"{lines} that are all zero: {zero:,}"
    return fitting(
        width,
        f"{lines} no window reads: {unread:,}; {losing}: pixels that win nowhere get no gradient",
        f"{lines} unread: {unread:,}; all zero: {zero:,}, pixels without a gradient",
        f"{lines} unread: {unread:,}; all zero: {zero:,}",
    )


def matrix_hint(shown: Shown, by_entry: bool, width: int, zeros: str) -> str:
    """What is to be seen in the matrix; `zeros` says what structural zeros are."""
    if by_entry:
        place = "one colour, one place in the window: row,column"
        return fitting(
            width, f"{place}{zeros}", place, "a colour: a place in the window", "places in windows"
        )
    if not isinstance(_pooling(shown).reduction, Average):
        if shown.is_transposed:
            return fitting(
                width,
                "rows are pixels: a gradient goes back to the winners alone",
                "rows are pixels: gradients reach winners",
                "rows are pixels",
            )
        one = "for this image: a 1 at the winner of each window"
        return fitting(
            width,
            f"{one}, 0 where it reads the others{zeros}",
            f"{one}, 0 where it reads the others",
            one,
            "a 1 at each window's winner",
        )
    if shown.is_transposed:
        return fitting(
            width,
            "rows are pixels: a gradient is shared out as the mean was",
            "rows are pixels: gradients are shared",
            "rows are pixels",
        )
    each = _uniform(shown)
    return fitting(width, *(f"{text}{zeros}" for text in each), *each)


def _uniform(shown: Shown) -> list[str]:
    """How many shares the rows have, and which."""
    standing = shown.standing
    pooling = _pooling(shown)
    assert isinstance(pooling.reduction, Average)
    divisors = pooling.reduction.different_divisors(pooling.axes)
    largest, smallest = share(1 / divisors[0]), share(1 / divisors[-1])
    entries = pooling.axes[0].kernel * pooling.axes[1].kernel
    if len(divisors) > 1:
        uneven = f"each row has equal shares: from {smallest} to {largest}"
        return [uneven, f"shares from {smallest} to {largest}"]
    shares = f"{counted(entries, 'share')} of {largest}"
    if standing.places == standing.shape[0] * entries:
        each = "the only row has" if standing.shape[0] == 1 else "each row has"
        return [f"{each} {shares}", f"{shares} a row"]
    return [f"each row has {shares}, minus those on padding", f"{shares} a row, or fewer"]


def _pooling(shown: Shown) -> Pooling:
    assert isinstance(shown.operation, Pooling)
    return shown.operation
