"""What is kept of measurements is read back, whatever has become of the file."""

from dataclasses import replace
from math import inf, isnan, nan
from pathlib import Path

import pytest

from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    POINTS,
    Curvature,
    DirectionPoint,
    Measuring,
    NoisePoint,
    Norms,
)
from convtui.training.messages import Message, encode
from convtui.training.runs.measurements import (
    Measurements,
    all_measurements,
    kept_in,
    known_of,
    measurements_of,
)
from convtui.training.runs.store import Run, RunError
from tests.support.kept_runs import kept_run

BEGUN = Measuring("/runs/0001", 390, "0123456789abcdef", 2000, 499, POINTS)
FIGURES: list[Message] = [
    Norms(5.0, (3.0, 4.0)),
    *(NoisePoint(noise, 0.1 + noise**2, 0.9) for noise in NOISES),
    *(DirectionPoint(number, a, 0.1 + (1 + number) * a**2) for number in range(DIRECTIONS) for a in ALPHAS),
    Curvature(-2.5, 7, True),
]


@pytest.fixture
def run() -> Run:
    return kept_run()[0]


@pytest.fixture
def file(run: Run) -> Path:
    return run.path / "measured.jsonl"


def of(*events: Message) -> Measurements:
    known = Measurements.begun(BEGUN)
    for event in events:
        known = known.with_event(event)
    return known


def keep(run: Run, *events: Message) -> None:
    with run.locked(), kept_in(run) as keeper:
        for event in events:
            keeper.keep(event)


def test_what_is_kept_is_read_back(run: Run) -> None:
    assert all_measurements(run) == []
    keep(run, BEGUN, *FIGURES[:20])
    assert all_measurements(run) == [of(*FIGURES[:20])]
    assert not all_measurements(run)[0].is_complete
    keep(run, BEGUN, *FIGURES[20:])
    assert all_measurements(run) == [of(*FIGURES)]
    assert known_of(run, BEGUN) == of(*FIGURES)
    assert of(*FIGURES).is_complete
    assert set(of(*FIGURES).events) == set(FIGURES)


def test_figures_are_in_order_however_they_came() -> None:
    assert of(*reversed(FIGURES)) == of(*FIGURES)
    assert of(*FIGURES, *FIGURES) == of(*FIGURES)


def test_what_the_figures_come_to() -> None:
    known = of(*FIGURES)
    assert known.noise_slope == pytest.approx((0.35 - 0.1) / 0.5)
    assert known.sharpness == pytest.approx(2 * 0.24**2)  # the mean of 1, 2 and 3 times
    assert (known.loss_with(0.5), known.loss_at(2, -1.0)) == (0.35, 3.1)


@pytest.mark.parametrize("lost", [nan, inf])
def test_what_is_missing_or_not_finite_comes_to_nothing(run: Run, lost: float) -> None:
    assert (of().noise_slope, of().sharpness, of().is_diverged) == (None, None, False)
    without = of(*(each for each in FIGURES if each != DirectionPoint(1, -0.24, 0.1 + 2 * 0.24**2)))
    assert without.sharpness is None
    assert without.noise_slope is not None
    events = [replace(each, loss=lost) if isinstance(each, NoisePoint) else each for each in FIGURES]
    keep(run, BEGUN, *events)
    (known,) = all_measurements(run)
    assert (known.noise_slope, known.is_diverged, known.is_complete) == (None, True, True)
    assert isnan(known.noise[0].loss) == isnan(lost)


def test_each_checkpoint_has_its_own(run: Run) -> None:
    other = replace(BEGUN, digest="fedcba9876543210")
    fewer = replace(BEGUN, landscape_images=100)
    keep(run, BEGUN, FIGURES[0], other, FIGURES[1], fewer, FIGURES[2], BEGUN, FIGURES[3])
    found = all_measurements(run)
    assert [each.count for each in found] == [2, 1, 1]
    assert known_of(run, other).noise == (FIGURES[1],)
    assert known_of(run, replace(BEGUN, step=12)).count == 0


def test_those_of_a_run_are_of_its_last_checkpoint_or_of_a_step(run: Run) -> None:
    last = run.latest_checkpoint()
    assert measurements_of(run) is None
    keep(run, replace(BEGUN, step=1), FIGURES[0], replace(BEGUN, step=last.step), FIGURES[0])
    assert measurements_of(run) is None  # another digest
    keep(run, replace(BEGUN, step=last.step, digest=last.digest), *FIGURES)
    found = measurements_of(run)
    assert found is not None
    assert (found.step, found.digest, found.is_complete) == (last.step, last.digest, True)
    first = measurements_of(run, 1)
    assert first is not None
    assert (first.step, first.count) == (1, 1)
    assert measurements_of(run, 2) is None
    for path in run.checkpoints():
        path.unlink()
    assert measurements_of(run) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\x00",
        b"{}",
        b'{"event":"noisepoint","noise":0.05',
        b'{"event":"noisepoint","noise":0.05,"loss":1}',
        encode(NoisePoint(0.07, 1.0, 0.5)).encode(),
        encode(NoisePoint(0.05, -1.0, 0.5)).encode(),
        encode(NoisePoint(0.05, 1.0, 1.5)).encode(),
        encode(NoisePoint(0.05, 1.0, nan)).encode(),
        encode(DirectionPoint(3, 0.0, 1.0)).encode(),
        encode(DirectionPoint(-1, 0.0, 1.0)).encode(),
        encode(DirectionPoint(0, 0.5, 1.0)).encode(),
        encode(DirectionPoint(0, 0.0, -1.0)).encode(),
        encode(Curvature(inf, 3, True)).encode(),
        encode(Curvature(1.0, -3, True)).encode(),
        encode(Norms(-1.0, ())).encode(),
        encode(Norms(1.0, (-1.0,))).encode(),
    ],
)
def test_lines_that_no_measurement_wrote_are_passed_over(run: Run, file: Path, line: bytes) -> None:
    keep(run, BEGUN, FIGURES[0])
    with file.open("ab") as out:
        out.write(line)  # torn, so that the next one begins a line
    keep(run, FIGURES[1])
    assert all_measurements(run) == [of(*FIGURES[:2])]


def test_figures_of_no_checkpoint_are_passed_over(run: Run) -> None:
    keep(run, FIGURES[0], BEGUN, FIGURES[1], replace(BEGUN, noise_images=0), FIGURES[2])
    assert all_measurements(run) == [of(FIGURES[1])]


def test_a_file_that_cannot_be_read_or_written(run: Run, file: Path) -> None:
    file.mkdir()
    with pytest.raises(RunError, match=r"measured\.jsonl: "):
        all_measurements(run)
    with pytest.raises(RunError, match=r"cannot write .*measured\.jsonl"):
        keep(run, BEGUN)
