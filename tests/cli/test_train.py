"""`convtui train`: what it prints and how it ends, with made-up events."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.cli import main as cli
from convtui.cli import train as train_command
from convtui.training.messages import Message, encode
from convtui.training.own_network import OwnNetwork
from convtui.training.process import client
from convtui.training.protocol import Begun, Continue, Epoch, Failed, Ready, Saved, Stepped, Stopped, Train
from convtui.training.recipe import Recipe
from convtui.training.runs.store import Run, new_run
from tests.support.events import events
from tests.support.workers import FakeWorker


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    """What stands in for the training process."""
    fake = FakeWorker()

    async def start(_: OwnNetwork | None = None, **__: object) -> FakeWorker:
        return fake

    monkeypatch.setattr(client.WorkerProcess, "start", start)
    return fake


def kept(recipe: Recipe, until: int | None = None) -> tuple[Run, list[Message]]:
    """A run in its folder, with the events that it tells but nothing in its log."""
    run = new_run(recipe, "")
    return run, list(events(recipe, until, str(run.path)))


def train(*arguments: str) -> int:
    return cli.main(["train", *arguments])


# -- options


def test_the_recipe_is_what_the_options_say(worker: FakeWorker) -> None:
    recipe = Recipe(
        data="digits-8x8",
        image_size=32,
        channels=(8, 16),
        batch_norm=False,
        schedule="constant",
        max_lr=0.03,
        epochs=7,
        batch_size=32,
        optimizer="sgd",
        weight_decay=0.1,
        momentum=0.5,
        seed=9,
        threads=2,
    )
    worker.tell(Failed("enough"))
    options = shlex.split(
        "--data digits-8x8 --image-size 32 --channels 8,16 --no-batch-norm --schedule constant --max-lr 0.03 "
        "--epochs 7 --batch-size 32 --optimizer sgd --weight-decay 0.1 --momentum 0.5 --seed 9 --threads 2"
    )
    assert train(*options) == 2
    assert worker.told == [Train(recipe)]
    assert worker.is_ended


def test_without_options_it_is_the_default_recipe(worker: FakeWorker) -> None:
    worker.tell(Failed("enough"))
    assert train() == 2
    assert worker.told == [Train(Recipe())]


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["--epoch", "3"], ["unknown argument --epoch", "--epochs", "convtui train --help"]),
        (["7"], ["unknown argument 7"]),
        (["--epochs", "x"], ["epochs x", "1 to 10000"]),
        (["--epochs"], ["--epochs", "expected one argument"]),
        (["--channels", "8,a"], ["channels 8,a"]),
        (["--schedule", "cosine"], ["schedule cosine", "one-cycle or constant"]),
        (["--optimizer", "lion"], ["optimizer lion", "adamw or sgd"]),
        (["--max-lr", "0"], ["--max-lr 0", "1e-12 to 1000"]),
        (["--max-lr", "nan"], ["--max-lr nan", "1e-12 to 1000"]),
        (["--resume", "3"], ["run 3: no such run", "there are no runs yet"]),
        (["--resume", ""], ["name a run: its number or its folder"]),
        (["--resume", "7" * 5000], ["run 777", "7: no such run; there are no runs yet"]),
        (["--resume", "3", "--no-batch-norm"], ["--resume", "leave out --batch-norm"]),
        (["--resume", "3", "--batch-size", "8"], ["--resume", "leave out --batch-size"]),
        (["--list", "--seed", "3"], ["--list", "leave out --seed"]),
        (["--list", "--json"], ["--list", "leave out --json"]),
        (["--list", "--resume", "3"], ["--resume", "not allowed with", "--list"]),
    ],
    ids=lambda each: " ".join(each)[:40],
)
def test_what_is_refused(
    arguments: list[str], fragments: list[str], capsys: pytest.CaptureFixture[str], worker: FakeWorker
) -> None:
    assert train(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("convtui: ")
    assert err.count("\n") == 1
    assert all(fragment in err for fragment in fragments), err
    assert worker.told == []


def test_help_is_narrow_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--help") == 0
    text = capsys.readouterr().out
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    parser = train_command.parser()
    for action in parser._actions:
        assert action.help
        assert all(option in text for option in action.option_strings)
    for line in train_command.EXAMPLES.splitlines():
        if line.startswith("  convtui train"):
            parser.parsed(line.partition(" -- ")[0].split()[2:])


def test_an_own_network_has_its_own_rate(worker: FakeWorker, tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.touch()
    worker.tell(Failed("enough"))
    assert train("--network", f"{code}:Net", "--epochs", "2", "--", "10", "depth=18") == 2
    network = OwnNetwork(f"{code.resolve()}:Net", ("10", "depth=18"))
    assert worker.told == [Train(Recipe(network=network, max_lr=0.001, epochs=2))]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--network", "json:loads", "--channels", "8"], "--channels: is of the bundled network"),
        (["--network", "nowhere.py:Net"], "--network nowhere.py:Net: there is no such file"),
        (["--network", "net.pt2"], "a saved network cannot be trained; name its class"),
        (["--network", "net"], "name a class or a function that makes the network"),
        (["--weights", "w.pth"], "--weights w.pth: works only with --network"),
        (["--", "10"], "-- 10: works only with --network"),
        (["--list", "--network", "json:loads"], "leave out --network"),
    ],
)
def test_an_own_network_that_is_refused(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(*arguments) == 2
    assert reason in capsys.readouterr().err


OWN = OwnNetwork("/home/me/net.py:Net", ("10",))


@pytest.mark.parametrize("until", [12, None])
def test_a_run_is_resumed_with_its_own_network(
    until: int | None, worker: FakeWorker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("net.py", "other.py"):
        (tmp_path / name).touch()
    run, told = kept(Recipe(epochs=2), until)
    log(run, told)
    assert train("--resume", "1", "--network", f"{tmp_path}/net.py:Net") == 2
    assert "--network: run 1 is of the bundled network; leave it out\n" in capsys.readouterr().err
    run, told = kept(Recipe(epochs=2, network=OWN), until)
    log(run, told)
    for network, words in (
        ((), "run 2 needs the code of net.py:Net; only code that you name is run: --network"),
        (("--network", f"{tmp_path}/other.py:Net"), "--network: run 2 is of net.py:Net, not of other.py:Net"),
        (
            ("--network", f"{tmp_path}/net.py:Net"),
            "--network: run 2 is of net.py:Net made with 10, not without",
        ),
    ):
        code = train("--resume", "2", *network)
        out, err = capsys.readouterr()
        if until is None and not network:  # a finished run needs no code
            assert code == 0
            assert "run 2 is finished" in out
        else:
            assert code == 2
            assert words in err
    assert worker.told == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("batch_size 8: must be 2", "--batch-size 8: must be 2"),
        ("data x: there is no such", "--data x: there is no such"),
        (
            "net.py:Net fails (net.py:3: batch_size = x); 8x8 go through; image_size 8 scales them",
            "net.py:Net fails (net.py:3: batch_size = x); 8x8 go through; --image-size 8 scales them",
        ),
        (
            "read as images; data of old; batch_size lowered",
            "read as images; data of old; --batch-size lowered",
        ),
        ("out of memory; seed 3", "out of memory; seed 3"),
        ("first_kernel_size 2: must be odd", "first_kernel_size 2: must be odd"),  # has no option
    ],
)
def test_parameters_are_told_as_options(words: str, told: str) -> None:
    assert train_command._by_option(words) == told


def test_what_was_changed_is_told_as_an_option(
    worker: FakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = kept(Recipe(epochs=2))
    notice = "batch_size lowered from 128 to 72, the number of training images"
    told = [replace(event, notice=notice) if isinstance(event, Begun) else event for event in told]
    worker.tell(Ready(), *told)
    assert train("--epochs", "2") == 0
    assert capsys.readouterr().err == f"convtui: --{notice.replace('_', '-')}\n"


# -- what it prints, and how it ends


def test_a_line_for_each_epoch(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    run, told = kept(Recipe(epochs=2))
    worker.tell(Ready(), *told)
    assert train("--epochs", "2") == 0
    out, err = capsys.readouterr()
    left_out, first, second, finished, where, how = out.splitlines()
    assert left_out == "the last 16 images of each epoch do not fill a mini-batch of 128 and are left out"
    assert first.startswith("epoch 1/2  train loss ")
    assert second.endswith("train accuracy –  accuracy 98.50%  time 0.3 s")
    assert finished == "run 1 is finished: 40 steps in 0.6 s, accuracy 98.50%"
    assert where == f"kept in {run.path}"
    assert "convtui render train.svg --screen train --run 1" in how
    assert err == ""


def test_how_the_data_was_read_is_told(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(epochs=2))
    notice = "set.npz: shape (60, 5, 5, 3) read as [images, rows, columns, channels]"
    told = [replace(event, notice=notice) if isinstance(event, Begun) else event for event in told]
    worker.tell(Ready(), *told)
    assert train("--epochs", "2") == 0
    assert capsys.readouterr().err == f"convtui: {notice}\n"


@pytest.mark.parametrize(
    ("options", "job"),
    [
        ((), Train(Recipe())),
        (("--batch-size", "128"), Train(Recipe(), keep_batch_size=True)),
        (("--batch-size", "64"), Train(Recipe(batch_size=64))),
        (("--channels-last",), Train(Recipe(axes="channels-last"))),
        (("--channels-first",), Train(Recipe(axes="channels-first"))),
    ],
)
def test_what_was_asked_for_is_kept(worker: FakeWorker, options: tuple[str, ...], job: Train) -> None:
    worker.tell(Failed("enough"))
    assert train(*options) == 2
    assert worker.told == [job]


UNKNOWN = "the cause is not known; a run with a lower --max-lr shows whether it is the rate"


def test_a_run_that_diverges_is_told(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    run, told = kept(Recipe(epochs=2))
    told = [replace(e, loss=float("nan")) if isinstance(e, Stepped) and e.step > 7 else e for e in told]
    worker.tell(Ready(), *told)
    words = f"diverged: the loss is not finite since step 8; {UNKNOWN}\n"
    assert train("--epochs", "2") == train_command.DIVERGED == 3
    out, err = capsys.readouterr()
    assert words in out
    assert err == ""
    log(run, told)
    for option in (), ("--json",):
        assert train("--resume", "1", *option) == 3
        assert words in capsys.readouterr()[bool(option)]


def test_a_loss_that_is_none_from_the_start(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(epochs=2))
    nan = float("nan")
    lost: list[Message] = []
    for event in told:
        if isinstance(event, Stepped):
            event = replace(event, loss=nan)
        elif isinstance(event, Epoch):
            event = replace(event, train_loss=2.5e9, validation_loss=nan)
        lost.append(event)
    worker.tell(Ready(), *lost)
    assert train("--epochs", "2") == 3
    out = capsys.readouterr().out
    assert "train loss 2.5e+09  validation loss nan  train accuracy –  accuracy –  time" in out
    assert "since step 1; before any update · the first weights, " in out


def test_json_of_a_run_that_diverges(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(epochs=2))
    told = [replace(e, loss=float("inf")) if isinstance(e, Stepped) and e.step > 7 else e for e in told]
    worker.tell(Ready(), *told)
    assert train("--epochs", "2", "--json") == 3
    out, err = capsys.readouterr()
    assert out.splitlines() == [encode(event) for event in (Ready(), *told)]
    assert err == f"convtui: diverged: the loss is not finite since step 8; {UNKNOWN}\n"


def test_what_the_data_refuse_is_told_by_its_option(
    worker: FakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.tell(Failed("batch_size 128: must be at most 72, the number of training images"))
    assert train() == 2
    err = capsys.readouterr().err
    assert err == "convtui: --batch-size 128: must be at most 72, the number of training images\n"


def test_json_is_the_events_and_nothing_else(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(epochs=2))
    worker.tell(Ready(), *told)
    assert train("--epochs", "2", "--json") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [encode(event) for event in (Ready(), *told)]
    assert err == ""


def test_a_run_that_fails(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(), until=50)
    worker.tell(Ready(), *told, Failed("no space left"))
    assert train() == 1
    err = capsys.readouterr().err
    assert err == "convtui: no space left; saved at step 40; to resume: convtui train --resume 1\n"


def test_a_process_that_is_killed(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(), until=10)
    worker.tell(Ready(), *told)
    worker.die("was killed by SIGKILL")
    assert train() == 1
    err = capsys.readouterr().err
    assert err == (
        "convtui: the training process was killed by SIGKILL; to resume: convtui train --resume 1\n"
    )


def test_a_run_that_somebody_stops(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = kept(Recipe(), until=10)
    worker.tell(Ready(), *told, Saved(10), Stopped(10))
    assert train() == 1
    assert capsys.readouterr().err == "saved at step 10; to resume: convtui train --resume 1\n"


def test_a_run_without_a_whole_checkpoint_begins_again_and_says_so(
    worker: FakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    run, told = kept(Recipe(epochs=2))
    log(run, told[:12])
    begun = told[0]
    assert isinstance(begun, Begun)
    worker.tell(Ready(), replace(begun, lost=True), *told[1:])
    assert train("--resume", "1") == 0
    assert capsys.readouterr().err == (
        "convtui: none of its checkpoints is complete: it starts again from step 0\n"
    )


def test_a_run_that_is_removed_meanwhile(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    run, told = kept(Recipe(), until=50)
    (run.path / "recipe.json").unlink()
    worker.tell(Ready(), *told, Failed("a.tmp: cannot be written: No such file or directory"))
    assert train() == 1
    failed, saved, why = capsys.readouterr().err.split("; ")
    assert failed == "convtui: a.tmp: cannot be written: No such file or directory"
    assert saved == "saved at step 40"
    assert why == f"{run.path}: not a run: it has no recipe.json\n"


def log(run: Run, told: list[Message]) -> None:
    with run.locked():
        for event in told:
            run.append(event)


def test_going_on_with_a_run(worker: FakeWorker, capsys: pytest.CaptureFixture[str]) -> None:
    run, told = kept(Recipe(epochs=2))
    log(run, told[:12])
    begun = told[0]
    assert isinstance(begun, Begun)
    worker.tell(Ready(), begun, *told[1:])
    assert train("--resume", "1") == 0
    assert worker.told == [Continue(str(run.path))]
    assert "run 1 is finished: 40 steps" in capsys.readouterr().out


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_a_finished_run_has_nothing_to_go_on_with(
    option: tuple[str, ...], worker: FakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    run, told = kept(Recipe(epochs=2))
    log(run, told)
    assert train("--resume", "1", *option) == 0
    out, err = capsys.readouterr()
    assert "run 1 is finished" in (err if option else out)
    assert (out == "") == bool(option)
    assert worker.told == []
