"""What is found out about filters, beside plain PyTorch that is written independently."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convtui.training.architecture import network
from convtui.training.datasets.open_any import DataSet, fingerprint, load
from convtui.training.exploring import Ablate, Explain, Explore, Explored
from convtui.training.messages import Message
from convtui.training.process.features import look_into, patch_size
from convtui.training.process.looked_into import activation_of, looked_into
from convtui.training.process.loop import Training
from convtui.training.process.network import model_of
from convtui.training.recipe import Recipe
from convtui.training.runs import explored
from convtui.training.runs.explored import INITIAL, Ablation, Explanation, Patches
from convtui.training.runs.store import Run, new_run
from tests.support.kept_runs import SMALL, kept_run

MEASURED = {1: 2, 4: 5, 7: 7}  # SMALL's convolutions, and the layers of their activations

Kept = tuple[Run, DataSet]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        return kept_run(SMALL)[0], load(SMALL.data)


def plain_model(run: Run, data: DataSet) -> nn.Sequential:
    """The network as PyTorch's own state_dict makes it."""
    model = model_of(run.recipe, data)
    weights = run.latest_checkpoint().weights
    model.load_state_dict({name: torch.tensor(each) for name, each in weights.items()})
    return model.eval()


def plain_images(data: DataSet) -> Tensor:
    """All validation images, as the network sees them."""
    return (torch.tensor(data.test_images).float() - data.mean) / data.std


def told(kept: Kept, job: Any) -> list[Message]:
    return [event for event in look_into(*kept, job) if event is not None]


def found(kept: Kept, job: Any) -> Any:
    state: Any = None
    for event in told(kept, job):
        state = explored.taken(state, event)
    return state


# -- what excites filters


def test_the_nine_patches_are_those_of_brute_force(kept: Kept) -> None:
    run, data = kept
    patches = found(kept, Explore(str(run.path)))
    assert isinstance(patches, Patches)
    assert [(each.layer, each.measured) for each in patches.layers] == list(MEASURED.items())
    assert patches.images == patches.total == patches.validation == len(data.test_images)
    model, images = plain_model(run, data), plain_images(data)
    with torch.no_grad():
        for layer in patches.layers:
            maps = model[: layer.measured](images)
            for each in range(maps.shape[1]):
                best: list[tuple[float, int, int, int]] = []
                for number, plane in enumerate(maps[:, each]):
                    row, column = divmod(int(plane.argmax()), plane.shape[1])
                    best.append((float(plane[row, column]), number, row, column))
                best.sort(key=lambda place: (-place[0], place[1]))
                wanted = [place for place in best[:9] if layer.measured == 7 or place[0] > 0]
                count = len(wanted)
                assert np.allclose(layer.values[each, :count], [place[0] for place in wanted], rtol=1e-4)
                got = {*zip(layer.images[each], layer.rows[each], layer.columns[each], strict=True)}
                assert len({image for image, _, _ in got - {(-1, -1, -1)}}) == count
                assert np.isnan(layer.values[each, count:]).all()
                for at in range(count):  # the value is really there, also where others are nearly as high
                    image, row, column = (
                        int(of[each, at]) for of in (layer.images, layer.rows, layer.columns)
                    )
                    assert float(maps[image, each, row, column]) == pytest.approx(
                        layer.values[each, at], rel=1e-4
                    )
            assert np.allclose(layer.means, maps.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
            positive = (maps.amax((2, 3)) > 0).float().mean(0)
            assert np.allclose(layer.shares, positive)


def test_a_dead_filter_has_no_patches(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = kept
    checkpoint = run.latest_checkpoint()
    checkpoint.weights["0.bias"][2] = -1e6
    monkeypatch.setattr(Run, "latest_checkpoint", lambda _: replace(checkpoint, digest="dead"))
    layer = found(kept, Explore(str(run.path))).of(1)
    assert layer.dead == {2}
    assert (layer.images[2] == -1).all()
    assert layer.means[2] == 0
    assert (layer.images[0] >= 0).all()
    assert found((run, data), Explore(str(run.path))).of(2) is None


def test_the_field_of_an_activation_is_where_the_pixels_count(kept: Kept) -> None:
    run, data = kept
    model = plain_model(run, data)
    rows = network(run.recipe, data.shape, len(data.classes)).rows
    for layer, measured in MEASURED.items():
        image = torch.zeros(1, *data.shape, requires_grad=True)
        modules = list(model)[: layer if layer == measured else measured - 1]  # no ReLU, which hides pixels
        maps: Tensor = nn.Sequential(*modules)(image)
        row, column = maps.shape[2] - 1, 0
        (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), image)
        down, across = np.nonzero(gradient[0].abs().sum(0).numpy())
        (top, bottom), (left, right) = rows[layer].field.clipped(row, column, data.shape[1:])
        assert top <= down.min()
        assert down.max() <= bottom
        assert left <= across.min()
        assert across.max() <= right
        assert (top >= 0, left >= 0) == (True, True)
        assert bottom < data.shape[1]


def test_step_0_is_what_the_run_began_with(kept: Kept) -> None:
    run, data = kept
    assert run.checkpoint_after(0) is None
    net = looked_into(run, data, 0)
    fresh = Training(run.recipe, data)
    assert (net.step, net.digest) == (0, INITIAL)
    began = fresh.model.state_dict()
    for name, tensor in net.subject.model.state_dict().items():
        assert torch.equal(tensor, began[name])
    patches = found(kept, Explore(str(run.path), 0))
    assert (patches.step, patches.digest) == (0, INITIAL)
    last = found(kept, Explore(str(run.path)))
    assert not np.array_equal(patches.of(1).values, last.of(1).values)
    kept_patches = explored.patches(run.path, INITIAL)
    assert kept_patches is not None
    assert np.array_equal(kept_patches.layers[0].values, patches.of(1).values)


def test_a_kept_step_0_is_the_same_as_a_drawn_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    data = load(SMALL.data)
    run = new_run(SMALL, fingerprint(data))
    drawn = looked_into(run, data, 0).subject.model.state_dict()
    with run.locked():
        run.keep_moment(Training(SMALL, data).checkpoint())
    net = looked_into(run, data, 0)
    assert net.digest != INITIAL
    for name, tensor in net.subject.model.state_dict().items():
        assert torch.equal(tensor, drawn[name])


@pytest.mark.parametrize(
    ("after", "number"),
    [
        ([nn.ReLU(), nn.BatchNorm2d(1)], 2),
        ([nn.BatchNorm2d(1), nn.ReLU()], 3),
        ([nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1), nn.ReLU()], 1),
        ([nn.BatchNorm2d(1), nn.Flatten()], 1),
    ],
)
def test_the_layer_that_is_the_activation(after: list[nn.Module], number: int) -> None:
    assert activation_of(nn.Sequential(nn.Conv2d(1, 1, 1), *after), 1) == number


