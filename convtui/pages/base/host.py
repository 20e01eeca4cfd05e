"""All that a page knows of the app that shows it, so that pages can be built without knowing the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from convtui.state.history import Timelines
    from convtui.state.session import Session
    from convtui.training.trainer import Trainer


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

    def change(self, make: Callable[[Session], Session], kind: str = "") -> bool:
        """Apply a transition of the session; where it is refused, say why. Tells whether it was applied."""

    def open(self, text: str) -> bool:
        """Open an image, a sample or a session by its name. Tells whether there was nothing to refuse."""

    def save(self) -> None:
        """Save the session; where it has no file yet, ask for one."""

    def save_as(self) -> None:
        """Save the session under a name that is asked for."""

    def open_page(self, name: str, notice: str = "") -> None:
        """Show another page, and a notice on it."""

    def ask(self, question: str, answers: Mapping[str, str], **then: Callable[[], object]) -> None:
        """Ask a question that one key answers: what each key means, and what is done after it."""
