"""A recipe holds what a run can have, and says of anything else what would be right."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.recipe import OPTIMIZERS, SCHEDULES, Recipe, RecipeError

recipes = st.builds(
    Recipe,
    data=st.text(min_size=1),
    channels=st.lists(st.integers(1, 1024), min_size=1, max_size=12).map(tuple),
    first_kernel_size=st.integers(0, 15).map(lambda half: 2 * half + 1),
    batch_norm=st.booleans(),
    schedule=st.sampled_from(SCHEDULES),
    optimizer=st.sampled_from(OPTIMIZERS),
    max_lr=st.floats(1e-12, 1000),
    epochs=st.integers(1, 10_000),
    seed=st.integers(0, 2**32 - 1),
)


@given(recipes)
def test_a_recipe_is_kept_as_json(recipe: Recipe) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_lr", "0.03", 0.03),
        ("max_lr", " 3e-2 ", 0.03),
        ("epochs", "3", 3),
        ("batch_norm", "off", False),
        ("batch_norm", "Yes", True),
        ("channels", "8,16", (8, 16)),
        ("channels", "8 16, 32", (8, 16, 32)),
        ("schedule", "constant", "constant"),
        ("data", "my digits", "my digits"),
    ],
)
def test_a_value_as_it_is_typed(name: str, text: str, value: Any) -> None:
    assert getattr(Recipe().with_text(name, text), name) == value


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("max_lr", "fast", "max_lr fast: must be a number from 1e-12 to 1000"),
        ("max_lr", "nan", "max_lr nan: must be a number from 1e-12 to 1000"),
        ("max_lr", "0", "max_lr 0.0: must be a number from 1e-12 to 1000"),
        ("epochs", "0", "epochs 0: must be a whole number from 1 to 10000"),
        ("epochs", "2.5", "epochs 2.5: must be a whole number from 1 to 10000"),
        ("epochs", "", "epochs '': must be a whole number from 1 to 10000"),
        ("batch_size", "1", "batch_size 1: must be a whole number from 2 to 65536"),
        ("first_kernel_size", "4", "first_kernel_size 4: must be odd, such as 3 or 5"),
        ("batch_norm", "perhaps", "batch_norm perhaps: must be on or off"),
        ("schedule", "cosine", "schedule cosine: must be one-cycle or constant"),
        ("optimizer", "adam", "optimizer adam: must be adamw or sgd"),
        ("channels", "8,x", "channels 8,x: must be 1 to 12 numbers, such as 8,16,32,64"),
        ("channels", "0", "channels 0: must be a whole number from 1 to 1024"),
        ("low_momentum", "0.99", "low_momentum 0.99: must be at most high_momentum 0.95"),
        ("data", "", "data '': must be the name of a data set, a folder or a file"),
    ],
)
def test_what_no_run_can_have(name: str, text: str, told: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe().with_text(name, text)
    assert str(caught.value) == told


def test_a_name_that_no_recipe_has() -> None:
    with pytest.raises(RecipeError, match=r"^rate 1: must be one of data, image_size, axes, channels, "):
        Recipe().with_text("rate", "1")
    with pytest.raises(RecipeError, match=r"^rate 1: must be one of axes, batch_norm, "):
        Recipe.from_dict({"rate": 1})


@pytest.mark.parametrize(
    "values",
    [
        {"max_lr": "0.1"},
        {"max_lr": True},
        {"max_lr": 10**400},
        {"epochs": 2.0},
        {"epochs": True},
        {"channels": "8"},
        {"channels": []},
        {"channels": [8, [8]]},
        {"batch_norm": 1},
        {"data": 5},
        {"data": ""},
        {"schedule": ["constant"]},
    ],
)
def test_values_of_another_type(values: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_dict(values)


@pytest.mark.parametrize("values", [[], None, "x", 5])
def test_what_is_no_recipe_at_all(values: Any) -> None:
    with pytest.raises(RecipeError, match=r"must be the hyper-parameters by their names$"):
        Recipe.from_dict(values)
