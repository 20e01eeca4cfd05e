"""Which device is taken of those that are there, and what is said of it; none is needed but the cpu."""

import pytest

from convtui.training.devices import chosen, resume_words
from convtui.training.process.network import devices_there
from convtui.training.recipe import Recipe, RecipeError


@pytest.mark.parametrize(
    ("there", "taken"),
    [(("cpu",), "cpu"), (("cpu", "cuda"), "cuda"), (("cpu", "mps"), "mps"), (("cpu", "cuda", "mps"), "cuda")],
)
def test_auto_takes_the_fastest_and_says_so(there: tuple[str, ...], taken: str) -> None:
    device, told = chosen("auto", there)
    assert device == taken
    assert told.startswith(f"device auto: took {taken}")
    assert ("may differ" in told) == (taken != "cpu")


def test_a_device_that_is_asked_for_is_taken_without_words() -> None:
    assert chosen("cpu", ("cpu", "cuda")) == ("cpu", "")


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="device cuda: is not there; must be cpu or mps, or auto"):
        chosen("cuda", ("cpu", "mps"))


def test_the_same_bits_are_promised_on_the_cpu_alone() -> None:
    assert not resume_words("cpu")
    assert "may differ" in resume_words("mps")


def test_what_pytorch_finds_is_what_recipes_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert devices_there() == ("cpu", "cuda")


def test_a_recipe_from_before_there_were_devices_is_of_the_cpu() -> None:
    kept = Recipe().as_dict()
    del kept["device"]
    assert Recipe.from_dict(kept) == Recipe()
    with pytest.raises(RecipeError, match="device tpu: must be auto or cpu or cuda or mps"):
        Recipe(device="tpu")
