"""The app's side of terminal_guardian, the process that gives the terminal back when the app is killed."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
from contextlib import suppress
from typing import Final

PATIENCE: Final = 1.0  # seconds for it to end


class Guardian:
    """Made before the app changes the terminal, started when there is time, dismissed once it is given back.

    Where there is no such terminal, or where no process can be started, it does nothing.
    """

    def __init__(self) -> None:
        self._before = _settings()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_faults = False

    def start(self) -> None:
        """Have the terminal guarded from now on; the guardian keeps what faulthandler has to say."""
        if self._before is None or self._process is not None:
            return
        from platformdirs import user_state_path

        from convtui.app import terminal_guardian

        with suppress(OSError, ValueError, RuntimeError):
            report = user_state_path("convtui", appauthor=False) / "last-fault.txt"
            terminal = os.dup(0)
            try:
                self._process = subprocess.Popen(
                    (
                        *(sys.executable, "-I", "-S", terminal_guardian.__file__),
                        *(str(terminal), ",".join(map(str, self._before)), str(report)),
                    ),
                    stdin=subprocess.PIPE,
                    stdout=sys.__stderr__,  # on which Textual draws
                    stderr=subprocess.DEVNULL,
                    pass_fds=(terminal,),
                    start_new_session=True,
                    cwd=os.sep,
                )
            finally:
                os.close(terminal)
            if not faulthandler.is_enabled():  # or it was asked for, and goes elsewhere
                assert self._process.stdin
                faulthandler.enable(self._process.stdin)
                self._has_faults = True

    def dismiss(self) -> None:
        """Let it end without doing anything, and return when it has."""
        if self._process is None:
            return
        from convtui.app.terminal_guardian import GOODBYE

        if self._has_faults:
            faulthandler.disable()
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(GOODBYE, PATIENCE)


def _settings() -> list[int] | None:
    """Those of the terminal on standard input, as plain numbers; None where there is none."""
    if os.name != "posix":
        return None
    import termios

    try:
        *numbers, characters = termios.tcgetattr(0)
    except termios.error:
        return None
    return [*numbers, *(each[0] if isinstance(each, bytes) else each for each in characters)]
