"""What a line that is typed into proposes: names of samples, files; loaded with the first such line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from textual.suggester import Suggester

from convtui.inputs import samples
from convtui.inputs.confinement import confinement


def to_open() -> tuple[str, ...]:
    """The names that `o` opens: images, images of data sets, sessions."""
    of_data_sets = (f"{name}:test:17" for name in samples.data_names())
    return (*samples.image_names(), *of_data_sets, *(path.stem for path in samples.session_files()))


def completed(text: str, names: Iterable[str]) -> str | None:
    """The first of the names that begins as the text does, else the first file or folder, if any does."""
    name = next((name for name in names if name.startswith(text)), None)
    return name or _completed_path(text)


def _completed_path(text: str) -> str | None:
    if confinement() is not None:
        return None
    folder, _, begun = text.rpartition("/")
    try:
        entries = Path(f"{folder}/" if "/" in text else ".").expanduser().iterdir()
        found = sorted(entry for entry in entries if _is_meant(entry.name, begun))
        if not found:
            return None
        rest = found[0].name[len(begun) :] + ("/" if found[0].is_dir() else "")
    except (OSError, RuntimeError, ValueError):  # not to be read, or no such home
        return None
    return text + rest


def _is_meant(name: str, begun: str) -> bool:
    return name.startswith(begun) and name.isprintable() and (begun != "" or not name.startswith("."))


class SuggestToOpen(Suggester):
    """Completes the names of samples and the paths of files."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = to_open()

    async def get_suggestion(self, value: str) -> str | None:
        # A folder may lie on a slow disk: no key waits for it.
        return await asyncio.to_thread(completed, value, self._names)
