"""On which device a run trains: what is asked for, chosen among those that are there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

AUTO: Final = "auto"
CPU: Final = "cpu"
DEVICES: Final = (CPU, "cuda", "mps")
CHOICES: Final = (AUTO, *DEVICES)

_FASTEST: Final = ("cuda", "mps", CPU)


def chosen(asked: str, there: Collection[str]) -> tuple[str, str]:
    """The device for what is asked, of those that are there, and what to tell of a choice that auto made.

    Raises ValueError for one that is not there.
    """
    if asked != AUTO:
        require_there(asked, there)
        return asked, ""
    device = next(each for each in _FASTEST if each in there)
    return device, f"device auto: took {device}{resume_words(device)}"


def require_there(device: str, there: Collection[str]) -> None:
    """Raises ValueError for a device that is not there, with those that are."""
    if device not in there:
        here = " or ".join(each for each in DEVICES if each in there)
        raise ValueError(f"device {device}: is not there; must be {here}, or auto")


def replaying_words(device: str, step: int) -> str:
    """What is said while a step is trained again on this device: only on the cpu it is the same."""
    where = "" if device == CPU else f" on {device}: figures may differ a little"
    return f"training step {step:,} again{where} …"


def replayed_words(device: str) -> str:
    """What is said of a step that was trained again on this device; "" for the cpu."""
    return "" if device == CPU else f"again on {device}: may differ"


def resume_words(device: str) -> str:
    """What cannot be promised of a run that is resumed or replayed on this device; "" for the cpu."""
    return "" if device == CPU else ", on which a resumed run's figures may differ a little"
