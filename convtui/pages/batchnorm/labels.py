"""What the Norms page says in words and numbers, as lines of styled text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, prod, sqrt
from typing import Final

from numpy import ravel_multi_index, unravel_index

from convtui.engine.batchnorm import BatchNormState
from convtui.engine.words import counted
from convtui.pages.batchnorm.figures import Figures, OneNorm
from convtui.pages.batchnorm.maps import MARK
from convtui.pages.batchnorm.styled_text import StyledLine, StyledLines, Tone, length
from convtui.paint.arithmetic import CERTAIN, ROUNDED, Formula, as_result, precision, written_formula
from convtui.paint.controls import Control
from convtui.paint.text import cut_to
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import NormModule

MOST_DECIMALS: Final = 6
NOTHING: Final = 1e-12  # what is smaller is rounding
FINER: Final = 1  # digits that x, μ and σ² have beyond the usual: x̂ nearly always needs them
_COLUMN: Final = 11  # of numbers
_NAME: Final = 12  # before them
_KIND: Final = 10  # columns of a norm's name in the table of the norms
_COUNT: Final = 9  # and of how many values its mean is of
_PLACE: Final = 26  # and of where these are
_NARROW: Final = 10  # of a number in that table
_WIDE: Final = 70  # columns from which formulas stand in letters, too


def number(value: float) -> str:
    """Four digits and four decimals at least; very large and small ones in powers of ten."""
    if isnan(value):
        return "–"
    if abs(value) < NOTHING:
        return "0.0000"
    usual = precision(value)
    return (usual.finer(-1) if usual.exponent else usual).fixed(value)


def _aligned(text: str, column: int = _COLUMN) -> str:
    """In a column, with the point where all of fewer than four digits before it have it."""
    missing = 0 if "e" in text else MOST_DECIMALS - len(text.partition(".")[2])
    missing = max(min(missing, column - 1 - len(text)), 0)
    return f"{text}{'':{missing}}".rjust(column)


def fitting(candidates: Sequence[str], width: int) -> str:
    """The first that is not wider, else the last."""
    return next((text for text in candidates if len(text) <= width), candidates[-1])


# -- where we are


def title_line(session: BatchNormSession, width: int) -> StyledLine:
    """Which network, layer and mini-batch; of a module of the user's own, what went into it."""
    if session.network.module:
        return _module_title(session.network.module, session, width)
    layer, norm = session.layer, _titled(session)
    if layer.path:
        what = bracketed = f"{layer.path} ({layer.title})"
    else:
        title = session.network.rows[layer.number].layer.title
        what, bracketed = f"{layer.words} {title}", f"{layer.words} ({title})"
    if layer.row is None:
        article = "an" if norm.startswith("i") else "a"
        what = f"{article} {norm} added after {bracketed}"
    elif not session.choice.is_batch:
        what = f"{norm} in place of {what}"
    first, size = session.position.first, session.batch_size
    images = f"images {first + 1:,} to {first + size:,}" if size > 1 else f"image {first + 1:,}"
    of_all = f"{images} of {session.image_count:,} (shuffled)"
    batch = f"mini-batch {session.number}"
    short = what if session.choice.is_batch else f"{norm} at {layer.words}"
    for parts in (
        (session.network.name, what, f"{batch}: {of_all}, epoch {session.position.epoch + 1}"),
        (session.network.name, what, f"{batch}: {of_all}"),
        (session.network.name, what, f"{batch}: {counted(size, 'image')}"),
        (session.network.name, what, batch),
        (what, batch),
        (short, batch),
    ):
        if len(" · ".join(parts)) <= width:
            break
    return (parts[0], Tone.STRONG), *((f" · {part}", Tone.TEXT) for part in parts[1:])


def _module_title(module: NormModule, session: BatchNormSession, width: int) -> StyledLine:
    name = f"{module.name} ({module.kind})"
    given, batch = f"input {module.given}", f"mini-batch {session.number}, always this input"
    batches = (batch,) if session.past else ()
    mode = _mode_text(module)
    for parts in ((name, given, mode, *batches), (name, mode, *batches), (name, mode), (mode,)):
        if len(" · ".join(parts)) <= width:
            break
    return (parts[0], Tone.STRONG), *((f" · {part}", Tone.TEXT) for part in parts[1:])


