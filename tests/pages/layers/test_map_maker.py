"""Maps are made one layer at a time, and only those that are wanted."""

import numpy as np
import pytest

from convtui.engine.feature_maps import FeatureMaps
from convtui.inputs import samples
from convtui.pages.layers.map_maker import MapMaker
from convtui.state.network import Stack

CAT = samples.open_image("cat-32")
SHAPE = CAT.pixels.shape


def test_a_goal_is_reached_layer_by_layer() -> None:
    stack = Stack.chosen("conv 3x3 4 s2, residual(conv 3x3 4 p1 | conv 1x1 4), flatten, linear 2", SHAPE, 5)
    maker = MapMaker(stack, CAT)
    maker.goal = 3
    assert maker.missing == [1, 3], "the other branch is not needed"
    assert maker.make_next()
    assert (maker.maps(1) is not None, maker.maps(3)) == (True, None)
    assert maker.make_next()
    assert not maker.make_next()
    maker.goal = 6
    assert maker.missing == [2, 4, 5, 6]
    while maker.make_next():
        pass
    expected = FeatureMaps(stack.layers, CAT.pixels, 5)
    for layer in range(7):
        maps = maker.maps(layer)
        assert maps is not None
        np.testing.assert_array_equal(maps.values.ravel(), expected.activations(layer).ravel())
        assert maps.values.ndim == 3


def test_it_is_for_one_stack_seed_and_picture() -> None:
    stack = Stack.chosen("conv 3x3 4", SHAPE)
    maker = MapMaker(stack, CAT)
    assert maker.is_for(stack.moved(5), CAT)
    assert not maker.is_for(stack.reseeded(1), CAT)
    assert not maker.is_for(stack.changed(stride=2), CAT)
    assert not maker.is_for(stack, samples.open_image("cat-32"))


@pytest.mark.parametrize(
    ("text", "is_quick"),
    [("simple-cnn", True), ("resnet-50", False), ("conv 3x3 64, conv 3x3 512", False)],
)
def test_heavy_stacks_are_left_to_another_thread(text: str, is_quick: bool) -> None:
    stack = Stack.chosen(text, SHAPE)
    maker = MapMaker(stack, CAT)
    maker.goal = len(stack.summary.rows) - 1
    assert maker.is_quick == is_quick


def test_what_cannot_be_computed_is_told_and_not_tried_again() -> None:
    stack = Stack.chosen("conv 3x3 4, flatten, linear 16777216, relu", SHAPE)
    maker = MapMaker(stack, CAT)
    maker.goal = 4
    while maker.make_next():
        pass
    assert maker.trouble is not None
    assert maker.trouble.number == 3
    assert "parameters" in str(maker.trouble)
    assert maker.missing == []
    maker.goal = 1
    assert maker.maps(1) is not None


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    maker = MapMaker(Stack.chosen("conv 3x3 4", SHAPE), CAT)
    maker.goal = 1
    monkeypatch.setattr(FeatureMaps, "activations", fail)
    assert maker.make_next()
    assert "memory" in str(maker.trouble)
    assert not maker.make_next()
