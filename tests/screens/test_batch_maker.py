"""Mini-batches are those that a run trains on, made once, and what PyTorch makes of them."""

from typing import Any

import numpy as np
import pytest
import torch

from convtui.batches import Batches, Network
from convtui.screens.batch_maker import BatchMaker
from convtui.screens.batch_source import Source
from convtui.training.data import DataSet
from convtui.training.minibatches import MiniBatches
from convtui.training.recipe import Recipe
from tests.training.kept_runs import kept_run
from tests.training.small_runs import SMALL, digits, made_up

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"


def maker(data: DataSet | None = None, seed: int = 0) -> tuple[BatchMaker, Batches]:
    data = data or digits()
    made = BatchMaker(data, seed)
    return made, Batches.start(Network.of("small", LAYERS, data.shape), made.image_count, 64)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_mini_batches_are_those_of_a_run_of_the_same_seed(seed: int) -> None:
    made, batches = maker(seed=seed)
    batches = batches.with_batch_size(700)
    trained_on = MiniBatches(digits(), seed, 700)
    for step in range(5):
        images = digits().train_images[made.make(batches).images]
        expected, _ = trained_on.after(step)
        values = (images - digits().mean) / digits().std
        np.testing.assert_allclose(values, expected, atol=1e-5)
        batches = batches.advanced(made.make(batches).statistics)


def test_what_is_made_is_what_torch_makes() -> None:
    made, batches = maker()
    weights = batches.network.weights[1]
    conv = torch.nn.Conv2d(1, 4, 3, 2, 1).double()
    conv.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    measured = made.make(batches)
    pixels = (digits().train_images[measured.images] - digits().mean) / digits().std
    with torch.no_grad():
        expected = torch.relu(conv(torch.tensor(pixels, dtype=torch.float64))).numpy()
    np.testing.assert_allclose(measured.values, expected, atol=1e-5)
    np.testing.assert_allclose(measured.statistics.mean, expected.mean(axis=(0, 2, 3)), atol=1e-6)


def test_a_mini_batch_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, batches = maker()
    first = made.make(batches)
    monkeypatch.setattr(BatchMaker, "_through", None)
    assert made.make(batches.at_channel(1).with_gamma(2)) is first
    assert made.found(batches) is first
    deeper = made.make(batches.moved_place(1))  # from the maps that there are
    assert deeper.values.shape == (64, 2, 2, 2)


def test_old_mini_batches_are_forgotten() -> None:
    made, batches = maker()
    first = batches
    for _ in range(12):
        batches = batches.advanced(made.make(batches).statistics)
    assert made.found(first) is None
    np.testing.assert_array_equal(made.make(first).values, made.measure(first).values)


def test_another_thread_measures_the_same_and_keeps_nothing() -> None:
    made, batches = maker()
    measured = made.measure(batches)
    assert made.found(batches) is None
    made.keep(batches, measured)
    assert made.found(batches) is measured
    assert made.make(batches) is measured


def test_scatter_falls_with_the_root_of_the_size() -> None:
    made, batches = maker()
    scatter = made.scatter(batches.network, batches.place, 32, lambda: True)
    assert scatter is not None
    assert (scatter.sizes, scatter.draws) == ((2, 4, 8, 16, 32, 64, 128, 256), 32)
    for spread in scatter.means.T:
        law = spread * np.sqrt(scatter.sizes)
        assert 0.4 < law.min() / law.mean() < law.max() / law.mean() < 2


def test_scatter_is_that_of_real_mini_batches() -> None:
    made, batches = maker(made_up((1, 8, 8), count=12))
    scatter = made.scatter(batches.network, batches.place, 6, lambda: True)
    assert scatter is not None
    assert scatter.sizes == (2, 4, 8)
    random, means = np.random.default_rng(0), []
    for _ in range(6):
        for size in scatter.sizes:
            chosen = random.choice(12, size, replace=False)
            if size == 4:
                values = (made.data.train_images[chosen] - made.data.mean) / made.data.std
                weights: Any = batches.network.weights[1]
                output = torch.conv2d(
                    torch.tensor(values, dtype=torch.float64),
                    torch.tensor(weights["weight"]),
                    torch.tensor(weights["bias"]),
                    2,
                    1,
                )
                means.append(torch.relu(output).mean(dim=(0, 2, 3)).numpy())
    np.testing.assert_allclose(scatter.means[1], np.std(means, axis=0, ddof=1), rtol=1e-5)


def test_unwanted_scatter_ends_early() -> None:
    made, batches = maker()
    assert made.scatter(batches.network, batches.place, 32, lambda: False) is None


def test_long_work_is_known_before() -> None:
    made, batches = maker()
    assert made.is_quick(batches)
    huge = Batches.start(Network.of("large", "conv 7x7 64 p3, relu, bn", (1, 8, 8)), 1000, 1000)
    assert not made.is_quick(huge)


def test_a_seeded_source() -> None:
    data, network = Source(SMALL, seed=4).open(None)
    assert (data.name, network.name) == ("digits-8x8", "a random network, seed 4")
    assert [place.number for place in network.places] == [3, 6, 8]
    again, other = Source(SMALL, seed=5).open((Source(SMALL), data))
    assert again is data
    assert not np.array_equal(other.weights[1]["weight"], network.weights[1]["weight"])
    assert Source(Recipe()).open(None)[1].name == "the default network, seed 0"


def test_a_runs_source_has_its_weights_and_statistics() -> None:
    run, training = kept_run()
    data, network = Source(run.recipe, run=str(run.path), step=training.step).open(None)
    assert network.name == f"run 1, step {training.step}"
    norm = network.norm(network.places[0])
    module: Any = training.model[2]
    np.testing.assert_array_equal(norm.weight, module.weight.detach().numpy())
    np.testing.assert_array_equal(norm.bias, module.bias.detach().numpy())
    np.testing.assert_array_equal(norm.running_mean, module.running_mean.numpy())
    np.testing.assert_array_equal(norm.running_var, module.running_var.numpy())
    assert norm.num_batches_tracked == training.step
    assert data.source == "digits-8x8"
