"""The figures that a lesson can name are what PyTorch computes; texts are filled in with them."""

import re
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.window_layers import Conv
from convtui.lessons.expressions import ExpressionError, Value, evaluated
from convtui.lessons.figures import (
    INDEXED,
    KNOWN,
    RunFigures,
    Seen,
    UnknownYet,
    filled,
    is_of_a_run,
    shown,
)
from convtui.lessons.judging import judged
from convtui.lessons.trace_figures import OF_OPERATIONS
from convtui.state.session import Session
from tests.engine.cases import Case, legal_cases
from tests.support import batchnorms
from tests.support.example_sessions import session_of, stepped_sessions
from tests.support.lessons import question_of, seen_of
from tests.support.torch_layers import running

RUN = RunFigures("training", 12, 1, 0.98, 0.07, 0.06, 0.985, 0.06, True, "one-cycle", 0.95, 0.01, False)
NO_EPOCH = RunFigures("training", 12, 0, None, None, None, None, 0.06, True, "one-cycle", 0.95, 0.01, False)
SEEN = seen_of()
LENET = "layers lenet-5"
OF_OTHER_OPERATIONS = (
    "winner",
    "divisor",
    "gradient",
    "overlap",
    "landed",
    "output_padding",
    "model.",
    "failed.",
)
OF_PIXELS = ("window.max", "window.sum", "window.mean")  # there may be none in a window


def figure(seen: Seen, text: str) -> Value:
    return evaluated(text, seen)


@given(legal_cases(), st.data())
def test_outputs_and_what_they_are_made_of(case: Case, data: st.DataObject) -> None:
    output = case.computed_by_torch()
    index = data.draw(st.integers(0, output.numel() - 1))
    session = session_of(case).at(index)
    seen = Seen(session)
    o, r, q = (int(at) for at in np.unravel_index(index, tuple(output.shape)))
    assert figure(seen, "output.shape") == tuple(output.shape)
    sizes = figure(seen, "[output.channels, output.rows, output.columns]")
    assert sizes == tuple(output.shape)
    assert figure(seen, "output.count") == output.numel()
    assert figure(seen, "image.shape") == case.image.shape
    assert figure(seen, "weight.shape") == case.weight.shape
    assert figure(seen, "at") == (o, r, q)
    assert figure(seen, "at.step") == index + 1
    close = pytest.approx
    assert figure(seen, "value") == close(output[o, r, q].item(), abs=1e-9)
    assert figure(seen, f"output[{o}, {r}, {q}]") == close(output[o, r, q].item(), abs=1e-9)
    assert figure(seen, "output.max") == close(output.max().item(), abs=1e-9)
    assert figure(seen, "output.min") == close(output.min().item(), abs=1e-9)
    assert figure(seen, "weight[0, 0, 0, 0]") == case.weight[0, 0, 0, 0]
    assert figure(seen, "pixel[0, 0, 0]") == case.image[0, 0, 0]
    sums = sum(float(str(figure(seen, f"slice[{s}].sum"))) for s in range(case.weight.shape[1]))
    assert sums + float(str(figure(seen, "bias"))) == close(output[o, r, q].item(), abs=1e-9)


@given(legal_cases())
def test_counts(case: Case) -> None:
    seen = Seen(session_of(case))
    filters, slices, rows, columns = case.weight.shape
    output = case.computed_by_torch()
    layer = torch.nn.Conv2d(
        len(case.image),
        filters,
        (rows, columns),
        groups=case.parameters["groups"],
        bias=case.bias is not None,
    )
    assert figure(seen, "parameters") == sum(each.numel() for each in layer.parameters())
    assert figure(seen, "weight.count") == layer.weight.numel()
    assert figure(seen, "products.count") == slices * rows * columns
    assert figure(seen, "multiply_adds") == output.numel() * slices * rows * columns
    assert figure(seen, "matrix.rows") == output.numel()
    assert figure(seen, "matrix.columns") == case.image.size
    assert figure(seen, "matrix.count == matrix.rows * matrix.columns") is True


@given(legal_cases().filter(lambda case: case.parameters.get("padding_mode") == "zeros"))
def test_matrix_places_are_those_of_its_derivative(case: Case) -> None:
    """The weight matrix is the output's derivative; with distinct weights, its places are not zero."""
    shape = case.weight.shape
    weight = torch.arange(1.0, 1 + prod(shape), dtype=torch.float64).reshape(shape)
    positive = Case(case.image, weight.numpy(), None, case.parameters)
    derivative = torch.autograd.functional.jacobian(positive.computed_by_torch, torch.tensor(case.image))
    assert isinstance(derivative, torch.Tensor)
    assert figure(Seen(session_of(positive)), "matrix.places") == int(derivative.count_nonzero())


