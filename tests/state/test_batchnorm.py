"""Stepping through mini-batches is exact both ways, and the network's own batch norms stay as they are."""

from typing import Any

import numpy as np
import pytest
import torch

from convtui.engine.batchnorm import Statistics
from convtui.state.batchnorm import Batches, Network, Place, Position
from tests.support.torch_layers import running

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"


def network(layers: str = LAYERS, **given: Any) -> Network:
    return Network.of("small", layers, (1, 8, 8), **given)


def started(layers: str = LAYERS, images: int = 20, batch_size: int = 6) -> Batches:
    return Batches.start(network(layers), images, batch_size)


def statistics(seed: int, channels: int = 4) -> Statistics:
    return Statistics.of(np.random.default_rng(seed).standard_normal((3, channels, 4, 4)))


def test_the_places_are_the_batch_norms() -> None:
    assert network().places == (Place(2, 3), Place(4, 5))


def test_without_batch_norms_they_are_laid_where_a_recipe_has_them() -> None:
    bare = network("conv 3x3 4 s2 p1, relu, conv 3x3 2 s2 p1, flatten")
    assert bare.places == (Place(2), Place(3))
    norm = bare.norm(bare.places[0])
    assert (norm.num_features, norm.running_mean.tolist()) == (4, [0, 0, 0, 0])
    assert not bare.before(bare.places[1])


def test_only_later_places_have_norms_before_them() -> None:
    first, second = network().places
    assert network().before(first) == ()
    assert network().before(second) == (first,)


def test_a_norm_that_another_follows_at_once_is_before_it() -> None:
    doubled = network("conv 3x3 4 s2 p1, bn, bn")
    first, second = doubled.places
    assert doubled.before(second) == (first,)


def test_a_network_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="small: has neither a batch norm nor a convolution"):
        network("relu, flatten")


def test_given_weights_come_with_the_batches_they_are_from() -> None:
    given = {3: {"running_mean": np.array([1.0, 2, 3, 4])}}
    norm = network(weights=given, batches_tracked=7).norm(Place(2, 3))
    assert norm.running_mean.tolist() == [1, 2, 3, 4]
    assert norm.num_batches_tracked == 7


def test_steps_are_those_of_torch_and_back_is_exact() -> None:
    batches, module = started(), torch.nn.BatchNorm2d(4).double()
    passed = [batches]
    for seed in range(5):
        batch = np.random.default_rng(seed).standard_normal((3, 4, 4, 4))
        module(torch.tensor(batch))
        passed.append(passed[-1].advanced(Statistics.of(batch)))
        norm, (mean, variance) = passed[-1].norm, running(module)
        np.testing.assert_allclose(norm.running_mean, mean.numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(norm.running_var, variance.numpy(), rtol=1e-9)
    now = passed[-1]
    for before in passed[-2::-1]:
        now = now.back()
        np.testing.assert_array_equal(now.norm.running_mean, before.norm.running_mean)
        np.testing.assert_array_equal(now.norm.running_var, before.norm.running_var)
        assert (now.position, now.number) == (before.position, before.number)
        assert now.norm.num_batches_tracked == before.norm.num_batches_tracked
    with pytest.raises(ValueError, match="first mini-batch"):
        now.back()


def test_the_norms_before_it_see_the_same_mini_batches() -> None:
    first, deeper = started(), started().moved_place(1).with_norm(momentum=0.3)
    passed = [deeper]
    for seed in range(3):
        first = first.with_norm(momentum=0.3).advanced(statistics(seed))
        deeper = deeper.advanced(statistics(seed, 2), (statistics(seed),))
        passed.append(deeper)
        (earlier,) = deeper.earlier
        np.testing.assert_array_equal(earlier.running_mean, first.norm.running_mean)
        np.testing.assert_array_equal(earlier.running_var, first.norm.running_var)
        assert earlier.num_batches_tracked == seed + 1
    stayed = deeper.with_norm(training=False).advanced(statistics(3, 2), (statistics(3),))
    assert stayed.earlier is deeper.earlier
    for before in passed[-2::-1]:
        deeper = deeper.back()
        assert deeper.earlier is before.earlier
    assert passed[-1].restarted().earlier[0].running_mean.tolist() == [0] * 4


def test_the_network_keeps_its_statistics() -> None:
    batches = started().advanced(statistics(0)).advanced(statistics(1))
    assert batches.norm.running_mean.any()
    assert not batches.network.weights[3]["running_mean"].any()
    assert not batches.network.norm(batches.place).running_mean.any()


def test_an_epoch_drops_what_does_not_fill_a_mini_batch() -> None:
    batches, positions = started(), []
    for seed in range(4):
        positions.append((batches.position, batches.is_last))
        batches = batches.advanced(statistics(seed))
    assert positions == [
        (Position(0, 0), False),
        (Position(0, 6), False),
        (Position(0, 12), True),
        (Position(1, 0), False),
    ]


def test_in_evaluation_mode_a_step_changes_no_statistics() -> None:
    batches = started().with_norm(training=False)
    after = batches.advanced(statistics(0))
    assert after.norm.running_mean.tolist() == batches.norm.running_mean.tolist()
    assert after.position == Position(0, 6)


def test_back_keeps_what_was_set_since() -> None:
    batches = started().advanced(statistics(0)).with_gamma(2.5).with_beta(-1).back()
    assert (batches.gamma, batches.beta) == (2.5, -1)
    assert batches.norm.running_var.tolist() == [1, 1, 1, 1]


def test_back_brings_back_the_size_of_the_mini_batch() -> None:
    batches = started().advanced(statistics(0)).with_batch_size(3).advanced(statistics(1))
    assert [batches.batch_size, batches.back().batch_size, batches.back().back().batch_size] == [3, 3, 6]


def test_a_restart_keeps_gamma_and_the_place() -> None:
    batches = started().moved_place(1).with_gamma(3).advanced(statistics(0, 2), (statistics(1),)).restarted()
    assert (batches.number, batches.position, batches.gamma) == (1, Position(), 3)
    assert batches.place == Place(4, 5)
    assert batches.norm.running_mean.tolist() == [0, 0]


def test_larger_mini_batches_stay_inside_the_epoch() -> None:
    batches = started().advanced(statistics(0)).advanced(statistics(1)).with_batch_size(16)
    assert batches.position == Position(0, 4)


@pytest.mark.parametrize("size", [0, 21])
def test_sizes_that_cannot_be_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"size {size}: must be from 1 to 20"):
        started().with_batch_size(size)


