"""What the BatchNorm page says in words and numbers, as lines of styled text."""

from __future__ import annotations

from enum import Enum
from typing import Final

from rich.segment import Segment

from convtui.batches import Batches
from convtui.views.batchnorm_figures import Figures
from convtui.views.cells import Palette, accent_on, style
from convtui.views.controls import Control
from convtui.views.drawn_pane import Size
from convtui.views.glyphs import Lines
from convtui.views.plots import series_colour

BATCH: Final = 0  # the colour, among the palette's series, of what belongs to this batch
RUNNING: Final = 1  # and of what belongs to the running statistics

_NUMBER: Final = 9
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


def number(value: float) -> str:
    """Four decimals, or three digits where those would be too many or too few."""
    rounded = round(value, 4) + 0.0
    if (rounded and abs(rounded) < 1e5) or value == 0:
        return f"{rounded:.4f}"
    return "0.0000" if abs(value) < 1e-12 else f"{value:.2e}"


# -- where we are


def title_line(batches: Batches, width: int) -> tuple[Piece, ...]:
    """Which network, layer, channel and mini-batch."""
    place, rows = batches.place, batches.network.rows
    what = f"layer {place.number} {rows[place.number].layer.title}"
    if place.norm is None:
        what = f"a batch norm laid over layer {place.number} ({rows[place.number].layer.title})"
    first = batches.position.first
    images = f"images {first + 1:,} to {first + batches.batch_size:,} of {batches.image_count:,}"
    epoch = f"epoch {batches.position.epoch + 1}"
    for parts in (
        (batches.network.name, what, f"batch {batches.number}: {images}, {epoch}"),
        (batches.network.name, what, f"batch {batches.number}: {images}"),
        (batches.network.name, what, f"batch {batches.number}: {batches.batch_size} images"),
        (batches.network.name, what, f"batch {batches.number}"),
        (what, f"batch {batches.number}"),
    ):
        if len(" · ".join(parts)) <= width:
            break
    return (parts[0], Tone.STRONG), *((f" · {part}", Tone.TEXT) for part in parts[1:])


def hint_line(batches: Batches, width: int) -> tuple[Piece, ...]:
    """What the reader is looking at."""
    source = batches.network.rows[batches.place.input].layer.title
    shape = batches.network.rows[batches.place.input].output_shape
    before = ""
    if batches.network.has_norms_before(batches.place):
        before = " Batch norms before it use the batch's own statistics."
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
    whose = "batch" if batches.norm.training else "running"
    tone = Tone.BATCH if batches.norm.training else Tone.RUNNING
    x, normal, y = (float(each[at]) for each in (figures.values, used.normalised, used.output))
    image = figures.place[0]
    where = f"activation {list(figures.place)} of the batch"
    if width > _WIDE:
        where += f": training image {int(figures.measured.images[image])}"
    mean, var, eps = number(used.mean), number(used.var), f"{batches.norm.eps:g}"
    letters = ["x̂ = (x - μ)/√(σ² + ε) ", "y = γ·x̂ + β           "] if width > _WIDE else ["x̂ ", "y "]
    first: tuple[Piece, ...] = (
        (f"{letters[0]}= (", Tone.TEXT),
        (number(x), Tone.CHOSEN),
        (" - ", Tone.TEXT),
        (_bracketed(mean), tone),
        (")/√(", Tone.TEXT),
        (var, tone),
        (f" + {eps}) = ", Tone.TEXT),
        (number(normal), Tone.STRONG),
    )
    if width > _WIDE + 20:
        first = (*first, (f"   μ and σ² of the {whose}", Tone.MUTED))
    second = (
        (f"{letters[1]}= ", Tone.TEXT),
        (f"{number(batches.gamma)}·{_bracketed(number(normal))}", Tone.TEXT),
        (f" + {_bracketed(number(batches.beta))} = ", Tone.TEXT),
        (number(y), Tone.STRONG),
    )
    return (("x = ", Tone.TEXT), (number(x), Tone.CHOSEN), (f"   {where}", Tone.MUTED)), first, second


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


# -- the running statistics


