"""What a run has learned opens on the other pages, with the figures of PyTorch's own network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from convtui.engine.feature_maps import FeatureMaps
from convtui.inputs import samples
from convtui.inputs.images import InputError
from convtui.state.kernel_choice import KernelChoice
from convtui.state.layer_opening import layer_opened
from convtui.state.session import Session
from convtui.store.session_file import SessionFileError, dumps, load, loads, save
from convtui.training.runs.learned_layers import trained_layers, trained_stack, trained_step, weights_of
from convtui.training.runs.store import Run, RunError, new_run
from tests.support.data_files import digit
from tests.support.example_sessions import lesson
from tests.support.kept_runs import SMALL, kept_run
from tests.support.torch_layers import weight


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_feature_map_is_that_of_torch(batch_norm: bool, optimizer: str) -> None:
    run, training = kept_run(replace(SMALL, batch_norm=batch_norm, optimizer=optimizer, max_lr=0.02))
    picture = digit()
    stack = trained_stack(run, picture)
    assert stack.trained is not None
    maps = FeatureMaps(stack.layers, picture.pixels, weights=stack.trained.weights)
    activations = torch.tensor(picture.pixels, dtype=torch.float32)[None]
    training.model.eval()
    with torch.no_grad():
        for number, module in enumerate(training.model, start=1):
            activations = module(activations)
            expected = activations[0].numpy()
            np.testing.assert_allclose(maps.activations(number), expected, atol=1e-5, rtol=1e-5)
    assert number == len(stack.layers)


def test_the_learned_kernels_are_stepped_through() -> None:
    run, training = kept_run()
    picture = digit()
    session = trained_step(lesson(), run, picture)
    first = training.model[0]
    assert isinstance(first, torch.nn.Conv2d)
    np.testing.assert_array_equal(session.convolution.weight, first.weight.detach().numpy())
    with torch.no_grad():
        expected = first(torch.tensor(picture.pixels, dtype=torch.float32)[None])[0].numpy()
    np.testing.assert_allclose(session.convolution.output, expected, atol=1e-5)
    assert (session.spec.stride, session.spec.pads) == ((2, 2), ((1, 1), (1, 1)))
    assert (session.kernel.label, session.picture) == ("run 1 layer 1 (custom)", picture)
    assert (session.index, session.stack.layer, session.path) == (0, 1, None)


def test_deeper_layers_open_with_their_real_input() -> None:
    run, training = kept_run()
    session = trained_layers(lesson(), run, digit())
    stack = session.stack
    assert stack.trained is not None
    maps = FeatureMaps(stack.layers, session.picture.pixels, weights=stack.trained.weights)
    opened = layer_opened(session, maps)
    assert opened.kernel.name == f"run 1 layer {stack.layer}"
    np.testing.assert_array_equal(opened.convolution.weight, weight(training.model[stack.layer - 1]).numpy())


def test_a_kernel_that_does_not_fit_the_picture_does_not_stand_in_the_way() -> None:
    run, _ = kept_run()
    cat = Session.start(samples.open_image("cat-32"), KernelChoice("sobel-x"), groups=3)
    assert trained_layers(cat, run, digit()).stack.trained is not None


def test_a_picture_of_other_channels_is_refused() -> None:
    run, _ = kept_run()
    with pytest.raises(InputError, match=r"^run 1: learned from 1-channel images; cat-32 has 3$"):
        trained_stack(run, samples.open_image("cat-32"))


def test_a_run_that_has_saved_nothing_is_refused() -> None:
    with pytest.raises(RunError, match=r"^run 1: has no complete checkpoint yet$"):
        trained_stack(new_run(SMALL, ""), digit())


def test_a_diverged_run_is_refused() -> None:
    run, training = kept_run()
    checkpoint = training.checkpoint()
    checkpoint.weights["3.weight"][1, 0, 0, 0] = np.inf
    with run.locked():
        run.save(checkpoint)
    with pytest.raises(InputError, match="weight of layer 4 is no longer finite, because the run diverged"):
        trained_stack(run, digit())


def test_looking_leaves_the_run_as_it_is() -> None:
    run, _ = kept_run()
    before = {path: path.read_bytes() for path in run.path.iterdir()}
    trained_layers(lesson(), run, digit())
    assert {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before


# -- session files


def trained_session() -> tuple[Run, Session]:
    run, _ = kept_run()
    return run, trained_layers(lesson(), run, digit())


def assert_same(session: Session, other: Session) -> None:
    assert other.stack == session.stack
    assert session.stack.trained is not None
    assert other.stack.trained is not None
    for number, arrays in session.stack.trained.weights.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(other.stack.trained.weights[number][name], values)
    np.testing.assert_array_equal(other.picture.pixels, session.picture.pixels)
    assert (other.picture.name, other.picture.lowest, other.picture.highest) == (
        session.picture.name,
        session.picture.lowest,
        session.picture.highest,
    )
    np.testing.assert_array_equal(other.convolution.weight, session.convolution.weight)
    assert other.kernel == session.kernel


def test_a_session_is_saved_with_its_run(tmp_path: Path) -> None:
    _, session = trained_session()
    save(session, tmp_path / "own.toml")
    assert_same(session, load(tmp_path / "own.toml"))
    assert_same(session, loads(dumps(session), "own.toml"))


def test_a_run_is_found_beside_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "here"))
    _, session = trained_session()
    save(session, tmp_path / "here" / "own.toml")
    (tmp_path / "here").rename(tmp_path / "there")
    trained = load(tmp_path / "there" / "own.toml").stack.trained
    assert trained is not None
    assert str(trained.run).startswith(str(tmp_path / "there"))


def refusal(text: str) -> str:
    with pytest.raises(SessionFileError) as caught:
        loads(text, "own.toml")
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_what_was_opened_outlives_the_run_s_going_on() -> None:
    run, session = trained_session()
    for path in run.checkpoints():
        path.unlink()
    assert_same(session, loads(dumps(session), "own.toml"))


@pytest.mark.parametrize("refused", ["mkdir", "replace"])
def test_a_run_that_cannot_be_written_to_can_be_opened(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = kept_run()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, refused, refuse)
    assert trained_layers(lesson(), run, digit()).stack.trained is not None


def test_a_run_that_went_on_is_not_passed_off_as_what_it_was() -> None:
    run, session = trained_session()
    text = dumps(session)
    for path in run.path.rglob("step-*"):
        path.rename(path.with_name(path.name.replace("-000005-", "-000009-")))
    line = text[: text.index("\nrun = ")].count("\n") + 2
    assert refusal(text) == (
        f"own.toml, line {line}: layers.run: run 1: its weights after step 5 are no longer kept; "
        "leave out run, step and digest for random weights"
    )


def test_another_run_in_its_place_is_not_taken_for_it() -> None:
    run, session = trained_session()
    text = dumps(session)
    other, _ = kept_run(replace(SMALL, seed=9))
    run.delete()
    other.path.rename(run.path)
    assert "layers.run: run 1: its weights after step 5 are no longer kept; leave" in refusal(text)


def test_a_session_without_the_checkpoint_s_digest_opens() -> None:
    _, session = trained_session()
    lines = [line for line in dumps(session).splitlines() if not line.startswith("digest = ")]
    assert_same(session, loads("\n".join(lines), "own.toml"))
    text = dumps(session).replace("\nrun = ", "\n#").replace("\nstep = ", "\n#")
    assert refusal(text).endswith("layers.digest needs layers.run; give both")


def test_a_run_behind_a_link_is_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "link"))
    run, session = trained_session()
    save(session, tmp_path / "disk" / "own.toml")
    assert 'run = "convtui/runs/0001"' in (tmp_path / "disk" / "own.toml").read_text()
    assert_same(session, load(tmp_path / "disk" / "own.toml"))
    text = dumps(session)
    run.delete()
    assert f"layers.run: {run.path}: not a run" in refusal(text)


def test_a_run_that_is_gone_is_named() -> None:
    run, session = trained_session()
    text = dumps(session)
    run.delete()
    assert f"layers.run: {run.path}: not a run: it has no recipe.json; leave out run, step" in refusal(text)


def test_weights_of_other_layers_are_refused() -> None:
    _, session = trained_session()
    text = dumps(session).replace("conv 3x3 4", "conv 3x3 5")
    assert "layers.run: run 1, step 5: its weights are for other layers or other channels; leave" in refusal(
        text
    )


@pytest.mark.parametrize(("left", "given"), [("run", "step"), ("step", "run")])
def test_run_and_step_go_together(left: str, given: str) -> None:
    _, session = trained_session()
    lines = [line for line in dumps(session).splitlines() if not line.startswith(f"{left} = ")]
    assert refusal("\n".join(lines)).endswith(f"layers.{given} needs layers.{left}; give both")


def test_weights_of_a_step() -> None:
    run, training = kept_run()
    trained = weights_of(run.path, training.step)
    assert str(trained) == f"run 1, step {training.step}"
    assert "num_batches_tracked" not in {name for arrays in trained.weights.values() for name in arrays}
