"""What is found out about the filters of a network of the user's, beside plain PyTorch with hooks."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from convtui.training.datasets.open_any import DataSet, fingerprint, load
from convtui.training.exploring import Ablate, Convolve, Explain, Explore, Follow, Followed
from convtui.training.own_network import OwnNetwork
from convtui.training.process.features import look_into
from convtui.training.process.looked_into import looked_into
from convtui.training.process.loop import Training
from convtui.training.process.own_passes import OwnPasses
from convtui.training.recipe import Recipe
from convtui.training.runs import explored
from convtui.training.runs.convolved import Output
from convtui.training.runs.explored import Ablation, Explanation, Patches
from convtui.training.runs.store import Run, new_run

FILE = Path(__file__).parents[2] / "support" / "featured_networks.py"


class Kept:
    """A run of one of the networks, and the network with its weights as PyTorch alone makes it."""

    def __init__(self, name: str, code: Path) -> None:
        self.own = OwnNetwork(f"{code}:{name}")
        recipe = Recipe(data="digits-8x8", batch_size=256, epochs=2, max_lr=0.03, network=self.own)
        self.data: DataSet = load(recipe.data)
        training = Training(recipe, self.data, capture=False)
        self.run: Run = new_run(training.recipe, fingerprint(self.data))
        with self.run.locked():
            self.run.save(training.checkpoint())
            for _ in training.events():
                pass
            self.run.save(training.checkpoint())
        assert training.recipe.network
        self.own = training.recipe.network
        spec = importlib.util.spec_from_file_location("plain_networks", FILE)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.model: Any = getattr(module, name)()
        weights = self.run.latest_checkpoint().weights
        self.model.load_state_dict({name: torch.tensor(each) for name, each in weights.items()})
        self.model.eval()
        self.images = (torch.tensor(self.data.test_images).float() - self.data.mean) / self.data.std
        self.labels = torch.tensor(self.data.test_labels)

    def found(self, job: Any) -> Any:
        state: Any = None
        for event in look_into(self.run, self.data, job, self.own):
            if event is not None:
                state = explored.taken(state, event)
        return state


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield Path(shutil.copy(FILE, tmp_path_factory.mktemp("code") / "net.py"))


@pytest.fixture(scope="module")
def plain(code: Path) -> Kept:
    return Kept("Plain", code)


@pytest.fixture(scope="module")
def residual(code: Path) -> Kept:
    return Kept("Residual", code)


def activations(model: Any, images: Tensor) -> list[Tensor]:
    """Those of Plain, layer by layer."""
    first = model.body[:3](images.clone())
    second = F.relu(F.max_pool2d(model.body[3](first), 2))
    return [first, second, model.last(second)]


def test_the_convolutions_and_their_activations_are_named(plain: Kept, residual: Kept) -> None:
    followed: Followed = plain.found(Follow(str(plain.run.path))).told
    told = [(each.number, each.path, each.weight, each.shape, each.maps) for each in followed.convolutions]
    assert told == [
        (1, "body.0", "body.0.weight", (6, 1, 3, 3), (8, 8)),
        (2, "body.3", "body.3.weight", (8, 6, 3, 3), (8, 8)),
        (3, "last", "last.weight", (10, 8, 3, 3), (2, 2)),
    ]
    first, second, last = (each.activation for each in followed.convolutions)
    assert first == "relu (body.2, net.py:26)"
    assert second == "relu (net.py:26)"
    assert last == ""
    followed = residual.found(Follow(str(residual.run.path))).told
    kinds = [(each.path, each.weight, each.activation.partition(" ")[0]) for each in followed.convolutions]
    assert kinds == [
        ("stem", "stem.weight", "relu"),
        ("one", "one.weight", "silu"),
        ("two", "", "batch_norm"),
        ("three", "three.weight", "relu"),
        ("", "own", "relu"),
    ]
    assert followed.left_out == ()
    kept = explored.convolutions(residual.run.path, followed.digest)
    assert kept is not None
    assert kept.told == followed


def test_the_strongest_places_are_those_of_brute_force(plain: Kept) -> None:
    patches: Patches = plain.found(Explore(str(plain.run.path)))
    assert patches.images == patches.total == len(plain.images)
    with torch.no_grad():
        every = activations(plain.model, plain.images)
    for layer, maps in zip(patches.layers, every, strict=True):
        strongest = maps.amax((2, 3))
        for each in range(maps.shape[1]):
            wanted = strongest[:, each].sort(descending=True).values[:9]
            wanted = wanted[wanted > 0] if layer.layer < 3 else wanted
            assert np.allclose(layer.values[each, : len(wanted)], wanted, rtol=1e-4)
            for image, row, column, value in zip(
                *(of[each] for of in (layer.images, layer.rows, layer.columns, layer.values)), strict=True
            ):
                if image >= 0:
                    assert float(maps[image, each, row, column]) == pytest.approx(value, rel=1e-4, abs=1e-6)
        assert np.allclose(layer.means, maps.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
        assert np.allclose(layer.shares, (strongest > 0).float().mean(0))


def test_what_an_activation_sees_is_where_the_pixels_count(plain: Kept) -> None:
    followed: Followed = plain.found(Follow(str(plain.run.path))).told
    for at, named in enumerate(followed.convolutions):
        image = torch.randn(1, 1, 8, 8, requires_grad=True)
        maps = activations(plain.model, image)[at]
        assert (len(named.rows), len(named.columns)) == tuple(maps.shape[2:])
        for row, column in ((0, 0), (maps.shape[2] - 1, 1)):
            (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), image, retain_graph=True)
            down, across = np.nonzero(gradient[0, 0].numpy())
            (top, bottom), (left, right) = named.rows[row], named.columns[column]
            assert top <= down.min()
            assert down.max() <= bottom
            assert left <= across.min()
            assert across.max() <= right
    assert followed.convolutions[0].rows[:2] == ((0, 1), (0, 2))
    assert followed.convolutions[1].rows[1] == (0, 5)


def accuracy(kept: Kept, images: Tensor) -> float:
    with torch.no_grad():
        return float((kept.model(images.clone()).argmax(1) == kept.labels).float().mean())


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_hidden_filter_is_a_channel_set_to_zero(plain: Kept, layer: int) -> None:
    """By a hook on the convolution where there is none on what follows: a ReLU and a maximum of 0 are 0."""
    ablation: Ablation = plain.found(Ablate(str(plain.run.path), None, layer))
    assert ablation.accuracies is not None
    near = 1.5 / len(plain.labels)
    assert ablation.accuracy == pytest.approx(accuracy(plain, plain.images), abs=near)
    module = (plain.model.body[2], plain.model.body[3], plain.model.last)[layer - 1]
    for each, measured in enumerate(ablation.accuracies):
        handle = module.register_forward_hook(zeroing(each))
        assert measured == pytest.approx(accuracy(plain, plain.images), abs=near)
        handle.remove()
    assert len({*ablation.without.tolist()}) > 1


def zeroing(filter: int) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        mask = torch.ones(output.shape[1])
        mask[filter] = 0
        return output * mask[:, None, None]

    return hook


@pytest.mark.parametrize(("layer", "path"), [(2, "one"), (3, "norm"), (4, "three")])
def test_hidden_where_tensors_are_written_into_and_dropout_is_on(
    residual: Kept, layer: int, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SiLU and ReLU of 0 are 0, so that a hook before them hides the filter, too."""
    monkeypatch.setattr(
        "convtui.training.process.looked_into.PART_IMAGES", 1000
    )  # as a pass draws by its images
    ablation: Ablation = residual.found(Ablate(str(residual.run.path), None, layer))
    assert ablation.accuracies is not None
    near = 1.5 / len(residual.labels)

    def seeded() -> float:
        torch.manual_seed(residual.run.recipe.seed)
        return accuracy(residual, residual.images)

    assert ablation.accuracy == pytest.approx(seeded(), abs=near)
    for each, measured in enumerate(ablation.accuracies):
        handle = residual.model.get_submodule(path).register_forward_hook(zeroing(each))
        assert measured == pytest.approx(seeded(), abs=near)
        handle.remove()


