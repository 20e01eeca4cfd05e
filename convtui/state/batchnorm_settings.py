"""The settings of the Norms page as text: what a user types, and the present value to begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convtui.engine.norms import NORM_KINDS
from convtui.inputs.names import printable, split_setting
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import MAX_BATCH_SIZE
from convtui.state.settings import parse_count, parse_number

Transition = Callable[[BatchNormSession], BatchNormSession]

EXAMPLES: Final = {
    "norm": "norm group",
    "groups": "groups 4",
    "image": "image 3",
    "layer": "layer 6",
    "channel": "channel 3",
    "size": "size 64",
    "gamma": "gamma 2",
    "beta": "beta -0.5",
    "momentum": "momentum 0.1, or momentum none",
    "eps": "eps 1e-3",
    "mode": "mode evaluation",
    "seed": "seed 4",
}
SUGGESTIONS: Final = (
    *(each.partition(", or ")[0] for each in EXAMPLES.values()),
    "momentum none",
    "mode training",
    *(f"norm {kind}" for kind in NORM_KINDS if kind != "group"),
)
_OTHER_NAMES: Final = {
    "batch_size": "size",
    "batch": "size",
    "weight": "gamma",
    "bias": "beta",
    "weights": "seed",
    "num_groups": "groups",
}
_MODES: Final = {"training": True, "train": True, "evaluation": False, "eval": False}


def parse_setting(text: str) -> tuple[str, str]:
    """The setting's name in full and the text of its value. Raises ValueError for an unknown name."""
    name, value = split_setting(text, EXAMPLES, _OTHER_NAMES)
    if not value:
        raise ValueError(f"{name} needs a value: {EXAMPLES[name]}")
    return name, value


def transition(name: str, text: str) -> Transition:
    """The transition that sets any setting but the seed, which is another network.

    Raises ValueError for a text that is not a value; the transition does for a value that is out of range.
    """
    match name:
        case "norm":
            kind = next((each for each in NORM_KINDS if each == text.lower().removesuffix(" norm")), None)
            if kind is None:
                raise ValueError(f"norm {printable(text)}: must be batch, layer, group or instance")
            return lambda session: session.with_kind(kind)
        case "groups":
            groups = parse_count(name, text)
            return lambda session: session.with_groups(groups)
        case "image":
            image = parse_count(name, text, least=0)
            return lambda session: session.at_image(image)
        case "layer":
            number = parse_count(name, text)
            return lambda session: session.at_layer(number)
        case "channel":
            channel = parse_count(name, text, least=0)
            return lambda session: session.at_channel(channel)
        case "size":
            size = parse_count(name, text, most=MAX_BATCH_SIZE)
            return lambda session: session.with_batch_size(size)
        case "gamma":
            gamma = parse_number(name, text)
            return lambda session: session.with_gamma(gamma)
        case "beta":
            beta = parse_number(name, text)
            return lambda session: session.with_beta(beta)
        case "momentum":
            momentum = None if text.lower() == "none" else parse_number(name, text)
            return lambda session: session.with_norm(momentum=momentum)
        case "eps":
            eps = parse_number(name, text)
            return lambda session: session.with_norm(eps=eps)
        case "mode" if text.lower() in _MODES:
            training = _MODES[text.lower()]
            return lambda session: session.with_norm(training=training)
    raise ValueError(f"{name} {printable(text)}: must be training or evaluation")


def value_text(session: BatchNormSession, name: str) -> str:
    """The present value of a setting, as it would be typed; "" for those that are typed whole."""
    values = {
        "norm": session.choice.kind,
        "groups": session.num_groups,
        "image": "" if session.image is None else session.image,
        "layer": session.layer.number,
        "channel": session.channel,
        "size": session.batch_size,
        "gamma": f"{session.gamma:g}",
        "beta": f"{session.beta:g}",
        "momentum": session.norm.momentum,
    }
    return str(values.get(name, ""))
