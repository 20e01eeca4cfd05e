"""Convolutions drawn at random, and what PyTorch makes of them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from convtui.engine.convolution import Convolution
from convtui.engine.spec import PADDING_MODES, Floats


@dataclass(frozen=True, eq=False)
class Case:
    """The arguments of a convolution, for convtui and for PyTorch."""

    image: Floats
    weight: Floats
    bias: Floats | None
    parameters: dict[str, Any]

    def __repr__(self) -> str:
        shapes = f"{self.image.shape}, {self.weight.shape}, bias={self.bias is not None}"
        return f"Case({shapes}, {self.parameters})"

    @property
    def convolution(self) -> Convolution:
        return Convolution(self.image, self.weight, self.bias, **self.parameters)

    def computed_by_torch(self, image: torch.Tensor | None = None) -> torch.Tensor:
        """The output of torch.nn.Conv2d, or with four sides that of F.pad and F.conv2d."""
        image = torch.tensor(self.image) if image is None else image
        weight = torch.tensor(self.weight)
        bias = None if self.bias is None else torch.tensor(self.bias)
        parameters = dict(self.parameters)
        padding = parameters["padding"]
        if np.ndim(padding) == 2:
            mode = parameters.pop("padding_mode")
            (top, bottom), (left, right) = parameters.pop("padding")
            mode = "constant" if mode == "zeros" else mode
            padded = torch.nn.functional.pad(image[None], (left, right, top, bottom), mode)
            return torch.nn.functional.conv2d(padded, weight, bias, **parameters)[0]
        out_channels, _, height, width = weight.shape
        layer = torch.nn.Conv2d(len(image), out_channels, (height, width), bias=False, **parameters)
        layer.weight = torch.nn.Parameter(weight)
        layer.bias = None if bias is None else torch.nn.Parameter(bias)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
            output: torch.Tensor = layer(image[None])
        return output[0]


def _case(
    seed: int, shapes: tuple[tuple[int, ...], tuple[int, ...]], has_bias: bool, **parameters: Any
) -> Case:
    random = np.random.default_rng(seed)
    image, weight = (random.standard_normal(shape) for shape in shapes)
    bias = random.standard_normal(len(weight)) if has_bias else None
    return Case(image, weight, bias, parameters)


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(*[st.integers(least, most)] * 2)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any small convolution, legal or not."""
    in_channels, out_channels, slices, groups = (draw(st.integers(1, 4)) for _ in range(4))
    if draw(st.booleans()):
        in_channels, out_channels = groups * slices, groups * draw(st.integers(1, 2))
    numbers = st.integers(0, 6)
    return _case(
        draw(st.integers(0, 99)),
        ((in_channels, *draw(pairs(1, 8))), (out_channels, slices, *draw(pairs(1, 5)))),
        draw(st.booleans()),
        stride=draw(st.one_of(st.integers(0, 4), pairs(1, 4))),
        padding=draw(
            st.one_of(
                numbers, pairs(0, 6), st.tuples(pairs(0, 6), pairs(0, 6)), st.sampled_from(["same", "valid"])
            )
        ),
        dilation=draw(st.one_of(st.integers(0, 3), pairs(1, 3))),
        groups=groups,
        padding_mode=draw(st.sampled_from(PADDING_MODES)),
    )


@st.composite
def legal_cases(draw: st.DrawFn) -> Case:
    """Any small convolution that is legal by construction."""
    groups, slices, filters = (draw(st.integers(1, 3)) for _ in range(3))
    mode = draw(st.sampled_from(PADDING_MODES))
    kind = draw(st.sampled_from(["same", "valid", "number", "pair", "sides"]))
    size = draw(pairs(1, 9))
    dilation = draw(pairs(1, 3))
    limits = [{"reflect": n - 1, "circular": n}.get(mode, 4) for n in size]
    sides = [[draw(st.integers(0, min(limit, 4))) for _ in "ab"] for limit in limits]
    if kind == "number":
        sides = [[min(sides[0] + sides[1])] * 2] * 2
    elif kind == "pair":
        sides = [[min(side)] * 2 for side in sides]
    padding: Any = {
        "number": sides[0][0],
        "pair": (sides[0][0], sides[1][0]),
        "sides": tuple(map(tuple, sides)),
    }
    if kind == "same":
        room = [2 * limit for limit in limits]
    elif kind == "valid":
        room = [n - 1 for n in size]
    else:
        room = [n + sum(side) - 1 for n, side in zip(size, sides, strict=True)]
    kernel = [draw(st.integers(1, min(5, most // d + 1))) for most, d in zip(room, dilation, strict=True)]
    return _case(
        draw(st.integers(0, 99)),
        ((groups * slices, *size), (groups * filters, slices, *kernel)),
        draw(st.booleans()),
        stride=1 if kind == "same" else draw(pairs(1, 5)),
        padding=padding.get(kind, kind),
        dilation=dilation,
        groups=groups,
        padding_mode=mode,
    )
