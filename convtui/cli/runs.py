"""`convtui runs`: plots and tables of kept runs as pictures, and their figures as CSV and Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import tell
from convtui.inputs.names import did_you_mean, printable

if TYPE_CHECKING:
    from convtui.export.diagram import Diagram
    from convtui.paint.colours import Palette
    from convtui.paint.plots import Plot
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import Run

    Kept = tuple[Run, RunHistory]

ABOUT: Final = """\
Write a plot or a table of saved runs to a file: a picture, or their figures.
Runs are named by their numbers or folders; several are drawn over one another.
"""
EXAMPLES: Final = """\
what is in the file:
  OUT.svg, OUT.png   the plot, or the table as a picture
  OUT.csv            loss, rate, momentum: the figures of every step;
                     accuracy: those of every epoch; table: a line a run.
                     All digits that are known; what is not known is empty
  OUT.md             the table of runs; with accuracy, the table of epochs

examples:
  convtui runs loss.svg 7
  convtui runs compared.png 5 6 7 --show accuracy --theme light
  convtui runs steps.csv 7
  convtui runs epochs.csv 5 6 7 --show accuracy
  convtui runs all.md
"""
SHOWN: Final = ("loss", "accuracy", "rate", "momentum", "table")
PICTURES: Final = (".svg", ".png")
SUFFIXES: Final = (*PICTURES, ".csv", ".md")
MOST: Final = 4  # runs that a plot tells apart

STEP_FIGURES: Final = ("run", "step", "epoch", "loss", "smoothed_loss", "lr", "momentum", "seconds")
EPOCH_FIGURES: Final = (
    "run",
    "epoch",
    "step",
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "accuracy",
    "seconds",
)
RUN_FIGURES: Final = (
    "run",
    "begun",
    "state",
    "diverged_at",
    "epochs_done",
    "step",
    "seconds",
    "validation_loss",
    "train_accuracy",
    "accuracy",
)
HEADERS: Final = (
    *(",".join(each) for each in (STEP_FIGURES, EPOCH_FIGURES, RUN_FIGURES)),
    "| run | ",
)  # how a file begins that may be replaced


def runs(arguments: Sequence[str]) -> int:
    """Do what `convtui runs` is asked and return its exit code. Raises ValueError for what is refused."""
    options = parser().parsed(arguments)
    out = Path(options.out)
    suffix = out.suffix.lower()
    shown = options.show or ("table" if suffix == ".md" else "loss")
    _require(out, shown)
    if options.log and (shown != "loss" or suffix not in PICTURES):
        raise ValueError("--log: only the plot of losses can have a logarithmic axis")
    kept = _named(options.runs) if options.runs else _not_named(shown)
    if suffix in PICTURES:
        _write_picture(kept, out, shown, options.log, options.theme == "dark")
    else:
        from convtui.inputs.atomic import write_given

        told = {".csv": _csv, ".md": _markdown}[suffix]
        write_given(out, told(kept, shown).encode())
    return 0


def _require(out: Path, shown: str) -> None:
    """Raise ValueError unless that may be written there."""
    name, suffix = printable(str(out)), out.suffix.lower()
    if shown not in SHOWN:
        close = did_you_mean(shown, SHOWN) or f"; it is one of {', '.join(SHOWN)}"
        raise ValueError(f"--show {printable(shown)}: there is no such plot or table{close}")
    if suffix not in SUFFIXES:
        raise ValueError(f"{name}: the name must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if suffix == ".md" and shown not in ("table", "accuracy"):
        raise ValueError(f"--show {shown}: a .md file has a table of runs or, with accuracy, of epochs")
    if suffix in PICTURES:
        from convtui.export.files import STILLS, require_writable

        require_writable(out, STILLS)
        return
    if not out.parent.is_dir():
        raise ValueError(f"{name}: the folder {printable(str(out.parent))} does not exist")
    if out.exists() and not (out.is_file() and _is_ours(out)):
        raise ValueError(f"{name}: not written by convtui runs, so not replaced; choose another file name")


def _is_ours(file: Path) -> bool:
    with suppress(OSError), file.open("rb") as content:
        begin = content.read(200)
        return not begin or begin.startswith(tuple(each.encode() for each in HEADERS))
    return False


def _named(texts: Sequence[str]) -> list[Kept]:
    """The runs that are named, each once. Raises RunError for one that is not there."""
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import find_run

    found = {str(run.path): run for run in map(find_run, texts)}
    kept = [(run, RunHistory.of_run(run)) for run in found.values()]
    for run, history in kept:
        if history.left_out:
            tell(f"convtui: run {run.number}: {history.left_out}")
    return kept


def _not_named(shown: str) -> list[Kept]:
    """All runs for a table of them, else the last that has made a step. Raises ValueError for none."""
    from convtui.cli.train import kept_runs
    from convtui.training.runs.history import RunHistory

    kept, damages = kept_runs()
    for damage in damages:
        tell(f"convtui: {damage}")
    if shown != "table":
        run = next((run for run, history in reversed(kept) if history.step), None)
        kept = [] if run is None else [(run, RunHistory.of_run(run))]
    if not kept:
        raise ValueError("no run is saved yet; convtui train starts one")
    return kept


# -- pictures


def _write_picture(kept: Sequence[Kept], out: Path, shown: str, is_log: bool, is_dark: bool) -> None:
    from convtui.export.files import write_still
    from convtui.paint.colours import DARK, LIGHT

    palette = DARK if is_dark else LIGHT
    write_still(_table(kept, palette) if shown == "table" else _plotted(kept, shown, is_log, palette), out)


def _table(kept: Sequence[Kept], palette: Palette) -> Diagram:
    from convtui.export.plot_diagram import table_diagram

    names, rows = _told(kept)
    return table_diagram("saved runs", names, rows, ("begun", "recipe", "state"), palette)


def _told(kept: Sequence[Kept]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the runs as they are told."""
    from convtui.cli.train_report import told_of

    told = [told_of(run, history, False) for run, history in kept]
    return [*told[0]], [[*each.values()] for each in told]


