"""Runs are numbered, found, told apart and deleted, whoever else does so at the same time."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from convtui.training.recipe import Recipe
from convtui.training.runs import store as runs
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import (
    Run,
    RunError,
    all_runs,
    count_runs,
    find_run,
    new_run,
    runs_and_damages,
    runs_folder,
)
from tests.support import events as made
from tests.support.small_runs import SMALL


@pytest.fixture
def run() -> Run:
    return new_run(SMALL, "fingerprint")


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
    with pytest.raises(RunError, match=r"^name a run: its number or its folder$"):
        find_run(" ")
    with pytest.raises(RunError, match=r"^run 777.*: no such run; "):
        find_run("7" * 5000)
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
    with pytest.raises(RunError, match=r"recipe\.json: is not the recipe of a run \(.*\)$") as caught:
        find_run("1")
    assert "\n" not in str(caught.value)


def test_a_kill_while_a_run_is_made_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", kill)
        with pytest.raises(Killed):
            new_run(SMALL, "")
    assert runs_and_damages() == ([], [])
    assert new_run(SMALL, "a").fingerprint == "a"
    assert [run.fingerprint for run in all_runs()] == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such files")
@pytest.mark.parametrize("name", ["recipe.json", "events.jsonl"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(run: Run, name: str) -> None:
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    with pytest.raises(RunError, match=rf"{name}: not a regular file$"):
        RunHistory.of_run(find_run("1"))


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such files")
def test_a_pipe_in_place_of_a_checkpoint_is_a_damaged_one(run: Run) -> None:
    os.mkfifo(run.path / "step-000003-0000000000000000.safetensors")
    assert run.checkpoint() is None
    run.keep_for_good(3)


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


def test_a_number_is_never_given_again() -> None:
    """What refers to a deleted run must not find another in its place."""
    for _ in range(3):
        new_run(SMALL, "")
    for number in ("1", "2", "3"):
        find_run(number).delete()
    assert new_run(SMALL, "").number == "4"
    shutil.rmtree(runs_folder() / "0004")  # by the user's own hand
    assert new_run(SMALL, "").number == "5"


@pytest.mark.parametrize("content", [b"", b"\xff", b"many\n", b"1\n"])
def test_a_damaged_last_number_is_no_trouble(content: bytes) -> None:
    for _ in range(3):
        new_run(SMALL, "")
    (last,) = runs_folder().glob("last*")
    assert last.read_text() == "3\n"
    last.write_bytes(content)
    assert new_run(SMALL, "").number == "4"


def test_a_run_that_cannot_be_begun_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    new_run(SMALL, "")

    def full(path: Path, _: bytes) -> None:
        raise RunError(f"No space left on device: cannot write {path}")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_write", full)
        with pytest.raises(RunError, match=r"^No space left on device: cannot write "):
            new_run(SMALL, "")
    assert count_runs() == len(all_runs()) == 1


def test_a_run_is_deleted_when_nobody_trains_it(run: Run) -> None:
    with run.locked(), pytest.raises(RunError, match=r"^run 1: another process is training it$"):
        find_run("1").delete()
    run.delete()
    assert all_runs() == []


def test_a_run_whose_deletion_is_broken_off_is_gone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    other = new_run(SMALL, "")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", break_off)
        with pytest.raises(KeyboardInterrupt):
            run.delete()
    assert count_runs() == 1
    assert runs_and_damages()[1] == []
    other.delete()
    assert not [path for path in runs_folder().iterdir() if path.is_dir()]


def test_a_run_has_one_path_through_whatever_links_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "link"))
    run = new_run(SMALL, "")
    assert run.path == tmp_path / "link" / "convtui" / "runs" / "0001"
    names = (run.path.resolve(), run.path.parent / ".." / "runs" / "0001")
    assert [(Run(name).path, Run(name).number) for name in names] == [(run.path, "1")] * 2


def test_a_copy_is_a_run_of_its_own(run: Run) -> None:
    with run.locked():
        run.append(made.begun(SMALL, str(run.path)))
    copy = Run(shutil.copytree(run.path, run.path.with_name("0015")))
    history = RunHistory.of_run(copy)
    assert history.run == str(copy.path)
    Run(Path(history.run)).delete()
    assert run.path.is_dir()
    assert not copy.path.exists()


def test_one_process_trains_a_run_and_others_read_it(run: Run) -> None:
    assert not run.is_held
    with run.locked():
        run.append(made.step(1))
        other = find_run("1")
        assert other.is_held
        assert other.events() == [made.step(1)]
        with pytest.raises(RunError, match=r"^run 1: another process is training it$"), other.locked():
            pass
    assert not other.is_held
    with other.locked():
        other.append(made.step(2))
    assert len(run.events()) == 2


def test_changed_data_is_refused(run: Run) -> None:
    run.check_data("fingerprint")
    with pytest.raises(
        RunError, match=r"^run 1: digits-8x8 has changed since the run began; start a new run"
    ):
        run.check_data("another")


def test_a_folder_that_cannot_be_written() -> None:
    runs_folder().parent.mkdir(parents=True)
    runs_folder().write_text("a file is in the way")
    with pytest.raises(RunError, match=r"^File exists: cannot write .*runs$"):
        new_run(Recipe(), "")
    assert all_runs() == []
