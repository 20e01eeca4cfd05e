"""What the BatchNorm page says in words and numbers, as lines of styled text."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Final

import numpy as np
from rich.segment import Segment

from convtui.engine.batchnorm import BatchNormState
from convtui.pages.batchnorm.figures import Figures
from convtui.paint.colours import Palette, accent_on, style
from convtui.paint.controls import Control
from convtui.paint.glyphs import Lines
from convtui.paint.panes import Size
from convtui.paint.plots import series_colour
from convtui.paint.text import cut_to
from convtui.state.batchnorm import Batches

BATCH: Final = 0  # the colour, among the palette's series, of what belongs to this batch
RUNNING: Final = 1  # and of what belongs to the running statistics

MOST_DECIMALS: Final = 6
_COLUMN: Final = 11  # of numbers
_NAME: Final = 12  # before them
_WIDE: Final = 70  # columns from which formulas stand in letters, too


class Tone(Enum):
    """How a piece of text looks."""

    TEXT = "text"
    MUTED = "muted"
    STRONG = "strong"
    BATCH = "batch"
    RUNNING = "running"
    CHOSEN = "chosen"


Piece = tuple[str, Tone]
Said = tuple[tuple[Piece, ...], ...]  # lines of pieces


def drawn(said: Said, size: Size, palette: Palette) -> Lines:
    """The pieces as segments, cut to the width with a sign that there is more."""
    colours = {
        Tone.TEXT: palette.text,
        Tone.MUTED: palette.muted,
        Tone.STRONG: palette.text,
        Tone.BATCH: series_colour(BATCH, palette),
        Tone.RUNNING: series_colour(RUNNING, palette),
        Tone.CHOSEN: accent_on(palette.background, palette),
    }
    bold = {Tone.STRONG, Tone.CHOSEN}
    lines = []
    for pieces in said[: size[0]]:
        line = [
            Segment(text, style(colours[tone], palette.background, tone in bold)) for text, tone in pieces
        ]
        if Segment.get_line_length(line) > size[1]:
            more = Segment("…", style(palette.muted, palette.background))
            line = [*Segment.adjust_line_length(line, size[1] - 1, pad=False), more]
        lines.append(line)
    return lines


def number(value: float, spread: float = inf) -> str:
    """Four decimals; up to six, or a power of ten, where the value or its spread is small.

    So the equations hold with the numbers that are shown.
    """
    if abs(value) < 1e-12:
        return "0.0000"
    if not 1e-3 <= abs(value) < 1e4:
        return f"{value:.3e}"
    least = min(abs(value), spread)
    return f"{value:.{4 + (least < 0.1) + (least < 0.01)}f}"


def _aligned(text: str) -> str:
    """In a column, with the point where all of fewer than four digits before it have it."""
    missing = 0 if "e" in text else MOST_DECIMALS - len(text.partition(".")[2])
    missing = min(missing, _COLUMN - 1 - len(text))
    return f"{text}{'':{missing}}".rjust(_COLUMN)


# -- where we are


def title_line(batches: Batches, width: int) -> tuple[Piece, ...]:
    """Which network, layer, channel and mini-batch."""
    place, rows = batches.place, batches.network.rows
    what = f"layer {place.number} {rows[place.number].layer.title}"
    if place.norm is None:
        what = f"a batch norm laid over layer {place.number} ({rows[place.number].layer.title})"
    first, size = batches.position.first, batches.batch_size
    images = f"images {first + 1:,} to {first + size:,}" if size > 1 else f"image {first + 1:,}"
    of_all = f"{images} of {batches.image_count:,} shuffled"
    batch = f"batch {batches.number}"
    for parts in (
        (batches.network.name, what, f"{batch}: {of_all}, epoch {batches.position.epoch + 1}"),
        (batches.network.name, what, f"{batch}: {of_all}"),
        (batches.network.name, what, f"{batch}: {size} image{'s' * (size > 1)}"),
        (batches.network.name, what, batch),
        (what, batch),
    ):
        if len(" · ".join(parts)) <= width:
            break
    return (parts[0], Tone.STRONG), *((f" · {part}", Tone.TEXT) for part in parts[1:])


def hint_line(batches: Batches, width: int) -> tuple[Piece, ...]:
    """What the reader is looking at."""
    source = batches.network.rows[batches.place.input].layer.title
    shape = batches.network.rows[batches.place.input].output_shape
    before = ""
    if batches.network.before(batches.place):
        before = " The batch norms before it are in the same mode."
    laid = "This network has none of its own: one is laid over. " if batches.place.norm is None else ""
    where = f"{laid}It gets {list(shape)} per image from layer {batches.place.input} ({source})."
    copy = " All on copies: looking changes no running statistics."
    candidates = [f"{where}{before}{copy}", f"{where}{before} All on copies.", f"{where}{before}"]
    candidates += [f"{where} All on copies.", where, laid or where]
    return ((next((text for text in candidates if len(text) <= width), candidates[-1]), Tone.MUTED),)


# -- the formula


def formula_lines(figures: Figures, width: int) -> Said:
    """The chosen activation's way through the batch norm, with the numbers put in."""
    batches, used, at = figures.batches, figures.used, figures.chosen
    whose = "the batch's" if batches.norm.training else "the running ones"
    tone = Tone.BATCH if batches.norm.training else Tone.RUNNING
    std = float(np.sqrt(used.var + batches.norm.eps))
    x, mean = (number(float(each), std) for each in (used.values[at], used.mean))
    normal, y = (number(float(each[at])) for each in (used.normalised, used.output))
    where = f"activation {list(figures.place)} of the batch"
    if width > _WIDE:
        where += f": training image {int(figures.measured.images[figures.place[0]])}"
    first: tuple[Piece, ...] = (
        ("= (", Tone.TEXT),
        (x, Tone.CHOSEN),
        (" - ", Tone.TEXT),
        (_bracketed(mean), tone),
        (")/√(", Tone.TEXT),
        (number(used.var), tone),
        (f" + {batches.norm.eps:g}) = ", Tone.TEXT),
        (normal, Tone.STRONG),
    )
    second: tuple[Piece, ...] = (
        (f"= {number(batches.gamma)}·{_bracketed(normal)}", Tone.TEXT),
        (f" + {_bracketed(number(batches.beta))} = ", Tone.TEXT),
        (y, Tone.STRONG),
    )
    letters = ("x̂ = (x - μ)/√(σ² + ε) ", "y = γ·x̂ + β           ")
    if len(letters[0]) + _length(first) > width:
        letters = ("x̂ ", "y ")
    first = ((letters[0], Tone.TEXT), *first)
    source = f"   μ and σ²: {whose}"
    if _length(first) + len(source) <= width:
        first = (*first, (source, Tone.MUTED))
    head = (("x = ", Tone.TEXT), (x, Tone.CHOSEN), (f"   {where}", Tone.MUTED))
    return head, first, ((letters[1], Tone.TEXT), *second)


