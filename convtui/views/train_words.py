"""What the Train page says: how far a run is, how a weight is updated, what a comparison shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

from convtui.durations import clock as clock
from convtui.views.axes import digits
from convtui.views.cells import cut_to
from convtui.views.train_data import Arm, Status, WeightStep

SIGNS: Final = {
    "ready": "○",
    "starting": "◌",
    "training": "▶",
    "paused": "‖",
    "stopped": "■",
    "finished": "✓",
    "failed": "✗",
    "elsewhere": "▷",
}
STUCK: Final = 0.2  # of the way from guessing to all right; who is below has learnt next to nothing


def status_text(status: Status, width: int) -> str:
    """How far the run is, with as much as fits; figures have the width of their greatest."""
    wide = len(f"{status.total_steps:,}")
    epoch = f"epoch {status.epoch:>{len(str(status.epochs))}}/{status.epochs}"
    step = f"step {status.step:>{wide},}/{status.total_steps:,}"
    time = f"{clock(status.seconds):>4}"
    speed = "" if status.speed is None else f"{status.speed:>4.{status.speed < 99.95:d}f} steps/s"
    parts = {
        "run": status.run,
        "epoch": epoch if status.total_steps else "",
        "step": step if status.total_steps else "",
        "speed": speed,
        "time": time if status.total_steps else "",
        "left": f"{clock(status.seconds_left):>4} left" if status.seconds_left is not None else "",
    }
    for dropped in ("", "time", "speed", "run", "epoch", "left"):
        parts.pop(dropped, None)
        text = " · ".join(part for part in parts.values() if part)
        if len(text) <= width:
            return text
    return cut_to(step, width)


def whole_words(text: str, width: int) -> str:
    """As many of the parts between dots as fit; the first is cut if it must be."""
    while len(text) > width and " · " in text:
        text = text.rpartition(" · ")[0]
    return cut_to(text, width)


# -- a weight


@dataclass(frozen=True)
class WeightLine:
    """A quantity of an update: its name, how it is computed, the same with the numbers, its value."""

    name: str
    formula: str
    numbers: str
    value: float


def weight_lines(weight: WeightStep) -> list[WeightLine]:
    """How PyTorch's SGD or AdamW comes from the weight before a step to that after it, line by line.

    Sources: https://pytorch.org/docs/stable/generated/torch.optim.SGD.html and torch.optim.AdamW.html
    """
    computed = _sgd_lines(weight) if weight.optimizer == "sgd" else _adamw_lines(weight)
    after = f"{number(weight.before)} {_signed(weight.update)}"
    return [
        WeightLine("weight before", "w", "", weight.before),
        WeightLine("gradient", "g = ∂loss/∂w", "", weight.gradient),
        *computed,
        WeightLine("weight after", "w + update", after, weight.after),
    ]


def _sgd_lines(weight: WeightStep) -> list[WeightLine]:
    """v = momentum v + g + decay w; w -= lr v."""
    before = "v" if weight.buffer_before is None else number(weight.buffer_before)
    summed = weight.gradient + weight.weight_decay * weight.before
    return [
        WeightLine(
            "with decay",
            "d = g + λ·w",
            f"{number(weight.gradient)} + {digits(weight.weight_decay)}·({number(weight.before)})",
            summed,
        ),
        WeightLine(
            "momentum buffer",
            "v = μ·v + d",
            f"{digits(weight.momentum)}·({before}) {_signed(summed)}",
            weight.buffer,
        ),
        WeightLine("update", "−lr·v", f"−{digits(weight.lr)}·({number(weight.buffer)})", weight.update),
        WeightLine("of it decay", "−lr·λ·w", "", weight.decay),
    ]


def _adamw_lines(weight: WeightStep) -> list[WeightLine]:
    """Decay apart from the gradient; the averages corrected for their start at zero."""
    assert weight.squares is not None
    before = "m" if weight.buffer_before is None else number(weight.buffer_before)
    average = weight.buffer / (1 - weight.momentum**weight.step)
    squares = weight.squares / (1 - weight.beta2**weight.step)
    return [
        WeightLine(
            "decay",
            "−lr·λ·w",
            f"−{digits(weight.lr)}·{digits(weight.weight_decay)}·({number(weight.before)})",
            weight.decay,
        ),
        WeightLine(
            "momentum buffer",
            "m = β₁m + (1−β₁)g",
            f"{digits(weight.momentum)}·({before}) + "
            f"{digits(1 - weight.momentum)}·({number(weight.gradient)})",
            weight.buffer,
        ),
        WeightLine("squares", "s = β₂s + (1−β₂)g²", "", weight.squares),
        WeightLine(
            "from the start",
            "m′ = m / (1 − β₁ᵗ)",
            f"{number(weight.buffer)} / (1 − {digits(weight.momentum)}^{weight.step})",
            average,
        ),
        WeightLine(
            "from the start",
            "s′ = s / (1 − β₂ᵗ)",
            f"{number(weight.squares)} / (1 − {digits(weight.beta2)}^{weight.step})",
            squares,
        ),
        WeightLine(
            "step",
            "−lr·m′ / (√s′ + ε)",
            f"−{digits(weight.lr)}·({number(average)}) / ({number(sqrt(squares))} + {weight.eps:g})",
            weight.update - weight.decay,
        ),
        WeightLine(
            "update",
            "decay + step",
            f"{number(weight.decay)} {_signed(weight.update - weight.decay)}",
            weight.update,
        ),
    ]


def momentum_words(weight: WeightStep) -> str:
    """What momentum does in this step: the step also goes on in the direction of previous steps."""
    share = f"{1 - weight.momentum:.0%}"
    went = "up" if weight.update > 0 else "down"
    if weight.gradient * weight.buffer < 0:
        return f"this gradient alone would turn it round: momentum carries it on {went}, as in previous steps"
    if weight.optimizer == "sgd":
        return (
            f"the step goes {went}: {weight.momentum:.0%} of the last buffer goes on, the gradient joins it"
        )
    return f"the step goes {went}: {share} of the average is this gradient, the rest is of previous steps"


def number(value: float) -> str:
    """A figure in at most ten characters, four digits of it; a minus as long as a plus."""
    if not isfinite(value):
        return str(value)
    return f"{value:.4g}".replace("-", "−") if value else "0"


def _signed(value: float) -> str:
    return f"− {number(abs(value))}" if value < 0 else f"+ {number(value)}"


# -- the comparison


def comparison_words(arms: Sequence[Arm], peak: float, classes: int) -> list[tuple[str, str]]:
    """What came of the four runs, as far as they are finished, and what to see in it."""
    guessed = 1 / classes
    found = {(arm.schedule, arm.batch_norm): arm.accuracy for arm in arms if arm.is_finished}
    words = []
    for arm, (name, learnt, stuck) in _ARMS.items():
        accuracy = found.get(arm)
        if accuracy is not None:
            is_stuck = accuracy < guessed + STUCK * (1 - guessed)
            came_to = f"stuck at {accuracy:.2%}" if is_stuck else f"{accuracy:.2%}"
            words.append((f"{name} {digits(peak)}: {came_to}", stuck if is_stuck else learnt))
    accuracies = [each for each in found.values() if each is not None]
    if len(accuracies) == len(_ARMS) and found["one-cycle", True] == max(accuracies):
        words[-1] = (words[-1][0], "the best of the four, as usual")
    if len(arms) < len(_ARMS):
        words.append(("Stopped before all four were run", "c begins them again"))
    return words or [("Four runs, one after another, with one seed and peak rate", "see where they part")]


# schedule and batch norm: name, what is to be said if it learnt, and if it got stuck
_ARMS: Final = {
    ("constant", False): ("Constant", "usually it gets stuck", "as usual: its first steps threw it off"),
    ("constant", True): (
        "Constant with batch norm",
        "it bears that rate from the start",
        "usually it learns",
    ),
    ("one-cycle", False): ("One-cycle", "warmed up first, it bears that rate too", "usually it learns"),
    ("one-cycle", True): ("One-cycle with batch norm", "usually the best of the four", "usually it learns"),
}
