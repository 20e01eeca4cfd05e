"""A run is what plain PyTorch makes of its recipe, and goes on bit for bit wherever it was left."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from convtui.training.datasets.minibatches import MiniBatches
from convtui.training.messages import decode, encode
from convtui.training.process.loop import Training, find, prepare
from convtui.training.protocol import Epoch, Finished, Snapshot, Stepped
from convtui.training.recipe import Recipe, RecipeError
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.schedule import schedule
from tests.support.small_runs import SMALL, STEPS, digits, made_up, trained
from tests.support.torch_layers import weight

KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "no batch norm": {"batch_norm": False},
    "constant": {"schedule": "constant"},
    "sgd": {"optimizer": "sgd"},
    "sgd, constant": {"optimizer": "sgd", "schedule": "constant", "batch_norm": False},
    "no momentum": {"optimizer": "sgd", "schedule": "constant", "momentum": 0.0},
}


def bits(training: Training) -> dict[str, bytes]:
    """The weights and everything that decides how they go on."""
    checkpoint = training.checkpoint()
    arrays = checkpoint.weights | checkpoint.optimizer | {"random": checkpoint.random_state}
    return {name: array.tobytes() for name, array in arrays.items()}


def plain(recipe: Recipe, steps: int) -> tuple[nn.Sequential, list[float]]:
    """The same run as anybody would write it, without any of the loop's own means."""
    norm = [nn.BatchNorm2d(n) if recipe.batch_norm else nn.Identity() for n in (*recipe.channels, 10)]
    torch.manual_seed(recipe.seed)
    first = [nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), norm[0], nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU(), norm[1]]
    model = nn.Sequential(*first, nn.Conv2d(8, 10, 3, 2, 1), norm[2], nn.Flatten())
    weights = [each for each in model.parameters() if each.dim() > 1]
    others = [each for each in model.parameters() if each.dim() == 1]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        options: dict[str, Any] = {"momentum": recipe.momentum, "foreach": False}
        optimizer: Any = torch.optim.SGD(groups, weight_decay=recipe.weight_decay, **options)
    else:
        options = {"betas": (recipe.momentum, recipe.beta2), "eps": recipe.eps, "foreach": False}
        optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, **options)
    losses = []
    batches = MiniBatches(digits(), recipe.seed, recipe.batch_size)
    for step, (lr, momentum) in enumerate(zip(*schedule(recipe, STEPS), strict=True)):
        if step == steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = float(lr)
            group.update({"betas": (momentum, recipe.beta2)} if "betas" in group else {"momentum": momentum})
        images, labels = map(torch.from_numpy, batches.after(step))
        loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


# -- the run


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_what_plain_pytorch_makes_of_it(kind: str) -> None:
    recipe = replace(SMALL, max_lr=0.01, **KINDS[kind])
    training = trained(recipe)
    steps = [training.train_step() for _ in range(6)]
    model, losses = plain(recipe, 6)
    np.testing.assert_allclose([step.loss for step in steps], losses, rtol=1e-4)
    ours = {name: each for name, each in training.model.named_parameters() if each.dim() > 1}
    theirs = [each for each in model.parameters() if each.dim() > 1]
    for mine, other in zip(ours.values(), theirs, strict=True):
        np.testing.assert_allclose(mine.detach(), other.detach(), atol=2e-3)


@pytest.mark.parametrize("kind", ["default", "constant", "sgd"])
def test_a_run_tells_the_rates_that_it_used(kind: str) -> None:
    recipe = replace(SMALL, **KINDS[kind])
    steps = [event for event in trained(recipe).events() if isinstance(event, Stepped)]
    lrs, momenta = schedule(recipe, STEPS)
    np.testing.assert_allclose([step.lr for step in steps], lrs, rtol=1e-9)
    np.testing.assert_allclose([step.momentum for step in steps], momenta, rtol=1e-9)
    assert [step.step for step in steps] == list(range(1, STEPS + 1))
    assert [step.epoch for step in steps] == [1] * 11 + [2] * 11


def test_a_peak_at_the_first_step() -> None:
    """PyTorch's OneCycleLR alone would divide by zero."""
    training = Training(Recipe(batch_size=3, epochs=1, pct_start=0.25), made_up((1, 8, 8)))
    steps = [event for event in training.events() if isinstance(event, Stepped)]
    assert [step.lr for step in steps] == pytest.approx(schedule(training.recipe, 4)[0])
    assert steps[0].lr == training.recipe.max_lr


