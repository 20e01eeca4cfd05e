"""`python -m convtui.serve.inside`: what a visitor's process runs. The server alone starts it.

It ends with the server, however that ends: the end of its standard input is watched by a thread from the
first line on. What it may do is bounded before the app is imported.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Final, NoReturn

from convtui.inputs.confinement import confinement, fence_in
from convtui.serve.limits import limit_memory

_SERVER: Final = os.getppid()

GRACE: Final = 4.0  # seconds to end in order once the server is gone, or has asked


def main() -> int:
    """Open the app for a visitor; its exit code."""
    limits = confinement()
    if limits is None or "CONVTUI_LINK" not in os.environ:
        print("convtui: this runs only inside convtui serve", file=sys.stderr)
        return 2
    folder = limits.folder
    signal.signal(signal.SIGTERM, lambda *_: end_at_once(folder))  # until the app is there to end in order
    Thread(target=_end_with_server, args=(folder,), name="server", daemon=True).start()
    limit_memory(int(os.environ.pop("CONVTUI_MEMORY")))
    os.nice(5)  # the server answers first
    link, first = os.environ.pop("CONVTUI_LINK"), os.environ.pop("CONVTUI_FIRST")
    fence_in(limits)
    try:
        return _run(link, first)
    finally:
        _leave_nothing(folder)


def _run(link: str, first: str) -> int:
    """first: the link of what is shown to who has none."""
    from convtui.app.app import ConvtuiApp
    from convtui.app.visitor import Visitor
    from convtui.store.link import LinkError, read_link

    try:
        (page, session), notice = read_link(link or first), ""
        notice = session.notice
    except LinkError as error:
        page, session = read_link(first)
        notice = f"{error}. The first example is shown instead."
    app = ConvtuiApp(session, notice=notice, autosave=False, visitor=Visitor(page))
    app.run()
    return app.return_code or 0


def _end_with_server(folder: str) -> NoReturn:
    """Wait for the end of standard input, without reading it; then have all end."""
    poll = select.poll()
    poll.register(0, 0)  # that the other end is closed is told unasked
    gone = select.POLLHUP | select.POLLERR | select.POLLNVAL
    while not any(event & gone for _, event in poll.poll()):
        pass
    os.kill(os.getpid(), signal.SIGTERM)  # a run is stopped in order, if the app still answers
    time.sleep(GRACE)
    end_at_once(folder)


def end_at_once(folder: str) -> NoReturn:
    """End, whatever is under way."""
    _leave_nothing(folder)
    os._exit(0)


def _leave_nothing(folder: str) -> None:
    """Take the folder away; of a server that is gone also that of all visitors, once it is empty."""
    shutil.rmtree(folder, ignore_errors=True)
    if os.getppid() != _SERVER:
        with suppress(OSError):
            os.rmdir(os.path.dirname(folder))  # noqa: PTH106, PTH120


if __name__ == "__main__":
    sys.exit(main())
