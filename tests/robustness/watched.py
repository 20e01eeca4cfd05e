"""The app as `python -m convtui` starts it, which tells on SIGUSR2 when its event loop has come to rest.

python -m tests.robustness.watched REPORT HOME [ARGUMENT ...]

Each answer is a line in the file REPORT: the longest turn of the event loop since the last one, in
milliseconds of processor time, which a busy machine does not change. No frame takes less than its turn.
"""

import asyncio
import os
import signal
import sys
from asyncio.events import Handle
from pathlib import Path
from time import thread_time
from types import FrameType


class Watch:
    """Measures every turn of the event loop and answers between two of them."""

    def __init__(self, report: Path) -> None:
        self._report = report.open("a", buffering=1)
        self._longest = 0.0
        self._is_asked = False
        self._run = Handle._run

    def begin(self) -> None:
        watch, run = self, self._run

        def timed(handle: Handle) -> None:
            began = thread_time()
            run(handle)
            watch._longest = max(watch._longest, thread_time() - began)

        Handle._run = timed  # type: ignore[assignment, method-assign]
        signal.signal(signal.SIGUSR2, self._asked)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # it has not begun or is over
            return
        if not self._is_asked:  # two that wait for each other would wait without end
            self._is_asked = True
            loop.call_soon_threadsafe(self._answer, loop)

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once nothing else is to be done; what the user has typed until now has been drawn then."""
        if loop._ready:  # type: ignore[attr-defined]
            loop.call_soon(self._answer, loop)
            return
        self._report.write(f"{1000 * self._longest:.0f}\n")
        self._longest = 0.0
        self._is_asked = False


def main() -> int:
    report, home, *arguments = sys.argv[1:]
    for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
        os.environ[f"XDG_{kind}_HOME"] = str(Path(home, kind.lower()))
    os.environ["HOME"] = home
    os.chdir(home)
    Watch(Path(report)).begin()
    from convtui.cli.main import main as convtui

    try:
        return convtui(arguments)
    finally:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # Python's own end would make it deadly


if __name__ == "__main__":
    sys.exit(main())
