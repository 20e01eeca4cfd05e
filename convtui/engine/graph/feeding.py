"""An output cell traced back through a graph: exactly which cells of every earlier tensor can reach it.

What one path reads is all of some indices along each axis; what several read is the union of such blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.fields import MOST_CELLS
from convtui.engine.graph.operation import Graph, Shape, Source
from convtui.engine.graph.reads import (
    All,
    Mask,
    Pointwise,
    Read,
    Reads,
    Unravel,
    back,
    decided_by,
    index_read,
    whole,
)

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
                found = [_read(op.reads[output][place], shape, block) for block in of]
                merged = _merged([*so_far, *(each for read in found if read for each in read[0])])
                if any(read is None for read in found):
                    blocks[before] = None
                    continue
                is_told = source not in bounded and all(read[1] for read in found if read)
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
    found = _read_axes(reads, shape, block)
    if not found:
        return None if found is None else ([], True)
    is_told = True
    for axes in _together(reads, block):
        sizes = tuple(shape[axis] if axis < len(shape) else 1 for axis in axes)
        parts = _read_together([reads[axis] for axis in axes], sizes, block)
        if parts is None:
            is_told = False
            continue
        placed = [dict(zip(axes, part, strict=True)) for part in parts]
        found = [
            tuple(part.get(axis, mask) for axis, mask in enumerate(each)) for each in found for part in placed
        ]
    return [each[: len(shape)] for each in found], is_told


def _read_axes(reads: Reads, shape: Shape, block: Block) -> list[Block] | None:
    """The block of what is read along each axis, [] if nothing is; None where that is not known."""
    found: list[Mask] = []
    is_known = True
    for axis, read in enumerate(reads):
        size = shape[axis] if axis < len(shape) else 1
        if isinstance(read, Pointwise) and len(block[read.axis]) == size:
            found.append(block[read.axis])
            continue
        mask = whole(size) if isinstance(read, All) else back(read, size, block)
        if mask is None:
            is_known = False
        elif not isinstance(read, All) and not mask.any():
            return []
        else:
            found.append(mask)
    return [tuple(found)] if is_known else None


def _together(reads: Reads, block: Block) -> list[list[int]]:
    """The axes that go together: what is read along them is said by several indices of the same axis."""
    groups: list[tuple[set[int], list[int]]] = []
    for axis, read in enumerate(reads):
        by, members = {each for each in decided_by(read) if block[each].sum() > 1}, [axis]
        if not by:
            continue
        for group in [group for group in groups if group[0] & by]:
            groups.remove(group)
            by, members = by | group[0], group[1] + members
        groups.append((by, members))
    return [members for _, members in groups if len(members) > 1]


def _read_together(reads: Sequence[Read], sizes: Shape, block: Block) -> list[Block] | None:
    """Rectangles along some axes; None if each index may read several, or if there are too many."""
    axes = sorted({axis for read in reads for axis in decided_by(read)})
    if all(isinstance(read, Unravel) for read in reads) and block[axes[0]].all():
        return [tuple(map(whole, sizes))]
    marked = [np.flatnonzero(block[axis]) for axis in axes]
    if max(prod(sizes), prod(map(len, marked))) > MOST_CELLS:
        return None
    at = dict(zip(axes, np.ix_(*marked), strict=True))
    each_read = [index_read(read, size, at) for read, size in zip(reads, sizes, strict=True)]
    numbers = np.broadcast_arrays(*(each for each in each_read if each is not None))
    if len(numbers) < len(reads):
        return None
    is_inside = np.logical_and.reduce(
        [(each >= 0) & (each < size) for each, size in zip(numbers, sizes, strict=True)]
    )
    mask = np.zeros(sizes, dtype=bool)
    mask[tuple(each[is_inside] for each in numbers)] = True
    return _rectangles(mask)


def _rectangles(mask: Mask) -> list[Block]:
    """Blocks that are a mask together: its rows that are alike are one, of what such a row is."""
    if mask.ndim == 1:
        return [(mask,)] if mask.any() else []
    patterns, which = np.unique(mask.reshape(len(mask), -1), axis=0, return_inverse=True)
    return [
        (which.ravel() == number, *rest)
        for number, pattern in enumerate(patterns)
        for rest in _rectangles(pattern.reshape(mask.shape[1:]))
    ]


def _merged(blocks: list[Block]) -> list[Block]:
    """The same cells in fewer blocks: those that differ along one axis are one, none lies in others."""
    for axis in range(len(blocks[0]) if len(blocks) > 1 else 0):
        alike: dict[tuple[bytes, ...], Block] = {}
        for block in blocks:
            key = tuple(mask.tobytes() for place, mask in enumerate(block) if place != axis)
            other = alike.get(key)
            if other is not None:
                block = (*block[:axis], block[axis] | other[axis], *block[axis + 1 :])
            alike[key] = block
        blocks = list(alike.values())
    if len(blocks) > MOST_BLOCKS:
        return blocks
    kept: list[Block] = []
    for block in blocks:
        if not any(_lies_in(block, other) for other in kept):
            kept = [other for other in kept if not _lies_in(other, block)] + [block]
    return kept


def _lies_in(block: Block, other: Block) -> bool:
    pairs = zip(block, other, strict=True)
    return all(mine is theirs or not (mine & ~theirs).any() for mine, theirs in pairs)
