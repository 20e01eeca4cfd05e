"""Of a run's log everything is shown that can be true of the run, and the rest is left out and told."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convtui.cli.main import main
from convtui.training.messages import Message, encode
from convtui.training.protocol import Begun, Failed, Saved, Snapshot, Stepped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.log import fitting
from convtui.training.runs.store import Run, new_run
from tests.support import events as made

RECIPE = Recipe(data="digits-8x8", channels=(4, 8), first_kernel_size=3, epochs=2)
EVENTS = list(made.events(RECIPE))


def lines(*events: Message) -> list[tuple[int, bytes]]:
    return list(enumerate((encode(event).encode() for event in events), 1))


def kept(text: bytes) -> Run:
    run = new_run(RECIPE, "fingerprint")
    (run.path / "events.jsonl").write_bytes(text)
    return run


def changed(kind: type[Message], change: Callable[[dict[str, Any]], object]) -> list[tuple[int, bytes]]:
    """The log with the last line of this kind changed."""
    found = lines(*EVENTS)
    number = max(number for number, event in enumerate(EVENTS, 1) if isinstance(event, kind))
    values = json.loads(found[number - 1][1])
    change(values)
    found[number - 1] = (number, json.dumps(values, separators=(",", ":")).encode())
    return found


def test_a_whole_log_fits() -> None:
    log = fitting(lines(*EVENTS))
    assert log.events == EVENTS
    assert log.left_out == ""


def put(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    """A change of a value, named by its keys with points between."""

    def change(values: Any) -> None:
        *path, last = (int(key) if key.isdecimal() else key for key in name.split("."))
        for key in path:
            values = values[key]
        values[last] = value

    return change


@pytest.mark.parametrize(
    ("kind", "name", "value", "reason"),
    [
        ("snapshot", "predictions.3.label", 23, "label 23: must be 0 to 9"),
        ("snapshot", "predictions.3.predicted", -1, "predicted -1: must be 0 to 9"),
        ("snapshot", "predictions.3.image", 2000, "image 2000: must be 0 to 1,999"),
        ("snapshot", "predictions.3.probability", 1.5, "probability 1.5: must be 0 to 1"),
        ("snapshot", "kernels.2.0.1", [0.0], "kernels: each must be [1, 3, 3]"),
        ("snapshot", "kernels.0", [], "kernels: each must be [1, 3, 3]"),
        ("snapshot", "kernels", [], "kernels 0: must be 1 to 4"),
        ("snapshot", "statistics", [], ""),
        ("snapshot", "statistics.0.layer", 3, "statistics of the layers (3, 5, 7): must be (2, 5, 7)"),
        ("snapshot", "statistics.1.counts", [1, 2], "2 counts: there must be 40"),
        ("snapshot", "statistics.1.counts.7", -5, "count -5: must be 0 to 9,007,199,254,740,992"),
        ("snapshot", "statistics.1.near_zero", 7.0, "near_zero 7.0: must be 0 to 1"),
        ("snapshot", "statistics.1.std", -1.0, "std -1.0: must not be negative"),
        ("snapshot", "statistics.1.std", "NaN", ""),
        ("snapshot", "statistics.1.high", 0.0, "bins from 0.0 to 0.0: must be finite, the lowest first"),
        ("snapshot", "step", 41, "step 41: must be 0 to 40"),
        ("step", "step", 10**30, f"step {10**30}: must be 1 to 40"),
        ("step", "step", 20, "step 20: stands behind step 39"),
        ("step", "epoch", 0, "epoch 0: must be 1 to 2"),
        ("step", "loss", -1.0, "loss -1.0: must not be negative"),
        ("step", "loss", "Infinity", ""),
        ("step", "lr", "NaN", "lr nan: must be a finite number, 0 or more"),
        ("step", "momentum", 1.0, "momentum 1.0: must be 0 to 0.9999"),
        ("step", "seconds", "Infinity", "seconds inf: must be a finite number, 0 or more"),
        ("step", "watched.layer", 2, "layer 2, weight [0, 0, 2, 2]: the network has none there"),
        ("step", "watched.index", [0, 0, 2, 3], "layer 1, weight [0, 0, 2, 3]: the network has none there"),
        ("step", "watched.squares", -1.0, "squares -1.0: must not be negative"),
        ("epoch", "epoch", 3, "epoch 3: must be 1 to 2"),
        ("epoch", "accuracy", 1.01, "accuracy 1.01: must be 0 to 1"),
        ("epoch", "validation_loss", -2.0, "validation_loss -2.0: must not be negative"),
        ("saved", "step", -1, "step -1: must be 0 to 40"),
        ("finished", "accuracy", -0.5, "accuracy -0.5: must be 0 to 1"),
        ("finished", "step", 0, "step 0: must be 1 to 40"),
    ],
)
def test_what_no_run_can_have_is_left_out_and_told(kind: str, name: str, value: Any, reason: str) -> None:
    kinds = {event.kind: type(event) for event in EVENTS}
    found = changed(kinds[kind], put(name, value))
    number = next(number for number, line in found if line != encode(EVENTS[number - 1]).encode())
    log = fitting(found)
    if not reason:
        assert len(log.events) == len(EVENTS)
        assert log.left_out == ""
    else:
        assert log.events == [event for at, event in enumerate(EVENTS, 1) if at != number]
        assert log.left_out == f"line {number} of its log does not fit and is left out: {reason}"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("total_steps", 41, "total_steps 41: must be epochs x steps_per_epoch, 2 x 20"),
        ("steps_per_epoch", 0, "steps_per_epoch 0: must be 1 to 9,007,199,254,740,992"),
        ("classes", [], "classes: there must be some"),
        ("layers", "conv 3x3 4, rleu", "layer 2 (rleu): no layer is named 'rleu'; did you mean relu?"),
        ("layers", "relu", "layers: the first must be a convolution"),
        ("layers", "conv 3x3 4, " * 1000, "layers of 12,000 characters: a run's have at most 10,000"),
        ("layers", "conv 99x99 4", "layer 1 (conv 99x99 4): kernel_size=99"),
        ("shape", [1, 0, 28], "image=(1, 0, 28)"),
        ("test_count", 0, "test_count 0: must be 1 to 9,007,199,254,740,992"),
    ],
)
def test_a_beginning_that_does_not_add_up_leaves_nothing(name: str, value: Any, reason: str) -> None:
    log = fitting(changed(Begun, put(name, value)))
    assert log.events == []
    told, _, first = log.left_out.partition("; the first is line 1: ")
    assert told == f"{len(EVENTS)} lines of its log do not fit and are left out"
    assert first == "nothing is known of the run that it is of"
    assert reason


def test_a_later_beginning_stands_in_for_the_first() -> None:
    """A run that was gone on with: whatever its first line is, everything but that is shown."""
    again = [made.begun(RECIPE, step=30), *(made.step(number, RECIPE) for number in range(31, 41))]
    whole = [*made.events(RECIPE, until=35), *again]
    found = lines(*whole)
    found[0] = (1, b'{"event":"begun"}')
    log = fitting(found)
    record = RunHistory.of(log.events, RECIPE)
    assert len(record.steps) == 40
    assert record.begun == again[0]
    assert "line 1 of its log does not fit" in log.left_out


def test_another_runs_beginning_is_left_out() -> None:
    other = replace(made.begun(replace(RECIPE, epochs=3), step=30), total_steps=60)
    log = fitting(lines(*EVENTS, other))
    assert log.events == EVENTS
    assert log.left_out.endswith("total_steps 60: the run was begun with 40")


def test_steps_after_a_lost_beginning_replace_those_before() -> None:
    again = [made.step(number, RECIPE) for number in range(31, 41)]
    log = fitting(lines(*made.events(RECIPE, until=35), *again))
    assert log.left_out == ""
    record = RunHistory.of(log.events, RECIPE)
    assert record.steps["step"].tolist() == list(range(1, 41))


def test_a_step_ahead_of_its_time_does_not_hide_those_that_follow() -> None:
    ahead = replace(made.step(39, RECIPE), loss=0.5)
    told = [*made.events(RECIPE, until=10), ahead, *(made.step(number, RECIPE) for number in range(11, 41))]
    log = fitting(lines(*told))
    assert ahead not in log.events
    assert log.left_out.endswith("step 39: stands behind step 10")
    assert len(RunHistory.of(log.events, RECIPE).steps) == 40


@pytest.mark.parametrize("torn", [b'{"event":"step","step":12,"ep', b"\0\0\0"])
def test_what_a_kill_tore_off_is_nothing_to_tell_of(torn: bytes) -> None:
    before = lines(*made.events(RECIPE, until=11))
    assert fitting([*before, (99, torn)]).left_out == ""
    again = encode(made.begun(RECIPE, step=8)).encode()
    assert fitting([*before, (99, torn), (100, again)]).left_out == ""
    failed = encode(Failed("the disk is full")).encode()
    assert fitting([*before, (99, torn), (100, b""), (101, failed)]).left_out == ""
    step = encode(made.step(12, RECIPE)).encode()
    assert fitting([*before, (99, torn), (100, step)]).left_out.startswith("line 99 of its log does not fit")


def test_a_reason_that_a_terminal_would_obey_is_left_out() -> None:
    log = fitting(lines(*made.events(RECIPE, until=3), Failed("\x1b[2Jgone")))
    assert not any(isinstance(event, Failed) for event in log.events)
    assert log.left_out.isprintable()


def test_the_record_has_the_rest_and_is_told_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = changed(Snapshot, put("predictions.0.label", 23))
    run = kept(b"\n".join(line for _, line in found) + b"\n")
    record = RunHistory.of_run(run)
    assert record.state is State.FINISHED
    assert len(record.steps) == 40
    assert len(record.snapshots) == 9
    number = next(number for number, line in found if line != encode(EVENTS[number - 1]).encode())
    told = f"run 1: line {number} of its log does not fit and is left out: label 23: must be 0 to 9"
    assert main(["render", str(tmp_path / "train.svg"), "--screen", "train", "--run", "1"]) == 0
    assert capsys.readouterr().err == f"{told}\n"
    assert main(["train", "--resume", "1"]) == 0
    assert f"convtui: {told}\n" in capsys.readouterr().err
    assert main(["train", "--list"]) == 0
    assert "label" not in capsys.readouterr().err  # an outline has no snapshots


def test_the_list_of_runs_tells_too(capsys: pytest.CaptureFixture[str]) -> None:
    kept(b"\n".join(line for _, line in changed(Saved, put("step", -1))))
    assert main(["train", "--list"]) == 0
    shown = capsys.readouterr()
    assert "finished" in shown.out
    assert "convtui: run 1: line 55 of its log does not fit and is left out: step -1" in shown.err


def test_numbers_of_steps_are_told_short() -> None:
    log = fitting(lines(EVENTS[0], replace(made.step(1, RECIPE), step=10**4000)))
    assert len(log.left_out) < 200
    assert [type(event) for event in log.events] == [Begun]
    assert not any(isinstance(event, Stepped) for event in log.events)
