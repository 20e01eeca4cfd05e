"""The floor that convtui is measured against: a Textual app in which each key changes one character."""

from rich.segment import Segment
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Digit(Widget):
    """One digit in an empty screen, drawn by the Line API."""

    DEFAULT_CSS = "Digit { width: 1fr; height: 1fr; }"
    digit = 0

    def render_line(self, y: int) -> Strip:
        text = str(self.digit) if y == 0 else ""
        return Strip([Segment(text.ljust(self.size.width))], self.size.width)


class SmallestApp(App[None]):
    """Shows a digit; every key but q counts it on."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Digit()

    def on_key(self, event: events.Key) -> None:
        if event.key == "q":
            self.exit()
            return
        widget = self.query_one(Digit)
        widget.digit = (widget.digit + 1) % 10
        widget.refresh(Region(0, 0, 1, 1))


if __name__ == "__main__":
    SmallestApp().run()