def _mode_text(module: NormModule) -> str:
    if not module.is_batch:
        return "the same in both modes"
    return f"your module was in {module.mode} mode"


def _module_hint(module: NormModule, session: BatchNormSession, width: int) -> StyledLine:
    """How its figures agree with the module's own, in which type each computes."""
    compared = f"Here float64, there {module.dtype}: y differs by at most {module.difference:.1g}."
    own = " You work on a copy: 3 goes back, and yours is as it was." * session.is_unchanged
    changed = "" if session.is_unchanged else " That was before you changed anything."
    kept = "" if module.has_running or not module.is_batch else " It keeps no running statistics."
    short = " You work on a copy." * session.is_unchanged
    candidates = [f"{compared}{kept}{changed}{own}", f"{compared}{kept}{changed}{short}"]
    candidates += [f"{compared}{kept}{changed}", compared]
    return ((fitting(candidates, width), Tone.MUTED),)


def _titled(session: BatchNormSession) -> str:
    """The norm's name; of group norm, with its groups."""
    if session.choice.kind != "group":
        return session.choice.title
    return f"{session.choice.title} of {counted(session.num_groups, 'group')}"


def hint_line(session: BatchNormSession, width: int) -> StyledLine:
    """What the reader is looking at."""
    if session.network.module:
        return _module_hint(session.network.module, session, width)
    if not session.choice.is_batch:
        return _norm_hint(session, width)
    row = session.network.rows[session.layer.input]
    added = "This network has no batch norm: one is added. " if session.layer.row is None else ""
    from_where = f" from layer {row.number} ({row.layer.title})"
    if session.layer.path:
        calls = session.layer.calls
        from_where = f", in the first of its {calls} calls" if calls > 1 else ""
    where = f"{added}Input: {list(row.output_shape)} per image{from_where}."
    before = ""
    if session.network.norms_before(session.layer):
        before = " The batch norms before it are in the same mode."
    copy, short = " You work on a copy: the network does not change.", " You work on a copy."
    candidates = [f"{where}{before}{copy}", f"{where}{before}{short}", f"{where}{before}"]
    candidates += [f"{where}{short}", where, added or where]
    return ((fitting(candidates, width), Tone.MUTED),)


def _norm_hint(session: BatchNormSession, width: int) -> StyledLine:
    """Over what a norm without running statistics takes its means, and its name in PyTorch."""
    channels, shape = session.norm.num_features, list(session.shape[1:])
    each = channels // session.num_groups
    of, over, module = {
        "layer": ("image", "all its channels, rows and columns", f"LayerNorm({shape})"),
        "group": (
            f"group of {counted(each, 'channel')} of each image",
            "its rows and columns",
            f"GroupNorm({session.num_groups}, {channels})",
        ),
        "instance": (
            "channel of each image",
            "its rows and columns",
            f"InstanceNorm2d({channels}, affine=True)",
        ),
    }[session.choice.kind]
    what = f"One mean for each {of}"
    long = f"{what}, over {over}"
    candidates = [f"{long}: torch.nn.{module}. You work on a copy.", f"{long}: torch.nn.{module}."]
    candidates += [f"{what}: torch.nn.{module}.", f"{what}: {module}.", f"{what}."]
    return ((fitting(candidates, width), Tone.MUTED),)


def outermost_text(session: BatchNormSession, by: int) -> str:
    """Why there is no batch norm further on; "" if there is one."""
    if session.network.module:
        return "one norm of your network is open; 3 goes back to it, and to the others"
    layers = session.network.norm_layers
    if session.layer != layers[-1 if by > 0 else 0]:
        return ""
    end, layer = "last" if by > 0 else "first", session.layer
    if layer.path:
        return f"{layer.path} is the {end} batch norm" if layer.row else f"{layer.path} is the {end} place"
    return f"layer {layer.number} has the {end} batch norm"


