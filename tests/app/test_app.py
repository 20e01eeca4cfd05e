"""The app keeps what the user did: undo, files, and the question before anything is lost."""

import os
from pathlib import Path

import numpy as np
import pytest
from textual import events
from textual.screen import Screen

from convtui.inputs import samples
from convtui.pages.base.ask import Ask
from convtui.state.session import Session
from convtui.store import session_file
from tests.state.test_session import fingerprint
from tests.support.driving import Driven, opened
from tests.support.example_sessions import counting, lesson, own, session_on


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the app was started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def question(driven: Driven) -> str:
    assert isinstance(driven.app.screen, Ask)
    return " ".join(driven.text.split())


# -- the session


async def test_a_change_tells_whether_it_went() -> None:
    async with opened() as driven:
        app = driven.app
        assert app.change(lambda session: session.moved(1))
        assert not app.change(lambda session: session.with_spec(stride=0))
        assert driven.said == "stride 0: must be at least 1"
        assert app.session.index == 1


async def test_whatever_is_refused_is_said() -> None:
    async with opened() as driven:
        before = driven.session
        for error in (ValueError("no"), IndexError("no"), MemoryError("no"), OSError("no")):

            def refuse(_: Session, error: Exception = error) -> Session:
                raise error

            driven.page.say("")
            assert not driven.app.change(refuse)
            assert driven.said == "no"
            assert driven.session is before


async def test_where_the_output_cell_went_is_said_once() -> None:
    async with opened(lesson().at(27 * 28 + 27)) as driven:
        await driven.press("t")
        assert driven.said == "no window lies where that of [0, 27, 27] was, at stride 2; now at [0, 13, 13]"
        await driven.press("left")
        assert driven.said == ""
        await driven.press("p")
        assert driven.said == "no window lies where that of [0, 13, 12] was, at padding 2; now at [0, 13, 12]"


async def test_what_changes_nothing_is_no_step_of_undo() -> None:
    async with opened() as driven:
        await driven.press("home", "up", "left", "u")
        assert driven.said == "nothing to undo"


async def test_an_undone_edit_of_anything_comes_back() -> None:
    async with opened() as driven:
        app = driven.app
        seen = [fingerprint(app.session)]
        for change in (
            lambda s: s.with_weight_value(0, 0, 0, 0, 3.0),
            lambda s: s.with_bias_value(0, 1.0),
            lambda s: s.with_pixel_value(0, 1, 1, 0.5),
            lambda s: s.with_spec(stride=2),
            lambda s: s.with_picture(counting(2)),
            lambda s: s.with_filters(3),
            lambda s: s.with_view(hints=False),
        ):
            assert app.change(change)
            seen.append(fingerprint(app.session))
        for expected in seen[-2::-1]:
            driven.page.action_undo()
            assert fingerprint(app.session) == expected
        for expected in seen[1:]:
            driven.page.action_redo()
            assert fingerprint(app.session) == expected


async def test_a_notice_from_the_start_is_shown() -> None:
    async with opened(notice="photo.jpg: 900x600 pixels scaled to 512x341") as driven:
        await driven.pilot.pause()
        assert "scaled to 512x341" in driven.said


async def test_a_message_goes_with_the_next_key_or_click() -> None:
    async with opened() as driven:
        driven.page.say("look here")
        await driven.press("right")
        assert driven.said == ""
        driven.page.say("look here")
        await driven.pilot.click(offset=(60, 30))
        assert driven.said == ""


# -- saving


async def test_saving_asks_for_a_name_and_it_comes_back_the_same(folder: Path) -> None:
    start = lesson(stride=2).with_bias_value(0, 0.5).at(40, 3)
    async with opened(start) as driven:
        await driven.press("s")
        assert "mnist-7.toml" in driven.bottom
        await driven.enter("lesson.toml")
        assert "saved: lesson.toml" in driven.said
        assert driven.session.path == Path("lesson.toml")
    loaded = session_file.load(folder / "lesson.toml")
    assert fingerprint(loaded)[:-1] == fingerprint(start)[:-1]


async def test_saving_again_asks_nothing(folder: Path) -> None:
    async with opened() as driven:
        await driven.press("s", "enter", "t", "s")
        assert "saved" in driven.said
        assert not driven.typing
    assert session_file.load(folder / "mnist-7.toml").spec.stride == (2, 2)


async def test_a_name_without_toml_gets_it(folder: Path) -> None:
    async with opened() as driven:
        await driven.press("S")
        await driven.enter("my lesson")
    assert [path.name for path in folder.iterdir()] == ["my lesson.toml"]


