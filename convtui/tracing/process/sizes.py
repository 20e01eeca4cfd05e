"""Which image sizes a network takes: passes on the meta device, which compute shapes and no numbers."""

from __future__ import annotations

from time import monotonic
from typing import Final

import torch
from torch import nn
from torch.func import functional_call

from convtui.engine.graph.image_sizes import Size, tried_sizes
from convtui.tracing.process.problems import error_words
from convtui.tracing.process.unchanged import unchanged
from convtui.tracing.protocol import NO_IMAGE, Sizes

SECONDS: Final = 4.0


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
    _fits(nn.ReLU(), {}, image, (rows, columns))  # the first pass on the meta device imports much
    refusal = ""

    def fits(size: Size) -> bool:
        nonlocal refusal
        works, why = _fits(model, state, image, size)
        refusal = refusal or why
        return works

    ends = monotonic() + seconds
    with unchanged(model):  # a buffer that is made in the pass would stay without numbers
        tried = tried_sizes(
            fits, (rows, columns), image.dim() > 3, lambda: bool(refusal) or monotonic() > ends
        )
    if refusal:
        return Sizes(why=refusal)
    return Sizes(tuple(sorted(tried)), tuple(size for size in sorted(tried) if tried[size]))


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
        return False, f"it does more than shapes can tell ({error_words(error)})"
    except (Exception, SystemExit) as error:
        line = error_words(error)
        is_of_meta = any(word in line.lower() for word in ("meta", "same device", "item()"))
        return False, f"it does more than shapes can tell ({line})" if is_of_meta else ""
    return True, ""
