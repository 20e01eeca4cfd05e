"""What a comparison of the four runs shows: sentences that follow from its own figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Final

from convtui.pages.train.figures import Arm
from convtui.paint.axes import digits

STUCK: Final = 0.2  # of the way from guessing to all right; who is below has learned next to nothing
FAR: Final = 1.5  # times the loss of guessing
POINT: Final = "So at this rate a network learns once it is warmed up or normalised, and best with both"

Place = tuple[str, bool]  # schedule and batch norm

ARMS: Final[tuple[Place, ...]] = (
    ("constant", False),
    ("constant", True),
    ("one-cycle", False),
    ("one-cycle", True),
)


@dataclass(frozen=True)
class Lesson:
    """A fact, what there is to say of it, the most important first, and the colour of the run, if shown."""

    fact: str
    remarks: tuple[str, ...] = ()
    colour: int | None = None

    def sentence(self, width: int) -> str:
        """With as many of the remarks as fit."""
        text = self.fact
        for remark in self.remarks:
            if len(f"{text}; {remark}.") > width:
                break
            text = f"{text}; {remark}"
        return f"{text}."


def has_learned(accuracy: float, classes: int) -> bool:
    """Whether an accuracy is clearly better than that of guessing among so many classes."""
    return accuracy >= 1 / classes + STUCK * (1 - 1 / classes)


def lessons(arms: Sequence[Arm], peak: float, classes: int, is_usual: bool = False) -> list[Lesson]:
    """What came of the runs that are finished, and what to see in it.

    is_usual: the recipe is the one of which it is known what usually comes out.
    """
    found = {(arm.schedule, arm.batch_norm): arm for arm in arms if arm.is_finished}
    told = [
        Lesson(
            f"{_name(found[place], peak)}: {_percentage(found[place])}",
            tuple(_remarks(place, found, classes, is_usual)),
            found[place].colour,
        )
        for place in ARMS
        if place in found
    ]
    if not told:
        told = [
            Lesson("Four runs, one after another, with the same seed and peak rate", ("see where they part",))
        ]
    if len(arms) < len(ARMS):
        told.append(Lesson("Stopped before all four had run", ("c starts them again",)))
    elif is_usual and _is_the_rule(found, classes):
        told.append(Lesson(POINT))
    return told


def _name(arm: Arm, peak: float) -> str:
    norm = ", with batch norm" if arm.batch_norm else ""
    return f"{arm.schedule.capitalize()} {arm.rate or digits(peak)}{norm}"


def _percentage(arm: Arm) -> str:
    if arm.loss is not None and not isfinite(arm.loss):
        return "diverged"
    return "–" if arm.accuracy is None else f"{arm.accuracy:.2%}"


def _remarks(place: Place, found: Mapping[Place, Arm], classes: int, is_usual: bool) -> list[str]:
    """How it learned, which of the four it is, and what norm and schedule make of it."""
    return [
        *_learning(place, found[place], classes, is_usual),
        *_rank(place, found, classes, is_usual),
        *_differences(place, found),
    ]


def _learning(place: Place, arm: Arm, classes: int, is_usual: bool) -> list[str]:
    guessing = log(classes) if classes > 1 else 0.0
    loss, accuracy = arm.loss, arm.accuracy
    is_plain = is_usual and place == ARMS[0]
    if loss is not None and not isfinite(loss):
        return ["its loss is not finite"]
    if loss is not None and loss > FAR * guessing:
        return [f"it went astray: its loss {loss:.3g} is far above the {guessing:.2f} of guessing"]
    if accuracy is None or has_learned(accuracy, classes):
        return ["usually it learns nothing"] if is_plain else []
    of = [] if loss is None else [f"its loss is {loss:.2f}, guessing has {guessing:.2f}"]
    return [f"it learned nothing{', as it usually does' if is_plain else ''}", *of]


def _differences(place: Place, found: Mapping[Place, Arm]) -> list[str]:
    """In points of accuracy: to the run without batch norm, to the one at a constant rate."""
    schedule, has_norm = place
    others = {
        "batch norm": found.get((schedule, False)) if has_norm else None,
        "the schedule": found.get(("constant", has_norm)) if schedule == "one-cycle" else None,
    }
    told = [
        f"{what} {_points(found[place], other)}"
        for what, other in others.items()
        if other is not None and found[place].accuracy is not None and other.accuracy is not None
    ]
    return [f"{', '.join(told)} points"] if told else []


def _points(arm: Arm, other: Arm) -> str:
    """By how much an accuracy is above another as both are shown."""
    of, over = (round(100 * (each.accuracy or 0.0), 2) for each in (arm, other))
    return f"{of - over:+.2f}".replace("-", "−")


def _rank(place: Place, found: Mapping[Place, Arm], classes: int, is_usual: bool) -> list[str]:
    """Which of all four it is."""
    reached = [arm.accuracy for arm in found.values() if arm.accuracy is not None]
    accuracy = found[place].accuracy
    if accuracy is None or len(reached) < len(ARMS) or min(reached) == max(reached):
        return []
    for name, end in (("best", max(reached)), ("worst", min(reached))):
        if accuracy == end and (name == "best" or has_learned(accuracy, classes)):
            is_alone = reached.count(end) == 1
            usually = ", as usual" if is_usual and is_alone and (name, place) == ("best", ARMS[-1]) else ""
            return [f"the {name} of the four{usually}" if is_alone else f"one of the {name}"]
    return []


def _is_the_rule(found: Mapping[Place, Arm], classes: int) -> bool:
    """Whether all came out as it usually does."""
    reached = [found[place].accuracy for place in ARMS if place in found]
    if len(reached) < len(ARMS) or None in reached:
        return False
    plain, *others = (accuracy or 0.0 for accuracy in reached)
    best = max(plain, *others)
    return (
        not has_learned(plain, classes)
        and all(has_learned(each, classes) for each in others)
        and others[-1] == best
        and others.count(best) == 1
    )
