"""An operation with its real input and weights as a session, to step through it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering
from convtui.inputs.images import PASTED, Picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import OtherOperation, room_for, transposed_weight
from convtui.state.session import Session

if TYPE_CHECKING:
    from convtui.engine.feature_maps import FeatureMaps
    from convtui.engine.output_cells import Position
    from convtui.engine.spec import Floats
    from convtui.engine.window_operation import WindowOperation

Layered: TypeAlias = Convolution | Pooling | TransposedConvolution


def layer_opened(session: Session, feature_maps: FeatureMaps) -> Session:
    """The operation of the stack's selected layer, with its real input, at the selected activation.

    Raises LayerError if that layer has no windows.
    """
    stack = session.stack
    opened = feature_maps.operation_of(stack.layer)
    picture = session.picture
    if stack.row.inputs != (0,):
        picture = picture_of(opened.image, f"{picture.name} · layer {stack.layer} input")
    run = f"{stack.trained.run_name} " if stack.trained else ""
    name = f"{run}layer {stack.layer}"
    return operation_opened(session.with_stack(stack), opened, name, picture, stack.activation)


def operation_opened(
    session: Session, opened: WindowOperation, name: str, picture: Picture, at: Position
) -> Session:
    """An operation with its own weights, called so, over the picture that is its image, at a cell."""
    assert isinstance(opened, Layered)
    stack = session.chosen_stack
    if stack is not None and picture is not session.picture:
        stack = stack.over(picture.pixels.shape)
    convolution, kernel, operation = _parts(session, picture, opened, name)
    view = replace(session.view, slice=None, zoom=None)
    return Session(
        picture,
        convolution,
        kernel,
        view=view,
        chosen_stack=stack,
        norm=session.norm,
        chosen_operation=operation,
    ).at(opened.index(*at))


def picture_opened(session: Session, picture: Picture) -> Session:
    """The session over another picture.

    An operation that was opened with its own input may not fit that; a kernel that fits any picture then
    stands for it. Raises SpecError where the kernel is the user's own.
    """
    try:
        return session.with_picture(picture)
    except SpecError:
        if session.kernel.named or not is_input(session.picture):
            raise
    opened = Session.start(picture, KernelChoice("identity"), size=1)
    stack = session.chosen_stack and session.chosen_stack.over(picture.pixels.shape)
    view = replace(session.view, slice=None, zoom=None)
    return replace(opened, view=view, chosen_stack=stack, norm=session.norm)


def is_input(picture: Picture) -> bool:
    """Whether it is in no file and not pasted, as what an opened operation reads."""
    return not picture.source and picture.name != PASTED


def picture_of(image: Floats, name: str) -> Picture:
    """What an operation reads, as a picture from its least value, or 0, to its greatest."""
    lowest, highest = min(0.0, float(image.min())), float(image.max())
    return Picture(image, name, "", False, lowest, highest if highest > lowest else lowest + 1)


def _parts(
    session: Session, picture: Picture, opened: Layered, name: str
) -> tuple[Convolution, KernelChoice, OtherOperation | None]:
    """The convolution, its kernel, and the operation that is stepped through instead of it."""
    if isinstance(opened, Pooling):
        kept = _over(session, picture)
        return kept.convolution, kept.kernel, opened
    if isinstance(opened, Convolution):
        return opened, KernelChoice(name, filters=opened.weight_shape[0], named=False), None
    groups = opened.spec.groups
    convolution = Convolution(
        opened.image,
        transposed_weight(opened.weight, groups),
        opened.bias,
        padding=room_for(opened.spec.kernel_size, opened.image_shape[1:]),
        groups=groups,
    )
    return convolution, KernelChoice(name, filters=len(convolution.weight), named=False), Gathering(opened)


def _over(session: Session, picture: Picture) -> Session:
    """The same kernel over another picture, or, where it does not fit, one that fits any."""
    if picture is session.picture:
        return session
    try:
        return replace(session, chosen_operation=None).with_picture(picture)
    except SpecError:
        return Session.start(picture, KernelChoice("identity"), size=1)
