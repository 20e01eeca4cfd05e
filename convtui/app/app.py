"""The app: its pages, the workspace that they share, and an orderly exit whatever ends it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import App, SystemCommand
from textual.screen import Screen

from convtui.app.modes import FIRST_MODE, FIRST_PAGE, MODES
from convtui.app.workspace import Workspace
from convtui.inputs.names import printable
from convtui.pages.base.page import Page
from convtui.paint.themes import THEMES
from convtui.state.history import Timelines
from convtui.state.session import Session

if TYPE_CHECKING:
    from convtui.app.guardian import Guardian
    from convtui.app.tutor import Tutor
    from convtui.app.visitor import Visitor
    from convtui.lessons.course import Course, Place
    from convtui.lessons.view import LessonView
    from convtui.tracing.open_model import Opening, OpenModel
    from convtui.training.recipe import Recipe
    from convtui.training.trainer import Trainer

PATIENCE: Final = 5.0  # seconds to end in order after a signal


class ConvtuiApp(App[None]):
    """Shows the pages of a session; `autosave` keeps a copy of unsaved work to restore after a crash."""

    TITLE = "convtui"
    CSS_PATH = "app.tcss"
    MODES: ClassVar[dict[str, Any]] = MODES
    DEFAULT_MODE = FIRST_MODE
    ALLOW_SELECT = (
        False  # no key copies what a mouse selects, and a click on what is gone by then is an error
    )

    def __init__(
        self,
        session: Session,
        *,
        notice: str = "",
        theme: str = "dark",
        autosave: bool = True,
        recipe: Recipe | None = None,
        trainer: Trainer | None = None,
        guardian: Guardian | None = None,
        course: tuple[Course, Place | None] | None = None,
        presents: bool = False,
        still: LessonView | None = None,
        network: Opening | OpenModel | None = None,
        visitor: Visitor | None = None,
    ) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        # Assigning it would have the style sheets read a second and a third time before the first screen.
        self.set_reactive(ConvtuiApp.theme, f"convtui-{theme}")
        self.stylesheet.set_variables(self.get_css_variables())
        self._visitor = visitor
        self.workspace = Workspace(session, self, deliver=visitor.deliver if visitor else None)
        self._notice = notice
        self._has_autosave = autosave
        self._recipe, self._trainer = recipe, trainer
        self._guardian = guardian
        self._course, self._presents = course, presents
        self._still = still  # what a picture of a lesson hides and points at
        self._tutor: Tutor | None = None
        self._network = network
        self._model: OpenModel | None = None
        self._lesson_model: OpenModel | None = None

    def get_default_screen(self) -> Screen[Any]:
        return FIRST_PAGE()

    def on_mount(self) -> None:
        self.add_mode(FIRST_MODE, FIRST_PAGE)
        if self._notice:
            self.call_after_refresh(self.say, self._notice)
        if self._has_autosave:
            if os.name == "posix":
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                    signal.signal(number, partial(self._on_signal, asyncio.get_running_loop()))
                self.set_interval(1, self._end_without_terminal)
            self.set_timer(0.1, self.workspace.begin_autosave)
            self.set_interval(1, self.workspace.tell_autosave_problem)
        if self._guardian:
            self.set_timer(0.1, self._guardian.start)
        if self._visitor:
            self.call_after_refresh(self._visitor.begin, self)
        if self._network:
            self._open_network(self._network)
        if self._course:
            self.call_after_refresh(self.lessons.begin, *self._course)
        elif self._has_autosave and not self._notice:
            self.set_timer(0.2, self._offer_course)
        self.call_after_refresh(_collect_garbage)

    async def on_unmount(self) -> None:
        """Save the run, end the user's network; the terminal has been restored, however the app ended."""
        for model in filter(None, (self._model, self._lesson_model)):
            await model.end()
        if self._trainer:
            await self._trainer.end()

    # -- what pages know of the app

    @property
    def page(self) -> Page:
        """The page at the bottom of the stack, under any question."""
        screen = self.screen_stack[0]
        assert isinstance(screen, Page)
        return screen

    @property
    def session(self) -> Session:
        return self.workspace.session

    @property
    def timelines(self) -> Timelines:
        return self.workspace.timelines

    @property
    def trainer(self) -> Trainer:
        """Created when a page first asks for it; NEXT_RUN begins then, too."""
        from convtui.training.next_run import NEXT_RUN, NextRun
        from convtui.training.recipe import Recipe
        from convtui.training.trainer import Trainer, start_worker

        if self._trainer is None:
            network = self._recipe.network if self._recipe else None
            self._trainer = Trainer(partial(start_worker, network), network)
        if self.timelines.get(NEXT_RUN) is None:
            self.timelines.begin(NEXT_RUN, NextRun(self._recipe or Recipe()))
        return self._trainer

    @property
    def model(self) -> OpenModel | None:
        return self._lesson_model if self._tutor and self._tutor.is_on else self._model

    def show_network(self, network: OpenModel | None) -> None:
        before, self._lesson_model = self._lesson_model, network
        if before is not None and not before.is_recorded:
            self.run_worker(before.end())

    def _open_network(self, network: Opening | OpenModel) -> None:
        """Trace the user's own network on the image, and show it when the first page is there."""
        from convtui.tracing.open_model import OpenModel

        if isinstance(network, OpenModel):  # that of a picture of a lesson
            self._model = network
            return
        self._model = OpenModel(network, self.session.picture)
        self._model.begin()
        self.call_after_refresh(self.open_page, "layers", self._notice)

    @property
    def lesson(self) -> LessonView | None:
        return self._tutor.view() if self._tutor else self._still

    @property
    def lessons(self) -> Tutor:
        """Created when a lesson is first asked for."""
        from convtui.app.tutor import Tutor

        if self._tutor is None:
            self._tutor = Tutor(self, self._presents)
            self.set_interval(0.5, self._tutor.follow_file)
        return self._tutor

    def show_lesson(self) -> None:
        self.page.show_again()

    def end_step(self) -> None:
        self.page.pause()
        self.page.close_prompt()

    def play(self, name: str) -> None:
        page = self.page
        if self.current_mode == name and page.player and not page.playing:
            page.action_play()

    def open_outline(self) -> None:
        from convtui.pages.base.outline import Outline

        tutor = self.lessons
        if not tutor.is_on:
            self.open_lesson()
            return
        self.page.opening = self.push_screen(Outline(tutor.title, tutor.outline()), self._go_to_step)

    def open_lesson(self, place: Place | None = None) -> None:
        from convtui.lessons.course import built_in_course

        course = built_in_course()
        if course is None:
            self.say("the course cannot be read; convtui learn --check says why", error=True)
        else:
            self.lessons.begin(course, place)

    def write_lesson(self, text: str) -> bool:
        return self.workspace.write_lesson(text)

    def _go_to_step(self, chosen: str | None) -> None:
        from convtui.pages.base.outline import LEAVE

        if chosen == LEAVE:
            self.lessons.leave()
        elif chosen:
            self.lessons.jump(chosen)

    def change(self, make: Callable[[Session], Session], kind: str = "") -> bool:
        return self.workspace.change(make, kind)

    def open(self, text: str) -> bool:
        return self.workspace.open(text)

    def save(self) -> None:
        self.workspace.save()

    def save_as(self) -> None:
        self.workspace.save_as()

    def write_code(self, text: str, code: str) -> bool:
        return self.workspace.write_code(text, code)

    def tell_written(self, path: Path, more: str = "") -> None:
        done = "written"
        if self._visitor:
            self._visitor.deliver_file(path)
            done, path = "downloaded", Path(path.name)
        self.say(f"{done}: {printable(str(path))}{f', {more}' if more else ''}")

    def open_page(self, name: str, notice: str = "", error: bool = False) -> None:
        self.switch_mode(name)
        if self._visitor:
            self._visitor.tell_soon()
        if notice:
            self.call_later(self.say, notice, error)

    async def act_on_page(self, name: str, action: str) -> None:
        await self.switch_mode(name)
        await self.page.run_action(action)

    # -- speaking with the user

    def say(self, text: str, error: bool = False) -> None:
        self.page.say(text, error)

    def prompt(self, question: str, value: str, done: Callable[[str], object]) -> None:
        self.page.prompt(question, value, done)

    def ask(self, question: str, answers: Mapping[str, str], **then: Callable[[], object]) -> None:
        from convtui.pages.base.ask import Ask

        def answered(key: str | None) -> None:
            if key in then:
                then[key]()

        if not isinstance(self.screen, Ask):
            self.page.opening = self.push_screen(Ask(question, answers), answered)

    def _offer_course(self) -> None:
        """In one line, at the very first start and never again."""
        from convtui.store.first_start import is_first_start

        if is_first_start() and self.screen is self.page:
            self.say("New here? O opens a course that leads through all pages, step by step.")

    # -- ending

    async def action_quit(self) -> None:
        """Quit; ask first if there are unsaved changes, where a second q quits without saving."""
        self.page.pause()
        if not self.workspace.has_unsaved_changes:
            self.end()
            return
        if self._tutor and self._tutor.is_on:  # what is asked about must be what is seen
            self._tutor.leave()
        answers = {"s": "save", "q": "quit without saving", "escape": "stay"}
        save = partial(self.workspace.save, self.end)
        self.ask("There are unsaved changes.", answers, s=save, q=self.end)

    def action_help_quit(self) -> None:
        self.call_later(self.action_quit)

    def end(self) -> None:
        self.workspace.end_autosave()
        self.exit(message=self._trainer.parting if self._trainer else None)

    def _end_without_terminal(self) -> None:
        """Not every lost terminal sends a signal."""
        if not os.isatty(0):
            signal.raise_signal(signal.SIGHUP)

    def _on_signal(self, loop: asyncio.AbstractEventLoop, number: int, _frame: FrameType | None) -> None:
        # A terminal that takes nothing more blocks the loop, and the end in order, for ever.
        insist = Timer(PATIENCE, os._exit, (128 + number,))
        insist.daemon = True
        insist.start()
        loop.call_soon_threadsafe(self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        self.workspace.flush_autosave()
        self.exit(return_code=128 + number)

    def _fatal_error(self) -> None:
        """Keep the work and say so in one line, instead of Textual's traceback on the terminal."""
        from convtui.store.crash import report

        self.workspace.flush_autosave()
        error = self._exception
        assert error is not None
        line = f"convtui: internal error ({type(error).__name__}: {error}). {self.workspace.restart_hint}"
        self.panic(Text(f"{line} Details: {report(error)}"))

    # -- the palette

    def action_command_palette(self) -> None:
        from convtui.app.command_menu import CommandMenu

        if not isinstance(self.screen, CommandMenu):
            self.push_screen(CommandMenu())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        from convtui.app.command_menu import commands

        if self._visitor:
            yield SystemCommand(
                "Copy a link", "it opens this page with this session again", self._visitor.copy_link
            )
        yield from commands(self, self.page)


def _collect_garbage() -> None:
    """From now on. What there is at the start stays: it need not be walked through while keys are pressed."""
    gc.freeze()
    gc.enable()
