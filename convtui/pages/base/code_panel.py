"""What a page shows as PyTorch code: a panel over the page to read it in, copy it and write it to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from convtui.inputs.confinement import confinement
from convtui.inputs.names import printable
from convtui.pages.base.modal import ClosesOnce

if TYPE_CHECKING:
    from textual.app import App

WRITE: Final = "write"
KEYS: Final = "y copy · w write to a file · escape close"
MOST_SHOWN: Final = 400  # lines
MOST_SENT: Final = 74_994  # bytes that a terminal takes by OSC 52 for certain

_FRAME: Final = 4  # lines of the border, of the bar that scrolls, and a blank one that it may cover
_LAST_SHOWN: Final = 40  # lines, with what is asserted
_WITHOUT_CLIPBOARD: Final = ("linux", "dumb", "unknown", "vt100", "vt220")
_CLOSES: Final = ("escape", "q", "ctrl+y")
_COPIES: Final = ("y", "Y", "enter")
_MOVES: Final = {
    "up": "scroll_up",
    "k": "scroll_up",
    "down": "scroll_down",
    "j": "scroll_down",
    "left": "scroll_left",
    "h": "scroll_left",
    "right": "scroll_right",
    "l": "scroll_right",
    "home": "scroll_home",
    "end": "scroll_end",
    "pageup": "page_up",
    "pagedown": "page_down",
    "space": "page_down",
}


def why_not_sent(text: str, environment: Mapping[str, str]) -> str:
    """Why the text is not sent to the terminal's clipboard by OSC 52; "" if it is."""
    if environment.get("TERM", "") in _WITHOUT_CLIPBOARD:
        return "this terminal has no clipboard"
    if environment.get("TERM_PROGRAM") == "Apple_Terminal":
        return "Apple's Terminal takes nothing into its clipboard (no OSC 52)"
    if len(text.encode()) > MOST_SENT:
        return "this is more than terminals take into their clipboard (OSC 52)"
    return ""


def copy_code(app: App[Any], text: str, else_key: str) -> str:
    """Send the code to the terminal's clipboard, or else write it to a file; what was done, in a line.

    else_key: what writes it to a file, as no terminal tells whether it took it.
    """
    count = len(text.splitlines())
    why = why_not_sent(text, os.environ)
    if not why:
        app.copy_to_clipboard(text)
        return f"copied {count} lines (OSC 52); if pasting gives nothing, {else_key} writes a file"
    if confinement() is not None:
        return f"{why}; {else_key} downloads it"
    from platformdirs import user_state_path

    from convtui.inputs.atomic import write_whole

    path = user_state_path("convtui", appauthor=False) / "code.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        return f"{why}, and {printable(str(path))} cannot be written ({error.strerror or error})"
    return f"{why}: {count} lines are written to {printable(str(path))}"


def shown_code(text: str) -> str:
    """The code as far as it is shown: of a long one the beginning, and the end with what is asserted."""
    lines = text.splitlines()
    if len(lines) <= MOST_SHOWN:
        return text.rstrip("\n")
    left = len(lines) - MOST_SHOWN
    note = f"# … {left:,} lines are not shown here; they are copied and written with the others"
    return "\n".join([*lines[: MOST_SHOWN - _LAST_SHOWN], "", note, "", *lines[-_LAST_SHOWN:]])


class CodeScreen(ClosesOnce[str]):
    """The code of a page, once it is there; answers with WRITE if it is to be written to a file.

    It takes keys itself, as a page does, so that those which were on their way before it opened are not lost.
    """

    TAKES_LATE_KEYS: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self._is_refused = False
        self._shown = Static("writing the code …", id="lines")
        self._scroll = ScrollableContainer(self._shown)
        self._scroll.can_focus = False
        self._said = Static(id="said")
        self._panel = Vertical(id="code")

    def compose(self) -> ComposeResult:
        with self._panel as panel:
            panel.border_title = "PyTorch code of what is shown"
            panel.border_subtitle = "escape close" if self._is_refused else KEYS
            yield self._scroll
            yield self._said

    def show_code(self, text: str) -> None:
        """The code is there."""
        self.code = text
        shown = shown_code(text)
        self._shown.update(highlight(shown, language="python"))
        self._panel.styles.height = len(shown.splitlines()) + _FRAME

    def refuse(self, why: str) -> None:
        """There is no code, and why."""
        self._is_refused = True
        self._panel.border_subtitle = "escape close"
        self._shown.update(Content(why))
        self._shown.styles.width = "100%"  # of several lines, where it is too long for one
        self._scroll.styles.height = "auto"

    def _say(self, text: str) -> None:
        self._said.update(Content(text))
        if not self._said.display:
            self._said.display = True
            if self.code:
                self._panel.styles.height = len(shown_code(self.code).splitlines()) + _FRAME + 1

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        if self.app.screen is not self:  # it was on its way when the panel closed
            self.app.screen.post_message(events.Key(event.key, event.character))
        elif event.key in _CLOSES:
            self.dismiss(None)
        elif event.key in _MOVES:
            await self._scroll.run_action(_MOVES[event.key])
        elif event.key not in (*_COPIES, "w") or not self.code:
            return
        elif event.key == "w":
            self.dismiss(WRITE)
        else:
            self._say(copy_code(self.app, self.code, "w"))
