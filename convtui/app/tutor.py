"""Leads through a course: which step is on show, what was answered, what is hidden until then.

It knows no widget. A step is set up in the workspace, with the user's own work set aside; what the user does
is watched, so that a question for a cell or a setting is answered by doing it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from convtui.inputs.atomic import modified
from convtui.inputs.names import printable
from convtui.lessons.checking import solved
from convtui.lessons.course import Course, Place, find_course
from convtui.lessons.expressions import ExpressionError
from convtui.lessons.figures import Seen, filled
from convtui.lessons.judging import UnreadableAnswer, Verdict, answer_text, judged, letter_of, noticed
from convtui.lessons.lesson import LessonStep, Question
from convtui.lessons.lesson_file import LessonError
from convtui.lessons.progress import Progress, keep_progress, progress_of
from convtui.lessons.setting_up import SetUp, norm_transition
from convtui.lessons.view import LessonView, Standing
from convtui.pages.base.outline import OutlineRow
from convtui.pages.batchnorm.opened_network import BATCHNORM
from convtui.state.session import SESSION, Zoom
from convtui.training.next_run import NEXT_RUN

if TYPE_CHECKING:
    from convtui.app.workspace import Workspace
    from convtui.lessons.figures import RunFigures
    from convtui.pages.batchnorm.opened_network import OpenedNetwork
    from convtui.state.batchnorm import BatchNormSession
    from convtui.state.session import Session
    from convtui.tracing.open_model import OpenModel
    from convtui.tracing.recording import Recording
    from convtui.training.trainer import Trainer

_NOT_KEPT: Final = "where you are in the lesson cannot be kept: the folder for it cannot be written to"


class Stage(Protocol):
    """What the tutor needs of the app."""

    @property
    def workspace(self) -> Workspace:
        """The user's work, which is set aside while a lesson is open."""

    @property
    def trainer(self) -> Trainer:
        """The app's side of training."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def open_page(self, name: str, notice: str = "", error: bool = False) -> None:
        """Show another page, and a notice on it."""

    def show_lesson(self) -> None:
        """Draw what the lesson says and hides."""

    def show_network(self, network: OpenModel | None) -> None:
        """Have the Layers page show the network of a step, in place of the user's own; None: none."""

    def end_step(self) -> None:
        """Stop what plays, and close the line that is typed into."""

    def play(self, name: str) -> None:
        """Have the page of that name play on by itself, if it is on show."""


