"""Who may ask what of the server: tokens, hosts, origins, headers and messages. Pure functions.

A page from elsewhere can make a browser send requests to any address, the loopback one too. What it cannot
do is know the token, and set Host and Origin: all three are checked.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

LOOPBACK: Final = "127.0.0.1"
LARGEST_MESSAGE: Final = 2**16  # bytes that a browser may send at once
SIDES: Final = (1, 1000)  # columns and rows of a terminal

_EVERYWHERE: Final = ("0.0.0.0", "::")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "Server": "convtui",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def new_token() -> str:
    """What cannot be guessed: 32 random bytes as letters for a link."""
    return secrets.token_urlsafe(32)


def is_same(given: str, expected: str) -> bool:
    """Compares in a time that does not tell how much was right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Hosts:
    """The names by which the server may be asked for."""

    host: str
    port: int
    names: tuple[str, ...] = ()

    def allow(self, header: str | None) -> bool:
        """Whether a Host header names this server.

        Bound to all addresses, every address in numbers will do: a name that is made to point here later
        (DNS rebinding) is none.
        """
        name, port = _parted(header or "")
        if name in self.names:  # such as that of a proxy, which has a port of its own
            return True
        if port != self.port:
            return False
        if name == self.host or (is_loopback(self.host) and name in ("localhost", LOOPBACK, "::1")):
            return True
        return self.host in _EVERYWHERE and (name == "localhost" or _is_address(name))


def _parted(header: str) -> tuple[str, int]:
    """Name and port of a Host header; ("", 0) for one that is none."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?", header)
    return (match[1].strip("[]").lower(), int(match[2] or 80)) if match else ("", 0)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_own_origin(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from a page of the server that it asks; one that does not say does not."""
    if not origin or not host:
        return False
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower() and not parts.path


def headers(host: str) -> dict[str, str]:
    """Those of every answer: nothing is kept, framed, sent on, or fetched from anywhere else."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"img-src data:; connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )  # xterm.js sets its styles inline; it has no other way
    return {**_HEADERS, "Content-Security-Policy": policy}


# -- messages of the page: JSON lists of a word and what belongs to it


@dataclass(frozen=True)
class Begin:
    """The first message: what stood behind # in the address, and the terminal's size."""

    link: str
    width: int
    height: int


@dataclass(frozen=True)
class Typed:
    """Keys and the mouse, as a terminal sends them."""

    text: str


@dataclass(frozen=True)
class Resized:
    """The terminal has another size."""

    width: int
    height: int


@dataclass(frozen=True)
class Told:
    """What is only passed on, or answered: "focus", "blur", "ping"."""

    what: str


def read_message(text: str) -> Begin | Typed | Resized | Told | None:
    """What a page says; None for what no page of ours says. A link is read by the visitor's process alone."""
    try:
        word, *rest = json.loads(text)
        match word, rest:
            case "begin", [{"link": str(link), "width": width, "height": height}]:
                return Begin(link if re.fullmatch("[!-~]*", link) else "?", _side(width), _side(height))
            case "stdin", [str(typed)]:
                return Typed(typed)
            case "resize", [{"width": width, "height": height}]:
                return Resized(_side(width), _side(height))
            case (("focus" | "blur"), _):
                return Told(word)
            case "ping", _:
                return Told(word)
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def _side(value: Any) -> int:
    """Raises ValueError for what is no number of columns or rows."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("no number of cells")
    return min(max(value, SIDES[0]), SIDES[1])


def safe_name(name: str) -> str:
    """A file's name for a download: letters, digits, dots and dashes, no folder."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name.rsplit("/", 1)[-1]).strip(".-")[:100]
    return plain or "session"
