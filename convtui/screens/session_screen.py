"""What every page has in common: the keys, changes to the session, playing, messages and typed answers.

A key becomes a pure transition that the app applies; the page only watches the app's session and shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from convtui.engine.kernels import NAMES, legal_sizes
from convtui.engine.spec import PADDING_MODES, Sides
from convtui.keys import all_keys, footer_keys
from convtui.screens.notice import Notice
from convtui.session import KernelChoice, Session, Zoom
from convtui.typed import canonical, parse_at, transition
from convtui.views.words import KEY, Line, link

if TYPE_CHECKING:
    from convtui.app import ConvtuiApp

SPEEDS: Final = (1, 2, 4, 8, 15, 30, 60, 120, 480, 1920)
MOST_TICKS: Final = 30


class SessionScreen(Screen[None]):
    """A page that shows the app's session and changes it by the common keys."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding(key.names, key.action, key.does or key.action, show=False) for key in all_keys()
    ]

    def __init__(self) -> None:
        super().__init__()
        self._player: Timer | None = None
        self._speed = 8
        self._notice = Notice(id="notice")

    # -- what the pages say and ask

    @property
    def convtui(self) -> ConvtuiApp:
        return cast("ConvtuiApp", self.app)

    @property
    def session(self) -> Session:
        return self.convtui.session

    def on_mount(self) -> None:
        self.watch(self.app, "session", self.show_session, init=False)

    def show_session(self, session: Session) -> None:
        """Draw this session; each page its own way."""
        raise NotImplementedError

    def show_keys(self) -> None:
        line = self.key_line()
        self.query_one("#keys", Line).draw(line, lambda: line)

    def key_line(self) -> Content:
        """The footer: the keys that work here."""
        keys = [
            Content.assemble((shown, KEY), " ", link(word, action))
            for shown, word, action in footer_keys(self.size.width)
        ]
        return Content(" ") + Content("  ").join(keys)

    def say(self, text: str, error: bool = False) -> None:
        """A line over the footer until the next key."""
        self._notice.say(text, error)

    def ask(self, question: str, value: str, done: Callable[[str], None]) -> None:
        """Let the user type; `done` gets what was entered."""
        from convtui.screens.prompt import Prompt

        self.query(Prompt).remove()
        self.mount(Prompt(question, value, done))

    def on_key(self) -> None:
        self._quieten()

    def on_mouse_down(self) -> None:
        self._quieten()

    def _quieten(self) -> None:
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
        self.ask("go to (row,column or step)", "", lambda text: self._go_to(text))

    def _go_to(self, text: str) -> None:
        self.change(lambda session: session.at(parse_at(text, session)), "jump")

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
            self.say(f"speed: {self._speed} steps a second; space plays")

    # -- changing the convolution

    def action_stride(self, by: int) -> None:
        rows, columns = self.session.spec.stride
        self.change(lambda session: session.with_spec(stride=(rows + by, columns + by)))

    def action_dilation(self, by: int) -> None:
        rows, columns = self.session.spec.dilation
        self.change(lambda session: session.with_spec(dilation=(rows + by, columns + by)))

    def action_padding(self, by: int) -> None:
        pads = self.session.spec.pads
        if by < 0 and not any(chain(*pads)):
            self.say("padding is 0 already: it must be at least 0", error=True)
            return
        self.change(lambda session: session.with_spec(padding=_grown(pads, by)))

    def action_mode(self, by: int) -> None:
        """The next padding mode that can fill the padding."""
        at = PADDING_MODES.index(self.session.spec.padding_mode)
        mode = PADDING_MODES[(at + by) % len(PADDING_MODES)]
        self.change(lambda session: session.with_spec(padding_mode=mode))

    def action_size(self, by: int) -> None:
        rows, columns = self.session.spec.kernel_size
        size: int | tuple[int, int] = (rows + by, columns + by)
        if self.session.kernel.named and rows == columns:
            sizes = legal_sizes(self.session.kernel.name)
            beyond = [legal for legal in sizes if (legal - rows) * by > 0]
            if not beyond:
                named = self.session.kernel.name
                self.say(f"{named} is made for sizes {sizes[0]} to {sizes[-1]}", error=True)
                return
            size = min(beyond, key=lambda legal: abs(legal - rows))
        self.change(lambda session: session.with_kernel_size(size))

    def action_groups(self, by: int) -> None:
        channels = self.session.convolution.image_shape[0]
        legal = [groups for groups in range(1, channels + 1) if channels % groups == 0]
        if len(legal) == 1:
            self.say("groups must divide the image's channels, and this image has one", error=True)
            return
        groups = legal[(legal.index(self.session.spec.groups) + by) % len(legal)]
        self.change(lambda session: session.with_groups(groups))

    def action_filters(self, by: int) -> None:
        filters = self.session.convolution.weight_shape[0] + by * self.session.spec.groups
        if filters < 1:
            self.say("one filter is the least", error=True)
            return
        self.change(lambda session: session.with_filters(filters))

    def action_kernel(self, by: int) -> None:
        at = NAMES.index(self.session.kernel.name) if self.session.kernel.name in NAMES else -max(by, 0)
        name = NAMES[(at + by) % len(NAMES)]
        self.change(lambda session: session.with_kernel(KernelChoice(name)))

    def action_type(self, name: str) -> None:
        """A setting typed in words, begun with the one that was clicked."""
        start = f"{name} {self._value_of(name)}".strip() if name else ""
        self.ask(":", start, self._typed)

    def _typed(self, text: str) -> None:
        self.change(lambda session: transition(text)(session))

    def _value_of(self, name: str) -> str:
        spec, session = self.session.spec, self.session
        values: dict[str, Any] = {
            "stride": spec.stride,
            "padding": spec.padding,
            "dilation": spec.dilation,
            "size": spec.kernel_size,
            "groups": spec.groups,
            "filters": session.convolution.weight_shape[0],
            "kernel": session.kernel.name,
        }
        return canonical(values[name])

    def action_undo(self) -> None:
        self.convtui.undo()

    def action_redo(self) -> None:
        self.convtui.redo()

    # -- looking

    def action_slice(self, by: int) -> None:
        """Through the slices that the filter reads; a colour picture's own colours come first."""
        slices: Sequence[int | None] = range(self.session.convolution.weight_shape[1])
        if self.session.picture.colour:
            slices = [None, *slices]
        if len(slices) == 1:
            self.say("the filter reads one channel only")
            return
        now = self.session.view.slice if self.session.picture.colour else self.session.slice
        at = slices.index(now) if now in slices else 0
        self.change(lambda session: session.with_view(slice=slices[(at + by) % len(slices)]), "look")

    def action_zoom(self, by: int) -> None:
        zooms = list(Zoom)
        at = zooms.index(self.zoom) - by
        if 0 <= at < len(zooms):
            self.change(lambda session: session.with_view(zoom=zooms[at]), "look")

    @property
    def zoom(self) -> Zoom:
        """The zoom now on the screen."""
        raise NotImplementedError

    def action_hints(self) -> None:
        self.change(lambda session: session.with_view(hints=not session.view.hints), "look")

    def action_unpoint(self) -> None:
        """Forget what was pointed at; pages that let one point have more to do."""

    def action_help(self) -> None:
        from convtui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    # -- files

    def action_save(self) -> None:
        self.convtui.save()

    def action_save_as(self) -> None:
        self.convtui.save_as()

    def action_open(self) -> None:
        self.ask("open an image, a sample or a session:", "", self.convtui.open)

    def on_resize(self, _: events.Resize) -> None:
        self.show_keys()


def _grown(pads: Sides, by: int) -> Sides:
    (top, bottom), (left, right) = pads
    return (max(top + by, 0), max(bottom + by, 0)), (max(left + by, 0), max(right + by, 0))
