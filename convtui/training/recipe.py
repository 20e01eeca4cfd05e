"""Everything that decides how a run goes, checked before a process is started for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from reprlib import repr as short_repr
from typing import Any, Final

from convtui.inputs.axes import AXES as ARRAY_AXES
from convtui.inputs.names import printable
from convtui.training.devices import CHOICES
from convtui.training.own_network import OwnNetwork

SCHEDULES: Final = ("one-cycle", "constant")
AXES: Final = (_AUTO := "auto", *ARRAY_AXES)
OPTIMIZERS: Final = ("adamw", "sgd")


class RecipeError(ValueError):
    """A hyper-parameter that cannot be: its name, the value, why, and what would be right."""

    def __init__(self, parameter: str, value: object, legal: str) -> None:
        super().__init__(parameter, value, legal)
        self.parameter, self.value, self.legal = parameter, value, legal

    def __str__(self) -> str:
        return f"{self.parameter} {printable(str(self.value))}: must be {self.legal}"


@dataclass(frozen=True)
class Recipe:
    """Data, network, optimiser and schedule of a run; the same recipe gives the same run on the same machine.

    channels are those of the hidden convolutions, every one with stride 2; a last one has a channel a class.
    max_lr is the peak of the one-cycle schedule, or the constant rate. Momentum is SGD's momentum or Adam's
    beta1: one-cycle takes it from high to low and back, a constant rate leaves it at `momentum`.
    image_size is the side that the pictures of a folder are scaled to; arrays keep their size. axes says
    where an array has its channels, channels-first or channels-last; auto: where its shape lets expect them.
    device is what it trains on; auto: the fastest that is there. The same bits are promised of cpu alone.
    network is one of the user's own, in place of convolutions of those channels.
    Raises RecipeError for a value that no run can have.
    Source: Smith 2018, https://arxiv.org/abs/1803.09820;
    https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
    """

    data: str = "mnist-12k"
    image_size: int = 28
    axes: str = "auto"
    channels: tuple[int, ...] = (8, 16, 32, 64)
    first_kernel_size: int = 5
    batch_norm: bool = True
    schedule: str = "one-cycle"
    max_lr: float = 0.06
    epochs: int = 5
    batch_size: int = 128
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    momentum: float = 0.9
    low_momentum: float = 0.85
    high_momentum: float = 0.95
    beta2: float = 0.99
    eps: float = 1e-5
    pct_start: float = 0.25
    div_factor: float = 25.0
    final_div_factor: float = 4000.0
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    network: OwnNetwork | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.data, str) or not self.data:
            raise RecipeError("data", self.data, "the name of a data set, a folder or a file")
        for name, (least, most) in _COUNTS.items():
            _require_count(name, getattr(self, name), least, most)
        if self.first_kernel_size % 2 == 0:
            raise RecipeError("first_kernel_size", self.first_kernel_size, "odd, such as 3 or 5")
        if not isinstance(self.channels, tuple) or not 1 <= len(self.channels) <= MOST_LAYERS:
            raise RecipeError("channels", self.channels, f"1 to {MOST_LAYERS} numbers, such as 8,16,32,64")
        for count in self.channels:
            _require_count("channels", count, 1, 1024)
        for name, names in (
            ("axes", AXES),
            ("schedule", SCHEDULES),
            ("optimizer", OPTIMIZERS),
            ("device", CHOICES),
        ):
            if getattr(self, name) not in names:
                raise RecipeError(name, getattr(self, name), " or ".join(names))
        if not isinstance(self.batch_norm, bool):
            raise RecipeError("batch_norm", self.batch_norm, "on or off")
        for name, (low, high) in _NUMBERS.items():
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not low <= value <= high:
                raise RecipeError(name, value, f"a number from {low:g} to {high:g}")
        if not isinstance(self.network, OwnNetwork | None):
            raise RecipeError("network", self.network, "one of your own, as net.py:Net")
        if self.low_momentum > self.high_momentum:
            raise RecipeError(
                "low_momentum", self.low_momentum, f"at most high_momentum {self.high_momentum}"
            )

    @property
    def data_axes(self) -> str:
        """The axes as `load` takes them."""
        return "" if self.axes == _AUTO else self.axes

    def with_text(self, name: str, text: str) -> Recipe:
        """The recipe with one hyper-parameter as a person types it: `batch_norm off`, `channels 8,16`."""
        kinds = {name: type(getattr(Recipe, name)) for name in SETTINGS}
        if name not in kinds:
            raise RecipeError(name, text, f"one of {', '.join(kinds)}")
        return replace(self, **{name: _parsed(text.strip(), kinds[name])})

    def as_dict(self) -> dict[str, Any]:
        """What from_dict reads back; of JSON's types."""
        values = {**asdict(self), "channels": list(self.channels)}
        del values["network"]
        return values | ({"network": self.network.as_dict()} if self.network else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that as_dict wrote. Raises RecipeError for a name or value that none has."""
        if not isinstance(values, Mapping):
            raise RecipeError("recipe", values, "the hyper-parameters by their names")
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise RecipeError(name, values[name], f"one of {', '.join(sorted(known))}")
        channels, network = values.get("channels", cls.channels), values.get("network")
        if network is not None:
            try:
                network = OwnNetwork.from_dict(network)
            except (TypeError, ValueError) as error:
                raise RecipeError("network", network, f"one of your own ({error})") from None
        channels = tuple(channels) if isinstance(channels, list) else channels
        return cls(**{**values, "channels": channels, "network": network})

    def require_same(self, begun: Mapping[str, Any]) -> None:
        """Raises ValueError if a run was begun with other values.

        Only its data may lie elsewhere by now, and whoever loads its own network looks at that.
        """
        if not isinstance(begun, Mapping):
            return  # its checkpoint is refused for that
        for name, value in self.as_dict().items():
            if name not in ("data", "network") and begun.get(name, value) != value:
                was = f"the run began with {short_repr(begun[name])}"
                raise ValueError(f"{name} {value!r}: {was}; restore it in recipe.json, or start a new run")


MOST_LAYERS: Final = 12
SETTINGS: Final = tuple(field.name for field in fields(Recipe) if field.name != "network")  # that are typed

_COUNTS: Final = {
    "image_size": (1, 512),
    "first_kernel_size": (1, 31),
    "epochs": (1, 10_000),
    "batch_size": (2, 65_536),
    "seed": (0, 2**32 - 1),
    "threads": (1, 256),
}
_NUMBERS: Final = {
    "max_lr": (1e-12, 1e3),
    "weight_decay": (0.0, 1e3),
    "momentum": (0.0, 0.9999),
    "low_momentum": (0.0, 0.9999),
    "high_momentum": (0.0, 0.9999),
    "beta2": (0.0, 0.999999),
    "eps": (1e-16, 1.0),
    "pct_start": (0.01, 0.99),
    "div_factor": (1.0, 1e9),
    "final_div_factor": (1.0, 1e12),
}


def _require_count(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RecipeError(name, value, f"a whole number from {least} to {most}")


def _parsed(text: str, kind: type) -> Any:
    """The text as a value of that kind; what is none stays text, which the recipe's own check refuses."""
    if kind is not str and "_" in text:  # which Python takes in numbers
        return text
    try:
        if kind is bool:
            return {"on": True, "off": False, "yes": True, "no": False, "true": True, "false": False}[
                text.lower()
            ]
        if kind is tuple:
            return tuple(int(each) for each in re.split(r"\s*,\s*|\s+", text))
        if kind in (int, float):
            return kind(text)
    except (ValueError, KeyError, OverflowError):
        return text
    return text