async def test_a_saved_session_is_opened_again(folder: Path) -> None:
    mine = own([[[[1.0, -2.0]]]], counting(1, 3, 4), padding=1).at(5)
    session_file.save(mine, folder / "mine.toml")
    async with opened() as driven:
        await driven.press("o")
        await driven.enter("mine.toml")
        assert fingerprint(driven.session)[:-1] == fingerprint(mine)[:-1]
        assert driven.session.path == Path("mine.toml")
        assert not driven.app.workspace.has_unsaved_changes
        await driven.press("t", "s")
        assert "saved" in driven.said
    assert session_file.load(folder / "mine.toml").spec.stride == (2, 2)


@pytest.mark.parametrize("answer", ["r", "escape"])
async def test_another_session_is_replaced_only_if_one_says_so(folder: Path, answer: str) -> None:
    path = folder / "mine.toml"
    session_file.save(session_on("count-5x5"), path)
    before = path.read_bytes()
    async with opened() as driven:
        await driven.press("S")
        await driven.enter("mine.toml")
        assert "mine.toml already exists. Replace it?" in question(driven)
        assert path.read_bytes() == before
        await driven.press("x")
        assert isinstance(driven.app.screen, Ask)
        await driven.press(answer)
        assert driven.page.is_active
    assert (session_file.load(path).picture.name == "mnist-7") == (answer == "r")


@pytest.mark.parametrize("contents", ["[tool]\nname = 'foreign'\n", "not toml at all {", ""])
async def test_a_foreign_file_is_never_replaced(folder: Path, contents: str) -> None:
    path = folder / "foreign.toml"
    path.write_text(contents)
    async with opened() as driven:
        await driven.press("S")
        await driven.enter("foreign.toml")
        assert driven.refused
        assert "foreign.toml" in driven.said
        assert driven.app.workspace.has_unsaved_changes is False
    assert path.read_text() == contents


async def test_a_file_changed_by_others_is_replaced_only_if_one_says_so(folder: Path) -> None:
    path = folder / "mnist-7.toml"
    async with opened() as driven:
        await driven.press("s", "enter")
        session_file.save(session_on("mnist-7", "sharpen"), path)
        os.utime(path, ns=(1, 1))
        await driven.press("t", "s")
        assert "has changed since it was opened" in question(driven)
        await driven.press("escape")
        assert session_file.load(path).kernel.name == "sharpen"
        await driven.press("s", "r")
        assert session_file.load(path).kernel.name == "top-edge"
        await driven.press("t", "s")
        assert "saved" in driven.said


async def test_what_cannot_be_written_is_said() -> None:
    async with opened() as driven:
        await driven.press("S")
        await driven.enter("no/such/folder/lesson.toml")
        assert driven.refused
        assert "lesson.toml" in driven.said
        assert driven.session.path is None


async def test_a_damaged_file_is_not_opened_and_its_line_is_named(folder: Path) -> None:
    (folder / "damaged.toml").write_text("convtui = 1\n[image]\nsample = 7\n")
    async with opened() as driven:
        before = driven.session
        await driven.press("o")
        await driven.enter("damaged.toml")
        assert driven.refused
        assert "line 3" in driven.said
        assert driven.session is before


async def test_undoing_an_open_saves_to_the_file_it_came_from(folder: Path) -> None:
    """Which file was read when is known for each file, not for the last one."""
    for name in ("one", "two"):
        session_file.save(session_on("count-5x5"), folder / f"{name}.toml")
        os.utime(folder / f"{name}.toml", ns=(len(name), {"one": 10**9, "two": 2 * 10**9}[name]))
    async with opened() as driven:
        for name in ("one", "two"):
            await driven.press("o")
            await driven.enter(f"{name}.toml")
        await driven.press("u")
        assert driven.session.path == Path("one.toml")
        await driven.press("t", "s")
        assert driven.app.screen is driven.page
        assert "saved: one.toml" in driven.said


async def test_undo_after_saving_does_not_forget_the_file(folder: Path) -> None:
    async with opened() as driven:
        await driven.press("t", "s", "enter", "u", "s")
        assert not driven.typing
        assert "saved" in driven.said
    assert session_file.load(folder / "mnist-7.toml").spec.stride == (1, 1)


async def test_an_image_file_is_opened(folder: Path) -> None:
    np.save(folder / "numbers.npy", np.arange(24.0).reshape(4, 6))
    async with opened() as driven:
        await driven.press("o")
        await driven.enter("numbers.npy")
        assert driven.session.convolution.image_shape == (1, 4, 6)