def _plotted(kept: Sequence[Kept], shown: str, is_log: bool, palette: Palette) -> Diagram:
    from convtui.export.plot_diagram import plot_diagram
    from convtui.training.recipe_words import recipe_words

    if len(kept) > MOST:
        raise ValueError(f"{len(kept)} runs are too many: a plot tells at most {MOST} apart")
    for run, history in kept:
        if not history.has_curves or not history.step:
            raise ValueError(f"run {run.number}: it has not made a step; there is nothing to plot")
    histories = [history for _, history in kept]
    about = ""
    if len(kept) == 1:
        (run, history), *_ = kept
        about = f"run {run.number} · {recipe_words(run.recipe, rates=history.rates_used)}"
        if history.is_diverged:
            about += f" · diverged at step {history.diverged_at}"
    return plot_diagram(_PLOTS[shown](histories, is_log), about, palette)


def _loss(histories: Sequence[RunHistory], is_log: bool) -> Plot:
    from convtui.pages.train import plots, run_figures

    curves = [run_figures.curves(history, colour) for colour, history in enumerate(histories)]
    return plots.marked(plots.loss_plot(curves, is_log), run_figures.times_of_all(histories))


def _accuracy(histories: Sequence[RunHistory], is_log: bool) -> Plot:
    """On the page the legend of its curves is beside the losses; here they need names of their own."""
    from convtui.pages.train import plots, run_figures

    del is_log
    curves = [run_figures.curves(history, colour) for colour, history in enumerate(histories)]
    plot = plots.marked(plots.accuracy_plot(curves), run_figures.times_of_all(histories))
    names: dict[int | None, str]
    names = {each.colour: each.name for each in curves} if len(curves) > 1 else {1: "validation set"}
    series = []
    for each in plot.series:
        is_shown = bool(each.marker) and not each.name
        series.append(replace(each, name=names.pop(each.colour, "")) if is_shown else each)
    return replace(plot, series=tuple(series))


def _schedule(name: str) -> Callable[[Sequence[RunHistory], bool], Plot]:
    """The rate or the momentum of all steps, those to come included."""

    def plotted(histories: Sequence[RunHistory], is_log: bool) -> Plot:
        from convtui.pages.train import plots, run_figures

        del is_log
        made = {"rate": plots.rate_plot, "momentum": plots.momentum_plot}[name]
        each = [made(run_figures.schedule_of(history)) for history in histories]
        if len(each) == 1:
            return plots.marked(each[0], run_figures.times_of_all(histories))
        series = tuple(
            replace(plot.series[0], name=run_figures.curve_name(history), colour=colour)
            for colour, (plot, history) in enumerate(zip(each, histories, strict=True))
        )
        ends = [plot.x_range[1] for plot in each if plot.x_range]
        tops = [plot.y_range[1] for plot in each if plot.y_range]
        y_range = (0.0, max(tops)) if tops else None
        title = "learning rate" if name == "rate" else "momentum (beta1 of AdamW)"
        return replace(each[0], title=title, series=series, x_range=(0, max(ends)), y_range=y_range, marks=())

    return plotted


