"""What is said of the user's own network on the Layers page."""

import numpy as np

from convtui.engine.graph.operation import Graph, Op, Source, Tensor
from convtui.engine.graph.reads import All, Pointwise, Window
from convtui.pages.layers.model_figures import seen_by
from convtui.pages.layers.model_labels import field_line, not_finite_line, reads_line
from convtui.tracing.traced import Trace


def test_values_that_are_no_numbers_are_told() -> None:
    output = np.array([[1.0, np.nan], [np.inf, 0.0]])
    assert not_finite_line(output) == "2 of 4 values are not finite (nan or inf); they are drawn as 0"
    assert not_finite_line(np.ones(3)) == not_finite_line(None) == ""


def test_a_tensor_that_is_read_several_times_is_told_once() -> None:
    given, other = Tensor((1, 4, 8), "float32"), Tensor((1, 4), "float32")
    image = Op(0, "input", (given, other))
    twice = Op(1, "mul", (given,), (Source(0), Source(0)), ((), ()))
    attention = Op(2, "attention", (given,), (Source(1), Source(1), Source(0, 1), Source(1)), ((),) * 4)
    graph = Graph((image, twice, attention), names=("x", "mask"))
    assert reads_line(twice, graph) == "reads 1x4x8 from input 1 (x) twice"
    assert reads_line(attention, graph) == "joins 1x4x8 from 1 mul 3 times and 1x4 from input 2 (mask)"


def test_a_volume_is_seen_in_rows_and_columns_of_some_of_its_slices() -> None:
    sizes = (1, 2, 6, 8, 8)
    window = tuple(Window(axis, 3, 1, 1) for axis in (2, 3, 4))
    conv = Op(
        1,
        "conv3d",
        (Tensor((1, 3, 6, 8, 8), "float32"),),
        (Source(0),),
        ((((Pointwise(0), All(), *window),)),),
    )
    graph = Graph((Op(0, "input", (Tensor(sizes, "float32"),)), conv), outputs=(Source(1),))
    row = Trace(graph).rows[1]
    place = (6 + 4, 0, 5)  # of the second filter, in the fifth slice
    seen = seen_by(row, place)
    assert (seen.slices, seen.rows, seen.columns) == ((3, 5), (0, 1), (4, 6))
    assert field_line(row, place, 1.0, seen).endswith("sees 3x2x3 of the input: 3-5, 0-1, 4-6")
