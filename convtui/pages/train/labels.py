"""What the Train page says of how far a run is."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len

from convtui.inputs.durations import clock
from convtui.pages.train.figures import Status
from convtui.paint.text import cut_to

SIGNS: Final = {
    "ready": "○",
    "starting": "◌",
    "training": "▶",
    "paused": "‖",
    "stopped": "■",
    "finished": "✓",
    "failed": "✗",
    "diverged": "✗",
    "elsewhere": "▷",
}


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
    while cell_len(text) > width and " · " in text:
        text = text.rpartition(" · ")[0]
    return cut_to(text, width)
