"""Sessions to test with: the lesson, small ones made by hand, any legal one; and what can happen to them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from convtui.engine.convolution import Step
from convtui.engine.kernels import NAMES
from convtui.engine.spec import PADDING_MODES
from convtui.inputs import samples
from convtui.inputs.images import Picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from tests.engine.cases import Case, legal_cases, pairs

Change = Callable[[Session], Session]


def picture_of(pixels: ArrayLike, name: str = "picture", colour: bool = False) -> Picture:
    """A picture of [C, H, W] numbers, drawn from its lowest to its highest as files of numbers are."""
    array = np.array(pixels, dtype=np.float64)
    array.setflags(write=False)
    lowest, highest = min(0.0, float(array.min())), float(array.max())
    if highest <= lowest:
        highest = 0.0 if lowest < 0 else 1.0
    return Picture(array, name, "", colour, lowest, highest)


def counting(channels: int = 1, rows: int = 5, columns: int = 5) -> Picture:
    """The numbers from 1 on."""
    shape = channels, rows, columns
    return picture_of(np.arange(1, 1 + np.prod(shape)).reshape(shape), "counting")


def lesson(**spec: Any) -> Session:
    """The image and the kernel that convtui opens on: a handwritten 7, top-edge; at the first cell."""
    return Session.start(samples.open_image("mnist-7"), KernelChoice("top-edge"), **{"padding": 1, **spec})


def session_on(
    image: str | Picture, kernel: str = "top-edge", filters: int | None = None, **given: Any
) -> Session:
    picture = samples.open_image(image) if isinstance(image, str) else image
    return Session.start(picture, KernelChoice(kernel, filters=filters), **given)


def own(weight: ArrayLike, image: Picture, **given: Any) -> Session:
    """A session with weights [O, S, kH, kW] of the user's own."""
    array = np.array(weight, dtype=np.float64)
    return Session.start(image, KernelChoice("mine", filters=len(array), named=False), array, **given)


def session_of(case: Case) -> Session:
    return own(case.weight, picture_of(case.image), bias=case.bias, **case.parameters)


def step_of(session: Session) -> Step:
    """How the output cell is computed where a session is in its convolution."""
    return session.convolution.step(session.index)


def applied(session: Session, *changes: Change) -> Session:
    for change in changes:
        session = change(session)
    return session


@st.composite
def named_sessions(draw: st.DrawFn) -> Session:
    """A named kernel over a picture of one or more channels."""
    channels = draw(st.integers(1, 4))
    rows, columns = draw(pairs(5, 9))
    pixels = np.random.default_rng(draw(st.integers(0, 99))).random((channels, rows, columns)).round(2)
    picture = replace(picture_of(pixels, colour=channels == 3), lowest=0.0, highest=1.0)
    return Session.start(picture, KernelChoice(draw(st.sampled_from(NAMES)), seed=draw(st.integers(0, 3))))


def sessions() -> st.SearchStrategy[Session]:
    """Any small session, at its first cell."""
    return st.one_of(legal_cases().map(session_of), named_sessions())


@st.composite
def stepped_sessions(draw: st.DrawFn) -> Session:
    """Any small session, anywhere: at a cell or inside one, with as many cells computed as it may have."""
    session = draw(sessions())
    cells = st.integers(0, session.size - 1)
    furthest, here = draw(cells), draw(cells)
    return session.at(furthest).at(here, draw(st.none() | st.integers(0, session.products)))


_few = st.integers(-3, 3)
_values = st.floats(-100, 100).map(lambda value: round(value, 3))
_MOVES: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "at": st.tuples(st.integers(-5, 200)),
    "moved": st.tuples(st.integers(-30, 30)),
    "moved_rows": st.tuples(_few),
    "moved_channels": st.tuples(_few),
    "multiply_added": st.tuples(st.integers(-20, 20)),
    "finished": st.just(()),
    "restarted": st.just(()),
}
_CHANGES: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "with_groups": st.tuples(st.integers(0, 4)),
    "with_filters": st.tuples(st.integers(0, 6)),
    "with_kernel_size": st.tuples(st.one_of(st.integers(0, 6), pairs(1, 5))),
    "with_kernel": st.tuples(st.sampled_from(NAMES).map(KernelChoice)),
    "with_weight_value": st.tuples(*[st.integers(0, 2)] * 4, _values),
    "with_bias_value": st.tuples(st.integers(0, 2), _values),
    "with_pixel_value": st.tuples(*[st.integers(0, 4)] * 3, _values),
    "with_picture": st.tuples(st.builds(counting, st.integers(1, 4), st.just(6), st.just(7))),
}
_SPECS: dict[str, st.SearchStrategy[Any]] = {
    "stride": pairs(1, 4),
    "padding": st.one_of(
        st.integers(0, 3), st.tuples(pairs(0, 2), pairs(0, 2)), st.sampled_from(["same", "valid"])
    ),
    "dilation": pairs(1, 3),
    "padding_mode": st.sampled_from(PADDING_MODES),
}


def _transition(name: str, given: tuple[Any, ...]) -> Change:
    return lambda session: getattr(session, name)(*given)


def _with_spec(name: str, value: Any) -> Change:
    return lambda session: session.with_spec(**{name: value})


def moves() -> st.SearchStrategy[Change]:
    """Any step; all are legal from everywhere."""
    return st.one_of(*(given.map(partial(_transition, name)) for name, given in _MOVES.items()))


def changes() -> st.SearchStrategy[Change]:
    """Any change, legal or not."""
    return st.one_of(
        *(given.map(partial(_transition, name)) for name, given in _CHANGES.items()),
        *(values.map(partial(_with_spec, name)) for name, values in _SPECS.items()),
        st.sampled_from([None, 0, 1, 9]).map(lambda slice: lambda session: session.with_view(slice=slice)),
    )
