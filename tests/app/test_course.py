"""The built-in course in the app: every step is shown, every question is answered wrong and right."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.lessons.checking import solved
from convtui.lessons.course import Course, Place, find_course, name_of
from convtui.lessons.expressions import evaluated, names_in
from convtui.lessons.figures import is_of_a_run, shown
from convtui.lessons.judging import answer_text
from convtui.lessons.lesson import Question
from convtui.lessons.setting_up import SetUp
from convtui.lessons.view import LessonView, Standing
from convtui.paint.canvas import HIDDEN
from convtui.training.trainer import Trainer
from tests.support.driving import Driven, opened
from tests.support.example_sessions import lesson

COURSE: Course = find_course()
CHAPTERS = {name_of(each.path): chapter for chapter, each in enumerate(COURSE.lessons)}


def view_of(driven: Driven) -> LessonView:
    view = driven.app.lesson
    assert view is not None
    return view


async def settled(driven: Driven) -> None:
    await driven.app.workers.wait_for_complete()
    await driven.pilot.pause()


@pytest.mark.parametrize("chapter", CHAPTERS)
async def test_a_chapter_from_its_first_step_to_its_last(chapter: str) -> None:
    """By next, next, next; whatever is asked is first answered wrong, then right."""
    number = CHAPTERS[chapter]
    async with opened(size=(80, 24), trainer=Trainer(start=None)) as driven:
        driven.app.lessons.begin(COURSE, Place(number))
        for at in range(len(COURSE.lessons[number].steps)):
            await settled(driven)
            assert driven.app.lessons.place == Place(number, at)
            await check_step(driven)
            if Place(number, at + 1) in {*COURSE.places()}:
                await driven.press("A")


async def check_step(driven: Driven) -> None:
    view, step = view_of(driven), driven.app.lessons.step
    assert [line for line in driven.text.splitlines() if view.words.split()[-1] in line], view.words
    assert not driven.said, driven.said
    assert driven.app.current_mode == step.page
    assert "(" not in view.words or "no such figure" not in view.words
    assert all(line in " ".join(driven.text.split()) for line in [" ".join(view.question.split())])
    question = step.question
    if question is None:
        assert view.standing is Standing.READ
    elif question.is_typed:
        await answer_wrong_then_right(driven, question)
    else:
        await do_it(driven, question)


async def answer_wrong_then_right(driven: Driven, question: Question) -> None:
    if question.masks:
        assert HIDDEN.split()[0] in driven.text
    for wrong in question.wrong:
        driven.app.lessons.answer(wrong_text(driven, question, wrong.when))
        await driven.pilot.pause()
        assert view_of(driven).standing is Standing.OPEN
        assert view_of(driven).said
    await driven.press("A")
    assert all(choice in driven.text for choice in view_of(driven).choices), "choices under the prompt"
    assert view_of(driven).question.split()[0] in driven.text
    await driven.enter(answer_text(question).partition(" ")[0] if question.choices else answer_text(question))
    assert view_of(driven).standing is Standing.RIGHT, (question.text, view_of(driven).said)
    assert HIDDEN not in driven.text


def wrong_text(driven: Driven, question: Question, when: str) -> str:
    if question.choices:
        return when
    return shown(evaluated(when, COURSE.set_up(driven.app.lessons.place).seen()))


async def do_it(driven: Driven, question: Question) -> None:
    if any(map(is_of_a_run, names_in(question.until))):  # which tests of the training do
        driven.app.lessons.show_answer()
        assert view_of(driven).standing is Standing.OPEN  # there is nothing to show without a run
        assert not view_of(driven).can_be_shown
        await driven.pilot.pause()
        return
    assert view_of(driven).standing is Standing.OPEN
    folder = COURSE.lesson(driven.app.lessons.place).path.parent
    done = solved(SetUp(driven.session), question, folder)
    driven.app.change(lambda _: done.session)
    await driven.pilot.pause()
    assert view_of(driven).standing is Standing.RIGHT, question.text


SNAPSHOTS = [
    (chapter, size, theme)
    for chapter in CHAPTERS
    for size in ((120, 40), (80, 24))
    for theme in ("dark", "light")
]


@pytest.mark.parametrize(
    ("chapter", "size", "theme"),
    SNAPSHOTS,
    ids=[f"{chapter}-{size[0]}x{size[1]}-{theme}" for chapter, size, theme in SNAPSHOTS],
)
def test_pictures(chapter: str, size: tuple[int, int], theme: str, snap_compare: Callable[..., bool]) -> None:
    """Of each chapter the first question, before it is answered."""
    number = CHAPTERS[chapter]
    steps = COURSE.lessons[number].steps
    at = next((at for at, step in enumerate(steps) if step.question), 0)
    app = ConvtuiApp(lesson(), theme=theme, autosave=False, trainer=Trainer(start=None))

    async def begin(pilot: Pilot[None]) -> None:
        app.lessons.begin(COURSE, Place(number, at))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=begin)
