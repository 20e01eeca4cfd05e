"""`convtui train`: a run, or going on with one, without the app; for scripts, long runs and slow connections.

It drives the same process as the app does, so a run that is stopped here can be resumed there.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, add_axes, formatter
from convtui.cli.output import OutputError, printing, tell

if TYPE_CHECKING:
    from convtui.training.messages import Message
    from convtui.training.own_network import OwnNetwork
    from convtui.training.process.client import WorkerProcess
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import Run, RunError

FAILED: Final = 1
DIVERGED: Final = 3
SIGNALLED: Final = 128
NOT_BEGUN: Final = "convtui: stopped before the first step: there is nothing to resume"

ABOUT: Final = """\
Train a small network without the app: convolutions of stride 2 with ReLU and
batch norm, by the one-cycle schedule; or, with --network, one of your own.
Every run is saved. Ctrl+C ends it early and says how to resume it.
"""
EXAMPLES: Final = """\
your own data; the kind is recognised by what is there:
  own.npz   arrays train_images, train_labels, test_images, test_labels, or
            other usual names (X_train, y_train, X_test, y_test), or images and
            labels, of which a fifth becomes the validation set. Images are
            [N, rows, columns], [N, channels, rows, columns] or, by the rule for
            arrays in convtui --help, [N, rows, columns, channels]; where that
            is a guess, a line says so
  mnist/    train-images-idx3-ubyte and the three others, or .gz of them, there
            or in a folder raw or gzip; each may be in a folder of its own name.
            If the files of several data sets are there, name one by what its
            files begin with (mnist/emnist-letters) or by one of its files
  photos/   a sub-folder of images for each class, or train/ and test/ (or
            val/) with such sub-folders; hidden files are ignored

your own network:
  --network net.py:Net, or package.module:factory, names a class, a function
  that makes the network, or the network itself. Naming it runs its code, in a
  process of its own. It takes normalised images [N, channels, rows, columns]
  and gives logits [N, classes]. Arguments for it follow after --: 10 depth=18

examples:
  convtui train
  convtui train --no-batch-norm --schedule constant
  convtui train --data digits-8x8 --channels 8,16 --epochs 20 --max-lr 0.03
  convtui train --data photos --image-size 64 --threads 4
  convtui train --data emnist/emnist-letters
  convtui train --json
  convtui train --list
  convtui train --resume 7
  convtui train --network net.py:Net --data photos --image-size 64 -- 10
  convtui train --resume 8 --network net.py:Net -- 10

exit codes: 0 finished, 1 failed or killed, 2 refused, 3 finished but diverged
(the loss is no longer finite), 130 after Ctrl+C
"""


def train(arguments: Sequence[str]) -> int:
    """Do what `convtui train` is asked and return its exit code. Raises ValueError for what is refused."""
    at = [*arguments].index("--") if "--" in arguments else len(arguments)
    ours, theirs = arguments[:at], arguments[at + 1 :]
    options = vars(parser().parsed(ours))
    as_json, resumed, listed = (options.pop(name) for name in ("json", "resume", "list"))
    network = network_of(options.pop("network"), theirs, options.pop("weights"))
    given = {name: value for name, value in options.items() if value is not None}
    out_of_place = [
        *given,
        *(["json"] if listed and as_json else []),
        *(["network"] if listed and network else []),
    ]
    if out_of_place and (listed or resumed is not None):
        why = "--list takes no other options" if listed else "--resume uses the run's own recipe"
        raise ValueError(f"{why}; leave out --{out_of_place[0].replace('_', '-')}")
    if listed:
        return _list_runs()
    return _begin(given, as_json, network) if resumed is None else _resume(resumed, as_json, network)


def network_of(target: str | None, theirs: Sequence[str], weights: str | None) -> OwnNetwork | None:
    """The user's network that the options name, if they name one. Raises ValueError for what is refused."""
    from convtui.cli.own_network import to_train
    from convtui.inputs.names import printable

    if target is not None:
        return to_train(target, theirs, weights)
    for name, value in (("--", " ".join(theirs)), ("--weights", weights)):
        if value:
            raise ValueError(f"{name} {printable(value)}: works only with --network net.py:Net")
    return None


def _list_runs() -> int:
    from convtui.cli.train_report import print_runs

    histories, damages = kept_runs()
    with printing():
        print_runs(histories)
    for damage in damages:
        tell(f"convtui: {damage}")
    return 0


def kept_runs() -> tuple[list[tuple[Run, RunHistory]], list[RunError]]:
    """All runs that are kept, oldest first, with outlines of their histories; and what is damaged."""
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import RunError, runs_and_damages

    found, damages = runs_and_damages()
    histories = []
    for run in found:
        try:
            history = RunHistory.of_run(run, outline=True)
            if history.is_diverged:  # an outline lacks the step at which it did
                history = RunHistory.of_run(run)
            histories.append((run, history))
            if history.left_out:
                damages.append(RunError(f"run {run.number}: {history.left_out}"))
        except RunError as error:
            damages.append(error)
    return histories, damages


