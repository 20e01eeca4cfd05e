"""Mini-batches are those that a run trains on, made once, and what PyTorch makes of them."""

from typing import Any

import numpy as np
import pytest
import torch

from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.maker import QUICK, BatchMaker
from convtui.pages.batchnorm.plots import of_one_image, root_law
from convtui.pages.batchnorm.source import Source
from convtui.state.batchnorm import Batches, Network
from convtui.training.datasets.minibatches import MiniBatches
from convtui.training.datasets.open_any import DataSet
from convtui.training.recipe import Recipe
from tests.support.kept_runs import kept_run
from tests.support.small_runs import SMALL, digits, made_up
from tests.support.torch_layers import running

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
        batches = batches.past(made.make(batches))


def test_what_is_made_is_what_torch_makes() -> None:
    made, batches = maker()
    weights = batches.network.weights[1]
    conv = torch.nn.Conv2d(1, 4, 3, 2, 1).double()
    conv.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    measured = made.make(batches)
    pixels = (digits().train_images[measured.images] - digits().mean) / digits().std
    with torch.no_grad():
        expected = torch.relu(conv(torch.tensor(pixels, dtype=torch.float64))).numpy()
    np.testing.assert_allclose(measured.training.values, expected, atol=1e-5)
    assert measured.evaluation is measured.training  # no norm is before it
    np.testing.assert_allclose(measured.training.statistics.mean, expected.mean(axis=(0, 2, 3)), atol=1e-6)


def test_a_mini_batch_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, batches = maker()
    first = made.make(batches)
    monkeypatch.setattr(BatchMaker, "_through", None)
    assert made.make(batches.at_channel(1).with_gamma(2)) is first
    assert made.found(batches) is first


def test_a_mini_batch_that_is_met_again_behind_another_norm_is_found() -> None:
    made, batches = maker()
    first = batches.with_place(batches.network.places[1])
    second = first.past(made.make(first))
    measured = made.make(second)
    forth_again = second.back().past(made.make(second.back()))
    assert made.found(forth_again) is measured
    assert made.found(forth_again.restarted()) is made.make(first)


def test_old_mini_batches_are_forgotten() -> None:
    made, batches = maker()
    first = batches
    for _ in range(12):
        batches = batches.past(made.make(batches))
    assert made.found(first) is None
    np.testing.assert_array_equal(made.make(first).training.values, made.measure(first).training.values)


def test_little_is_kept_of_large_mini_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    made, batches = maker()
    monkeypatch.setattr("convtui.pages.batchnorm.maker._KEPT_CELLS", 3 * 64 * 4 * 4 * 4)  # one and a half
    before, batches = batches, batches.past(made.make(batches))
    made.make(batches)
    assert made.found(before) is None
    assert made.found(batches) is not None


def sequential(network: Network, **norm: Any) -> torch.nn.Sequential:
    """LAYERS up to the second batch norm's input, with the network's weights, and that batch norm."""
    modules = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, 2, 1),
        torch.nn.ReLU(),
        torch.nn.BatchNorm2d(4, **norm),
        torch.nn.Conv2d(4, 2, 3, 2, 1),
        torch.nn.BatchNorm2d(2, **norm),
    ).double()
    for number, module in enumerate(modules, 1):
        arrays = {name: torch.tensor(array) for name, array in network.weights[number].items()}
        module.load_state_dict(arrays, strict=False)
    return modules


@pytest.mark.parametrize("momentum", [0.1, 1.0, None])
def test_each_mode_is_that_of_the_whole_network(momentum: float | None) -> None:
    """What the second batch norm gets, and gives, is what PyTorch's train() and eval() do, step by step."""
    made, batches = maker()
    batches = batches.moved_place(1).with_norm(momentum=momentum)
    modules = sequential(batches.network, momentum=momentum)
    passed = []
    for _ in range(4):
        measured = made.make(batches)
        pixels = (digits().train_images[measured.images] - digits().mean) / digits().std
        x = torch.tensor(pixels, dtype=torch.float64)
        found = Figures(batches, measured)
        with torch.no_grad():
            for side, of, training in (
                (found.evaluation, measured.evaluation, False),
                (found.training, measured.training, True),
            ):  # that which changes the module last
                inputs = modules.train(training)[:4](x)
                np.testing.assert_allclose(of.values, inputs.numpy(), atol=1e-5)
                output = modules[4](inputs)[:, 0].reshape(-1).numpy()
                np.testing.assert_allclose(side.output, output, atol=1e-4)
        passed.append((batches, measured))
        batches = batches.past(measured)
        np.testing.assert_allclose(batches.norm.running_var, running(modules[4])[1].numpy(), rtol=1e-4)
        np.testing.assert_allclose(batches.earlier[0].running_var, running(modules[2])[1].numpy(), rtol=1e-4)
    for before, measured in passed[::-1]:
        batches = batches.back()
        again = made.measure(batches)
        np.testing.assert_array_equal(again.evaluation.values, measured.evaluation.values)
        assert batches.earlier is before.earlier


def test_the_axes_are_made_for_the_first_images_whatever_the_size() -> None:
    made, batches = maker()
    first = made.make(batches.with_batch_size(128))
    assert first.reference is first.training
    alone, other = BatchMaker(digits(), 0), batches.with_batch_size(4)
    for _ in range(12):  # more than are kept
        np.testing.assert_array_equal(alone.make(other).reference.values, first.reference.values)
        other = other.past(alone.make(other))


def test_a_first_look_at_small_mini_batches_takes_as_long_as_the_axes_take() -> None:
    made, _ = maker()
    one = Batches.start(Network.of("large", "conv 7x7 256 p3, relu, bn", (1, 8, 8)), 1000, 1)
    assert made.seconds(one.network, one.place, 1) < QUICK < made.seconds(one.network, one.place, 128)
    assert not made.is_quick(one)


def test_rounding_is_no_scatter() -> None:
    """Of maps of one cell that a batch norm has made the mean is always beta, and so is that of a conv."""
    made = BatchMaker(digits(), 0)
    layers = "conv 3x3 4 s8 p1, bn, conv 3x3 2 p1, bn"
    network = Network.of("deep", layers, digits().shape)
    scatter = made.scatter(network, network.places[1], 6, lambda: True)
    assert scatter is not None
    assert not scatter.means.any()
    assert (scatter.variances > 0).all()


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


def test_the_law_is_that_of_one_image_drawn_without_repeats() -> None:
    made, batches = maker(made_up((1, 8, 8), count=300))
    scatter = made.scatter(batches.network, batches.place, 32, lambda: True)
    assert scatter is not None
    every = made.measure(batches.with_batch_size(300)).training.values
    one = every.mean(axis=(2, 3)).std(axis=0)  # of one image's mean
    found = [of_one_image(np.array(scatter.sizes, float), spread, 300) for spread in scatter.means.T]
    np.testing.assert_allclose(found, one, rtol=0.1)
    np.testing.assert_allclose(scatter.means[-1], one * root_law(np.array([256.0]), 300), rtol=0.3)


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
    assert Source(Recipe()).open(None)[1].name == "a random network, seed 0"


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


def test_a_runs_name_is_made_printable() -> None:
    run, training = kept_run()
    moved = run.path.rename(run.path.with_name("red \x1b[31m"))
    _, network = Source(run.recipe, run=str(moved), step=training.step).open(None)
    assert network.name.isprintable()
    assert "red" in network.name
