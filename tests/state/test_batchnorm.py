"""Stepping through mini-batches is exact both ways, and the network's own batch norms stay as they are."""

from typing import Any

import numpy as np
import pytest
import torch

from convtui.engine.batchnorm import Statistics
from convtui.state.batchnorm import BatchNormSession, BatchPosition
from convtui.state.batchnorm_network import Network, NormLayer
from tests.support.torch_layers import running

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"


def network(layers: str = LAYERS, **given: Any) -> Network:
    return Network.of("small", layers, (1, 8, 8), **given)


def started(layers: str = LAYERS, images: int = 20, batch_size: int = 6) -> BatchNormSession:
    return BatchNormSession.start(network(layers), images, batch_size)


def statistics(seed: int, channels: int = 4) -> Statistics:
    return Statistics.of(np.random.default_rng(seed).standard_normal((3, channels, 4, 4)))


def test_the_places_are_the_batch_norms() -> None:
    assert network().norm_layers == (NormLayer(2, 3), NormLayer(4, 5))


def test_without_batch_norms_they_are_added_where_a_recipe_has_them() -> None:
    bare = network("conv 3x3 4 s2 p1, relu, conv 3x3 2 s2 p1, flatten")
    assert bare.norm_layers == (NormLayer(2), NormLayer(3))
    norm = bare.norm_state(bare.norm_layers[0])
    assert (norm.num_features, norm.running_mean.tolist()) == (4, [0, 0, 0, 0])
    assert not bare.norms_before(bare.norm_layers[1])


def test_only_later_places_have_norms_before_them() -> None:
    first, second = network().norm_layers
    assert network().norms_before(first) == ()
    assert network().norms_before(second) == (first,)


def test_a_norm_that_another_follows_at_once_is_before_it() -> None:
    doubled = network("conv 3x3 4 s2 p1, bn, bn")
    first, second = doubled.norm_layers
    assert doubled.norms_before(second) == (first,)


def test_a_network_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="small: has neither a batch norm nor a convolution"):
        network("relu, flatten")


def test_given_weights_come_with_the_batches_they_are_from() -> None:
    given = {3: {"running_mean": np.array([1.0, 2, 3, 4])}}
    norm = network(weights=given, batches_tracked=7).norm_state(NormLayer(2, 3))
    assert norm.running_mean.tolist() == [1, 2, 3, 4]
    assert norm.num_batches_tracked == 7


