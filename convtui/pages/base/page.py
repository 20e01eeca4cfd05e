"""What every page has: the settings above, a canvas, the keys below, notices, typed lines, undo and files.

A key becomes a pure transition that the app applies; a page only watches what it shows and draws it again.

Keys have one mechanism, the tables of keys.py, which on_key looks up. Textual's BINDINGS are not used: a
binding runs at once, but a key may open a line to type into, and the keys that follow it arrive before that
line is on the screen. on_key waits for whatever is opening and hands late keys on, so that none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from convtui.inputs.names import printable
from convtui.pages.base.keys import FooterKey, Key, everywhere, footer_keys, line_length, page_keys
from convtui.pages.base.layout import (
    LEAST_FOR_BOTH,
    LEAST_FOR_LESSON,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    strip_height,
)
from convtui.pages.base.modal import ClosesOnce
from convtui.pages.base.notice import Notice
from convtui.pages.base.player import Player
from convtui.paint.canvas import Canvas
from convtui.paint.colours import Palette
from convtui.paint.controls import Control, controls_line
from convtui.paint.text_line import KEY_STYLE, TextLine, link
from convtui.paint.themes import palette_of
from convtui.state.history import Document
from convtui.state.session import SESSION, Session

if TYPE_CHECKING:
    from textual.suggester import Suggester
    from textual.widget import AwaitMount

    from convtui.lessons.view import LessonView
    from convtui.pages.base.host import Host
    from convtui.pages.base.lesson_strip import LessonStrip
    from convtui.pages.base.prompt import Prompt
    from convtui.pages.base.typed_line import TypedLine


@cache
def _actions_of(page: type[Page]) -> dict[str, str]:
    """What each key does; of two that are the same the later counts."""
    return {name: key.full_action for key in (*page.COMMON, *page.KEYS) for name in key.names.split(",")}


def _footer_word(item: FooterKey, is_current: bool = False) -> Content:
    key, word, action = item
    if is_current:
        return Content.styled(f"{key} {word}", "bold reverse")
    return Content.assemble(link(f"{key} ", action, KEY_STYLE), link(word, action))


class Page(Screen[None]):
    """A page of the app."""

    BLANK = True  # its widgets cover it: nothing need be drawn under them
    COMMON: ClassVar[tuple[Key, ...]] = everywhere()  # the keys that it shares with other pages
    KEYS: ClassVar[tuple[Key, ...]] = ()  # those of this page alone
    GROUPS: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # panes that lessons name together
    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # which panes each mask of a lesson hides
    ANIMATED: ClassVar[tuple[str, ...]] = ()  # what an animation shows; (): what it usually does
    DOCUMENT: ClassVar[Document[Any]] = SESSION  # what is undone here

    class Done(Message):
        """Another thread has done its work; `then` is what is to be done with it."""

        def __init__(self, then: Callable[[], None]) -> None:
            super().__init__()
            self.then = then

    def __init__(self) -> None:
        super().__init__()
        self.canvas = Canvas()
        self._controls, self._keys = TextLine("controls"), TextLine("keys")
        self._instead, self._notice = TextLine("cover"), Notice(id="notice")
        self.player: Player | None = None  # of a page whose steps can be played
        self._strip: LessonStrip | None = None  # from the first lesson on; not displayed while none is open
        self.opening: AwaitMount | None = None  # a line or a question that is on its way to the screen

    def compose(self) -> ComposeResult:
        yield self._controls
        yield self.canvas
        yield self._keys
        yield self._instead
        yield self._notice

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    @property
    def session(self) -> Session:
        return self.host.session

    # -- showing

    @property
    def palette(self) -> Palette:
        """The colours of the cells, for this theme and this terminal."""
        has_few = self.app.console.color_system in ("standard", "windows")
        return palette_of(self.app.current_theme.dark, self.app.no_color, has_few)

    def on_mount(self) -> None:
        self.host.timelines.watch(SESSION, self.show_again)
        self.watch(self.app, "theme", self.show_again, init=False)

    def on_resize(self) -> None:
        self.show_keys()
        self.show_again()

    def on_screen_resume(self) -> None:
        self.show_again()

    def on_screen_suspend(self) -> None:
        self.pause()

    def show_again(self) -> None:
        """Draw the page, if it can be seen."""
        width, height = self.size
        if not self.is_current or not width or not self.canvas.is_attached:
            return
        lesson = self.host.lesson
        if lesson is not None or self._has_strip:
            self._show_lesson(lesson)
        if self._is_covered(width, height, lesson):
            return
        self.show_page()
        self.canvas.repaint()
        items = self.controls()
        marked = lesson.marked if lesson else frozenset()
        self._controls.draw((items, width, marked), lambda: controls_line(items, width, marked))

    @property
    def room(self) -> Size:
        """The page without its lesson: as large as if the terminal had only these columns and rows."""
        width, height = self.size
        if not self._has_strip:
            return self.size
        return Size(width, height - strip_height(height) + (height < LEAST_FOR_BOTH))

    @property
    def _has_strip(self) -> bool:
        return self._strip is not None and self._strip.display

    def _show_lesson(self, lesson: LessonView | None) -> None:
        """The strip and what it hides or points at; without a lesson neither."""
        from convtui.pages.base.lesson_strip import LessonStrip

        width, height = self.size
        if lesson is None:
            if self._strip is not None:
                self._strip.display = False
            self._keys.display = True
            self.canvas.point_out(frozenset(), frozenset())
            return
        if lesson.heading:
            if self._strip is None:
                self._strip = LessonStrip()
                self.mount(self._strip, after=self.canvas)
            self._strip.display = True
            self._strip.show_view(lesson, width, height)
            self._keys.display = height >= LEAST_FOR_BOTH
        hidden = (name for mask in lesson.masks for name in self.masked(mask))
        marked = (name for each in lesson.marked for name in self.GROUPS.get(each, (each,)))
        self.canvas.point_out(frozenset(marked), frozenset(hidden))

    def masked(self, mask: str) -> tuple[str, ...]:
        """The panes that a mask of a lesson hides."""
        return self.MASKED.get(mask, ())

    def controls(self) -> list[Control]:
        """The settings above the canvas."""
        raise NotImplementedError

    def show_page(self) -> None:
        """Hand the figures of what is shown to the panes of the canvas."""
        raise NotImplementedError

    def _is_covered(self, width: int, height: int, lesson: LessonView | None) -> bool:
        """Whether a sentence stands for the page: it is too small, or would give an answer away."""
        has_strip = lesson is not None and lesson.heading
        least = LEAST_FOR_LESSON if has_strip else (LEAST_WIDTH, LEAST_HEIGHT)
        line, left_free = "", 0
        if width < least[0] or height < least[1]:
            what = "a lesson" if has_strip else "convtui"
            line = f"{what} needs {least[0]}x{least[1]}; this terminal is {width}x{height}"
        elif lesson and lesson.masks and lesson.page != self.app.current_mode:
            line = "hidden while the question is open: J goes back to it, F shows the answer"
            left_free = height - self.room.height + 1
        if line:
            self._instead.show(line)
            self._instead.styles.height = height - left_free
        if self._instead.display != bool(line):
            self._instead.display = bool(line)
        return bool(line)

    def show_keys(self) -> None:
        line = self.key_line()
        self._keys.draw(line, lambda: line)

    def key_line(self) -> Content:
        """The footer: the keys that work here, and at its right the pages."""
        pages = page_keys(self.size.width)
        room = self.size.width - 1 - line_length(pages)
        keys = footer_keys(self.KEYS, self.COMMON, room, self._words_now())
        action = f"screen.page({self.app.current_mode!r})"
        tabs = Content("  ").join(_footer_word(each, is_current=each[2] == action) for each in pages)
        line = Content(" ") + Content("  ").join(map(_footer_word, keys))
        return line + Content(" " * max(self.size.width - 1 - line.cell_length - tabs.cell_length, 2)) + tabs

    def _words_now(self) -> dict[str, str]:
        playing = {"play": self.player.word} if self.player and self.playing else {"speed": ""}
        return {**self.footer_words(), **playing}

    def footer_words(self) -> Mapping[str, str]:
        """What some of the footer's words are in the present state; "" for a key that does nothing now."""
        return {}

    def idle_actions(self) -> frozenset[str]:
        """What its own keys cannot do for what is open: neither help nor menu offers it."""
        return frozenset()

    # -- what other threads do

    def in_thread(self, work: Callable[[], Callable[[], None]]) -> None:
        """Have work done elsewhere; what it returns is called here."""

        def run() -> None:
            then = work()
            if not get_current_worker().is_cancelled:
                self.in_app_thread(then)

        self.run_worker(run, thread=True, exit_on_error=True)

    def in_app_thread(self, then: Callable[[], None]) -> None:
        """Have this called in the app's thread."""
        self.post_message(self.Done(then))

    def on_page_done(self, message: Done) -> None:
        message.stop()
        message.then()

    # -- saying and asking

    def say(self, text: str, error: bool = False) -> None:
        """A line over the footer, or over the line that is typed into, until the next key."""
        self._notice.set_class(bool(self.query("Prompt, EditLine")), "raised")
        self._notice.say(text, error)

    def prompt(
        self,
        question: str,
        value: str,
        done: Callable[[str], object],
        example: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        """Let the user type; `done` gets what was entered. Where it returns False, ask again.

        An empty line shows the example; without one, where a setting is asked for, those of the key for that.
        """
        from convtui.pages.base.prompt import Prompt

        def again(text: str) -> None:
            if done(text) is False:
                self.prompt(question, text, done, example, suggester)
                self._notice.add_class("raised")

        self.close_prompt()
        example = example or (self._settings if question == ":" else "")
        self.opening = self.mount(Prompt(question, value, again, example, suggester))

    def close_prompt(self) -> None:
        """Take away the line that the user types into, if there is one."""
        for prompt in self.query("Prompt"):
            cast("Prompt", prompt).close()

    @property
    def _settings(self) -> str:
        """Settings that can be typed here, as the help has them."""
        does = next(key.does for key in (*self.KEYS, *self.COMMON) if key.names == "colon")
        return does.partition(": ")[2]

    async def on_key(self, event: events.Key) -> None:
        """Take keys one after another, those that came while the one before was still at work too."""
        if not self.is_attached:  # the app is ending, and nothing can be opened any more
            event.stop()
            return
        if self.app.screen is not self:
            self._pass_on(event)
            return
        line = cast("TypedLine | None", self.focused)
        if line is not None:
            self.quieten()
            if not line.has_seen(event):
                event.stop()
                await line.take(event)
        elif event.key in self.actions:
            self.quieten()
            event.stop()
            await self.run_action(self.actions[event.key])
        if self.opening is not None:
            opening, self.opening = self.opening, None
            await opening

    def _pass_on(self, event: events.Key) -> None:
        """A key that was on its way before a question or another page opened."""
        event.stop()
        top = self.app.screen
        if isinstance(top, Page) or (isinstance(top, ClosesOnce) and top.TAKES_LATE_KEYS):
            top.post_message(events.Key(event.key, event.character))

    @property
    def actions(self) -> Mapping[str, str]:
        """The action of each key that works here."""
        return _actions_of(type(self))

    def on_mouse_down(self) -> None:
        self.quieten()

    def quieten(self) -> None:
        """What was said has been read."""
        if self._notice.display:
            self._notice.display = False

    def change(self, make: Callable[[Session], Session], kind: str = "") -> bool:
        """Apply a transition of the session; where it is refused, say why. Tells whether it was applied."""
        return self.host.change(make, kind)

    # -- playing

    @property
    def playing(self) -> bool:
        return self.player is not None and self.player.is_on

    def pause(self) -> None:
        if self.player:
            self.player.pause()

    def action_play(self) -> None:
        if self.player:
            self.player.toggle()

    def action_speed(self, direction: int) -> None:
        if self.player:
            self.player.change_speed(direction)

    # -- the same on every page

    @property
    def document(self) -> Document[Any]:
        """What is undone here now."""
        return self.DOCUMENT

    def action_type(self, name: str) -> None:
        """A setting typed in words, begun with the one that was clicked."""
        raise NotImplementedError

    def action_undo(self) -> None:
        if not self.host.timelines.undo(self.document):
            self.say("nothing to undo")

    def action_redo(self) -> None:
        if not self.host.timelines.redo(self.document):
            self.say("nothing to redo")

    def action_hints(self) -> None:
        self.change(lambda session: session.with_view(hints=not session.view.hints), "look")

    def action_page(self, name: str) -> None:
        self.host.open_page(name)

    # -- what is carried away

    def code_of_page(self) -> Callable[[], str]:
        """What writes PyTorch code of what is shown now, in any thread; it may raise ValueError, too.

        Raises ValueError where there is no such code.
        """
        raise NotImplementedError

    def action_copy_code(self) -> None:
        from convtui.pages.base.code_panel import copy_code

        self._with_code(
            lambda code: self.say(copy_code(self.app, code, "ctrl+y, then w")),
            lambda why: self.say(why, error=True),
        )

    def action_show_code(self) -> None:
        from convtui.pages.base.code_panel import CodeScreen

        panel = CodeScreen()

        def closed(answer: str | None) -> None:
            if answer:
                name = f"{self.app.current_mode}.py"
                self.prompt("write the code to:", name, lambda text: self.host.write_code(text, panel.code))

        self.opening = self.app.push_screen(panel, closed)
        self._with_code(panel.show_code, panel.refuse)

    def _with_code(self, done: Callable[[str], None], refused: Callable[[str], None]) -> None:
        """Have the code written in another thread, as it reads files; or say why there is none."""
        try:
            write = self.code_of_page()
        except ValueError as error:
            refused(printable(str(error)))
            return

        def work() -> Callable[[], None]:
            try:
                code = write()
            except (ValueError, OSError, MemoryError) as error:
                why = printable(str(error) or "out of memory")
                return partial(refused, why)
            return partial(done, code)

        self.in_thread(work)

    def session_to_animate(self) -> Session:
        """What ctrl+g animates. Raises ValueError where nothing steps."""
        raise ValueError("nothing slides on this page; 1 shows a window that does, ctrl+f draws the screen")

    def action_animate(self) -> None:
        """An animation of what is stepped through: a file that is asked for, and the steps."""
        from convtui.export.animation import file_stem, steps_of

        try:
            session = self.session_to_animate()
            steps = steps_of(session)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return
        is_all = steps[-1] - steps[0] + 1 == len(steps)
        name = f"{file_stem(session)}.gif" + (f" {steps[0]}-{steps[-1]}" if is_all else "")
        question, example = "animate to (.gif or .svg) and its steps:", "conv.gif 0-24 · conv.svg"
        self.prompt(question, name, partial(self._draw_animation, session), example)

    def _draw_animation(self, session: Session, text: str) -> bool:
        from convtui.export.animation import Typed, animate

        try:
            typed = Typed.of(text)
        except (ValueError, OSError, RuntimeError) as error:
            self.say(printable(str(error)), error=True)
            return False
        is_dark, panes = self.app.current_theme.dark, self.ANIMATED
        self._draw(typed.out, lambda: f"{animate(session, typed.out, typed.steps, is_dark, panes)} steps")
        return True

    def _draw(self, out: Path, draw: Callable[[], str]) -> None:
        """Draw a file in another thread; tell when that begins, and how it ends."""
        self.say(f"drawing {printable(str(out))} …")

        def work() -> Callable[[], None]:
            try:
                what = draw()
            except (ValueError, OSError, MemoryError) as error:
                why = printable(str(error) or "out of memory")
                return partial(self.say, why, error=True)
            return partial(self.host.tell_written, out, what)

        self.in_thread(work)

    def action_picture(self) -> None:
        """The screen as it is now, which is drawn before a prompt lies over it."""
        svg = self.app.export_screenshot(simplify=True)
        self.prompt("picture to (.svg):", f"{self.app.current_mode}.svg", partial(self._write_screen, svg))

    def _write_screen(self, svg: str, text: str) -> bool:
        from convtui.export.screen import write_screen

        out = Path(text).expanduser()
        try:
            write_screen(svg, out)
        except (ValueError, OSError, RuntimeError) as error:
            self.say(printable(str(error)), error=True)
            return False
        self.host.tell_written(out)
        return True

    # -- the lesson that is open

    def action_lesson_go_on(self) -> None:
        """The next step, or first the answer to a question that is typed."""
        lesson = self.host.lesson
        if lesson and lesson.is_open and lesson.is_typed:
            from convtui.lessons.view import choice_lines

            # Where there is no line to spare the prompt lies over the last of the strip: say it again.
            said = choice_lines(lesson.choices, self.app.size.width - 2) or [lesson.question]
            self.prompt("answer:", "", self.host.lessons.answer, said[-1].strip())
        elif self._has_lesson():
            self.host.lessons.go_on()

    def action_lesson_back(self) -> None:
        if self._has_lesson():
            self.host.lessons.go_back()

    def action_lesson_show(self) -> None:
        if self._has_lesson():
            self.host.lessons.show_answer()

    def action_lesson_restore(self) -> None:
        if self._has_lesson():
            self.host.lessons.restore()

    def action_outline(self) -> None:
        self.host.open_outline()

    def _has_lesson(self) -> bool:
        if self.host.lesson is None:
            self.say("no lesson is open; O opens the course")
        return self.host.lesson is not None

    def action_help(self) -> None:
        from convtui.pages.base.help import HelpScreen

        self.app.push_screen(HelpScreen(self.app.current_mode, self.idle_actions()))

    def action_save(self) -> None:
        self.host.save()

    def action_save_as(self) -> None:
        self.host.save_as()

    def action_open(self, name: str = "") -> None:
        from convtui.pages.base.suggest import SuggestToOpen

        question, example = "open an image or a session:", "cat-32 · mnist-12k:test:17 · photo.jpg"
        self.prompt(question, name, self.open_named, example, SuggestToOpen())

    def open_named(self, text: str) -> bool:
        """Open an image or a session by path or name; tells whether there was nothing to refuse."""
        return self.host.open(text)
