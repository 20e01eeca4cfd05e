"""How one weight is updated, in formulas whose numbers a reader can compute again, and what momentum does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, isfinite, isnan, log10, nan, sqrt
from typing import Final

from convtui.pages.train.figures import WeightStep
from convtui.paint.arithmetic import precision, written_formula

KEPT: Final = 4  # digits of a figure
MOST_KEPT: Final = 10  # digits of the numbers in a formula, where so many are needed
FLOAT32: Final = " (float32 rounds)"
NOTHING: Final = 1e-6  # the share of a buffer that can be float32's rounding

Rounded = Callable[[float], float]
Numbers = Callable[[int], tuple[str, float]]
Terms = Callable[[Rounded, Rounded], tuple[str, float]]


@dataclass(frozen=True)
class WeightLine:
    """A quantity of an update: its name, its formula, the same with the numbers, its value and that as text.

    The numbers have as many digits as it takes for them to come to the value that is shown.
    """

    name: str
    formula: str
    numbers: str
    value: float
    shown: str


def number(value: float, kept: int = KEPT) -> str:
    """A figure with so many digits: four take ten characters at most; a minus as long as a plus."""
    if not isfinite(value):
        return str(value)
    return f"{value:.{kept}g}".replace("-", "−") if value else "0"


def weight_lines(weight: WeightStep) -> list[WeightLine]:
    """How PyTorch's SGD or AdamW comes from the weight before a step to that after it, line by line.

    Figures that PyTorch keeps (weights, gradient, buffers) are its own float32; the others are computed from
    them in float64, so that an update that float32 rounds away is still told.
    Sources: https://pytorch.org/docs/stable/generated/torch.optim.SGD.html and torch.optim.AdamW.html
    """
    computed, update = _sgd(weight) if weight.optimizer == "sgd" else _adamw(weight)
    return [
        _told("weight before", "w", weight.before),
        _told("gradient", "g = ∂loss/∂w", weight.gradient),
        *computed,
        _sum("weight after", "w + update", weight.after, weight.before, update),
    ]


def _sgd(weight: WeightStep) -> tuple[list[WeightLine], float]:
    """v = momentum v + g + decay w; w -= lr v. The lines, and the update."""
    before = weight.buffer_before
    summed, update = weight.gradient + weight.weight_decay * weight.before, -weight.lr * weight.buffer

    def with_decay(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        g, w, decay = figure(weight.gradient), figure(weight.before), setting(weight.weight_decay)
        return f"{_shown(g)} + {_shown(decay)}·({_shown(w)})", g + decay * w

    def buffer(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        mu, d = setting(weight.momentum), figure(summed)
        v = nan if before is None else figure(before)
        return f"{_shown(mu)}·({'v' if isnan(v) else _shown(v)}) {_signed(d)}", mu * v + d

    def step(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        lr, v = setting(weight.lr), figure(weight.buffer)
        return f"−{_shown(lr)}·({_shown(v)})", -lr * v

    lines = [
        _line("with decay", "d = g + λ·w", summed, with_decay),
        _line("momentum buffer", "v = μ·v + d", weight.buffer, buffer),
        _line("update", "−lr·v", update, step),
        _line("newest decay", "−lr·λ·w", weight.decay, _decay(weight)),
    ]
    return lines, update


def _adamw(weight: WeightStep) -> tuple[list[WeightLine], float]:
    """Decay apart from the gradient; the averages corrected for their start at zero."""
    assert weight.squares is not None
    before, squares = weight.buffer_before, weight.squares
    unbiased, root, step = _corrected(weight)

    def buffer(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        beta, g = setting(weight.momentum), figure(weight.gradient)
        m, rest = nan if before is None else figure(before), float(f"{1 - beta:.12g}")
        shown = f"{_shown(beta)}·({'m' if isnan(m) else _shown(m)}) + {_shown(rest)}·({_shown(g)})"
        return shown, beta * m + rest * g

    def mean(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        m, beta = figure(weight.buffer), setting(weight.momentum)
        return f"{_shown(m)} / (1 − {_shown(beta)}^{weight.step})", m / (1 - beta**weight.step)

    def mean_square(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        s, beta = figure(squares), setting(weight.beta2)
        return f"{_shown(s)} / (1 − {_shown(beta)}^{weight.step})", s / (1 - beta**weight.step)

    def against_it(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        lr, m, s, eps = setting(weight.lr), figure(unbiased), figure(root), setting(weight.eps)
        return f"−{_shown(lr)}·({_shown(m)}) / ({_shown(s)} + {_shown(eps)})", -lr * m / (s + eps)

    lines = [
        _line("decay", "−lr·λ·w", weight.decay, _decay(weight)),
        _line("momentum buffer", "m = β₁m + (1−β₁)g", weight.buffer, buffer),
        _told("mean square", "s = β₂s + (1−β₂)g²", squares),
        _line("unbiased m′", "m / (1 − β₁ᵗ)", unbiased, mean),
        _line("unbiased s′", "s / (1 − β₂ᵗ)", root**2, mean_square),
        _line("step", "−lr·m′ / (√s′ + ε)", step, against_it),
        _sum("update", "decay + step", weight.decay + step, weight.decay, step),
    ]
    return lines, weight.decay + step


def _corrected(weight: WeightStep) -> tuple[float, float, float]:
    """AdamW's unbiased buffer, the root of its unbiased mean square, and its update without the decay."""
    unbiased = weight.buffer / (1 - weight.momentum**weight.step)
    root = sqrt((weight.squares or 0.0) / (1 - weight.beta2**weight.step))
    return unbiased, root, -weight.lr * unbiased / (root + weight.eps)


