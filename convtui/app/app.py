"""The app: it owns the session and its history, and what is saved, opened and kept for a restart."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import WeakSet

from rich.text import Text
from textual.app import App, SystemCommand
from textual.reactive import var
from textual.screen import Screen

from convtui.app.modes import PAGES
from convtui.engine.convolution import Convolution
from convtui.engine.spec import SpecError
from convtui.inputs.names import printable
from convtui.pages.base.page import PageScreen
from convtui.paint.themes import THEMES
from convtui.state.history import History
from convtui.state.session import Session

if TYPE_CHECKING:
    from convtui.store.autosave import Abandoned, Keeper
    from convtui.training.trainer import Trainer

PATIENCE: Final = 5.0  # seconds to end in order after a signal


def _nothing() -> None:
    """What comes after saving, when nothing does."""


class ConvtuiApp(App[None]):
    """Steps through a session; `keep` saves it aside all the while, for a start after a crash."""

    TITLE = "convtui"
    CSS_PATH = "app.tcss"
    MODES: ClassVar[dict[str, Any]] = PAGES
    DEFAULT_MODE = "step"

    session: var[Session] = var(None, init=False)  # type: ignore[arg-type]

    def __init__(
        self,
        session: Session,
        *,
        notice: str = "",
        theme: str = "dark",
        keep: bool = True,
        data: str | None = None,
        trainer: Trainer | None = None,
    ) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        # Assigning it would have the style sheets read a second and a third time before the first screen.
        self.set_reactive(ConvtuiApp.theme, f"convtui-{theme}")
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_reactive(ConvtuiApp.session, session)
        self._history = History(session)
        self._unchanged: WeakSet[Convolution] = WeakSet([session.convolution])
        self._unchanged_layers = _own_layers(session)
        self._read_at = {session.path: _modified(session.path)}
        self._notice = notice
        self._keep = keep
        self._keeper: Keeper | None = None
        self._told_trouble = False
        self._data, self._trainer = data, trainer

    def on_mount(self) -> None:
        if self._notice:
            self.call_after_refresh(self._say, self._notice)
        if self._keep:
            if os.name == "posix":
                for number in (signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, partial(self._on_signal, asyncio.get_running_loop()))
                self.set_interval(1, self._end_without_terminal)
            self.set_timer(0.1, self._begin_keeping)
        self.call_after_refresh(_collect_garbage)

    async def on_unmount(self) -> None:
        """However the app ends, the terminal is the user's again by now; a run is saved."""
        if self._trainer:
            await self._trainer.end()

    @property
    def trainer(self) -> Trainer:
        """Loaded with the first page that asks for it."""
        if self._trainer is None:
            from convtui.training.recipe import Recipe
            from convtui.training.trainer import Trainer

            self._trainer = Trainer(Recipe(data=self._data) if self._data else None)
        return self._trainer

    @property
    def page(self) -> PageScreen:
        """The page at the bottom of the stack, under any question."""
        screen = self.screen_stack[0]
        assert isinstance(screen, PageScreen)
        return screen

    def _say(self, text: str, error: bool = False) -> None:
        self.page.say(text, error)

    # -- the session

    def change(self, make: Callable[[Session], Session], run: str = "") -> bool:
        """Go on to another session; where it is refused say why in a line and stay. Tells whether it went."""
        try:
            session = make(self.session)
        except (ValueError, IndexError, OSError, MemoryError) as error:
            told = error.plain if isinstance(error, SpecError) else str(error)
            self._say(printable(told or "out of memory"), error=True)
            return False
        if session != self.session:
            trained = self.session.chosen_stack and self.session.chosen_stack.trained
            self._adopt(self._history.then(session, run))
            if trained and not (session.chosen_stack and session.chosen_stack.trained):
                self._say(f"the weights of {trained} are left for random ones: u brings them back")
        return True

    def undo(self) -> None:
        if self._history.past:
            self._adopt(self._history.undone())
        else:
            self._say("nothing to undo")

    def redo(self) -> None:
        if self._history.future:
            self._adopt(self._history.redone())
        else:
            self._say("nothing to redo")

    def _adopt(self, history: History[Session]) -> None:
        self._history = history
        self.session = history.present
        if self._keeper:
            if self.has_unsaved_changes:
                self._keeper.keep(self.session, self.session.picture.name, self.session.path)
            else:
                self._keeper.clear()
            if self._keeper.trouble and not self._told_trouble:
                self._told_trouble = True
                self._say(self._keeper.trouble, error=True)

    # -- files

    @property
    def has_unsaved_changes(self) -> bool:
        layers = _own_layers(self.session)
        return self.session.convolution not in self._unchanged or layers != self._unchanged_layers

    def _mark_unchanged(self) -> None:
        self._unchanged = WeakSet([self.session.convolution])
        self._unchanged_layers = _own_layers(self.session)

    def open(self, text: str) -> bool:
        """Open an image, a sample or a session by its path or name; unsaved changes are asked about.

        Tells whether there was nothing to refuse.
        """
        from convtui.inputs import samples
        from convtui.store.session_file import is_session_file

        lesson = {path.stem: path for path in samples.session_files()}.get(text)
        if not lesson and not is_session_file(Path(text)):
            return self._open_picture(text)
        if not self.has_unsaved_changes:
            return self._open_session(lesson or Path(text), lesson is None)
        go_on = partial(self._open_session, lesson or Path(text), lesson is None)
        answers = {"s": "save first", "o": "open without saving", "escape": "stay"}
        self._ask("There are unsaved changes.", answers, s=partial(self.save, go_on), o=go_on)
        return True

    def _open_picture(self, text: str) -> bool:
        from convtui.inputs import samples

        was_clean = not self.has_unsaved_changes
        went = self.change(lambda session: session.with_picture(samples.open_any(text)))
        if went:
            if was_clean:
                self._unchanged.add(self.session.convolution)
            self._tell_notice()
        return went

    def _open_session(self, path: Path, is_own: bool) -> bool:
        """Open a session file; one's own is saved to again, a bundled one is not."""
        from convtui.store import session_file as sessionfile

        went = self.change(lambda _: replace(sessionfile.load(path), path=path if is_own else None))
        if went:
            self._mark_unchanged()
            self._read_at[path] = _modified(path)
            self._tell_notice()
        return went

    def _tell_notice(self) -> None:
        if self.session.picture.notice:
            self._say(self.session.picture.notice)

    def save(self, then: Callable[[], object] = _nothing) -> None:
        """Save, asking for what is not known; after it has been written do what comes then."""
        path = self.session.path
        if path is None:
            self.save_as(then)
        elif path in self._read_at and _modified(path) != self._read_at[path]:
            self._ask_to_replace(path, f"{path.name} has changed since it was read. Replace it?", then)
        else:
            self._write(path, then)

    def save_as(self, then: Callable[[], object] = _nothing) -> None:
        stem = re.sub(r"[^\w.-]+", "-", Path(self.session.picture.name).stem).strip("-") or "session"
        path = str(self.session.path or f"{stem}.toml")
        self.page.ask("save as:", path, lambda text: self._save_to(text, then))

    def _save_to(self, text: str, then: Callable[[], object]) -> bool:
        from convtui.store import session_file as sessionfile

        try:
            folder = Path(text).expanduser().is_dir()
            path = Path(text if sessionfile.is_session_file(Path(text)) else f"{text}.toml").expanduser()
            if folder:
                raise ValueError(f"{text} is a folder")
            if path.exists():
                sessionfile.load(path)
                if path != self.session.path:
                    self._ask_to_replace(path, f"{path.name} exists already. Replace it?", then)
                    return True
        except (ValueError, OSError, RuntimeError) as error:
            self._say(f"not replaced: {printable(str(error))}; choose another name", error=True)
            return False
        return self._write(path, then)

    def _ask_to_replace(self, path: Path, question: str, then: Callable[[], object]) -> None:
        self._ask(question, {"r": "replace", "escape": "keep it"}, r=partial(self._write, path, then))

    def _write(self, path: Path, then: Callable[[], object]) -> bool:
        from convtui.store import session_file as sessionfile

        try:
            sessionfile.save(self.session, path)
        except ValueError as error:
            self._say(str(error), error=True)
            return False
        self._read_at[path] = _modified(path)
        self._mark_unchanged()
        before = self.session.path
        self._adopt(self._history.mapped(lambda each: _moved(each, before, path)))
        self._say(f"saved: {path}   (convtui {path} opens it again)")
        then()
        return True

    # -- ending

    async def action_quit(self) -> None:
        """Quit; unsaved changes are asked about, and a second q means it."""
        self.page.pause()
        if not self.has_unsaved_changes:
            self.end()
            return
        answers = {"s": "save", "q": "quit without saving", "escape": "stay"}
        self._ask("There are unsaved changes.", answers, s=partial(self.save, self.end), q=self.end)

    def _ask(self, question: str, answers: dict[str, str], **then: Callable[[], object]) -> None:
        """Ask, and do what belongs to the key that answers."""
        from convtui.pages.base.ask import Ask

        def answered(key: str | None) -> None:
            if key in then:
                then[key]()

        if not isinstance(self.screen, Ask):
            self.page.opening = self.push_screen(Ask(question, answers), answered)

    def action_help_quit(self) -> None:
        self.call_later(self.action_quit)

    def end(self) -> None:
        if self._keeper:
            self._keeper.forget()
        self.exit(message=self._trainer.parting if self._trainer else None)

    def _end_without_terminal(self) -> None:
        """Not every lost terminal is told by a signal."""
        if not os.isatty(0):
            signal.raise_signal(signal.SIGHUP)

    def _on_signal(self, loop: asyncio.AbstractEventLoop, number: int, _frame: FrameType | None) -> None:
        # A terminal that takes nothing more blocks the loop, and the end in order, for ever.
        insist = Timer(PATIENCE, os._exit, (128 + number,))
        insist.daemon = True
        insist.start()
        loop.call_soon_threadsafe(self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        if self._keeper:
            self._keeper.flush()
        self.exit(return_code=128 + number)

    def _fatal_error(self) -> None:
        """Instead of Textual's traceback on the terminal: the work is kept, and a line says so."""
        from convtui.store.crash import report

        kept = ""
        if self._keeper:
            self._keeper.flush()
            kept = self._keeper.trouble or "Your work is kept and offered at the next start."
        error = self._exception
        assert error is not None
        line = f"convtui: stopped by an error of its own ({type(error).__name__}: {error}). {kept}"
        self.panic(Text(f"{line} Details: {report(error)}"))

    # -- what a crash left behind

    def _begin_keeping(self) -> None:
        from convtui.store.autosave import Keeper, abandoned

        self._keeper = Keeper()
        self._offer(abandoned())

    def _offer(self, left: list[Abandoned]) -> None:
        """Ask about each that was left, the newest first, until one is restored."""
        if not left:
            return
        first, *others = left
        when = first.when.strftime("%Y-%m-%d %H:%M")
        answers = {"r": "restore it", "delete": "throw it away", "escape": "ask again next time"}
        if others:
            answers["n"] = f"next of {len(left)}"
        self._ask(
            f"convtui did not end properly on {when}; this was at work: {first.title}.",
            answers,
            r=partial(self._restore, first),
            delete=partial(self._throw_away, first, others),
            n=partial(self._offer, others),
        )

    def _throw_away(self, left: Abandoned, others: list[Abandoned]) -> None:
        left.discard()
        self._offer(others)

    def _restore(self, left: Abandoned) -> None:
        if self.change(lambda _: left.session()) and self._keeper:
            self._keeper.flush()
            if not self._keeper.trouble:
                left.discard()

    # -- the palette

    def action_command_palette(self) -> None:
        from convtui.app.command_menu import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        from convtui.app.command_menu import commands

        yield from commands(self)


def _moved(session: Session, before: Path | None, path: Path) -> Session:
    return replace(session, path=path) if session.path == before else session


def _collect_garbage() -> None:
    """From now on. What there is at the start stays: it need not be walked through while keys are pressed."""
    gc.freeze()
    gc.enable()


def _own_layers(session: Session) -> object:
    """The layers and where their weights are from, if they are not those that an image comes with."""
    if session.chosen_stack is None:
        return None
    from convtui.state.network import default_stack

    chosen, default = session.chosen_stack, default_stack(session.picture.pixels.shape)
    own = chosen.layers, chosen.seed, chosen.trained
    return None if own == (default.layers, default.seed, None) else own


def _modified(path: Path | None) -> int | None:
    try:
        return path.expanduser().stat().st_mtime_ns if path else None
    except (OSError, RuntimeError):
        return None