def share_right(training: Training, places: np.ndarray) -> float:
    """Of these training images, by plain PyTorch; the model is in evaluation mode."""
    data = digits()
    with torch.no_grad():
        outputs = training.model((torch.tensor(data.train_images[places]).float() - data.mean) / data.std)
    return float((outputs.argmax(1) == torch.tensor(data.train_labels[places])).float().mean())


def test_an_epoch_is_measured_in_evaluation_mode() -> None:
    training = trained()
    events = list(training.events())
    losses = [event.loss for event in events if isinstance(event, Stepped)]
    first, last = (event for event in events if isinstance(event, Epoch))
    assert (first.epoch, first.step, last.epoch, last.step) == (1, 11, 2, 22)
    assert [first.train_loss, last.train_loss] == pytest.approx([np.mean(losses[:11]), np.mean(losses[11:])])
    data = digits()
    training.model.eval()
    with torch.no_grad():
        outputs = training.model((torch.tensor(data.test_images).float() - data.mean) / data.std)
    labels = torch.tensor(data.test_labels)
    assert last.validation_loss == pytest.approx(cross_entropy(outputs, labels).item(), rel=1e-5)
    assert last.accuracy == pytest.approx((outputs.argmax(1) == labels).float().mean().item())
    assert last.train_accuracy == pytest.approx(share_right(training, np.linspace(0, 1436, 360).astype(int)))
    assert events[-1] == Finished(22, last.validation_loss, last.accuracy, training.seconds)


def test_only_weights_of_two_dimensions_and_more_decay() -> None:
    """With no gradient, what decays is multiplied by 1 - lr * decay and the rest stays."""
    training = trained(replace(SMALL, schedule="constant", max_lr=0.1, weight_decay=0.5))
    before = {name: each.detach().clone() for name, each in training.model.named_parameters()}
    for parameter in training.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    training._optimizer.step()
    for name, after in training.model.named_parameters():
        factor = 1 - 0.1 * 0.5 if after.dim() >= 2 else 1
        torch.testing.assert_close(after.detach(), factor * before[name])


def test_a_run_that_diverges_is_told_to_its_end() -> None:
    recipe = replace(SMALL, optimizer="sgd", batch_norm=False, schedule="constant", max_lr=1000.0)
    events = list(trained(recipe).events())
    assert any(isinstance(event, Stepped) and not math.isfinite(event.loss) for event in events)
    assert isinstance(events[-1], Finished)
    assert [repr(decode(encode(event))) for event in events] == list(map(repr, events))
    last = [event for event in events if isinstance(event, Snapshot)][-1]
    assert math.isnan(last.statistics[0].mean)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_recipe_gives_the_same_bits(threads: int) -> None:
    recipe = replace(SMALL, threads=threads)
    assert bits(trained(recipe, STEPS)) == bits(trained(recipe, STEPS))
    assert bits(trained(recipe, STEPS)) != bits(trained(replace(recipe, seed=1), STEPS))


def test_to_look_changes_nothing() -> None:
    looked_at, bare = trained(), trained(capture=False)
    told = Counter(type(event) for event in bare.events())
    for _ in looked_at.events():
        looked_at.snapshot()
    assert bits(looked_at) == bits(bare)
    assert told == {Stepped: STEPS, Epoch: 2, Finished: 1}


# -- going on


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [0, 1, 10, 11, 12, 21, 22])
def test_a_run_goes_on_bit_for_bit(kind: str, step: int) -> None:
    recipe = replace(SMALL, **KINDS[kind])
    whole, left = trained(recipe), trained(recipe, step)
    last = list(whole.events())[-1]
    kept = Checkpoint.from_bytes(left.checkpoint().to_bytes())
    torch.manual_seed(5)  # another process has another random state
    further = trained(recipe, checkpoint=kept)
    assert further.step == step
    *_, last_further = further.events()
    assert bits(further) == bits(whole)
    assert isinstance(last, Finished)
    assert isinstance(last_further, Finished)
    assert (last.accuracy, last.validation_loss) == (last_further.accuracy, last_further.validation_loss)