def running_lines(figures: Figures, width: int) -> Said:
    """Mean and variance of the batch, the running ones before and after it, and how they come about."""
    batches, channel = figures.batches, figures.channel
    norm, of_batch = batches.norm, figures.statistics
    unbiased = float(of_batch.unbiased_var[channel])
    has_sums = width > _WIDE
    head = f"{'channel ' + str(channel):<13}{'this batch':>{_NUMBER + 2}}{'running':>{_NUMBER + 2}}"
    gap = 29 if has_sums else 3
    rows = [
        ((head, Tone.MUTED), (f"{'after it':>{gap + _NUMBER}}", Tone.MUTED)),
        _running_row("mean μ", float(of_batch.mean[channel]), norm.running_mean[channel], figures, width),
        (
            (f"{'variance σ²':<13}", Tone.TEXT),
            (_right(number(float(of_batch.var[channel]))), Tone.BATCH),
            (f"{'':{_NUMBER + 2}}   biased: {'normalises' if norm.training else 'not used'}", Tone.MUTED),
        ),
        _running_row("  unbiased", unbiased, norm.running_var[channel], figures, width),
    ]
    return tuple(rows)


def _running_row(
    name: str, of_batch: float, running: float, figures: Figures, width: int
) -> tuple[Piece, ...]:
    norm, after, channel = figures.batches.norm, figures.after, figures.channel
    came = after.running_mean[channel] if "mean" in name else after.running_var[channel]
    pieces = [
        (f"{name:<13}", Tone.TEXT),
        (_right(number(of_batch)), Tone.BATCH),
        (_right(number(float(running))), Tone.RUNNING),
    ]
    if width > _WIDE:
        share = norm.average_factor()
        old, new = _share(1 - share), _share(share)
        if norm.training:
            sum_of = f"{old}·{_bracketed(number(float(running)))} + {new}·{_bracketed(number(of_batch))}"
        else:
            sum_of = "stays in evaluation mode"
        pieces.append((f"   {sum_of:<26}", Tone.MUTED))
        pieces.append((number(float(came)).rjust(_NUMBER), Tone.RUNNING))
    else:
        pieces.append((" → ", Tone.MUTED))
        pieces.append((number(float(came)).rjust(_NUMBER), Tone.RUNNING))
    return tuple(pieces)


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
        (f"{marks[0] + 'training':>11}", Tone.BATCH),
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
        (f"{number(training):>11}", Tone.BATCH),
        (f"{number(evaluation):>13}", Tone.RUNNING),
    )


def difference_line(figures: Figures, width: int) -> tuple[Piece, ...]:
    """How far the two sides are from one another, in words."""
    batches = figures.batches
    given, tracked = batches.network.norm(batches.place).num_batches_tracked, batches.norm.num_batches_tracked
    if not tracked:
        why = "no batch has been through yet: running mean 0, variance 1"
    elif given:
        here = f" and {tracked - given:,} here" if tracked > given else ""
        why = f"the running statistics come from {given:,} batches of training{here}"
    else:
        why = f"the running statistics have seen {tracked:,} {'batch' if tracked == 1 else 'batches'}"
    far = f"{figures.how_far}: y differs by {number(figures.difference)} on average"
    candidates = [f"Training and evaluation are {far}; {why}", f"{far}; {why}", far, figures.how_far]
    text = next((each for each in candidates if len(each) <= width), "")
    return ((text, Tone.STRONG),)


def _right(text: str) -> str:
    return text.rjust(_NUMBER + 2)


def controls_of(batches: Batches, source: str) -> list[Control]:
    """The settings above the canvas."""
    norm = batches.norm
    return [
        Control("tab", "layer", str(batches.place.number)),
        Control("c", "channel", f"{batches.channel}/{norm.num_features}"),
        Control("g", "gamma", f"{batches.gamma:.4g}"),
        Control("b", "beta", f"{batches.beta:.4g}", spare=1),
        Control("z", "size", str(batches.batch_size), spare=2),
        Control("m", "momentum", "None" if norm.momentum is None else f"{norm.momentum:g}", is_plain=True),
        Control("t", "mode", "training" if norm.training else "eval", stepped=False),
        Control("w", "weights", source, stepped=False, spare=3),
    ]
