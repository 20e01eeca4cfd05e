"""What `convtui train` prints: a bar and tables on a terminal, a line for each epoch elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TypeAlias

from convtui.screens.train_wording import recipe_words
from convtui.training.protocol import Begun, Epoch, Message, Step, encode
from convtui.training.record import Record, State
from convtui.training.runs import Run, find_run

Report: TypeAlias = Callable[[Message], None]


def reporting(record: Record, as_json: bool) -> AbstractContextManager[Report]:
    """A function to call with each event, once the record has taken it."""
    if as_json:
        return nullcontext(lambda event: print(encode(event), flush=True))
    if _is_on_a_terminal():
        return _bar(record)
    return nullcontext(partial(_print_line, record))


def print_result(record: Record) -> None:
    """The epochs of a finished run, as a table on a terminal, where it is kept and how it is seen."""
    number = find_run(record.run).number
    if _is_on_a_terminal():
        _print_table(
            ("epoch", "train loss", "validation loss", "accuracy", "time"),
            [_figures(record, epoch) for epoch in record.epochs],
        )
    accuracy = "" if record.accuracy is None else f", accuracy {record.accuracy:.2%}"
    print(f"run {number} is finished: {record.step} steps in {duration(record.seconds)}{accuracy}")
    if record.diverged_at is not None:
        print(f"its loss is no number from step {record.diverged_at} on: a smaller --max-lr may help")
    print(f"kept in {record.run}")
    print(f"to see it: convtui, then 5, or convtui render train.svg --screen train --run {number}")


def print_runs(runs: Sequence[Run]) -> None:
    """The kept runs, oldest first."""
    if not runs:
        print("no run is kept yet; convtui train begins one")
        return
    rows = []
    for run in runs:
        record = Record.of_run(run, outline=True)
        accuracy = "" if record.accuracy is None else f"{record.accuracy:.2%}"
        state = record.state.value
        if record.begun and record.state is not State.FINISHED:
            state += f" at {record.step}/{record.total_steps}"
        rows.append((run.number, f"{run.began:%Y-%m-%d %H:%M}", recipe_words(run.recipe), state, accuracy))
    _print_table(("run", "begun", "recipe", "state", "accuracy"), rows, left=("recipe", "state"))


def _is_on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()  # it is None where it was closed


def duration(seconds: float) -> str:
    """3.2 s, 4:05 or 1:04:05."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _figures(record: Record, epoch: Epoch) -> tuple[str, str, str, str, str]:
    before = max((each.seconds for each in record.epochs if each.epoch < epoch.epoch), default=0.0)
    losses = f"{epoch.train_loss:.4f}", f"{epoch.validation_loss:.4f}"
    return (
        f"{epoch.epoch}/{record.recipe.epochs}",
        *losses,
        f"{epoch.accuracy:.2%}",
        duration(epoch.seconds - before),
    )


def _print_line(record: Record, event: Message) -> None:
    if isinstance(event, Epoch):
        names = "epoch {}  train loss {}  validation loss {}  accuracy {}  time {}"
        print(names.format(*_figures(record, event)), flush=True)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ()) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name not in left)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


@contextmanager
def _bar(record: Record) -> Iterator[Report]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, expand=True, transient=True) as progress:
        task = progress.add_task("starting PyTorch", total=None, figures="")

        def report(event: Message) -> None:
            if isinstance(event, Begun):
                progress.update(task, description="", total=event.total_steps, completed=event.step)
            elif isinstance(event, Step):
                progress.update(
                    task,
                    description=f"epoch {event.epoch}/{record.recipe.epochs}",
                    completed=event.step,
                    figures=_present(record, event),
                )

        yield report


def _present(record: Record, step: Step) -> str:
    """The figures of this step, each of a fixed width."""
    total = record.total_steps
    speed = "" if record.speed is None else f"{record.speed:4.0f} steps/s"
    left = "" if record.seconds_left is None else f"{duration(record.seconds_left):>6} left"
    return f"{step.step:>{len(str(total))}}/{total}  loss {step.loss:7.4f}  lr {step.lr:.1e}  {speed}  {left}"
