"""An input that misses no key, however soon after the key that opened it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, cast

from textual import events
from textual.binding import Binding
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.suggester import Suggester


# Done at once: as bindings of Textual they would be done after the letters that follow in one burst.
_EDITS: Final = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding)
    for key in binding.key.split(",")
}
_NOT_FOR_THE_PAGE: Final = ("tab", "shift+tab", "up", "down", "pageup", "pagedown")


def one_line(text: str) -> str:
    """A text of several lines as one; rows of numbers that only a new line parts get a semicolon between."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    joined = "".join(lines[:1])
    for line in lines[1:]:
        is_row = (joined[-1].isdigit() or joined[-1] == ".") and (line[0].isdigit() or line[0] in "-−+.")
        joined += f"{';' if is_row else ''} {line}"
    return joined


class HasNotice(Protocol):
    """The page of a line: what it says goes when a key is pressed."""

    def quieten(self) -> None:
        """Take the notice away."""


class TypedLine(Input):
    """A line to type into. Keys that were on their way before it was there are given to it by its page."""

    def __init__(
        self,
        value: str,
        entered: Callable[[str, str], None],
        restrict: str | None = None,
        example: str = "",
        suggester: Suggester | None = None,
        ends: tuple[str, ...] = ("enter", "escape"),
    ) -> None:
        """`entered` gets the key, one of `ends`, and the text that was typed before it."""
        super().__init__(
            value,
            placeholder=example,
            suggester=suggester,
            compact=True,
            select_on_focus=False,
            restrict=restrict,
        )
        self._entered, self._ends = entered, ends
        self._seen: events.Key | None = None
        self.is_late = False  # whether the last key was handed on by the page, which then does what it asks

    def has_seen(self, event: events.Key) -> bool:
        """Whether this key went through the line itself."""
        return event is self._seen

    async def _on_key(self, event: events.Key) -> None:
        self._seen, self.is_late = event, False
        cast("HasNotice", self.screen).quieten()
        if event.key in self._ends:
            event.stop()
            event.prevent_default()
            self._entered(event.key, self.value.strip())
        elif event.key in _NOT_FOR_THE_PAGE:
            event.stop()
            event.prevent_default()
            if event.key == "tab" and self.cursor_at_end:
                self.action_cursor_right()  # which takes what is suggested
        elif event.key in _EDITS:
            event.stop()
            event.prevent_default()
            await self.run_action(_EDITS[event.key])
        else:
            await super()._on_key(event)

    def _on_paste(self, event: events.Paste) -> None:
        """All the lines that are pasted, as one; Textual's own takes the first alone."""
        if self.restrict is None:
            event.stop()
            event.prevent_default()
            self.replace(one_line(event.text), *sorted(self.selection))

    async def take(self, event: events.Key) -> None:
        """A key that came past the line."""
        self.is_late = True
        if event.key in self._ends:
            self._entered(event.key, self.value.strip())
        elif event.key == "tab" and self.cursor_at_end:
            self.action_cursor_right()
        elif event.key in _EDITS:
            await self.run_action(_EDITS[event.key])
        elif event.is_printable and event.character:
            self.insert_text_at_cursor(event.character)
