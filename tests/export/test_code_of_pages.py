"""The code of layers, norms and runs holds in a fresh interpreter; with a wrong digit it fails."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import Layer, Shape
from convtui.engine.norms import NORM_KINDS
from convtui.engine.output_cells import Position
from convtui.export import data_code, stack_code
from convtui.export.run_code import code_of_next, code_of_run
from convtui.export.stack_code import stack_code as code_of_stack
from convtui.inputs.images import Picture
from convtui.pages.batchnorm.code import code_of
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.measurer import BatchMeasurer
from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.pages.batchnorm.opened_network import OpenedNetwork
from convtui.state.batchnorm import BatchNormSession
from convtui.state.network import Stack
from convtui.store.pictures import open_any
from convtui.training.datasets.open_any import load, picture
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.process.loop import Training
from convtui.training.protocol import Epoch, Rate, Stepped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.learned_layers import trained_stack
from tests.engine.stacks import stacks
from tests.engine.test_snippet import run
from tests.support.fresh import run_apart
from tests.support.kept_runs import SMALL, kept_run
from tests.support.small_runs import digits

BRANCHES = (
    "conv 2x2 8 same, relu, residual(conv 3x3 8 p1, bn | conv 1x1 8), concat(conv 1x1 3 | maxpool 3 s1 p1), "
    "multiply(gap, conv 1x1 11, sigmoid), flatten, linear 10, softmax"
)


def maps_of(stack: Stack, image: Picture) -> FeatureMaps:
    weights = stack.trained.within(stack.summary) if stack.trained else None
    return FeatureMaps(stack.layers, image.pixels, stack.seed, weights)


def layers_code(image: str, layers: str, layer: int | None = None, cell: Position | None = None) -> str:
    shown = open_any(image)
    stack = Stack.chosen(layers, shown.pixels.shape, seed=3)
    stack = stack if layer is None else stack.at(layer, cell)
    return code_of_stack(shown, stack, maps_of(stack, shown))


def norm_codes(source: NetworkSource) -> Iterator[str]:
    """Every norm in both modes, and batch norm after some mini-batches, with gamma and beta changed."""
    data, network = source.load()
    measurer = BatchMeasurer(data, source.recipe.seed)

    def code(session: BatchNormSession) -> str:
        figures = Figures(session, measurer.measure(session))
        return code_of(OpenedNetwork(source, measurer, session), figures)

    session = BatchNormSession.start(network, measurer.image_count, 32)
    session = session.with_layer(network.norm_layers[1]).at_channel(2).with_gamma(-1.5).with_beta(0.25)
    for kind in NORM_KINDS:
        chosen = session.with_kind(kind)
        yield code(chosen)
        yield code(chosen.with_mode_toggled())
    for _ in range(2):
        session = session.next_batch(measurer.measure(session))
    yield code(session.with_norm(momentum=None))
    yield code(session.with_mode_toggled())


def finished(recipe: Recipe, rates: tuple[Rate, ...] = ()) -> tuple[RunHistory, Training]:
    """A run to its end, with rates set under way, as its log tells it; and its network."""
    training = Training(recipe, digits(), capture=False)
    events: list[Message] = []
    for event in training.events():
        events.append(event)
        if isinstance(event, Stepped):
            training.follow(rates)
    run_of, _ = kept_run()
    history = RunHistory(recipe, str(run_of.path))
    history.epochs = [each for each in events if isinstance(each, Epoch)]
    history.rates = [Rate(0, recipe.max_lr), *rates]
    return history, training


def wrong(code: str) -> str:
    """The code with another digit in the last number that is asserted."""
    *lines, last = code.splitlines()
    number = re.findall(r"\d+\.\d{6,}", last)[-1]
    digit = str((int(number[6]) + 1) % 10)
    return "\n".join([*lines, last.replace(number, number[:6] + digit + number[7:])])


def test_all_code_runs_by_itself_and_a_wrong_digit_fails(tmp_path: Path) -> None:
    trained, _ = kept_run(replace(SMALL, epochs=2))
    seen = picture(digits(), "test", 3, normalised=True)
    stack = trained_stack(trained, seen).at(4, (1, 0, 1))
    recipe = replace(SMALL, batch_size=64, epochs=2)
    checkpoint = trained.latest_checkpoint().step
    codes = [
        layers_code("mnist-7", "simple-cnn"),
        layers_code("digit-8x8-3", BRANCHES, 5, (1, 4, 4)),
        layers_code("digit-8x8-3", BRANCHES, 14, (6, 0, 0)),
        layers_code("cat-32", "conv 3x3 4 s2, conv 3x3 5 p0:1x1:0 reflect, convtranspose 3x3 2 s2 p0:1x1:0"),
        code_of_stack(seen, stack, maps_of(stack, seen)),
        *norm_codes(NetworkSource(SMALL, 4)),
        *norm_codes(NetworkSource(trained.recipe, run=str(trained.path), step=checkpoint)),
        code_of_run(finished(recipe)[0]),
        code_of_run(finished(recipe, (Rate(5, 0.02), Rate(30, 0.005)))[0]),
    ]
    ends = run_apart([*codes, *map(wrong, codes)], tmp_path)
    assert ends[: len(codes)] == [""] * len(codes)
    assert {end.split(" ")[0] for end in ends[len(codes) :]} == {"AssertionError"}


@settings(max_examples=30)
@given(stacks(), st.data())
def test_every_stack_has_its_code(drawn: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    layers, shape = drawn
    image = Picture(np.random.default_rng(1).standard_normal(shape), "drawn", "", False)
    stack = Stack.laid(layers, shape, seed=2)
    stack = stack.at(data.draw(st.integers(0, len(stack.summary.rows) - 1)))
    maps = maps_of(stack, image)
    try:
        code = code_of_stack(image, stack, maps)
    except ValueError as error:
        assert "no single PyTorch call pads and counts like this" in str(error)  # noqa: PT017
        return
    names = run(code)
    np.testing.assert_allclose(names["y"].numpy(), maps.activations(stack.layer), rtol=1e-9, atol=1e-9)


def test_few_learned_weights_are_written_out_and_many_are_read() -> None:
    trained, _ = kept_run()
    seen = picture(digits(), "test", 3, normalised=True)
    stack = trained_stack(trained, seen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack_code, "MOST_WRITTEN", 10_000)
        written = code_of_stack(seen, stack, maps_of(stack, seen))
    read = code_of_stack(seen, stack, maps_of(stack, seen))
    assert "load_file" not in written
    assert "load_file" in read
    assert torch.equal(run(written)["y"], run(read)["y"])
    for file in trained.path.rglob("step-*"):
        file.unlink()
    with pytest.raises(ValueError, match="the weights of run 1, step 5 are no longer kept"):
        code_of_stack(seen, stack, maps_of(stack, seen))


def test_what_a_large_network_does_not_need_is_left_out() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack_code, "MOST_PARAMETERS", 10)
        code = layers_code("mnist-7", "simple-cnn", 3)
    assert "# The 7 layers after them are left out" in code
    run(code)


def test_layers_that_do_not_fit_are_told() -> None:
    code = layers_code("digit-8x8-3", "conv 3x3 2, maxpool 9", 1)
    assert "# The 1 layers after them do not fit the image." in code
    run(code)


@pytest.mark.parametrize(
    "recipe",
    [
        replace(SMALL, batch_size=100, epochs=2),
        replace(SMALL, batch_size=100, schedule="constant", optimizer="sgd", max_lr=0.01, batch_norm=False),
    ],
)
def test_a_run_ends_with_the_same_bits(recipe: Recipe) -> None:
    for rates in ((), (Rate(3, 0.02), Rate(9, 0.005))):
        history, training = finished(recipe, rates)
        assert history.epochs
        model = run(code_of_run(history))["model"].state_dict()
        for name, tensor in training.model.state_dict().items():
            assert torch.equal(model[name], tensor), name


def test_a_run_is_trained_as_far_as_its_accuracy_is_known() -> None:
    history, _ = finished(replace(SMALL, epochs=2))
    first, second = history.epochs
    assert f"assert accuracy == {first.accuracy}" in code_of_run(history, step=second.step - 1)
    assert f"assert accuracy == {second.accuracy}" in code_of_run(history)
    with pytest.raises(ValueError, match="run 1: there is no code before the end of its first epoch"):
        code_of_run(history, step=first.step - 1)


def test_a_run_whose_data_has_changed_has_no_code() -> None:
    history, _ = finished(SMALL)
    data = digits()
    other = replace(data, train_labels=data.train_labels[::-1].copy())
    with pytest.raises(ValueError, match="digits-8x8 has changed since the run began"):
        code_of_run(history, data=other)


def test_of_a_gpu_nothing_is_asserted() -> None:
    recipe = replace(SMALL, device="auto")
    history, _ = finished(replace(recipe, device="cpu"))
    history.recipe = recipe
    code = code_of_run(history)
    assert "assert " not in code
    assert f"# The run ended at {history.epochs[-1].accuracy:.2%}" in code
    names = run(code)
    if names["device"] == "cpu":
        assert names["accuracy"] == history.epochs[-1].accuracy


def test_the_next_run_asserts_nothing() -> None:
    code = code_of_next(replace(SMALL, batch_size=128))
    assert "assert " not in code.replace("asserted", "")
    assert 0 < run(code)["accuracy"] <= 1


def arrays(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    return {"X_train": images, "y_train": labels, "X_test": images[:7], "y_test": labels[:7]}


@pytest.mark.parametrize(
    ("laid", "is_split"),
    [
        (lambda x: x, False),
        (lambda x: x[:, None], False),
        (lambda x: np.stack([x, x, x], axis=-1).astype(np.float64) / 7, False),
        (lambda x: x, True),
    ],
)
def test_data_sets_are_read_to_the_same_arrays(tmp_path: Path, laid: object, is_split: bool) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 8, 9), np.uint8)
    shaped = laid(images)  # type: ignore[operator]
    labels = np.arange(30)[:, None] % 3
    held = {"images": shaped, "labels": labels} if is_split else arrays(shaped, labels)
    np.savez(tmp_path / "set.npz", **held)
    data = load(str(tmp_path / "set.npz"))
    code = data_code.data_code(data)
    assert ("import load" in "".join(code.imports)) == is_split
    names = run("\n".join([*code.imports, *code.lines]))
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        wanted = getattr(data, name)
        np.testing.assert_array_equal(names[name].astype(wanted.dtype), wanted)


def test_a_run_of_ones_own_network_has_no_code() -> None:
    with pytest.raises(ValueError, match="no code for a run of a network of your own"):
        code_of_next(Recipe(network=OwnNetwork("/home/me/net.py:Net")))
