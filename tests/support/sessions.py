"""Sessions to save and restore: any that a user can reach, and what makes two of them the same."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from convtui.engine.kernels import NAMES
from convtui.engine.norms import NORM_KINDS
from convtui.engine.spec import LARGEST_VALUE, PADDING_MODES, SpecError
from convtui.inputs import samples
from convtui.inputs.images import Picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.network import Stack
from convtui.state.norm_choice import NormChoice
from convtui.state.operation import EXAMPLES, WAYS
from convtui.state.session import Session, Zoom
from convtui.state.settings import operation_change
from convtui.store.session_parser import VIEW_FLAGS

Change = Callable[[Session], Session]
StackChange = Callable[[Stack], Stack]

SEVEN = samples.open_image("mnist-7")


def top_edge(picture: Picture = SEVEN) -> Session:
    return Session.start(picture, KernelChoice("top-edge"))


def embedded(pixels: NDArray[np.float64], name: str = "made up", colour: bool = False) -> Picture:
    pixels = np.array(pixels, dtype=np.float64)
    pixels.setflags(write=False)
    return Picture(pixels, name, "", colour, min(0.0, pixels.min()), max(1.0, pixels.max()))


def bits(array: NDArray[np.float64] | None) -> tuple[tuple[int, ...], bytes] | None:
    return None if array is None else (array.shape, array.tobytes())


def figures(session: Session) -> dict[str, Any]:
    """All that a session file has to bring back."""
    picture, convolution, view = session.picture, session.convolution, session.view
    if view.slice is not None:  # one that the operation on show does not have is not kept
        view = replace(view, slice=min(view.slice, session.last_slice))
    return {
        "pixels": bits(picture.pixels),
        "original": bits((picture.original or picture).pixels),
        "picture": (
            picture.name,
            picture.colour,
            picture.lowest,
            picture.highest,
            picture.resize,
            picture.crop,
            picture.gray,
        ),
        "weight": bits(convolution.weight),
        "bias": bits(convolution.bias),
        "spec": session.spec,
        "kernel": session.kernel,
        "operation": (str(session.layer), session.way, session.torch_call),
        "place": (session.index, session.taps, session.filled),
        "view": view,
        "stack": session.stack,
        "norm": session.norm,
    }


_values = st.floats(-LARGEST_VALUE, LARGEST_VALUE)
_pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
_sides = st.tuples(st.integers(0, 3), st.integers(0, 3))
_paddings = st.sampled_from(["same", "valid"]) | st.integers(0, 3) | st.tuples(_sides, _sides)
_choices = st.builds(KernelChoice, st.sampled_from(NAMES), st.integers(0, 3), st.none() | st.integers(1, 4))


@st.composite
def _pictures(draw: st.DrawFn) -> Picture:
    if draw(st.booleans()):
        name = draw(st.sampled_from(["digit-8x8-3", "count-5x5", "colours-12x12"]))
        resize = draw(st.none() | st.integers(8, 16) | st.tuples(st.integers(8, 16), st.integers(8, 16)))
        crop = draw(st.none() | st.just((5, 4)))
        return samples.open_image(name, resize, gray=draw(st.booleans()), crop=crop)
    shape = (draw(st.integers(1, 4)), draw(st.integers(5, 7)), draw(st.integers(5, 7)))
    count = int(np.prod(shape))
    pixels = np.array(draw(st.lists(_values, min_size=count, max_size=count))).reshape(shape)
    name = draw(st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1))
    return embedded(pixels, name, colour=shape[0] == 3 and draw(st.booleans()))


_indices = st.tuples(st.integers(0), st.integers(0), st.integers(0), st.integers(0))


def _pixel_edit(at: tuple[int, ...], value: float) -> Change:
    def edit(session: Session) -> Session:
        c, r, q = (index % size for index, size in zip(at, session.picture.pixels.shape, strict=False))
        return session.with_pixel_value(c, r, q, value)

    return edit


def _weight_edit(at: tuple[int, ...], value: float) -> Change:
    def edit(session: Session) -> Session:
        o, s, i, j = (index % size for index, size in zip(at, session.convolution.weight_shape, strict=True))
        return session.with_weight_value(o, s, i, j, value).with_bias_value(o, value)

    return edit


def _chosen(text: str) -> StackChange:
    return lambda stack: Stack.chosen(text, stack.input_shape, stack.seed)


_stacks: st.SearchStrategy[StackChange] = st.one_of(
    st.sampled_from(["lenet-5", "two-layers", "conv 3x3 4 p1, relu, maxpool 2", "conv 9x9 1"]).map(_chosen),
    st.integers(-3, 9).map(lambda count: lambda stack: stack.moved_layers(count)),
    st.integers(-9, 99).map(lambda count: lambda stack: stack.moved(count)),
    st.integers(0, 5).map(lambda seed: lambda stack: stack.reseeded(seed)),
)

_operations = st.sampled_from(
    [
        *EXAMPLES,
        "maxpool 3x2 s2 p1 d2 ceil",
        "avgpool 3 s1 p1 nopadcount",
        "avgpool 2x3 div5",
        "adaptivemaxpool 3x7",
        "convtranspose 2x3 2 s3 p1 op1 nobias",
        "convtranspose 3 1 d2 p0:1x2:0",
        "conv 3 2 s2",
    ]
)

_changes = st.one_of(
    _operations.map(operation_change),
    st.sampled_from(WAYS).map(lambda way: lambda session: session.with_way(way)),
    _pairs.map(lambda pair: lambda session: session.with_parameters(stride=pair, padding=1)),
    st.builds(_pixel_edit, _indices, _values),
    st.builds(_weight_edit, _indices, _values),
    _pairs.map(lambda pair: lambda session: session.with_spec(stride=pair)),
    _pairs.map(lambda pair: lambda session: session.with_spec(dilation=pair)),
    _paddings.map(lambda padding: lambda session: session.with_spec(padding=padding)),
    st.sampled_from(PADDING_MODES).map(lambda mode: lambda session: session.with_spec(padding_mode=mode)),
    st.integers(1, 4).map(lambda groups: lambda session: session.with_groups(groups)),
    st.integers(1, 6).map(lambda filters: lambda session: session.with_filters(filters)),
    _pairs.map(lambda size: lambda session: session.with_kernel_size(size)),
    _choices.map(lambda choice: lambda session: session.with_kernel(choice)),
    _values.map(lambda value: lambda session: session.with_weight(np.full((2, 1, 2, 3), value), "mine é🐈")),
    _pictures().map(lambda picture: lambda session: session.with_picture(picture)),
    st.integers(0, 500).map(lambda index: lambda session: session.at(index)),
    st.integers(-40, 40).map(lambda count: lambda session: session.multiply_added(count)),
    st.just(lambda session: session.finished()),
    _stacks.map(lambda change: lambda session: session.with_stack(change(session.stack))),
    st.sampled_from([None, *Zoom]).map(lambda zoom: lambda session: session.with_view(zoom=zoom)),
    st.booleans().map(lambda hints: lambda session: session.with_view(hints=hints)),
    st.integers(0, 5).map(lambda slice: lambda session: session.with_view(slice=slice % session.slices)),
    st.builds(NormChoice, st.sampled_from(NORM_KINDS), st.integers(1, 64)).map(
        lambda norm: lambda session: replace(session, norm=norm)
    ),
    st.sampled_from(VIEW_FLAGS).map(lambda flag: lambda session: session.with_view(**{flag: True})),
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Any session that a few keys lead to; what PyTorch refuses on the way is left out, as the app does."""
    session = Session.start(draw(_pictures()), draw(_choices.filter(lambda choice: choice.name != "edges")))
    for change in draw(st.lists(_changes, max_size=6)):
        with suppress(SpecError):
            session = change(session)
    return session


def image_file(path: Path, values: object = ((0, 0.5, 1), (0.25, 0.5, 0.75), (1, 0, 1))) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.array(values))
    return path
