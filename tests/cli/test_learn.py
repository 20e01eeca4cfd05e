"""`convtui learn`: what it prints and writes, its exit codes, and the presenter's notes in a real process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from convtui.cli.learn import learn
from convtui.cli.main import main
from convtui.inputs import samples
from convtui.lessons.course import Course, Place, find_course
from convtui.lessons.progress import Progress, keep_progress
from convtui.state.session import Session
from tests.support.lessons import READ, written

WRONG = "ask = 'Rows?'\nanswer = 27\nfigure = 'image.rows'"
SECONDS = 100.0  # only for what would never end
Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = main(["learn", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refusal(capsys: Captured, *arguments: str) -> str:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("convtui: ")
    assert err.count("\n") == 1
    return err.removeprefix("convtui: ").removesuffix("\n")


# -- --check


def test_a_lesson_without_fault(tmp_path: Path, capsys: Captured) -> None:
    file = written(tmp_path / "mine.toml", READ)
    expected = "no fault in 1 step; every answer is what the engine computes\n"
    assert run(capsys, "--check", str(file)) == (0, expected, "")
    assert run(capsys, str(file), "--check") == (0, expected, "")


def test_the_course_and_its_lessons(capsys: Captured) -> None:
    code, out, err = run(capsys, "--check")
    assert (code, err) == (0, "")
    assert out == f"no fault in {find_course().count} steps; every answer is what the engine computes\n"
    assert run(capsys, "--check", "stride")[0] == 0
    assert run(capsys, "--check", str(samples.lesson_folder()))[1] == out


def test_every_fault_is_a_line(tmp_path: Path, capsys: Captured) -> None:
    one = written(tmp_path / "1.toml", READ + WRONG, f"{READ}highlight = ['table']")
    (tmp_path / "2.toml").write_text("lesson = 1\n")
    code, out, err = run(capsys, "--check", str(tmp_path))
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == f"{one}, line 6: step 1: the answer is 27, but image.rows is 28"
    assert [line.partition(": ")[0] for line in out.splitlines()] == [
        f"{one}, line 6",
        f"{one}, line 10",
        f"{tmp_path / '2.toml'}, line 1",
    ]


def test_a_check_of_nothing(tmp_path: Path, capsys: Captured) -> None:
    assert refusal(capsys, "--check", str(tmp_path)) == f"{tmp_path}: has no lessons (*.toml)"
    assert "did you mean stride" in refusal(capsys, "--check", "strid")
    assert "no such lesson" in refusal(capsys, "--check", "a\nb")


# -- --new


def test_a_lesson_to_begin_with(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "--new", "mine", "cat-32")[0] == 0
    assert run(capsys, "--check", "mine.toml")[0] == 0
    before = Path("mine.toml").read_bytes()
    assert refusal(capsys, "--new", "mine.toml") == "mine.toml: already exists; choose another file name"
    assert Path("mine.toml").read_bytes() == before
    assert refusal(capsys, "--new") == "--new: name the file to write, such as convtui learn --new mine.toml"
    assert "no such file or sample" in refusal(capsys, "--new", "other.toml", "cat-33")
    assert "cannot be written" in refusal(capsys, "--new", "no/where.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


# -- options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--check --new x.toml", "--check, --new: use one at a time"),
        ("--notes --present", "--notes, --present: use one at a time"),
        ("stride cat-32", "cat-32: only --new takes an image or a session"),
        ("--check stride cat-32", "cat-32: only --new takes an image or a session"),
        ("--notes stride", "stride: --notes follows the lesson that is open in the app"),
        ("--chek", "unknown argument --chek; did you mean --check"),
        ("a b c", "unknown argument c; see convtui learn --help"),
        ("--theme pink", "argument --theme: invalid choice"),
        ("strid", "strid: no such lesson; did you mean stride"),
    ],
)
def test_refusals(capsys: Captured, arguments: str, said: str) -> None:
    assert refusal(capsys, *arguments.split()).startswith(said)


def test_help(capsys: Captured) -> None:
    code, out, err = run(capsys, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: convtui learn [LESSON] [options]")
    assert max(map(len, out.splitlines())) <= 80


def test_what_is_opened(tmp_path: Path) -> None:
    opened: list[tuple[Course, Place | None, bool, str]] = []

    def open_app(course: Course, place: Place | None, options: object) -> int:
        opened.append((course, place, options.present, options.theme))  # type: ignore[attr-defined]
        return 7

    def build(_: Sequence[str]) -> Session:
        raise AssertionError("nothing to build")

    build_session: Callable[[Sequence[str]], Session] = build
    file = written(tmp_path / "mine.toml", READ)
    assert learn([], open_app, build_session) == 7
    assert learn([str(file), "--present", "--theme", "light"], open_app, build_session) == 7
    assert learn(["stride"], open_app, build_session) == 7
    assert [(course.is_built_in, *rest) for course, *rest in opened] == [
        (True, None, False, "dark"),
        (False, None, True, "light"),
        (True, Place(4, 0), False, "dark"),
    ]
    assert len(opened[2][0].lessons) > 1
    with pytest.raises(ValueError, match="line 6"):
        learn([str(written(tmp_path / "bad.toml", READ + "ask = 'x'\nanswer = []"))], open_app, build_session)


# -- processes


@contextmanager
def running(*arguments: str, **streams: int) -> Iterator["subprocess.Popen[str]"]:
    """`convtui learn` as a process that is gone afterwards."""
    command = [sys.executable, "-m", "convtui", "learn", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = subprocess.Popen(command, text=True, **{**pipes, **streams})  # type: ignore[call-overload]
    watchdog = threading.Timer(SECONDS, started.kill)
    watchdog.start()
    try:
        yield started
    finally:
        watchdog.cancel()
        started.kill()
        started.wait()
        for stream in (started.stdout, started.stderr):
            if stream:
                stream.close()


def lines_until(process: "subprocess.Popen[str]", last: str) -> list[str]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if lines[-1] == last:
            return lines
    raise AssertionError(f"it has ended after {lines}")


def test_notes_follow_the_app(tmp_path: Path) -> None:
    first = f"{READ}title = 'The window'\nnotes = '''\nAsk them.\nThen wait.'''"
    file = written(tmp_path / "mine.toml", first, READ)
    none = "No lesson has been opened yet: open one in another terminal with convtui learn."
    with running("--notes") as process:
        assert lines_until(process, none) == [none]
        course = find_course(str(file))
        assert keep_progress(course, Progress())
        assert lines_until(process, "Then wait.") == [
            "Tried · step 1 of 2",
            "",
            "The window",
            "",
            "Ask them.",
            "Then wait.",
        ]
        assert keep_progress(course, Progress(Place(0, 1)))
        assert lines_until(process, "(no notes for this step)")[0] == "Tried · step 2 of 2"
        file.write_text("lesson = ")
        assert keep_progress(course, Progress(Place(0, 0)))
        said = f"{file}, line 1: invalid TOML: invalid value"
        assert lines_until(process, said) == [said]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")


def test_notes_without_a_reader(tmp_path: Path) -> None:
    course = find_course(str(written(tmp_path / "mine.toml", READ, READ)))
    with running("--notes") as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert keep_progress(course, Progress(Place(0, 1)))
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait() == 141


def test_faults_without_a_reader(tmp_path: Path) -> None:
    file = written(tmp_path / "mine.toml", *[f"{READ}highlight = {['x'] * 99}"] * 20)
    with running("--check", str(file)) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait() == 141


def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("w") as full, running("--check", stdout=full.fileno()) as process:
        _, err = process.communicate()
    assert process.returncode == 1
    assert err == "convtui: cannot write to standard output (No space left on device)\n"


def test_no_notes_and_no_home() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    command = [sys.executable, "-m", "convtui", "learn", "--check", "stride"]
    done = subprocess.run(command, env={**environment, "HOME": "/nowhere"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
