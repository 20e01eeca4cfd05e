"""The user's work: the session and its history, what is unsaved, files, and what is kept for a restart.

The app owns one workspace. It knows no widget: what it has to say or to ask goes through a Dialogue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from convtui.engine.spec import SpecError
from convtui.inputs.atomic import modified
from convtui.inputs.names import printable
from convtui.state.history import Histories, History, Timelines
from convtui.state.operation import Operation
from convtui.state.session import SESSION, Session

if TYPE_CHECKING:
    from convtui.pages.batchnorm.opened_network import OpenedNetwork
    from convtui.store.autosave import Autosave, Recoverable

Done = Callable[[], object]


class Dialogue(Protocol):
    """How the workspace talks to the user."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def ask(self, question: str, answers: Mapping[str, str], **then: Done) -> None:
        """Ask a question answered by one key; `answers` says what each key means, `then` what it does."""

    def prompt(self, question: str, value: str, done: Callable[[str], object]) -> None:
        """Ask for text, starting with a value; ask again if `done` returns False."""


def _nothing() -> None:
    """The default for what happens after saving."""


@dataclass(frozen=True, eq=False)
class _SetAside:
    """The user's own work while a lesson is open: its histories, and what of it counts as saved."""

    histories: Histories
    unchanged: WeakSet[Operation]
    unchanged_layers: object

    @property
    def history(self) -> History[Session]:
        return self.histories[SESSION]


