"""All that a page knows of the app that shows it, so that pages can be built without knowing the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from convtui.lessons.course import Place
    from convtui.lessons.view import LessonView
    from convtui.state.history import Timelines
    from convtui.state.session import Session
    from convtui.tracing.open_model import OpenModel
    from convtui.training.trainer import Trainer


class Lessons(Protocol):
    """The course that is open: what its keys do."""

    def go_on(self) -> None:
        """Show the next step."""

    def go_back(self) -> None:
        """Show the step before."""

    def show_answer(self) -> None:
        """Give the question up."""

    def restore(self) -> None:
        """Set the step up as it begins."""

    def answer(self, text: str) -> None:
        """Take what was typed as the answer."""


class Host(Protocol):
    """What the app does for its pages."""

    @property
    def session(self) -> Session:
        """What the user is looking at now."""

    @property
    def timelines(self) -> Timelines:
        """Whatever can be undone; SESSION is one of its documents."""

    @property
    def trainer(self) -> Trainer:
        """The app's side of training; the document NEXT_RUN begins with it."""

    @property
    def model(self) -> OpenModel | None:
        """The user's own network, if one was named on the command line; in a lesson that of its step."""

    @property
    def lesson(self) -> LessonView | None:
        """What is shown of a lesson; None while none is open."""

    @property
    def lessons(self) -> Lessons:
        """What the keys of an open lesson do."""

    def open_outline(self) -> None:
        """Show the chapters and steps of the course; where none is open, open the built-in one."""

    def open_lesson(self, place: Place | None = None) -> None:
        """Open the built-in course at a step, or where the user left it."""

    def write_lesson(self, text: str) -> bool:
        """Write the beginning of a lesson from the session to a new file. Tells whether that was done."""

    def change(self, make: Callable[[Session], Session], kind: str = "") -> bool:
        """Apply a transition of the session; where it is refused, say why. Tells whether it was applied."""

    def open(self, text: str) -> bool:
        """Open an image, a sample or a session by its name. Tells whether there was nothing to refuse."""

    def save(self) -> None:
        """Save the session; where it has no file yet, ask for one."""

    def save_as(self) -> None:
        """Save the session under a name that is asked for."""

    def write_code(self, text: str, code: str) -> bool:
        """Write code to a file of that name; ask before one is replaced. Tells if nothing was refused."""

    def tell_written(self, path: Path, more: str = "") -> None:
        """Say that a file was written; somebody in a browser gets it as a download."""

    def open_page(self, name: str, notice: str = "") -> None:
        """Show another page, and a notice on it."""

    async def act_on_page(self, name: str, action: str) -> None:
        """Show another page, and do what a key of it does."""

    def ask(self, question: str, answers: Mapping[str, str], **then: Callable[[], object]) -> None:
        """Ask a question that one key answers: what each key means, and what is done after it."""
