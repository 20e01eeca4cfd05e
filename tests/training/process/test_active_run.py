"""A run under way waits for no disk, and nothing that a disk refuses is passed over."""

import io
import json
import threading
from typing import Any

import numpy as np
import pytest

from convtui.training.datasets.open_any import fingerprint
from convtui.training.messages import Message, decode
from convtui.training.process.active_run import UnderWay
from convtui.training.process.loop import Training
from convtui.training.process.pipes import Inbox, Outbox
from convtui.training.process.worker import _begun
from convtui.training.protocol import Epoch, Finished, Saved, Stepped
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.runs.store import Run, RunError, new_run
from tests.support.small_runs import SMALL, digits, trained

AN_EPOCH, ALL = 11, 22


class Silence(Inbox):
    """An inbox of which nobody thinks."""

    def __init__(self) -> None:
        """Without the thread that would read, and end this process."""

    def get_waiting(self) -> None:
        return None


def go_through(run: Run) -> list[Message]:
    """A whole run, and what it told."""
    told = io.BytesIO()
    outbox = Outbox(told)
    begun = _begun(SMALL, digits(), 0, ALL, str(run.path))
    try:
        UnderWay(trained(), run, Silence(), outbox, lambda _: None).do(begun, paused=False)
    finally:
        outbox.close(60)
    return [decode(line) for line in told.getvalue().splitlines()]


@pytest.fixture
def run() -> Any:
    with new_run(SMALL, fingerprint(digits())).locked() as run:
        yield run


def test_steps_are_taken_while_a_checkpoint_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    further, save = threading.Event(), Run.save

    def slow(run: Run, checkpoint: Checkpoint) -> None:
        if checkpoint.step == AN_EPOCH:
            assert further.wait(60), "no step was taken meanwhile"
        save(run, checkpoint)

    append = Run.append

    def watched(run: Run, event: Message, line: str | None = None) -> None:
        append(run, event, line)
        if isinstance(event, Stepped) and event.step > AN_EPOCH + 1:
            further.set()

    monkeypatch.setattr(Run, "save", slow)
    monkeypatch.setattr(Run, "append", watched)
    told = go_through(run)
    saved = [event for event in told if isinstance(event, Saved)]
    assert saved == [Saved(AN_EPOCH), Saved(ALL)]
    assert any(isinstance(event, Stepped) and event.step > AN_EPOCH for event in told[: told.index(saved[0])])
    assert told[-2] == saved[1]
    assert isinstance(told[-1], Finished)
    kept, then = run.checkpoint_after(AN_EPOCH), trained(steps=AN_EPOCH).checkpoint()
    assert kept
    np.testing.assert_equal(kept.weights, then.weights)
    np.testing.assert_equal(kept.optimizer, then.optimizer)
    assert kept.about["scheduler"] == json.loads(json.dumps(then.about["scheduler"]))


def test_what_the_disk_refuses_ends_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise RunError("no space")

    monkeypatch.setattr(Run, "save", refused)
    with pytest.raises(RunError, match="no space"):
        go_through(run)
    logged = run.events()
    assert any(isinstance(event, Epoch) for event in logged)
    assert not any(isinstance(event, Saved) for event in logged)


def test_what_was_saved_before_a_failure_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    has_failed, save = threading.Event(), Run.save

    def slow(run: Run, checkpoint: Checkpoint) -> None:
        assert has_failed.wait(60)
        save(run, checkpoint)

    def failing(training: Training) -> Stepped:
        if training.step == AN_EPOCH + 1:
            has_failed.set()
            raise MemoryError
        return train_step(training)

    train_step = Training.train_step
    monkeypatch.setattr(Run, "save", slow)
    monkeypatch.setattr(Training, "train_step", failing)
    with pytest.raises(MemoryError):
        go_through(run)
    assert run.checkpoint_after(AN_EPOCH)
    assert [event for event in run.events() if isinstance(event, Saved)] == [Saved(AN_EPOCH)]
