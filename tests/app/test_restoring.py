"""What an app left behind that did not end properly is offered to the next one."""

import signal
from pathlib import Path

import pytest

from convtui.pages.base.ask import Ask
from convtui.store import session_file
from convtui.store.autosave import recoverable
from tests.state.test_session import fingerprint
from tests.store.test_autosave import files, leave
from tests.support.driving import Driven, opened
from tests.support.example_sessions import counting, lesson, own, session_on
from tests.support.lesson_files import learning


async def begin(driven: Driven) -> None:
    """What the app does a moment after its first screen."""
    driven.app.workspace.begin_autosave()
    await driven.pilot.pause()


async def test_without_anything_left_nothing_is_asked(home: Path) -> None:
    async with opened() as driven:
        await begin(driven)
        assert driven.app.screen is driven.page
        driven.app.end()
    assert files(home) == []


async def test_what_was_left_is_restored_and_offered_no_more() -> None:
    mine = own([[[[1.0, -2.0]]]], counting(1, 3, 4), padding=1).at(5, 1)
    leave(mine, "my kernel")
    async with opened() as driven:
        await begin(driven)
        assert isinstance(driven.app.screen, Ask)
        assert "my kernel" in driven.text
        await driven.press("r")
        assert fingerprint(driven.session)[:-1] == fingerprint(mine)[:-1]
        assert driven.app.workspace.has_unsaved_changes
        assert recoverable() == []
        await driven.press("u")
        assert driven.session.picture.name == "mnist-7"
        driven.app.end()


async def test_what_is_restored_in_a_lesson_is_there_after_it(tmp_path: Path) -> None:
    mine = own([[[[1.0, -2.0]]]], counting(1, 3, 4), padding=1)
    leave(mine, "my kernel")
    async with learning(tmp_path) as driven:
        await begin(driven)
        await driven.press("r")
        assert "once you leave the lesson" in driven.said
        await driven.press("A")
        assert driven.app.workspace.has_unsaved_changes
        driven.app.lessons.leave()
        assert fingerprint(driven.session)[:-1] == fingerprint(mine)[:-1]
        driven.app.end()


async def test_what_had_a_file_goes_on_in_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    session_file.save(lesson(), path)
    leave(lesson(stride=2), "mine", path)
    async with opened() as driven:
        await begin(driven)
        await driven.press("r", "s")
        assert "saved" in driven.said
        driven.app.end()
    assert session_file.load(path).spec.stride == (2, 2)


async def test_what_is_not_wanted_now_is_offered_again() -> None:
    leave(lesson())
    async with opened() as driven:
        await begin(driven)
        await driven.press("escape")
        assert driven.app.screen is driven.page
        driven.app.end()
    assert len(recoverable()) == 1


async def test_what_is_thrown_away_is_gone() -> None:
    leave(lesson())
    async with opened() as driven:
        await begin(driven)
        await driven.press("delete")
        assert driven.app.screen is driven.page
        assert driven.session.index == 0
        assert recoverable() == []
        driven.app.end()


async def test_several_are_offered_one_after_the_other() -> None:
    for name in ("count-5x5", "cat-32"):
        leave(session_on(name), name)
    newest, older = (left.title for left in recoverable())
    async with opened() as driven:
        await begin(driven)
        assert newest in driven.text
        await driven.press("n")
        await driven.pilot.pause()
        assert isinstance(driven.app.screen, Ask)
        assert f"{older}." in driven.text
        await driven.press("r")
        assert driven.session.picture.name == older
        driven.app.end()
    assert [left.title for left in recoverable()] == [newest]


async def test_every_change_is_kept_and_an_orderly_end_leaves_nothing(home: Path) -> None:
    async with opened() as driven:
        await begin(driven)
        driven.app.change(lambda session: session.with_spec(stride=2))
        autosave = driven.app.workspace._autosave
        assert autosave is not None
        autosave.flush()
        assert any(name.endswith(".toml") for name in files(home))
        driven.app.end()
    assert files(home) == []


async def test_a_signal_ends_the_app_and_leaves_what_was_at_work(home: Path) -> None:
    async with opened() as driven:
        await begin(driven)
        driven.app.change(lambda session: session.with_spec(stride=2))
        driven.app._end_by_signal(signal.SIGTERM)
        assert driven.app.return_code == 128 + signal.SIGTERM
    assert any(name.endswith(".toml") for name in files(home))


async def test_work_that_cannot_be_backed_up_is_told_without_another_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convtui.store.autosave.Autosave._write_changes", lambda _: None)  # only flush writes
    async with opened() as driven:
        await begin(driven)
        autosave = driven.app.workspace._autosave
        assert autosave is not None
        for _ in range(2):  # it is told anew when it fails anew
            with monkeypatch.context() as context:
                context.setattr("convtui.store.autosave.write", fail)
                driven.app.change(lambda session: session.with_spec(stride=3 - session.spec.stride[0]))
                autosave.flush()
                assert driven.said == ""
                driven.app.workspace.tell_autosave_problem()
                assert driven.said == "unsaved work cannot be backed up: [Errno 28] No space left on device"
                await driven.press("h")
                driven.app.workspace.tell_autosave_problem()
                assert driven.said == ""
            autosave.flush()
            driven.app.workspace.tell_autosave_problem()
        driven.app.end()


async def test_what_cannot_be_restored_is_said_and_stays() -> None:
    path = leave(lesson())
    async with opened() as driven:
        await begin(driven)
        path.write_text(path.read_text().replace("mnist-7", "mnist-77"))
        await driven.press("r")
        assert driven.refused
        assert driven.session.picture.name == "mnist-7"
        driven.app.end()
    assert path.exists()
