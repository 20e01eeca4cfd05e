"""Which image sizes a network takes: passes on the meta device, which compute shapes and no numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Final

import torch
from torch import nn
from torch.func import functional_call

from convtui.tracing.protocol import NO_IMAGE, Sizes

SECONDS: Final = 4.0
MOST: Final = 120
COMMON: Final = (
    32,
    28,
    224,
    64,
    128,
    256,
    96,
    48,
    112,
    160,
    192,
    227,
    299,
    384,
    448,
    512,
    16,
    20,
    24,
    40,
    56,
    80,
)


def search(model: nn.Module, image: torch.Tensor, seconds: float = SECONDS) -> Sizes:
    """Try sizes near the image's and the usual ones, for a bounded time.

    Of a size that works its neighbours are tried, too, until one does not.
    """
    if image.dim() < 3:
        return Sizes(why=NO_IMAGE)
    state = {
        name: torch.empty_like(each, device="meta")
        for name, each in (*model.named_parameters(), *model.named_buffers())
    }
    rows = image.shape[-2] if image.dim() > 3 else 1
    columns = image.shape[-1]
    tried: dict[tuple[int, int], bool] = {}
    _fits(nn.ReLU(), {}, image, (rows, columns))  # the first pass on the meta device imports much
    ends = monotonic() + seconds
    refusal = ""
    for size in _candidates(rows, columns, image.dim()):
        if size in tried:
            continue
        if monotonic() > ends or len(tried) >= MOST:
            break
        tried[size], refusal = _fits(model, state, image, size)
        if refusal:
            return Sizes(why=refusal)
        if tried[size]:
            for step in (-1, 1):
                for near in _walk(size, step, image.dim()):
                    if near in tried or monotonic() > ends or len(tried) >= MOST:
                        break
                    tried[near], _ = _fits(model, state, image, near)
                    if not tried[near]:
                        break
    sizes = sorted(tried)
    return Sizes(tuple(sizes), tuple(size for size in sizes if tried[size]))


def _walk(size: tuple[int, int], step: int, dimensions: int) -> Iterator[tuple[int, int]]:
    for distance in range(1, 9):
        rows, columns = (side + step * distance for side in size)
        rows = rows if dimensions > 3 else 1
        if min(rows, columns) < 1:
            return
        yield rows, columns


def _candidates(rows: int, columns: int, dimensions: int) -> Iterable[tuple[int, int]]:
    """The image's own size, those next to it, the usual ones, and multiples, the likely ones first."""
    yield rows, columns
    height = (lambda side: side) if dimensions > 3 else (lambda _: 1)
    for side in COMMON:
        yield height(side), side
    for distance in range(1, 33):
        for step in (distance, -distance):
            if min(rows + step, columns + step) > 0:
                yield (rows + step if dimensions > 3 else 1), columns + step
    for side in range(1, 65):
        yield height(side), side


def _fits(
    model: nn.Module, state: dict[str, torch.Tensor], image: torch.Tensor, size: tuple[int, int]
) -> tuple[bool, str]:
    """Whether a pass on an image of that size goes through; why it cannot be told this way."""
    sides = size if image.dim() > 3 else size[1:]
    shape = (*image.shape[: image.dim() - len(sides)], *sides)
    blank = torch.empty(shape, dtype=image.dtype, device="meta")
    try:
        with torch.no_grad(), torch.device("meta"):
            functional_call(model, state, (blank,))
    except (NotImplementedError, AttributeError) as error:
        return False, f"it does more than shapes can tell ({_line(error)})"
    except Exception as error:
        line = _line(error)
        is_of_meta = any(word in line.lower() for word in ("meta", "same device", "item()"))
        return False, f"it does more than shapes can tell ({line})" if is_of_meta else ""
    return True, ""


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
