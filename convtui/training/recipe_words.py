"""Recipes in words: as they are typed, and what tells one from another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from convtui.inputs.names import printable, split_setting
from convtui.training.recipe import SETTINGS, Recipe

TOLD: Final = ("schedule", "max_lr", "batch_norm", "epochs")  # elsewhere
OF_BUNDLED: Final = ("channels", "first_kernel_size", "batch_norm")  # decide nothing of an own network
OTHER_NAMES: Final = {
    "lr": "max_lr",
    "rate": "max_lr",
    "learning_rate": "max_lr",
    "peak": "max_lr",
    "batch": "batch_size",
    "norm": "batch_norm",
    "policy": "schedule",
    "decay": "weight_decay",
    "wd": "weight_decay",
    "size": "image_size",
    "kernel": "first_kernel_size",
    "beta1": "momentum",
}


def value_text(recipe: Recipe, name: str) -> str:
    """A setting's value as it is typed, or quoted and escaped where a terminal would obey it."""
    value = getattr(recipe, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else printable(str(value))


def data_name(recipe: Recipe) -> str:
    """The last part of its data set's path."""
    return printable(Path(recipe.data).name or recipe.data)


def rates_text(rates: Sequence[float]) -> str:
    """Learning rates that were set one after another: the first and the last two."""
    first, *others = [f"{rate:g}" for rate in rates]
    return " → ".join([first, *(["…"] if len(others) > 2 else []), *others[-2:]])


def recipe_words(recipe: Recipe, is_short: bool = False, rates: Sequence[float] = ()) -> str:
    """What tells a recipe from others: rate and norm, and all that differs from the default.

    rates: those that were set one after another, where the recipe's own is not all (RunHistory.rates_used).
    """
    rate = rates_text(rates or [recipe.max_lr])
    norm = "BN" if is_short else "batch norm"
    network = recipe.network.name if recipe.network else norm if recipe.batch_norm else f"no {norm}"
    words = [f"{recipe.schedule} {rate}", network]
    plain = Recipe()
    for name in SETTINGS:
        value = getattr(recipe, name)
        if name not in (*TOLD, *(OF_BUNDLED if recipe.network else ())) and value != getattr(plain, name):
            told = data_name(recipe) if name == "data" else value_text(recipe, name)
            words.append(f"{name} {told}")
    return " · ".join(words)


def typed(recipe: Recipe, text: str) -> tuple[str, Recipe]:
    """What a person sets, as "max_lr 0.03" or "norm off", and the recipe with it. Raises ValueError."""
    try:
        name, value = split_setting(text, SETTINGS, OTHER_NAMES)
    except ValueError as error:
        known, is_long, _ = str(error).partition("; choose from ")
        such = "; choose from max_lr 0.03, epochs 8, channels 8,16 …"
        raise ValueError(f"{known}{such if is_long else ''}") from None
    if not value:
        raise ValueError(f"{name} needs a value: {name} {value_text(recipe, name)}")
    if recipe.network and name in OF_BUNDLED:
        raise ValueError(f"{name}: is of the bundled network; the next run trains {recipe.network.name}")
    return name, recipe.with_text(name, value)