def _begin(given: Mapping[str, str | bool], as_json: bool, network: OwnNetwork | None) -> int:
    from convtui.training.datasets.minibatches import may_lower
    from convtui.training.own_network import MAX_LR
    from convtui.training.protocol import Train
    from convtui.training.recipe import Recipe, RecipeError
    from convtui.training.recipe_words import OF_BUNDLED
    from convtui.training.runs.history import RunHistory

    recipe = Recipe(network=network, max_lr=MAX_LR if network else Recipe.max_lr)
    for name in OF_BUNDLED if network else ():
        if name in given:
            raise ValueError(
                f"--{name.replace('_', '-')}: is of the bundled network; leave it out with --network"
            )
    try:
        for name, value in given.items():
            recipe = recipe.with_text(name, value if isinstance(value, str) else "on" if value else "off")
    except RecipeError as error:
        raise ValueError(_by_option(str(error))) from None
    is_asked_for = "batch_size" in given and may_lower(recipe)  # the default, typed
    return _follow(Train(recipe, keep_batch_size=is_asked_for), RunHistory(recipe), as_json, network)


def _by_option(words: str) -> str:
    """Words on a new run, whose clauses begin with an option in the place of the parameter that it sets."""
    first, *others = words.split("; ")
    clauses = [_clause(first, ""), *(_clause(each, "_") for each in others)]
    return "; ".join(clauses)


def _clause(words: str, mark: str) -> str:
    """mark: what the parameter's name has where it begins a clause in which it may be an ordinary word."""
    name, _, rest = words.partition(" ")
    option = f"--{name.replace('_', '-')}"
    return f"{option} {rest}" if option in _OPTIONS and mark in name else words


def _resume(text: str, as_json: bool, network: OwnNetwork | None) -> int:
    from convtui.training.protocol import Continue
    from convtui.training.runs.history import RunHistory, State
    from convtui.training.runs.store import find_run

    run = find_run(text)
    _require_its_own(run, network)
    history = RunHistory.of_run(run)
    if history.left_out:
        tell(f"convtui: run {run.number}: {history.left_out}")
    if history.state is not State.FINISHED:
        if run.recipe.network and network is None:  # which the training process would only say later
            raise ValueError(run.recipe.network.refusal(f"run {run.number}", None))
        return _follow(Continue(str(run.path)), history, as_json, network)
    if as_json:
        tell(f"run {run.number} is finished")
    return _told_end(history, as_json)


def _require_its_own(run: Run, network: OwnNetwork | None) -> None:
    """Raises ValueError for a network that is named and is not that of the run."""
    kept, name = run.recipe.network, f"run {run.number}"
    if network is None:
        return
    if kept is None:
        raise ValueError(f"--network: {name} is of the bundled network; leave it out")
    if why := kept.refusal(name, network):
        raise ValueError(f"--network: {why}")
    if network.weights and run.checkpoints():
        raise ValueError(f"--weights: {name} goes on from its own checkpoint; leave it out")


def _told_end(history: RunHistory, as_json: bool) -> int:
    """Tell how a finished run came out, and return the exit code."""
    from convtui.cli.train_report import divergence, print_result

    words = divergence(history)
    if not as_json:
        with printing():
            print_result(history)
    elif words:
        tell(f"convtui: {words}")
    return DIVERGED if words else 0


# -- one job


@dataclass
class _Outcome:
    """How a job went.

    trouble: why nobody can be told of it. signal: the one that ended it. cause: how the process ended.
    """

    has_begun: bool = False
    trouble: str = ""
    last: Message | None = None
    signal: int = 0
    cause: str = ""


def _follow(job: Message, history: RunHistory, as_json: bool, network: OwnNetwork | None) -> int:
    from convtui.cli.train_report import reporting
    from convtui.training.process.pipes import GRACE
    from convtui.training.protocol import Failed, Finished, Stopped, Train

    outcome = _Outcome()
    try:
        with reporting(history, as_json) as report:
            asyncio.run(_work(job, history, report, outcome, network))
    except KeyboardInterrupt:
        tell(_how_to_go_on(history) if outcome.has_begun else NOT_BEGUN)
        raise
    match outcome.last:
        case _ if outcome.trouble:
            words = [f"convtui: {outcome.trouble}"]
        case Finished():
            return _told_end(history, as_json)
        case Failed(reason) if not outcome.has_begun:
            raise ValueError(_by_option(reason) if isinstance(job, Train) else reason)
        case Failed(reason):
            words = [f"convtui: {reason}"]
        case _ if outcome.signal and not outcome.has_begun:
            words = [NOT_BEGUN]
        case Stopped():
            words = []
        case _ if outcome.signal and network:
            words = [f"convtui: {network.name} did not stop within {GRACE:.0f} s and was ended"]
        case _:
            words = [f"convtui: the training process {outcome.cause}"]
    if outcome.has_begun:
        words += [f"saved at step {history.saved}"] if history.saved else []
        words += [_how_to_go_on(history)]
    tell(*words, sep="; ")
    return SIGNALLED + outcome.signal if outcome.signal else FAILED