_PLOTS: Final[Mapping[str, Callable[[Sequence[RunHistory], bool], Plot]]] = {
    "loss": _loss,
    "accuracy": _accuracy,
    "rate": _schedule("rate"),
    "momentum": _schedule("momentum"),
}


# -- figures


def step_rows(kept: Sequence[Kept]) -> list[list[str]]:
    """The figures of every step of every run, to all digits, in the order of STEP_FIGURES."""
    names = ("step", "epoch", "loss", "smooth", "lr", "momentum", "seconds")
    rows = []
    for run, history in kept:
        columns = [history.steps[name].tolist() for name in names]
        rows += [
            [run.number, str(int(step)), str(int(epoch)), *map(_digits, figures)]
            for step, epoch, *figures in zip(*columns, strict=True)
        ]
    return rows


def epoch_rows(kept: Sequence[Kept]) -> list[list[str]]:
    """The figures of every epoch of every run, to all digits, in the order of EPOCH_FIGURES."""
    return [
        [run.number, *(_digits(getattr(epoch, name)) for name in EPOCH_FIGURES[1:])]
        for run, history in kept
        for epoch in history.epochs
    ]


def run_rows(kept: Sequence[Kept]) -> list[list[str]]:
    """How each run came out, in the order of RUN_FIGURES, then its recipe."""
    rows = []
    for run, history in kept:
        last = history.last
        figures: tuple[Any, ...] = (
            run.number,
            run.began.isoformat(),
            "diverged" if history.is_diverged else history.state.value,
            history.diverged_at,
            max((epoch.epoch for epoch in history.epochs), default=0),
            history.step,
            history.seconds,
            last.validation_loss if last else None,
            history.train_accuracy,
            history.accuracy,
        )
        rows.append([_digits(each) for each in (*figures, *asdict(run.recipe).values())])
    return rows


def _digits(value: object) -> str:
    """A figure to all of its digits, as Python reads it back; "" for what is not known."""
    match value:
        case None:
            return ""
        case tuple() | list():
            return ",".join(map(str, value))
        case float() if not isfinite(value):
            return str(value)
    return repr(value) if isinstance(value, float) else str(value)


def _csv(kept: Sequence[Kept], shown: str) -> str:
    """RFC 4180, with a header."""
    from convtui.training.recipe import Recipe

    names: Sequence[str]
    if shown == "table":
        names, rows = (*RUN_FIGURES, *Recipe.__dataclass_fields__), run_rows(kept)
    elif shown == "accuracy":
        names, rows = EPOCH_FIGURES, epoch_rows(kept)
    else:
        names, rows = STEP_FIGURES, step_rows(kept)
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def _markdown(kept: Sequence[Kept], shown: str) -> str:
    """A table of GitHub-flavoured Markdown."""
    from convtui.export.markdown import escaped

    names, rows = _told(kept) if shown == "table" else _told_epochs(kept)
    rule = [":--" if name in ("begun", "recipe", "state") else "--:" for name in names]
    lines = [[*names], rule, *([escaped(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _told_epochs(kept: Sequence[Kept]) -> tuple[list[str], list[list[str]]]:
    from convtui.cli.train_report import EPOCH_COLUMNS, epoch_told

    rows = [[run.number, *epoch_told(history, each)] for run, history in kept for each in history.epochs]
    return ["run", *EPOCH_COLUMNS], rows


def parser() -> Parser:
    """The file, the runs, and what of them."""
    made = Parser(
        prog="convtui runs",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui runs OUT [RUN ...] [options]",
    )
    made.add_argument("out", metavar="OUT", help="the file to write: .svg, .png, .csv or .md")
    made.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        help="saved runs (default: the last one; for a table of runs, all)",
    )
    made.add_argument(
        "--show",
        metavar="WHAT",
        help="loss, accuracy, rate, momentum, or table, the runs and how they came out (default: loss; of "
        "OUT.md table)",
    )
    made.add_argument("--log", action="store_true", help="losses on a logarithmic axis")
    made.add_argument(
        "--theme", choices=("dark", "light"), default="dark", help="dark or light (default: dark)"
    )
    return made
