"""What `convtui train` prints: a bar and tables on a terminal, a line for each epoch elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from math import isfinite
from pathlib import Path
from shutil import get_terminal_size
from typing import Final, TypeAlias

from convtui.engine.words import counted
from convtui.inputs.durations import duration
from convtui.training.datasets.minibatches import left_out
from convtui.training.messages import Message, encode
from convtui.training.protocol import Begun, Epoch, Stepped
from convtui.training.recipe_words import recipe_words
from convtui.training.runs.divergence import cause_words
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run, number_of

EPOCH_COLUMNS: Final = ("epoch", "train loss", "validation loss", "train accuracy", "accuracy", "time")

Report: TypeAlias = Callable[[Message], None]

LARGE_LOSS: Final = 1e6
UNCUT: Final = 1000  # columns of what is no terminal
ROOMY: Final = 100  # columns from which recipes are told in full words
TIGHT: Final = 60  # columns below which all that is told of a run does not fit
TIGHTER: Final = 34  # and below which its accuracy does not, either


def reporting(history: RunHistory, as_json: bool) -> AbstractContextManager[Report]:
    """A function to call with each event, once the history has taken it."""
    if as_json:
        return nullcontext(lambda event: print(encode(event), flush=True))
    if _is_on_a_terminal():
        return _bar(history)
    return nullcontext(partial(_print_line, history))


def print_result(history: RunHistory) -> None:
    """The epochs of a finished run, as a table on a terminal, where it is kept and how it is seen."""
    number = number_of(Path(history.run))
    if _is_on_a_terminal():
        _print_table(
            EPOCH_COLUMNS,
            [epoch_told(history, epoch) for epoch in history.epochs],
        )
    steps = counted(history.step, "step")
    accuracy = "" if history.accuracy is None else f", accuracy {history.accuracy:.2%}"
    print(f"run {number} is finished: {steps} in {duration(history.seconds)}{accuracy}")
    if words := divergence(history):
        print(words)
    print(f"kept in {history.run}")
    print(f"to see it: convtui, then 5, or convtui render train.svg --screen train --run {number}")


def divergence(history: RunHistory) -> str:
    """What is wrong with a run that has diverged; "" if it has not."""
    if not history.is_diverged:
        return ""
    since = "" if history.diverged_at is None else f" since step {history.diverged_at}"
    unknown = "the cause is not known; a run with a lower --max-lr shows whether it is the rate"
    return f"diverged: the loss is not finite{since}; {cause_words(history) or unknown}"


def print_runs(runs: Sequence[tuple[Run, RunHistory]]) -> None:
    """The kept runs, oldest first, a line each; on a narrow terminal recipes are cut, then other columns go.

    The number is never left out: a run is resumed by it.
    """
    if not runs:
        print("no run is saved yet; convtui train starts one")
        return
    names: tuple[str, ...] = ("run", "begun", "recipe", "epochs", "state", "accuracy")
    width = get_terminal_size().columns if _is_on_a_terminal() else UNCUT
    if width < TIGHT:
        names = ("run", "state", "accuracy") if width >= TIGHTER else ("run", "state")
    told = [told_of(*each, width < ROOMY) for each in runs]
    rows = [[each[name] for name in names] for each in told]
    _print_table(names, rows, left=("recipe", "state"), cut="recipe" if "recipe" in names else "state")


def told_of(run: Run, history: RunHistory, is_short: bool) -> dict[str, str]:
    """What the columns of a table of runs say of one."""
    done = max((epoch.epoch for epoch in history.epochs), default=0)
    at = "" if history.diverged_at is None else f" at {'' if is_short else 'step '}{history.diverged_at}"
    return {
        "run": run.number,
        "begun": f"{run.began:%m-%d %H:%M}" if is_short else f"{run.began:%Y-%m-%d %H:%M}",
        "recipe": recipe_words(run.recipe, is_short, history.rates_used),
        "epochs": f"{done}/{run.recipe.epochs}",
        "state": f"diverged{at}" if history.is_diverged else history.state.value,
        "accuracy": "" if history.accuracy is None else f"{history.accuracy:.2%}",
    }


def _is_on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()  # it is None where it was closed


def epoch_told(history: RunHistory, epoch: Epoch) -> tuple[str, str, str, str, str, str]:
    """What the columns of a table of epochs say of one."""
    before = max((each.seconds for each in history.epochs if each.epoch < epoch.epoch), default=0.0)
    has_answers = isfinite(epoch.validation_loss)  # what is none is not right by chance
    return (
        f"{epoch.epoch}/{history.recipe.epochs}",
        _loss(epoch.train_loss),
        _loss(epoch.validation_loss),
        "–" if epoch.train_accuracy is None or not has_answers else f"{epoch.train_accuracy:.2%}",
        f"{epoch.accuracy:.2%}" if has_answers else "–",
        duration(epoch.seconds - before),
    )


def _loss(value: float) -> str:
    return f"{value:.4f}" if value < LARGE_LOSS else f"{value:.3g}"


def _left_out(begun: Begun) -> str:
    return left_out(begun.train_count, begun.recipe.batch_size)


def _print_line(history: RunHistory, event: Message) -> None:
    if isinstance(event, Begun) and (words := _left_out(event)):
        print(words, flush=True)
    elif isinstance(event, Epoch):
        names = "epoch {}  train loss {}  validation loss {}  train accuracy {}  accuracy {}  time {}"
        print(names.format(*epoch_told(history, event)), flush=True)


def _print_table(
    names: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = (), cut: str = ""
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name != cut)
    for row in rows:
        table.add_row(*(Text(each, no_wrap=True, overflow="ellipsis") for each in row))
    Console(highlight=False, width=None if _is_on_a_terminal() else UNCUT).print(table)


@contextmanager
def _bar(history: RunHistory) -> Iterator[Report]:
    from rich.console import Console
    from rich.constrain import Constrain
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console()

    class Bar(Progress):
        """Leaves room for the ^C that a terminal echoes, which would stay where it goes beyond the line."""

        def get_renderable(self) -> Constrain:
            return Constrain(super().get_renderable(), console.width - len("^C") - 1)

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[figures]}"),
    )
    with Bar(*columns, console=console, expand=True, transient=True) as progress:
        task = progress.add_task("starting PyTorch", total=None, figures="")

        def report(event: Message) -> None:
            if isinstance(event, Begun):
                progress.update(task, description="", total=event.total_steps, completed=event.step)
                if words := _left_out(event):
                    console.print(words, highlight=False)
            elif isinstance(event, Stepped):
                progress.update(
                    task,
                    description=f"epoch {event.epoch}/{history.recipe.epochs}",
                    completed=event.step,
                    figures=_present(history, event),
                )

        yield report


def _present(history: RunHistory, step: Stepped) -> str:
    """The figures of this step, each of a fixed width."""
    total = history.total_steps
    speed = "" if history.speed is None else f"{history.speed:4.0f} steps/s"
    left = "" if history.seconds_left is None else f"{duration(history.seconds_left):>6} left"
    return f"{step.step:>{len(str(total))}}/{total}  loss {step.loss:7.4f}  lr {step.lr:.1e}  {speed}  {left}"