# -- the formula


def formula_lines(figures: Figures, width: int) -> StyledLines:
    """The chosen activation's way through the batch norm, with the numbers put in."""
    session, channel, at = figures.session, figures.present, figures.chosen
    statistics = "batch statistics" if session.norm.training else "running statistics"
    tone = Tone.BATCH if session.norm.training else Tone.RUNNING
    if not session.choice.is_batch:
        statistics, tone = f"of {place_text(figures, *figures.members)}", Tone.BATCH
    value, mean, var, eps = float(channel.values[at]), channel.mean, channel.var, session.norm.eps
    x, shown_mean, shown_var, normal, sign = _normalised(value, mean, var, eps, float(channel.normalised[at]))
    where = f"activation {list(figures.chosen_index)} of the mini-batch"
    if module := session.network.module:
        where = f"activation {_index_in(module, figures)} of its input"
    elif width > _WIDE:
        where += f": training image {int(figures.measurement.images[figures.chosen_index[0]])}"
    first: StyledLine = (
        ("= (", Tone.TEXT),
        (x, Tone.CHOSEN),
        (" - ", Tone.TEXT),
        (_bracketed(shown_mean), tone),
        (")/√(", Tone.TEXT),
        (shown_var, tone),
        (f" + {eps:g}) {sign} ", Tone.TEXT),
        (normal, Tone.STRONG),
    )
    scaled = _scaled(session.gamma, float(channel.normalised[at]), session.beta, float(channel.output[at]))
    second: StyledLine = ((f"= {scaled.numbers} {scaled.sign} ", Tone.TEXT), (scaled.shown, Tone.STRONG))
    letters = ("x̂ = (x - μ)/√(σ² + ε) ", "y = γ·x̂ + β           ")
    if len(letters[0]) + length(first) > width:
        letters = ("x̂ ", "y ")
    first = ((letters[0], Tone.TEXT), *first)
    source = f"   μ and σ²: {statistics}"
    if length(first) + len(source) <= width:
        first = (*first, (source, Tone.MUTED))
    head = (("x = ", Tone.TEXT), (x, Tone.CHOSEN), (f"   {where}", Tone.MUTED))
    return head, first, ((letters[1], Tone.TEXT), *second)


def _index_in(module: NormModule, figures: Figures) -> list[int]:
    """Where the chosen activation is in the tensor that the module was given, of whatever shape that is."""
    at = ravel_multi_index(figures.chosen_index, figures.input.values.shape)
    return [int(each) for each in unravel_index(at, module.shape)]


def _normalised(x: float, mean: float, var: float, eps: float, normal: float) -> tuple[str, ...]:
    """x, μ and σ² with as many digits as it takes for them to give x̂; x̂, and the sign before it."""

    def numbers(more: int) -> tuple[str, float]:
        minuend, divisor = precision(x, mean).finer(FINER + more), precision(var).finer(FINER + more)
        parts = minuend.fixed(x), minuend.fixed(mean), divisor.fixed(var)
        a, b, c = map(float, parts)
        return " ".join(parts), (a - b) / sqrt(c + eps)

    written = written_formula(numbers, [as_result(number(normal))])
    return *written.numbers.split(), written.shown, written.sign


def _scaled(gamma: float, normal: float, beta: float, output: float) -> Formula:
    """γ·x̂ + β with as many digits as it takes for them to give y."""

    def numbers(more: int) -> tuple[str, float]:
        parts = [precision(each).finer(more).fixed(each) for each in (gamma, normal, beta)]
        a, b, c = map(float, parts)
        return f"{parts[0]}·{_bracketed(parts[1])} + {_bracketed(parts[2])}", a * b + c

    return written_formula(numbers, [as_result(number(output))])


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


# -- the running statistics


