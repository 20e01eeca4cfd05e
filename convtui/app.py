"""The app: it owns the session and its history, and what is saved, opened and kept for a restart."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from textual.app import App, SystemCommand
from textual.reactive import var
from textual.screen import Screen

from convtui.engine.convolution import Convolution
from convtui.history import History
from convtui.screens.session_screen import SessionScreen
from convtui.screens.step import StepScreen
from convtui.session import Session
from convtui.themes import THEMES

if TYPE_CHECKING:
    from convtui.recovery import Abandoned, Keeper


def _matrix_screen() -> Screen[None]:
    from convtui.screens.matrix import MatrixScreen

    return MatrixScreen()


def _layers_screen() -> Screen[None]:
    from convtui.screens.layers import LayersScreen

    return LayersScreen()


class ConvtuiApp(App[None]):
    """Steps through a session; `keep` saves it aside all the while, for a start after a crash."""

    TITLE = "convtui"
    CSS_PATH = "app.tcss"
    MODES: ClassVar[dict[str, Any]] = {"step": StepScreen, "matrix": _matrix_screen, "layers": _layers_screen}
    DEFAULT_MODE = "step"
    ENABLE_COMMAND_PALETTE = True

    session: var[Session] = var(None, init=False)  # type: ignore[arg-type]

    def __init__(self, session: Session, *, notice: str = "", theme: str = "dark", keep: bool = True) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = f"convtui-{theme}"
        self.set_reactive(ConvtuiApp.session, session)
        self._history = History(session)
        self._unchanged: WeakSet[Convolution] = WeakSet([session.convolution])
        self._read_at = _modified(session.path)
        self._notice = notice
        self._keep = keep
        self._keeper: Keeper | None = None
        self._told_trouble = False

    def on_mount(self) -> None:
        if self._notice:
            self.call_after_refresh(self._say, self._notice)
        if self._keep:
            if os.name == "posix":
                for number in (signal.SIGTERM, signal.SIGHUP):
                    asyncio.get_running_loop().add_signal_handler(number, self._end_by_signal, number)
            self.set_timer(0.1, self._begin_keeping)
        # What there is at the start stays: the collector need not walk through it while keys are pressed.
        self.call_after_refresh(gc.freeze)

    @property
    def page(self) -> SessionScreen:
        """The page at the bottom of the stack, under any question."""
        screen = self.screen_stack[0]
        assert isinstance(screen, SessionScreen)
        return screen

    def _say(self, text: str, error: bool = False) -> None:
        self.page.say(text, error)

    # -- the session

    def change(self, make: Callable[[Session], Session], run: str = "") -> bool:
        """Go on to another session; where it is refused say why in a line and stay. Tells whether it went."""
        try:
            session = make(self.session)
        except (ValueError, IndexError, MemoryError) as error:
            self._say(str(error), error=True)
            return False
        if not _same(session, self.session):
            self._adopt(self._history.then(session, run))
        return True

    def undo(self) -> None:
        if not self._history.past:
            self._say("nothing to undo")
        self._adopt(self._history.undone())

    def redo(self) -> None:
        if not self._history.future:
            self._say("nothing to redo")
        self._adopt(self._history.redone())

    def _adopt(self, history: History[Session]) -> None:
        self._history = history
        self.session = history.present
        if self._keeper:
            self._keeper.keep(self.session, self.session.picture.name, self.session.path)
            if self._keeper.trouble and not self._told_trouble:
                self._told_trouble = True
                self._say(f"your work is not being kept for a restart: {self._keeper.trouble}", error=True)

    @property
    def has_unsaved_changes(self) -> bool:
        return self.session.convolution not in self._unchanged

    # -- files

    def open(self, text: str) -> None:
        """Open an image, a sample or a session by its path or name; undo goes back."""
        from convtui import samples, sessionfile

        path = Path(text).expanduser()

        def make(session: Session) -> Session:
            if sessionfile.is_session_file(path):
                opened = replace(sessionfile.load(path), path=path)
                self._read_at = _modified(path)
            else:
                opened = session.with_picture(samples.open_any(str(path)))
            self._unchanged.add(opened.convolution)
            return opened

        if self.change(make) and self.session.picture.notice:
            self._say(self.session.picture.notice)

    def save(self) -> None:
        path = self.session.path
        if path is None:
            self.save_as()
        elif _modified(path) != self._read_at:
            self._ask_to_replace(path, f"{path.name} has changed since it was read. Replace it?")
        else:
            self._write(path)

    def save_as(self) -> None:
        name = self.session.path or Path(f"{Path(self.session.picture.name).stem}.toml")
        self.page.ask("save as:", str(name), self._save_to)

    def _save_to(self, text: str) -> None:
        from convtui import sessionfile

        path = Path(text).expanduser()
        if not sessionfile.is_session_file(path):
            path = path.with_name(f"{path.name}.toml")
        if not path.exists():
            self._write(path)
            return
        try:
            sessionfile.load(path)
        except ValueError:
            self._say(f"{path} is no convtui session and is not replaced: choose another name", error=True)
        else:
            self._ask_to_replace(path, f"{path.name} exists already. Replace it?")

    def _ask_to_replace(self, path: Path, question: str) -> None:
        from convtui.screens.ask import Ask

        def answered(key: str | None) -> None:
            if key == "r":
                self._write(path)

        self.push_screen(Ask(question, {"r": "replace", "escape": "keep it"}), answered)

    def _write(self, path: Path) -> bool:
        from convtui import sessionfile

        try:
            sessionfile.save(self.session, path)
        except ValueError as error:
            self._say(str(error), error=True)
            return False
        self._read_at = _modified(path)
        self._unchanged.add(self.session.convolution)
        self._adopt(replace(self._history, present=replace(self.session, path=path)))
        self._say(f"saved: {path}   (convtui {path} opens it again)")
        return True

    # -- ending

    async def action_quit(self) -> None:
        """Quit; unsaved changes are asked about, and a second q means it."""
        from convtui.screens.ask import Ask

        if not self.has_unsaved_changes:
            self.end()
            return

        def answered(key: str | None) -> None:
            if key == "q":
                self.end()
            elif key == "s":
                self.save()

        if not isinstance(self.screen, Ask):
            answers = {"s": "save", "q": "quit without saving", "escape": "stay"}
            self.push_screen(Ask("There are unsaved changes.", answers), answered)

    def action_help_quit(self) -> None:
        self.call_later(self.action_quit)

    def end(self) -> None:
        if self._keeper:
            self._keeper.forget()
        self.exit()

    def _end_by_signal(self, number: int) -> None:
        if self._keeper:
            self._keeper.flush()
        self.exit(return_code=128 + number)

    def _fatal_error(self) -> None:
        """Instead of Textual's traceback on the terminal: the work is kept, and a line says so."""
        from convtui.crash import report

        if self._keeper:
            self._keeper.flush()
        error = self._exception
        assert error is not None
        self.panic(
            f"convtui: stopped by an error of its own ({type(error).__name__}: {error}). Your work is kept "
            f"and offered at the next start. Details: {report(error)}"
        )

    # -- what a crash left behind

    def _begin_keeping(self) -> None:
        from convtui.recovery import Keeper, abandoned

        self._keeper = Keeper()
        left = abandoned()
        if left:
            self._offer(left[0])

    def _offer(self, left: Abandoned) -> None:
        from convtui.screens.ask import Ask

        def answered(key: str | None) -> None:
            if (key == "r" and self.change(lambda _: left.session())) or key == "d":
                left.discard()

        when = left.when.strftime("%Y-%m-%d %H:%M")
        question = f"convtui did not end properly on {when} ({left.title})."
        answers = {"r": "restore it", "d": "discard it", "escape": "ask again next time"}
        self.push_screen(Ask(question, answers), answered)

    # -- the palette

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        from convtui.commands import commands

        yield from commands(self)


def _modified(path: Path | None) -> int | None:
    try:
        return path.stat().st_mtime_ns if path else None
    except OSError:
        return None


def _same(one: Session, other: Session) -> bool:
    keys = ("index", "taps", "filled", "view", "path", "chosen_stack")
    return one.convolution is other.convolution and all(
        getattr(one, key) == getattr(other, key) for key in keys
    )
