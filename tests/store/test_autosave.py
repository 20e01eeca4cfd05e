"""A session outlives its process, however that ends, and keeping it never disturbs the app."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from convtui.inputs.images import read_picture
from convtui.state.session import Session
from convtui.store import autosave as recovery
from convtui.store.autosave import Autosave, recoverable
from convtui.store.session_file import SessionFileError, dumps, load, loads
from tests.support.sessions import embedded, figures, top_edge

KEEPING = """
import sys
from pathlib import Path
from convtui.store.autosave import Autosave
from tests.support.sessions import top_edge
autosave = Autosave()
autosave.update(top_edge().moved(int(sys.argv[1])), "mnist-7", Path("lesson.toml"))
autosave.flush()
print("kept", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_app(index: int = 30) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps a session and then waits."""
    command = [sys.executable, "-c", KEEPING, str(index)]
    folder = Path(__file__).parents[2]
    with subprocess.Popen(
        command, text=True, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "kept\n"
        try:
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "state" / "convtui" / "recovery").glob("*"))


def leave(session: Session, title: str = "image", saved_as: Path | None = None) -> Path:
    """What a killed process leaves: its file, and its lock file with no lock on it."""
    autosave = Autosave()
    autosave.update(session, title, saved_as)
    autosave.flush()
    assert autosave._path is not None
    assert autosave._lock is not None
    os.close(autosave._lock)
    return autosave._path


def test_after_kill_9_the_session_is_there_and_before_it_is_not() -> None:
    with another_app(30) as process:
        assert recoverable() == []
        kill(process)
        (left,) = recoverable()
    assert figures(left.session()) == figures(top_edge().moved(30))
    assert left.title == "mnist-7"
    assert left.saved_as == Path(__file__).parents[2] / "lesson.toml"
    assert left.session().path == left.saved_as
    assert abs(datetime.now().astimezone() - left.when) < timedelta(minutes=1)


def test_of_several_apps_only_the_dead_are_listed() -> None:
    with another_app(1) as dead, another_app(2):
        kill(dead)
        assert [left.session().index for left in recoverable()] == [1]


def test_ones_own_session_is_not_abandoned(home: Path) -> None:
    autosave = Autosave()
    autosave.update(top_edge(), "mnist-7", None)
    autosave.flush()
    assert recoverable() == []
    assert len(files(home)) == 2
    autosave.end()
    assert recoverable() == []
    assert files(home) == []


def test_a_discarded_one_is_gone(home: Path) -> None:
    leave(top_edge())
    (left,) = recoverable()
    left.discard()
    assert recoverable() == []
    assert files(home) == []
    left.discard()


def test_restoring_hands_it_over_to_the_new_app(home: Path) -> None:
    leave(top_edge().moved(7), "seven", Path("/lessons/lesson.toml"))
    (left,) = recoverable()
    autosave = Autosave()
    autosave.update(left.session(), left.title, left.saved_as)
    autosave.flush()
    left.discard()
    assert recoverable() == []
    assert len(files(home)) == 2
    autosave.end()


def test_the_newest_comes_first() -> None:
    for age, title in (30, "older"), (0, "newest"), (60, "oldest"):
        path = leave(top_edge(), title)
        os.utime(path, (time.time() - age, time.time() - age))
    assert [left.title for left in recoverable()] == ["newest", "older", "oldest"]


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("image.csv", np.eye(5))
    session = top_edge(read_picture("image.csv"))
    leave(session, "image.csv", Path("lesson.toml"))
    monkeypatch.chdir("/")
    (left,) = recoverable()
    assert left.saved_as == tmp_path / "lesson.toml"
    assert figures(left.session()) == figures(session)


def test_an_image_that_is_gone_costs_one_line_and_nothing_else(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "image.csv", np.eye(5))
    leave(top_edge(read_picture(tmp_path / "image.csv")))
    (tmp_path / "image.csv").unlink()
    (left,) = recoverable()
    with pytest.raises(SessionFileError, match=r"^[^\n]*line \d+: [^\n]*image\.csv: no such file[^\n]*$"):
        left.session()
    assert len(recoverable()) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"\xff\x00",
        lambda content: content.partition(b"\n")[2],
        lambda content: content.replace(b'{"title"', b'["title"'),
        lambda content: content.replace(b'"title": "image"', b'"title": 1'),
        lambda content: content.replace(b'"saved_as": null', b'"saved_as": 1'),
        lambda content: content.replace(b"convtui = 1", b"convtui = 1 1"),
    ],
)
def test_a_damaged_file_is_put_aside(home: Path, damage: Callable[[bytes], bytes]) -> None:
    path = leave(top_edge())
    content = damage(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    leave(top_edge().moved(3))
    assert [left.session().index for left in recoverable()] == [3]
    assert path.with_suffix(".damaged").read_bytes() == content
    assert [left.session().index for left in recoverable()] == [3]
    assert f"{path.stem}.damaged" in files(home)


def test_after_30_days_all_is_removed_but_what_a_live_app_holds(home: Path) -> None:
    old = time.time() - 31 * 24 * 60 * 60
    leave(top_edge())
    damaged = leave(top_edge())
    damaged.write_bytes(b"")
    assert len(recoverable()) == 1
    with another_app():
        folder = home / "state" / "convtui" / "recovery"
        for path in (*folder.iterdir(), folder / ".0123.tmp"):
            path.touch()
            os.utime(path, (old, old))
        assert recoverable() == []
        assert len(files(home)) == 2


def test_nothing_was_ever_left() -> None:
    assert recoverable() == []


def test_a_home_that_cannot_be_had_is_no_trouble_for_the_app(home: Path) -> None:
    (home / "state").write_text("a file where the folder should be", encoding="utf-8")
    autosave = Autosave()
    autosave.update(top_edge(), "mnist-7", None)
    autosave.flush()
    assert "cannot be backed up" in autosave.problem
    assert "\n" not in autosave.problem
    assert recoverable() == []
    autosave.end()


def test_what_could_not_be_written_is_tried_again_without_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "RETRY", 0.05)
    monkeypatch.setattr(recovery, "PAUSE", 0.01)
    is_full = True

    def fsync(_: int) -> None:
        if is_full:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    autosave = Autosave()
    autosave.update(top_edge().moved(2), "mnist-7", None)
    wait_until(lambda: "No space left" in autosave.problem)
    is_full = False
    wait_until(lambda: not autosave.problem)
    assert autosave._path is not None
    assert load(autosave._path).index == 2
    autosave.end()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_full_disk_leaves_the_last_copy_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "PAUSE", 3600)
    autosave = Autosave()
    autosave.update(top_edge().moved(1), "mnist-7", None)
    autosave.flush()
    with monkeypatch.context() as context:

        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        context.setattr(os, "fsync", fail)
        autosave.update(top_edge().moved(2), "mnist-7", None)
        autosave.flush()
        assert "No space left" in autosave.problem
        assert autosave._path is not None
        assert load(autosave._path).index == 1
    autosave.flush()
    assert autosave.problem == ""
    assert load(autosave._path).index == 2
    autosave.end()


def test_keeping_neither_writes_nor_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = Event(), Event()

    def slow_dumps(session: Session) -> str:
        began.set()
        assert may_end.wait(60)
        return dumps(session)

    monkeypatch.setattr(recovery, "dumps", slow_dumps)
    autosave = Autosave()
    session = top_edge(embedded(np.zeros((3, 512, 512))))
    autosave.update(session, "large", None)
    assert began.wait(60)
    for index in range(1000):
        autosave.update(session.at(index), "large", None)
    may_end.set()
    autosave.flush()
    assert autosave._path is not None
    assert load(autosave._path).index == 999
    autosave.end()


def test_the_thread_writes_at_once_then_the_latest_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    wrote = {0: Event(), 50: Event()}

    def write(text: str, path: Path) -> None:
        index = loads(text, str(path)).index
        written.append(index)
        wrote[index].set()

    monkeypatch.setattr(recovery, "write", write)
    monkeypatch.setattr(recovery, "PAUSE", 0.5)
    states = [top_edge().moved(index) for index in range(51)]
    autosave = Autosave()
    autosave.update(states[0], "mnist-7", None)
    assert wrote[0].wait(60)
    for session in states:
        autosave.update(session, "mnist-7", None)
    assert wrote[50].wait(60)
    assert written == [0, 50]
    autosave.end()


def test_the_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "PAUSE", 3600)
    autosave = Autosave()
    autosave.update(top_edge(), "mnist-7", None)
    autosave.flush()
    autosave.end()
    assert autosave._thread is not None
    autosave._thread.join(60)
    assert not autosave._thread.is_alive()
    autosave.end()


def test_a_late_key_after_the_end_leaves_nothing(home: Path) -> None:
    autosave = Autosave()
    autosave.update(top_edge(), "mnist-7", None)
    autosave.flush()
    autosave.end()
    autosave.update(top_edge().moved(1), "mnist-7", None)
    autosave.flush()
    assert files(home) == []
