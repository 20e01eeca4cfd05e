"""The log of a run holds all that was told, whatever happens to the process, the disk or the file."""

import os
from typing import Any

import pytest

from convtui.training.messages import Message, decode, encode
from convtui.training.protocol import Begun, Epoch, Finished, Saved, Stepped, Stopped
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run, RunError, find_run, new_run
from tests.support.small_runs import SMALL, trained


@pytest.fixture
def run() -> Run:
    return new_run(SMALL, "fingerprint")


def step(number: int) -> Stepped:
    return Stepped(number, 1, 2.0 / number, 0.1, 0.9, number / 100)


def begun(run: Run, at: int = 0) -> Begun:
    return Begun(SMALL, str(run.path), at, 11, 22, "conv 3x3 4", (1, 8, 8), ("0", "1"), 128, 32, 40)


def test_the_log_is_what_was_told(run: Run) -> None:
    assert run.events() == []
    events: list[Message] = []
    with run.locked():
        for event in trained().events():
            run.append(event)
            events.append(event)
            assert find_run("1").events()[-1] == event  # on its way to the disk already
    assert run.events() == events


def test_a_torn_line_is_passed_over_and_the_next_begins_anew(run: Run) -> None:
    log = run.path / "events.jsonl"
    with run.locked():
        run.append(step(1))
        run.append(step(2))
    whole = log.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second, len(whole)):
        log.write_bytes(whole[:cut])
        assert run.events() in ([step(1)], [step(1), step(2)])
        with find_run("1").locked() as again:
            again.append(step(3))
        assert run.events()[-1] == step(3)
        assert run.events()[0] == step(1)


def test_rubbish_in_the_log_costs_only_itself(run: Run) -> None:
    with run.locked():
        run.append(step(1))
        with (run.path / "events.jsonl").open("ab") as file:
            file.write(b"\x00\xff\n[]\n\n" + b"[" * 99999 + b"\n")
        run.append(step(2))
    assert run.events() == [step(1), step(2)]


def test_going_on_voids_what_came_after_the_checkpoint(run: Run) -> None:
    first = [begun(run), step(1), step(2), Saved(2), step(3), Epoch(1, 3, 1, 1, 0.5, 1), Stopped(3)]
    again = [begun(run, 2), step(3), step(4), Finished(4, 0.1, 0.9, 1.0)]
    with run.locked():
        for event in [*first, *again]:
            run.append(event)
    assert run.events() == [*first[:4], *again]


@pytest.mark.parametrize("last", range(1, 13))
def test_an_outline_is_short_and_stands_where_the_whole_does(run: Run, last: int) -> None:
    epoch = Epoch(1, 4, 1, 1, 0.5, 1)
    told: list[Message] = [begun(run), *map(step, (1, 2, 3, 4)), epoch, Saved(4), step(5), step(6)]
    told += [begun(run, 4), step(5), Stopped(5)]
    with run.locked():
        for event in told[:last]:
            run.append(event)
        with (run.path / "events.jsonl").open("ab") as log:
            log.write(b'{"event":"step","step":9')
    whole, outline = RunHistory.of_run(run), RunHistory.of_run(run, outline=True)
    assert (whole.is_outline, outline.is_outline) == (False, True)
    for name in ("state", "reason", "begun", "step", "seconds", "epochs", "saved", "max_lr"):
        assert getattr(outline, name) == getattr(whole, name)
    assert len(outline.steps) <= 3


def test_a_line_torn_by_a_full_disk_does_not_spoil_the_next(run: Run) -> None:
    class Full:
        """Takes ten bytes."""

        def __init__(self, file: Any) -> None:
            self._file, self._room = file, 10

        def write(self, data: bytes) -> int:
            if not self._room:
                raise OSError(28, os.strerror(28))
            written = self._file.write(data[: self._room])
            self._room = 0
            return int(written)

    with run.locked():
        run.append(step(1))
        log: Any = run._log
        run._log = Full(log)  # type: ignore[assignment]
        with pytest.raises(RunError, match=r"^No space left on device: cannot write .*events\.jsonl$"):
            run.append(step(2))
        run._log = log
        run.append(step(3))
    assert run.events() == [step(1), step(3)]


def test_logs_from_before_the_training_accuracy_are_read() -> None:
    old = encode(Epoch(1, 4, 1, 1, 0.5, 1)).replace(',"train_accuracy":null', "")
    assert decode(old) == Epoch(1, 4, 1, 1, 0.5, 1)
    new = Epoch(1, 4, 1, 1, 0.5, 1, 0.75)
    assert decode(encode(new)) == new
