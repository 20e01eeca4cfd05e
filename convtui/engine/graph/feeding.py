"""An output cell traced back through a graph: exactly which cells of every earlier tensor can reach it.

What one path reads is all of some indices along each axis; what several read is the union of such blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.operation import Graph, Shape, Source
from convtui.engine.graph.reads import All, Mask, Pointwise, Reads, Unravel, back, whole

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
    every = {
        each: [tuple(np.ones(n, dtype=bool) for n in graph.tensor(each).shape)] for each in graph.outputs
    }
    return _traced(graph, every)


def _traced(graph: Graph, begin: dict[Source, list[Block]]) -> dict[Source, Feeding | None]:
    blocks: dict[Source, list[Block] | None] = dict(begin)
    bounded: set[Source] = set()
    for op in graph.ops[max(source.op for source in begin) : 0 : -1] if begin else ():
        for output in range(len(op.outputs)):
            source = Source(op.number, output)
            of = blocks.get(source, [])
            if of is not None and not of:
                continue
            for place, before in enumerate(op.inputs):
                shape = graph.tensor(before).shape
                so_far = blocks.setdefault(before, [])
                if of is None or so_far is None:
                    blocks[before] = None
                    continue
                merged: list[Block] | None = so_far
                is_told = source not in bounded
                for block in of:
                    read = _read(op.reads[output][place], shape, block)
                    if read is None:
                        merged = None
                        break
                    merged = _with(merged or [], read[0])
                    is_told &= read[1]
                if merged is None:
                    blocks[before] = None
                    continue
                if not is_told or len(merged) > MOST_BLOCKS:
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


def _read(reads: Reads, shape: Shape, block: Block) -> tuple[list[Block], bool] | None:
    """The cells that a block reads, and whether it reads them all; None where that is not known."""
    flattened = [read.axis for read in reads if isinstance(read, Unravel)]
    if len(flattened) > 1 and 1 < (count := int(block[flattened[0]].sum())) < len(block[flattened[0]]):
        axis = flattened[0]
        if count <= MOST_BLOCKS:
            every: list[Block] = []
            for at in np.flatnonzero(block[axis]).tolist():
                one = np.arange(len(block[axis])) == at
                cells = _read(reads, shape, (*block[:axis], one, *block[axis + 1 :]))
                if cells is None:
                    return None
                every += cells[0]
            return every, True
        cells_read = _read_axes(reads, shape, block)
        along = (
            int(mask.sum())
            for read, mask in zip(reads, (cells_read or [()])[0], strict=False)
            if isinstance(read, Unravel)
        )
        return None if cells_read is None else (cells_read, prod(along) == count)
    found = _read_axes(reads, shape, block)
    return None if found is None else (found, True)


def _read_axes(reads: Reads, shape: Shape, block: Block) -> list[Block] | None:
    """Which indices along each axis a block reads, [] if it reads none; None where that is not known."""
    found: list[Mask] = []
    for axis, read in enumerate(reads):
        size = shape[axis] if axis < len(shape) else 1
        if isinstance(read, Pointwise) and len(block[read.axis]) == size:
            found.append(block[read.axis])
            continue
        mask = whole(size) if isinstance(read, All) else back(read, size, block)
        if mask is None:
            return None
        if not isinstance(read, All) and not mask.any():
            return []
        found.append(mask)
    return [tuple(found[: len(shape)])]


def _with(blocks: list[Block], new: Sequence[Block]) -> list[Block]:
    """The blocks and the new ones, without those that lie in others."""
    for block in new:
        if not any(_lies_in(block, other) for other in blocks):
            blocks = [other for other in blocks if not _lies_in(other, block)] + [block]
    return blocks


def _lies_in(block: Block, other: Block) -> bool:
    pairs = zip(block, other, strict=True)
    return all(mine is theirs or not (mine & ~theirs).any() for mine, theirs in pairs)