def test_a_pass_that_goes_on_draws_as_a_whole_one_does(code: Path) -> None:
    kept = Kept("Drawing", code)
    passes = looked_into(kept.run, kept.data, None, own=kept.own).passes
    images = kept.images[:5]
    assert isinstance(passes, OwnPasses)
    whole = passes.logits(images.clone())
    each_hidden = passes.without_each(images.clone(), 1)
    assert torch.equal(next(each_hidden), whole)
    with Counting() as counting:
        hidden = [*each_hidden]
    assert counting.count == len(hidden) == 4  # the last convolution alone
    for each, logits in enumerate(hidden):
        assert torch.equal(logits, passes._hidden(images.clone(), 1, each))


class Counting(TorchDispatchMode):
    """How many convolutions are computed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        self.count += func is torch.ops.aten.convolution.default
        return func(*args, **(kwargs or {}))


def test_a_pass_goes_on_from_the_activation_where_it_can(plain: Kept, residual: Kept) -> None:
    """Convolutions before it are computed once, unless what they gave is written into after it."""

    def computed(kept: Kept, layer: int) -> tuple[int, int]:
        """How many convolutions while its filters are hidden, and how many those are."""
        passes = looked_into(kept.run, kept.data, None, own=kept.own).passes
        each = passes.without_each(kept.images[:5].clone(), layer)
        next(each)
        with Counting() as counting:
            logits = [*each]
        return counting.count, len(logits)

    assert computed(plain, 3) == (0, 10)
    assert computed(plain, 2) == (8, 8)  # the last one alone
    assert computed(plain, 1) == (12, 6)
    assert computed(residual, 5) == (0, 5)
    assert computed(residual, 4) == (5 * 6, 6)  # as a whole


def test_gradient_and_occlusion_are_those_of_brute_force(plain: Kept) -> None:
    explanation: Explanation = plain.found(Explain(str(plain.run.path), None, 3, image=17))
    image = plain.images[17:18].clone().requires_grad_()
    logits = plain.model(image.clone())
    logits[0, 3].backward()
    assert image.grad is not None
    assert np.allclose(explanation.logits, logits[0].detach(), rtol=1e-4, atol=1e-5)
    assert np.allclose(explanation.gradient, image.grad[0], rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        for row, column in ((0, 0), (3, 5), (7, 7)):
            covered = image.detach().clone()
            covered[0, :, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = 0
            probability = float(plain.model(covered).softmax(1)[0, 3])
            assert explanation.occlusion[row, column] == pytest.approx(probability, abs=1e-5)


def test_the_output_of_a_convolution_for_an_image(plain: Kept, residual: Kept, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", plain.images[3].numpy())
    output: Output = plain.found(Convolve(str(plain.run.path), None, 2, str(tmp_path / "one.npy")))
    with torch.no_grad():
        wanted = plain.model.body(plain.images[3:4].clone())[0]
        logits = plain.model(plain.images[3:4].clone())[0]
    assert np.allclose(output.maps, wanted, rtol=1e-4, atol=1e-5)
    assert np.allclose(output.logits, logits, rtol=1e-4, atol=1e-5)
    assert output.weight is None  # the checkpoint has it
    again = explored.output(plain.run.path, output.digest, plain.images[3].numpy(), 2)
    assert again is not None
    assert np.array_equal(again.maps, output.maps)
    output = residual.found(Convolve(str(residual.run.path), None, 3, str(tmp_path / "one.npy")))
    assert output.weight is not None
    assert np.allclose(output.weight, residual.model.two.weight.detach(), rtol=1e-6)


def test_what_has_no_pictures_is_told_with_the_reason(code: Path) -> None:
    odd = Kept("Odd", code)
    followed: Followed = odd.found(Follow(str(odd.run.path))).told
    assert [(each.path, each.activation.partition(" ")[0]) for each in followed.convolutions] == [
        ("first", "sigmoid")
    ]
    why = {each.path: each.why for each in followed.left_out}
    assert why["twice"] == "its filters are used 2 times in a pass, so that each has 2 outputs"
    assert why["row"].startswith("it slides along one axis")
    assert why["up"].startswith("it lays its kernels on the output")
    assert why["unused"] == "it is not run on the images of this data set"
    assert [each for each in why.values() if each.startswith("its filters are computed from the images")]
    assert len(why) == 5


def test_step_0_and_code_that_has_changed(plain: Kept, code: Path) -> None:
    header = next(look_into(plain.run, plain.data, Follow(str(plain.run.path), 0), plain.own))
    assert isinstance(header, Followed)
    assert (header.step, header.notice, header.source) == (0, "", plain.own.digest)
    before = code.read_text()
    code.write_text(f"{before}\n# more\n")
    header = next(look_into(plain.run, plain.data, Follow(str(plain.run.path)), plain.own))
    code.write_text(before)
    assert isinstance(header, Followed)
    assert header.notice == (
        "net.py:Plain has changed since the run began: it is measured with the code as it is now"
    )


def test_code_that_goes_another_way_for_some_images_is_told(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fickle = Kept("Fickle", code)
    fickle.data = replace(fickle.data, test_images=fickle.data.test_images.copy())
    fickle.data.test_images[300:] = 255
    monkeypatch.setattr("convtui.training.process.looked_into.PART_IMAGES", 100)
    with pytest.raises(ValueError, match="took another way for these images than for others"):
        fickle.found(Explore(str(fickle.run.path)))
