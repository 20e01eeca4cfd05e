"""Thousands of random settings, typed and as options: each works as PyTorch does, or is refused in a line."""

import warnings
from random import Random

import numpy as np
import torch
from torch.nn import functional

from convtui.cli.main import _open_parser, build
from convtui.engine.kernels import NAMES
from convtui.engine.spec import PADDING_MODES
from convtui.pages.base.step_grids import Pointer, step_grids
from convtui.state.session import Session
from convtui.state.settings import EXAMPLES, transition
from tests.robustness import SEED, rounds
from tests.support.example_sessions import counting, own, session_on, step_of

MOST_PRODUCTS = 2**19  # of an output that is computed as a whole
NUMBERS = (
    *(
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "7",
        "11",
        "12",
        "64",
        "65",
        "-1",
        "+2",
        "1.5",
        "1e3",
        "inf",
        "nan",
        "١",
        "0x3",
    ),
    *("", "9" * 29, "9" * 31, "true", "None", "1_0"),
)
SEPARATORS = (",", "x", " ", ", ", "×", ";", "/")
OPTIONS = (
    "kernel", "kernel-size", "filters", "seed", "bias", "stride", "padding", "padding-mode", "dilation",
    "groups", "at", "multiply-adds", "resize",
)  # fmt: skip
IMAGES = ("count-5x5", "mnist-7", "cat-32")


def number(chance: Random) -> str:
    return chance.choice(NUMBERS[:8]) if chance.random() < 0.8 else chance.choice(NUMBERS)


def numbers(chance: Random) -> str:
    count = chance.choice((1, 1, 1, 2, 2, 3, 4, 5))
    text = chance.choice(SEPARATORS[:3] if chance.random() < 0.9 else SEPARATORS).join(
        number(chance) for _ in range(count)
    )
    return chance.choice((text, text, text, f"({text})", f"[{text}]", f" {text} "))


def array(chance: Random) -> str:
    rows, columns = chance.randint(1, 4), chance.randint(1, 4)
    lines = (", ".join(str(chance.choice((0, 1, -1, 0.5, 1e3))) for _ in range(columns)) for _ in range(rows))
    return "[" + ", ".join(f"[{line}]" for line in lines) + "]"


def value(chance: Random, name: str) -> str:
    """Usually of the kind that the setting takes."""
    kind = name.replace("-", "_") if chance.random() < 0.9 else ""
    match kind:
        case "kernel":
            named = chance.choice(NAMES)
            return chance.choice((named, named, f"{named} {numbers(chance)}", array(chance), named[:-1]))
        case "padding":
            return chance.choice(("same", "valid", "Same", numbers(chance), numbers(chance), numbers(chance)))
        case "padding_mode" | "mode":
            return chance.choice((*PADDING_MODES, "zero"))
        case "bias":
            return chance.choice((number(chance), f"{number(chance)} {number(chance)}"))
        case _:
            return numbers(chance)


def typed(chance: Random) -> str:
    names = (
        "stride",
        "padding",
        "padding_mode",
        "dilation",
        "groups",
        "kernel",
        "size",
        "filters",
        "bias",
        "seed",
    )
    if chance.random() < 0.05:
        return chance.choice(tuple(EXAMPLES.values()))
    name = chance.choice((*names, "at", "mode"))
    return f"{name} {value(chance, name)}"


def options(chance: Random) -> list[str]:
    asked = [chance.choice(IMAGES)]
    for name in chance.sample(OPTIONS, chance.choice((1, 2, 3, 5))):
        asked.append(f"--{name}={value(chance, name)}")
    return asked


def first_session(chance: Random) -> Session:
    picture = counting(chance.choice((1, 1, 2, 3, 4, 6)), chance.randint(1, 9), chance.randint(1, 9))
    if chance.random() < 0.5:
        return session_on(picture, "identity", size=1)
    weight = np.random.default_rng(chance.randrange(10**6)).standard_normal((2, len(picture.pixels), 1, 1))
    return own(weight, picture, bias=np.array([0.5, -2.0]))


def require_one_line(error: Exception) -> None:
    assert str(error), repr(error)
    assert str(error).isprintable(), repr(error)
    assert len(str(error)) < 1000, repr(error)


def require_torchs(session: Session) -> None:
    """The numbers of PyTorch, in the whole output and in a step, and all that is shown of the step."""
    convolution, spec = session.convolution, session.spec
    step = step_of(session)
    step_grids(session, step, Pointer())
    if convolution.size * convolution.weight[0].size > MOST_PRODUCTS:
        return
    (top, bottom), (left, right) = spec.pads
    mode = "constant" if spec.padding_mode == "zeros" else spec.padding_mode
    image = functional.pad(torch.tensor(convolution.image)[None], (left, right, top, bottom), mode)
    bias = None if convolution.bias is None else torch.tensor(convolution.bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = functional.conv2d(
            image, torch.tensor(convolution.weight), bias,
            stride=spec.stride, dilation=spec.dilation, groups=spec.groups,
        )[0].numpy()  # fmt: skip
    near = 1e-12 * max(1.0, float(np.abs(convolution.weight).sum() * np.abs(convolution.image).max()))
    np.testing.assert_allclose(convolution.output, expected, rtol=1e-12, atol=near)
    assert step.value == convolution.output[step.position]


def test_typed_settings() -> None:
    works = 0
    for walk in range(rounds(30, 1000)):
        chance = Random(f"{SEED} {walk}")
        session, path = first_session(chance), []
        for _ in range(5):
            path.append(typed(chance))
            try:
                session = transition(path[-1])(session)
                require_torchs(session)
                works += 1
            except ValueError as error:
                require_one_line(error)
            except Exception as error:
                raise AssertionError(f"walk {walk} of seed {SEED}: {path}") from error
    assert works > rounds(40, 1500)


def test_options() -> None:
    works = 0
    for number in range(rounds(60, 3000)):
        chance = Random(f"options {SEED} {number}")
        asked = options(chance)
        try:
            require_torchs(build(_open_parser().parsed(asked)))
            works += 1
        except ValueError as error:
            require_one_line(error)
        except Exception as error:
            raise AssertionError(f"options {number} of seed {SEED}: {asked}") from error
    assert works > rounds(5, 300)
