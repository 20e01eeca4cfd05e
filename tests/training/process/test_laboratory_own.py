"""What the laboratory measures of a network of the user's is what plain PyTorch computes."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convtui.training.datasets.minibatches import normalised
from convtui.training.measuring import ALPHAS, Curvature
from convtui.training.own_network import OwnNetwork
from convtui.training.process import laboratory as module
from convtui.training.process.laboratory import Laboratory
from convtui.training.process.own_network import TheirError, make
from convtui.training.process.restored import at_once, restored
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays
from convtui.training.runs.measurements import Measurements
from tests.support.small_runs import digits, trained

FILE = Path(__file__).parents[2] / "support" / "trained_networks.py"
NOTHING = Measurements(44, "0" * 16, 360, 100)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(FILE, tmp_path_factory.mktemp("code") / "net.py"))


def recipe_of(code: Path, name: str) -> Recipe:
    network = OwnNetwork(f"{code}:{name}")
    return Recipe(data="digits-8x8", batch_size=64, epochs=2, max_lr=0.01, network=network)


@cache
def run_of(code: Path, name: str, steps: int = 44) -> tuple[Recipe, Arrays]:
    training = trained(recipe_of(code, name), steps, capture=False)
    return training.recipe, training.checkpoint().weights


@cache
def figures(code: Path, name: str) -> Measurements:
    return measured(laboratory(code, name))


def laboratory(code: Path, name: str) -> Laboratory:
    recipe, weights = run_of(code, name)
    return Laboratory(recipe, digits(), weights, NOTHING)


def measured(it: Laboratory, known: Measurements = NOTHING) -> Measurements:
    for event in it.figures(known):
        if event is not None:
            known = known.with_event(event)
    return known


def plain(code: Path, name: str = "Net") -> Any:
    """The network in evaluation mode and double precision, from its weights' names alone."""
    model, _ = make(OwnNetwork(f"{code}:{name}"), 5)
    model.load_state_dict({key: torch.tensor(each) for key, each in run_of(code, name)[1].items()})
    return model.double().eval()


def landscape() -> tuple[Tensor, Tensor]:
    data = digits()
    chosen = [int(place) for place in np.linspace(0, len(data.train_images) - 1, 100)]
    images = (torch.tensor(data.train_images[chosen]).double() - data.mean) / data.std
    return images.clone(memory_format=torch.contiguous_format), torch.tensor(data.train_labels[chosen])


def test_the_loss_with_noise(code: Path) -> None:
    data, model = digits(), plain(code)
    images = (torch.tensor(data.test_images).double() - data.mean) / data.std
    labels = torch.tensor(data.test_labels)
    for number in (0, 3, 10):
        noise = np.random.default_rng((0, number)).standard_normal(tuple(images.shape), np.float32)
        with torch.no_grad():
            outputs = model(images + number / 20 * torch.tensor(noise))
        point = figures(code, "Net").noise[number]
        assert point.loss == pytest.approx(cross_entropy(outputs, labels).item(), rel=1e-5)
        assert point.accuracy == pytest.approx((outputs.argmax(1) == labels).double().mean().item())


def test_the_loss_along_directions_moves_what_is_trained_alone(code: Path) -> None:
    it, (images, labels) = laboratory(code, "Net"), landscape()
    for number, alpha in ((0, -1.0), (1, 0.24), (2, 1.0)):
        model, direction = plain(code), it.direction(number)
        weights = [model.conv.weight, model.unused.weight, model.fc.weight]
        assert [tuple(each.shape) for each in direction] == [tuple(each.shape) for each in weights]
        with torch.no_grad():
            for weight, towards in zip(weights, direction, strict=True):
                moved = alpha * towards.double()
                assert torch.allclose(
                    moved.flatten(1).norm(dim=1), abs(alpha) * weight.flatten(1).norm(dim=1)
                )
                weight += moved
            loss = cross_entropy(model(images), labels).item()
        point = figures(code, "Net").directions[number][ALPHAS.index(alpha)]
        assert point.loss == pytest.approx(loss, rel=1e-4)


