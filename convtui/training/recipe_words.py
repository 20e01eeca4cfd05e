"""Recipes in words: as they are typed, and what tells one from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from convtui.inputs.names import printable
from convtui.training.recipe import Recipe

TOLD: Final = ("schedule", "max_lr", "batch_norm", "epochs")  # elsewhere


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
    words = [f"{recipe.schedule} {rate}", norm if recipe.batch_norm else f"no {norm}"]
    plain = Recipe()
    for field in fields(Recipe):
        name, value = field.name, getattr(recipe, field.name)
        if name not in TOLD and value != getattr(plain, name):
            told = data_name(recipe) if name == "data" else value_text(recipe, name)
            words.append(f"{name} {told}")
    return " · ".join(words)
