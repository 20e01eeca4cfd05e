"""Recipes in words: as they are typed, and what tells one from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from convtui.training.recipe import Recipe

TOLD: Final = ("schedule", "max_lr", "batch_norm", "epochs")  # elsewhere


def value_text(recipe: Recipe, name: str) -> str:
    """A setting's value as it is typed."""
    value = getattr(recipe, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def recipe_words(recipe: Recipe, is_short: bool = False, rates: Sequence[float] = ()) -> str:
    """What tells a recipe from others: rate and norm, and all that differs from the default.

    rates: those that were set one after another, where the recipe's own is not all (Record.rates_used).
    """
    rate = " → ".join(f"{each:g}" for each in rates or [recipe.max_lr])
    norm = "BN" if is_short else "batch norm"
    words = [f"{recipe.schedule} {rate}", norm if recipe.batch_norm else f"no {norm}"]
    plain = Recipe()
    for field in fields(Recipe):
        name, value = field.name, getattr(recipe, field.name)
        if name not in TOLD and value != getattr(plain, name):
            told = Path(recipe.data).name if name == "data" else value_text(recipe, name)
            words.append(f"{name} {told}")
    return " · ".join(words)
