"""What was trained is kept, whatever happens to the process, the disk or the files."""

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convtui.training.messages import Message
from convtui.training.protocol import Finished, Snapshot, Stepped
from convtui.training.runs.checkpoint import Checkpoint, file_name
from convtui.training.runs.store import CHECKPOINTS_KEPT, Run, RunError, find_run, new_run
from tests.support import events as made
from tests.support.small_runs import SMALL, trained


@pytest.fixture
def run() -> Run:
    return new_run(SMALL, "fingerprint")


def checkpoint(at: int) -> Checkpoint:
    return replace(trained().checkpoint(), step=at)


def test_the_last_checkpoints_are_kept(run: Run) -> None:
    assert run.checkpoint() is None
    with pytest.raises(RunError, match=r"^run 1: has no complete checkpoint yet$"):
        run.latest_weights()
    with run.locked():
        for at in (0, 5, 78, 999_999, 1_000_000):
            run.save(checkpoint(at))
            assert run.checkpoints()[-1].name.startswith(f"step-{at:06d}-")
    assert len(run.checkpoints()) == CHECKPOINTS_KEPT == 3
    latest, weights = run.latest_weights()
    assert latest == 1_000_000
    assert weights["0.weight"].shape == (4, 1, 3, 3)
    assert not list(run.path.glob("*.tmp"))


def test_the_later_of_two_checkpoints_of_a_step_is_used(run: Run) -> None:
    """The rate was changed between them, and the clock has gone back meanwhile."""
    training = trained(steps=4)
    rates = (0.5, 0.4, 0.3, 0.2)
    with run.locked():
        run.save(checkpoint(2))
        for age, rate in enumerate(rates):
            training.set_max_lr(rate)
            run.save(training.checkpoint())
            os.utime(run.checkpoints()[-1], (1e9 - age, 1e9 - age))
            kept = run.checkpoint()
            assert kept
            assert kept.about["groups"][0]["max_lr"] == rate
    assert [path.name[:11] for path in run.checkpoints()] == ["step-000002", "step-000004"]


def test_of_two_checkpoints_of_a_step_that_a_kill_left_the_later_is_used(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trained(steps=4)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # killed before the older was removed
    with run.locked():
        for age, rate in enumerate((0.5, 0.4, 0.3, 0.2)):
            known = set(run.checkpoints())
            training.set_max_lr(rate)
            run.save(training.checkpoint())
            (new,) = set(run.checkpoints()) - known
            os.utime(new, (1e9 + age, 1e9 + age))
    assert len(run.checkpoints()) == 4
    kept = run.checkpoint()
    assert kept
    assert kept.about["groups"][0]["max_lr"] == 0.2


def _cut(data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _flipped(data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flipped,
        lambda _: b"",
        lambda data: data + b"\0",
        lambda data: bytes(len(data)),
        lambda _: b"\x80\x04}.",
    ],
    ids=["cut", "flipped", "empty", "longer", "zeros", "pickle"],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    run: Run, damage: Callable[[bytes], bytes]
) -> None:
    random.seed(0)
    with run.locked():
        for at in (3, 6, 9):
            run.save(checkpoint(at))
    for expected in (6, 3, None):
        last = run.checkpoints()[-1 if expected == 6 else -2 if expected == 3 else 0]
        last.write_bytes(damage(last.read_bytes()))
        kept = run.checkpoint()
        assert (kept and kept.step) == expected


def test_a_whole_file_that_is_no_checkpoint_is_passed_over(run: Run) -> None:
    with run.locked():
        run.save(checkpoint(3))
    rubbish = b"rubbish"
    (run.path / file_name(9, rubbish)).write_bytes(rubbish)
    (run.path / "step-later.safetensors").write_bytes(rubbish)
    (run.path / "step-000011-0000000000000000.safetensors").mkdir()
    kept = run.checkpoint()
    assert kept
    assert kept.step == 3


def test_checkpoints_that_a_fallback_voids_are_dropped(run: Run) -> None:
    """Otherwise a damaged one would be tried first for ever, and push out the good ones."""
    with run.locked():
        for at in (10, 20, 30):
            run.save(checkpoint(at))
        for path in run.checkpoints()[1:]:
            path.write_bytes(b"damaged")
        for at in (12, 14):
            run.save(checkpoint(at))
    assert [path.name[:11] for path in run.checkpoints()] == ["step-000010", "step-000012", "step-000014"]


def test_what_an_interrupted_save_left_is_cleared(run: Run) -> None:
    (run.path / "0123456789abcdef.tmp").write_bytes(b"half a checkpoint")
    (run.path / "mine.txt").write_text("a note of the user's")
    with run.locked():
        run.save(checkpoint(3))
    assert not list(run.path.glob("*.tmp"))
    assert (run.path / "mine.txt").exists()


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_is_left_again_and_again_ends_with_the_same_weights(run: Run, seed: int) -> None:
    """Left after a few events at a time, sometimes with its last checkpoint damaged."""
    chance = random.Random(seed)
    whole = trained(steps=22).checkpoint().weights
    event: Message | None = None
    while not isinstance(event, Finished):
        with find_run("1").locked() as going:
            training = trained(checkpoint=going.checkpoint())
            left = 3 + chance.randrange(8)
            for event in training.events():
                if (isinstance(event, Stepped) and event.step % 3 == 0) or isinstance(event, Finished):
                    going.save(training.checkpoint())
                left -= not isinstance(event, Snapshot)
                if left < 0:
                    break
        if run.checkpoints() and not isinstance(event, Finished) and chance.random() < 0.3:
            run.checkpoints()[-1].write_bytes(b"torn")
    _, weights = run.latest_weights()
    assert {name: each.tobytes() for name, each in weights.items()} == {
        name: each.tobytes() for name, each in whole.items()
    }


def test_a_full_disk_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    with run.locked():
        run.save(checkpoint(3))
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"^No space left on device: cannot write .*step-000006-.*$"):
            run.save(checkpoint(6))
        monkeypatch.undo()
    kept = run.checkpoint()
    assert kept
    assert kept.step == 3
    assert not list(run.path.glob("*.tmp"))


def test_nothing_but_json_and_safetensors_is_in_the_folder(run: Run) -> None:
    with run.locked():
        run.append(made.step(1))
        run.save(checkpoint(1))
    names = {path.suffix for path in run.path.iterdir()}
    assert names <= {".json", ".jsonl", ".safetensors", ".lock"}
    assert json.loads((run.path / "recipe.json").read_text())["recipe"]["data"] == "digits-8x8"