def test_steps_are_those_of_torch_and_back_is_exact() -> None:
    session, module = started(), torch.nn.BatchNorm2d(4).double()
    passed = [session]
    for seed in range(5):
        batch = np.random.default_rng(seed).standard_normal((3, 4, 4, 4))
        module(torch.tensor(batch))
        passed.append(passed[-1].advanced(Statistics.of(batch)))
        norm, (mean, variance) = passed[-1].norm, running(module)
        np.testing.assert_allclose(norm.running_mean, mean.numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(norm.running_var, variance.numpy(), rtol=1e-9)
    now = passed[-1]
    for before in passed[-2::-1]:
        now = now.previous_batch()
        np.testing.assert_array_equal(now.norm.running_mean, before.norm.running_mean)
        np.testing.assert_array_equal(now.norm.running_var, before.norm.running_var)
        assert (now.position, now.number) == (before.position, before.number)
        assert now.norm.num_batches_tracked == before.norm.num_batches_tracked
    with pytest.raises(ValueError, match="first mini-batch"):
        now.previous_batch()


def test_the_norms_before_it_see_the_same_mini_batches() -> None:
    first, deeper = started(), started().moved_layer(1).with_norm(momentum=0.3)
    passed = [deeper]
    for seed in range(3):
        first = first.with_norm(momentum=0.3).advanced(statistics(seed))
        deeper = deeper.advanced(statistics(seed, 2), (statistics(seed),))
        passed.append(deeper)
        (earlier,) = deeper.earlier_norms
        np.testing.assert_array_equal(earlier.running_mean, first.norm.running_mean)
        np.testing.assert_array_equal(earlier.running_var, first.norm.running_var)
        assert earlier.num_batches_tracked == seed + 1
    stayed = deeper.with_norm(training=False).advanced(statistics(3, 2), (statistics(3),))
    assert stayed.earlier_norms is deeper.earlier_norms
    for before in passed[-2::-1]:
        deeper = deeper.previous_batch()
        assert deeper.earlier_norms is before.earlier_norms
    assert passed[-1].restarted().earlier_norms[0].running_mean.tolist() == [0] * 4


def test_the_network_keeps_its_statistics() -> None:
    session = started().advanced(statistics(0)).advanced(statistics(1))
    assert session.norm.running_mean.any()
    assert not session.network.weights[3]["running_mean"].any()
    assert not session.network.norm_state(session.layer).running_mean.any()


def test_an_epoch_drops_what_does_not_fill_a_mini_batch() -> None:
    session, positions = started(), []
    for seed in range(4):
        positions.append((session.position, session.is_last))
        session = session.advanced(statistics(seed))
    assert positions == [
        (BatchPosition(0, 0), False),
        (BatchPosition(0, 6), False),
        (BatchPosition(0, 12), True),
        (BatchPosition(1, 0), False),
    ]


def test_in_evaluation_mode_a_step_changes_no_statistics() -> None:
    session = started().with_norm(training=False)
    after = session.advanced(statistics(0))
    assert after.norm.running_mean.tolist() == session.norm.running_mean.tolist()
    assert after.position == BatchPosition(0, 6)


def test_back_keeps_what_was_set_since() -> None:
    session = started().advanced(statistics(0)).with_gamma(2.5).with_beta(-1).previous_batch()
    assert (session.gamma, session.beta) == (2.5, -1)
    assert session.norm.running_var.tolist() == [1, 1, 1, 1]


def test_back_brings_back_the_size_of_the_mini_batch() -> None:
    session = started().advanced(statistics(0)).with_batch_size(3).advanced(statistics(1))
    assert [
        session.batch_size,
        session.previous_batch().batch_size,
        session.previous_batch().previous_batch().batch_size,
    ] == [3, 3, 6]


def test_a_restart_keeps_gamma_and_the_place() -> None:
    session = started().moved_layer(1).with_gamma(3).advanced(statistics(0, 2), (statistics(1),)).restarted()
    assert (session.number, session.position, session.gamma) == (1, BatchPosition(), 3)
    assert session.layer == NormLayer(4, 5)
    assert session.norm.running_mean.tolist() == [0, 0]


def test_larger_mini_batches_stay_inside_the_epoch() -> None:
    session = started().advanced(statistics(0)).advanced(statistics(1)).with_batch_size(16)
    assert session.position == BatchPosition(0, 4)


@pytest.mark.parametrize("size", [0, 21])
def test_sizes_that_cannot_be_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"size {size}: must be from 1 to 20"):
        started().with_batch_size(size)


def test_mini_batches_of_large_images_stay_small() -> None:
    large = Network.of("large", "conv 3x3 8 s2 p1, relu, bn", (3, 512, 512))
    session = BatchNormSession.start(large, 1000)
    assert session.batch_size == 2**25 // (3 * 512 * 512) == 42
    with pytest.raises(ValueError, match="size 43: must be from 1 to 42"):
        session.with_batch_size(43)


def test_one_value_per_channel_is_refused() -> None:
    deep = "conv 3x3 4 s8 p1, bn, relu, conv 3x3 4 p1, bn"
    why = r"size 1: layer 2 gets \[4, 1, 1\]: one value per channel has no variance"
    with pytest.raises(ValueError, match=why):
        started(deep).with_batch_size(1)
    later = "conv 3x3 4 s2 p1, bn, conv 3x3 4 s4 p1, bn"
    one = started(later).with_batch_size(1)
    with pytest.raises(ValueError, match="size 1: layer 4"):
        one.moved_layer(1)


def test_only_training_mode_refuses_one_value_per_channel() -> None:
    deep = "conv 3x3 4 s8 p1, bn, relu, conv 3x3 4 p1, bn"
    session = started(deep).with_norm(training=False).with_batch_size(1)
    assert session.refusal.startswith("size 1: layer 2")
    assert session.moved_layer(1).batch_size == 1
    with pytest.raises(ValueError, match="training mode needs 2 or more"):
        session.with_mode_toggled()
    assert session.with_batch_size(2).with_mode_toggled().refusal == ""


