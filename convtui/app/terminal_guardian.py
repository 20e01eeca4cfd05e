"""A process that gives the terminal back when the app is killed in a way that nothing in it can answer.

It waits for the end of its standard input, which comes however the app ends; an app that ends in order says
GOODBYE before. What else it was told, which is what faulthandler writes, it keeps in a file. It is run by its
path, with no package on the way, so that it is there in some milliseconds and takes little memory.
"""

import os
import signal
import sys
import termios

GOODBYE = b"\0goodbye"

# What Textual turns on, off. The first sequence ends one that the app was killed in the middle of.
RESET = (
    b"\x1b\\\x1b[?2026l"  # a string; a frame
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # the mouse
    b"\x1b[?2004l\x1b[?2048l\x1b[?1004l\x1b[<u"  # pastes, sizes, focus and keys as sequences
    b"\x1b[0m\x1b[?1049l\x1b[?7h\x1b[?25h"  # colours, the alternate screen, lines that do not wrap, no cursor
)

_NUMBERS = 6  # of a terminal's settings, before its control characters
_LONGEST = 2**16
_PATIENCE = 2  # seconds


def guard(terminal: int, before: list[int], report: str) -> None:
    """Wait; then, unless the app has said goodbye, reset the terminal to its settings before the app.

    terminal is its descriptor, beside standard output; report is the file for what was told.
    """
    for number in (
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGABRT,
        signal.SIGTTOU,
    ):
        signal.signal(number, signal.SIG_IGN)  # whoever signals all of the app's processes means the app
    of_the_app = termios.tcgetattr(terminal)
    told = b""
    while part := os.read(0, _LONGEST):
        told = (told + part)[-_LONGEST:]
    if told.endswith(GOODBYE):
        return
    signal.alarm(_PATIENCE)  # for a terminal that takes nothing more
    is_given_back = bool(termios.tcgetattr(terminal)[3] & termios.ICANON)  # killed while it was suspended
    if not is_given_back:
        os.write(1, RESET)
    settings: list[int | list[bytes | int]] = [*before[:_NUMBERS], [*before[_NUMBERS:]]]
    if termios.tcgetattr(terminal) == of_the_app:  # asked at the last moment: a shell may be faster
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        termios.tcflush(terminal, termios.TCIFLUSH)  # what the mouse has sent is not for the shell
    if told:
        _keep(told, report)


def _keep(told: bytes, report: str) -> None:
    """Pathlib would take longer to import than all else that is done here."""
    os.makedirs(os.path.dirname(report), exist_ok=True)  # noqa: PTH103, PTH120
    with open(report, "wb") as file:  # noqa: PTH123
        file.write(told)


if __name__ == "__main__":
    try:
        guard(int(sys.argv[1]), [int(each) for each in sys.argv[2].split(",")], sys.argv[3])
    except Exception:  # there is nobody to tell
        os._exit(1)
    os._exit(0)
