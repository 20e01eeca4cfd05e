"""What diagrams are drawn of in tests."""

import shlex

from convtui.cli.main import _open_parser as open_parser
from convtui.cli.main import build
from convtui.export.diagram import Diagram
from convtui.export.steps import steps_diagram, usual_steps
from convtui.export.subject import Subject


def subject(command: str) -> Subject:
    """What a command line opens."""
    session = build(open_parser().parsed(shlex.split(command)))
    return Subject(session.picture, session.operation, session.kernel.label)


def swept(command: str, channel: int = 0, every: int = 1, **how: object) -> Diagram:
    """The diagram of the usual steps, or of every so-many-th of them."""
    drawn = subject(command)
    steps = usual_steps(drawn.operation, channel)[::every]
    return steps_diagram(drawn, steps, **how)  # type: ignore[arg-type]
