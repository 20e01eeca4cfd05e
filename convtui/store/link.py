"""A session in a link: the text of its file, compressed, behind the # of an address.

What stands there may come from anyone: it is bounded before it is unpacked, and read as any session file is.
"""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import replace
from typing import Final

from convtui.inputs.names import printable
from convtui.state.session import Session
from convtui.store.session_file import dumps, loads

LONGEST: Final = 8000  # letters; what browsers, mails and chats let through
LARGEST_TEXT: Final = 2**18
PAGES: Final = ("step", "matrix", "layers", "batchnorm", "train")


class LinkError(ValueError):
    """One line for the user on what is wrong with a link, or why there is none."""


def link_of(page: str, session: Session) -> str:
    """What stands behind the #: a page and the session. Raises LinkError where that is too long."""
    text = dumps(carried(session)).encode()
    link = f"{page}.{urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip('=')}"
    if len(link) > LONGEST or len(text) > LARGEST_TEXT:
        raise LinkError(f"a link of {len(link):,} letters would be too long; s saves the session as a file")
    return link


def read_link(link: str) -> tuple[str, Session]:
    """The page and the session of a link. Raises LinkError for whatever is wrong with it."""
    if len(link) > LONGEST:
        raise LinkError(f"the link: {len(link):,} letters are too many; it may have {LONGEST:,}")
    match = re.fullmatch(r"([a-z]+)\.([A-Za-z0-9_-]+)", link)
    if match is None or match[1] not in PAGES:
        raise LinkError("the link: not one of convtui's; copy it again, to its end")
    try:
        packed = urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, LARGEST_TEXT)
        if not unpacking.eof:
            raise LinkError("the link: not whole, or too large; copy it again, to its end")
        text = content.decode()
    except (NotBase64, zlib.error, UnicodeDecodeError):
        raise LinkError("the link: damaged; copy it again, to its end") from None
    try:
        return match[1], loads(text, "the link")
    except (ValueError, OSError, MemoryError) as error:
        raise LinkError(printable(str(error)) or "the link: out of memory") from None


def carried(session: Session) -> Session:
    """The session as it can leave this machine: without weights that only a run kept here has."""
    stack = session.chosen_stack
    if stack is None or stack.trained is None:
        return session
    return replace(session, chosen_stack=replace(stack, trained=None))