@given(legal_cases().filter(lambda case: case.parameters.get("padding_mode") == "zeros"))
def test_pixels_that_no_window_reads_have_no_gradient(case: Case) -> None:
    ones = Case(case.image, np.ones_like(case.weight), None, case.parameters)
    image = torch.tensor(case.image, requires_grad=True)
    ones.computed_by_torch(image).sum().backward()
    assert image.grad is not None
    is_read = image.grad[0] != 0
    seen = Seen(session_of(case))
    rows, columns = is_read.any(1), is_read.any(0)
    if rows.any():
        assert figure(seen, "unread.rows") == int((~rows).sum())
        assert figure(seen, "unread.columns") == int((~columns).sum())


def test_layers_and_their_fields() -> None:
    seen = seen_of("layers conv 3x3 4 s2, relu, conv 3x3 8 p1, maxpool 2", image="mnist-7")
    modules = [
        torch.nn.Conv2d(1, 4, 3, 2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 8, 3, padding=1),
        torch.nn.MaxPool2d(2),
    ]
    assert figure(seen, "layers.count") == len(modules)
    maps = torch.zeros(1, 28, 28)
    for number, module in enumerate(modules, start=1):
        maps = module(maps)
        assert figure(seen, f"layer[{number}].shape") == tuple(maps.shape)
        parameters = sum(each.numel() for each in module.parameters())
        assert figure(seen, f"layer[{number}].parameters") == parameters
        assert figure(seen, f"layer[{number}].field") == _field(modules[:number])
    assert figure(seen, "network.parameters") == sum(
        each.numel() for module in modules for each in module.parameters()
    )
    selected = figure(seen, "layer")
    assert figure(seen, "layer.shape") == figure(seen, f"layer[{selected}].shape")
    assert figure(seen, "layer.field") == figure(seen, f"layer[{selected}].field")


