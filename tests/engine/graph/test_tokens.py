"""Rows and columns are known of tokens and windows that are cut out of a map, as they are of the map."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.feeding import Feeding, feeding
from convtui.engine.graph.fields import AxisField, NotKnown, fields
from convtui.engine.graph.operation import Source
from convtui.tracing.process.tracer import follow
from tests.support.gradients import Calls, agrees


def patches(x: Tensor) -> Tensor:
    """[1, 2, 8, 12] as a map [1, 2, 4, 6] of patches of 2x2."""
    return F.avg_pool2d(x, 2)


def tokens(x: Tensor) -> Tensor:
    return patches(x).flatten(2).transpose(1, 2)


def windows(x: Tensor) -> Tensor:
    """[1, rows, columns, channels] as [windows, tokens, channels], of windows of 2x3."""
    _, rows, columns, channels = x.shape
    x = x.view(1, rows // 2, 2, columns // 3, 3, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 6, channels)


def together(x: Tensor) -> Tensor:
    """The map of windows."""
    x = x.view(1, 2, 2, 2, 3, -1).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(1, 4, 6, -1)


def attended(x: Tensor) -> Tensor:
    return x + F.scaled_dot_product_attention(x, x, x)


def with_class_token(x: Tensor) -> Tensor:
    return torch.cat([torch.ones(1, 1, 2, dtype=x.dtype), tokens(x)], 1)


CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "tokens": tokens,
    "tokens and back": lambda x: tokens(x).transpose(1, 2).reshape(1, 2, 4, 6),
    "a class token": with_class_token,
    "a class token, and back without": lambda x: with_class_token(x)[:, 1:].mT.unflatten(2, (4, 6)),
    "attention": lambda x: attended(tokens(x)),
    "attention by hand": lambda x: (tokens(x) @ tokens(x).mT).softmax(-1) @ tokens(x),
    "queries and keys": lambda x: tokens(x) @ tokens(x).mT,
    "attention with a bias": lambda x: F.scaled_dot_product_attention(
        *(tokens(x),) * 3, attn_mask=tokens(x).sum(-1, keepdim=True).expand(1, 24, 24)
    ),
    "heads that share a key": lambda x: F.scaled_dot_product_attention(
        x[:, [0, 1, 0, 1]], x, x, enable_gqa=True
    ),
    "windows": lambda x: windows(patches(x).permute(0, 2, 3, 1)),
    "windows and back": lambda x: together(windows(patches(x).permute(0, 2, 3, 1))),
    "attention in windows": lambda x: together(attended(windows(patches(x).permute(0, 2, 3, 1)))),
    "shifted windows": lambda x: together(
        windows(patches(x).permute(0, 2, 3, 1).roll((-1, -1), (1, 2)))
    ).roll((1, 1), (1, 2)),
    "a convolution of what was tokens": lambda x: F.conv2d(
        tokens(x).mT.reshape(1, 2, 4, 6), torch.ones(1, 2, 3, 3, dtype=x.dtype), padding=1
    ).flatten(2),
    "axes by rows and by columns": lambda x: x.mean(2, keepdim=True) + x.mean(3, keepdim=True),
    "one patch after another": lambda x: x.reshape(2, 2, 4, 2, 12).transpose(1, 2).reshape(16, 2, 4, 3),
    "axes that do not match": lambda x: x.reshape(1, 3, 64),
    "tokens of both channels": lambda x: x.flatten(1)[:, 5:150:3],
}


@pytest.mark.parametrize("name", CALLS)
def test_rows_and_columns_are_those_of_the_gradients(name: str) -> None:
    agrees(CALLS[name], (1, 2, 8, 12), 30, is_exact=True)


def test_a_map_that_was_tokens_has_the_size_and_the_jump_that_it_had() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.last = nn.Conv2d(2, 3, 3, 2, 1), nn.Conv2d(3, 1, 3, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).mT
            x = x + F.layer_norm(x, (3,))
            out: Tensor = self.last(x.mT.reshape(1, 3, 4, 6))
            return out

    graph = follow(Net(), (torch.rand(1, 2, 8, 12),), {})
    seen = fields(graph)
    flat = next(op for op in graph.ops if op.kind == "flatten")
    back = next(op for op in graph.ops if op.kind == "reshape")

    def told(op: int) -> list[tuple[int, float, int, bool]]:
        along = [each for each in seen[Source(op)] if isinstance(each, AxisField)]
        return [(each.size, each.jump, each.first, each.is_even) for each in along]

    assert told(1) == told(back.number) == [(3, 2.0, -1, True)] * 2
    assert [each[:2] for each in told(flat.number)] == [(3, 0.0)] * 2  # the next token may be in another row
    assert told(len(graph.ops) - 1) == [(7, 2.0, -3, True)] * 2


def test_a_field_of_too_many_cells_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.engine.graph.fields.MOST_CELLS", 100)
    graph = follow(Calls(lambda x: tokens(x) @ tokens(x).mT), (torch.rand(1, 2, 8, 12),), {})
    last = graph.outputs[0]
    assert fields(graph)[last] == (NotKnown(last.op),) * 2


def fed(function: Callable[[Tensor], Tensor], *cell: int) -> Feeding:
    graph = follow(Calls(function), (torch.rand(1, 2, 8, 12),), {})
    found = feeding(graph, graph.outputs[0], cell)[Source(0)]
    assert found is not None
    return found


def test_what_feeds_tokens_is_a_few_rectangles() -> None:
    every = fed(lambda x: x.flatten(2).mT[:, 5:90].mT.sum(2), 0, 0)
    assert len(every.blocks) == 3  # the rest of the first row, whole rows, a part of the last
    assert every.pixels == 85
    assert every.is_told