def test_places_and_channels_end_somewhere() -> None:
    session = started().at_channel(3)
    assert session.moved_layer(-1) is session
    deeper = session.moved_layer(1)
    assert (deeper.layer, deeper.channel, deeper.number) == (NormLayer(4, 5), 1, 1)
    assert deeper.moved_layer(5) is deeper
    for wrong, message in ((4, "channel 4: must be from 0 to 3"), (-1, "channel -1: must be from 0 to 3")):
        with pytest.raises(ValueError, match=message):
            session.at_channel(wrong)


def test_a_layer_is_found_by_the_number_of_its_norm_or_its_input() -> None:
    assert started().at_layer(5).layer == started().at_layer(4).layer == NormLayer(4, 5)
    with pytest.raises(ValueError, match="layer 1: must be one of 3, 5"):
        started().at_layer(1)


def test_mode_momentum_and_eps_go_along_to_another_layer() -> None:
    norm = started().with_norm(momentum=None, eps=0.5, training=False).moved_layer(1).norm
    assert (norm.momentum, norm.eps, norm.training, norm.num_features) == (None, 0.5, False, 2)


def test_gamma_and_beta_can_undo_the_normalisation() -> None:
    session, found = started().at_channel(2), statistics(3)
    values = np.random.default_rng(3).standard_normal((3, 4, 4, 4))
    undoing = session.with_identity(found.mean[2], found.var[2])
    output = undoing.norm(values)
    np.testing.assert_allclose(output[:, 2], values[:, 2], atol=1e-12)
    assert (undoing.with_network_gamma_beta().gamma, undoing.with_network_gamma_beta().beta) == (1, 0)


def test_another_network_starts_at_the_place_most_like_this_one() -> None:
    session = started().moved_layer(1).advanced(statistics(0, 2), (statistics(1),))
    other = network("conv 3x3 5 s2 p1, relu, bn", seed=3)
    now = session.with_network(other)
    assert (now.network, now.layer, now.number) == (other, NormLayer(2, 3), 1)
    assert now.norm.num_features == 5


def test_untouched_until_something_is_done() -> None:
    session = started()
    assert session.is_unchanged
    assert session.at_channel(1).with_norm(training=False).is_unchanged
    assert not session.with_beta(0.1).is_unchanged
    assert not session.advanced(statistics(0)).is_unchanged


def test_the_first_channel_follows_the_last() -> None:
    assert [started().moved_channel(by).channel for by in (1, 4, -1)] == [1, 0, 3]


def test_the_size_is_doubled_and_halved_but_never_below_one() -> None:
    sizes = [
        started(batch_size=size).with_batch_size_scaled(by).batch_size for size in (1, 6) for by in (1, -1)
    ]
    assert sizes == [2, 1, 12, 3]
    with pytest.raises(ValueError, match="size 24: must be from 1 to 20"):
        started().with_batch_size_scaled(1).with_batch_size_scaled(1)


def test_gamma_and_beta_go_in_steps_without_rounding_errors() -> None:
    session = started()
    for _ in range(3):
        session = session.with_gamma_stepped(1).with_beta_stepped(-1)
    assert (session.gamma, session.beta) == (1.3, -0.3)


@pytest.mark.parametrize(
    ("momentum", "by", "expected"),
    [
        (0.1, 1, 0.3),
        (0.1, -1, 0.05),
        (1.0, 1, None),
        (None, 1, 0.01),
        (0.01, -1, None),
        (0.2, 1, 0.3),
        (0.2, -1, 0.1),
    ],
)
def test_the_next_momentum(momentum: float | None, by: int, expected: float | None) -> None:
    assert started().with_norm(momentum=momentum).with_next_momentum(by).norm.momentum == expected


def test_the_identity_is_taken_back_by_asking_again() -> None:
    session, found = started().with_gamma(2), statistics(3)
    identity = session.with_identity_toggled(found.mean[0], found.var[0])
    assert (identity.gamma, identity.beta) == (np.sqrt(found.var[0] + 1e-5), found.mean[0])
    again = identity.with_identity_toggled(found.mean[0], found.var[0])
    assert (again.gamma, again.beta) == (1, 0)


def test_the_mode_goes_both_ways() -> None:
    evaluation = started().with_mode_toggled()
    assert not evaluation.norm.training
    assert evaluation.with_mode_toggled().norm.training
