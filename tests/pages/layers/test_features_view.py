"""The features view: what its keys choose, and what it says without a trained run."""

import numpy as np
import pytest

from convtui.pages.layers.page import LayersPage
from convtui.state.network import Stack
from convtui.state.session import Panel, Session
from convtui.store import session_file
from tests.pages.layers.test_page import page
from tests.support.driving import Driven
from tests.support.example_sessions import session_on

USUAL = (80, 24)
DEEP = "conv 3x3 8 p1, relu, maxpool 2, conv 3x3 4 p1, relu, flatten, linear 10"


def stacked(layers: str = DEEP, layer: int = 1) -> Session:
    session = session_on("mnist-7")
    return session.with_stack(Stack.chosen(layers, session.picture.pixels.shape).at(layer, (0, 5, 6)))


def selected(driven: Driven) -> tuple[int, int]:
    """The selected layer and filter."""
    return driven.session.stack.layer, driven.session.stack.activation[0]


async def test_v_goes_to_the_filters_and_back_to_the_table() -> None:
    async with page(stacked()) as driven:
        table = driven.text
        await driven.press("v")
        assert "layer 1: conv 3x3 8 p1 · 8 filters · random weights, seed 0" in driven.text
        assert "kernels are nearer to a named kernel than 95 of 100 random ones" in driven.text
        assert "filter 0 of 8: weight[0], 1x3x3" in driven.text
        assert driven.bottom.startswith("←→ filter")
        await driven.press("v")
        assert driven.text == table


async def test_arrows_select_a_filter_which_is_the_channel_of_the_table() -> None:
    async with page(stacked()) as driven:
        await driven.press("v", "right", "right")
        assert selected(driven) == (1, 2)
        assert "▸2 " in driven.text
        await driven.press("down")
        assert selected(driven)[1] > 2
        await driven.press("u")
        assert selected(driven) == (1, 0)
        assert driven.session.stack.activation == (0, 5, 6)


async def test_page_down_turns_the_page_of_tiles() -> None:
    async with page(stacked(), USUAL) as driven:
        await driven.press("v")
        assert "filters 0-2 of 8" in driven.text
        await driven.press("pagedown")
        assert "filters 3-5 of 8" in driven.text
        await driven.press("pagedown", "pagedown", "pagedown")
        assert selected(driven) == (1, 7)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (3, "layer 3: maxpool has no filters; before it layer 1: conv 3x3 8 p1"),
        (7, "layer 7: linear has no filters; before it layer 4: conv 3x3 4 p1"),
        (0, "the image has no filters; after it layer 1: conv 3x3 8 p1"),
    ],
)
async def test_a_layer_without_filters_shows_those_of_the_nearest_convolution(layer: int, words: str) -> None:
    async with page(stacked(layer=layer)) as driven:
        await driven.press("v")
        assert words in driven.text
        await driven.press("right")
        assert driven.session.stack.row.layer.kind == "conv"


async def test_tab_goes_to_the_next_layer() -> None:
    async with page(stacked()) as driven:
        await driven.press("v", "tab")
        assert "layer 2: relu has no filters" in driven.text
        await driven.press("tab", "tab")
        assert "layer 4: conv 3x3 4 p1 · 4 filters of 8 slices" in driven.text
        assert "all 8 slices" in driven.text


async def test_layers_without_a_convolution_say_so() -> None:
    async with page(stacked("relu, maxpool 2", 1)) as driven:
        await driven.press("v", "right", "V", "X", "M")
        assert "these layers have no convolution" in driven.text
        await driven.press("v")
        assert "maxpool" in driven.text


async def test_random_weights_say_what_a_run_would_show() -> None:
    async with page(stacked()) as driven:
        await driven.press("v")
        for key in ("V", "V", "V"):
            assert "train a run (page 5), then L" in driven.text
            await driven.press(key)


async def test_panels_follow_one_another_and_stand_alone() -> None:
    async with page(stacked(), USUAL) as driven:
        await driven.press("v")
        assert "filter 0 of 8" in driven.text
        await driven.press("V")
        assert driven.session.view.panel is Panel.PATCHES
        assert "▸0 " in driven.text
        await driven.press("b")
        assert "▸0 " not in driven.text
        await driven.press("b")
        assert "▸0 " in driven.text


async def test_keys_of_the_view_say_so_in_the_table() -> None:
    async with page(stacked()) as driven:
        for key in ("b", "X", "M"):
            await driven.press(key)
            assert "v opens" in driven.said


async def test_a_click_selects_a_tile() -> None:
    async with page(stacked()) as driven:
        await driven.press("v")
        await driven.click_on("3 ", after="2 ")
        assert isinstance(driven.page, LayersPage)
        assert selected(driven)[0] == 1


@pytest.mark.parametrize("size", [USUAL, (60, 20), (120, 40), (200, 60)])
async def test_every_line_has_the_width_of_the_terminal(size: tuple[int, int]) -> None:
    async with page(stacked(), size) as driven:
        for key in ("v", "V", "V", "V", "b", "H", "tab", "end", "home"):
            await driven.press(key)
            assert {len(line) for line in driven.lines} == {size[0]}
            assert len(driven.lines) == size[1]


async def test_a_network_with_many_weights_is_looked_through_in_another_thread() -> None:
    async with page(stacked("conv 3x3 256 p1, conv 3x3 256 p1", 2)) as driven:
        await driven.press("v")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        assert "256 filters" in driven.text or "of 256" in driven.text


def test_what_is_looked_at_is_saved() -> None:
    looks = {"features": True, "panel": Panel.ACCURACY, "panel_alone": True, "explained": 7}
    session = stacked().with_view(**looks)
    again = session_file.loads(session_file.dumps(session), "a.toml")
    assert again.view == session.view
    assert np.array_equal(again.picture.pixels, session.picture.pixels)
