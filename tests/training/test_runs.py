"""What was trained is kept, whatever happens to the process, the disk or the files."""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from convtui.training import runs
from convtui.training.checkpoint import Checkpoint
from convtui.training.protocol import Begun, Epoch, Finished, Message, Saved, Snapshot, Step, Stopped
from convtui.training.recipe import Recipe
from convtui.training.record import Record
from convtui.training.runs import CHECKPOINTS_KEPT, Run, RunError, all_runs, find_run, new_run, runs_folder
from tests.training.small_runs import SMALL, trained


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def run() -> Run:
    return new_run(SMALL, "fingerprint")


def step(number: int) -> Step:
    return Step(number, 1, 2.0 / number, 0.1, 0.9, number / 100)


def begun(run: Run, at: int = 0) -> Begun:
    return Begun(SMALL, str(run.path), at, 11, 22, "conv 3x3 4", (1, 8, 8), ("0", "1"), 128, 32, 40)


def checkpoint(at: int) -> Checkpoint:
    return replace(trained().checkpoint(), step=at)


# -- folders


def test_runs_are_numbered() -> None:
    assert all_runs() == []
    first, second = new_run(SMALL, "a"), new_run(replace(SMALL, epochs=9), "b")
    assert [first.path, second.path] == [runs_folder() / "0001", runs_folder() / "0002"]
    assert [(run.number, run.recipe, run.fingerprint) for run in all_runs()] == [
        ("1", SMALL, "a"),
        ("2", replace(SMALL, epochs=9), "b"),
    ]
    assert second.began == all_runs()[1].began


def test_a_run_is_found_by_number_and_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(SMALL, "a")
    for text in ("1", "0001", str(run.path)):
        assert (find_run(text).path, find_run(text).number) == (run.path, "1")
    moved = run.path.parent.parent / "elsewhere"
    run.path.rename(moved)
    assert find_run(str(moved)).number == str(moved)
    monkeypatch.chdir(moved.parent)
    assert find_run("elsewhere").path == moved


def test_a_run_that_there_is_not() -> None:
    with pytest.raises(RunError, match=r"^run 3: no such run; there are no runs yet$"):
        find_run("3")
    for _ in range(2):
        new_run(SMALL, "")
    with pytest.raises(RunError, match=r"^run 3: no such run; the runs are 1, 2$"):
        find_run("3")
    for _ in range(10):
        new_run(SMALL, "")
    with pytest.raises(RunError, match=r"^run 13: no such run; the runs are 1, 2, 3, \.\.\., 12$"):
        find_run("13")
    with pytest.raises(RunError, match=r"nowhere: not a run: it has no recipe\.json$"):
        find_run("nowhere")
    with pytest.raises(RunError, match=r"^'.*\\x1b': not a run"):
        find_run("\x1b")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"recipe": {"epochs": 0}}',
        b'{"recipe": {}, "fingerprint": ""}',
        b"[" * 99999,
    ],
)
def test_a_damaged_recipe_is_told_and_hides_no_other_run(run: Run, content: bytes) -> None:
    other = new_run(SMALL, "")
    (run.path / "recipe.json").write_bytes(content)
    assert [each.path for each in all_runs()] == [other.path]
    with pytest.raises(RunError, match=r"recipe\.json: does not hold a run's recipe \(.*\)$") as caught:
        find_run("1")
    assert "\n" not in str(caught.value)


def test_what_is_no_run_is_left_alone(run: Run) -> None:
    for name in ("notes", "0007", "file.txt"):
        (runs_folder() / name).mkdir()
    (runs_folder() / "0009").write_text("a file")
    assert [each.path for each in all_runs()] == [run.path]
    assert new_run(SMALL, "").path == runs_folder() / "0010"


