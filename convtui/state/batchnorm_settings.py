"""Read what a user types on the BatchNorm page: a setting's name, then its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convtui.inputs.names import printable, split_setting
from convtui.state.batchnorm import MOST_IMAGES, Batches
from convtui.state.settings import parse_count, parse_number

Change = Callable[[Batches], Batches]

EXAMPLES: Final = {
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
PROPOSED: Final = (
    *(each.partition(", or ")[0] for each in EXAMPLES.values()),
    "momentum none",
    "mode training",
)
_OTHER_NAMES: Final = {
    "batch_size": "size",
    "batch": "size",
    "weight": "gamma",
    "bias": "beta",
    "weights": "seed",
}
_MODES: Final = {"training": True, "train": True, "evaluation": False, "eval": False}


def named(text: str) -> tuple[str, str]:
    """The setting's name in full and the text of its value. Raises ValueError where there is none such."""
    name, value = split_setting(text, EXAMPLES, _OTHER_NAMES)
    if not value:
        raise ValueError(f"{name} needs a value: {EXAMPLES[name]}")
    return name, value


def change(name: str, text: str) -> Change:
    """The change of one setting but the seed, which is another network.

    Raises ValueError for what is no such value; the change itself for what there is not.
    """
    match name:
        case "layer":
            number = parse_count(name, text)
            return lambda batches: batches.at_layer(number)
        case "channel":
            channel = parse_count(name, text, least=0)
            return lambda batches: batches.at_channel(channel)
        case "size":
            size = parse_count(name, text, most=MOST_IMAGES)
            return lambda batches: batches.with_batch_size(size)
        case "gamma":
            gamma = parse_number(name, text)
            return lambda batches: batches.with_gamma(gamma)
        case "beta":
            beta = parse_number(name, text)
            return lambda batches: batches.with_beta(beta)
        case "momentum":
            momentum = None if text.lower() == "none" else parse_number(name, text)
            return lambda batches: batches.with_norm(momentum=momentum)
        case "eps":
            eps = parse_number(name, text)
            return lambda batches: batches.with_norm(eps=eps)
        case "mode" if text.lower() in _MODES:
            training = _MODES[text.lower()]
            return lambda batches: batches.with_norm(training=training)
    raise ValueError(f"{name} {printable(text)}: must be training or evaluation")
