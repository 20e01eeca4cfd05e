"""A question takes its own answers and no other key."""

from convtui.pages.base.ask import Ask
from tests.support.driving import Driven, opened


async def asked(driven: Driven) -> list[str | None]:
    answers: list[str | None] = []
    driven.app.push_screen(Ask("Replace [it]?", {"r": "replace", "escape": "keep it"}), answers.append)
    await driven.pilot.pause()
    return answers


async def test_only_its_keys_answer() -> None:
    async with opened() as driven:
        answers = await asked(driven)
        await driven.press("right", "t", "q", "enter", "space")
        assert answers == []
        assert driven.session.index == 0
        await driven.press("r")
        assert answers == ["r"]


async def test_escape_and_clicks_answer_too() -> None:
    async with opened() as driven:
        answers = await asked(driven)
        await driven.press("escape")
        assert answers == ["escape"]
        answers = await asked(driven)
        await driven.click_on("keep it")
        assert answers == ["escape"]


async def test_question_and_answers_are_shown_as_they_are() -> None:
    async with opened(size=(80, 24)) as driven:
        await asked(driven)
        assert "Replace [it]?" in driven.text
        assert "r replace   escape keep it" in driven.text
