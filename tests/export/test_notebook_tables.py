"""What a notebook and rich show of layers, fields and norms: the engine's figures, without a style sheet."""

import copy
import pickle
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from convtui import Convolution, TransposedConvolution, kernel, receptive_field
from convtui.engine.batchnorm import BatchNormState
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.norms import SharedMean
from convtui.engine.stack import summarize

LAYERS = "conv 3x3 8 s2 p1, relu, maxpool 2, linear 10"
IMAGE = np.arange(256.0).reshape(1, 16, 16) / 255
SHOWN = {
    "fields": receptive_field("conv 3x3 8 s2 p1, relu, conv 3x3 16 d2"),
    "field": receptive_field("conv 3x3 8 d2")[0],
    "layers": summarize(LAYERS, (1, 16, 16)),
    "maps": FeatureMaps(LAYERS, IMAGE),
    "batch norm": BatchNormState(3, running_mean=np.array([0.5, 0.25, 2.0])),
    "shared": SharedMean.of("group", (2, 6, 4, 4), 3),
}


class Cells(HTMLParser):
    """The cells of the first table, row by row; and all attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.mark.parametrize("name", SHOWN)
def test_text_html_and_rich_tell_the_same(name: str) -> None:
    shown: Any = SHOWN[name]
    bundle = shown._repr_mimebundle_()
    assert {*bundle} == {"text/plain", "text/html"}
    cells = Cells(bundle["text/html"])
    assert not cells.attributes & {"style", "class"} - ({"class"} if name == "maps" else set())
    for row, line in zip(cells.rows, bundle["text/plain"].splitlines()[1:], strict=False):
        assert " ".join(" ".join(row).split()) == " ".join(line.split())
    told = StringIO()
    Console(file=told, width=200).print(shown)
    assert told.getvalue().rstrip("\n") == bundle["text/plain"]


def rows(name: str) -> list[list[str]]:
    shown: Any = SHOWN[name]
    return Cells(shown._repr_mimebundle_()["text/html"]).rows[1:]


def test_the_figures_are_the_engine_s() -> None:
    fields = receptive_field("conv 3x3 8 s2 p1, relu, conv 3x3 16 d2")
    assert [row[2] for row in rows("fields")] == [
        f"{rows}x{columns}" for rows, columns in (f.size for f in fields)
    ]
    assert [int(row[3]) for row in rows("fields")] == [field.pixels for field in fields]
    summary = summarize(LAYERS, (1, 16, 16))
    assert [int(row[3].replace(",", "")) for row in rows("layers")] == [
        row.parameters for row in summary.rows
    ]
    assert rows("layers") == rows("maps")
    assert [row[3] for row in rows("batch norm")] == ["0.5", "0.25", "2"]
    assert dict(rows("shared"))["activations that share one"] == "32"


def test_feature_maps_are_drawn_where_that_is_cheap() -> None:
    html = SHOWN["maps"]._repr_mimebundle_()["text/html"]
    assert "<svg" in html
    assert "[0] of 8" in html
    large = FeatureMaps("conv 3x3 64, conv 3x3 64", np.zeros((3, 128, 128)))
    assert "<svg" not in large._repr_mimebundle_()["text/html"]


def test_fields_are_still_a_tuple() -> None:
    fields = receptive_field("conv 3x3 8")
    assert fields == tuple(fields)
    for other in (copy.copy(fields), pickle.loads(pickle.dumps(fields))):
        assert (other, other.layers) == (fields, fields.layers)


def test_animations_have_all_panes_and_both_ways(tmp_path: Path) -> None:
    image = np.arange(9.0).reshape(1, 3, 3)
    Convolution(image, kernel("top-edge"), padding=1).animate(tmp_path / "a.svg", panes=["image", "matrix"])
    transposed = TransposedConvolution(image, kernel("top-edge"), stride=2)
    transposed.animate(tmp_path / "gather.svg")
    transposed.animate(tmp_path / "scatter.svg", way="scatter")
    drawn = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert "matrix" in drawn["a"]
    assert drawn["gather"] != drawn["scatter"]
    for how, told in (({"way": "both"}, "way 'both'"), ({"panes": ["rows"]}, "sum, matrix")):
        with pytest.raises(ValueError, match=told):
            transposed.animate(tmp_path / "x.svg", **how)
    with pytest.raises(ValueError, match="only a transposed convolution"):
        Convolution(image, kernel("top-edge")).animate(tmp_path / "x.svg", way="scatter")