def test_the_curvature_is_the_largest_eigenvalue_of_all_that_is_trained(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, (images, labels) = plain(code), landscape()
    named = {name: each for name, each in model.named_parameters() if each.requires_grad}
    assert "frozen.weight" not in named
    sizes = [each.numel() for each in named.values()]

    def loss(vector: Tensor) -> Tensor:
        parts = zip(named, vector.split(sizes), strict=True)
        values = {name: part.view_as(named[name]) for name, part in parts}
        return cross_entropy(torch.func.functional_call(model, values, (images,)), labels)

    together = torch.cat([each.detach().reshape(-1) for each in named.values()])
    eigenvalues = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, together))
    largest = eigenvalues[eigenvalues.abs().argmax()].item()
    monkeypatch.setattr(module, "TOLERANCE", 1e-7)
    monkeypatch.setattr(module, "MOST_ITERATIONS", 2000)
    curvature = measured(laboratory(code, "Net"), without_curvature(figures(code, "Net"))).curvature
    assert curvature is not None
    assert curvature.eigenvalue == pytest.approx(largest, rel=1e-3)


def without_curvature(known: Measurements) -> Measurements:
    return replace(known, curvature=None)


def test_the_norms_are_named(code: Path) -> None:
    norms, weights = figures(code, "Net").norms, run_of(code, "Net")[1]
    assert norms is not None
    assert norms.names == ("conv.weight", "unused.weight", "fc.weight")
    lengths = [float(np.sqrt((weights[name].astype(np.float64) ** 2).sum())) for name in norms.names]
    assert norms.layers == pytest.approx(lengths)
    assert norms.total == pytest.approx(float(np.sqrt(np.square(lengths).sum())))


def test_without_a_second_derivative_all_else_is_measured(code: Path) -> None:
    found = figures(code, "Doubled")
    assert found.is_complete
    assert found.curvature is not None
    assert (found.curvature.eigenvalue, found.curvature.iterations) == (None, 0)
    assert "differentiable only once" in found.curvature.why
    assert found.sharpness is not None


def test_what_a_network_draws_and_changes_does_not_change_its_figures(code: Path) -> None:
    found, it = figures(code, "Attending"), laboratory(code, "Attending")
    assert found.curvature is not None
    assert found.curvature.eigenvalue is not None  # though fast attention has no second derivative
    before = {name: each.clone() for name, each in it.model.state_dict().items()}
    lacking = replace(
        found,
        noise=found.noise[:4] + found.noise[5:],
        directions=(found.directions[0], (), found.directions[2]),
    )
    assert measured(it, lacking) == found
    assert all(torch.equal(each, before[name]) for name, each in it.model.state_dict().items())


def test_how_many_images_go_at_once_follows_from_what_one_costs(code: Path) -> None:
    recipe, weights = run_of(code, "Net")
    subject = restored(recipe, digits(), weights, 44)
    images = subject.to_tensor(normalised(digits().train_images[:8], digits()))
    an_image = 4 * 9 * 64 + 64 * 64 + 64 * 10  # multiply-adds of conv, frozen, fc
    assert at_once(subject, images, 500, 10 * an_image, 2**30) == 10
    assert at_once(subject, images, 500, 10**9, 2**30) == 500
    assert at_once(subject, images, 500, 10**9, 1) == 1


def test_weights_that_do_not_fit_and_code_that_has_changed(code: Path) -> None:
    recipe, weights = run_of(code, "Net")
    network = recipe.network
    assert network is not None
    assert restored(recipe, digits(), weights, 44).notice == ""
    changed = replace(recipe, network=replace(network, digest="another"))
    subject = restored(changed, digits(), weights, 44)
    assert (
        subject.notice
        == "net.py:Net has changed since the run began: it is measured with the code as it is now"
    )
    assert subject.source == network.digest
    other = {name: each for name, each in weights.items() if name != "fc.bias"}
    with pytest.raises(
        ValueError, match=r"net\.py:Net has changed since the run began: its weights are not those"
    ):
        restored(changed, digits(), other, 44)
    with pytest.raises(
        ValueError,
        match=r"^net\.py:Net: its weights are not those of the run: fc\.bias, 10 in the code, missing",
    ):
        restored(recipe, digits(), other, 44)


def test_what_their_code_does_wrong_is_told(code: Path) -> None:
    it = laboratory(code, "Net")
    it.model.fc = nn.Linear(3, 3)
    with pytest.raises(TheirError, match=r"net\.py:Net failed while it was measured: RuntimeError: mat1 and"):
        measured(it)


def test_a_loss_that_is_not_finite(code: Path) -> None:
    recipe, weights = run_of(code, "Net")
    broken = {**weights, "fc.weight": np.full_like(weights["fc.weight"], np.nan)}
    found = measured(Laboratory(recipe, digits(), broken, NOTHING))
    assert found.is_complete
    assert found.is_diverged
    assert found.curvature == Curvature(None, 1, False)