def _length(pieces: tuple[Piece, ...]) -> int:
    return sum(len(text) for text, _ in pieces)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


# -- the running statistics


def running_lines(figures: Figures, width: int) -> Said:
    """Mean and variance of the batch, the running ones before and after it, and how they come about."""
    channel = figures.channel
    norm, of_batch, after = figures.batches.norm, figures.statistics, figures.after
    room = width - _NAME - 3 * _COLUMN - 2 if width > _WIDE else 1  # for the sums
    head = f"{'channel ' + str(channel):<{_NAME - 1}}{'this batch':>10}{'running':>{_COLUMN}}"
    variance = float(of_batch.var[channel])
    use = "normalises" if norm.training else "not used"

    def line(name: str, of_batch: float, running: float, after: float) -> tuple[Piece, ...]:
        sum_of = _sum_of(norm, running, of_batch) if width > _WIDE else "→"
        return (
            (f"{name:<{_NAME}}", Tone.TEXT),
            (_aligned(number(of_batch)), Tone.BATCH),
            (_aligned(number(running)), Tone.RUNNING),
            (f"  {cut_to(sum_of, room):<{room}}", Tone.MUTED),
            (_aligned(number(after)), Tone.RUNNING),
        )

    return (
        ((head, Tone.MUTED), (f"{'after it':>{4 + room + _COLUMN - 2}}  ", Tone.MUTED)),
        line("mean μ", *(float(e[channel]) for e in (of_batch.mean, norm.running_mean, after.running_mean))),
        (
            (f"{'variance σ²':<{_NAME}}", Tone.TEXT),
            (_aligned(number(variance)), Tone.BATCH),
            (f"{'':{_COLUMN}}  biased: {use}", Tone.MUTED),
        ),
        line(
            "  unbiased",
            *(float(e[channel]) for e in (of_batch.unbiased_var, norm.running_var, after.running_var)),
        ),
    )


