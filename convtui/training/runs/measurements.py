"""What was measured of a run's network, kept in the run's folder: a line a figure, so that a kill costs one.

The file may be damaged, edited or somebody else's: a line that no measurement can have written is passed
over, so that whoever shows the rest can rely on every value in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import BinaryIO, Final

from convtui.inputs.atomic import read_regular
from convtui.inputs.names import printable
from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    POINTS,
    SHARP_AT,
    Curvature,
    DirectionPoint,
    Measuring,
    NoisePoint,
    Norms,
)
from convtui.training.messages import Message, decode, encode
from convtui.training.runs.checkpoint import digest_of, step_of
from convtui.training.runs.store import Run, RunError

_FILE: Final = "measured.jsonl"


@dataclass(frozen=True)
class Measurements:
    """What is known of the weights after a step, whose checkpoint has this digest.

    noise is in the order of NOISES; directions has a curve for each, in the order of ALPHAS. Any of it may be
    missing as yet. The losses of a run that has diverged are no finite numbers. source: the digest of the
    code of the user's network that was measured, "" for the bundled one.
    """

    step: int
    digest: str
    noise_images: int
    landscape_images: int
    noise: tuple[NoisePoint, ...] = ()
    directions: tuple[tuple[DirectionPoint, ...], ...] = ((),) * DIRECTIONS
    curvature: Curvature | None = None
    norms: Norms | None = None
    source: str = ""

    @classmethod
    def begun(cls, event: Measuring) -> Measurements:
        """Nothing is known yet. Raises ValueError for a measurement that cannot be."""
        if event.step < 0 or event.noise_images < 1 or event.landscape_images < 1:
            raise ValueError("step, noise_images or landscape_images: too few")
        images = event.noise_images, event.landscape_images
        return cls(event.step, event.digest, *images, source=event.source)

    def with_event(self, event: Message) -> Measurements:
        """With one more figure, in the place of an earlier one of its kind; other events change nothing.

        Raises ValueError for a figure that cannot be.
        """
        match event:
            case NoisePoint():
                _check_noise(event)
                others = [each for each in self.noise if each.noise != event.noise]
                return replace(self, noise=tuple(sorted([*others, event], key=lambda each: each.noise)))
            case DirectionPoint():
                _check_direction(event)
                curves = list(self.directions)
                along = [each for each in curves[event.direction] if each.alpha != event.alpha]
                curves[event.direction] = tuple(sorted([*along, event], key=lambda each: each.alpha))
                return replace(self, directions=tuple(curves))
            case Curvature():
                _check_curvature(event)
                return replace(self, curvature=event)
            case Norms():
                _check_norms(event)
                return replace(self, norms=event)
        return self

    @property
    def events(self) -> tuple[Message, ...]:
        """The figures that are known, as they were told."""
        singles = [each for each in (self.norms, self.curvature) if each is not None]
        return (*singles, *self.noise, *(point for curve in self.directions for point in curve))

    @property
    def count(self) -> int:
        """How many figures are known, of POINTS."""
        return len(self.events)

    @property
    def is_complete(self) -> bool:
        return self.count == POINTS

    @property
    def is_diverged(self) -> bool:
        """Whether the loss is no finite number even without noise."""
        return bool(self.noise) and self.noise[0].noise == 0 and not isfinite(self.noise[0].loss)

    def loss_with(self, noise: float) -> float | None:
        """Mean loss [nats] with so much noise; None until it is measured, and if it is not finite."""
        return _finite(each.loss for each in self.noise if each.noise == noise)

    def loss_at(self, direction: int, alpha: float) -> float | None:
        """Mean loss [nats] at a point of a direction; None until it is measured, and if it is not finite."""
        return _finite(each.loss for each in self.directions[direction] if each.alpha == alpha)

    @property
    def noise_slope(self) -> float | None:
        """How fast the loss rises with noise [nats per deviation of the data]: (L(0.5) - L(0)) / 0.5.

        None until both are measured, and if one is not finite.
        """
        least, most = NOISES[0], NOISES[-1]
        low, high = self.loss_with(least), self.loss_with(most)
        return None if low is None or high is None else (high - low) / (most - least)

    @property
    def sharpness(self) -> float | None:
        """How much greater the loss is beside the weights than at them [nats].

        The mean over the directions of (L(a) + L(-a)) / 2 - L(0) at a = SHARP_AT; None until all of these are
        measured, and if one is not finite.
        """
        total = 0.0
        for direction in range(DIRECTIONS):
            ahead, behind, here = (self.loss_at(direction, a) for a in (SHARP_AT, -SHARP_AT, 0.0))
            if ahead is None or behind is None or here is None:
                return None
            total += (ahead + behind) / 2 - here
        return total / DIRECTIONS


def measurements_of(run: Run, step: int | None = None) -> Measurements | None:
    """What was measured after this step; None: after that of the last checkpoint.

    Of several checkpoints of the step the one measured last counts. None if nothing was measured. Raises
    RunError if the file cannot be read.
    """
    last = run.checkpoints()[-1:]
    if step is not None:
        found = [each for each in all_measurements(run) if each.step == step]
    elif last:
        key = step_of(last[0]), digest_of(last[0])
        found = [each for each in all_measurements(run) if (each.step, each.digest) == key]
    else:
        found = []
    return found[-1] if found else None


def all_measurements(run: Run) -> list[Measurements]:
    """A value for each checkpoint that was measured, in the order in which they were first measured.

    Raises RunError if the file cannot be read.
    """
    path = run.path / _FILE
    try:
        lines = read_regular(path).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{printable(str(path))}: {error.strerror or error}") from None
    return _read(lines)


def known_of(run: Run, event: Measuring) -> Measurements:
    """What is known of the weights that a measurement is to be of, on as many images. Raises RunError."""
    fresh = Measurements.begun(event)
    return next((each for each in all_measurements(run) if _key(each) == _key(fresh)), fresh)


@contextmanager
def kept_in(run: Run) -> Iterator[Keeper]:
    """What adds figures to the file, only while the run is locked. Raises RunError if it cannot."""
    path = run.path / _FILE
    with _saying(path), path.open("ab", buffering=0) as file:
        yield Keeper(path, file)


class Keeper:
    """The file of a run's figures, open to be added to; the line before may be torn."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._before = b"\n" if os.fstat(file.fileno()).st_size else b""

    def keep(self, event: Message) -> None:
        """Add a line; it is in the operating system's hands when this returns. Raises RunError."""
        data = self._before + f"{encode(event)}\n".encode()
        self._before = b"\n"
        with _saying(self._path):
            while data:
                data = data[self._file.write(data) :]
        self._before = b""


