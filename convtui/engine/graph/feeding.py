"""An output cell traced back through a graph: exactly which cells of every earlier tensor can reach it.

What one path reads is all of some indices along each axis; what several read is the union of such blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.operation import Graph, Shape, Source
from convtui.engine.graph.reads import Mask, Reads, back

MOST_BLOCKS: Final = 64  # beyond them only a bound is told

Block = tuple[Mask, ...]  # which indices along each axis; of all of them the cells are meant


@dataclass(frozen=True, eq=False)
class Feeding:
    """The cells of a tensor that feed an output. is_told: whether they all do; else they bound what does."""

    shape: Shape
    blocks: tuple[Block, ...]
    is_told: bool = True

    def is_fed(self, *axes: int) -> NDArray[np.bool_]:
        """Whether a cell at these axes feeds, whichever its index along the others is."""
        kept = axes or tuple(range(len(self.shape)))
        mask = np.zeros([self.shape[axis] for axis in kept], dtype=bool)
        for block in self.blocks:
            if all(along.any() for along in block):
                mask[np.ix_(*(block[axis] for axis in kept))] = True
        return mask

    @property
    def pixels(self) -> int | None:
        """How many (row, column) of the last two axes feed; None where that is not told."""
        return int(self.is_fed(-2, -1).sum()) if self.is_told else None


def feeding(graph: Graph, of: Source, cell: Sequence[int]) -> dict[Source, Feeding | None]:
    """What feeds a cell of a tensor, in every tensor that does; None where it is not known.

    A maximum counts as fed by its whole window, and every weight as if it were not 0.
    Raises IndexError where the tensor has no such cell.
    """
    shape = graph.tensor(of).shape
    if len(cell) != len(shape) or not all(0 <= at < size for at, size in zip(cell, shape, strict=True)):
        raise IndexError(f"operation {of.op} has no output cell at {tuple(cell)}")
    return _traced(graph, {of: [tuple(np.arange(n) == at for n, at in zip(shape, cell, strict=True))]})


def feeding_all(graph: Graph) -> dict[Source, Feeding | None]:
    """What feeds any cell of what the network returned."""
    whole = {
        each: [tuple(np.ones(n, dtype=bool) for n in graph.tensor(each).shape)] for each in graph.outputs
    }
    return _traced(graph, whole)


def _traced(graph: Graph, begin: dict[Source, list[Block]]) -> dict[Source, Feeding | None]:
    blocks: dict[Source, list[Block] | None] = dict(begin)
    bounded: set[Source] = set()
    for op in reversed(graph.ops[1:]):
        for output in range(len(op.outputs)):
            of = blocks.get(source := Source(op.number, output), [])
            for place, before in enumerate(op.inputs):
                shape = graph.tensor(before).shape
                so_far = blocks.setdefault(before, [])
                read = None if of is None else [_read(op.reads[output][place], shape, block) for block in of]
                if read is None or so_far is None or any(each is None for each in read):
                    blocks[before] = None
                    continue
                merged = _without_repeats(
                    [*so_far, *(each for each in read if each is not None and _is_any(each))]
                )
                if source in bounded or len(merged) > MOST_BLOCKS:
                    bounded.add(before)
                if len(merged) > MOST_BLOCKS:
                    merged = [tuple(np.logical_or.reduce(along) for along in zip(*merged, strict=True))]
                blocks[before] = merged
    return {
        source: None
        if each is None
        else Feeding(graph.tensor(source).shape, tuple(each), source not in bounded)
        for source, each in blocks.items()
        if each is None or each
    }


def _is_any(block: Block) -> bool:
    return all(along.any() for along in block)


def _read(reads: Reads, shape: Shape, block: Block) -> Block | None:
    sizes = shape + (1,) * (len(reads) - len(shape))
    along = [back(read, size, block) for read, size in zip(reads, sizes, strict=True)]
    known = [mask for mask in along if mask is not None]
    if len(known) < len(along):
        return None
    kept = known[: len(shape)]
    return tuple(kept) if all(mask.any() for mask in known) else tuple(np.zeros_like(mask) for mask in kept)


def _without_repeats(blocks: Sequence[Block]) -> list[Block]:
    kept: list[Block] = []
    for block in blocks:
        if not any(_lies_in(block, other) for other in kept):
            kept = [other for other in kept if not _lies_in(other, block)] + [block]
    return kept


def _lies_in(block: Block, other: Block) -> bool:
    pairs = zip(block, other, strict=True)
    return all(mine is whole or not (mine & ~whole).any() for mine, whole in pairs)
