"""Recipes in words."""

from dataclasses import replace

import pytest

from convtui.training.recipe import Recipe
from convtui.training.recipe_words import typed


def test_typed_recipes() -> None:
    assert typed(Recipe(), "data '/my photos'") == ("data", replace(Recipe(), data="/my photos"))
    with pytest.raises(ValueError, match="unknown setting"):
        typed(Recipe(), "nonsense 3")
