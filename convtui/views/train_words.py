"""What the Train page says: how far a run is, how a weight is updated, what a comparison shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from convtui.views.axes import digits
from convtui.views.cells import cut_to
from convtui.views.train_data import Arm, Status

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


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are some: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
