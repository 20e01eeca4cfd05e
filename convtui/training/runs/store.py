"""Every run is kept: a folder with its recipe, the log of its events, its last checkpoints and its moments.

Moments are checkpoints thinned over the run. Of damaged checkpoints the one before is used. Whoever trains
holds the folder's lock, which the operating system frees however the process ends; to read needs none. A
number is given only once, so that what refers to a run never finds another in its place.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from convtui.inputs.atomic import UNFINISHED, read_regular, write_whole
from convtui.inputs.confinement import require_ours
from convtui.inputs.names import printable
from convtui.training.messages import Message, encode
from convtui.training.protocol import Begun, Rate
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import (
    Arrays,
    Checkpoint,
    digest_of,
    file_name,
    files_in,
    first_whole,
    step_of,
)
from convtui.training.runs.log import Log, decoded, fitting, outlined, valid

CHECKPOINTS_KEPT: Final = 3

_RECIPE: Final = "recipe.json"
_LOG: Final = "events.jsonl"
_LOCK: Final = "run.lock"
_BEGUN: Final = ".convtui-begun"  # a run's folder while it is made
_FOR_GOOD: Final = "kept"
_MOMENTS: Final = "moments"
_PATIENCE: Final = 0.5  # seconds; to ask whether a lock is held takes it for a moment
_LAST_NUMBER: Final = "last-number"  # among the runs: the highest that was ever given
_MOST_DIGITS: Final = 256  # more than a folder's name can have, and fewer than Python's int() refuses
_NUMBERING: Final = "numbering.lock"
_LONGEST: Final = 10.0  # seconds for others to have their numbers
_DELETED: Final = ".convtui-deleted-"  # how the name of a folder begins that is being removed


class RunError(ValueError):
    """One line for the user: which run or file, what is wrong, what would be right."""


class Run:
    """A kept run. Raises RunError for a folder that holds none.

    number is what find_run takes: "12" for folder 0012 among the others, or the path of one elsewhere.
    fingerprint is that of its data set, began the moment it was made.
    """

    def __init__(self, path: Path) -> None:
        require_ours(path)
        self.path = path = _as_known(path)
        self.number = number_of(path)
        file = path / _RECIPE
        try:
            about = json.loads(read_regular(file))
            self.recipe = Recipe.from_dict(about["recipe"])
            self.fingerprint = str(about["fingerprint"])
            self.began = datetime.fromisoformat(about["began"])
        except FileNotFoundError:
            raise RunError(f"{_told(path)}: not a run: it has no {_RECIPE}") from None
        except OSError as error:
            raise RunError(f"{_told(file)}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = printable(str(error).partition("\n")[0])
            raise RunError(f"{_told(file)}: is not the recipe of a run ({reason})") from None
        self._log: BinaryIO | None = None
        self._is_torn = False

    # -- reading, whoever trains

    @property
    def is_held(self) -> bool:
        """A process works on it."""
        file = self.path / _LOCK
        try:
            if file.exists():
                with FileLock(file, timeout=0):
                    pass
        except Timeout:
            return True
        except OSError:  # nobody can write here
            return False
        return False

    def events(self) -> list[Message]:
        """What is in the log, without lines that are torn and events that a later Begun voids."""
        return valid(self._own(event) for _, event in decoded(self._lines()))

    def log(self, outline: bool = False) -> Log:
        """What of the log fits the run, and in a line what does not.

        outline: without snapshots and most steps, which are nearly all of it and take long to read.
        Raises RunError if it cannot be read.
        """
        lines = self._lines()
        found = fitting(outlined(lines) if outline else lines, outline)
        return replace(found, events=[*map(self._own, found.events)])

    def rates(self) -> list[Rate]:
        """Peak (or constant) rates as they were set. Raises RunError if the log cannot be read."""
        return [event for event in self.log(outline=True).events if isinstance(event, Rate)]

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines of the log, counted from 1."""
        try:
            return enumerate(read_regular(self.path / _LOG).splitlines(), 1)
        except FileNotFoundError:
            return iter(())
        except OSError as error:
            raise RunError(f"{_told(self.path / _LOG)}: {error.strerror}") from None

    def _own(self, event: Message) -> Message:
        """The folder may be a copy, or was moved since: the run is the one in it, whatever the log says."""
        return replace(event, run=str(self.path)) if isinstance(event, Begun) else event

    def checkpoints(self) -> list[Path]:
        """The files of the last checkpoints, newest last; some may be damaged."""
        return files_in(self.path)

    def checkpoint(self) -> Checkpoint | None:
        """The last one that is whole; None if there is none."""
        return first_whole(reversed(self.checkpoints()))

    def checkpoint_after(self, step: int, digest: str | None = None) -> Checkpoint | None:
        """The one after that step, of that digest if one is given; None if it is gone.

        It is looked for among the last, the moments and those that were kept for good.
        """
        return first_whole(self._files_after(step, digest))

    def kept_checkpoint(self, step: int | None) -> Checkpoint:
        """The one after a step, or the last one if None. Raises RunError if there is none."""
        checkpoint = self.latest_checkpoint() if step is None else self.checkpoint_after(step)
        if checkpoint is None:
            raise RunError(f"run {_told(self.number)}: its weights after step {step} are not kept")
        return checkpoint

    def checkpoint_file(self, step: int, digest: str | None = None) -> Path | None:
        """The file of the one that checkpoint_after finds, from which others can read its weights."""
        return next(
            (path for path in self._files_after(step, digest) if first_whole([path]) is not None), None
        )

    def _files_after(self, step: int, digest: str | None) -> list[Path]:
        found = [*files_in(self.path / _FOR_GOOD), *self._checkpoints_and_moments()]
        return [path for path in found if step_of(path) == step and digest in (None, digest_of(path))]

    def moments(self) -> list[int]:
        """The steps, ascending, to which one can go back, those of the last checkpoints included."""
        return sorted({*map(step_of, self._checkpoints_and_moments())})

    def checkpoint_near(self, step: int) -> Checkpoint | None:
        """The last whole one at or before that step; None if there is none."""
        found = [path for path in self._checkpoints_and_moments() if step_of(path) <= step]
        return first_whole(sorted(found, key=step_of, reverse=True))

    def _checkpoints_and_moments(self) -> list[Path]:
        return [*self.checkpoints(), *files_in(self.path / _MOMENTS)]

    def keep_for_good(self, step: int) -> None:
        """Let the checkpoint after that step outlive the run's going on: something else refers to it.

        Where nobody can write, the run can be looked at all the same; nor will it go on there.
        """
        for path in self._checkpoints_and_moments():
            if step_of(path) == step:
                with suppress(OSError, RunError):
                    (self.path / _FOR_GOOD).mkdir(exist_ok=True)
                    kept = self.path / _FOR_GOOD / path.name
                    if not kept.exists():
                        _write(kept, read_regular(path))

    def latest_checkpoint(self) -> Checkpoint:
        """The last one that is whole. Raises RunError if there is none."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            raise RunError(f"run {_told(self.number)}: has no complete checkpoint yet")
        return checkpoint

    def latest_weights(self) -> tuple[int, Arrays]:
        """The step of the last whole checkpoint, and its weights by PyTorch's names.

        Raises RunError if there is none.
        """
        checkpoint = self.latest_checkpoint()
        return checkpoint.step, checkpoint.weights

    # -- training

    @contextmanager
    def locked(self) -> Iterator[Self]:
        """Nobody else may train it meanwhile. Raises RunError where somebody does."""
        lock = FileLock(self.path / _LOCK, timeout=_PATIENCE)
        try:
            lock.acquire()
        except Timeout:
            raise RunError(f"run {_told(self.number)}: another process is training it") from None
        except OSError as error:
            raise RunError(f"{error.strerror}: cannot write to {_told(self.path)}") from None
        try:
            for stray in [*self.path.glob(f"*{UNFINISHED}"), *self.path.glob(f"{_MOMENTS}/*{UNFINISHED}")]:
                with suppress(OSError):
                    stray.unlink()
            yield self
        finally:
            if self._log:
                self._log.close()
                self._log = None
            lock.release()

    def check_data(self, fingerprint: str) -> None:
        """Raises RunError if that is not the data that the run began with."""
        if fingerprint != self.fingerprint:
            changed = f"{printable(self.recipe.data)} has changed since the run began"
            raise RunError(f"run {_told(self.number)}: {changed}; start a new run with it")

    def append(self, event: Message, line: str | None = None) -> None:
        """Add to the log, as this line if the event is encoded already. Only while locked.

        It is in the operating system's hands when this returns.
        """
        data = f"{line or encode(event)}\n".encode()
        with _saying(self.path / _LOG):
            log = self._log or self._opened()
            if self._is_torn:
                data = b"\n" + data
            self._is_torn = True
            while data:
                data = data[log.write(data) :]
            self._is_torn = False

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this one, and those of the steps just before it; it is on the disk when this returns.

        Only while locked.
        """
        data = checkpoint.to_bytes()
        path = self.path / file_name(checkpoint.step, data)
        if self._log:
            with _saying(self.path / _LOG):
                os.fsync(self._log.fileno())
        _write(path, data)
        before = [each for each in self.checkpoints() if step_of(each) < checkpoint.step]
        kept = {path, *before[1 - CHECKPOINTS_KEPT :]}
        for each in self.checkpoints():
            if each not in kept:
                with suppress(OSError):
                    each.unlink()

    def keep_moment(self, checkpoint: Checkpoint) -> None:
        """Keep this one to go back to, in the place of what was kept of its step. Only while locked."""
        data = checkpoint.to_bytes()
        path = self.path / _MOMENTS / file_name(checkpoint.step, data)
        with _saying(path):
            path.parent.mkdir(exist_ok=True)
        _write(path, data)
        self._drop_moments(lambda each: step_of(each) == checkpoint.step and each != path)

    def drop_moments_after(self, step: int) -> None:
        """Forget the moments of later steps: the run goes on from this one. Only while locked."""
        self._drop_moments(lambda each: step_of(each) > step)

    def _drop_moments(self, is_void: Callable[[Path], bool]) -> None:
        for path in filter(is_void, files_in(self.path / _MOMENTS)):
            with _saying(path):
                path.unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the run from the disk: it is gone at once, or still whole.

        Raises RunError where somebody trains it, and where it cannot be removed.
        """
        for stray in self.path.parent.glob(f"{_DELETED}*"):
            shutil.rmtree(stray, ignore_errors=True)
        gone = self.path.with_name(f"{_DELETED}{secrets.token_hex(8)}")
        with _saying(self.path):
            if sys.platform == "win32":  # where a folder with an open file in it, as its lock is, stays
                with self.locked():
                    pass
                self.path.rename(gone)
            else:
                with self.locked():
                    self.path.rename(gone)
        with _saying(gone):
            shutil.rmtree(gone)

    def _opened(self) -> BinaryIO:
        self._log = log = (self.path / _LOG).open("ab+", buffering=0)
        if log.tell():
            log.seek(-1, os.SEEK_END)
            self._is_torn = log.read(1) != b"\n"
        return log


def runs_folder() -> Path:
    """Where runs are kept; it may not exist yet."""
    return user_data_path("convtui", appauthor=False) / "runs"


def new_run(recipe: Recipe, fingerprint: str) -> Run:
    """A folder for a run by this recipe, on the data set of this fingerprint. Raises RunError."""
    folder = runs_folder()
    about = {"recipe": recipe.as_dict(), "fingerprint": fingerprint, "began": _now()}
    with _saying(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return Run(_numbered(folder, json.dumps(about, indent=2).encode()))


def all_runs() -> list[Run]:
    """The runs that can be read, by number."""
    return runs_and_damages()[0]


def runs_and_damages() -> tuple[list[Run], list[RunError]]:
    """The runs that can be read, by number, and why others cannot."""
    found: list[Run] = []
    damages: list[RunError] = []
    with suppress(OSError):
        for path in sorted(filter(_is_numbered, runs_folder().iterdir()), key=lambda path: int(path.name)):
            try:
                found.append(Run(path))
            except RunError as error:
                damages.append(error)
    return found, damages


def count_runs() -> int:
    """How many there are, without reading any."""
    with suppress(OSError):
        return sum(map(_is_numbered, runs_folder().iterdir()))
    return 0


def number_of(path: Path) -> str:
    """What find_run takes for the run in this folder, which is as Run has it: "12" for 0012, or the path."""
    return str(int(path.name)) if _is_numbered(path) else str(path)


def find_run(text: str) -> Run:
    """The run of that number, or in that folder. Raises RunError that says which there are."""
    folder = runs_folder()
    if not text.strip():
        raise RunError("name a run: its number or its folder")
    if not text.isdecimal():
        return Run(Path(text))
    digits = text.lstrip("0")[:_MOST_DIGITS]
    with suppress(OSError):
        for path in folder.iterdir():
            if _is_numbered(path) and int(path.name) == int(digits or 0):
                return Run(path)
    numbers = [run.number for run in all_runs()]
    known = f"the runs are {_listed(numbers)}" if numbers else "there are no runs yet"
    raise RunError(f"run {printable(text)}: no such run; {known}")


def _listed(numbers: list[str]) -> str:
    return ", ".join(numbers) if len(numbers) < 10 else f"{', '.join(numbers[:3])}, ..., {numbers[-1]}"


def _numbered(folder: Path, recipe: bytes) -> Path:
    """A new folder with a number that none ever had, also when others begin runs just now.

    It has its number from when it is whole on, so that a kill leaves none that is half made.
    """
    last, unfinished = folder / _LAST_NUMBER, folder / _BEGUN
    with FileLock(folder / _NUMBERING, timeout=_LONGEST):
        given = [path.name for path in folder.iterdir()]
        with suppress(FileNotFoundError, UnicodeDecodeError):
            given.append(read_regular(last).decode("ascii").strip())
        number = 1 + max((int(each) for each in given if each.isdecimal()), default=0)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        _write(unfinished / _RECIPE, recipe)
        write_whole(last, f"{number}\n".encode())
        return unfinished.rename(folder / f"{number:04d}")


def _as_known(path: Path) -> Path:
    """The path of a run's folder as it is told and compared, through whatever links it is named."""
    path, folder = path.absolute(), runs_folder()
    with suppress(OSError):
        if path.name.isdecimal() and path.parent != folder and path.parent.samefile(folder):
            return folder / path.name
    return path if path.parent == folder else Path(os.path.realpath(path))


def _is_numbered(path: Path) -> bool:
    return path.parent == runs_folder() and path.name.isdecimal()


def _write(path: Path, data: bytes) -> None:
    with _saying(path):
        write_whole(path, data)


@contextmanager
def _saying(path: Path) -> Iterator[None]:
    """Say why a file could not be written, and which: a line that is cut loses the end of the path."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{error.strerror or error}: cannot write {_told(path)}") from None


def _told(path: Any) -> str:
    return printable(str(path))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
