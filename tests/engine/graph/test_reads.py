"""Reads are what PyTorch's functions do to the cells, whatever the settings; masks follow from them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, NotKnown, fields
from convtui.engine.graph.operation import Source
from convtui.engine.graph.reads import All, Gather, Grouped, Merge, Unknown, Window, back, hull
from convtui.tracing.process.tracer import follow
from tests.support.gradients import Calls, agrees

SIZES = st.integers(1, 9)


@settings(max_examples=25)
@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    rows, columns = data.draw(st.tuples(SIZES, SIZES))
    groups = data.draw(st.integers(1, 3))
    kernel, stride = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 3))), data.draw(st.integers(1, 4))
    padding, dilation = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 3))
    weight = torch.rand(2 * groups, 2, *kernel, dtype=torch.float64) + 0.1
    agrees(
        lambda x, w: F.conv2d(x, w, None, stride, padding, dilation, groups),
        (1, 2 * groups, rows, columns),
        4,
        weight,
    )


@settings(max_examples=25)
@given(st.data())
def test_transposed_convolutions(data: st.DataObject) -> None:
    size, stride = data.draw(SIZES), data.draw(st.integers(1, 4))
    kernel, padding = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 2))
    extra, dilation = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 3))
    groups = data.draw(st.integers(1, 2))
    weight = torch.rand(2 * groups, 2, kernel, dtype=torch.float64) + 0.1
    agrees(
        lambda x, w: F.conv_transpose1d(x, w, None, stride, padding, extra, groups, dilation),
        (1, 2 * groups, size),
        6,
        weight,
    )


@settings(max_examples=25)
@given(SIZES, st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.booleans())
def test_pools(size: int, kernel: int, stride: int, padding: int, ceil: bool) -> None:
    agrees(lambda x: F.avg_pool1d(x, kernel, stride, padding, ceil), (1, 2, size))


@settings(max_examples=25)
@given(SIZES, SIZES, st.sampled_from(["linear", "nearest", "area", "nearest-exact"]), st.booleans())
def test_interpolation(size: int, to: int, mode: str, corners: bool) -> None:
    align = corners if mode == "linear" else None
    agrees(lambda x: F.interpolate(x, size=to, mode=mode, align_corners=align), (1, 1, size), 12)


@settings(max_examples=25)
@given(SIZES, st.floats(0.3, 4), st.sampled_from(["bilinear", "nearest"]))
def test_interpolation_by_a_factor(size: int, factor: float, mode: str) -> None:
    agrees(lambda x: F.interpolate(x, scale_factor=factor, mode=mode), (1, 1, size, 5), 12)


@settings(max_examples=25)
@given(
    SIZES,
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from(["constant", "reflect", "replicate", "circular"]),
)
def test_padding(size: int, before: int, after: int, mode: str) -> None:
    agrees(lambda x: F.pad(x, (before, after), mode), (1, 2, size), 12)


@settings(max_examples=25)
@given(SIZES, SIZES)
def test_adaptive_pools(size: int, to: int) -> None:
    agrees(lambda x: F.adaptive_avg_pool1d(x, to), (1, 2, size), 12)


CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "flatten": lambda x: x.flatten(1),
    "flatten some": lambda x: x.flatten(1, 2),
    "view": lambda x: x.view(1, 2, 2, 6, 6),
    "reshape": lambda x: x.permute(0, 2, 3, 1).reshape(1, 36, 4),
    "unflatten": lambda x: x.unflatten(2, (2, 3)),
    "permute": lambda x: x.permute(0, 3, 1, 2),
    "transpose": lambda x: x.transpose(1, -1),
    "mT": lambda x: x.mT,
    "movedim": lambda x: torch.movedim(x, 1, 3),
    "slices": lambda x: x[:, 1:3, ::2, 1:-1],
    "select": lambda x: x[0, :, 2],
    "new axis": lambda x: x[:, None, ..., 3],
    "index": lambda x: x[:, [2, 0, 2]],
    "index of rows": lambda x: x[:, :, torch.tensor([5, 1])],
    "squeeze": lambda x: x.squeeze(0),
    "unsqueeze": lambda x: x.unsqueeze(2),
    "expand": lambda x: x[:, :1].expand(-1, 3, -1, -1),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "repeat_interleave": lambda x: x.repeat_interleave(2, 3),
    "flip": lambda x: x.flip(2),
    "roll": lambda x: x.roll((1, 2), (2, 3)),
    "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
    "chunk": lambda x: x.chunk(2, 1)[1],
    "split": lambda x: x.split([1, 3], 1)[1],
    "unbind": lambda x: x.unbind(2)[3],
    "cat": lambda x: torch.cat([x, x[:, :2], x * 0.5], 1),
    "cat of rows": lambda x: torch.cat([x[:, :, :2], x], dim=2),
    "stack": lambda x: torch.stack([x, x.flip(3)], 2),
    "broadcast": lambda x: x + x[:, :1, :, :1],
    "mean": lambda x: x.mean((2, 3)),
    "mean kept": lambda x: x.mean(1, keepdim=True),
    "sum of all": lambda x: x.sum()[None],
    "softmax": lambda x: x.softmax(1),
    "log softmax": lambda x: F.log_softmax(x, -1),
    "cumsum": lambda x: x.cumsum(2),
    "matmul": lambda x: x @ x.transpose(-2, -1),
    "bmm": lambda x: torch.bmm(x[0], x[0]),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "linear": lambda x: F.linear(x, torch.ones(3, 6, dtype=x.dtype)),
    "layer norm": lambda x: F.layer_norm(x**2, (6,)),
    "group norm": lambda x: F.group_norm(x**2, 2),
    "instance norm": lambda x: F.instance_norm(x**2),
    "batch norm": lambda x: F.batch_norm(x**2, None, None, training=True),
    "normalize": lambda x: F.normalize(x),
    "attention": lambda x: F.scaled_dot_product_attention(x, x.flip(2), x),
    "relu in place": lambda x: (x * 1).relu_(),
    "where": lambda x: torch.where(x > 9, x * 2, x),
    "channel shuffle": lambda x: F.channel_shuffle(x, 2),
    "minus": lambda x: 1 - x,
    "matrix by vector": lambda x: x @ torch.ones(6, dtype=x.dtype),
    "vector by matrix": lambda x: x[0, 0, 0] @ x[0],
    "vector by vector": lambda x: (x[0, 0, 0] @ x[0, 1, 2])[None],
    "einsum of any axes before": lambda x: torch.einsum("...hw,bcvw->b...hv", x[0], x),
    "einsum of an axis of one": lambda x: torch.einsum("bchw,bchw->bchw", x, x[:, :1]),
    "einsum of a tuple": lambda x: torch.einsum("bchw,oc->bohw", (x, torch.ones(3, 4, dtype=x.dtype))),
    "glu": lambda x: F.glu(x, 1),
    "local response norm": lambda x: F.local_response_norm(x, 3),
    "rms norm": lambda x: F.rms_norm(x, (6,)),
    "instance norm, then in place": lambda x: F.instance_norm(x**2).mul_(2),
    "pool of one axis, then in place": lambda x: F.avg_pool1d(x[0], 2).mul_(2),
    "antialias": lambda x: F.interpolate(x, size=(2, 4), mode="bilinear", antialias=True),
    "bicubic": lambda x: F.interpolate(x, size=(7, 4), mode="bicubic"),
    "windows of an axis": lambda x: x.unfold(2, 3, 2),
    "unfold": lambda x: F.unfold(x, (2, 3), stride=2),
    "unfold with padding": lambda x: F.unfold(x, 3, dilation=2, padding=1),
    "fold": lambda x: F.fold(x.reshape(1, 16, 9), (6, 6), 2, stride=2),
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 3),
    "pixel unshuffle, then all channels": lambda x: F.pixel_unshuffle(x, 2).sum(1),
    "channels shuffled": lambda x: F.channel_shuffle(x, 2),
    "flip of two axes": lambda x: torch.flip(x, (2, -1)),
    "fliplr": lambda x: torch.fliplr(x[0]),
    "roll of one axis twice": lambda x: torch.roll(x, (1, 1), (2, 2)),
    "repeat with a new axis": lambda x: x.repeat(2, 1, 1, 1, 2),
    "tile": lambda x: torch.tile(x, (2, 3)),
    "index_select": lambda x: torch.index_select(x, 2, torch.tensor([4, 0, 4])),
    "gather": lambda x: x.gather(3, torch.tensor([5, 0]).expand(1, 4, 6, 2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    graph = follow(Calls(CALLS[name]), (torch.rand(1, 4, 6, 6),), {})
    assert [op for op in graph.ops if op.note] == []
    agrees(CALLS[name], (1, 4, 6, 6), 20)


def test_windows_that_overlap_are_not_put_together() -> None:
    graph = follow(Calls(lambda x: F.fold(F.unfold(x, 3), (6, 6), 3)), (torch.rand(1, 1, 6, 6),), {})
    assert isinstance(fields(graph)[graph.outputs[0]][0], NotKnown)
    assert feeding(graph, graph.outputs[0], (0, 0, 0, 0))[Source(0)] is None


def test_numbers_that_say_which_cells_are_read_are_not_followed() -> None:
    graph = follow(Calls(lambda x: x.gather(3, x.argsort(3))), (torch.rand(1, 1, 6, 6),), {})
    assert isinstance(fields(graph)[graph.outputs[0]][1], NotKnown)


def test_a_view_that_is_written_keeps_its_fields_and_the_whole_loses_them() -> None:
    def tokens(x: Tensor) -> Tensor:
        y = x * 1
        z = y.flatten(2).transpose(1, 2)
        z += torch.ones(36, 1)
        return torch.cat([z.flatten(), y.flatten()]) if x.dtype == torch.float32 else z

    agrees(tokens, (1, 4, 6, 6), 12, noted=True)
    graph = follow(Calls(tokens), (torch.rand(1, 4, 6, 6),), {})
    assert isinstance(fields(graph)[graph.outputs[0]][0], NotKnown)


def test_a_view_of_what_a_norm_has_made_has_memory_of_its_own() -> None:
    graph = follow(nn.InstanceNorm2d(3), (torch.rand(1, 3, 4, 4),), {})
    assert graph.memory == 3 * 4 * 4 * 4
    graph = follow(Calls(lambda x: x.transpose(1, 2)), (torch.rand(1, 3, 4),), {})
    assert graph.memory == 0


def test_what_cannot_be_described_is_a_row() -> None:
    graph = follow(Calls(lambda x: x.view(torch.int32) + 1), (torch.rand(1, 1, 4, 4),), {})
    assert graph.failure is None
    assert [op.kind for op in graph.ops] == ["input", "view", "add"]


def test_pixel_shuffle_of_a_large_map() -> None:
    graph = follow(nn.PixelShuffle(2), (torch.rand(1, 4, 600, 600),), {})
    rows = fields(graph)[graph.outputs[0]][0]
    assert isinstance(rows, AxisField)
    assert rows.jump == 0.5
    assert [rows.span((0, 0, i, 0)) for i in (0, 1, 2, 1199)] == [(0, 0), (0, 0), (1, 1), (599, 599)]
    fed = feeding(graph, graph.outputs[0], (0, 0, 7, 4))[Source(0)]
    assert fed is not None
    assert np.argwhere(fed.is_fed()).tolist() == [[0, 2, 3, 2]]


def test_a_hull_skips_what_reads_nothing() -> None:
    low, high = hull(Window(0, 2, 3, 4), np.arange(3), np.arange(3), 4)
    assert low[0] > high[0]
    assert list(zip(low[1:3], high[1:3], strict=True)) == [(0, 0), (2, 2)]


def test_masks_of_reads() -> None:
    both = [np.array([True, False]), np.array([False, True, True])]
    assert back(Unknown(), 3, both) is None
    assert list(_mask(All(), 2, both)) == [True, True]
    assert list(_mask(Grouped(1, 2, 1), 6, both)) == [False, False, True, True, True, True]
    assert list(_mask(Merge((0, 1), (3, 1)), 6, both)) == [False, True, True, False, False, False]
    assert list(_mask(Gather(1, (0, 2, 3), (1, 1, 3)), 4, both)) == [False, False, False, True]
    assert list(_mask(Merge(start=1), 2, both)) == [False, True]
    assert not _mask(All(), 2, [np.array([False])]).any()


def _mask(read: object, size: int, outputs: list[np.ndarray]) -> np.ndarray:
    mask = back(read, size, outputs)  # type: ignore[arg-type]
    assert mask is not None
    return mask


def test_attention_reads_its_query_and_all_keys() -> None:
    attention = nn.MultiheadAttention(4, 2).double()
    graph = follow(attention, (*[torch.rand(5, 1, 4, dtype=torch.float64) for _ in range(3)],), {})
    tensors = [torch.rand(5, 1, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    attention(*tensors)[0][3, 0, 1].backward()
    fed = feeding(graph, graph.outputs[0], (3, 0, 1))
    for number, tensor in enumerate(tensors):
        of = fed[Source(0, number)]
        assert of is not None
        assert tensor.grad is not None
        assert np.array_equal(of.is_fed(), (tensor.grad != 0).numpy())
