"""What the laboratory measures is what plain PyTorch, written here anew, computes."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convtui.training.architecture import network
from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    POINTS,
    SHARP_AT,
    Curvature,
    DirectionPoint,
    landscape_count,
    noise_count,
)
from convtui.training.process import laboratory as module
from convtui.training.process.laboratory import Laboratory, hessian_times, normalised_by_filter
from convtui.training.process.restored import at_once, restored
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays
from convtui.training.runs.measurements import Measurements
from tests.support.small_runs import digits, trained

TINY = Recipe(data="digits-8x8", channels=(2,), first_kernel_size=3, epochs=2)
NOTHING = Measurements(44, "0" * 16, 360, 100)


@cache
def weights() -> Arrays:
    return trained(TINY, 44, capture=False).checkpoint().weights


@cache
def figures() -> Measurements:
    found = NOTHING
    for event in laboratory().figures(NOTHING):
        if event is not None:
            found = found.with_event(event)
    return found


@pytest.fixture(autouse=True)
def _measured_before() -> None:
    """So that no test's settings get into what they share."""
    figures()


def laboratory(arrays: Arrays | None = None, known: Measurements = NOTHING) -> Laboratory:
    return Laboratory(TINY, digits(), arrays or weights(), known)


def plain_model() -> nn.Sequential:
    """The network of TINY in evaluation mode and double precision, from the weights' names alone."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)),
        *(nn.Conv2d(2, 10, 3, 2, 1), nn.BatchNorm2d(10), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    model.load_state_dict({name: torch.tensor(each) for name, each in weights().items()})
    return model.double().eval()


def sample(images: Any, labels: Any, count: int) -> tuple[Tensor, Tensor]:
    chosen = [int(place) for place in np.linspace(0, len(images) - 1, count)]
    data = digits()
    return (torch.tensor(images[chosen]).double() - data.mean) / data.std, torch.tensor(labels[chosen])


def validation() -> tuple[Tensor, Tensor]:
    return sample(digits().test_images, digits().test_labels, 360)


def landscape() -> tuple[Tensor, Tensor]:
    return sample(digits().train_images, digits().train_labels, 100)


def ended(work: Iterator[None]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


# -- noise


def test_without_noise_it_is_the_plain_evaluation() -> None:
    images, labels = validation()
    with torch.no_grad():
        outputs = plain_model()(images)
    point = figures().noise[0]
    assert point.loss == pytest.approx(cross_entropy(outputs, labels).item(), rel=1e-5)
    assert point.accuracy == (outputs.argmax(1) == labels).double().mean().item()


@pytest.mark.parametrize("number", [1, 4, 10])
def test_noise_of_a_fixed_seed_is_added_to_normalised_images(number: int) -> None:
    images, labels = validation()
    noise = np.random.default_rng((0, number)).standard_normal(tuple(images.shape), np.float32)
    with torch.no_grad():
        loss = cross_entropy(plain_model()(images + number / 20 * torch.tensor(noise)), labels).item()
    assert figures().noise[number].noise == number / 20
    assert figures().noise[number].loss == pytest.approx(loss, rel=1e-5)
    assert loss != pytest.approx(figures().noise[0].loss, rel=1e-5)


def test_the_noise_does_not_depend_on_how_many_images_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BATCH", 7)
    point = ended(laboratory().with_noise(0.5))
    assert point.loss == pytest.approx(figures().noise[-1].loss, rel=1e-5)
    assert point.accuracy == figures().noise[-1].accuracy


# -- directions


def test_each_filter_of_a_direction_has_the_norm_of_its_weights() -> None:
    convolutions = [each for name, each in weights().items() if each.ndim == 4]
    for number in range(DIRECTIONS):
        direction = laboratory().direction(number)
        assert [tuple(each.shape) for each in direction] == [each.shape for each in convolutions]
        for towards, weight in zip(direction, convolutions, strict=True):
            for filter_, of in zip(towards.numpy(), weight, strict=True):
                assert np.sqrt((filter_**2).sum()) == pytest.approx(np.sqrt((of**2).sum()), rel=1e-5)
    assert not torch.equal(laboratory().direction(0)[0], laboratory().direction(1)[0])


def test_a_row_of_a_linear_layer_is_a_filter() -> None:
    direction, weight = torch.randn(4, 9), torch.randn(4, 9)
    assert torch.allclose(normalised_by_filter(direction, weight).norm(dim=1), weight.norm(dim=1))
    zero = torch.zeros(4, 9)
    assert torch.equal(normalised_by_filter(direction, zero), zero)


@pytest.mark.parametrize(("number", "alpha"), [(0, -1.0), (1, -0.24), (2, 0.0), (2, 0.24), (0, 1.0)])
def test_the_loss_along_a_direction(number: int, alpha: float) -> None:
    model, (images, labels) = plain_model(), landscape()
    convolutions = [each for each in model if isinstance(each, nn.Conv2d)]
    with torch.no_grad():
        for convolution, towards in zip(convolutions, laboratory().direction(number), strict=True):
            convolution.weight += alpha * towards.double()
        loss = cross_entropy(model(images), labels).item()
    point = figures().directions[number][ALPHAS.index(alpha)]
    assert point == DirectionPoint(number, alpha, pytest.approx(loss, rel=1e-4))  # type: ignore[arg-type]


def test_the_figures_of_the_points() -> None:
    found = figures()
    assert tuple(point.noise for point in found.noise) == NOISES
    assert all(tuple(point.alpha for point in curve) == ALPHAS for curve in found.directions)
    assert (SHARP_AT in ALPHAS, -SHARP_AT in ALPHAS, 0.0 in ALPHAS) == (True, True, True)
    assert found.noise_slope == pytest.approx((found.noise[-1].loss - found.noise[0].loss) / 0.5)
    at = {point.alpha: point.loss for point in found.directions[1]}
    rises = [
        (curve[ALPHAS.index(0.24)].loss + curve[ALPHAS.index(-0.24)].loss) / 2 - curve[25].loss
        for curve in found.directions
    ]
    assert at[0.0] == found.directions[0][25].loss
    assert found.sharpness == pytest.approx(sum(rises) / 3)
    assert found.is_complete
    assert found.count == POINTS == 166


def test_the_weights_stay_as_they_are_though_it_is_given_up_half_way() -> None:
    it = laboratory()
    before = {name: each.clone() for name, each in it.model.state_dict().items()}
    work = it.loss_along(it.direction(0), 1.0)
    next(work)
    assert not all(torch.equal(each, before[name]) for name, each in it.model.state_dict().items())
    work.close()
    assert all(torch.equal(each, before[name]) for name, each in it.model.state_dict().items())
    for _ in it.figures(NOTHING):
        pass
    assert all(torch.equal(each, before[name]) for name, each in it.model.state_dict().items())


# -- curvature


def hessian() -> Tensor:
    """Of the mean loss by all parameters as one vector, a row and a column each, by PyTorch's functional."""
    model, (images, labels) = plain_model(), landscape()
    names, values = zip(*model.named_parameters(), strict=True)
    sizes = [each.numel() for each in values]

    def loss(vector: Tensor) -> Tensor:
        parts = [part.view_as(each) for part, each in zip(vector.split(sizes), values, strict=True)]
        outputs = torch.func.functional_call(model, dict(zip(names, parts, strict=True)), (images,))
        return cross_entropy(outputs, labels)

    together = torch.cat([each.detach().reshape(-1) for each in values])
    found: Tensor = torch.autograd.functional.hessian(loss, together)
    return found


