"""Which run's filters are opened for a network that is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.run_features import RunFeatures
from convtui.pages.base.services import PageServices
from convtui.training.recipe import Recipe
from tests.support.own_runs import made_up_own_run


class Page:
    """It does at once what another thread does, and remembers what was said."""

    said = ""

    def in_thread(self, work: Callable[[], Callable[[], None]]) -> None:
        work()()

    def say(self, text: str) -> None:
        self.said = text


class Data:
    """It remembers of which recipe a data set was to be read."""

    def __init__(self) -> None:
        self.asked: list[Recipe] = []

    def once_read(self, recipe: Recipe, _: Any) -> None:
        self.asked.append(recipe)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/home/me/net.py:Net", None),
        ("home/me/net.py:Net", None),
        ("net.py:Net", "run 1 is of the net.py:Net in another folder; P on page 5 shows its filters"),
        ("/home/me/net.py:Other", "no run of net.py:Other is kept: page 5 trains it"),
    ],
)
def test_the_newest_run_of_the_very_file(
    target: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path("/"))
    run, page, data = made_up_own_run(), Page(), Data()
    features = RunFeatures(cast(PageServices, page), cast(DataCache, data))
    features.open_newest(target, ())
    assert data.asked == ([] if said else [run.recipe])
    assert page.said == (said or "")
