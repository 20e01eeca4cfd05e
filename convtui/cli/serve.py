"""`convtui serve`: the app in a browser. What a visitor may do is decided here, and told."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import tell
from convtui.inputs.names import printable

if TYPE_CHECKING:
    from convtui.serve.limits import Limits
    from convtui.state.session import Session

NO_EXTRA: Final = "convtui serve needs two more packages: pip install 'convtui[serve]'"
MOST_VISITORS: Final = 100
PORT: Final = 8000

ABOUT: Final = """\
Show the app in a browser. The link that is printed opens it; whoever does not
have the link is refused.

Each visitor has a process with an empty folder of its own. It opens the bundled
samples and what is pasted, and no file of this machine; what is saved is
downloaded. It ends with the page, after ten minutes without a key, and with
the server. Nothing is fetched from the network.
"""
EXAMPLES: Final = """\
examples:
  convtui serve
  convtui serve --port 8080 --visitors 10
  convtui serve --host 0.0.0.0 --visitors 30
  convtui serve --name class.example.org   # behind a proxy that encrypts
"""
OPEN_TO_ALL: Final = (
    "warning: {} can be reached from other machines, and nothing is encrypted: whoever has the link, or "
    "listens on the network, can use this machine's processors"
)


def serve(arguments: Sequence[str], session_of: Callable[[Sequence[str]], Session]) -> int:
    """Serve until Ctrl+C. Raises ValueError with a one-line message."""
    options = parser().parsed(arguments)
    port = _whole("port", options.port, 0, 65_535)
    visitors = _whole("visitors", options.visitors, 1, MOST_VISITORS)
    idle = _whole("idle", options.idle, 1, 24 * 60)
    memory = _whole("memory", options.memory, 512, 2**20)
    if os.name != "posix":
        raise ValueError("convtui serve needs Linux or macOS")
    if find_spec("aiohttp") is None or find_spec("textual_serve") is None:
        raise ValueError(NO_EXTRA)
    from convtui.serve.limits import Limits
    from convtui.store.link import link_of

    limits = Limits(visitors, idle=idle * 60.0, memory=memory)
    _serve(options.host, port, options.name or [], limits, link_of("step", session_of([])))
    return 0


def _serve(host: str, port: int, names: Sequence[str], limits: Limits, first: str) -> None:
    from convtui.serve.rules import LOOPBACK, Hosts, is_loopback, new_token
    from convtui.serve.server import Server, bound
    from convtui.serve.server import serve as run

    try:
        socket = bound(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"--port {port}: is in use; choose another, or 0 for one that is free"
        elif error.errno == errno.EACCES:
            why = f"--port {port}: needs more rights than you have; choose one from 1024 on"
        else:
            why = f"--host {printable(host)}: {error.strerror or error}; name an address of this machine"
        raise ValueError(why) from None
    port = socket.getsockname()[1]
    server = Server(
        Hosts(host, port, tuple(name.lower() for name in names)), new_token(), limits, first, _complain
    )
    shown = LOOPBACK if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host

    def began() -> None:
        if not is_loopback(host):
            tell(OPEN_TO_ALL.format(host))
        print(f"convtui for up to {limits.visitors} at http://{shown}:{port}/{server.token}/", flush=True)
        tell("Ctrl+C ends it, for everybody.")

    asyncio.run(run(server, socket, began))


def _complain(trouble: str) -> None:
    tell(f"convtui: {trouble}")


def _whole(name: str, text: str, least: int, most: int) -> int:
    """The option as a number. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise ValueError(f"--{name} {printable(text)}: must be a whole number from {least} to {most}")
    return int(text)


def parser() -> Parser:
    """The options."""
    made = Parser(
        prog="convtui serve",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui serve [options]",
    )
    made.add_argument("--port", metavar="N", default=str(PORT), help=f"0: any free one (default: {PORT})")
    made.add_argument(
        "--visitors", metavar="N", default="4", help="how many at once; others are told so (default: 4)"
    )
    made.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen at (default: 127.0.0.1, which only this machine reaches)",
    )
    made.add_argument(
        "--name",
        metavar="NAME",
        action="append",
        help="a name by which the server is asked for, such as that of a proxy; may be given again",
    )
    made.add_argument(
        "--idle",
        metavar="MINUTES",
        default="10",
        help="end a visit after so many without a key (default: 10)",
    )
    made.add_argument(
        "--memory",
        metavar="MIB",
        default="1024",
        help="at most for each of a visitor's two processes: the app, the training (default: 1024)",
    )
    return made
