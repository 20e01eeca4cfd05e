"""What the app shows at a step of a lesson: the session, and the recipe of the next run.

A step is set up as a user would do it: an image is opened, then settings are typed, one after another. Where
one is refused the error names the step's line in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from convtui.inputs.images import InputError
from convtui.inputs.names import printable
from convtui.lessons.figures import Seen
from convtui.lessons.lesson import Lesson, LessonStep
from convtui.lessons.lesson_file import LessonError
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session, View, Zoom
from convtui.state.settings import transition
from convtui.training.recipe import Recipe

if TYPE_CHECKING:
    from convtui.lessons.figures import RunFigures
    from convtui.state.batchnorm import BatchNormSession
    from convtui.state.batchnorm_settings import Transition
    from convtui.tracing.recording import Recording

DEFAULT_IMAGE: Final = "mnist-7"
Made = TypeVar("Made")

_QUOTES: Final = "'\""

_WITH_FILES: Final = ("kernel", "layers", "network", "data")  # settings whose value may be a file


@dataclass(frozen=True, eq=False)
class SetUp:
    """What a step begins with: its session, and the recipe and the model that the lesson names, if any."""

    session: Session
    recipe: Recipe | None = None
    recording: Recording | None = None

    def seen(self, run: RunFigures | None = None, batchnorm: BatchNormSession | None = None) -> Seen:
        """What the figures are computed from."""
        return Seen(self.session, run, batchnorm, self.recording.trace if self.recording else None)


class SetUps:
    """What each step of a lesson begins with, worked out when it is asked for."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._known: dict[int, SetUp] = {}

    def of(self, index: int) -> SetUp:
        """Raises LessonError for what cannot be opened, and for a setting that is refused."""
        first = index
        while first > 0 and first not in self._known and not self._lesson.steps[first].image:
            first -= 1
        for at in range(first, index + 1):
            if at not in self._known:
                before = self._known.get(at - 1)
                session = _session(
                    self._lesson.path, self._lesson.steps[at], before.session if before else None
                )
                recording = _recording(self._lesson.path, self._lesson.steps[at], session)
                self._known[at] = SetUp(session, self._recipe(at), recording)
        return self._known[index]

    def _recipe(self, index: int) -> Recipe | None:
        """The one that was named last."""
        for step in reversed(self._lesson.steps[: index + 1]):
            if step.recipe is not None:
                path = self._lesson.path
                return _at_line(path, step, "recipe", partial(_recipe, step.recipe, path.parent))
        return None


def _session(path: Path, step: LessonStep, before: Session | None) -> Session:
    """What a step of the lesson in that file begins with, after the session of the step before."""
    if step.image or before is None:
        session = _at_line(path, step, "image", partial(_opened, step.image or DEFAULT_IMAGE, path.parent))
    else:
        session = replace(before, taps=None, view=View())
    for key, chosen in (("operation", step.operation), ("way", step.way)):
        if chosen:
            session = _at_line(path, step, key, partial(changed, session, f"{key} {chosen}", path.parent))
    for text in step.settings:
        session = _at_line(path, step, "settings", partial(changed, session, text, path.parent))
    session = session.finished() if step.finished else session
    session = _at_line(path, step, "multiply_adds", partial(_inside_a_cell, session, step.multiply_adds))
    slice = _at_line(path, step, "slice", partial(_slice, session, step.slice))
    zoom = Zoom(step.zoom) if step.zoom else None
    return session.with_view(zoom=zoom, slice=slice, **dict.fromkeys(step.view, True))


def _recording(path: Path, step: LessonStep, session: Session) -> Recording | None:
    """The trace of the step's model on its image."""
    if not step.model:
        return None
    from convtui.tracing.recording import recorded

    shape = session.picture.pixels.shape
    recording = _at_line(path, step, "model", partial(recorded, step.model, shape))
    last = len(recording.trace.graph.ops) - 1
    if step.row is not None and step.row > last:
        raise LessonError.at(str(path), step.line_of("row"), f"row {step.row}: the last one is {last}")
    return recording


def changed(session: Session, text: str, folder: Path) -> Session:
    """The session after a setting was typed, whose files may lie in that folder. Raises ValueError."""
    from convtui.store.pictures import reopened

    return transition(_with_file(text, folder), reopened)(session)


def norm_transition(text: str) -> Transition:
    """What a setting of the batch norm does as a step has it. Raises ValueError."""
    from convtui.state.batchnorm_settings import parse_setting, transition

    name, value = parse_setting(text)
    if name == "seed":
        raise ValueError(f"{printable(text)}: a step cannot choose other weights")
    return transition(name, value)


def _opened(image: str, folder: Path) -> Session:
    """As `convtui IMAGE` opens it: PyTorch's defaults and the top-edge kernel; or a session."""
    from convtui.inputs import samples
    from convtui.store.pictures import open_any
    from convtui.store.session_file import is_session_file, load

    bundled = {file.stem: str(file) for file in samples.session_files()}
    found = _beside(folder, image)
    found = bundled.get(found, found)
    if is_session_file(found):
        return replace(load(Path(found)), path=None)
    return Session.start(open_any(found), KernelChoice("top-edge"))


def _with_file(text: str, folder: Path) -> str:
    """A setting as it is typed, in which a file that lies in the folder has its path."""
    name, *value = re.split(r"\s*=\s*|\s+", text, maxsplit=1)
    if not value or name.lower() not in _WITH_FILES:
        return text
    return f"{name} {_beside(folder, value[0].strip(_QUOTES))}"


def _beside(folder: Path, text: str) -> str:
    """What names a file in the folder, with its path: "set.npz:test:17" and "weights.npy hwio" among them."""
    data, colon, image = text.partition(":")
    weights, space, layout = text.rpartition(" ")
    for name, rest in ((text, ""), (data, colon + image), (weights, space + layout)):
        with suppress(OSError, ValueError):  # a pasted array is no name of a file
            if name and (folder / name).exists():
                return f"{folder / name}{rest}"
    return text


def _recipe(settings: tuple[str, ...], folder: Path) -> Recipe:
    from convtui.training.recipe_words import typed

    recipe = Recipe()
    for text in settings:
        _, recipe = typed(recipe, _with_file(text, folder))
    return recipe


def _inside_a_cell(session: Session, multiply_adds: int | None) -> Session:
    if multiply_adds is None:
        return session
    if multiply_adds > session.products:
        raise ValueError(f"multiply_adds {multiply_adds}: a cell has {session.products}")
    return session.at(session.index, multiply_adds)


def _slice(session: Session, slice: int | None) -> int | None:
    slices = session.slices
    if slice is not None and slice >= slices:
        raise ValueError(f"slice {slice}: must be from 0 to {slices - 1}")
    return slice


def _at_line(path: Path, step: LessonStep, key: str, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except (InputError, ValueError, IndexError, OSError, MemoryError) as error:
        raise LessonError.at(str(path), step.line_of(key), str(error) or "out of memory") from None