class Workspace:
    """The session with its timelines, its file, and its automatic copy."""

    def __init__(
        self, session: Session, dialogue: Dialogue, deliver: Callable[[str, str], None] | None = None
    ) -> None:
        """deliver: how a text of that name reaches a user who has no files here; else files are written."""
        self.timelines = Timelines()
        self.timelines.begin(SESSION, session)
        self.timelines.watch(SESSION, self._update_autosave)
        self._dialogue = dialogue
        self._deliver = deliver
        self._unchanged: WeakSet[Operation] = _operations(session)
        self._unchanged_layers = _own_layers(session)
        self._read_at = {session.path: modified(session.path)} if session.path else {}
        self._autosave: Autosave | None = None
        self._autosave_problem = ""
        self._aside: _SetAside | None = None

    @property
    def session(self) -> Session:
        return self.timelines.present(SESSION)

    def change(self, make: Callable[[Session], Session], kind: str = "") -> bool:
        """Apply a transition, or say in one line why not. Returns whether it was applied.

        Consecutive changes of the same kind are undone together.
        """
        before = self.session
        session = self._made(make, before)
        if session is None:
            return False
        if session != before:
            self.timelines.change(SESSION, session, kind)
            for now, earlier in (session.picture, before.picture), (session.kernel, before.kernel):
                if now.notice not in ("", earlier.notice):
                    self._dialogue.say(now.notice)
            if session.went not in ("", before.went):
                self._dialogue.say(session.went)
            learned = before.chosen_stack and before.chosen_stack.trained
            if learned and not (session.chosen_stack and session.chosen_stack.trained):
                self._dialogue.say(f"random weights replace those of {learned}; u brings them back")
        return True

    def _made(self, make: Callable[[Session], Session], before: Session) -> Session | None:
        """What becomes of a session; None where it is refused, and then why is said."""
        try:
            return make(before)
        except (ValueError, IndexError, OSError, MemoryError) as error:
            message = error.plain if isinstance(error, SpecError) else str(error)
            self._dialogue.say(printable(message or "out of memory"), error=True)
            return None

    # -- what is unsaved

    @property
    def has_unsaved_changes(self) -> bool:
        """Of the user's own work, also while a lesson is open."""
        aside, session = self._aside, self._own_session
        unchanged = aside.unchanged if aside else self._unchanged
        layers = aside.unchanged_layers if aside else self._unchanged_layers
        return not _operations(session) <= unchanged or _own_layers(session) != layers

    @property
    def _own_session(self) -> Session:
        """The user's own, also while a lesson is open."""
        return self._aside.history.present if self._aside else self.session

    def _mark_unchanged(self) -> None:
        self._unchanged = _operations(self.session)
        self._unchanged_layers = _own_layers(self.session)

    # -- lessons

    def show_lesson(self, session: Session) -> None:
        """Show a session of a lesson, the user's own work set aside with all that can be undone."""
        session = session.with_view(hints=self.session.view.hints)
        if self._aside is None:
            self._aside = _SetAside(self.timelines.all(), self._unchanged, self._unchanged_layers)
            self.timelines.begin(SESSION, session)
        else:  # what was tried at the step before can still be had by undo
            self.timelines.change(SESSION, session)
        self._mark_unchanged()

    def end_lesson(self) -> None:
        """Bring the user's own work back as it was; redo shows the lesson's, unless it has more to redo."""
        from convtui.pages.batchnorm.opened_network import BATCHNORM

        aside, last = self._aside, self.session
        if aside is None:
            return
        self._aside = None
        self._unchanged, self._unchanged_layers = aside.unchanged, aside.unchanged_layers
        history = aside.history
        if not history.future:
            history = replace(history, future=(last,))
        self.timelines.bring_back({**aside.histories, SESSION: history})
        if BATCHNORM not in aside.histories:  # it began in the lesson
            self._show_norm()

    def write_lesson(self, text: str) -> bool:
        """Write the beginning of a lesson from the session to a new file. Tells whether that was done."""
        from convtui.lessons.writing import new_lesson_path, new_text_from, write_new_from

        try:
            path = new_lesson_path(text)
            if self._deliver:
                self._deliver(path.name, new_text_from(path, self.session))
                self._dialogue.say(f"downloaded: {printable(path.name)}")
                return True
            write_new_from(path, self.session)
        except ValueError as error:
            self._dialogue.say(str(error), error=True)
            return False
        shown = printable(str(path))
        self._dialogue.say(f"written: {shown}   (convtui learn {shown} opens it)")
        return True

    def write_code(self, text: str, code: str) -> bool:
        """Write code to a file; ask before one is replaced. Tells if there was nothing to refuse."""
        if self._deliver:
            name = Path(text if text.endswith(".py") else f"{text}.py").name
            self._deliver(name, code)
            self._dialogue.say(f"downloaded: {printable(name)}")
            return True
        try:
            path = Path(text if text.endswith(".py") else f"{text}.py").expanduser()
            if not path.parent.is_dir():
                raise ValueError(f"{path}: the folder {path.parent} does not exist")
            if path.exists() and not path.is_file():
                raise ValueError(f"{path} is not a file")
        except (ValueError, OSError, RuntimeError) as error:
            self._dialogue.say(f"not written: {printable(str(error))}; choose another name", error=True)
            return False
        if path.exists():
            answers = {"r": "replace", "escape": "keep it"}
            question = f"{path.name} already exists. Replace it?"
            self._dialogue.ask(question, answers, r=partial(self._put_code, path, code))
            return True
        return self._put_code(path, code)

    def _put_code(self, path: Path, code: str) -> bool:
        from convtui.store.session_file import write

        try:
            write(code, path)
        except ValueError as error:
            self._dialogue.say(str(error), error=True)
            return False
        shown = printable(str(path))
        self._dialogue.say(f"written: {shown}   (python {shown} runs it)")
        return True

    # -- opening

    def open(self, text: str) -> bool:
        """Open an image, a sample or a session by path or name; ask first if unsaved changes would go.

        In a lesson they do not: the user's own work is set aside.
        Tells whether there was nothing to refuse.
        """
        from convtui.inputs import samples
        from convtui.store.session_file import is_session_file

        bundled = {path.stem: path for path in samples.session_files()}.get(text)
        if not bundled and not is_session_file(Path(text)):
            return self._open_picture(text)
        if self._aside or not self.has_unsaved_changes:
            return self._open_session(bundled or Path(text), bundled is None)
        go_on = partial(self._open_session, bundled or Path(text), bundled is None)
        answers = {"s": "save first", "o": "open without saving", "escape": "stay"}
        self._dialogue.ask("There are unsaved changes.", answers, s=partial(self.save, go_on), o=go_on)
        return True

    def _open_picture(self, text: str) -> bool:
        from convtui.state.layer_opening import picture_opened
        from convtui.store.pictures import open_any

        was_unchanged = not self.has_unsaved_changes
        opened = self.change(lambda session: picture_opened(session, open_any(text)))
        if opened:
            if was_unchanged:
                self._unchanged |= _operations(self.session)
            self._say_notice()
        return opened

    def _open_session(self, path: Path, is_own: bool) -> bool:
        """Open a session file; saving writes back to the user's own file, never to a bundled one."""
        from convtui.store import session_file

        opened = self.change(lambda _: replace(session_file.load(path), path=path if is_own else None))
        if opened:
            self._mark_unchanged()
            self._show_norm()
            self._read_at[path] = modified(path)
            self._say_notice()
        return opened

    def _show_norm(self) -> None:
        """Have the Norms page show the session's, if it has begun; else it begins with that."""
        from convtui.pages.batchnorm.opened_network import BATCHNORM

        opened = self.timelines.get(BATCHNORM)
        if opened is not None:
            norm = opened.session.with_choice_if_legal(self.session.norm)
            self.timelines.change(BATCHNORM, opened.with_session(norm))

    def _say_notice(self) -> None:
        if self.session.picture.notice:
            self._dialogue.say(self.session.picture.notice)

    # -- saving

    def save(self, then: Done = _nothing) -> None:
        """Save, asking for a name if there is none; `then` is called after writing."""
        path = self.session.path
        if self._deliver:
            self._download(f"{self._stem}.toml", then)
        elif path is None:
            self.save_as(then)
        elif path in self._read_at and modified(path) != self._read_at[path]:
            self._ask_to_replace(path, f"{path.name} has changed since it was opened. Replace it?", then)
        else:
            self._write(path, then)

    def save_as(self, then: Done = _nothing) -> None:
        path = str(self.session.path or f"{self._stem}.toml")
        self._dialogue.prompt("save as:", path, lambda text: self._save_to(text, then))

    @property
    def _stem(self) -> str:
        """A file's name for the session, after its image."""
        return re.sub(r"[^\w.-]+", "-", Path(self.session.picture.name).stem).strip("-") or "session"

    def _download(self, name: str, then: Done) -> bool:
        """Hand the session to a user who has no files here."""
        from convtui.store.link import carried
        from convtui.store.session_file import dumps

        assert self._deliver
        whole = _with_norm(self.session, self.timelines.all())
        self._deliver(name, dumps(carried(whole)))
        self._mark_unchanged()
        without = "" if carried(whole) is whole else ", without the weights of the run, which stay here"
        self._dialogue.say(f"downloaded: {printable(name)}{without}")
        then()
        return True

    def _save_to(self, text: str, then: Done) -> bool:
        from convtui.store import session_file

        if self._deliver:
            name = Path(text).name
            return self._download(name if session_file.is_session_file(name) else f"{name}.toml", then)
        try:
            is_folder = Path(text).expanduser().is_dir()
            path = Path(text if session_file.is_session_file(Path(text)) else f"{text}.toml").expanduser()
            if is_folder:
                raise ValueError(f"{text} is a folder")
            if path.exists():
                session_file.load(path)
                if path != self.session.path:
                    self._ask_to_replace(path, f"{path.name} already exists. Replace it?", then)
                    return True
        except (ValueError, OSError, RuntimeError) as error:
            self._dialogue.say(f"not saved: {printable(str(error))}; choose another name", error=True)
            return False
        return self._write(path, then)

    def _ask_to_replace(self, path: Path, question: str, then: Done) -> None:
        answers = {"r": "replace", "escape": "keep it"}
        self._dialogue.ask(question, answers, r=partial(self._write, path, then))

    def _write(self, path: Path, then: Done) -> bool:
        from convtui.store import session_file

        try:
            session_file.save(_with_norm(self.session, self.timelines.all()), path)
        except ValueError as error:
            self._dialogue.say(str(error), error=True)
            return False
        self._read_at[path] = modified(path)
        self._mark_unchanged()
        before = self.session.path
        self.timelines.map(SESSION, lambda each: _moved(each, before, path))
        self._dialogue.say(f"saved: {path}   (convtui {path} reopens it)")
        then()
        return True

    # -- the automatic copy, and what a crash left behind

    def begin_autosave(self) -> None:
        """Start copying unsaved work, and offer to restore what earlier apps left behind."""
        from convtui.store.autosave import Autosave, recoverable

        self._autosave = Autosave()
        self._offer(recoverable())

    def flush_autosave(self) -> None:
        """Return once unsaved work is on the disk."""
        if self._autosave:
            self._autosave.flush()

    def end_autosave(self) -> None:
        """Delete the copy: everything is saved or discarded."""
        if self._autosave:
            self._autosave.end()

    @property
    def restart_hint(self) -> str:
        """What happens to unsaved work if the app stops now; "" if no copy is kept."""
        if self._autosave is None:
            return ""
        return self._autosave.problem or "Your work is safe: the next start offers to restore it."

    def _update_autosave(self) -> None:
        if self._aside is None:  # else the copy stays that of the user's own work
            self._copy_own_work()

    def _copy_own_work(self) -> None:
        autosave, session = self._autosave, self._own_session
        if autosave is None:
            return
        if self.has_unsaved_changes:
            histories = self._aside.histories if self._aside else self.timelines.all()
            autosave.update(_with_norm(session, histories), session.picture.name, session.path)
        else:
            autosave.clear()
        self.tell_autosave_problem()

    def tell_autosave_problem(self) -> None:
        """Say that unsaved work cannot be backed up, once until it can be."""
        problem = self._autosave.problem if self._autosave else ""
        if problem and not self._autosave_problem:
            self._dialogue.say(problem, error=True)
        self._autosave_problem = problem

    def _offer(self, found: list[Recoverable]) -> None:
        """Ask about each session that was left behind, the newest first, until one is restored."""
        if not found:
            return
        first, *others = found
        when = first.when.strftime("%Y-%m-%d %H:%M")
        answers = {"r": "restore it", "delete": "delete it", "escape": "ask again next time"}
        if others:
            answers["n"] = f"next of {len(found)}"
        self._dialogue.ask(
            f"convtui was interrupted on {when} with unsaved work: {first.title}.",
            answers,
            r=partial(self._restore, first),
            delete=partial(self._discard, first, others),
            n=partial(self._offer, others),
        )

    def _discard(self, found: Recoverable, others: list[Recoverable]) -> None:
        found.discard()
        self._offer(others)

    def _restore(self, found: Recoverable) -> None:
        session = self._made(lambda _: found.session(), self._own_session)
        if session is None:
            return
        if self._aside:
            history = self._aside.history.then(session)
            self._aside = replace(self._aside, histories={**self._aside.histories, SESSION: history})
            self._copy_own_work()
            self._dialogue.say("restored; it is on the screen once you leave the lesson (O, then x)")
        else:
            self.change(lambda _: session)
            self._show_norm()
        if self._autosave:
            self._autosave.flush()
            if not self._autosave.problem:
                found.discard()


def _with_norm(session: Session, histories: Histories) -> Session:
    """The session as it is written to a file: with the norm that the Norms page shows."""
    from convtui.pages.batchnorm.opened_network import BATCHNORM

    history: History[OpenedNetwork] | None = histories.get(BATCHNORM)
    return session if history is None else replace(session, norm=history.present.session.choice)


def _moved(session: Session, before: Path | None, path: Path) -> Session:
    return replace(session, path=path) if session.path == before else session


def _operations(session: Session) -> WeakSet[Operation]:
    """The convolution, and the operation that is stepped through."""
    return WeakSet([session.convolution, session.operation])


def _own_layers(session: Session) -> object:
    """The layers and the source of their weights, unless they are an image's defaults."""
    if session.chosen_stack is None:
        return None
    from convtui.state.network import default_stack

    chosen, default = session.chosen_stack, default_stack(session.picture.pixels.shape)
    own = chosen.layers, chosen.seed, chosen.trained
    return None if own == (default.layers, default.seed, None) else own