def _decay(weight: WeightStep) -> Terms:
    def terms(figure: Rounded, setting: Rounded) -> tuple[str, float]:
        lr, decay, w = setting(weight.lr), setting(weight.weight_decay), figure(weight.before)
        return f"−{_shown(lr)}·{_shown(decay)}·({_shown(w)})", -lr * decay * w

    return terms


# -- numbers that come to what is shown


def _told(name: str, formula: str, value: float) -> WeightLine:
    return WeightLine(name, formula, "", value, number(value))


def _line(name: str, formula: str, value: float, terms: Terms) -> WeightLine:
    """terms: the numbers, with figures and settings rounded so, and what they come to; NaN: nobody knows.

    Where terms nearly cancel, they need more digits than their sum has. Where even float32 does not give the
    sum all of its digits, it is shown with those that it has.
    """

    def numbers(more: int) -> tuple[str, float]:
        return terms(_rounding(KEPT + more), _rounding(KEPT + more + 1))

    return _written(name, formula, value, numbers)


def _sum(name: str, formula: str, value: float, first: float, second: float) -> WeightLine:
    """Two figures with one precision; the smaller has some digits too, if it is not far smaller."""
    usual = precision(first, second)
    smaller = precision(min(abs(first), abs(second)))
    missing = smaller.decimals - smaller.exponent - (usual.decimals - usual.exponent) - 2
    usual = usual.finer(max(0, min(missing, MOST_KEPT - KEPT)))

    def numbers(more: int) -> tuple[str, float]:
        a, b = (float(usual.finer(more).fixed(each)) for each in (first, second))
        sign = "-" if second < 0 else "+"
        text = f"{usual.finer(more).text(first)} {sign} {usual.finer(more).text(abs(second))}"
        return text.replace("-", "−"), a + b

    return _written(name, formula, value, numbers)


def _written(
    name: str, formula: str, value: float, numbers: Callable[[int], tuple[str, float]]
) -> WeightLine:
    """The numbers with as many digits as it takes; the value with as many as they can give."""
    results = [_result(value, kept) for kept in range(KEPT, 0, -1)]
    written = written_formula(numbers, results, MOST_KEPT - KEPT)
    told = written.numbers if written.holds else f"≈ {written.numbers}{FLOAT32}"
    return WeightLine(name, formula, told, value, written.shown)


def _rounding(kept: int) -> Rounded:
    return lambda value: float(f"{value:.{kept}g}")


def _result(value: float, kept: int) -> tuple[str, float, float]:
    """A result as text, as it is shown, and what its last digit counts."""
    unit = 10.0 ** (floor(log10(abs(value))) - kept + 1) if value and isfinite(value) else 0.0
    return number(value, kept), float(f"{value:.{kept}g}"), unit


def _shown(value: float) -> str:
    return number(value, MOST_KEPT + 2)


def _signed(value: float) -> str:
    return f"− {_shown(abs(value))}" if value < 0 else f"+ {_shown(value)}"


# -- in words


def momentum_words(weight: WeightStep) -> str:
    """What momentum does in this step: the step also goes on in the direction of previous steps.

    The step is AdamW's without its decay, or SGD's, whose buffer has the decay in it.
    """
    is_sgd = weight.optimizer == "sgd"
    own = weight.gradient + weight.weight_decay * weight.before  # what this step adds to the buffer
    if not is_sgd:
        own = (1 - weight.momentum) * weight.gradient
    step = -weight.lr * weight.buffer if is_sgd else _corrected(weight)[-1]
    if not isfinite(step):
        return "the loss is no longer finite, nor are the gradient and the weight"
    words = [_of_momentum(weight, own), *_of_decay(weight, step)]
    update = step if is_sgd else step + weight.decay
    if update and weight.after == weight.before:
        words.append("the update is too small to change this float32 weight")
    return "; ".join(words)


def _of_momentum(weight: WeightStep, own: float) -> str:
    buffer, is_sgd = weight.buffer, weight.optimizer == "sgd"
    went = "down" if buffer > 0 else "up"
    this = "this gradient with its decay" if is_sgd and weight.weight_decay else "this gradient"
    if not buffer:
        return "the buffer is 0: no step is made"
    if not weight.momentum:
        return f"without momentum the step goes {went}, against {this} alone"
    share = own / buffer
    if abs(share - 1) < NOTHING:
        return f"the step goes {went}, against {this} alone: nothing was in the buffer before"
    if not own:
        return f"this gradient is 0: momentum alone carries it on {went}, as in previous steps"
    if share < 0:
        return f"{this} alone would reverse the step: momentum carries it on {went}, as in previous steps"
    if share > 1:
        other = "up" if went == "down" else "down"
        return f"{this} reverses the step: it goes {went}, momentum alone would go on {other}"
    what = "buffer" if is_sgd else "average"
    return f"the step goes {went}: {_percent(share)} of the {what} is {this}, the rest is of previous steps"


def _of_decay(weight: WeightStep, step: float) -> list[str]:
    if not weight.weight_decay:
        return []
    if weight.optimizer == "sgd":
        return ["v also carries decay of previous steps"] if weight.momentum and weight.step > 1 else []
    return ["decay outweighs it"] if (step + weight.decay) * step < 0 else []


def _percent(share: float) -> str:
    if share < 0.005:
        return "less than 1%"
    return "more than 99%" if 0.995 <= share < 1 else f"{share:.0%}"
