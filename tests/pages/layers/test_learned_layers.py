"""The Layers page over what a run has learned: its figures, how it is left, and how it comes back."""

from dataclasses import replace

import numpy as np
import pytest

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layer_text import parse_layers
from convtui.paint.text import significant
from convtui.state.network import Stack
from convtui.state.session import Session
from tests.pages.layers.test_page import page
from tests.state.test_learned_weights import LAYERS, learned
from tests.support.data_files import digit
from tests.support.driving import Driven
from tests.support.example_sessions import lesson


def trained_session(is_normalised: bool = True) -> Session:
    picture = digit(normalised=is_normalised)
    trained = learned()
    stack = Stack.laid(parse_layers(LAYERS), picture.pixels.shape, name=trained.run_name)
    return replace(lesson().with_picture(picture), chosen_stack=stack.with_trained(trained))


def shown(driven: Driven) -> str:
    """The selected activation as it must be on the screen."""
    stack = driven.session.stack
    weights = stack.trained.weights if stack.trained else None
    maps = FeatureMaps(stack.layers, driven.session.picture.pixels, stack.seed, weights)
    values = maps.activations(stack.layer).reshape(stack.maps())
    return f"= {significant(float(values[stack.activation]))}"


async def test_figures_are_those_of_the_run() -> None:
    async with page(trained_session()) as driven:
        assert "run 12, step 7" in driven.lines[0]
        assert "trained: run 12, step 7" in driven.text
        assert "seed" not in driven.text
        for key in ("tab", "tab", "shift+tab", "right", "down"):
            await driven.press(key)
            assert shown(driven) in driven.text


@pytest.mark.parametrize("keys", [("w",), ("n",), ("t",), ("i",), (":", "weights 5")])
async def test_a_change_leaves_the_run_and_undo_brings_it_back(keys: tuple[str, ...]) -> None:
    async with page(trained_session()) as driven:
        start, before = driven.session, shown(driven)
        await driven.press(keys[0])
        if len(keys) > 1:
            await driven.enter(keys[1])
        assert driven.said == "random weights replace those of run 12, step 7; u brings them back"
        assert driven.session.stack.trained is None
        assert "run 12" not in driven.lines[0]
        assert shown(driven) in driven.text
        await driven.press("u")
        assert driven.session == start
        assert before in driven.text
        assert "trained: run 12, step 7" in driven.text


async def test_a_layer_opens_with_its_real_input_and_weights() -> None:
    async with page(trained_session()) as driven:
        stack, picture = driven.session.stack, driven.session.picture
        assert stack.trained is not None
        await driven.press("enter")
        session = driven.session
        assert session.kernel.name == f"run 12 layer {stack.layer}"
        maps = FeatureMaps(stack.layers, picture.pixels, weights=stack.trained.weights)
        expected = maps.convolution_of(stack.layer)
        np.testing.assert_array_equal(session.convolution.image, expected.image)
        np.testing.assert_array_equal(session.convolution.weight, expected.weight)
        assert f"run 12 layer {stack.layer}" in driven.lines[0]


async def test_images_that_the_run_was_not_trained_on() -> None:
    async with page(trained_session(is_normalised=False)) as driven:
        assert "run 12 was trained on normalised images" in driven.text
        await driven.resize(70, 30)
        assert "run 12 expects normalised images; this is not one" in driven.text
        driven.app.open("digits-8x8:test:3:normalised")
        await driven.pilot.pause()
        assert "normalised images" not in driven.text
        assert shown(driven) in driven.text
        driven.app.open("cat-32")
        await driven.pilot.pause()
        assert "random weights replace" in driven.said
        assert shown(driven) in driven.text