class Tutor:
    """The course that is open, and the step in it; there is none before `begin`."""

    def __init__(self, stage: Stage, presents: bool = False) -> None:
        self._stage = stage
        self._presents = presents
        self.course: Course | None = None
        self.progress = Progress()
        self._standings: dict[Place, Standing] = {}
        self._said = ""
        self._read_at: dict[Path, int | None] = {}
        self._norm_settings: tuple[str, ...] = ()  # to be typed once a network is open
        self._recording: Recording | None = None  # of the step's model
        self._is_setting_up = False
        self._layer = 0
        self._listens = False  # to the training
        timelines = stage.workspace.timelines
        timelines.watch(SESSION, self.look)
        timelines.watch(NEXT_RUN, self.look)
        timelines.watch(BATCHNORM, self.look)

    # -- what is on show

    @property
    def is_on(self) -> bool:
        return self.course is not None

    @property
    def place(self) -> Place:
        return self.progress.place

    @property
    def step(self) -> LessonStep:
        assert self.course
        return self.course.step(self.place)

    @property
    def standing(self) -> Standing:
        if self.step.question is None:
            return Standing.READ
        return self._standings.get(self.place, Standing.OPEN)

    @property
    def is_done(self) -> bool:
        """Whether the question was answered right, or given up."""
        return self.standing in (Standing.RIGHT, Standing.SHOWN)

    def view(self) -> LessonView | None:
        """What the page shows of the lesson; None while none is open. Asked for at each key."""
        if self.course is None:
            return None
        step, question, standing = self.step, self.step.question, self.standing
        fill = partial(_filled, seen=self._seen())
        words = step.after if self.is_done and step.after else step.words
        if standing is Standing.READ:
            words = f"{step.words} {step.after}".strip()
        choices = question.choices if question else ()
        return LessonView(
            heading=self._heading(self.course),
            words="" if standing is Standing.OPEN and self._said else fill(words),
            page=step.page,
            standing=standing,
            question=fill(question.text) if question else "",
            choices=tuple(f"{letter_of(at)} {fill(choice)}" for at, choice in enumerate(choices)),
            said=self._said,
            answer=answer_text(question) if question and self.is_done else "",
            is_typed=question is not None and question.is_typed,
            can_be_shown=question is None or question.can_be_shown,
            marked=frozenset(step.highlight),
            masks=question.masks if question and standing is Standing.OPEN else frozenset(),
            layer=self._layer,
            is_last=self.course.after(self.place) is None,
        )

    def _heading(self, course: Course) -> str:
        lesson, count = course.lesson(self.place), len(course.lessons)
        chapter = f"{self.place.chapter + 1}/{count} " if count > 1 else ""
        return f"{chapter}{lesson.title} · {self.place.step + 1} of {len(lesson.steps)}"

    def _seen(self) -> Seen:
        stage = self._stage
        opened = stage.workspace.timelines.get(BATCHNORM)
        trace = self._recording.trace if self._recording else None
        session, batchnorm = stage.workspace.session, opened.session if opened else None
        return Seen(session, self._run_figures(), batchnorm, trace)

    def _run_figures(self) -> RunFigures | None:
        """Of the run on show; before the first step on the Train page there is none, and no trainer."""
        if not self._listens:
            return None
        from convtui.lessons.run_figures import figures_of

        history = self._stage.trainer.shown
        return figures_of(history) if history else None

    @property
    def title(self) -> str:
        """Of the outline."""
        assert self.course
        return "course" if len(self.course.lessons) > 1 else self.course.lessons[0].title

    def outline(self) -> list[OutlineRow]:
        """The chapters with their steps; of a single lesson its steps."""
        assert self.course
        rows: list[OutlineRow] = []
        for place in self.course.places():
            lesson, step = self.course.lesson(place), self.course.step(place)
            if place.step == 0 and len(self.course.lessons) > 1:
                rows.append(
                    OutlineRow(f"{place.chapter}", f"{place.chapter + 1} {lesson.title}", is_chapter=True)
                )
            is_done = self.progress.has_answered(place)
            title = step.title or f"step {place.step + 1}"
            mark = "✓" if is_done else "?" if step.question else " "
            rows.append(
                OutlineRow(f"{place.chapter}.{place.step}", title, mark=mark, is_here=place == self.place)
            )
        return rows

    def jump(self, key: str) -> None:
        """To a row of the outline."""
        assert self.course
        chapter, _, step = key.partition(".")
        self.go_to(self.course.nearest(int(chapter), int(step or 0)))

    # -- going through it

    def begin(self, course: Course, place: Place | None = None) -> None:
        """Open a course where the user left it, or at a place."""
        self.course = course
        self.progress = progress_of(course)
        self._standings = {}
        if not self._presents:
            self._standings = {
                each: Standing.RIGHT for each in course.places() if self.progress.has_answered(each)
            }
        self._read_at = _modified(course)
        self.go_to(place or self.place)

    def go_to(self, place: Place) -> None:
        """Show a step as it begins, or as it is once its question has been answered."""
        assert self.course
        self.progress = self.progress.at(place)
        self._show("" if keep_progress(self.course, self.progress) else _NOT_KEPT)

    def restore(self) -> None:
        """Set the step up again, whatever was done meanwhile."""
        self._show()

    def _show(self, trouble: str = "") -> None:
        """Set the step up; what cannot be set up is said, and the words are shown all the same."""
        assert self.course
        self._said = ""
        self._stage.end_step()
        self._is_setting_up = True
        self._show_network(None)
        try:
            self._set_up(self.course.set_up(self.place))
        except LessonError as error:
            trouble = str(error)
        finally:
            self._is_setting_up = False
        self._stage.open_page(self.step.page, trouble, error=True)
        self._stage.show_lesson()

    def go_on(self) -> None:
        """The next step."""
        assert self.course
        following = self.course.after(self.place)
        if following is None:
            shows = "chapters" if len(self.course.lessons) > 1 else "steps"
            self._stage.say(f"this is the last step; O shows all {shows}, where x leaves the lesson")
        else:
            self.go_to(following)

    def go_back(self) -> None:
        """The step before."""
        assert self.course
        before = self.course.before(self.place)
        if before is None:
            self._stage.say("this is the first step")
        else:
            self.go_to(before)

    def leave(self) -> None:
        """Close the course; the user's own work is back as it was."""
        self.course = None
        self._norm_settings = ()
        self._show_network(None)
        self._stage.end_step()
        self._stage.workspace.end_lesson()
        self._stage.show_lesson()
        self._stage.say("left the lesson; your own work is back, and O returns to where you were")

    # -- answering

    def answer(self, text: str) -> None:
        """What was typed."""
        question = self.step.question
        if question is None or not question.is_typed or self.standing is not Standing.OPEN:
            return
        try:
            verdict = judged(question, text, self._seen())
        except UnreadableAnswer as error:
            self._said = str(error)
        else:
            given = printable(text)
            self._take(verdict, "" if _begins_with(verdict.words, given) else f"{given}: ")
        self._stage.show_lesson()

    def show_answer(self) -> None:
        """Give up: the answer is shown, and what a question asks to do is done."""
        question = self.step.question
        if question is None or self.standing is not Standing.OPEN:
            self._stage.say("this step asks nothing" if question is None else "the answer is on the screen")
            return
        if not question.can_be_shown:
            self._stage.say(question.hint or "this is for you to do; A goes on without it")
            return
        self._end_question(Standing.SHOWN)
        if question.until:
            self._solve(question)
        self._stage.show_lesson()

    def look(self) -> None:
        """Something has changed: perhaps it is what was asked for."""
        if self.course is None or self._is_setting_up:
            return
        self._type_norm_settings()
        before = self.standing, self._said
        question = self.step.question
        if question is not None and question.until and self.standing is Standing.OPEN:
            verdict = noticed(question, self._seen())
            if verdict is not None:
                self._take(verdict, "")
            else:
                self._said = ""
        if (self.standing, self._said) != before:
            self._stage.show_lesson()

    def _take(self, verdict: Verdict, given: str) -> None:
        if verdict.is_right:
            self._end_question(Standing.RIGHT)
        else:
            self._said = f"{given}{verdict.words or 'not yet; try again'}"

    def _end_question(self, standing: Standing) -> None:
        self._said = ""
        self._standings[self.place] = standing
        if standing is Standing.RIGHT:
            self.progress = self.progress.with_answer(self.place)
            assert self.course
            if not keep_progress(self.course, self.progress):
                self._stage.say(_NOT_KEPT, error=True)
        if self.step.plays:
            self._stage.play(self.step.page)

    def _solve(self, question: Question) -> None:
        """Do what the question asks for, from where the user is or else from how the step begins."""
        assert self.course
        course, folder = self.course, self.course.lesson(self.place).path.parent

        def done(session: Session) -> Session:
            with suppress(ValueError, IndexError, OSError):
                return solved(SetUp(session), question, folder).session
            return solved(course.set_up(self.place), question, folder).session

        self._stage.workspace.change(done)

    # -- setting up

    def _show_network(self, recording: Recording | None) -> None:
        """Have the recorded trace of a model shown on the image of the step, or none."""
        self._recording = recording
        picture = self._stage.workspace.session.picture
        self._stage.show_network(recording.opened(picture, self.step.row) if recording else None)

    def _set_up(self, begun: SetUp) -> None:
        workspace, step = self._stage.workspace, self.step
        session = begun.session
        if self._presents:
            session = session.with_view(zoom=session.view.zoom or Zoom.NUMBERS)
        workspace.show_lesson(session)
        self._show_network(begun.recording)
        if step.question and step.question.until and self.is_done:
            self._solve(step.question)
        self._layer = session.stack.layer if step.page == "layers" else 0
        if step.page == "train" and not self._listens:
            self._listens = True
            self._stage.trainer.listen(self.look)
        if begun.recipe is not None and step.page == "train":
            timelines = workspace.timelines
            timelines.change(NEXT_RUN, replace(timelines.present(NEXT_RUN), recipe=begun.recipe))
        self._norm_settings = step.batchnorm if step.page == "batchnorm" else ()
        self._type_norm_settings()

    def _type_norm_settings(self) -> None:
        timelines = self._stage.workspace.timelines
        opened = timelines.get(BATCHNORM)
        if opened is None or not self._norm_settings:
            return
        settings, self._norm_settings = self._norm_settings, ()
        try:
            timelines.change(BATCHNORM, opened.with_session(_with_settings(opened, settings)))
        except ValueError as error:
            self._stage.say(printable(str(error)), error=True)

    # -- files

    def follow_file(self) -> None:
        """Read the course again if a file of it was saved, and show the same step."""
        course = self.course
        if course is None or course.is_built_in or _modified(course) == self._read_at:
            return
        self._read_at = _modified(course)
        try:
            fresh = find_course(str(course.path))
        except LessonError as error:
            self._stage.say(str(error), error=True)
            return
        self.course = fresh
        self._standings.pop(self.place, None)
        self.go_to(fresh.nearest(self.place.chapter, self.place.step))


def _filled(text: str, seen: Seen) -> str:
    try:
        return filled(text, seen)
    except ExpressionError as error:
        return f"{text} ({error})"


def _begins_with(words: str, given: str) -> bool:
    """Whether what is said about an answer names it already: "27 is before dividing"."""
    plain = words.replace("−", "-").replace(",", "")
    return plain.startswith(f"{given.replace('−', '-').replace(',', '')} ")


def _with_settings(opened: OpenedNetwork, settings: tuple[str, ...]) -> BatchNormSession:
    """The session of the network from its start, with these settings. Raises ValueError."""
    from convtui.state.batchnorm import BatchNormSession

    now = opened.session
    session = BatchNormSession.start(now.network, now.image_count, now.batch_size)
    for text in settings:
        session = norm_transition(text)(session)
    return session


def _modified(course: Course) -> dict[Path, int | None]:
    """When the files of a course were last saved."""
    return {lesson.path: modified(lesson.path) for lesson in course.lessons}