def _how_to_go_on(history: RunHistory) -> str:
    """A clause on how, or on why not: somebody may have removed it."""
    from convtui.training.runs.store import RunError, find_run

    try:
        named = f" {history.recipe.network.as_option()}" if history.recipe.network else ""
        return f"to resume: convtui train --resume {find_run(history.run).number}{named}"
    except RunError as error:
        return str(error)


async def _work(
    job: Message,
    history: RunHistory,
    report: Callable[[Message], None],
    outcome: _Outcome,
    network: OwnNetwork | None,
) -> None:
    """Have the worker do the job, and tell of it in `outcome`."""
    from convtui.training.process.client import WorkerProcess
    from convtui.training.protocol import ALL_LOST, Begun, Failed, Finished, Stopped, Train

    worker = await WorkerProcess.start(network, prints=tell)
    try:
        with _interruptible(worker, outcome):
            worker.send(job)
            async for event in worker.events():
                outcome.last = event
                outcome.has_begun |= isinstance(event, Begun)
                history.take(event)
                if not outcome.trouble:
                    try:
                        with printing():
                            report(event)
                    except OutputError as error:
                        outcome.trouble = str(error)
                        worker.leave()
                if isinstance(event, Begun) and event.lost:
                    tell(f"convtui: {ALL_LOST}")
                if isinstance(event, Begun) and event.notice:
                    tell(f"convtui: {_by_option(event.notice) if isinstance(job, Train) else event.notice}")
                if isinstance(event, Failed | Finished | Stopped):
                    break
    finally:
        outcome.cause = worker.cause
        await worker.end()


@contextmanager
def _interruptible(worker: WorkerProcess, outcome: _Outcome) -> Iterator[None]:
    """The first Ctrl+C or SIGTERM has the run saved and the process end; a second ends both at once."""
    loop = asyncio.get_running_loop()

    def interrupt(number: int, _: FrameType | None) -> None:
        if outcome.signal:
            worker.kill()
            raise KeyboardInterrupt
        outcome.signal = number
        loop.call_soon_threadsafe(worker.leave)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- the options


def parser() -> Parser:
    """The options; all but --json, --resume and --list are hyper-parameters by a recipe's names."""
    parser = Parser(
        prog="convtui train",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui train [options]",
    )
    group = parser.add_argument_group("data and network")
    _add(group, _DATA)
    add_axes(group)
    group.add_argument("--network", metavar="FILE:NAME", help="your own network in place of the bundled one")
    group.add_argument(
        "--weights", metavar="FILE", help="its state dict: .safetensors, or what torch.save wrote"
    )
    group.add_argument(
        "--batch-norm",
        action=argparse.BooleanOptionalAction,
        help="batch norm after every ReLU and after the last convolution (default: with)",
    )
    _add(parser.add_argument_group("schedule and optimiser"), _SCHEDULE)
    group = parser.add_argument_group("runs")
    only = group.add_mutually_exclusive_group()
    only.add_argument("--resume", metavar="RUN", help="resume a run: its number or its folder")
    only.add_argument("--list", action="store_true", help="list the saved runs")
    group.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser


def _add(group: argparse._ArgumentGroup, options: Sequence[tuple[str, str, str]]) -> None:
    for name, metavar, words in options:
        group.add_argument(name, metavar=metavar, help=words)


_DATA: Final = (
    (
        "--data",
        "NAME|PATH",
        "mnist-12k or digits-8x8, which are bundled, an .npz file, a folder with MNIST's IDX files, or one "
        "with a sub-folder of pictures for each class (default: mnist-12k)",
    ),
    ("--image-size", "N", "scale the pictures of a folder to N x N pixels (default: 28)"),
    ("--channels", "N,N,...", "of every convolution but the last (default: 8,16,32,64)"),
)
_SCHEDULE: Final = (
    ("--schedule", "S", "one-cycle or constant (default: one-cycle)"),
    ("--max-lr", "LR", "the peak or constant learning rate (default: 0.06; of your own network 0.001)"),
    ("--epochs", "N", "how often every image is trained on (default: 5)"),
    ("--batch-size", "N", "images in a mini-batch (default: 128)"),
    ("--optimizer", "NAME", "adamw or sgd (default: adamw)"),
    ("--momentum", "M", "SGD's momentum or Adam's beta1, at a constant rate (default: 0.9)"),
    ("--weight-decay", "W", "of weights, not of biases and norms (default: 0.01)"),
    ("--seed", "N", "of the first weights and of the order of images (default: 0)"),
    ("--threads", "N", "of PyTorch; more seldom help a network so small (default: 1)"),
    (
        "--device",
        "NAME",
        "cpu, cuda, mps or auto, which says what it took; only on cpu does a resumed run give the same bits "
        "(default: cpu)",
    ),
)
_OPTIONS: Final = frozenset(("--axes", "--batch-norm", *(name for name, *_ in (*_DATA, *_SCHEDULE))))
