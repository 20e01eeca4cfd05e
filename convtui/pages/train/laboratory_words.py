"""What the laboratory says of itself: what it will do, how far it is, and which keys choose."""

from __future__ import annotations

from collections.abc import Sequence

from convtui.engine.words import counted
from convtui.inputs.durations import clock
from convtui.training.laboratory import TARGETS, Comparison, arm_names
from convtui.training.recipe import Recipe

OTHERS = "C chooses another comparison."
TOO_FEW_MARKED = (
    "Nothing to compare yet: mark two to four runs.",
    "m marks a run in the table of all runs, which tab leads to. Runs of one recipe count as one.",
    "",
    OTHERS,
)


def explanation(
    comparison: Comparison,
    arms: Sequence[Recipe],
    seeds: int,
    kept: int,
    seconds: float | None,
    refused: str = "",
) -> tuple[str, ...]:
    """What enter will do, before there is anything to show; seconds: of training, None if nobody knows.

    kept: so many of the runs are there already. refused: why this cannot be compared.
    """
    if refused:
        why, _, instead = refused.partition("; ")
        return (
            f"Laboratory: {comparison.value}",
            "",
            f"{why}.",
            f"{instead[:1].upper()}{instead[1:]}.",
            "",
            OTHERS,
        )
    if len(arms) < 2:
        return TOO_FEW_MARKED
    runs = len(arms) * seeds
    of_epochs = f"{counted(runs, 'run')} of {counted(arms[0].epochs, 'epoch')}"
    there = f" {counted(kept, 'run')} of them {'is' if kept == 1 else 'are'} there already." if kept else ""
    begin = "enter goes on" if kept else "Press enter"
    if comparison is Comparison.RATES:
        what = [
            f"{begin}: a constant rate and one-cycle are trained at {len(arms) // 2} peak rates each, "
            f"{_seeds(seeds)}: {of_epochs}.{there}",
            "Then the plot shows how many steps each run took to an accuracy on the validation set; "
            f"T chooses it: {', '.join(f'{each:.0%}' for each in TARGETS)}.",
        ]
    else:
        what = [
            f"{begin}: {len(arms)} recipes are trained, {_seeds(seeds)}: {of_epochs}.{there}",
            _difference(comparison, arms),
            "Then each run is measured: its loss with noise on the images, the loss and the curvature around "
            "its final weights, and the norm of its weights.",
        ]
    return (
        f"Laboratory: {comparison.value}",
        "",
        *what,
        _duration(seconds, comparison is not Comparison.RATES),
        "",
        "All of it happens in the background. x stops; what is done is kept, and enter goes on later.",
        "C another comparison · + − seeds",
    )


def _difference(comparison: Comparison, arms: Sequence[Recipe]) -> str:
    """The arms by name, and where all else comes from."""
    names = ", ".join(arm_names(arms))
    if comparison is Comparison.MARKED:
        return f"They are those of the marked runs: {names}."
    return f"They differ in one thing alone: {names}. All else is as the line at the top has it."


def _seeds(seeds: int) -> str:
    return "with seed 0" if seeds == 1 else f"each with seeds 0 to {seeds - 1}"


def _duration(seconds: float | None, is_measured: bool) -> str:
    if seconds is None:
        return "How long it takes is known after the first run."
    more = ", and less than that again to measure" if is_measured else ""
    return f"About {clock(seconds)} to train{more}."


def progress_words(done: int, total: int, present: str, seconds_left: float | None) -> str:
    """How far it is: the jobs that are done, trainings and measurements, the present one, the time left."""
    parts = [f"{done} of {total} done", present]
    if seconds_left is not None:
        parts.append(f"about {clock(seconds_left)} left")
    return " · ".join(filter(None, parts))


def heading(comparison: Comparison, seeds: int, target: float, is_missing: bool) -> str:
    """What is compared, and the keys that choose; the most dispensable last."""
    rates = comparison is Comparison.RATES
    return " · ".join(
        [
            comparison.value,
            counted(seeds, "seed"),
            *([f"T target {target:.0%}"] if rates else []),
            *(["enter goes on"] if is_missing else []),
            "C compares others",
            "+ − seeds",
            *([] if rates else ["arrows choose the picture"]),
        ]
    )