# -- quitting


async def quits(driven: Driven, *keys: str) -> bool:
    await driven.press(*keys)
    await driven.pilot.pause()
    return not driven.app.is_running or driven.app._exit


async def test_without_changes_q_quits() -> None:
    async with opened() as driven:
        await driven.press("right", "right", "f", "H")
        assert await quits(driven, "q")


async def test_changes_are_asked_about_and_a_second_q_means_it() -> None:
    async with opened() as driven:
        assert not await quits(driven, "t", "q")
        assert "There are unsaved changes." in question(driven)
        assert not await quits(driven, "escape")
        assert driven.app.screen is driven.page
        assert driven.session.spec.stride == (2, 2)
        assert await quits(driven, "q", "q")


async def test_the_question_offers_to_save(folder: Path) -> None:
    async with opened() as driven:
        await driven.press("t", "q", "s")
        assert driven.typing
        await driven.press("enter")
        assert (folder / "mnist-7.toml").exists()
        assert await quits(driven, "q")


async def test_saving_there_ends_the_app(folder: Path) -> None:
    session_file.save(session_on("count-5x5"), folder / "mine.toml")
    async with opened() as driven:
        await driven.press("o")
        await driven.enter("mine.toml")
        assert await quits(driven, "t", "q", "s")
    assert session_file.load(folder / "mine.toml").spec.stride == (2, 2)


@pytest.mark.parametrize(("answer", "stride"), [("o", (1, 1)), ("escape", (2, 2))])
async def test_unsaved_changes_are_asked_about_before_another_session(
    folder: Path, answer: str, stride: tuple[int, int]
) -> None:
    session_file.save(session_on("count-5x5"), folder / "mine.toml")
    async with opened() as driven:
        await driven.press("t", "o")
        await driven.enter("mine.toml")
        assert "There are unsaved changes." in question(driven)
        await driven.press(answer)
        assert driven.session.spec.stride == stride


async def test_the_answers_can_be_clicked() -> None:
    async with opened() as driven:
        await driven.press("t", "q")
        await driven.click_on("stay")
        assert driven.app.screen is driven.page
        await driven.press("q")
        await driven.click_on("quit without saving")
        assert await quits(driven)


async def test_saved_or_undone_changes_are_not_asked_about() -> None:
    async with opened() as driven:
        await driven.press("t", "u")
        assert not driven.app.workspace.has_unsaved_changes
        await driven.press("ctrl+r")
        assert driven.app.workspace.has_unsaved_changes
        await driven.press("s", "enter")
        assert not driven.app.workspace.has_unsaved_changes
        await driven.press("u")
        assert driven.app.workspace.has_unsaved_changes, "the file has another stride"
        await driven.press("ctrl+r")
        assert not driven.app.workspace.has_unsaved_changes
        assert await quits(driven, "q")


async def test_changes_under_another_image_are_still_unsaved() -> None:
    """The kernel set by hand went along to the new image and is in no file."""
    async with opened() as driven:
        driven.app.change(lambda session: session.with_weight_value(0, 0, 0, 0, 9.0))
        await driven.press("o")
        await driven.enter("mnist-3")
        assert driven.session.convolution.weight[0, 0, 0, 0] == 9
        assert not await quits(driven, "q")


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_the_usual_ways_out_ask_too(key: str) -> None:
    async with opened() as driven:
        assert not await quits(driven, "t", key)
        assert "There are unsaved changes." in question(driven)


# -- looks


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_starts_in_the_theme_asked_for(theme: str) -> None:
    async with opened(theme=theme) as driven:
        assert driven.app.theme == f"convtui-{theme}"
        assert driven.app.current_theme.dark == (theme == "dark")


async def test_the_app_has_one_page_under_every_question() -> None:
    async with opened() as driven:
        page: Screen[None] = driven.app.page
        await driven.press("question_mark")
        assert driven.app.screen is not page
        assert driven.app.page is page


async def test_every_sample_session_is_opened() -> None:
    async with opened() as driven:
        for path in samples.session_files():
            driven.app.open(str(path))
            await driven.pilot.pause()
            assert driven.session.path == path, driven.said
            assert {len(line) for line in driven.lines} == {120}


@pytest.mark.parametrize("key", ["e", "o", "colon", "question_mark", "s", "5"])
async def test_keys_behind_the_one_that_quits_do_nothing(key: str) -> None:
    async with opened() as driven:
        for each in ("q", key):
            driven.app.post_message(events.Key(each, None))
        for _ in range(4):
            await driven.pilot.pause()
    assert driven.app.return_code in (None, 0)
