"""A network of the user's: tried before it is trained, and trained in a process that runs nothing else."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convtui.training.datasets.open_any import load
from convtui.training.measuring import POINTS, Measure, Measured, Measuring, NoisePoint
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.process.client import WorkerProcess
from convtui.training.process.loop import Training
from convtui.training.process.own_network import TheirError, make
from convtui.training.process.restored import Restored
from convtui.training.process.trial import tried
from convtui.training.protocol import (
    Continue,
    Epoch,
    Failed,
    Finished,
    Paused,
    Ready,
    Replay,
    Replayed,
    Snapshot,
    Stepped,
    Stop,
    Stopped,
    Train,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.measurements import all_measurements
from convtui.training.runs.store import Run
from tests.support.processes import begun, process

FILE = Path(__file__).parents[2] / "support" / "trained_networks.py"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in a folder of its own, as all that is imported from its folder is run anew for each job."""
    return Path(shutil.copy(FILE, tmp_path_factory.mktemp("code") / "net.py"))


@pytest.mark.parametrize(
    ("named", "data", "reason"),
    [
        (
            ["Pair"],
            "digits-8x8",
            "gives a tuple of 2; must give one tensor of logits [images, 10 classes]",
        ),
        (["Net", "7"], "digits-8x8", "gives 7 outputs for each image; digits-8x8 has 10 classes"),
        (["Net"], "mnist-12k", "shape '[8, 64]' is invalid for input of size 6272"),
        (["Colour"], "digits-8x8", "; it takes images of 3 channels, digits-8x8 has 1"),
        (["Turnless"], "digits-8x8", "cannot be put into evaluation mode: ValueError: no (net.py:"),
        (["Net", "1"], "digits-8x8", "gives 1 output for each image; digits-8x8 has 10 classes"),
        (["Exits"], "digits-8x8", "it ended the process with sys.exit(3) (net.py:"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_line(
    code: Path, named: list[str], data: str, reason: str
) -> None:
    own = OwnNetwork(f"{code}:{named[0]}", tuple(named[1:]))
    model, _ = make(own, 0)
    with pytest.raises(TheirError) as caught:
        tried(model, own, load(data), CPU)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(own.name)
    assert str(caught.value).isprintable()


def test_which_sizes_would_go_through(code: Path) -> None:
    named = OwnNetwork(f"{code}:Net")
    with pytest.raises(TheirError, match=r"images of 8x8, 9x9 go through"):
        tried(make(named, 0)[0], named, load("mnist-12k"), CPU)


@pytest.mark.parametrize("name", ["Net", "Counting"])
def test_a_trial_puts_back_buffers_however_they_were_changed(code: Path, name: str) -> None:
    named, data = OwnNetwork(f"{code}:{name}"), load("digits-8x8")
    model, _ = make(named, 0)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    tried(model, named, data, CPU)
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    subject = Restored(model, CPU, named)
    with subject.unchanged():
        model.train()(torch.rand(8, 1, 8, 8))
        assert any(not torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())


def test_a_trial_leaves_no_trace_and_sees_the_modules_that_are_called(code: Path) -> None:
    named = OwnNetwork(f"{code}:Net")
    model, _ = make(named, 0)
    before, random = {name: each.clone() for name, each in model.state_dict().items()}, torch.get_rng_state()
    seen = tried(model, named, load("digits-8x8"), CPU)
    assert [(each.path, each.is_overwritten) for each in seen.modules] == [
        ("conv", True),
        ("norm", False),
        ("frozen", False),
        ("fc", False),
    ]
    assert seen.notice == ""
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert all(each.grad is None for each in model.parameters())
    soft = OwnNetwork(f"{code}:Probabilities")
    assert "gives probabilities" in tried(make(soft, 0)[0], soft, load("digits-8x8"), CPU).notice


def steps(events: list[Message]) -> list[tuple[int, float]]:
    return [(each.step, each.loss) for each in events if isinstance(each, Stepped)]


def test_a_run_of_an_own_network(tmp_path: Path) -> None:
    """Trained, stopped, resumed, replayed to the same bits; refused if not named, or changed. It forks."""
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    named = OwnNetwork(f"{code}:Forking")
    recipe = Recipe(data="digits-8x8", batch_size=64, epochs=2, max_lr=0.01, network=named)
    with process(tmp_path, network=named) as worker:
        assert worker.event() == Ready()
        whole = worker.job(Train(recipe))
        assert isinstance(whole[-1], Finished)
        assert [each.accuracy for each in whole if isinstance(each, Epoch)][-1] > 0.3  # of ten classes
        first = begun(whole)
        assert [(each.path, each.title, each.shape) for each in first.modules] == [
            ("conv", "Conv2d", (4, 1, 3, 3)),
            ("norm", "BatchNorm2d", (4, 1, 1, 1)),
            ("frozen", "Linear", (64, 64, 1, 1)),
            ("fc", "Linear", (10, 64, 1, 1)),
        ]
        assert (first.filters, first.layers) == ((4, 1, 3, 3), "")
        last = [each for each in whole if isinstance(each, Snapshot)][-1]
        assert len(last.kernels) == 4
        assert last.statistics[0].mean != 0
        assert (
            min(low for low, count in enumerate(last.statistics[0].counts) if count) < 20
        )  # before its ReLU

        worker.send(Train(recipe, paused=True))
        folder = begun(worker.until(Paused)).run
        worker.job(Stop())
        again = worker.job(Continue(folder))
        assert steps(again) == steps(whole)
        history = RunHistory.of_run(Run(Path(folder)))
        assert (history.state, history.left_out) == (State.FINISHED, "")
        worker.send(Replay(folder, 3, 6, 1, (0, 0, 1, 1)))
        replayed = worker.until(Replayed, Failed)
        assert steps(replayed)[-4:] == steps(whole)[2:6]
        assert all(each.watched for each in replayed if isinstance(each, Stepped))

        other = replace(recipe, network=OwnNetwork(f"{code}:Pair"))
        (refused,) = worker.job(Train(other))
        assert isinstance(refused, Failed)
        assert refused.reason.startswith(
            "this recipe is of net.py:Pair, not of net.py:Forking; to run its code: --"
        )

        code.write_text(code.read_text().replace("0.1", "0.2"))
        worker.send(Replay(folder, 3, 6, 1, (0, 0, 1, 1)))
        changed = worker.until(Replayed, Failed)[-1]
        assert changed == Failed(
            "net.py:Forking has changed since the run began: no step can be trained again"
        )
    with process(tmp_path) as worker:
        worker.event()
        (refused,) = worker.job(Continue(folder))
        assert isinstance(refused, Failed)
        assert refused.reason.startswith("run 2 needs the code of net.py:Forking")


def training(code: Path, name: str, weights: str = "", **settings: object) -> Training:
    recipe = Recipe(data="digits-8x8", batch_size=64, network=OwnNetwork(f"{code}:{name}", (), weights))
    return Training(replace(recipe, **settings), load("digits-8x8"))  # type: ignore[arg-type]


def test_a_checkpoint_needs_no_first_weights(code: Path, tmp_path: Path) -> None:
    model, _ = make(OwnNetwork(f"{code}:Net"), 5)
    torch.save(model.state_dict(), file := tmp_path / "first.pth")
    first = training(code, "Net", str(file))
    assert torch.equal(first.model.fc.weight, model.state_dict()["fc.weight"])
    first.train_step()
    file.unlink()
    again = Training(first.recipe, first.data, first.checkpoint())
    assert torch.equal(again.model.fc.weight, first.model.fc.weight)
    assert again.recipe.network == first.recipe.network  # which still says where they came from
    with pytest.raises(TheirError, match="no such file"):
        Training(first.recipe, first.data)


def test_weights_that_have_changed_are_named(tmp_path: Path) -> None:
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    first = training(code, "Net")
    first.train_step()
    checkpoint = first.checkpoint()
    text = code.read_text().replace("(64, classes)", "(64, classes, bias=False)")
    code.write_text(text.replace("1, 4, 3, padding=1", "1, 4, 5, padding=2"))
    with pytest.raises(TheirError) as caught:
        Training(first.recipe, first.data, checkpoint)
    assert str(caught.value) == (
        "net.py:Net: its weights are not those of the run: conv.weight, 4x1x5x5 in the code, 4x1x3x3 in the "
        "run; fc.bias, missing in the code, 10 in the run"
    )


def test_weights_that_do_not_fit_are_named(code: Path, tmp_path: Path) -> None:
    torch.save(make(OwnNetwork(f"{code}:Net", ("7",)), 0)[0].state_dict(), file := tmp_path / "seven.pth")
    with pytest.raises(TheirError, match=r"do not fit the model: .*fc.weight is 10x64 in the model, 7x64 in"):
        make(OwnNetwork(f"{code}:Net", (), str(file)), 0)


def test_every_layer_with_weights_is_measured_and_watched(code: Path) -> None:
    """Whatever its weight's shape; of one that a pass leaves out there are no figures."""
    run = training(code, "Layers", optimizer="sgd", schedule="constant")
    told = [(each.path, each.title, each.name, each.weight) for each in run.modules]
    assert told == [
        ("volume", "Conv3d", "weight", (4, 1, 1, 3, 3)),
        ("line", "Conv1d", "weight", (6, 4, 3)),
        ("up", "ConvTranspose2d", "weight", (1, 2, 2, 2)),
        ("act", "PReLU", "weight", (1,)),
        ("gru", "GRU", "weight_hh_l0", (21, 7)),
        ("norm", "LayerNorm", "weight", (7,)),
        ("attention", "MultiheadAttention", "in_proj_weight", (21, 7)),
        ("embedding", "Embedding", "weight", (3, 7)),
        ("pair", "Bilinear", "weight", (7, 7, 7)),
        ("skipped", "Linear", "weight", (7, 7)),
        ("normed", "ParametrizedLinear", "parametrizations.weight.original", (10, 7)),
        ("", "Layers", "scale", ()),
    ]
    assert [each.shape for each in run.modules][:4] == [
        (4, 1, 3, 3),
        (6, 4, 1, 3),
        (1, 2, 2, 2),
        (1, 1, 1, 1),
    ]
    for number, module in enumerate(run.modules, 1):
        index = tuple(size - 1 for size in module.shape)
        run.watch(number, index)  # type: ignore[arg-type]
        before = run._layers[number].weight.detach().flatten()[-1].item()
        watched = run.train_step().watched
        after = run._layers[number].weight.detach().flatten()[-1].item()
        assert watched or module.path in ("skipped", "embedding"), module
        assert not watched or (watched.before, watched.after) == (before, after)
        statistics = {each.layer: each for each in run.snapshot().statistics}
        assert [*statistics] == [*range(1, 13)]
        assert math.isnan(statistics[10].mean) == (number > 1)  # once it is called
        assert math.isfinite(statistics[number].weight_norm)
    assert run.filters == ()


async def test_what_their_code_prints(code: Path) -> None:
    """Each line as it comes, without what a terminal would obey; what it raises, too."""
    named = OwnNetwork(f"{code}:Printing")
    prints: list[str] = []
    worker = await WorkerProcess.start(named, prints.append)
    recipe = Recipe(data="digits-8x8", batch_size=64, network=named)
    worker.send(Train(recipe))
    last: Message = Ready()
    async for last in worker.events():
        if isinstance(last, Failed | Finished):
            break
    await worker.end()
    assert isinstance(last, Failed)
    assert "net.py:Printing failed after step 1: RuntimeError: red (net.py:" in last.reason
    assert prints == ["made", "pass 1", "pass 2", "pass 3", "pass 4"]


def test_a_last_batch_of_one_image_is_joined_to_the_one_before(code: Path) -> None:
    """A norm without running statistics refuses it."""
    run = training(code, "Net")
    assert run._evaluation_batches(500) == [0, 500]
    assert run._evaluation_batches(1001) == [0, 500, 1001]
    assert run._evaluation_batches(1002) == [0, 500, 1000, 1002]
    assert run._evaluation_batches(1) == [0, 1]


def test_a_measurement_is_stopped_killed_and_gone_on_with_to_the_same_figures(tmp_path: Path) -> None:
    """What is measured by other code is kept apart."""
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    named = OwnNetwork(f"{code}:Attending")
    recipe = Recipe(data="digits-8x8", batch_size=512, epochs=1, max_lr=0.01, network=named)
    folders = []
    with process(tmp_path, network=named) as worker:
        for _ in range(2):
            folders.append(begun(worker.job(Train(recipe))).run)
        whole = worker.job(Measure(folders[0]))
        assert isinstance(whole[-1], Measured)
        worker.send(Measure(folders[1]))
        worker.until(NoisePoint)
        worker.send(Stop())
        assert isinstance(worker.until(Stopped, Measured)[-1], Stopped)
        worker.send(Measure(folders[1]))
        worker.until(NoisePoint)
        worker.popen.kill()
        worker.wait()
    with process(tmp_path, network=replace(named, target=named.target)) as worker:
        rest = worker.job(Measure(folders[1]))
        header = next(each for each in rest if isinstance(each, Measuring))
        assert (0 < header.points < POINTS, header.notice) == (True, "")
        (one,), (other,) = (all_measurements(Run(Path(folder))) for folder in folders)
        assert one.is_complete
        assert replace(one, digest="") == replace(other, digest="")

        code.write_text(code.read_text().replace("0.1 * torch", "0.2 * torch"))
        events = worker.job(Measure(folders[1]))
        (header,) = (each for each in events if isinstance(each, Measuring))
        assert header.points == POINTS
        assert header.notice == (
            "net.py:Attending has changed since the run began: it is measured with the code as it is now"
        )
        old, new = all_measurements(Run(Path(folders[1])))
        assert (old, new.is_complete) == (other, True)
        assert new.source == header.source != old.source
        assert new.noise != old.noise
    with process(tmp_path) as worker:
        worker.event()
        (refused,) = worker.job(Measure(folders[0]))
        assert isinstance(refused, Failed)
        assert refused.reason.startswith("run 1 needs the code of net.py:Attending; only code that you name")
