"""A session as the cells of a notebook: what is shown, its PyTorch code, and convtui's figures of it."""

from __future__ import annotations

from collections.abc import Iterator

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.snippet import quoted
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.export.code import call_of, session_code
from convtui.export.constructors import constructor
from convtui.export.markdown import escaped
from convtui.export.notebook import mimebundle, require_animated
from convtui.export.notebook_file import Cell, Code, Words
from convtui.export.operations import name_of, settings_of
from convtui.state.session import Session


def session_cells(session: Session, animation: str = "") -> Iterator[Cell]:
    """All cells of a notebook. animation: the file that its last cell draws, "" for none.

    Raises ValueError for what has no code, and for what cannot be animated.
    """
    yield Words(_about(session))
    yield from operation_cells(session, "The same in convtui, which shows every number:")
    if animation:
        yield _animation(session, animation)


def operation_cells(session: Session, between: str = "", is_asked: bool = False) -> Iterator[Cell]:
    """The code of a session, and its figures: the operation and the output cell on show.

    between: words between the two. is_asked: they would answer a question, so the code asserts nothing and
    what it shows is left to the reader's run. Raises ValueError for what has no code.
    """
    code = session_code(session, is_portable=True)
    yield Code((code.partition("\nassert ")[0] if is_asked else code).rstrip())
    if between:
        yield Words(between)
    operation, cell = plain_operation(session), call_of(session).cell
    imported, name, call = constructor(operation)
    made = f"from convtui import {imported}\n\n{name} = {call}\n{name}"
    step = f"{name}.step({', '.join(map(str, cell))})"
    yield Code(made, {} if is_asked else mimebundle(operation))
    yield Code(step, {} if is_asked else mimebundle(operation.step(*cell)))


def plain_operation(session: Session) -> Convolution | TransposedConvolution | Pooling:
    """What is stepped through, in whatever way."""
    operation = session.operation
    return operation.transposed if isinstance(operation, Gathering | Scattering) else operation


def _about(session: Session) -> str:
    """The title, the shapes, the settings and where the output's size comes from."""
    operation = plain_operation(session)
    drawn = Gathering(operation) if isinstance(operation, TransposedConvolution) else operation
    shapes = [f"The image `x` is {list(operation.image_shape)}: channels, rows, columns."]
    if not isinstance(operation, Pooling):
        shapes.append(f"The weight `w` is {list(operation.weight_shape)}.")
        shapes.append("There is no bias." if operation.bias is None else "`b` is the bias.")
    shapes.append(f"The settings: {settings_of(drawn)}.")
    formulas = "\n".join(f"{axis.name:<8} {axis.formula}" for axis in operation.axes)
    cell = list(call_of(session).cell)
    return "\n\n".join(
        [
            f"# {escaped(name_of(drawn, session.kernel.label))} over {escaped(session.picture.name)}",
            " ".join(shapes),
            f"The output is {list(operation.output_shape)}:",
            f"```text\n{formulas}\n```",
            f"This PyTorch code computes it in float64 and asserts output cell {cell}. It runs where PyTorch "
            "and convtui are installed.",
        ]
    )


def _animation(session: Session, file: str) -> Code:
    """A cell that draws the animation and shows it, once it is run."""
    operation = plain_operation(session)
    require_animated(operation)
    name = constructor(operation).name
    return Code(
        f"from IPython.display import Image\n\n{name}.animate({quoted(file)})\nImage(filename={quoted(file)})"
    )