def test_every_event_is_told_once_however_often_a_run_is_left() -> None:
    whole = [event for event in trained().events() if isinstance(event, Stepped | Epoch | Finished)]
    told: list[Any] = []
    checkpoint = None
    for _ in whole:
        training = trained(checkpoint=checkpoint)
        for event in training.events():
            if isinstance(event, Snapshot):
                continue
            told.append(event)
            break
        checkpoint = training.checkpoint()
    assert [(type(each), each.step) for each in told] == [(type(each), each.step) for each in whole]
    losses = [each.train_loss for each in told if isinstance(each, Epoch)]
    assert losses == [each.train_loss for each in whole if isinstance(each, Epoch)]


@pytest.mark.parametrize("kind", ["default", "constant", "sgd"])
def test_another_rate_scales_what_remains(kind: str) -> None:
    recipe = replace(SMALL, **KINDS[kind])
    training = trained(recipe, 5)
    training.set_max_lr(recipe.max_lr / 4)
    checkpoint = training.checkpoint()
    rest = [event.lr for event in training.events() if isinstance(event, Stepped)]
    np.testing.assert_allclose(rest, schedule(recipe, STEPS)[0][5:] / 4, rtol=1e-9)
    again = trained(recipe, checkpoint=checkpoint)
    assert [event.lr for event in again.events() if isinstance(event, Stepped)] == rest
    assert bits(again) == bits(training)


def test_a_rate_that_cannot_be_is_refused_and_changes_nothing() -> None:
    training = trained(SMALL, 3)
    before = training.checkpoint().about
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(RecipeError, match="a number from 1e-12 to 1000"):
            training.set_max_lr(rate)
    assert training.checkpoint().about == before


def test_a_checkpoint_stays_as_it_is() -> None:
    training = trained(SMALL, 3)
    checkpoint = training.checkpoint()
    kept = checkpoint.to_bytes()
    for _ in range(3):
        training.train_step()
    assert checkpoint.to_bytes() == kept


# -- what is shown


def test_pictures_of_the_first_and_the_last_step() -> None:
    steps = [event.step for event in trained().events() if isinstance(event, Snapshot)]
    assert steps[0] == 1
    assert steps[-1] == STEPS
    assert all(step % 4 == 0 for step in steps[1:-1])


@pytest.mark.parametrize("batch_norm", [True, False])
def test_statistics_are_those_of_the_step_s_forward_pass(batch_norm: bool) -> None:
    recipe = replace(SMALL, batch_norm=batch_norm)
    before = trained(recipe, 7)
    training = trained(recipe, checkpoint=before.checkpoint())
    training.train_step()
    snapshot = training.snapshot()
    images, _ = MiniBatches(digits(), recipe.seed, recipe.batch_size).after(7)
    outputs, measured = torch.from_numpy(images), []
    for number, module in enumerate(before.model, 1):
        outputs = module(outputs)
        is_last = number == len(before.model) - 1 - batch_norm
        if isinstance(module, nn.ReLU) or is_last:
            measured.append((number, outputs.detach(), is_last))
    assert [each.layer for each in snapshot.statistics] == [number for number, _, _ in measured]
    for told, (_, values, is_last) in zip(snapshot.statistics, measured, strict=True):
        low, high = (-20, 20) if is_last else (0, 10)
        assert told.mean == pytest.approx(values.mean().item(), rel=1e-4, abs=1e-6)
        assert told.std == pytest.approx(values.std().item(), rel=1e-4)
        assert told.near_zero == pytest.approx((values.abs() <= 0.05).float().mean().item(), abs=1e-3)
        counts = torch.histc(values[:16].clamp(low, high), 40, low, high)
        assert np.abs(np.array(told.counts) - counts.numpy()).sum() <= 2  # a value between two bins
        assert sum(told.counts) == values[:16].numel()
        assert (told.low, told.high) == (low, high)
    convolutions = [module for module in training.model if isinstance(module, nn.Conv2d)]
    norms = [module.weight.norm().item() for module in convolutions]
    assert [told.weight_norm for told in snapshot.statistics] == pytest.approx(norms, rel=1e-5)
    assert training.snapshot() == snapshot  # the predictions passed through the network in between


