"""What a session steps through as a file: an animation of many steps, or a picture of the one on show.

The command line and the app write them by the same functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from convtui.export import PANES
from convtui.export.files import ANIMATIONS, STILLS, require_writable, write_animation, write_still
from convtui.export.operations import name_of
from convtui.export.steps import steps_diagram, usual_steps
from convtui.export.subject import Subject
from convtui.inputs.names import printable
from convtui.state.session import Session

_TYPED: Final = re.compile(r"(?P<name>.*?)(?:\s+(?P<first>[0-9]{1,12})\s*[-–]\s*(?P<last>[0-9]{1,12}))?\s*")


@dataclass(frozen=True)
class Typed:
    """What was typed for an animation: its file, and the steps if they were named."""

    out: Path
    steps: range | None = None

    @classmethod
    def of(cls, text: str) -> Typed:
        """From "conv.gif 0-24". Raises ValueError for another format, folder or order, and a foreign file."""
        match = _TYPED.fullmatch(text)
        assert match
        out = Path(match["name"].strip()).expanduser()
        require_writable(out, ANIMATIONS)
        if match["first"] is None:
            return cls(out)
        first, last = int(match["first"]), int(match["last"])
        if last < first:
            raise ValueError(f"steps {printable(text[match.start('first') :])}: the first is after the last")
        return cls(out, range(first, last + 1))


def subject_of(session: Session) -> Subject:
    """What is drawn of a session."""
    return Subject(session.picture, session.operation, session.kernel.label, session.slice)


def file_stem(session: Session) -> str:
    """A file's name, without its suffix, for what the session steps through."""
    subject = subject_of(session)
    return re.sub(r"[^\w.-]+", "-", name_of(subject.operation, subject.kernel)).strip("-.") or "steps"


def steps_of(session: Session) -> Sequence[int]:
    """The steps that an animation goes through by itself."""
    return usual_steps(subject_of(session).operation, session.position[0])


def animate(
    session: Session,
    out: Path,
    steps: Sequence[int] | None,
    is_dark: bool,
    panes: Sequence[str] = (),
) -> int:
    """Write the animation; of how many steps it is. Raises ValueError where it cannot be drawn or written."""
    shown = steps_of(session) if steps is None else steps
    write_animation(steps_diagram(subject_of(session), shown, is_dark, panes or PANES), out)
    return len(shown)


def require_picture(text: str) -> Path:
    """The file that was typed for a picture. Raises ValueError where it cannot be written."""
    out = Path(text).expanduser()
    require_writable(out, STILLS)
    return out


def picture(session: Session, out: Path, is_dark: bool) -> None:
    """Write a picture of the step on show, as .png or .svg. Raises ValueError."""
    require_writable(out, STILLS)
    steps, filled = [session.index + 1], session.filled
    write_still(steps_diagram(subject_of(session), steps, is_dark, filled=filled), out)
