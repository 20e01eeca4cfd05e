"""Kernels by name, from text and from files, so that one can be chosen, typed or brought along.

At 3x3 the edge kernels are those of chapter 13 of "Deep Learning for Coders with fastai and PyTorch",
https://github.com/fastai/fastbook/blob/master/13_convolutions.ipynb; bottom and right mirror top and left.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convtui.engine.array_text import is_array_text, parse_array, parse_entry
from convtui.engine.kernel_layout import as_oihw
from convtui.engine.readable import readable
from convtui.engine.spec import LARGEST_VALUE, ConvSpec, Floats, Pair, SpecError, brief

LARGEST_SIDE = 64
LARGEST_FILE = 2**22
MOST_PASTED = 2**20


class KernelRead(NamedTuple):
    """A weight [filters, slices, rows, columns], how an array's axes were read, and a notice of a guess."""

    weight: Floats
    axes: str = ""
    notice: str = ""


def _top_edge(height: int, width: int) -> Floats:
    rows = np.sign(np.arange(height) - (height - 1) / 2)
    return np.tile(rows[:, None], width)


def _left_edge(height: int, width: int) -> Floats:
    half = width // 2
    return np.tile(np.repeat([-1.0, 1.0, 0.0], [half, half, width % 2]), (height, 1))


def _diag1_edge(height: int, width: int) -> Floats:
    return _diag2_edge(height, width)[:, ::-1]


def _diag2_edge(height: int, width: int) -> Floats:
    return np.eye(height, width) - np.eye(height, width, 1)


def _edges(height: int, width: int) -> Floats:
    return np.stack([build(height, width) for build in (_left_edge, _top_edge, _diag1_edge, _diag2_edge)])


EDGES = ("left-edge", "top-edge", "diag1-edge", "diag2-edge")  # in the order of that stack
RANDOM = "random"


