"""What the command palette finds: every command, sample, kernel, session and theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.command import CommandPalette

from convtui import samples
from convtui.engine import kernels, presets
from convtui.engine.spec import PADDING_MODES
from convtui.session import KernelChoice, Session
from convtui.themes import THEMES
from convtui.typed import kernel_change, layers_change

if TYPE_CHECKING:
    from convtui.app import ConvtuiApp


class Palette(CommandPalette):
    """Textual's palette, in which paging a list that is not laid out yet would end the app."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)


def commands(app: ConvtuiApp) -> Iterator[SystemCommand]:
    """All of them, each with a sentence."""
    own = app.page.KEYS
    taken = {name for key in own for name in key.names.split(",")}
    for key in (*own, *(key for key in app.page.COMMON if taken.isdisjoint(key.names.split(",")))):
        yield SystemCommand(_title(key.does), f"key {key.written}", partial(app.run_action, key.full_action))
    for name in samples.image_names():
        yield SystemCommand(f"Image: {name}", samples.describe(name), partial(app.open, name))
    for path in samples.session_files():
        yield SystemCommand(
            f"Session: {path.stem}", samples.first_comment(path), partial(app.open, path.stem)
        )
    for name in kernels.NAMES:
        change = _changes(app, partial(Session.with_kernel, choice=KernelChoice(name)))
        yield SystemCommand(f"Kernel: {name}", kernels.describe(name), change)
    for path in samples.kernel_files():
        change = _changes(app, kernel_change(str(path)))
        yield SystemCommand(f"Kernel file: {path.stem}", samples.first_comment(path), change)
    for name in presets.NAMES:
        show = partial(_show_layers, app, name)
        yield SystemCommand(f"Layers: {name}", presets.preset(name).sentence, show)
    for path in samples.layer_files():
        yield SystemCommand(
            f"Layers: {path.stem}", samples.first_comment(path), partial(_show_layers, app, path.stem)
        )
    for mode in PADDING_MODES:
        change = _changes(app, partial(Session.with_spec, padding_mode=mode))
        yield SystemCommand(f"Padding mode: {mode}", "what lies beyond the border", change)
    for padding in ("same", "valid"):
        change = _changes(app, partial(Session.with_spec, padding=padding))
        yield SystemCommand(f"Padding: {padding}", "as PyTorch's padding=…", change)
    for theme in THEMES:
        yield SystemCommand(
            f"Theme: {theme.name.removeprefix('convtui-')}", "colours", partial(_use, app, theme.name)
        )


def _title(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _changes(app: ConvtuiApp, make: Callable[[Session], Session]) -> Callable[[], None]:
    def change() -> None:
        app.change(make)

    return change


def _show_layers(app: ConvtuiApp, name: str) -> None:
    if app.change(layers_change(name)):
        app.switch_mode("layers")


def _use(app: ConvtuiApp, theme: str) -> None:
    app.theme = theme