def running_lines(figures: Figures, width: int) -> StyledLines:
    """The channel's mean and variance in the mini-batch, the running ones, and the new running ones."""
    channel = figures.channel
    norm, of_batch, after = figures.session.norm, figures.statistics, figures.after
    room = width - _NAME - 3 * _COLUMN - 2 if width > _WIDE else 1  # for the sums
    head = f"{'channel ' + str(channel):<{_NAME - 1}}{'mini-batch':>10}{'running':>{_COLUMN}}"
    variance = float(of_batch.var[channel])
    use = "normalises x" if norm.training else "not used"

    def line(name: str, of_batch: float, running: float, after: float) -> StyledLine:
        update = _update_text(norm, running, of_batch, after, room) if width > _WIDE else "→"
        return (
            (f"{name:<{_NAME}}", Tone.TEXT),
            (_aligned(number(of_batch)), Tone.BATCH),
            (_aligned(number(running)), Tone.RUNNING),
            (f"  {cut_to(update, room):<{room}}", Tone.MUTED),
            (_aligned(number(after)), Tone.RUNNING),
        )

    return (
        ((head, Tone.MUTED), (f"{'new running':>{4 + room + _COLUMN - 2}}  ", Tone.MUTED)),
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


def _update_text(norm: BatchNormState, running: float, of_batch: float, after: float, room: int) -> str:
    """The sum that gives the new running statistic, with the numbers put in."""
    if not norm.training:
        return "unchanged in evaluation mode"
    tracked = norm.num_batches_tracked

    def numbers(more: int) -> tuple[str, float]:
        both = precision(running, of_batch)
        both = both.finer(more - bool(both.exponent))
        (old, power), (new, _) = (both.parts(each) for each in (running, of_batch))
        if norm.momentum is None:
            total = (tracked * float(old) + float(new)) / (tracked + 1)
            text = f"({_term('', str(tracked), old)}{_term('+', '', new)})/{tracked + 1}"
            return f"{text}·1{power}" if power else text, total * float(f"1{power}")
        kept, share = f"{1 - norm.momentum:.{CERTAIN}g}", f"{norm.momentum:.{CERTAIN}g}"
        total = float(kept) * float(old) + float(share) * float(new)
        text = _term("", kept, old) + _term("+", share, new)
        return f"({text})·1{power}" if power else text, total * float(f"1{power}")

    written = written_formula(numbers, [as_result(number(after))], room=room)
    in_numbers = written.numbers if written.holds else f"≈ {written.numbers}{ROUNDED}"
    in_letters = "cumulative average" if norm.momentum is None else "(1-m)·running + m·mini-batch"
    return in_numbers if len(in_numbers) <= room else in_letters


def _term(plus: str, factor: str, text: str) -> str:
    """A term of a sum, with the sign in front; the first of them has no plus."""
    sign = "-" if text.startswith("-") else plus
    product = "·".join(filter(None, (factor, text.removeprefix("-"))))
    return f" {sign} {product}" if plus else f"{sign}{product}"


def rule_line(figures: Figures, width: int) -> StyledLine:
    """The update rule in words; of a norm that updates nothing, whose gamma and beta it has."""
    if not figures.session.choice.is_batch:
        return _weights_line(figures, width)
    norm, count = figures.session.norm, figures.statistics.count
    if not norm.training:
        return (("evaluation mode does not change the running statistics", Tone.MUTED),)
    if norm.momentum is None:
        tracked = norm.num_batches_tracked + 1
        short = f"momentum None: mini-batch {tracked:,} has weight 1/{tracked:,}"
        rule = f"{short} (a cumulative average)"
    else:
        short = f"momentum {norm.momentum:.{CERTAIN}g} weights the new value"
        rule = f"{short} (in an optimiser, the old one)"
    unbiased = f"the running variance is unbiased, n = {count:,}"
    candidates = [f"{rule}; {unbiased}", f"{rule}; n = {count:,}", rule, short]
    return ((fitting(candidates, width), Tone.MUTED),)


def _weights_line(figures: Figures, width: int) -> StyledLine:
    candidates = ["γ and β are by channel, as batch norm has them", "γ and β are by channel"]
    if figures.session.choice.kind == "layer":
        shape = list(figures.session.shape[1:])
        each = "PyTorch's LayerNorm has a weight and a bias for each element"
        candidates = [
            f"γ and β are by channel here; {each}: {shape}",
            "γ and β are by channel here; LayerNorm has them for each element",
            *candidates,
        ]
    return ((fitting(candidates, width), Tone.MUTED),)


# -- the norms side by side


def place_text(figures: Figures, images: range, channels: range) -> str:
    """Which images and channels share a mean."""
    size, features = figures.session.batch_size, figures.session.norm.num_features
    which = f"image {images.start}" if len(images) == 1 else f"all {size:,} images"
    if len(channels) == 1:
        return f"{which}, channel {channels.start}"
    if len(channels) == features:
        return f"{which}, all {features:,} channels"
    return f"{which}, channels {channels.start}-{channels[-1]}"


def norms_lines(figures: Figures, width: int) -> StyledLines:
    """The four norms of the activation that is looked at, a line for each.

    Where it is narrow, images and channels whose mean it is are only counted.
    """
    room = width - _KIND - _COUNT - 3 * _NARROW
    columns = "".join(f"{name:>{_NARROW - 2}}  " for name in ("mean", "std", " x̂"))
    what = "mean of" if room >= _PLACE else "N × C"
    head = f"{'':{_KIND}}{what:<{room}}{'values':>{_COUNT}}{columns}"
    return ((head, Tone.MUTED),), *(
        _norm_line(figures, each, room, each.kind == figures.session.choice.kind)
        for each in figures.side_by_side
    )


def _norm_line(figures: Figures, norm: OneNorm, room: int, is_chosen: bool) -> StyledLine:
    tone = Tone.RUNNING if norm.is_running else Tone.BATCH if is_chosen else Tone.TEXT
    name = f"{'▸' if is_chosen else ' '}{norm.kind:<{_KIND - 1}}"
    if norm.refusal:
        why = "refused: one value"
        return (name, Tone.MUTED), (fitting([f"{why} has no variance", why], room + _COUNT), Tone.MUTED)
    where, count = place_text(figures, norm.images, norm.channels), f"{norm.count:,}"
    if room < _PLACE:
        where = f"{len(norm.images)} × {len(norm.channels)}"
    if norm.is_running:
        where, count = fitting([f"running, channel {figures.channel}", "running"], room), "–"
    numbers = "".join(_aligned(number(each), _NARROW) for each in (norm.mean, sqrt(norm.var)))
    return (
        (name, Tone.STRONG if is_chosen else Tone.TEXT),
        (f"{where:<{room}}{count:>{_COUNT}}", Tone.TEXT if is_chosen else Tone.MUTED),
        (numbers, tone),
        (_aligned(number(norm.normalised), _NARROW), Tone.STRONG if is_chosen else tone),
    )


def shared_line(figures: Figures, width: int) -> StyledLine:
    """What the frame on the maps is around."""
    session, images, channels = figures.session, *figures.members
    where = place_text(figures, images, channels)
    count, total = figures.shared.count, prod(session.shape)
    tone, mark = Tone.BATCH, (f"   {MARK} x", Tone.CHOSEN)
    candidates = [
        f"{count:,} of {total:,} activations share a mean",
        f"{count:,} activations share a mean",
        f"{count:,} share a mean",
    ]
    if session.choice.is_batch and not session.norm.training:
        tone = Tone.RUNNING
        candidates = [f"{count:,} activations use one running mean", "one running mean"]
    what = fitting(candidates, width - len(where) - len(mark[0]) - 2)
    return (what, Tone.STRONG), (": ", Tone.STRONG), (where, tone), mark


# -- training mode against evaluation mode


def modes_lines(figures: Figures) -> StyledLines:
    """The output for the same mini-batch in training mode and in evaluation mode, side by side."""
    training = figures.session.norm.training
    marks = ("▸" if training else " ", " " if training else "▸")
    head = (
        (f"{'output y':<17}", Tone.MUTED),
        (f"{marks[0] + 'training':>9}", Tone.BATCH),
        (f"{marks[1] + 'evaluation':>13}", Tone.RUNNING),
    )
    both = figures.training, figures.evaluation
    return (
        head,
        _modes_row("mean", *(float(channel.output.mean()) for channel in both)),
        _modes_row("std", *(float(channel.output.std()) for channel in both)),
        _modes_row("this activation", *(float(channel.output[figures.chosen]) for channel in both)),
    )


def _modes_row(name: str, training: float, evaluation: float) -> StyledLine:
    return (
        (f"{name:<17}", Tone.TEXT),
        (_aligned(number(training)), Tone.BATCH),
        (f"{_aligned(number(evaluation)):>13}", Tone.RUNNING),
    )


def difference_line(figures: Figures, width: int) -> StyledLine:
    """How far the two modes are apart, and how many mini-batches the running statistics come from."""
    if figures.session.refusal:
        refused = "Training mode refuses this mini-batch: one value per channel has no variance"
        return ((fitting([refused, refused.partition(":")[0]], width), Tone.STRONG),)
    if not figures.session.choice.is_batch:
        return _no_modes_line(figures, width)
    session, tracked = figures.session, figures.session.norm.num_batches_tracked
    given = session.network.norm_state(session.layer).num_batches_tracked
    why = f"running statistics of {_batches(tracked)}"
    short = f"after {_batches(tracked)}"
    module = session.network.module
    if module and not module.has_running:
        why, short = "it keeps none: those shown are of a new one", "it keeps no running statistics"
    elif module and not given:
        why, short = "running statistics of your module", "by its running statistics"
    elif not tracked:
        why, short = "no mini-batch yet: running mean 0, variance 1", "no mini-batch yet"
    elif given:
        here = f" and {tracked - given:,} here" if tracked > given else ""
        why = f"running statistics of {_batches(given)} in training{here}"
    both, by = "Training and evaluation", f"{number(figures.difference)} on average"
    candidates = [f"{both} are {figures.difference_words}: y differs by {by}; {why}"]
    candidates += [
        f"{both} differ by {by}; {why}",
        f"{both} differ by {by}; {short}",
        f"{both} differ by {by}",
    ]
    return ((fitting([*candidates, figures.difference_words], width), Tone.STRONG),)


def _no_modes_line(figures: Figures, width: int) -> StyledLine:
    """What evaluation mode changes where there are no running statistics."""
    title = figures.session.choice.title.capitalize()
    none = f"{title} has no running statistics"
    candidates = [f"{none}: training and evaluation mode are the same", f"{none}: both modes are the same"]
    if figures.has_modes:
        why = "the modes differ by the batch norms before it"
        candidates = [f"{none}; {why}: y by {number(figures.difference)} on average", f"{none}; {why}"]
        candidates.append(f"{none}; x differs between the modes")
    return ((fitting([*candidates, none], width), Tone.STRONG),)


def _batches(count: int) -> str:
    return counted(count, "mini-batch")


# -- the settings


def controls_of(figures: Figures, weights: str) -> list[Control]:
    """The settings above the canvas; where it is narrow, first momentum is left out."""
    session, norm = figures.session, figures.session.norm
    momentum = "None" if norm.momentum is None else f"{norm.momentum:g}"
    own = {
        "batch": [Control("m", "momentum", momentum, spare=4, is_plain=True)],
        "group": [Control("d", "groups", str(session.num_groups), is_plain=True)],
    }.get(session.choice.kind, [])
    if not session.choice.is_batch:
        own.append(Control("i", "image", str(figures.chosen_index[0])))
    is_module = session.network.module is not None
    layer = [] if is_module else [Control("tab", "layer", str(session.layer.number))]
    return [
        Control("n", "norm", session.choice.kind, is_plain=True),
        *layer,
        Control("c", "channel", f"{session.channel}/{norm.num_features}"),
        Control("t", "mode", "training" if norm.training else "evaluation", stepped=False),
        Control("g", "gamma", f"{session.gamma:.4g}"),
        Control("b", "beta", f"{session.beta:.4g}", spare=1),
        *own,
        Control("z", "size", str(session.batch_size), spare=2, is_plain=True),
        *([] if is_module else [Control("w", "weights", weights, stepped=False, spare=3)]),
    ]