def _identity(height: int, width: int) -> Floats:
    kernel = np.zeros((height, width))
    kernel[(height - 1) // 2, (width - 1) // 2] = 1
    return kernel


def _binomial(size: int) -> Floats:
    row = np.ones(1)
    for _ in range(size - 1):
        row = np.convolve(row, [1, 1])
    return row


def _box_blur(height: int, width: int) -> Floats:
    return np.full((height, width), 1 / (height * width))


def _gaussian_blur(height: int, width: int) -> Floats:
    return np.outer(_binomial(height), _binomial(width)) / 2.0 ** (height + width - 2)


def _sobel_x(height: int, width: int) -> Floats:
    return np.outer(_binomial(height), np.convolve(_binomial(width - 1), [-1, 1]))


def _sobel_y(height: int, width: int) -> Floats:
    return _sobel_x(width, height).T


def _laplacian(height: int, width: int) -> Floats:
    rows, columns = np.ogrid[:height, :width]
    is_near = abs(rows - height // 2) + abs(columns - width // 2) <= height // 2
    kernel: Floats = is_near - is_near.sum() * _identity(height, width)
    return kernel


def _sharpen(height: int, width: int) -> Floats:
    return _identity(height, width) - _laplacian(height, width)


def _emboss(height: int, width: int) -> Floats:
    return np.add.outer(np.arange(height), np.arange(width)) - (height - 1) + _identity(height, width)


def _flipped(build: Callable[[int, int], Floats], axis: int) -> Callable[[int, int], Floats]:
    return lambda height, width: np.flip(build(height, width), axis)


@dataclass(frozen=True)
class _Named:
    sentence: str
    sizes: range
    build: Callable[[int, int], Floats] | None
    is_square: bool = False


_FROM_ONE, _FROM_TWO, _ODD = range(1, 12), range(2, 12), range(3, 12, 2)

_KERNELS = {
    "top-edge": _Named("High where the image is dark above and bright below.", _FROM_TWO, _top_edge),
    "bottom-edge": _Named(
        "High where the image is bright above and dark below.", _FROM_TWO, _flipped(_top_edge, 0)
    ),
    "left-edge": _Named(
        "High where the image is dark on the left and bright on the right.", _FROM_TWO, _left_edge
    ),
    "right-edge": _Named(
        "High where the image is bright on the left and dark on the right.",
        _FROM_TWO,
        _flipped(_left_edge, 1),
    ),
    "diag1-edge": _Named(
        "High along edges that rise to the right, dark at their upper left.", _FROM_TWO, _diag1_edge, True
    ),
    "diag2-edge": _Named(
        "High along edges that fall to the right, dark at their upper right.", _FROM_TWO, _diag2_edge, True
    ),
    "edges": _Named("Four filters at once: left, top and both diagonal edges.", _FROM_TWO, _edges, True),
    "identity": _Named("Leaves every pixel as it is.", _FROM_ONE, _identity),
    "box-blur": _Named("The plain mean of the window.", _FROM_TWO, _box_blur),
    "gaussian-blur": _Named(
        "A weighted mean of the window, heaviest in the middle.", _FROM_TWO, _gaussian_blur
    ),
    "sharpen": _Named("Adds to each pixel its difference from its neighbours.", _ODD, _sharpen, True),
    "laplacian": _Named("How much the neighbours of a pixel exceed it.", _ODD, _laplacian, True),
    "sobel-x": _Named(
        "How fast the image brightens to the right, smoothed along columns.", _FROM_TWO, _sobel_x
    ),
    "sobel-y": _Named("How fast the image brightens downwards, smoothed along rows.", _FROM_TWO, _sobel_y),
    "emboss": _Named("The image as a relief, lit along a diagonal.", _ODD, _emboss, True),
    RANDOM: _Named("Random numbers between -1 and 1, drawn from a seed.", _FROM_ONE, None),
}

NAMES: tuple[str, ...] = tuple(_KERNELS)


def _named(name: str) -> _Named:
    if name not in _KERNELS:
        from difflib import get_close_matches

        close = get_close_matches(name, NAMES, cutoff=0.5) or NAMES
        raise ValueError(f"unknown kernel {name!r}; choose from {', '.join(close)}")
    return _KERNELS[name]


def describe(name: str) -> str:
    """One sentence on what the named kernel does. Raises ValueError for an unknown name."""
    return _named(name).sentence


def legal_sizes(name: str) -> tuple[int, ...]:
    """The sizes in which the named kernel comes. Raises ValueError for an unknown name."""
    return tuple(_named(name).sizes)


def kernel(
    name: str,
    size: int | Sequence[int] | None = None,
    *,
    in_channels: int = 1,
    filters: int | None = None,
    seed: int = 0,
) -> Floats:
    """A named kernel as a weight [filters, in_channels, rows, columns]; all slices of a filter are equal.

    size: one number or (rows, columns); 3 if None. filters: how many; the kernel's own repeat in turn.
    seed: for "random", which draws every number separately, with two decimals; asking for more filters keeps
    the first ones.
    Raises ValueError for an unknown name or fewer than one channel or filter, SpecError for an illegal size.
    """
    named = _named(name)
    height, width = _checked_size(name, 3 if size is None else size)
    if in_channels < 1 or (filters is not None and filters < 1):
        raise ValueError(f"in_channels={in_channels}, filters={filters}: must be at least 1")
    if named.build is None:
        return random_weight((filters or 1, in_channels, height, width), seed)
    own = named.build(height, width).reshape(-1, 1, height, width)
    return np.resize(own, (filters or len(own), 1, height, width)).repeat(in_channels, axis=1)


def random_weight(shape: Sequence[int], seed: int = 0) -> Floats:
    """Numbers between -1 and 1, with two decimals; of a longer first axis the first ones are the same."""
    return np.random.default_rng(seed).uniform(-1, 1, tuple(shape)).round(2) + 0.0


def own_filters(name: str) -> tuple[str, ...]:
    """The kernel that each filter of a named kernel is: itself, but of "edges" four others."""
    return EDGES if name == "edges" else (name,)


def filters_of(
    names: Sequence[str], size: int | Sequence[int], *, in_channels: int = 1, seed: int = 0
) -> Floats:
    """A filter for each name, as a weight [len(names), in_channels, rows, columns].

    Names are those of kernels with one filter; each "random" is another draw from the seed.
    Raises as `kernel` does.
    """
    made = {name: kernel(name, size, in_channels=in_channels)[0] for name in dict.fromkeys(names)}
    drawn = iter(kernel(RANDOM, size, in_channels=in_channels, filters=len(names), seed=seed))
    return np.stack([next(drawn) if name == RANDOM else made[name] for name in names])


def other_filters(names: Sequence[str], count: int, size: Pair) -> tuple[str, ...]:
    """So many filters by name: the first of these, and behind them others.

    The others are the named kernels of one filter that follow the last of these, as far as they come in that
    size and are not among the weights already; from then on random ones.
    """
    weights = {kernel(name, size).tobytes() for name in dict.fromkeys(names) if name != RANDOM}
    filters, following = list(names), NAMES.index(names[-1]) + 1
    for name in (*NAMES[following:], *NAMES[:following]):
        if name == RANDOM or own_filters(name) != (name,) or not _comes_in(name, size):
            continue
        weight = kernel(name, size).tobytes()  # at 2x2, sobel-x is left-edge
        if weight not in weights:
            weights.add(weight)
            filters.append(name)
    return (*filters[:count], *[RANDOM] * (count - len(filters)))


def _comes_in(name: str, size: Pair) -> bool:
    named, (height, width) = _KERNELS[name], size
    is_known = height in named.sizes and width in named.sizes
    return is_known and (height == width or not named.is_square)


NAMED_EDGES = (
    *(f"{side}-edge" for side in ("top", "bottom", "left", "right", "diag1", "diag2")),
    "sobel-x",
    "sobel-y",
)


@lru_cache(maxsize=16)
def _edges_of(rows: int, columns: int) -> tuple[tuple[str, Floats, float], ...]:
    """The named edge kernels that come in a size, [rows, columns], and their lengths."""
    edges = [
        (name, kernel(name, (rows, columns))[0, 0])
        for name in NAMED_EDGES
        if _comes_in(name, (rows, columns))
    ]
    return tuple((name, edge, float(np.linalg.norm(edge))) for name, edge in edges)


def nearest_edge(weight: Floats) -> tuple[str, float]:
    """The named edge kernel that is most like a filter [in_channels, rows, columns], and how like it is.

    That is the cosine between their weights, the filter's summed over its channels: 1 for the same kernel at
    any scale, 0 for nothing in common, and for a filter of zeros.
    Raises ValueError for a filter whose size no edge kernel has.
    """
    summed = weight.sum(axis=0)
    rows, columns = summed.shape
    length = np.linalg.norm(summed)
    likeness: dict[str, float] = {}
    for name, edge, edge_length in _edges_of(rows, columns):
        lengths = float(edge_length * length)
        likeness[name] = float((edge * summed).sum()) / lengths if lengths else 0.0
    if not likeness:
        raise ValueError(f"{rows}x{columns}: no edge kernel has this size")
    name = max(likeness, key=likeness.__getitem__)
    return name, likeness[name]


def _checked_size(name: str, size: int | Sequence[int]) -> Pair:
    named = _KERNELS[name]
    height, width = ConvSpec(size).kernel_size
    if _comes_in(name, (height, width)):
        return height, width
    is_known = height in named.sizes and width in named.sizes
    below = [n for n in named.sizes if n <= min(height, width)][-1:]
    above = [n for n in named.sizes if n >= max(height, width)][:1]
    nearest = " or ".join(str(n) for n in below + above)
    reason = f"{name} must be square" if is_known else f"{name} does not come in this size"
    raise SpecError("kernel_size", brief(size), reason, nearest)


def parse_kernel(text: str) -> Floats:
    """The weight [filters, slices, rows, columns] written as rows of numbers, or as a pasted array.

    Numbers are separated by spaces or commas and may be fractions (1/9); # starts a comment; a blank line
    separates the slices of a filter, a line of dashes (---) separates filters. An array is as `parse_array`
    reads it, with axes as in load_kernel.
    Raises ValueError that names the line and what is wrong there.
    """
    return read_kernel_text(text).weight


def read_kernel_text(text: str, layout: str = "") -> KernelRead:
    """As parse_kernel, with how the axes of a pasted array were read. Raises ValueError."""
    if not is_array_text(text):
        return KernelRead(_parse_rows(text))
    array = parse_array(text, MOST_PASTED)
    return KernelRead(*as_oihw(array[np.newaxis] if array.ndim == 1 else array, layout))


def _parse_rows(text: str) -> Floats:
    filters: list[list[list[list[float]]]] = [[[]]]
    number = 1
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if re.fullmatch("-{3,}", content):
            _close_filter(filters, number)
            filters.append([[]])
        elif content:
            row = _parse_row(content, number)
            width = len((filters[0][0] or [row])[0])
            if len(row) != width:
                raise ValueError(f"line {number}: row of length {len(row)}, but the first has length {width}")
            filters[-1][-1].append(row)
        elif not line.strip() and filters[-1][-1]:
            _close_slice(filters, number)
            filters[-1].append([])
    _close_filter(filters, number)
    return np.array(filters)


def _close_slice(filters: list[list[list[list[float]]]], number: int) -> None:
    height, expected = len(filters[-1][-1]), len(filters[0][0])
    if height != expected:
        raise ValueError(f"line {number}: slice of height {height}, but the first has height {expected}")


def _close_filter(filters: list[list[list[list[float]]]], number: int) -> None:
    if not filters[-1][-1]:
        filters[-1].pop()
    if not filters[-1]:
        raise ValueError(f"line {number}: this filter has no numbers")
    _close_slice(filters, number)
    slices, expected = len(filters[-1]), len(filters[0])
    if slices != expected:
        raise ValueError(
            f"line {number}: filter ends after slice {slices}, but the first ends after slice {expected}"
        )


def _parse_row(content: str, number: int) -> list[float]:
    tokens = re.split(r"\s*,\s*|\s+", content)
    if "" in tokens:
        raise ValueError(f"line {number}: missing number next to a comma")
    return [_parse_number(token, number) for token in tokens]


def _parse_number(token: str, number: int) -> float:
    try:
        return parse_entry(token)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def format_kernel(weight: Floats) -> str:
    """The weight [filters, slices, rows, columns] as text that parse_kernel reads back exactly."""
    numbers = np.array([repr(value).removesuffix(".0") for value in weight.ravel().tolist()])
    rows = np.char.rjust(numbers, numbers.itemsize // 4).reshape(weight.shape).tolist()
    return "---\n".join(
        "\n".join("".join(" ".join(row) + "\n" for row in slice_rows) for slice_rows in slices)
        for slices in rows
    )


def load_kernel(path: str | Path) -> Floats:
    """The weight [filters, slices, rows, columns] in a file: .npy, or text as parse_kernel reads it.

    An array with two dimensions is [rows, columns], with three [slices, rows, columns], unless its shape is
    that of Keras's [rows, columns, slices, filters] (`layout_of`).
    Raises ValueError, naming the file, for anything but a kernel of at most 64 rows and columns.
    """
    return read_kernel(path).weight


def read_kernel(path: str | Path, layout: str = "") -> KernelRead:
    """As load_kernel, with how the axes were read; layout "oihw" or "hwio" says how. Raises ValueError."""
    path = Path(path)
    with readable(path, LARGEST_FILE):
        if path.suffix.lower() == ".npy":
            read = KernelRead(*as_oihw(_load_array(path), layout))
        else:
            read = read_kernel_text(path.read_text("utf-8-sig"), layout)
        require_size(read)
    return read


def require_size(read: KernelRead) -> None:
    """Raises ValueError for a kernel of more than 64 rows or columns."""
    height, width = read.weight.shape[2:]
    if max(height, width) > LARGEST_SIDE:
        how = f" ({read.axes})" if read.axes else ""
        raise ValueError(
            f"kernel of {height} x {width}; at most {LARGEST_SIDE} rows and columns are allowed{how}"
        )


def _load_array(path: Path) -> Floats:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception:  # a damaged header makes numpy raise almost anything
        raise ValueError("not a readable .npy file") from None
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3, 4) or array.size == 0:
        raise ValueError(
            f"must hold real numbers in 2, 3 or 4 dimensions, got {array.dtype} {list(array.shape)}"
        )
    weight = np.array(array, dtype=np.float64)
    if not (np.abs(weight) <= LARGEST_VALUE).all():
        raise ValueError(f"contains NaN, infinity or numbers larger than {LARGEST_VALUE:g} in magnitude")
    return weight
