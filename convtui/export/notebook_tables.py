"""What a notebook shows of layers, receptive fields and norms: a table as text and plain HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from math import prod
from typing import Final, TypeAlias

from convtui.engine.batchnorm import BatchNormState
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.memory import memory_text
from convtui.engine.norms import SharedMean
from convtui.engine.receptive import ReceptiveField
from convtui.engine.spec import Floats
from convtui.engine.stack import Fields, Row, Summary
from convtui.engine.words import counted
from convtui.export.words import shape_text

MOST_CHANNELS: Final = 64  # of a norm, a line each
CHEAP: Final = 20_000_000  # multiply-adds that are spent on the pictures of feature maps
MOST_MAPS: Final = 4

Tabled: TypeAlias = ReceptiveField | Fields | Summary | FeatureMaps | BatchNormState | SharedMean


@dataclass(frozen=True)
class Table:
    """Columns of which those named in `left` are words, with a line above and lines below."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Aligned columns."""
        widths = [max(map(len, column)) for column in zip(self.names, *self.rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if name in self.left else cell.rjust(width)
                for cell, name, width in zip(row, self.names, widths, strict=True)
            ).rstrip()
            for row in (self.names, *self.rows)
        ]
        return "\n".join(
            [self.title, *(f"  {line}" for line in lines), *(f"  {each}" for each in self.notes)]
        )

    @property
    def html(self) -> str:
        """With attributes alone, as some viewers remove style sheets."""
        sides = ["left" if name in self.left else "right" for name in self.names]

        def line(cells: Sequence[str], tag: str) -> str:
            each = (
                f'<{tag} align="{side}">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )
            return f"<tr>{''.join(each)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        notes = "".join(f"<p>{escape(each)}</p>" for each in self.notes)
        head = f"<thead>{line(self.names, 'th')}</thead>"
        return f"<p>{escape(self.title)}</p><table>{head}<tbody>{body}</tbody></table>{notes}"


def table_of(shown: Tabled) -> Table:
    """The table of what the API returns."""
    match shown:
        case ReceptiveField():
            return _field(shown)
        case Fields():
            return _fields(shown)
        case Summary():
            return _layers(shown, "layers")
        case FeatureMaps():
            drawn = f"weights that are not given are drawn with seed {shown.seed}"
            return _layers(shown.summary, "feature maps", drawn)
        case BatchNormState():
            return _batch_norm(shown)
        case SharedMean():
            return _shared_mean(shown)


def maps_to_draw(maps: FeatureMaps) -> list[tuple[str, Floats]]:
    """The image and the first layers that have maps, with their titles; none where they would take long."""
    summary = maps.summary
    cells = sum(prod(row.output_shape) for row in summary.rows)
    if summary.multiply_adds + cells > CHEAP:
        return []
    rows = [row for row in summary.rows if len(row.output_shape) == 3 and not row.branch]
    return [(_map_title(row), maps.activations(row.number)[0]) for row in islice(rows, MOST_MAPS + 1)]


def _map_title(row: Row) -> str:
    channels = f" [0] of {row.output_shape[0]}" if row.output_shape[0] > 1 else ""
    return f"{row.number} {row.layer.title}{channels}" if row.number else f"image{channels}"


def _layers(summary: Summary, title: str, *notes: str) -> Table:
    rows = [
        (
            str(row.number),
            row.layer.title,
            shape_text(row.output_shape),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            _size(row.field),
        )
        for row in summary.rows
    ]
    total = (
        f"{counted(summary.parameters, 'parameter')}, "
        f"{counted(summary.multiply_adds, 'multiply-add')} for one image, "
        f"{memory_text(summary.memory)} of outputs in float32"
    )
    trouble = (str(summary.error),) if summary.error else ()
    names = ("#", "layer", "output", "parameters", "multiply-adds", "field")
    return Table(title, names, tuple(rows), ("layer", "output"), (total, *notes, *trouble))


def _size(field: ReceptiveField) -> str:
    return f"{'≤ ' * field.is_bound}{shape_text(field.size)}"


def _fields(fields: Fields) -> Table:
    layers = fields.layers or ("",) * len(fields)
    rows = [
        (str(at), layer, _size(field), _pixels(field), _pair(field.jump), _pair(field.start))
        for at, (layer, field) in enumerate(zip(layers, fields, strict=True), 1)
    ]
    notes = [f"{at}: {field.misaligned}" for at, field in enumerate(fields, 1) if field.misaligned]
    names = ("#", "layer", "size", "pixels read", "jump", "start")
    return Table("receptive fields", names, tuple(rows), ("layer",), tuple(notes))


def _field(field: ReceptiveField) -> Table:
    rows = tuple(
        (name, f"{'≤ ' * axis.is_bound}{axis.size}", f"{axis.jump:g}", f"{axis.start:g}")
        for name, axis in (("rows", field.rows), ("columns", field.columns))
    )
    notes = (f"{_pixels(field)} pixels read", *([field.misaligned] if field.misaligned else []))
    return Table("ReceptiveField", ("axis", "size", "jump", "start"), rows, ("axis",), notes)


def _pixels(field: ReceptiveField) -> str:
    return "unknown" if field.pixels is None else f"{field.pixels:,}"


def _pair(pair: tuple[float, float]) -> str:
    return ", ".join(f"{each:g}" for each in pair)


def _batch_norm(state: BatchNormState) -> Table:
    columns = (state.weight, state.bias, state.running_mean, state.running_var)
    rows = tuple(
        (str(at), *(f"{value:.6g}" for value in values))
        for at, values in enumerate(
            islice(zip(*(each.tolist() for each in columns), strict=True), MOST_CHANNELS)
        )
    )
    momentum = "none: the average of all batches" if state.momentum is None else f"{state.momentum:g}"
    left_out = state.num_features - len(rows)
    notes = [f"eps {state.eps:g}, momentum {momentum}, batches tracked {state.num_batches_tracked}"]
    if left_out:
        notes.append(f"and {left_out:,} channels more")
    mode = "training" if state.training else "evaluation"
    names = ("channel", "weight", "bias", "running mean", "running variance")
    return Table(f"BatchNorm2d({state.num_features}), {mode} mode", names, rows, (), tuple(notes))


def _shared_mean(shared: SharedMean) -> Table:
    images, channels = shared.sets
    rows = (
        ("activations", shape_text(shared.shape)),
        ("means", f"{images * channels:,}"),
        ("activations that share one", f"{shared.count:,}"),
        ("of images", f"{shared.shape[0] if shared.over_images else 1:,}"),
        ("of channels", f"{shared.channels:,}"),
    )
    return Table("SharedMean", ("what", "how many"), rows, ("what",))
