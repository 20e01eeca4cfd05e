"""Draw a screen to a file without a terminal, for notes, slides and tests.

The same session gives the same bytes everywhere: the caller's terminal, the clock and the folder do not
affect them, so a file changes only when what it shows does.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from convtui.cli.output import tell
from convtui.inputs.names import printable
from convtui.state.session import Session
from convtui.store.session_file import write

if TYPE_CHECKING:
    from textual.strip import Strip

    from convtui.app.app import ConvtuiApp
    from convtui.lessons.view import LessonView
    from convtui.tracing.open_model import OpenModel
    from convtui.training.recipe import Recipe
    from convtui.training.trainer import Trainer

SMALLEST: Final = (60, 20)
LARGEST: Final = (400, 1000)  # so that the table of a network of hundreds of layers is whole

_FIRST_LINE: Final = 4 * LARGEST[0]  # bytes

_TERMINAL: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
_TERMINALS_OWN: Final = re.compile("NO_COLOR|FORCE_COLOR|COLUMNS|LINES|JUPYTER_.*|TTY_.*|TEXTUAL_.*")


def parse_size(text: str) -> tuple[int, int]:
    """(columns, rows) from "120x40". Raises ValueError outside 60x20 to 400x1000."""
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*[x×,]\s*([0-9]{1,9})\s*", text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if any(not least <= n <= most for least, n, most in zip(SMALLEST, size, LARGEST, strict=True)):
        legal = "{}x{} to {}x{}".format(*SMALLEST, *LARGEST)
        raise ValueError(f"size {printable(text)}: must be columns x rows from {legal}, such as 120x40")
    return size


def render(
    session: Session,
    out: Path,
    screen: str = "step",
    size: tuple[int, int] = (120, 40),
    theme: str = "dark",
    run: str | None = None,
    recipe: "Recipe | None" = None,
    still: "LessonView | None" = None,
    network: "OpenModel | None" = None,
) -> None:
    """Draw a screen of the session, of size (columns, rows), to `out`: an image as .svg or text as .txt.

    run: the number or folder of the saved run that the batchnorm and train screens show. recipe: of the next
    run, on the Train screen. still: what a lesson hides and points at.
    network: the sample model that the Layers screen shows.
    Raises ValueError if there is no such run or its network cannot be loaded, for any other suffix, and if
    `out` cannot be written or is a file that was not drawn by this function.
    """
    draw = _DRAWN.get(out.suffix.lower())
    if draw is None:
        raise ValueError(
            f"{out}: the name must end in .svg or .txt, or .png for a diagram; a browser turns .svg into PDF"
        )
    if not out.parent.is_dir():
        raise ValueError(f"{out}: the folder {out.parent} does not exist")
    require_replaceable(out)
    with _terminal_of_our_own():
        app = _app(session, screen, theme, run, recipe=recipe, still=still, network=network)
        text = asyncio.run(_drawn(app, screen, size, draw))
    write(text, out)


def require_replaceable(out: Path) -> None:
    """Raises ValueError for a file that was not drawn by `render`."""
    if out.is_file() and not _is_drawn(out):
        raise ValueError(f"{out}: not drawn by convtui, so not replaced; choose another file name")


def _app(
    session: Session,
    screen: str,
    theme: str,
    run: str | None,
    **shown: Any,
) -> "ConvtuiApp":
    from convtui.app.app import ConvtuiApp

    trainer = _showing(run, screen) if screen in ("batchnorm", "layers", "train") else None
    return ConvtuiApp(session, theme=theme, autosave=False, trainer=trainer, **shown)


async def _drawn(
    app: "ConvtuiApp", screen: str, size: tuple[int, int], draw: Callable[["ConvtuiApp"], str]
) -> str:
    async with app.run_test(size=size) as pilot:
        await app.switch_mode(screen)
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        lines: list[Strip] = []
        # Until layout and other threads have settled, and every cell in view is computed.
        while lines != (lines := _lines(app)) or app.page.canvas.is_behind:
            await app.workers.wait_for_complete()
            await pilot.pause()
        return draw(app)


def _showing(text: str | None, screen: str) -> "Trainer":
    """A trainer that shows a saved run and trains nothing.

    Raises ValueError if there is no such run, and for the batchnorm screen if its network cannot be loaded.
    """
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import find_run
    from convtui.training.trainer import Trainer

    trainer = Trainer(start=None)
    if text is None:
        return trainer
    run = find_run(text)
    trainer.current = history = RunHistory.of_run(run)
    if history.left_out:
        tell(f"run {printable(run.number)}: {history.left_out}")
    if screen == "batchnorm":
        from convtui.pages.batchnorm.network_source import NetworkSource

        history.saved = run.latest_checkpoint().step  # whatever is in the log
        # The page would show a seeded network instead of one that cannot be had.
        NetworkSource(history.recipe, run=history.run, step=history.saved).load()
    return trainer


def _lines(app: "ConvtuiApp") -> list["Strip"]:
    return app.screen._compositor.render_strips()


def _svg(app: "ConvtuiApp") -> str:
    from convtui.export.screen import in_fonts_of_the_reader

    return in_fonts_of_the_reader(app.export_screenshot(simplify=True))


def _text(app: "ConvtuiApp") -> str:
    return "".join(f"{line.text.rstrip()}\n" for line in _lines(app))


_DRAWN: Final = {".svg": _svg, ".txt": _text}


def _is_drawn(file: Path) -> bool:
    """Whether a file starts like those drawn here; an empty file has nothing to lose."""
    if file.suffix.lower() == ".svg":
        from convtui.export.files import is_drawn

        return is_drawn(file)
    with suppress(OSError), file.open("rb") as content:
        begin = content.read(_FIRST_LINE).decode(errors="replace")
        first = begin.partition("\n")[0]
        return not begin or (first.startswith(" ") and "‹" in first)
    return False


@contextmanager
def _terminal_of_our_own() -> Iterator[None]:
    before = dict(os.environ)
    for name in filter(_TERMINALS_OWN.fullmatch, before):
        del os.environ[name]
    os.environ.update(_TERMINAL)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
