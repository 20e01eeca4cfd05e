"""The page's figures are PyTorch's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from convtui.engine.norms import NORM_KINDS, NormKind
from convtui.engine.spec import Floats
from convtui.pages.batchnorm.figures import Figures
from convtui.state.batch_measurement import NormInput
from convtui.state.norm_choice import NormChoice
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


# -- the four norms


def torch_output(found: Figures, kind: NormKind, training: bool) -> Floats:
    """What PyTorch's module with the session's gamma and beta makes of the activations, in a mode."""
    session = found.session
    values = torch.tensor(found.measurement.in_mode(training).values)
    gamma, beta = torch.tensor(session.norm.weight), torch.tensor(session.norm.bias)
    eps = session.norm.eps
    match kind:
        case "batch":
            mean, var = torch.tensor(session.norm.running_mean), torch.tensor(session.norm.running_var)
            output = functional.batch_norm(values, mean, var, gamma, beta, training, 0.1, eps)
        case "layer":
            shape = values.shape[1:]
            weight, bias = (of[:, None, None].expand(shape).contiguous() for of in (gamma, beta))
            output = functional.layer_norm(values, list(shape), weight, bias, eps)
        case "group":
            output = functional.group_norm(values, session.num_groups, gamma, beta, eps)
        case "instance":
            output = functional.instance_norm(values, weight=gamma, bias=beta, eps=eps)
    return np.asarray(output.numpy())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NORM_KINDS),
    st.booleans(),
    st.sampled_from([0, 1]),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 5),
    st.floats(-2, 2),
    st.integers(0, 2**32),
)
def test_the_set_of_each_norm_is_what_torch_makes_of_it(
    kind: NormKind, training: bool, layer: int, groups: int, image: int, wanted: float, seed: int
) -> None:
    found = figures(layer=layer, steps=1, training=training)
    random = np.random.default_rng(seed)
    norm = replace(
        found.session.norm,
        weight=random.standard_normal(found.session.norm.num_features),
        bias=random.standard_normal(found.session.norm.num_features),
    )
    session = replace(found.session, norm=norm, chosen_value=wanted).at_image(image)
    found = Figures(session.with_choice(NormChoice(kind, groups)), found.measurement)
    assert found.chosen_index[:2] == (image, session.channel)
    images, channels = found.members
    for mode, side in (True, found.training), (False, found.evaluation):
        of_set = torch_output(found, kind, mode)[images.start : images.stop, channels.start : channels.stop]
        np.testing.assert_allclose(side.output, of_set.reshape(-1), rtol=1e-9, atol=1e-9)
    assert found.values[found.chosen] == found.input.values[found.chosen_index]
    assert found.present.output[found.chosen] == pytest.approx(
        torch_output(found, kind, training)[found.chosen_index]
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_norms_side_by_side_are_what_torch_makes_of_one_activation(training: bool) -> None:
    found = figures(steps=2, training=training)
    gamma, beta = found.session.gamma, found.session.beta
    for each in found.side_by_side:
        expected = torch_output(found, each.kind, training)[found.chosen_index]
        assert gamma * each.normalised + beta == pytest.approx(expected, abs=1e-9)
        values = found.input.values[each.images.start : each.images.stop]
        values = values[:, each.channels.start : each.channels.stop]
        assert each.count == values.size
        if not each.is_running:
            assert (each.mean, each.var) == pytest.approx((values.mean(), values.var()))
    assert [each.is_running for each in found.side_by_side] == [not training, False, False, False]


@pytest.mark.parametrize("kind", ["layer", "group", "instance"])
def test_a_norm_of_single_images_is_the_same_in_both_modes(kind: NormKind) -> None:
    found = figures(steps=1)
    at = Figures(found.session.with_kind(kind), found.measurement)
    assert not at.has_modes
    np.testing.assert_array_equal(at.training.output, at.evaluation.output)
    deep = figures(layer=1, steps=1)
    at = Figures(deep.session.with_kind(kind), deep.measurement)
    assert at.has_modes
    assert at.difference > 0


def test_another_norm_leaves_the_activation_that_is_looked_at() -> None:
    found = figures(steps=1)
    seen = {Figures(found.session.with_kind(kind), found.measurement).chosen_index for kind in NORM_KINDS}
    assert seen == {found.chosen_index}


def test_moving_stays_in_the_image_whose_mean_it_is() -> None:
    found = figures(steps=1)
    at = Figures(found.session.with_kind("layer"), found.measurement)
    image = at.chosen_index[0]
    for _ in range(10):
        at = Figures(at.with_chosen_moved(-1), at.measurement)
        assert at.chosen_index[0] == image
    assert at.chosen_value < found.chosen_value
    again = Figures(at.session.with_kind("batch"), at.measurement)
    assert again.with_chosen_moved(1).image is None


def test_another_image() -> None:
    found = figures()
    for by in (1, -1, 6):
        moved = Figures(found.with_image_moved(by), found.measurement)
        assert moved.chosen_index[0] == (found.chosen_index[0] + by) % 6
        in_image = moved.input.values[moved.chosen_index[0], 1]
        wanted = found.input.values[:, 1].mean() + 1.5 * found.input.values[:, 1].std()
        assert moved.chosen_value == in_image.flat[np.abs(in_image - wanted).argmin()]


def test_a_norm_that_torch_refuses_says_so_beside_the_others() -> None:
    found = figures("conv 8x8 4, relu, bn")
    refused = {each.kind: each.refusal for each in found.side_by_side}
    assert refused.pop("instance") == (
        "input [6, 4, 1, 1]: one value per channel of an image; instance norm needs at least two"
    )
    assert set(refused.values()) == {""}


def test_maps_of_features_are_of_one_cell() -> None:
    found = figures()
    flat = NormInput.of(found.measurement.training.values[:, :, 0, 0])
    measurement = replace(found.measurement, training=flat, evaluation=flat)
    maps = Figures(found.session, measurement).maps
    assert maps.values.shape == (6, 4, 1, 1)
    assert maps.chosen[2:] == (0, 0)
