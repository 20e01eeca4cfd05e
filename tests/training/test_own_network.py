"""A network of the user's in a recipe: how it is kept, told and named again."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.training.own_network import MOST_BYTES, OwnNetwork, digest_of
from convtui.training.recipe import Recipe, RecipeError
from convtui.training.recipe_words import recipe_words, typed

NET = OwnNetwork("/home/me/net.py:Net", ("10", "depth=18"), "/home/me/w.pth", "12ab")
RECIPE = Recipe(network=NET, max_lr=0.001)


def test_a_recipe_is_read_back_with_it() -> None:
    assert Recipe.from_dict(RECIPE.as_dict()) == RECIPE
    assert "network" not in Recipe().as_dict()  # as it was in runs from before there were any
    RECIPE.require_same({**RECIPE.as_dict(), "network": None})


@pytest.mark.parametrize("network", ["net.py:Net", {"target": "net.py"}, {"target": 3}, {"other": ""}, {}])
def test_what_is_none_is_refused(network: object) -> None:
    with pytest.raises(RecipeError, match="network"):
        Recipe.from_dict({**Recipe().as_dict(), "network": network})


def test_what_it_is_called() -> None:
    assert recipe_words(RECIPE) == "one-cycle 0.001 · net.py:Net"
    assert NET.as_option() == "--network /home/me/net.py:Net -- 10 depth=18"


def test_it_is_the_same_in_a_folder_that_was_moved() -> None:
    assert NET.is_named_by(replace(NET, target="/srv/net.py:Net", weights="", digest=""))
    assert not NET.is_named_by(replace(NET, target="/home/me/net.py:Other"))
    assert not NET.is_named_by(replace(NET, arguments=("10",)))


def test_whether_it_is_in_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = OwnNetwork(f"{tmp_path}/net.py:Net")
    assert here.is_the_one_named_by(OwnNetwork("net.py:Net"))
    assert not here.is_the_one_named_by(OwnNetwork("other/net.py:Net"))
    assert not here.is_the_one_named_by(OwnNetwork("net.py:Net", ("10",)))
    assert OwnNetwork("torchvision.models:resnet18").is_the_one_named_by(
        OwnNetwork("torchvision.models:resnet18")
    )


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (
            None,
            "run 3 needs the code of net.py:Net; only code that you name is run: --network",
        ),
        (
            replace(NET, target="a/b.py:Net"),
            "run 3 is of net.py:Net, not of b.py:Net; to run its code: --net",
        ),
        (replace(NET, target="/home/me/net.py:Other"), "run 3 is of net.py:Net, not of net.py:Other; to run"),
        (
            replace(NET, arguments=("10",)),
            "run 3 is of net.py:Net made with 10 depth=18, not with 10; to run",
        ),
        (
            replace(NET, arguments=()),
            "run 3 is of net.py:Net made with 10 depth=18, not without arguments; to",
        ),
    ],
)
def test_what_differs_is_told(named: OwnNetwork | None, words: str) -> None:
    assert NET.refusal("run 3", named).startswith(words)
    assert NET.refusal("run 3", replace(NET, digest="")) == ""


def test_the_option_can_be_pasted_into_a_shell() -> None:
    odd = OwnNetwork("/home/me/my nets/net.py:Net", ("a b", "x=[1, 2]"))
    assert odd.as_option() == "--network '/home/me/my nets/net.py:Net' -- 'a b' 'x=[1, 2]'"


def test_what_is_of_the_bundled_network_cannot_be_typed() -> None:
    with pytest.raises(ValueError, match="channels: is of the bundled network; the next run trains"):
        typed(RECIPE, "channels 8,16")
    with pytest.raises(ValueError, match="network"):
        typed(RECIPE, "network other.py:Net")


def test_a_source_that_is_none_counts_as_changed(tmp_path: Path) -> None:
    """As a kept run may name any file: none is waited for, and none fills the memory."""
    pipe, large, source = (tmp_path / name for name in ("pipe.py", "large.py", "net.py"))
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    source.write_text("1")
    assert digest_of([str(source)])
    for each in (str(pipe), str(large), "/dev/zero", str(tmp_path), str(tmp_path / "none.py"), "a\0.py"):
        assert digest_of([str(source), each]) == ""
        assert not replace(NET, files=(each,)).is_as_it_was