# -- what filters are worth


@pytest.mark.parametrize("layer", MEASURED)
def test_a_hidden_filter_is_a_channel_set_to_zero_by_a_hook(kept: Kept, layer: int) -> None:
    run, data = kept
    ablation = found(kept, Ablate(str(run.path), None, layer))
    assert isinstance(ablation, Ablation)
    assert ablation.accuracy is not None
    assert ablation.accuracies is not None
    model, images, labels = plain_model(run, data), plain_images(data), torch.tensor(data.test_labels)

    def hidden(filter_: int) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        def hook(_: nn.Module, __: Any, output: Tensor) -> Tensor:
            mask = torch.ones(output.shape[1])
            mask[filter_] = 0
            return output * mask[:, None, None]

        return hook

    def accuracy() -> float:
        with torch.no_grad():
            return float((model(images).argmax(1) == labels).float().mean())

    near = pytest.approx
    assert ablation.accuracy == near(accuracy(), abs=1.5 / len(labels))
    for each in range(len(ablation.without)):
        handle = model[MEASURED[layer] - 1].register_forward_hook(hidden(each))
        assert ablation.accuracies[each] == near(accuracy(), abs=1.5 / len(labels))
        handle.remove()
    assert len({*ablation.without.tolist()}) > 1


# -- what a class depends on


def test_gradient_and_occlusion_are_those_of_brute_force(kept: Kept) -> None:
    run, data = kept
    explanation = found(kept, Explain(str(run.path), None, 3, image=17))
    assert isinstance(explanation, Explanation)
    model = plain_model(run, data)
    image = plain_images(data)[17:18].clone().requires_grad_()
    logits = model(image)
    logits[0, 3].backward()
    assert image.grad is not None
    assert np.allclose(explanation.logits, logits[0].detach(), rtol=1e-4, atol=1e-5)
    assert np.allclose(explanation.probabilities, logits[0].detach().softmax(0), atol=1e-5)
    assert np.allclose(explanation.gradient, image.grad[0], rtol=1e-3, atol=1e-5)
    assert np.allclose(explanation.saliency, image.grad[0].abs().amax(0), rtol=1e-3, atol=1e-5)
    assert (explanation.patch, explanation.stride, explanation.occlusion.shape) == (3, 1, (8, 8))
    with torch.no_grad():
        for row in range(8):
            for column in range(8):
                covered = image.detach().clone()
                for y in range(row - 1, row + 2):
                    for x in range(column - 1, column + 2):
                        if 0 <= y < 8 and 0 <= x < 8:
                            covered[0, :, y, x] = 0
                probability = float(model(covered).softmax(1)[0, 3])
                assert explanation.occlusion[row, column] == pytest.approx(probability, abs=1e-5)


