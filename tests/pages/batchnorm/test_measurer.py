"""Mini-batches are those that a run trains on, made once, and what PyTorch makes of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.measurer import QUICK, BatchMeasurer, EnginePasses
from convtui.pages.batchnorm.plots import before_histogram, spread_of_one_image, standard_error
from convtui.paint.colours import DARK, Palette
from convtui.paint.histogram import histogram_lines
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network
from convtui.training.datasets.minibatches import MiniBatches
from convtui.training.datasets.open_any import DataSet
from tests.support.lines import texts
from tests.support.small_runs import digits, made_up
from tests.support.torch_layers import running

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"


def opened(data: DataSet | None = None, seed: int = 0) -> tuple[BatchMeasurer, BatchNormSession]:
    data = data or digits()
    measurer = BatchMeasurer(data, seed)
    return measurer, BatchNormSession.start(Network.of("small", LAYERS, data.shape), measurer.image_count, 64)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_mini_batches_are_those_of_a_run_of_the_same_seed(seed: int) -> None:
    measurer, session = opened(seed=seed)
    session = session.with_batch_size(700)
    trained_on = MiniBatches(digits(), seed, 700)
    for step in range(5):
        images = digits().train_images[measurer.measure(session).images]
        expected, _ = trained_on.after(step)
        values = (images - digits().mean) / digits().std
        np.testing.assert_allclose(values, expected, atol=1e-5)
        session = session.next_batch(measurer.measure(session))


def test_what_is_made_is_what_torch_makes() -> None:
    measurer, session = opened()
    weights = session.network.weights[1]
    conv = torch.nn.Conv2d(1, 4, 3, 2, 1).double()
    conv.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    measured = measurer.measure(session)
    pixels = (digits().train_images[measured.images] - digits().mean) / digits().std
    with torch.no_grad():
        expected = torch.relu(conv(torch.tensor(pixels, dtype=torch.float64))).numpy()
    np.testing.assert_allclose(measured.training.values, expected, atol=1e-5)
    assert measured.evaluation is measured.training  # no norm is before it
    np.testing.assert_allclose(measured.training.statistics.mean, expected.mean(axis=(0, 2, 3)), atol=1e-6)


def test_a_mini_batch_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measurer, session = opened()
    first = measurer.measure(session)
    monkeypatch.setattr(EnginePasses, "_maps", None)
    assert measurer.measure(session.at_channel(1).with_gamma(2)) is first
    assert measurer.cached(session) is first


def test_a_mini_batch_that_is_met_again_behind_another_norm_is_found() -> None:
    measurer, session = opened()
    first = session.with_layer(session.network.norm_layers[1])
    second = first.next_batch(measurer.measure(first))
    measured = measurer.measure(second)
    forth_again = second.previous_batch().next_batch(measurer.measure(second.previous_batch()))
    assert measurer.cached(forth_again) is measured
    assert measurer.cached(forth_again.restarted()) is measurer.measure(first)


def test_old_mini_batches_are_forgotten() -> None:
    measurer, session = opened()
    first = session
    for _ in range(12):
        session = session.next_batch(measurer.measure(session))
    assert measurer.cached(first) is None
    np.testing.assert_array_equal(
        measurer.measure(first).training.values, measurer.compute(first).training.values
    )


def test_little_is_kept_of_large_mini_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    measurer, session = opened()
    one_and_a_half = 3 * 64 * 4 * 4 * 4
    monkeypatch.setattr("convtui.pages.batchnorm.measurer._CACHED_CELLS", one_and_a_half)
    before, session = session, session.next_batch(measurer.measure(session))
    measurer.measure(session)
    assert measurer.cached(before) is None
    assert measurer.cached(session) is not None


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
    measurer, session = opened()
    session = session.moved_layer(1).with_norm(momentum=momentum)
    modules = sequential(session.network, momentum=momentum)
    passed = []
    for _ in range(4):
        measured = measurer.measure(session)
        pixels = (digits().train_images[measured.images] - digits().mean) / digits().std
        x = torch.tensor(pixels, dtype=torch.float64)
        found = Figures(session, measured)
        with torch.no_grad():
            for side, of, training in (
                (found.evaluation, measured.evaluation, False),
                (found.training, measured.training, True),
            ):  # that which changes the module last
                inputs = modules.train(training)[:4](x)
                np.testing.assert_allclose(of.values, inputs.numpy(), atol=1e-5)
                output = modules[4](inputs)[:, 0].reshape(-1).numpy()
                np.testing.assert_allclose(side.output, output, atol=1e-4)
        passed.append((session, measured))
        session = session.next_batch(measured)
        np.testing.assert_allclose(session.norm.running_var, running(modules[4])[1].numpy(), rtol=1e-4)
        np.testing.assert_allclose(
            session.earlier_norms[0].running_var, running(modules[2])[1].numpy(), rtol=1e-4
        )
    for before, measured in passed[::-1]:
        session = session.previous_batch()
        again = measurer.compute(session)
        np.testing.assert_array_equal(again.evaluation.values, measured.evaluation.values)
        assert session.earlier_norms is before.earlier_norms


def test_the_axes_are_made_for_the_first_images_whatever_the_size() -> None:
    measurer, session = opened()
    first = measurer.measure(session.with_batch_size(128))
    assert first.reference is first.training
    alone, other = BatchMeasurer(digits(), 0), session.with_batch_size(4)
    for _ in range(12):  # more than are kept
        np.testing.assert_array_equal(alone.measure(other).reference.values, first.reference.values)
        other = other.next_batch(alone.measure(other))


def test_a_first_look_at_small_mini_batches_takes_as_long_as_the_axes_take() -> None:
    measurer, _ = opened()
    one = BatchNormSession.start(Network.of("large", "conv 7x7 256 p3, relu, bn", (1, 8, 8)), 1000, 1)
    assert measurer.seconds(one.network, one.layer, 1) < QUICK < measurer.seconds(one.network, one.layer, 128)
    assert not measurer.is_quick(one)


def test_rounding_is_no_spread() -> None:
    """Of maps of one cell that a batch norm has made the mean is always beta, and so is that of a conv."""
    measurer = BatchMeasurer(digits(), 0)
    layers = "conv 3x3 4 s8 p1, bn, conv 3x3 2 p1, bn"
    network = Network.of("deep", layers, digits().shape)
    by_size = measurer.spread(network, network.norm_layers[1], 6, lambda: True)
    assert by_size is not None
    assert not by_size.means.any()
    assert (by_size.variances > 0).all()


def test_another_thread_measures_the_same_and_keeps_nothing() -> None:
    measurer, session = opened()
    measured = measurer.compute(session)
    assert measurer.cached(session) is None
    measurer.store(session, measured)
    assert measurer.cached(session) is measured
    assert measurer.measure(session) is measured


def test_spread_falls_with_the_root_of_the_size() -> None:
    measurer, session = opened()
    by_size = measurer.spread(session.network, session.layer, 32, lambda: True)
    assert by_size is not None
    assert (by_size.sizes, by_size.draws) == ((2, 4, 8, 16, 32, 64, 128, 256), 32)
    for spread in by_size.means.T:
        law = spread * np.sqrt(by_size.sizes)
        assert 0.4 < law.min() / law.mean() < law.max() / law.mean() < 2


def test_the_law_is_that_of_one_image_drawn_without_repeats() -> None:
    measurer, session = opened(made_up((1, 8, 8), count=300))
    by_size = measurer.spread(session.network, session.layer, 32, lambda: True)
    assert by_size is not None
    every = measurer.compute(session.with_batch_size(300)).training.values
    one = every.mean(axis=(2, 3)).std(axis=0)  # of one image's mean
    found = [spread_of_one_image(np.array(by_size.sizes, float), spread, 300) for spread in by_size.means.T]
    np.testing.assert_allclose(found, one, rtol=0.1)
    np.testing.assert_allclose(by_size.means[-1], one * standard_error(np.array([256.0]), 300), rtol=0.3)


def test_spread_is_that_of_real_mini_batches() -> None:
    measurer, session = opened(made_up((1, 8, 8), count=12))
    by_size = measurer.spread(session.network, session.layer, 6, lambda: True)
    assert by_size is not None
    assert by_size.sizes == (2, 4, 8)
    random, means = np.random.default_rng(0), []
    for _ in range(6):
        for size in by_size.sizes:
            chosen = random.choice(12, size, replace=False)
            if size == 4:
                values = (measurer.data.train_images[chosen] - measurer.data.mean) / measurer.data.std
                weights: Any = session.network.weights[1]
                output = torch.conv2d(
                    torch.tensor(values, dtype=torch.float64),
                    torch.tensor(weights["weight"]),
                    torch.tensor(weights["bias"]),
                    2,
                    1,
                )
                means.append(torch.relu(output).mean(dim=(0, 2, 3)).numpy())
    np.testing.assert_allclose(by_size.means[1], np.std(means, axis=0, ddof=1), rtol=1e-5)


def test_unwanted_spread_ends_early() -> None:
    measurer, session = opened()
    assert measurer.spread(session.network, session.layer, 32, lambda: False) is None


def test_long_work_is_known_before() -> None:
    measurer, session = opened()
    assert measurer.is_quick(session)
    huge = BatchNormSession.start(Network.of("large", "conv 7x7 64 p3, relu, bn", (1, 8, 8)), 1000, 1000)
    assert not measurer.is_quick(huge)


@pytest.mark.parametrize("layer", [0, 1])
def test_one_image_on_maps_of_one_cell_is_what_torch_makes_in_evaluation_mode(layer: int) -> None:
    layers = "conv 3x3 4 s8 p1, bn, relu, conv 3x3 2 p1, bn"
    measurer = BatchMeasurer(digits(), 0)
    session = BatchNormSession.start(Network.of("deep", layers, digits().shape), measurer.image_count, 16)
    session = session.next_batch(measurer.measure(session)).moved_layer(layer)
    session = session.with_norm(training=False).with_batch_size(1)
    figures = Figures(session, measurer.measure(session))
    modules: list[torch.nn.Module] = [
        torch.nn.Conv2d(1, 4, 3, 8, 1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 2, 3, 1, 1),
        torch.nn.BatchNorm2d(2),
    ]
    modules = modules[: session.layer.input + 1]
    for number, state in zip((2, 5), [*session.earlier_norms, session.norm], strict=False):
        mean, var = running(modules[number - 1])
        mean.copy_(torch.tensor(state.running_mean))
        var.copy_(torch.tensor(state.running_var))
    for number in (1, 4)[: layer + 1]:
        weights = session.network.weights[number]
        modules[number - 1].load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    whole = torch.nn.Sequential(*modules).double().eval()
    pixels = (digits().train_images[figures.measurement.images] - digits().mean) / digits().std
    with torch.no_grad():
        expected = whole(torch.tensor(pixels, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(figures.present.output, expected[:, 0].ravel(), atol=1e-5)
    assert np.isnan(figures.training.output).all()
    whole.train()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        whole(torch.tensor(pixels, dtype=torch.float64))


@pytest.mark.parametrize("palette", [DARK, replace(DARK, is_grey=True)])
def test_the_two_bars_of_two_images_on_maps_of_one_cell_are_seen_in_full(palette: Palette) -> None:
    """Each is half of all values: an arrow tells of it where the axis ends below."""
    measurer = BatchMeasurer(digits(), 0)
    network = Network.of("deep", "conv 3x3 4 s8 p1, bn", digits().shape)
    session = BatchNormSession.start(network, measurer.image_count, 2)
    figures = Figures(session, measurer.measure(session))
    histogram = replace(before_histogram(figures, 45), top=10.0)
    lines = texts(histogram_lines(histogram, (11, 45), palette))
    bars = np.flatnonzero(histogram.counts)
    assert len(bars) == 2
    for column in bars + 5:  # behind the axis
        assert [line[column] for line in lines[2:-2]] == ["↑", *"██████"]
