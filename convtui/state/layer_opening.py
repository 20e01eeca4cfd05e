"""A layer of the stack as a session, to step through what it computes of its real input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering
from convtui.inputs.images import Picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import OtherOperation, room_for, transposed_weight
from convtui.state.session import Session

if TYPE_CHECKING:
    from convtui.engine.feature_maps import FeatureMaps

Layered: TypeAlias = Convolution | Pooling | TransposedConvolution


def layer_opened(session: Session, feature_maps: FeatureMaps) -> Session:
    """The operation of the stack's selected layer, with its real input, at the selected activation.

    Raises LayerError if that layer has no windows.
    """
    stack = session.stack
    opened = feature_maps.operation_of(stack.layer)
    assert isinstance(opened, Layered)
    picture, over = session.picture, stack
    if stack.row.inputs != (0,):
        picture = _picture_of(opened, f"{picture.name} · layer {stack.layer} input")
        over = stack.over(picture.pixels.shape)
    convolution, kernel, operation = _parts(session, picture, opened)
    view = replace(session.view, slice=None, zoom=None)
    return Session(
        picture,
        convolution,
        kernel,
        view=view,
        chosen_stack=over,
        norm=session.norm,
        chosen_operation=operation,
    ).at(opened.index(*stack.activation))


def _picture_of(opened: Layered, name: str) -> Picture:
    """The input of a layer, which is not the image itself."""
    lowest, highest = min(0.0, float(opened.image.min())), float(opened.image.max())
    return Picture(opened.image, name, "", False, lowest, highest if highest > lowest else lowest + 1)


def _parts(
    session: Session, picture: Picture, opened: Layered
) -> tuple[Convolution, KernelChoice, OtherOperation | None]:
    """The convolution, its kernel, and the operation that is stepped through instead of it."""
    if isinstance(opened, Pooling):
        kept = _over(session, picture)
        return kept.convolution, kept.kernel, opened
    stack = session.stack
    run = f"{stack.trained.run_name} " if stack.trained else ""
    name = f"{run}layer {stack.layer}"
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