def _read(lines: Iterable[bytes]) -> list[Measurements]:
    found: dict[tuple[object, ...], Measurements] = {}
    section: tuple[object, ...] | None = None
    for line in lines:
        try:
            event = decode(line)
            if isinstance(event, Measuring):
                section = None
                fresh = Measurements.begun(event)
                section = _key(fresh)
                found.setdefault(section, fresh)
            elif section is not None:
                found[section] = found[section].with_event(event)
        except ValueError:
            continue
    return list(found.values())


def _key(known: Measurements) -> tuple[object, ...]:
    return known.step, known.digest, known.noise_images, known.landscape_images, known.source


def _finite(losses: Iterator[float]) -> float | None:
    loss = next(losses, None)
    return loss if loss is not None and isfinite(loss) else None


def _check_noise(point: NoisePoint) -> None:
    if point.noise not in NOISES:
        raise ValueError(f"noise {point.noise}: must be one of {NOISES}")
    if not 0 <= point.accuracy <= 1:
        raise ValueError(f"accuracy {point.accuracy}: must be 0 to 1")
    _require_loss("loss", point.loss)


def _check_direction(point: DirectionPoint) -> None:
    if not 0 <= point.direction < DIRECTIONS:
        raise ValueError(f"direction {point.direction}: must be 0 to {DIRECTIONS - 1}")
    if point.alpha not in ALPHAS:
        raise ValueError(f"alpha {point.alpha}: must be one of {ALPHAS}")
    _require_loss("loss", point.loss)


def _check_curvature(curvature: Curvature) -> None:
    if curvature.eigenvalue is not None and not isfinite(curvature.eigenvalue):
        raise ValueError(f"eigenvalue {curvature.eigenvalue}: must be finite or None")
    if curvature.iterations < 0:
        raise ValueError(f"iterations {curvature.iterations}: must be 0 or more")


def _check_norms(norms: Norms) -> None:
    for norm in (norms.total, *norms.layers):
        _require_loss("norm", norm)
    if norms.names and len(norms.names) != len(norms.layers):
        raise ValueError(f"names {norms.names}: must be one for each layer")


def _require_loss(name: str, value: float) -> None:
    """Of a run that has diverged it may be infinite, or no number."""
    if value < 0:
        raise ValueError(f"{name} {value}: must not be negative")


@contextmanager
def _saying(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{error.strerror or error}: cannot write {printable(str(path))}") from None
