"""What a typed line proposes on the pages that show no convolution, and the name that a session gets."""

import pytest
from textual.widgets import Input

from tests.support.driving import Driven, opened, until
from tests.support.train_page import training


async def completed(driven: Driven, text: str) -> str:
    """What tab makes of the text behind a colon."""
    await driven.press("colon", *text)
    line = driven.app.focused
    assert isinstance(line, Input)
    await until(driven, lambda: bool(line._suggestion))
    await driven.press("tab")
    value = line.value
    await driven.press("escape")
    return value


@pytest.mark.parametrize(
    ("text", "whole"),
    [("op", "optimizer sgd"), ("sch", "schedule constant"), ("dat", "data mnist-12k"), ("epo", "epochs 5")],
)
async def test_settings_of_a_run_are_proposed(text: str, whole: str) -> None:
    async with training() as driven:
        assert await completed(driven, text) == whole


async def test_settings_of_batch_normalisation_are_proposed() -> None:
    async with opened() as driven:
        await driven.press("4")
        assert await completed(driven, "mom") == "momentum 0.1"


async def test_a_session_is_proposed_a_name_that_a_file_can_have_everywhere() -> None:
    async with opened() as driven:
        driven.app.open("digits-8x8:test:3")
        await driven.press("S")
        line = driven.app.focused
        assert isinstance(line, Input)
        name, _, ending = line.value.partition(".")
        assert (name.replace("-", "").isalnum(), ending) == (True, "toml")