def test_kernels_and_predictions_are_those_of_the_network_now() -> None:
    training = trained(SMALL, 9)
    snapshot = training.snapshot()
    np.testing.assert_allclose(snapshot.kernels, weight(training.model[0]), rtol=1e-4)
    assert len({each.image for each in snapshot.predictions}) == 16
    data = digits()
    training.model.eval()
    for told in snapshot.predictions:
        image = (torch.tensor(data.test_images[told.image]).float() - data.mean) / data.std
        probabilities = training.model(image[None]).softmax(1)[0]
        assert told.label == data.test_labels[told.image]
        assert told.predicted == probabilities.argmax()
        assert told.probability == pytest.approx(probabilities.max().item(), rel=1e-4)
    images = [each.image for each in trained(replace(SMALL, seed=9)).snapshot().predictions]
    assert images == [each.image for each in snapshot.predictions]


def test_before_the_first_step_there_are_no_activations() -> None:
    snapshot = trained().snapshot()
    assert (snapshot.step, snapshot.statistics) == (0, ())
    assert len(snapshot.kernels) == 4


# -- one weight


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_of_a_weight_are_the_optimiser_s(kind: str) -> None:
    """Each step's update from its gradient and the buffers before it, by the formulas of PyTorch's pages."""
    recipe = replace(SMALL, weight_decay=0.1, **KINDS[kind])
    training = trained(recipe)
    buffer = squares = 0.0
    after = None
    for event in training.events():
        if not isinstance(event, Stepped):
            continue
        watched, lr, momentum = event.watched, event.lr, event.momentum
        assert watched
        assert (watched.layer, watched.index) == (1, (0, 0, 1, 1))
        assert after is None or watched.before == after
        gradient, after = watched.gradient, watched.after
        assert watched.before + watched.update == after
        assert watched.decay == pytest.approx(-lr * 0.1 * watched.before)
        if recipe.optimizer == "sgd":
            buffer = momentum * buffer + gradient + 0.1 * watched.before
            update = -lr * buffer
            assert watched.squares is None
        else:
            buffer = momentum * buffer + (1 - momentum) * gradient
            squares = recipe.beta2 * squares + (1 - recipe.beta2) * gradient**2
            # PyTorch corrects by the present beta1, also where one-cycle changes it from step to step
            root = math.sqrt(squares / (1 - recipe.beta2**event.step)) + recipe.eps
            update = watched.decay - lr * buffer / (1 - momentum**event.step) / root
            assert watched.squares == pytest.approx(squares, rel=1e-4)
            squares = watched.squares or 0.0
        assert watched.buffer == pytest.approx(buffer, rel=1e-4, abs=1e-9)
        assert watched.update == pytest.approx(update, rel=1e-3, abs=1e-7)
        buffer = watched.buffer


def test_another_weight_is_watched() -> None:
    training = trained(SMALL, 2)
    training.watch(4, (7, 3, 0, 2))
    before = weight(training.model[3])[7, 3, 0, 2].item()
    watched = training.train_step().watched
    assert watched
    assert (watched.layer, watched.index, watched.before) == (4, (7, 3, 0, 2), before)


@pytest.mark.parametrize(
    ("layer", "index", "told"),
    [
        (2, (0, 0, 0, 0), "layer 2: must be a convolution, 1, 4, 7"),
        (0, (0, 0, 0, 0), "layer 0: must be a convolution, 1, 4, 7"),
        (1, (4, 0, 0, 0), r"weight \[4, 0, 0, 0\] of layer 1: must lie within \[4, 1, 3, 3\]"),
        (1, (0, 0, 0, -1), r"weight \[0, 0, 0, -1\] of layer 1: must lie within \[4, 1, 3, 3\]"),
    ],
)
def test_a_weight_that_there_is_not(layer: int, index: Any, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}$"):
        trained().watch(layer, index)


# -- data that does not fit


def test_too_few_images_for_a_mini_batch() -> None:
    with pytest.raises(RecipeError) as caught:
        Training(Recipe(batch_size=13), made_up((1, 8, 8)))
    assert str(caught.value) == "batch_size 13: must be at most 12, the number of training images"
    assert Training(Recipe(batch_size=12), made_up((1, 8, 8))).total_steps == 5


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("part", ["train_labels", "test_labels"])
def test_a_label_without_a_class(label: int, part: str) -> None:
    labels = np.array([0, 1, 2, label] * 3)
    data = replace(made_up((1, 8, 8)), **{part: labels})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^label {label}: must be 0 to 2, one of the classes$"):
        Training(Recipe(batch_size=4), data)


def test_preparing_leaves_the_random_state() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    prepare()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_finder_tries_a_fresh_network() -> None:
    first, again = list(find(SMALL, digits())), list(find(replace(SMALL, max_lr=1e-5), digits()))
    assert first == again
