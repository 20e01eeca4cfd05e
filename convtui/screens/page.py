"""What every page is made of: the settings above, a canvas, the keys below, messages, steps and playing.

A key becomes a pure transition that the app applies; the page only watches the app's session and shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from convtui.keys import Key, all_keys, footer_keys
from convtui.screens.ask import Ask
from convtui.screens.notice import Notice
from convtui.session import Session
from convtui.typed import parse_at
from convtui.views.arrange import LEAST_HEIGHT, LEAST_WIDTH
from convtui.views.canvas import Canvas
from convtui.views.controls import Control, controls, controls_line
from convtui.views.words import KEY, Line, link

if TYPE_CHECKING:
    from textual.widget import AwaitMount

    from convtui.app import ConvtuiApp
    from convtui.screens.typed_line import TypedLine

SPEEDS: Final = (1, 2, 4, 8, 15, 30, 60, 120, 480, 1920)
MOST_TICKS: Final = 30


def bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    return [Binding(key.names, key.action, key.does, show=False) for key in keys]


@lru_cache
def _actions_of(page: tuple[Key, ...]) -> dict[str, str]:
    """What each key does on a page, whose own keys come first."""
    return {name: key.full_action for key in (*all_keys(), *page) for name in key.names.split(",")}


class PageScreen(Screen[None]):
    """A page that shows the app's session, can be stepped through and played."""

    BLANK = True  # its widgets cover it: nothing need be drawn under them
    BINDINGS: ClassVar[list[BindingType]] = bindings(all_keys())
    KEYS: ClassVar[tuple[Key, ...]] = ()  # those of this page alone

    def __init__(self) -> None:
        super().__init__()
        self.canvas = Canvas()
        self._controls, self._keys = Line("controls"), Line("keys")
        self._too_small, self._notice = Line("too-small"), Notice(id="notice")
        self._player: Timer | None = None
        self._speed = 8
        self.opening: AwaitMount | None = None  # a line or a question that is on its way to the screen

    def compose(self) -> ComposeResult:
        yield self._controls
        yield self.canvas
        yield self._keys
        yield self._too_small
        yield self._notice

    @property
    def convtui(self) -> ConvtuiApp:
        return cast("ConvtuiApp", self.app)

    @property
    def session(self) -> Session:
        return self.convtui.session

    # -- showing

    def on_mount(self) -> None:
        self.watch(self.app, "session", self.show_session, init=False)
        self.watch(self.app, "theme", self.show_again, init=False)

    def on_resize(self) -> None:
        self.show_keys()
        self.show_again()

    def on_screen_resume(self) -> None:
        self.show_again()

    def on_screen_suspend(self) -> None:
        self.pause()

    def show_again(self) -> None:
        self.show_session(self.session)

    def show_session(self, session: Session) -> None:
        """Draw this session, if it can be seen."""
        width, height = self.size
        if not self.is_current or not width or self._is_too_small(width, height):
            return
        self.show_page(session)
        self.canvas.repaint()
        items = self.controls(session)
        self._controls.draw((items, width), lambda: controls_line(items, width))

    def controls(self, session: Session) -> list[Control]:
        """The settings above the canvas."""
        return controls(session)

    def show_page(self, session: Session) -> None:
        """Hand the session's figures to the panes of the canvas; each page its own way."""
        raise NotImplementedError

    def _is_too_small(self, width: int, height: int) -> bool:
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        if small:
            line = f"convtui needs {LEAST_WIDTH}x{LEAST_HEIGHT}; this terminal is {width}x{height}"
            self._too_small.show(line)
        if self._too_small.display != small:
            self._too_small.display = small
        return small

    def show_keys(self) -> None:
        line = self.key_line()
        self._keys.draw(line, lambda: line)

    def key_line(self) -> Content:
        """The footer: the keys that work here."""
        playing = f" ▶ {self._speed} a second " if self.playing else ""
        keys = [
            Content.assemble((shown, KEY), " ", link(word, action))
            for shown, word, action in footer_keys(self.KEYS, self.size.width - len(playing))
        ]
        return Content.styled(playing, KEY) + Content(" ") + Content("  ").join(keys)

    # -- saying and asking

    def say(self, text: str, error: bool = False) -> None:
        """A line over the footer, or over the line that is typed into, until the next key."""
        self._notice.set_class(bool(self.query("Prompt, EditLine")), "raised")
        self._notice.say(text, error)

    def ask(self, question: str, value: str, done: Callable[[str], object]) -> None:
        """Let the user type; `done` gets what was entered. Where it returns False, ask again."""
        from convtui.screens.prompt import Prompt

        def again(text: str) -> None:
            if done(text) is False:
                self.ask(question, text, done)
                self._notice.add_class("raised")

        self.query(Prompt).remove()
        self.opening = self.mount(Prompt(question, value, again))

    async def on_key(self, event: events.Key) -> None:
        """Take keys one after another, those that came while the one before was still at work too."""
        if self.app.screen is not self:
            self._pass_on(event)
            return
        line = cast("TypedLine | None", self.focused)
        if line is not None:
            self.quieten()
            if not line.has_seen(event):
                event.stop()
                line.take(event)
        elif event.key in self._actions:
            self.quieten()
            event.stop()
            await self.run_action(self._actions[event.key])
        if self.opening is not None:
            opening, self.opening = self.opening, None
            await opening

    def _pass_on(self, event: events.Key) -> None:
        """A key that was on its way before a question or another page opened."""
        event.stop()
        top = self.app.screen
        if isinstance(top, Ask | PageScreen):
            top.post_message(events.Key(event.key, event.character))

    @property
    def _actions(self) -> dict[str, str]:
        return _actions_of(self.KEYS)

    def on_mouse_down(self) -> None:
        self.quieten()

    def quieten(self) -> None:
        """What was said has been read."""
        if self._notice.display:
            self._notice.display = False

    def change(self, make: Callable[[Session], Session], run: str = "") -> bool:
        """Apply a transition; where it is refused say why and keep the last good session."""
        return self.convtui.change(make, run)

    # -- stepping

    def action_cells(self, count: int) -> None:
        self.change(lambda session: session.moved(count), "move")

    def action_rows(self, count: int) -> None:
        self.change(lambda session: session.moved_rows(count), "move")

    def action_channels(self, count: int) -> None:
        self.change(lambda session: session.moved_channels(count), "move")

    def action_ends(self, direction: int) -> None:
        self.change(lambda session: session.at(session.size - 1 if direction > 0 else 0), "jump")

    def action_multiply_add(self, count: int) -> None:
        self.change(lambda session: session.multiply_added(count), "move")

    def action_finish(self) -> None:
        self.change(Session.finished)

    def action_restart(self) -> None:
        self.change(Session.restarted)

    def action_go_to(self) -> None:
        self.ask("go to (row,column or step)", "", self._go_to)

    def _go_to(self, text: str) -> bool:
        return self.change(lambda session: session.at(parse_at(text, session)), "jump")

    # -- playing

    @property
    def playing(self) -> bool:
        return self._player is not None

    def action_play(self) -> None:
        if self.playing:
            self.pause()
            return
        if self.session.index + 1 == self.session.size and self.session.taps is None:
            self.say("this is the last output cell: r restarts")
            return
        self._start_player()
        self.show_keys()

    def pause(self) -> None:
        if self._player is not None:
            self._player.stop()
            self._player = None
            self.show_keys()

    def _start_player(self) -> None:
        self._player = self.set_interval(1 / min(self._speed, MOST_TICKS), self._play_on)

    def _play_on(self) -> None:
        count = max(1, self._speed // MOST_TICKS)
        session = self.session
        inside = session.taps is not None
        self.change(lambda now: now.multiply_added(count) if inside else now.moved(count), "move")
        now = self.session
        if now.index + 1 == now.size and (now.taps is None or now.taps == now.products):
            self.pause()

    def action_speed(self, direction: int) -> None:
        at = min(max(SPEEDS.index(self._speed) + direction, 0), len(SPEEDS) - 1)
        self._speed = SPEEDS[at]
        if self.playing:
            assert self._player is not None
            self._player.stop()
            self._start_player()
            self.show_keys()
        else:
            steps = "1 step" if self._speed == 1 else f"{self._speed} steps"
            self.say(f"speed: {steps} a second; space plays")
