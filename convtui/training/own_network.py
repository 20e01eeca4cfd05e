"""The user's own network as a recipe names it; nothing here runs it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from convtui.inputs.atomic import read_regular
from convtui.inputs.names import printable

MOST_BYTES: Final = 2**24  # of a source file
MAX_LR: Final = 0.001  # usual for AdamW on a network that nobody has tried yet


@dataclass(frozen=True)
class OwnNetwork:
    """A class, function or model of the user's: `/home/me/net.py:Net` or `package.module:factory`.

    arguments are those it is made with, as they were typed; weights is the file that it starts from, or "".
    digest is that of its source, which is in these files, as it was when a run began, "" before.
    """

    target: str
    arguments: tuple[str, ...] = ()
    weights: str = ""
    digest: str = ""
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it is told: `net.py:Net`."""
        where, _, made = self.target.rpartition(":")
        return printable(f"{Path(where).name}:{made}")

    def is_named_by(self, other: OwnNetwork) -> bool:
        """Whether the other names this network, perhaps in a file that was moved since."""
        return not self._unlike(other)

    def is_the_one_named_by(self, other: OwnNetwork) -> bool:
        """Whether the other names this network in the file where it was when the run began."""
        return self.is_named_by(other) and _place(self.target) == _place(other.target)

    def refusal(self, of: str, named: OwnNetwork | None) -> str:
        """Why the code of what has this network is not run, where `named` may be run; "" if it is."""
        if named is None:
            return f"{of} needs the code of {self.name}; only code that you name is run: {self.as_option()}"
        differs = self._unlike(named)
        return f"{of} {differs}; to run its code: {self.as_option()}" if differs else ""

    def _unlike(self, other: OwnNetwork) -> str:
        """In what another differs, as said of what is of this one; "" if in nothing."""
        mine, others = self.target.rpartition(":"), other.target.rpartition(":")
        if Path(mine[0]).name != Path(others[0]).name or mine[2] != others[2]:
            return f"is of {self.name}, not of {other.name}"
        if self.arguments != other.arguments:
            return f"is of {self.name} made {_with(self.arguments)}, not {_with(other.arguments)}"
        return ""

    def as_option(self) -> str:
        """How it is named on the command line."""
        arguments = ["--", *self.arguments] if self.arguments else []
        return printable(shlex.join(["--network", self.target, *arguments]))

    def begun(self, files: Iterable[str]) -> OwnNetwork:
        """As it is when a run begins, with its source in these files."""
        known = tuple(sorted(files))
        return replace(self, digest=digest_of(known), files=known)

    def named(self) -> OwnNetwork:
        """As it is named, before any run begins."""
        return replace(self, digest="", files=())

    @property
    def is_as_it_was(self) -> bool:
        """Whether its source is as it was when the run began."""
        return bool(self.digest) and digest_of(self.files) == self.digest

    def changed_words(self, begun: OwnNetwork) -> str:
        """What is said of a run of it whose source is another as it is begun now; "" if it is not."""
        is_another = bool(self.digest) and self.digest != begun.digest
        return f"{self.name} has changed since the run began" if is_another else ""

    def without_weights(self) -> OwnNetwork:
        """As it is before any file has filled it."""
        return replace(self, weights="")

    def as_dict(self) -> dict[str, Any]:
        """What from_dict reads back; of JSON's types."""
        return {**asdict(self), "arguments": list(self.arguments), "files": list(self.files)}

    @classmethod
    def from_dict(cls, values: Any) -> OwnNetwork:
        """What as_dict wrote. Raises ValueError or TypeError for what it did not."""
        if not isinstance(values, Mapping):
            raise TypeError("network: must be its target, arguments, weights and digest")
        lists = {name: tuple(values.get(name, ())) for name in ("arguments", "files")}
        made = cls(**{**values, **lists})
        texts = (made.target, *made.arguments, made.weights, made.digest, *made.files)
        if not all(isinstance(each, str) for each in texts) or ":" not in made.target:
            raise ValueError("network: must be texts, the target as net.py:Net")
        return made


def _place(target: str) -> str:
    """The file of a target as a path that does not depend on the folder that the app is in; or its module."""
    where = target.rpartition(":")[0]
    return os.path.realpath(where) if where.endswith(".py") else where


def _with(arguments: tuple[str, ...]) -> str:
    return f"with {printable(shlex.join(arguments))}" if arguments else "without arguments"


def digest_of(files: Iterable[str]) -> str:
    """That of sources by their names and what is in them; "" if one cannot be read or is no source."""
    stamps = []
    for file in files:
        try:
            status = Path(file).stat()
        except (OSError, ValueError):  # ValueError: a path that none can have
            return ""
        stamps.append((file, status.st_mtime_ns, status.st_size))
    return _digest(tuple(stamps))


@lru_cache(maxsize=256)
def _digest(stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = blake2b(digest_size=8)
    for file, *_ in stamps:
        try:
            digest.update(Path(file).name.encode() + b"\0" + read_regular(Path(file), MOST_BYTES))
        except (OSError, ValueError):
            return ""
    return digest.hexdigest()