def test_mini_batches_of_large_images_stay_small() -> None:
    large = Network.of("large", "conv 3x3 8 s2 p1, relu, bn", (3, 512, 512))
    batches = Batches.start(large, 1000)
    assert batches.batch_size == 2**25 // (3 * 512 * 512) == 42
    with pytest.raises(ValueError, match="size 43: must be from 1 to 42"):
        batches.with_batch_size(43)


def test_one_value_per_channel_is_refused() -> None:
    deep = "conv 3x3 4 s8 p1, bn, relu, conv 3x3 4 p1, bn"
    with pytest.raises(ValueError, match=r"size 1: layer 2 gets \[4, 1, 1\]: one value per channel"):
        started(deep).with_batch_size(1)
    later = "conv 3x3 4 s2 p1, bn, conv 3x3 4 s4 p1, bn"
    one = started(later).with_batch_size(1)
    with pytest.raises(ValueError, match="size 1: layer 4"):
        one.moved_place(1)


def test_places_and_channels_end_somewhere() -> None:
    batches = started().at_channel(3)
    assert batches.moved_place(-1) is batches
    deeper = batches.moved_place(1)
    assert (deeper.place, deeper.channel, deeper.number) == (Place(4, 5), 1, 1)
    assert deeper.moved_place(5) is deeper
    for wrong, message in ((4, "channel 4: must be from 0 to 3"), (-1, "channel -1: must be from 0 to 3")):
        with pytest.raises(ValueError, match=message):
            batches.at_channel(wrong)


def test_a_layer_is_found_by_the_number_of_its_norm_or_its_input() -> None:
    assert started().at_layer(5).place == started().at_layer(4).place == Place(4, 5)
    with pytest.raises(ValueError, match="layer 1: must be one of 3, 5"):
        started().at_layer(1)


def test_mode_momentum_and_eps_go_along_to_another_layer() -> None:
    norm = started().with_norm(momentum=None, eps=0.5, training=False).moved_place(1).norm
    assert (norm.momentum, norm.eps, norm.training, norm.num_features) == (None, 0.5, False, 2)


def test_gamma_and_beta_can_undo_the_normalisation() -> None:
    batches, found = started().at_channel(2), statistics(3)
    values = np.random.default_rng(3).standard_normal((3, 4, 4, 4))
    undoing = batches.undoing(found)
    output = undoing.norm(values)
    np.testing.assert_allclose(output[:, 2], values[:, 2], atol=1e-12)
    assert (undoing.as_given().gamma, undoing.as_given().beta) == (1, 0)


def test_another_network_starts_at_the_place_most_like_this_one() -> None:
    batches = started().moved_place(1).advanced(statistics(0, 2), (statistics(1),))
    other = network("conv 3x3 5 s2 p1, relu, bn", seed=3)
    now = batches.with_network(other)
    assert (now.network, now.place, now.number) == (other, Place(2, 3), 1)
    assert now.norm.num_features == 5


def test_untouched_until_something_is_done() -> None:
    batches = started()
    assert batches.is_untouched
    assert batches.at_channel(1).with_norm(training=False).is_untouched
    assert not batches.with_beta(0.1).is_untouched
    assert not batches.advanced(statistics(0)).is_untouched
