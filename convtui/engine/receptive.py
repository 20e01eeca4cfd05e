"""Receptive fields by arithmetic: which pixels of the image an activation can see, however deep it lies.

Only window sizes, strides, dilations and paddings count, so fields of any size cost the same. A field spans
a rectangle of pixels. Dilation, strides and branches leave holes in it, so the pixels that are read are
counted too. Sets of pixels are whole numbers here, a bit for each pixel.
Source: Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks,
https://distill.pub/2019/computing-receptive-fields
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_

from convtui.engine.adaptive import adaptive_windows
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.shown import Shown
from convtui.engine.spec import ConvSpec, Indices, Pair
from convtui.engine.transposed_spec import TransposedAxis, TransposedSpec

MOST_TOLD = 2**14  # pixels that fields may span for those that are read to be told apart
MOST_KEPT = 2**22  # pixels told apart in all fields of a layer along one axis, if they are not alike
MOST_PARTS = 12  # rectangles with holes, that a field is put together from


@dataclass(frozen=True)
class AxisField:
    """The receptive fields of a layer's activations along rows or columns, in pixels.

    size: how many pixels a field spans, the largest if they differ. jump: how far apart the fields of
    neighbouring activations are, on average if that differs.
    first: where the field of the first activation begins (negative in the padding).
    count: the number of activations (1 if the image's size is not known).
    read: which of its pixels a field reads, the first pixel in the lowest bit; 0 if that is not told.
    uneven: if the fields are not alike, what each of them reads; the lowest bit is the pixel `first`.
    """

    size: int = 1
    jump: float = 1
    first: int = 0
    count: int = 1
    read: int = field(default=1, repr=False)
    uneven: tuple[int, ...] = field(default=(), repr=False)

    @property
    def start(self) -> float:
        """The centre of the first activation's field: 0 is the middle of pixel 0."""
        return self.centre(0)

    def centre(self, index: int) -> float:
        """The centre of an activation's field."""
        if self.uneven:
            return sum(self.span(index)) / 2
        return self.first + (self.size - 1) / 2 + index * self.jump

    def nearest(self, centre: float) -> int:
        """The activation whose field is centred nearest."""
        if self.uneven:
            read = [index for index, pixels in enumerate(self.uneven) if pixels] or range(self.count)
            return min(read, key=lambda index: abs(self.centre(index) - centre))
        at = round((centre - self.start) / self.jump) if self.jump else 0
        return min(max(at, 0), self.count - 1)

    def span(self, index: int) -> Pair:
        """The first and the last pixel of an activation's field; they may lie in the padding."""
        if self.uneven:
            read = self.uneven[index]
            return self.first + _lowest(read), self.first + read.bit_length() - 1
        first = self.first + index * int(self.jump)
        return first, first + self.size - 1

    def clipped(self, index: int, pixels: int) -> Pair:
        """The same for an image of so many pixels; the last lies before the first if only padding is seen."""
        first, last = self.span(index)
        return max(first, 0), min(last, pixels - 1)

    @property
    def is_told(self) -> bool:
        """Whether it is known which pixels of a field are read."""
        return bool(self.read or self.uneven)

    @property
    def is_bound(self) -> bool:
        """Whether it is only told that the fields lie in the one of this size, as there are too many."""
        return not (self.jump or self.is_told)

    @property
    def largest(self) -> int:
        """The first activation whose field is the largest."""
        sizes = [read.bit_length() - _lowest(read) for read in self.uneven] or [self.size]
        return sizes.index(max(sizes))

    def reads(self, index: int) -> tuple[int, int]:
        """The pixel that the lowest bit stands for, and the pixels that an activation's field reads."""
        return (self.first, self.uneven[index]) if self.uneven else (self.span(index)[0], self.read)

    def through(
        self,
        kernel: int,
        stride: int,
        dilation: int,
        before: int,
        count: int,
        padding: Callable[[], Indices] | None = None,
    ) -> "AxisField":
        """The fields after a layer whose windows read these activations, with so much padding before.

        padding: which activation each place of the padded map reads, as Axis.sources, if not only zeros.
        """
        if self.uneven:
            reach = (count - 1) * stride + (kernel - 1) * dilation + 1
            if reach > MOST_KEPT:
                return _bound([self], count)
            padded = [0] * before + list(self.uneven) + [0] * (reach - before - self.count)
            if padding:
                padded = [self.uneven[source] for source in padding().tolist()]
            reads = _through_taps(padded, kernel, dilation)[::stride][:count]
            return _uneven(self.first, reads, self.jump * stride)
        jump = int(self.jump)
        size = self.size + (kernel - 1) * dilation * jump
        return AxisField(
            size=size,
            jump=jump * stride,
            first=self.first - before * jump,
            count=count,
            read=_repeated(self.read, kernel, dilation * jump) if size <= MOST_TOLD else 0,
        )

    def adaptive(self, count: int) -> "AxisField":
        """The fields after adaptive pooling to so many."""
        if self.count % count == 0:
            size = self.count // count
            return self.through(size, size, 1, 0, count)
        return self.over(adaptive_windows(self.count, count))

    def over(self, windows: Sequence[range]) -> "AxisField":
        """The fields after a layer of which each output reads the activations in its own window."""
        count = len(windows)
        if self.uneven:
            reads = [_union(self.uneven[each.start : each.stop]) for each in windows]
            return _uneven(self.first, reads, self.jump)
        jump = int(self.jump)
        if not self.is_told or self.whole.size > MOST_TOLD:
            return _bound([self], count)
        reads = [_repeated(self.read, len(each), jump) << each.start * jump for each in windows]
        return _uneven(self.first, reads, self.jump)

    def transposed(self, axis: TransposedAxis) -> "AxisField":
        """The fields after a transposed convolution: they differ from cell to cell if its stride is not 1.

        With stride 1 it is a convolution, unless so much is cut off that it would need negative padding, or
        fields have holes, in which its padding would be told to see pixels that no activation sees.
        """
        padding = axis.span - 1 - axis.before
        has_holes = axis.dilation > 1 or 0 < self.read.bit_count() < self.size
        if axis.stride == 1 and padding >= 0 and not has_holes and not self.uneven:
            return self.through(axis.kernel, 1, axis.dilation, padding, axis.output)
        is_told = self.is_told and self.whole.size <= MOST_TOLD
        if not is_told or max(axis.output, self.count * axis.kernel) > MOST_KEPT:
            return _bound([self], axis.output)
        pixels = self.uneven or [self.read << index * int(self.jump) for index in range(self.count)]
        reads = [0] * axis.output
        for index, read in enumerate(pixels):
            for output in axis.outputs_reading(index).tolist():
                reads[output] |= read
        return _uneven(self.first, reads, self.jump / axis.stride)

    def spread(self, count: int) -> "AxisField":
        """The field of a single activation for each of so many that read it; any other number stays."""
        return replace(self, jump=0, count=count) if self.count == 1 != count else self

    @property
    def everywhere(self) -> "AxisField":
        """The fields of as many activations, of which each reads all of these."""
        return self.whole.spread(self.count)

    @property
    def whole(self) -> "AxisField":
        """The field of an activation that reads all of these."""
        if not self.uneven:
            return self.through(self.count, 1, 1, 0, 1)
        read = _union(self.uneven)
        lowest = _lowest(read)
        return AxisField(
            read.bit_length() - lowest, max(self.jump, 0), self.first + lowest, 1, read >> lowest
        )


@dataclass(frozen=True)
class ReceptiveField(Shown):
    """The receptive fields of a layer's activations; `misaligned` says how branches differ, if they do.

    parts: what different paths read, each of its rows at each of its columns; none if there is only one such
    part, `rows` at `columns`. is_told: whether it is known which pixels are read.
    """

    rows: AxisField = AxisField()
    columns: AxisField = AxisField()
    misaligned: str = ""
    parts: tuple[tuple[AxisField, AxisField], ...] = field(default=(), repr=False)
    is_told: bool = field(default=True, repr=False)

    @property
    def size(self) -> Pair:
        """How many (rows, columns) of pixels an activation sees in a large enough image."""
        return self.rows.size, self.columns.size

    @property
    def is_bound(self) -> bool:
        """Whether it is only known that the fields are no larger."""
        return self.rows.is_bound or self.columns.is_bound

    @property
    def jump(self) -> tuple[float, float]:
        """How many (rows, columns) of pixels the fields of neighbouring activations are apart."""
        return self.rows.jump, self.columns.jump

    @property
    def start(self) -> tuple[float, float]:
        """The (row, column) at the centre of the first activation's field."""
        return self.rows.start, self.columns.start

    @cached_property
    def pixels(self) -> int | None:
        """How many pixels the largest field reads in a large enough image; None where that is not told.

        Less than the size comes to where dilation, strides or branches leave holes.
        """
        parts = self.parts or ((self.rows, self.columns),)
        if not self.is_told or not all(axis.is_told for part in parts for axis in part):
            return None
        rows = _aligned([rows.reads(self.rows.largest) for rows, _ in parts])
        columns = _aligned([columns.reads(self.columns.largest) for _, columns in parts])
        return area(zip(rows, columns, strict=True))

    @property
    def has_holes(self) -> bool:
        """Whether a field spans pixels that it does not read."""
        return self.pixels not in (None, self.rows.size * self.columns.size)

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """The (row, column) at the centre of an activation's field."""
        return self.rows.centre(row), self.columns.centre(column)

    def clipped(self, row: int, column: int, pixels: Pair) -> tuple[Pair, Pair]:
        """The first and last row, and the first and last column, of an activation's field in an image.

        pixels: how many (rows, columns) the image has. The last lies before the first where only padding is
        seen.
        """
        return self.rows.clipped(row, pixels[0]), self.columns.clipped(column, pixels[1])

    def through(self, spec: ConvSpec | PoolSpec, counts: Pair) -> "ReceptiveField":
        """The fields after a layer with windows and so many (rows, columns) of outputs."""
        axes = spec.laid(self.rows.count, self.columns.count)

        def through(field: AxisField, i: int) -> AxisField:
            axis = axes[i]
            padding = None if axis.padding_mode == "zeros" else lambda: axis.sources
            return field.through(axis.kernel, axis.stride, axis.dilation, axis.before, counts[i], padding)

        return self._each(through)

    def transposed(self, spec: TransposedSpec) -> "ReceptiveField":
        """The fields after a transposed convolution."""
        axes = spec.laid(self.rows.count, self.columns.count)
        return self._each(lambda axis, i: axis.transposed(axes[i]))

    def adaptive(self, counts: Pair) -> "ReceptiveField":
        """The fields after adaptive pooling to so many (rows, columns)."""
        return self._each(lambda axis, i: axis.adaptive(counts[i]))

    def over(self, rows: Sequence[range], columns: Sequence[range]) -> "ReceptiveField":
        """The fields after a layer of which each output reads its own (rows, columns) of activations."""
        return self._each(lambda axis, i: axis.over((rows, columns)[i]))

    def spread(self, counts: Pair) -> "ReceptiveField":
        """The field of a single row or column for each of so many that read it."""
        return self._each(lambda axis, i: axis.spread(counts[i]))

    @property
    def everywhere(self) -> "ReceptiveField":
        """The fields of as many activations, of which each reads all of these."""
        return self._each(lambda axis, _: axis.everywhere)

    @property
    def whole(self) -> "ReceptiveField":
        """The field of an activation that reads all activations of this layer."""
        return self._each(lambda axis, _: axis.whole)

    def _each(self, change: Callable[[AxisField, int], AxisField]) -> "ReceptiveField":
        """The same change in rows and in columns, of all parts."""
        parts = _distinct((change(rows, 0), change(columns, 1)) for rows, columns in self.parts)
        return _of_parts(change(self.rows, 0), change(self.columns, 1), parts, self.is_told)


def joined(fields: Sequence[ReceptiveField]) -> ReceptiveField:
    """What is seen through any of several paths: the largest field, if they are aligned.

    Of misaligned paths it is the stretch from where the first begins to where the last ends.
    """
    rows, columns = [field.rows for field in fields], [field.columns for field in fields]
    reports = [report for report in (_misaligned("rows", rows), _misaligned("columns", columns)) if report]
    down, across = _hull(rows), _hull(columns)
    parts = _distinct(
        (_like(part_rows, down), _like(part_columns, across))
        for field in fields
        for part_rows, part_columns in field.parts or ((field.rows, field.columns),)
    )
    is_told = all(field.is_told for field in fields)
    return replace(_of_parts(down, across, parts, is_told), misaligned="; ".join(reports))


def area(products: Iterable[tuple[int, int]]) -> int:
    """How many places at (row, column) there are in any of several products of rows and columns.

    Rows and columns are whole numbers with a bit for each of them.
    """
    products = list(products)
    groups = {0: _union(rows for rows, _ in products)}  # rows by the columns that they have
    for rows, columns in products:
        split: dict[int, int] = {}
        for before, of in groups.items():
            for now, part in ((before | columns, of & rows), (before, of & ~rows)):
                if part:
                    split[now] = split.get(now, 0) | part
        groups = split
    return sum(rows.bit_count() * columns.bit_count() for columns, rows in groups.items())


def _of_parts(
    rows: AxisField, columns: AxisField, parts: tuple[tuple[AxisField, AxisField], ...], is_told: bool
) -> ReceptiveField:
    if len(parts) > MOST_PARTS or rows.is_bound or columns.is_bound:
        parts, is_told = (), False
    return ReceptiveField(rows, columns, parts=parts if len(parts) > 1 else (), is_told=is_told)


def _distinct(parts: Iterable[tuple[AxisField, AxisField]]) -> tuple[tuple[AxisField, AxisField], ...]:
    """The parts without those that lie in others."""
    kept: list[tuple[AxisField, AxisField]] = []
    for part in parts:
        if not any(_lies_in(part, other) for other in kept):
            kept = [other for other in kept if not _lies_in(other, part)] + [part]
    return tuple(kept)


def _lies_in(part: tuple[AxisField, AxisField], other: tuple[AxisField, AxisField]) -> bool:
    return all(_is_within(mine, whole) for mine, whole in zip(part, other, strict=True))


def _is_within(field: AxisField, other: AxisField) -> bool:
    """Whether each activation of the other reads whatever the same one of this field reads."""
    shift = field.first - other.first
    if field == other:
        return True
    if field.uneven and other.uneven:
        low, high = max(shift, 0), max(-shift, 0)
        return not any(a << low & ~(b << high) for a, b in zip(field.uneven, other.uneven, strict=True))
    if field.uneven or other.uneven or field.jump != other.jump or not (field.read and other.read):
        return False
    return 0 <= shift <= other.size - field.size and not field.read << shift & ~other.read


def _like(field: AxisField, hull: AxisField) -> AxisField:
    """The fields told one by one, if those that they are a part of are."""
    if field.uneven or not hull.uneven:
        return field
    reads = (field.read << index * int(field.jump) for index in range(field.count))
    return replace(field, read=0, uneven=tuple(reads))


def _hull(fields: Sequence[AxisField]) -> AxisField:
    """From where the first begins to where the last ends, with all that is read on any path."""
    largest = max(fields, key=lambda field: field.size)
    first = min(field.first for field in fields)
    are_alike = len({field.jump for field in fields}) == 1 and not any(field.uneven for field in fields)
    if not are_alike and largest.count > 1 and all(field.is_told for field in fields):
        return _hull_of_each(fields, largest)
    if any(field.is_bound for field in fields) or (not are_alike and largest.count > 1):
        return _bound(fields, largest.count)
    last = max(field.first + field.size - 1 for field in fields)
    size = last - first + 1
    is_told = size <= MOST_TOLD and all(field.read for field in fields)
    read = _union(field.read << field.first - first for field in fields) if is_told else 0
    return AxisField(size, largest.jump, first, largest.count, read)


def _hull_of_each(fields: Sequence[AxisField], largest: AxisField) -> AxisField:
    """The hull of fields that lie in another way to each other at each activation."""
    reads = [[field.reads(index) for field in fields] for index in range(largest.count)]
    first = min(origin for each in reads for origin, _ in each)
    if max(origin for each in reads for origin, _ in each) - first > MOST_TOLD:
        return _bound(fields, largest.count)
    unions = [_union(read << origin - first for origin, read in each) for each in reads]
    return _uneven(first, unions, largest.jump)


def _uneven(first: int, reads: Sequence[int], jump: float) -> AxisField:
    """Fields of which each reads its own pixels; jump is that of a single one.

    On average later ones may lie before earlier ones, where windows hang over the padding; a single one has
    no neighbours, so its jump is then 0.
    """
    spans = [(_lowest(read), read.bit_length() - 1) for read in reads]
    if len(reads) == 1:
        ((lowest, highest),) = spans
        return AxisField(highest - lowest + 1, max(round(jump), 0), first + lowest, 1, reads[0] >> lowest)
    if len(reads) * max(read.bit_length() for read in reads) > MOST_KEPT:
        return _bound([AxisField(first=first, uneven=tuple(reads))], len(reads))
    ends = [index for index, read in enumerate(reads) if read]  # gaps between windows read nothing
    if len(ends) > 1:
        jump = (sum(spans[ends[-1]]) - sum(spans[ends[0]])) / 2 / (ends[-1] - ends[0])
    size = max(highest - lowest + 1 for lowest, highest in spans)
    return AxisField(size, jump, first, len(reads), 0, tuple(reads))


def _bound(fields: Sequence[AxisField], count: int) -> AxisField:
    """So many fields, of which only is told that they lie in all of these together."""
    wholes = [field.whole for field in fields]
    first = min(whole.first for whole in wholes)
    return AxisField(max(whole.span(0)[1] for whole in wholes) - first + 1, 0, first, count, 0)


def _through_taps(reads: list[int], kernel: int, dilation: int) -> list[int]:
    """What windows that begin at each of the inputs read, by doubling the windows."""
    done = 1
    while done < kernel:
        more = min(done, kernel - done)
        reads = [a | b for a, b in zip(reads, reads[more * dilation :], strict=False)]
        done += more
    return reads


def _repeated(read: int, times: int, step: int) -> int:
    """The pixels, and the same one step further, and so on, so many times altogether."""
    done = 1
    while done < times:
        more = min(done, times - done)
        read |= read << more * step
        done += more
    return read


def _aligned(reads: Sequence[tuple[int, int]]) -> list[int]:
    """What is read, with the same pixel in the lowest bit."""
    first = min(origin for origin, _ in reads)
    return [read << origin - first for origin, read in reads]


def _union(reads: Iterable[int]) -> int:
    return reduce(or_, reads, 0)


def _lowest(read: int) -> int:
    """The lowest bit that is set; 0 if none is."""
    return max((read & -read).bit_length() - 1, 0)


def _misaligned(name: str, fields: Sequence[AxisField]) -> str:
    fields = [field for field in fields if field.jump or field.count == 1]  # others see the same everywhere
    jumps, centres = ({getattr(field, key) for field in fields} for key in ("jump", "start"))
    if len(jumps) > 1:
        average = " on average" if any(field.uneven for field in fields) else ""
        return f"the branches jump by {_all(jumps)} pixels{average} along the {name}"
    if len(centres) > 1:
        return f"the branches' first fields are centred at {_all(centres)} along the {name}"
    return ""


def _all(numbers: set[float]) -> str:
    return " and ".join(f"{round(number, 2):g}" for number in sorted(numbers))
