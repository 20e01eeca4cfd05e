"""What the command palette finds: every command, sample, kernel, session and theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hits
from textual.system_commands import SystemCommandsProvider
from textual.widgets import Input, OptionList
from textual.worker import Worker

from convtui.engine import kernels, presets
from convtui.engine.spec import PADDING_MODES, PADDING_WORDS
from convtui.inputs import samples
from convtui.lessons.course import Place, built_in_course
from convtui.pages.base.keys import SECTIONS
from convtui.pages.base.modal import ClosesOnce
from convtui.paint.themes import THEMES
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.state.settings import kernel_change, layers_change

if TYPE_CHECKING:
    from convtui.pages.base.host import Host
    from convtui.pages.base.page import Page


OPERATIONS: Final = {
    "conv": "convolution: a kernel slides over the image",
    "convtranspose": "transposed convolution: each pixel lays the kernel on the output",
    "maxpool": "max pooling: the greatest pixel of each window",
    "avgpool": "average pooling: the mean of each window",
    "adaptivemaxpool": "adaptive max pooling: the greatest pixel of so many windows",
    "adaptiveavgpool": "adaptive average pooling: the mean of so many windows",
}


class InOrder(SystemCommandsProvider):
    """Shows the commands in their own order before anything is typed."""

    async def discover(self) -> Hits:
        for title, help_text, callback, _ in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(title, callback, help=help_text)


class Commands(CommandList):
    """Textual's list, except that the second of two clicks, on what the first has emptied, does nothing."""

    def _on_click(self, event: events.Click) -> None:  # type: ignore[override]
        if event.style.meta.get("option", 0) >= self.option_count:
            event.prevent_default()


class CommandMenu(CommandPalette, ClosesOnce[None]):
    """Textual's palette, which crashes the app neither before it is laid out nor after it is closed."""

    def __init__(self) -> None:
        # Without Textual's id: one that is being closed may still be there when the next is opened.
        super().__init__([InOrder])

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield Commands() if isinstance(widget, CommandList) else widget

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _come_too_late(self, event: OptionList.OptionSelected | Input.Submitted) -> None:
        """A command is run once."""
        if self not in self.app.screen_stack:
            event.prevent_default()

    def _gather_commands(self, search_value: str) -> Worker[None] | None:  # type: ignore[override]
        """For a text typed before it was closed there is no list any more."""
        return super()._gather_commands(search_value) if self in self.app.screen_stack else None

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)


def commands(app: App[None], page: Page) -> Iterator[SystemCommand]:
    """All commands, each with a sentence: pages, what can be opened or chosen, then the keys."""
    pages = SECTIONS["Pages"]
    for key in pages:
        yield SystemCommand(
            f"Page: {key.footer}", f"{key.does} (key {key.written})", partial(app.run_action, key.full_action)
        )
    yield from _to_learn(page)
    yield from _to_open(page)
    yield from _to_choose(app, page.host)
    own = page.KEYS
    taken = {name for key in own for name in key.names.split(",")}
    others = (key for key in page.COMMON if taken.isdisjoint(key.names.split(",")) and key not in pages)
    idle = page.idle_actions()
    for key in (*(each for each in own if each.action not in idle), *others):
        yield SystemCommand(_title(key.does), f"key {key.written}", partial(app.run_action, key.full_action))


def _to_learn(page: Page) -> Iterator[SystemCommand]:
    """The steps of the course, the ideas that lead to them, and a new lesson."""
    host = page.host
    new = partial(page.prompt, "write a new lesson to:", "my-lesson.toml", host.write_lesson)
    yield SystemCommand("Lesson: new …", "a commented file that begins with this session", new)
    course = built_in_course()
    if course is None:
        return
    for chapter, lesson in enumerate(course.lessons):
        for step, each in enumerate(lesson.steps):
            title = f"Lesson: {lesson.title}" + (f": {each.title}" if each.title else f" {step + 1}")
            place = Place(chapter, step)
            yield SystemCommand(title, lesson.about, partial(host.open_lesson, place))
            for idea in each.ideas:
                yield SystemCommand(f"Idea: {idea}", title, partial(host.open_lesson, place))


def _to_open(page: Page) -> Iterator[SystemCommand]:
    for name in samples.image_names():
        yield SystemCommand(f"Image: {name}", samples.describe(name), partial(page.host.open, name))
    for name in samples.data_names():
        prompt = partial(page.action_open, f"{name}:test:17")
        yield SystemCommand(f"Image of a data set: {name} …", samples.describe_data(name), prompt)
    for path in samples.session_files():
        yield SystemCommand(
            f"Session: {path.stem}", samples.first_comment(path), partial(page.host.open, path.stem)
        )


def _to_choose(app: App[None], host: Host) -> Iterator[SystemCommand]:
    for name in kernels.NAMES:
        change = _changes(host, partial(Session.with_kernel, choice=KernelChoice(name)))
        yield SystemCommand(f"Kernel: {name}", kernels.describe(name), change)
    for path in samples.kernel_files():
        change = _changes(host, kernel_change(str(path)))
        yield SystemCommand(f"Kernel file: {path.stem}", samples.first_comment(path), change)
    for name in presets.NAMES:
        show = partial(_show_layers, host, name)
        yield SystemCommand(f"Layers: {name}", presets.preset(name).sentence, show)
    for path in samples.layer_files():
        yield SystemCommand(
            f"Layers: {path.stem}", samples.first_comment(path), partial(_show_layers, host, path.stem)
        )
    for kind, about in OPERATIONS.items():
        change = _changes(host, partial(Session.with_kind, kind=kind))
        yield SystemCommand(f"Operation: {about.partition(':')[0]}", about.partition(": ")[2], change)
    for mode in PADDING_MODES:
        change = _changes(host, partial(Session.with_parameters, padding_mode=mode))
        yield SystemCommand(f"Padding mode: {mode}", "what fills the padding", change)
    for padding in PADDING_WORDS:
        change = _changes(host, partial(Session.with_parameters, padding=padding))
        same = "'SAME' in TensorFlow" if padding == "same-tf" else f"{padding!r} in PyTorch"
        yield SystemCommand(f"Padding: {padding}", f"as padding={same}", change)
    for theme in THEMES:
        yield SystemCommand(
            f"Theme: {theme.name.removeprefix('convtui-')}", "colour theme", partial(_use, app, theme.name)
        )


def _title(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _changes(host: Host, make: Callable[[Session], Session]) -> Callable[[], None]:
    def change() -> None:
        host.change(make)

    return change


def _show_layers(host: Host, name: str) -> None:
    if host.change(layers_change(name)):
        host.open_page("layers")


def _use(app: App[None], theme: str) -> None:
    app.theme = theme
