"""What a process may touch on this machine while it works for a stranger, as those of `convtui serve` do.

The limits are one value. The server hands it to a visitor's process in its environment, from where the
training process has it too; no other process is confined. It is asked for wherever a name becomes a path,
before anything is looked at: whether a file exists is told as little as what is in it. `fence_in` is a second
fence behind these: what comes past them is refused by the interpreter itself.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from convtui.inputs.sample_folder import sample_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CONVTUI_CONFINED"
MOST_THREADS: Final = 1
DEVICE: Final = "cpu"
LONGEST_NAME: Final = 100


class ConfinedError(ValueError):
    """One line for the visitor: what cannot be had here."""


class BoundedRecipe(Protocol):
    """What is bounded of a recipe."""

    @property
    def epochs(self) -> int:
        """How often the training set is gone through."""

    @property
    def threads(self) -> int:
        """Threads of the training."""

    @property
    def device(self) -> str:
        """What trains."""


@dataclass(frozen=True)
class Confinement:
    """The visitor's one folder, and how much may be trained: epochs of a run, seconds of a job."""

    folder: str
    most_epochs: int = 5
    most_seconds: float = 120.0

    @property
    def environment(self) -> dict[str, str]:
        """What a process that is so confined has in its environment."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Confinement | None:
        """That of a process with this environment; None if it is free."""
        text = environment.get(VARIABLE)
        return cls(**json.loads(text)) if text else None

    def has(self, path: str | os.PathLike[str]) -> bool:
        """Whether a path is a sample's or the visitor's own, told from its letters alone."""
        text = os.fspath(path)
        if text.startswith("~") or "\0" in text:
            return False
        whole = os.path.normpath(os.path.join(self.folder, text))  # noqa: PTH118
        return _is_below(whole, (self.folder, _samples()))

    def check_recipe(self, recipe: BoundedRecipe) -> None:
        """Raises ConfinedError for a run that is longer, or takes more processors, than one may have here."""
        if recipe.epochs > self.most_epochs:
            raise ConfinedError(f"epochs {recipe.epochs}: a run has at most {self.most_epochs} epochs here")
        if recipe.threads > MOST_THREADS:
            raise ConfinedError(f"threads {recipe.threads}: a run has one thread here; type threads 1")
        if recipe.device != DEVICE:
            raise ConfinedError(
                f"device {recipe.device}: a run is on the {DEVICE} here; type device {DEVICE}"
            )


@cache
def confinement() -> Confinement | None:
    """That of this process; None if it is free, as all are but those of a visitor."""
    return Confinement.read(os.environ)


def require_ours(path: str | os.PathLike[str]) -> None:
    """Raises ConfinedError for a path that this process may not know of. Looks at no file."""
    limits = confinement()
    if limits is not None and not limits.has(path):
        name = os.fspath(path)[:LONGEST_NAME]
        raise ConfinedError(f"{name}: no such sample, and files cannot be opened or written here")


# -- the second fence


_READING: Final = {
    "open",
    "os.listdir",
    "os.scandir",
    "shutil.copyfile",
    "shutil.copytree",
    "sqlite3.connect",
}
_WRITING: Final = {
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.mkfifo", "os.mknod", "shutil.move"),
    *(
        "shutil.rmtree",
        "shutil.make_archive",
        "shutil.unpack_archive",
        "tempfile.mkstemp",
        "tempfile.mkdtemp",
    ),
}
_NEVER: Final = {
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "webbrowser.open"),
    *(
        "socket.connect",
        "socket.bind",
        "socket.sendto",
        "socket.getaddrinfo",
        "ftplib.connect",
        "urllib.Request",
    ),
    *("os.chroot", "os.fork", "os.forkpty"),
}
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES: Final = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/zero")
_OF_THE_SYSTEM: Final = (  # that the interpreter and libraries read: the same on all machines, or of its kind
    *(
        "/usr/lib",
        "/usr/lib64",
        "/usr/share",
        "/usr/local/lib",
        "/lib",
        "/lib64",
        "/System",
        "/Library/Frameworks",
    ),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices", "/sys/fs/cgroup"),
    *("/etc/localtime", "/etc/ld.so.cache", "/etc/os-release"),
)


def fence_in(limits: Confinement) -> None:
    """From now on refuse, in this process, to open, list or change any file but those that are allowed.

    Read are Python, its packages, convtui and its samples, and the visitor's folder; written is the last
    alone. No connection is made, and no program started but this Python. There is no way back: a hook of the
    interpreter's audits stays. It holds what goes through Python; it is no cage for code of a stranger's, of
    which none is run.
    """
    own = os.path.realpath(limits.folder)
    roots = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    # Of a checkout only the package: what else lies on the path is not needed any more, or is packages.
    roots |= {os.path.realpath(each) for each in sys.path if os.path.basename(each) in _OF_PACKAGES}  # noqa: PTH119
    readable = (own, *roots, *_OF_THE_SYSTEM, str(Path(__file__).resolve().parents[1]), _samples())
    tempfile.tempdir = own

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _READING:
            _require(arguments, own, readable, is_opened=event == "open")
        elif event == "os.rmdir" and arguments[0] == os.path.dirname(own):  # noqa: PTH120
            pass  # that of all visitors, which the last of them takes away: it has to be empty
        elif event in _WRITING:
            for path in arguments[: 2 if event in _OF_TWO else 1]:
                _require_below(path, (own,))
        elif event == "subprocess.Popen":
            if arguments[0] != sys.executable:
                raise PermissionError(f"{event}: not for visitors")
        elif event in _NEVER:
            raise PermissionError(f"{event}: not for visitors")

    sys.addaudithook(audit)


_OF_PACKAGES: Final = {"site-packages", "dist-packages", "lib-dynload"}
_OF_TWO: Final = {"os.rename", "os.link", "os.symlink", "shutil.move"}


def _require(arguments: tuple[Any, ...], own: str, readable: tuple[str, ...], is_opened: bool) -> None:
    path = arguments[0]
    if is_opened and len(arguments) > 2:
        mode, flags = arguments[1], arguments[2]
        writes = bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool((flags or 0) & _WRITE_FLAGS)
        if writes:
            _require_below(path, (own, *_DEVICES))
            return
    _require_below(path, (*readable, *_DEVICES))


def _require_below(path: Any, folders: tuple[str, ...]) -> None:
    if path is None or isinstance(path, int):  # the present folder, which is the visitor's; an open file
        return
    text = os.fsdecode(path)
    if not _is_below(os.path.realpath(text), folders):
        raise PermissionError(1, "not for visitors", text)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


@cache
def _samples() -> str:
    return os.path.realpath(sample_folder())
