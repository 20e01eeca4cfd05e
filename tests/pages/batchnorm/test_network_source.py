"""A network is that of its seed, or of a run at its last checkpoint, with the run's statistics."""

from typing import Any

import numpy as np

from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.training.recipe import Recipe
from tests.support.kept_runs import kept_run
from tests.support.small_runs import SMALL


def test_a_seeded_source() -> None:
    data, network = NetworkSource(SMALL, seed=4).load()
    assert (data.name, network.name) == ("digits-8x8", "random weights, seed 4")
    assert [layer.number for layer in network.norm_layers] == [3, 6, 8]
    again, other = NetworkSource(SMALL, seed=5).load((NetworkSource(SMALL), data))
    assert again is data
    assert not np.array_equal(other.weights[1]["weight"], network.weights[1]["weight"])
    assert NetworkSource(Recipe()).load()[1].name == "random weights, seed 0"


def test_a_runs_source_has_its_weights_and_statistics() -> None:
    run, training = kept_run()
    data, network = NetworkSource(run.recipe, run=str(run.path), step=training.step).load()
    assert network.name == f"run 1, step {training.step}"
    norm = network.norm_state(network.norm_layers[0])
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
    _, network = NetworkSource(run.recipe, run=str(moved), step=training.step).load()
    assert network.name.isprintable()
    assert "red" in network.name
