"""Learned weights stay with the layers that they are for, and with no others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layer_text import parse_layers
from convtui.inputs.images import InputError
from convtui.state.learned_weights import LearnedWeights
from convtui.state.network import Stack

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 5 s2 p1, gap, flatten"
SHAPE = (1, 9, 8)


def learned(step: int = 7, run: str = "/runs/0012") -> LearnedWeights:
    random = np.random.default_rng(step)
    shapes = {"3.weight": (5, 4, 3, 3), "3.bias": (5,), "0.weight": (4, 1, 3, 3), "0.bias": (4,)}
    shapes |= {f"2.{name}": (4,) for name in ("weight", "bias", "running_mean", "running_var")}
    arrays = {name: random.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    return LearnedWeights.from_state_dict(
        Path(run), step, {**arrays, "2.num_batches_tracked": np.array(step)}
    )


def laid(trained: LearnedWeights) -> Stack:
    return Stack.laid(parse_layers(LAYERS), SHAPE, name=trained.run_name).with_trained(trained)


def test_names_are_those_of_layers() -> None:
    trained = learned()
    assert list(trained.weights) == [1, 3, 4]
    assert set(trained.weights[3]) == {"weight", "bias", "running_mean", "running_var"}
    assert all(
        values.dtype == np.float64 and not values.flags.writeable
        for arrays in trained.weights.values()
        for values in arrays.values()
    )


@pytest.mark.parametrize(
    ("run", "text"), [("/runs/0012", "run 12, step 7"), ("/elsewhere/best", "run best, step 7")]
)
def test_it_is_told_by_run_and_step(run: str, text: str) -> None:
    assert str(learned(run=run)) == text


def test_the_same_run_and_step_are_the_same() -> None:
    assert learned() == learned()
    assert len({learned(), learned(), learned(8), learned(run="/runs/0013")}) == 3
    assert laid(learned()) != laid(learned(8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(InputError, match=r"^run 12, step 7: bias of layer 1 is no longer finite, because"):
        LearnedWeights.from_state_dict(Path("/runs/0012"), 7, {"0.bias": np.array([0, value])})


def test_it_fits_its_own_layers_alone() -> None:
    trained = learned()
    fitting = [LAYERS, LAYERS.replace("gap, ", ""), LAYERS.replace("s2", "s1")]
    others = [
        LAYERS.replace(" 4 ", " 6 "),
        LAYERS.replace("relu, bn, ", "relu, "),
        LAYERS.replace("5 s2 p1", "5 s2 p1 nobias"),
        LAYERS.replace("3x3 5", "1x1 5"),
        f"{LAYERS}, linear 3",
        "relu, " + LAYERS,
    ]
    for text in fitting:
        assert trained.fits(Stack.laid(parse_layers(text), SHAPE).summary), text
    for text in others:
        assert not trained.fits(Stack.laid(parse_layers(text), SHAPE).summary), text


def test_it_fits_as_many_layers_as_fit_the_image() -> None:
    trained = learned()
    summary = Stack.laid(parse_layers(LAYERS.replace("s2 p1, gap", "s2, gap")), (1, 3, 3)).summary
    assert summary.error
    assert trained.fits(summary)
    assert list(trained.within(summary)) == [1, 3]
    FeatureMaps(LAYERS.replace("s2 p1, gap", "s2, gap"), np.ones((1, 3, 3)), weights=trained.within(summary))


@pytest.mark.parametrize(
    "change",
    [
        lambda stack: stack.reseeded(1),
        lambda stack: stack.reseeded(stack.seed),
        lambda stack: stack.changed(stride=1),
        lambda stack: stack.over((3, 9, 8)),
    ],
)
def test_whoever_changes_the_weights_or_a_layer_leaves_it(change: Callable[[Stack], Stack]) -> None:
    changed = change(laid(learned()))
    assert (changed.trained, changed.name) == (None, "")


@pytest.mark.parametrize(
    "change",
    [
        lambda stack: stack.moved(3),
        lambda stack: stack.at(1),
        lambda stack: stack.over((1, 20, 20)),
        lambda stack: stack.over((1, 1, 1)),
    ],
)
def test_whoever_looks_elsewhere_keeps_it(change: Callable[[Stack], Stack]) -> None:
    changed = change(laid(learned()))
    assert (changed.trained, changed.name) == (learned(), "run 12")


def test_reseeding_random_layers_keeps_their_name() -> None:
    assert Stack.chosen("simple-cnn", SHAPE).reseeded(4).name == "simple-cnn"