def test_a_product_with_the_hessian() -> None:
    model, (images, labels) = plain_model(), landscape()
    vector = [torch.randn_like(each) for each in model.parameters()]
    product = torch.cat([each.reshape(-1) for each in hessian_times(model, images, labels, vector)])
    expected = 100 * hessian() @ torch.cat([each.reshape(-1) for each in vector])
    assert torch.allclose(product, expected, rtol=1e-9, atol=1e-9)


def test_the_curvature_is_the_largest_eigenvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    eigenvalues = torch.linalg.eigvalsh(hessian())
    largest = eigenvalues[eigenvalues.abs().argmax()].item()
    curvature = figures().curvature
    assert curvature is not None
    assert curvature.has_converged
    assert curvature.eigenvalue == pytest.approx(largest, rel=0.1)  # it stops when a step changes little
    monkeypatch.setattr(module, "TOLERANCE", 1e-7)
    monkeypatch.setattr(module, "MOST_ITERATIONS", 2000)
    exact = ended(laboratory().curvature())
    assert exact.eigenvalue == pytest.approx(largest, rel=1e-3)


def test_the_curvature_ends_though_it_does_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    curvature = ended(laboratory().curvature())
    assert (curvature.iterations, curvature.has_converged) == (30, False)


def test_the_norms_are_those_of_the_weights() -> None:
    squares = [float((each.astype(np.float64) ** 2).sum()) for each in weights().values() if each.ndim == 4]
    norms = figures().norms
    assert norms is not None
    assert norms.layers == pytest.approx([each**0.5 for each in squares])
    assert norms.total == pytest.approx(sum(squares) ** 0.5)


# -- what is not as usual


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_run_that_has_diverged(value: float) -> None:
    arrays = {name: np.full_like(each, value) if each.ndim == 4 else each for name, each in weights().items()}
    found = NOTHING
    for event in laboratory(arrays).figures(NOTHING):
        if event is not None:
            found = found.with_event(event)
    assert found.is_complete
    assert found.is_diverged
    assert (found.noise_slope, found.sharpness) == (None, None)
    assert found.curvature == Curvature(None, 1, False)
    assert not figures().is_diverged


def test_weights_of_another_network() -> None:
    arrays = {name: each for name, each in weights().items() if name != "0.bias"}
    with pytest.raises(ValueError, match="the checkpoint of step 44 does not match its recipe and data"):
        laboratory(arrays)


@pytest.mark.parametrize(
    ("known", "left"),
    [
        (lambda all_: all_.norms and NOTHING.with_event(all_.norms), POINTS - 1),
        (lambda all_: NOTHING.with_event(all_.directions[1][25]), POINTS - 1),
        (lambda all_: all_, 0),
    ],
)
def test_what_is_known_is_not_measured_again(
    known: Callable[[Measurements], Measurements], left: int
) -> None:
    before = known(figures())
    events = [event for event in laboratory().figures(before) if event is not None]
    assert len(events) == left
    for event in events:
        before = before.with_event(event)
    assert before == figures()


def test_how_many_images() -> None:
    assert (noise_count(360), noise_count(10_000)) == (360, 2000)
    seen = 390 * 128
    assert landscape_count(seen, 10_000) == 499
    assert landscape_count(128, 10_000) == 100
    assert landscape_count(10**7, 10_000) == 500
    assert landscape_count(10**7, 60) == 60


def test_a_batch_of_a_large_network_is_small() -> None:
    data, most = digits(), (500, module.MULTIPLY_ADDS_A_BATCH, module.VALUES_A_BATCH)
    large = Recipe(data="digits-8x8", channels=(1024, 1024, 1024))
    cost = network(large, data.shape, len(data.classes)).multiply_adds
    for recipe, count in ((TINY, 500), (large, module.MULTIPLY_ADDS_A_BATCH // cost)):
        subject = restored(recipe, data, None, 0)
        assert at_once(subject, torch.from_numpy(data.train_images[:2]).float(), *most) == count