def _sum_of(norm: BatchNormState, running: float, of_batch: float) -> str:
    """How the running statistic goes on, with the numbers put in."""
    if not norm.training:
        return "stays in evaluation mode"
    if norm.momentum is None:
        tracked = norm.num_batches_tracked
        return f"({_term('', str(tracked), running)}{_term('+', '', of_batch)})/{tracked + 1}"
    old, new = _share(1 - norm.momentum), _share(norm.momentum)
    return _term("", old, running) + _term("+", new, of_batch)


def _term(plus: str, factor: str, value: float) -> str:
    """Of a sum, with the sign in front; the first of them has no plus."""
    text = number(value)
    sign = "-" if text.startswith("-") else plus
    product = "·".join(filter(None, (factor, text.removeprefix("-"))))
    return f" {sign} {product}" if plus else f"{sign}{product}"


def rule_line(figures: Figures, width: int) -> tuple[Piece, ...]:
    """The update rule in words."""
    norm, count = figures.batches.norm, figures.statistics.count
    if not norm.training:
        return (("evaluation mode: the running statistics stay", Tone.MUTED),)
    unbiased = f"the running variance takes the unbiased one, n = {count:,}"
    if norm.momentum is None:
        tracked = norm.num_batches_tracked + 1
        rule = f"momentum None, a cumulative average: batch {tracked:,} weighs 1/{tracked:,}"
    else:
        rule = f"momentum {_share(norm.momentum)} weighs the new value (an optimiser's the old)"
    candidates = [f"{rule}; {unbiased}", f"{rule}; n = {count:,}", rule]
    return ((next((text for text in candidates if len(text) <= width), candidates[-1]), Tone.MUTED),)


def _share(share: float) -> str:
    return f"{share:.4g}"


# -- training against evaluation


def sides_lines(figures: Figures) -> Said:
    """The same mini-batch normalised by its own statistics and by the running ones, side by side."""
    training = figures.batches.norm.training
    marks = ("▸" if training else " ", " " if training else "▸")
    head = (
        (f"{'y of this batch':<17}", Tone.MUTED),
        (f"{marks[0] + 'training':>9}", Tone.BATCH),
        (f"{marks[1] + 'evaluation':>13}", Tone.RUNNING),
    )
    both = figures.training, figures.evaluation
    return (
        head,
        _side_row("mean", *(float(side.output.mean()) for side in both)),
        _side_row("std", *(float(side.output.std()) for side in both)),
        _side_row("this activation", *(float(side.output[figures.chosen]) for side in both)),
    )


def _side_row(name: str, training: float, evaluation: float) -> tuple[Piece, ...]:
    return (
        (f"{name:<17}", Tone.TEXT),
        (_aligned(number(training)), Tone.BATCH),
        (f"{_aligned(number(evaluation)):>13}", Tone.RUNNING),
    )


def difference_line(figures: Figures, width: int) -> tuple[Piece, ...]:
    """How far the two sides are from one another, in words."""
    batches = figures.batches
    given, tracked = batches.network.norm(batches.place).num_batches_tracked, batches.norm.num_batches_tracked
    count = f"{tracked:,} batch{'es' * (tracked != 1)}"
    why, seen = f"running statistics of {count}", f"{count} seen"
    if not tracked:
        why, seen = "no batch seen yet: running mean 0, variance 1", "no batch seen yet"
    elif given:
        here = f" and {tracked - given:,} here" if tracked > given else ""
        why = f"running statistics of {given:,} batches of training{here}"
    both, by = "Training and evaluation", f"{number(figures.difference)} on average"
    candidates = [f"{both} are {figures.how_far}: y differs by {by}; {why}"]
    candidates += [
        f"{both} differ by {by}; {why}",
        f"{both} differ by {by}; {seen}",
        f"{both} differ by {by}",
    ]
    text = next((each for each in candidates if len(each) <= width), figures.how_far)
    return ((text, Tone.STRONG),)


def controls_of(batches: Batches, source: str) -> list[Control]:
    """The settings above the canvas; narrow ones leave out the last, and before that beta and gamma."""
    norm = batches.norm
    return [
        Control("tab", "layer", str(batches.place.number)),
        Control("c", "channel", f"{batches.channel}/{norm.num_features}"),
        Control("t", "mode", "training" if norm.training else "evaluation", stepped=False),
        Control("g", "gamma", f"{batches.gamma:.4g}"),
        Control("b", "beta", f"{batches.beta:.4g}", spare=1),
        Control("m", "momentum", "None" if norm.momentum is None else f"{norm.momentum:g}", is_plain=True),
        Control("z", "size", str(batches.batch_size), spare=2),
        Control("w", "weights", source, stepped=False, spare=3),
    ]
