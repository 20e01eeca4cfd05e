"""The figures of poolings and of transposed convolutions are what PyTorch computes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.lessons.expressions import ExpressionError, Value, evaluated
from convtui.lessons.figures import Seen
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import OtherOperation
from convtui.state.session import Session
from tests.engine.test_pooling import PoolCase
from tests.engine.test_pooling import legal_cases as legal_poolings
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as legal_transposed
from tests.support.example_sessions import picture_of
from tests.support.lessons import seen_of


def seen_with(operation: OtherOperation, index: int = 0) -> Seen:
    """A session in which an operation is at a cell."""
    session = Session.start(picture_of(operation.image), KernelChoice("identity"), size=1)
    return Seen(replace(session, chosen_operation=operation).at(index))


def figure(seen: Seen, text: str) -> Value:
    return evaluated(text, seen)


def number(seen: Seen, text: str) -> float:
    value = figure(seen, text)
    assert isinstance(value, int | float)
    return value


@given(legal_poolings(), st.data())
def test_poolings(case: PoolCase, data: st.DataObject) -> None:
    expected = case.expected
    index = data.draw(st.integers(0, expected.size - 1))
    seen, at = seen_with(case.ours, index), tuple(map(int, np.unravel_index(index, expected.shape)))
    close = pytest.approx
    assert figure(seen, "output.shape") == expected.shape
    assert figure(seen, "output.count") == expected.size
    assert [figure(seen, f"output.{each}") for each in ("min", "max")] == close(
        [expected.min(), expected.max()]
    )
    assert figure(seen, "at") == at
    assert figure(seen, "value") == close(expected[at])
    assert figure(seen, "operation") == case.name.replace("_", "").removesuffix("2d")
    assert figure(seen, "[parameters, multiply_adds]") == (0, 0)


@given(legal_poolings(), st.data())
def test_gradients_of_poolings(case: PoolCase, data: st.DataObject) -> None:
    image = torch.tensor(case.image, requires_grad=True)
    output = case.by_torch(image)
    assume(bool(output.isfinite().all()))  # PyTorch's gradient is none where a window has no pixel
    index = data.draw(st.integers(0, output.numel() - 1))
    seen = seen_with(case.ours, index)
    output.flatten()[index].backward(retain_graph=True)
    assert image.grad is not None
    of_cell = image.grad[seen.session.position[0]].numpy().copy()
    assert figure(seen, "gradient.count") == np.count_nonzero(of_cell)
    step = case.ours.step(index)
    for i, row in enumerate(step.source_rows):
        for j, column in enumerate(step.source_columns):
            reached = of_cell[row, column] if row >= 0 and column >= 0 else 0
            assert figure(seen, f"gradient[{i}, {j}]") == pytest.approx(reached)
    if "max" in case.name and of_cell.any():
        assert figure(seen, "winner") == tuple(np.argwhere(of_cell)[0])
        assert figure(seen, "[winner.row, winner.column]") == figure(seen, "winner")
        assert figure(seen, "window.max") == figure(seen, "value")
    if "avg" in case.name and of_cell.any():
        assert number(seen, "divisor") == pytest.approx(1 / of_cell[np.nonzero(of_cell)][0])
        assert number(seen, "window.sum / divisor") == pytest.approx(number(seen, "value"))
        assert number(seen, "window.mean") == pytest.approx(
            case.image[seen.session.position[0]][of_cell != 0].mean()
        )
    image.grad = None
    output.sum().backward()
    assert image.grad is not None
    c, r, q = (data.draw(st.integers(0, size - 1)) for size in case.image.shape)
    assert figure(seen, f"pixel[{c}, {r}, {q}].gradient") == pytest.approx(image.grad[c, r, q].item())


@given(legal_transposed, st.data())
def test_transposed_convolutions(case: TransposedCase, data: st.DataObject) -> None:
    image = torch.tensor(case.image)
    expected = case.by_torch(image).numpy()
    transposed = case.ours
    index = data.draw(st.integers(0, expected.size - 1))
    seen, close = seen_with(Gathering(transposed), index), pytest.approx
    assert figure(seen, "[operation == 'convtranspose', way == 'gather']") == (True, True)
    assert figure(seen, "output.shape") == expected.shape
    assert figure(seen, "value") == close(expected.flatten()[index], abs=1e-9)
    assert figure(seen, "[output.min, output.max]") == close((expected.min(), expected.max()), abs=1e-9)
    rows, columns = case.weight.shape[2:]
    layer = torch.nn.ConvTranspose2d(
        len(case.image),
        len(expected),
        (rows, columns),
        groups=case.parameters["groups"],
        bias=case.bias is not None,
    )
    assert figure(seen, "parameters") == sum(each.numel() for each in layer.parameters())
    assert figure(seen, "weight.shape") == tuple(layer.weight.shape)
    ones = torch.ones(1, 1, *case.image.shape[1:], dtype=torch.float64)
    kernel = torch.ones(1, 1, rows, columns, dtype=torch.float64)
    counts = F.conv_transpose2d(ones, kernel, **{**case.parameters, "groups": 1})[0, 0].numpy()
    _, r, q = seen.session.position
    assert figure(seen, "overlap") == figure(seen, f"overlap[{r}, {q}]") == counts[r, q]


@given(legal_transposed, st.data())
def test_an_input_cell_of_a_transposed_convolution(case: TransposedCase, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, case.image.size - 1))
    alone = np.zeros_like(case.image)
    alone.flat[index] = case.image.flat[index]
    landed = TransposedCase(alone, case.weight, None, case.parameters).by_torch(torch.tensor(alone)).numpy()
    seen = seen_with(Scattering(case.ours), index)
    scatter = case.ours.scatter(index)
    assert figure(seen, "value") == case.image.flat[index]
    assert figure(seen, "way") == "scatter"
    assert figure(seen, "output.shape") == landed.shape
    assert figure(seen, "landed") == np.count_nonzero(landed[scatter.channels[0]])
    assert figure(seen, "products.count") == case.weight[0].size
    for f, i, j in np.ndindex(scatter.addends.shape):
        if not scatter.is_cut[i, j]:
            place = scatter.channels[f], scatter.rows[i], scatter.columns[j]
            assert figure(seen, f"addend[{f}, {i}, {j}]") == pytest.approx(landed[place])


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (2, 3), (5, 2), (5, 3), (1, 1), (3, 1)])
def test_overlaps_far_from_the_border(kernel: int, stride: int) -> None:
    ones, weight = torch.ones(1, 1, 15, 15), torch.ones(1, 1, kernel, kernel)
    counts = F.conv_transpose2d(ones, weight, stride=stride)[0, 0, 6:-6, 6:-6]
    ours = TransposedConvolution(np.ones((1, 15, 15)), weight.numpy(), None, stride)
    seen = seen_with(Gathering(ours))
    assert figure(seen, "[overlap.least, overlap.most]") == (counts.min().item(), counts.max().item())


@given(legal_poolings())
def test_settings_of_poolings(case: PoolCase) -> None:
    assume(not case.name.startswith("adaptive"))
    arguments, seen = case.arguments, seen_with(case.ours)
    stride, dilation = arguments["stride"] or arguments["kernel_size"], arguments.get("dilation", 1)
    rows, columns = _pair(arguments["kernel_size"])
    assert figure(seen, "[kernel.rows, kernel.columns]") == (rows, columns)
    assert _pair(figure(seen, "stride")) == _pair(stride)
    assert _pair(figure(seen, "dilation")) == _pair(dilation)
    spans = [d * (k - 1) + 1 for d, k in zip(_pair(dilation), (rows, columns), strict=True)]
    assert _pair(figure(seen, "span")) == tuple(spans)
    top, left = _pair(arguments["padding"])
    assert figure(seen, "padding") == (top if top == left else (top, top, left, left))


@given(legal_transposed)
def test_settings_of_transposed_convolutions(case: TransposedCase) -> None:
    seen = seen_with(Gathering(case.ours))
    for name in ("stride", "output_padding", "dilation"):
        assert _pair(figure(seen, name)) == _pair(case.parameters[name])
    top, left = _pair(case.parameters["padding"])
    assert figure(seen, "padding") == (top if top == left else (top, top, left, left))
    assert figure(seen, "[kernel.rows, kernel.columns]") == case.weight.shape[2:]
    assert number(seen, "multiply_adds") == case.image[0].size * case.weight.size


def _pair(value: Any) -> tuple[int, int]:
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


@pytest.mark.parametrize(
    ("settings", "text", "said"),
    [
        (["operation maxpool 2"], "weight.count", "weight.count: maxpool has no weights"),
        (["operation maxpool 2"], "product[0, 0, 0]", "product: maxpool has no products"),
        (["operation maxpool 2"], "products.count", "products.count: maxpool has no products"),
        (
            ["operation maxpool 2"],
            "divisor",
            "divisor: only an average pooling has a divisor; here is maxpool",
        ),
        (["operation avgpool 2"], "winner.row", "only a max pooling has a winner; here is avgpool"),
        (["operation adaptiveavgpool 2"], "stride", "stride: adaptiveavgpool has windows of several sizes"),
        (["operation maxpool 2"], "gradient[2, 0]", r"gradient: there is no \[2, 0\] here"),
        ([], "winner", "winner: only a pooling has it, such as operation maxpool 2; here is conv"),
        ([], "overlap", "only a transposed convolution has it, such as operation convtranspose 3x3 1 s2"),
        (["operation convtranspose 3x3 1 s2", "way gather"], "landed", "of an input cell it is way scatter"),
        (
            ["operation convtranspose 3x3 1 s2", "way scatter"],
            "overlap",
            "of an output cell it is way gather",
        ),
        (["operation convtranspose 3x3 1 s2", "way scatter"], "window[0, 0, 0]", "it is way gather"),
    ],
)
def test_what_an_operation_has_not_is_refused(settings: list[str], text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as caught:
        figure(seen_of(*settings), text)
    assert str(caught.value).isprintable()


@given(legal_poolings())
def test_the_matrix_of_a_pooling(case: PoolCase) -> None:
    array = case.ours.matrix.toarray()
    seen = seen_with(case.ours)
    assert figure(seen, "[matrix.rows, matrix.columns]") == array.shape
    assert figure(seen, "[matrix.count, matrix.nonzeros]") == (array.size, int(np.count_nonzero(array)))
    assert number(seen, "matrix.places") >= np.count_nonzero(array)


@given(legal_transposed, st.sampled_from([Scattering, Gathering]))
def test_the_matrix_of_a_transposed_convolution(
    case: TransposedCase, way: type[Scattering] | type[Gathering]
) -> None:
    ours = case.ours
    seen = seen_with(way(ours))
    assert figure(seen, "[matrix.rows, matrix.columns]") == (ours.size, case.image.size)
    assert figure(seen, "matrix.places") == np.count_nonzero(ours.weight_matrix.toarray())