def _field(modules: list[torch.nn.Module]) -> int:
    """The rows that reach the activation in the middle of a large image, by its gradient."""
    image = torch.rand(1, 64, 64, dtype=torch.float64, requires_grad=True)
    maps: torch.Tensor = image
    for module in modules:
        if isinstance(module, torch.nn.Conv2d):
            ones = torch.ones_like(module.weight, dtype=torch.float64)
            maps = torch.nn.functional.conv2d(maps, ones, stride=module.stride, padding=module.padding)
        elif isinstance(module, torch.nn.MaxPool2d):
            maps = torch.nn.functional.avg_pool2d(maps, module.kernel_size)
        else:
            maps = module(maps)
    _, rows, columns = maps.shape
    maps[0, rows // 2, columns // 2].backward()
    assert image.grad is not None
    return int((image.grad[0] != 0).any(1).sum())


def test_multiply_adds_of_a_layer() -> None:
    seen = seen_of(LENET, image="mnist-7")
    for row in seen.session.stack.summary.rows:
        if isinstance(row.layer, Conv):
            _, slices, *size = row.parameter_shapes["weight"]
            expected = prod(row.output_shape) * slices * prod(size)
            assert figure(seen, f"layer[{row.number}].multiply_adds") == expected


@given(stepped_sessions())
def test_every_figure_has_a_value_of_every_session(session: Session) -> None:
    seen = Seen(session)
    for name in set(KNOWN) - set(INDEXED):
        # No edge kernel has the size of this one; the padding repeats pixels in too many ways to count.
        is_of_others = name.startswith((*OF_OTHER_OPERATIONS, *OF_PIXELS))
        if not (is_of_a_run(name) or is_of_others or name.startswith("edge") or name == "matrix.nonzeros"):
            found = figure(seen, name)
            assert shown(found).isprintable()
    with pytest.raises(ExpressionError, match="there is no"):
        figure(seen, "output[99, 99, 99]")


def test_padding_and_stride_are_one_number_or_two() -> None:
    assert figure(seen_of("stride 2", "padding 1"), "[stride, padding]") == (2, 1)
    assert figure(seen_of("stride 2,1"), "stride") == (2, 1)
    assert figure(seen_of("padding 0,1,0,1"), "padding") == (0, 1, 0, 1)
    assert figure(seen_of("padding same"), "padding") == 1


def test_examples_of_indexed_figures_are_right() -> None:
    seen = seen_of("kernel random", "filters 3", LENET, image="mnist-7")
    others = [
        seen_of("operation maxpool 2", image="mnist-7"),
        seen_of("operation convtranspose 3x3 1", "way scatter", image="mnist-7"),
    ]
    for name, (_, example) in INDEXED.items():
        if name in OF_OPERATIONS:  # which have tests of their own
            continue
        of = {"gradient": 0, "pixel.gradient": 0, "addend": 1, "overlap": 1}.get(name)
        figure(seen if of is None else others[of], example)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pixel", r"pixel: needs an index, such as pixel\[0, 4, 18\]"),
        ("stride[0]", "stride: takes no index"),
        ("pixel[0, -1, 0]", r"pixel: there is no \[0, -1, 0\] here; written as pixel\[0, 4, 18\]"),
        ("pixel[0, 9, 0]", r"there is no \[0, 9, 0\] here"),
        ("pixel[0, 9]", r"there is no \[0, 9\] here"),
        ("pixel[0, 0, 10000000000000000000]", r"there is no|whole numbers go up to|cannot be worked out"),
        ("layer[40].shape", r"layer.shape: there is no \[40\] here"),
        ("output.row", "no such figure; did you mean output.rows"),
        ("pixels[0]", "no such figure; did you mean pixel"),
    ],
)
def test_what_is_not_there_is_refused(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as caught:
        figure(seen_of(), text)
    assert str(caught.value).isprintable()


def test_figures_of_a_run_are_unknown_before_there_is_one() -> None:
    seen = seen_of()
    for name in filter(is_of_a_run, KNOWN):
        with pytest.raises(UnknownYet):
            figure(seen, name)
        assert filled(f"It is {{{name}}}.", seen) == "It is –."
    begun = Seen(seen.session, NO_EPOCH)
    assert figure(begun, "run.steps") == 12
    with pytest.raises(UnknownYet):
        figure(begun, "run.accuracy")
    finished = Seen(seen.session, RUN)
    assert filled("{run.accuracy|.1%} after {run.steps} steps: {run.state}", finished) == (
        "98.0% after 12 steps: training"
    )


def test_figures_of_a_batch_norm() -> None:
    session = batchnorms.figures(channel=1).session
    norm = torch.nn.BatchNorm2d(session.norm.weight.size, dtype=torch.float64)
    for seed in range(1, 4):
        measured = batchnorms.measured(session, seed)
        norm(torch.tensor(measured.training.values))
        session = session.next_batch(measured)
    seen = Seen(seen_of().session, batchnorm=session)
    mean, variance = running(norm)
    assert figure(seen, "batchnorm.running_mean") == pytest.approx(mean[1].item())
    assert figure(seen, "batchnorm.running_variance") == pytest.approx(variance[1].item())
    assert figure(seen, "[batchnorm.gamma, batchnorm.beta]") == (1, 0)
    assert figure(seen, "[batchnorm.channel, batchnorm.batch, batchnorm.batch_size]") == (
        1,
        session.number,
        6,
    )
    assert figure(seen, "batchnorm.training") is True
    assert figure(seen, "batchnorm.norm") == "batch"
    assert figure(Seen(seen_of().session, batchnorm=session.with_groups(2)), "batchnorm.norm") == "group"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{output.rows} rows", "3 rows"),
        ("{output.shape}", "[1, 3, 3]"),
        ("{{braces}} and {stride}", "{braces} and 1"),
        ("{1/9}", "0.1111"),
        ("{1/9|.2f} {1/4|.0%} {1234.5|,.1f} {12345|,f}", "0.11 25% 1,234.5 12,345.000000"),
        ("{0 - 3} {0 - 0.5|.1f}", "−3 −0.5"),
        ("{1437}", "1,437"),
        ("{[1437, 2]}", "[1437, 2]"),
        ("{[0.5, 1234567]}", "[0.5, 1234567]"),
        ("{stride == 1}, {stride == 2}", "yes, no"),
        ("{kernel.name}", "top-edge"),
        ("", ""),
        ("}}{{", "}{"),
    ],
)
def test_texts_are_filled_in(text: str, expected: str) -> None:
    assert filled(text, seen_of()) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{stride", "a brace without its end"),
        ("stride}", "a brace without its beginning"),
        ("{}", "not an expression"),
        ("{nothing}", "no such figure"),
        ("{1|99999999999d}", "no form of numbers"),
        ("{1|>9999999f}", "no form of numbers"),
        ("{1|.2}", "no form of numbers"),
        ("{1|}", "no form of numbers"),
        ("{kernel.name|.2f}", "only a number has a form"),
        ("{image.shape|.2f}", "only a number has a form"),
        ("{stride == 1|.2f}", "only a number has a form"),
    ],
)
def test_texts_that_cannot_be_filled_in(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        filled(text, seen_of())


@given(st.text("{}|. abstride0123%f[],\n", max_size=40))
def test_any_text_is_filled_in_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        filled(text, SEEN)
    except ExpressionError as error:
        said = str(error)
    assert re.fullmatch(r"[^\n]*", said)


@given(st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9))
def test_numbers_are_shown_as_they_can_be_answered(number: float) -> None:
    question = question_of(f"answer = {number!r}\nfigure = 'stride'\ntolerance = {abs(number) / 1000 + 1e-4}")
    assert judged(question, shown(number), SEEN).is_right