def test_an_image_of_ones_own_of_another_size(kept: Kept, tmp_path: Path) -> None:
    run, data = kept
    pixels = np.random.default_rng(0).standard_normal((1, 70, 40)).astype(np.float32)
    np.save(tmp_path / "mine.npy", pixels)
    explanation = found(kept, Explain(str(run.path), None, 0, pixels=str(tmp_path / "mine.npy")))
    assert (explanation.patch, explanation.stride) == (patch_size(70, 40), 3)
    assert explanation.occlusion.shape == (24, 14)
    model = model_of(run.recipe, data, (1, 70, 40))
    model.load_state_dict(plain_model(run, data).state_dict())
    model.eval()
    with torch.no_grad():
        covered = pixels.copy()
        half = explanation.patch // 2
        covered[:, 30 - half : 30 + half + 1, : half + 1] = 0
        probability = float(model(torch.tensor(covered)[None]).softmax(1)[0, 0])
    assert explanation.occlusion[10, 0] == pytest.approx(probability, abs=1e-5)
    again = explored.explanation(run.path, explanation.digest, pixels, 0)
    assert again is not None
    assert np.array_equal(again.occlusion, explanation.occlusion)


@pytest.mark.parametrize(
    ("side", "patch"), [(1, 3), (8, 3), (18, 3), (28, 5), (64, 11), (224, 37), (512, 85)]
)
def test_the_covering_square_is_odd(side: int, patch: int) -> None:
    assert patch_size(side, side + 5) == patch


# -- kept


@pytest.mark.parametrize(
    "make",
    [
        lambda run: Explore(run),
        lambda run: Ablate(run, None, 4),
        lambda run: Explain(run, None, 1, image=2),
    ],
)
def test_what_is_known_is_not_computed_again_and_an_interrupted_job_goes_on(
    kept: Kept, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = kept
    monkeypatch.setattr("convtui.training.process.looked_into.PART_IMAGES", 50)
    for file in (run.path / "features").glob("*"):
        file.unlink()
    job = make(str(run.path))
    whole = told(kept, job)
    (file,) = (run.path / "features").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(whole) - 1 > 3
    file.write_bytes(b"".join(lines[:3]) + lines[3][:10])  # killed while a line was written
    forwards: list[int] = []
    count = nn.Conv2d.forward

    def counted(self: nn.Conv2d, images: Tensor) -> Tensor:
        forwards.append(len(images))
        return count(self, images)

    monkeypatch.setattr(nn.Conv2d, "forward", counted)
    again = told(kept, job)
    assert again[:-1] == whole[:-1]
    assert file.read_bytes() == b"".join(lines)
    resumed = sum(forwards)
    forwards.clear()
    assert told(kept, job)[:-1] == whole[:-1]
    assert sum(forwards) <= 3  # the gradient alone is computed with the header
    assert resumed > sum(forwards)
    assert isinstance(again[-1], Explored)


# -- refused


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Ablate("", None, 2), "layer 2: must be a convolution, 1, 4, 7"),
        (Explore("", 3), "its weights after step 3 are not kept"),
        (Explain("", None, 10, image=0), "class 10: must be 0 to 9"),
        (Explain("", None, 0, image=360), "image 360: must be 0 to 359"),
    ],
)
def test_what_there_is_not_is_refused_in_a_line(kept: Kept, job: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        told(kept, job)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((2, 8, 8), np.float32), r"has the shape \[2, 8, 8\]; must have 1 channels"),
        (np.zeros((8, 8), np.float32), r"must hold floating-point pixels \[channels, rows, columns\]"),
        (np.zeros((1, 8, 8), np.int64), "must hold floating-point pixels"),
        (np.full((1, 8, 8), np.inf), "has pixels that are not finite"),
    ],
)
def test_pixels_that_are_none(kept: Kept, tmp_path: Path, pixels: np.ndarray, words: str) -> None:
    np.save(tmp_path / "odd.npy", pixels)
    with pytest.raises(ValueError, match=f"odd\\.npy: {words}"):
        told(kept, Explain(str(kept[0].path), None, 0, pixels=str(tmp_path / "odd.npy")))
    (tmp_path / "odd.npy").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=r"is not a \.npy file"):
        told(kept, Explain(str(kept[0].path), None, 0, pixels=str(tmp_path / "odd.npy")))


def test_a_diverged_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    recipe = Recipe(data="digits-8x8", channels=(4,), epochs=1, batch_norm=False, optimizer="sgd", max_lr=1e3)
    run, _ = kept_run(recipe)
    with pytest.raises(ValueError, match="it has diverged, its weights after step"):
        told((run, load(recipe.data)), Explore(str(run.path)))