def test_runs_that_begin_together_have_folders_of_their_own() -> None:
    begun: list[Path] = []
    threads = [Thread(target=lambda: begun.append(new_run(SMALL, "").path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(begun)) == len(all_runs()) == 8


def test_a_run_is_deleted_when_nobody_trains_it(run: Run) -> None:
    with run.locked(), pytest.raises(RunError, match=r"^run 1: another process trains it just now$"):
        find_run("1").delete()
    run.delete()
    assert all_runs() == []


# -- the log


def test_the_log_is_what_was_told(run: Run) -> None:
    assert run.events() == []
    events: list[Message] = []
    with run.locked():
        for event in trained().events():
            run.append(event)
            events.append(event)
            assert find_run("1").events()[-1] == event  # on its way to the disk already
    assert run.events() == events


def test_a_copy_is_a_run_of_its_own(run: Run) -> None:
    with run.locked():
        run.append(begun(run))
    copy = Run(shutil.copytree(run.path, run.path.with_name("0015")))
    record = Record.of_run(copy)
    assert record.run == str(copy.path)
    Run(Path(record.run)).delete()
    assert run.path.is_dir()
    assert not copy.path.exists()


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
    whole, outline = Record.of_run(run), Record.of_run(run, outline=True)
    assert (whole.is_outline, outline.is_outline) == (False, True)
    for name in ("state", "reason", "begun", "step", "seconds", "epochs", "saved", "max_lr"):
        assert getattr(outline, name) == getattr(whole, name)
    assert len(outline.steps) <= 3


# -- checkpoints


def test_the_last_checkpoints_are_kept(run: Run) -> None:
    assert run.checkpoint() is None
    with pytest.raises(RunError, match=r"^run 1: has no whole checkpoint yet$"):
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
    """The rate was changed between them."""
    training = trained(steps=4)
    with run.locked():
        run.save(training.checkpoint())
        training.set_max_lr(0.5)
        run.save(training.checkpoint())
    kept = run.checkpoint()
    assert kept
    assert kept.about["groups"][0]["max_lr"] == 0.5


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
    (run.path / f"step-000009-{runs._digest(rubbish)}.safetensors").write_bytes(rubbish)
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
                if (isinstance(event, Step) and event.step % 3 == 0) or isinstance(event, Finished):
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


# -- locks, data, disks


def test_one_process_trains_a_run_and_others_read_it(run: Run) -> None:
    assert not run.is_held
    with run.locked():
        run.append(step(1))
        other = find_run("1")
        assert other.is_held
        assert other.events() == [step(1)]
        with pytest.raises(RunError, match=r"^run 1: another process trains it just now$"), other.locked():
            pass
    assert not other.is_held
    with other.locked():
        other.append(step(2))
    assert len(run.events()) == 2


def test_changed_data_is_refused(run: Run) -> None:
    run.check_data("fingerprint")
    with pytest.raises(RunError, match=r"^run 1: digits-8x8 has changed since it was begun; begin a new run"):
        run.check_data("another")


def test_a_folder_that_cannot_be_written() -> None:
    runs_folder().parent.mkdir(parents=True)
    runs_folder().write_text("a file is in the way")
    with pytest.raises(RunError, match=r"runs: cannot be written: File exists$"):
        new_run(Recipe(), "")
    assert all_runs() == []


def test_a_full_disk_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    with run.locked():
        run.save(checkpoint(3))
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"step-000006-.*: cannot be written: No space left on device$"):
            run.save(checkpoint(6))
        monkeypatch.undo()
    kept = run.checkpoint()
    assert kept
    assert kept.step == 3
    assert not list(run.path.glob("*.tmp"))


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
        with pytest.raises(RunError, match=r"events\.jsonl: cannot be written: No space left on device$"):
            run.append(step(2))
        run._log = log
        run.append(step(3))
    assert run.events() == [step(1), step(3)]


def test_nothing_but_json_and_safetensors_is_in_the_folder(run: Run) -> None:
    with run.locked():
        run.append(step(1))
        run.save(checkpoint(1))
    names = {path.suffix for path in run.path.iterdir()}
    assert names <= {".json", ".jsonl", ".safetensors", ".lock"}
    assert json.loads((run.path / "recipe.json").read_text())["recipe"]["data"] == "digits-8x8"
