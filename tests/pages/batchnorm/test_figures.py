"""The page's figures are PyTorch's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from convtui.pages.batchnorm.figures import Figures
from tests.support.batchnorms import figures
from tests.support.torch_layers import running


@pytest.mark.parametrize("training", [True, False])
def test_both_sides_are_what_torch_gives_in_either_mode(training: bool) -> None:
    found = figures(steps=2, training=training)
    session = replace(found.session.with_gamma(1.5).with_beta(-0.25), chosen_value=0.7)
    found = Figures(session, found.measurement)
    norm, values = session.norm, torch.tensor(found.measurement.training.values)
    for side, mode in (found.training, True), (found.evaluation, False):
        module = torch.nn.BatchNorm2d(4, eps=norm.eps).double().train(mode)
        with torch.no_grad():
            module.weight.copy_(torch.tensor(norm.weight))
            module.bias.copy_(torch.tensor(norm.bias))
            mean, variance = running(module)
            mean.copy_(torch.tensor(norm.running_mean))
            variance.copy_(torch.tensor(norm.running_var))
            output = module(values)[:, 1].reshape(-1).numpy()
        np.testing.assert_allclose(side.output, output, rtol=1e-9, atol=1e-12)
    assert found.present is (found.training if training else found.evaluation)
    assert found.other is (found.evaluation if training else found.training)


def test_the_chosen_activation_lies_where_it_is_said_to() -> None:
    found = figures()
    for near in (None, 0.0, 0.3, 99.0):
        at = Figures(replace(found.session, chosen_value=near), found.measurement)
        assert at.input.values[at.chosen_index] == at.values[at.chosen]
    assert at.values[at.chosen] == at.values.max()


def test_moving_goes_through_the_activations_and_stops_at_the_ends() -> None:
    found = figures()
    low, high = found.values.min(), found.values.max()
    at, seen = Figures(replace(found.session, chosen_value=float(low)), found.measurement), []
    for _ in range(60):
        seen.append(at.values[at.chosen])
        at = Figures(at.with_chosen_moved(1), at.measurement)
    assert seen == sorted(seen)
    assert len(set(seen)) >= 15
    assert (seen[0], seen[-1]) == (low, high)
    for _ in range(60):
        at = Figures(at.with_chosen_moved(-1), at.measurement)
    assert at.values[at.chosen] == low


@pytest.mark.parametrize("training", [True, False])
def test_behind_other_norms_the_present_mode_is_theirs_too(training: bool) -> None:
    found = figures(layer=1, steps=2, training=training)
    assert not np.array_equal(found.measurement.training.values, found.measurement.evaluation.values)
    of = found.measurement.training if training else found.measurement.evaluation
    np.testing.assert_array_equal(found.values, of.values[:, 1].reshape(-1))
    assert found.statistics is of.statistics
    evaluated = found.measurement.evaluation.values[:, 1].reshape(-1)
    norm = found.session.norm
    expected = (evaluated - norm.running_mean[1]) / np.sqrt(norm.running_var[1] + 1e-5)
    np.testing.assert_allclose(found.evaluation.output, expected, rtol=1e-9, atol=1e-12)


def test_axes_are_made_for_a_sample_of_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = figures().reference
    monkeypatch.setattr("convtui.pages.batchnorm.figures.SAMPLE", 300)
    few, again = figures().reference, figures().reference
    assert len(few.values) == 300 < len(everything.values)
    np.testing.assert_array_equal(few.values, again.values)
    assert set(few.values) <= set(everything.values)
    assert (few.mean, few.var) == (everything.mean, everything.var)


def test_the_difference_is_that_of_the_outputs() -> None:
    found = figures(steps=1)
    expected = np.abs(found.training.output - found.evaluation.output).mean()
    assert found.difference == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shift", "words"), [(0.0, "almost the same"), (0.05, "close"), (0.3, "apart"), (2.0, "far apart")]
)
def test_how_far_in_words(shift: float, words: str) -> None:
    found = figures()
    own = found.statistics
    std = np.sqrt(own.var + found.session.norm.eps)
    session = found.session.with_norm(running_mean=own.mean + shift * std, running_var=own.var)
    assert Figures(session, found.measurement).difference_words == words
    assert Figures(session.with_gamma(0), found.measurement).difference_words == "almost the same"
