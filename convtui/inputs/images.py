"""Turn whatever a user points at into channels of numbers, or into a one-line error.

Broken, hostile and huge files stop here: what a file claims is checked before anything is decoded. Pillow
is imported only when a picture needs it: the default image is a table, and the first paint should not wait.
"""

import re
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from convtui.engine.array_text import is_array_text, parse_array, parse_real
from convtui.engine.spec import LARGEST_VALUE
from convtui.engine.words import counted
from convtui.inputs.axes import AXES, with_channels_first
from convtui.inputs.confinement import require_ours
from convtui.inputs.decoding import Contents, decoded
from convtui.inputs.idx_files import idx_advice
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.inputs.npz_files import npz_advice
from convtui.inputs.quiet import silent_stderr
from convtui.inputs.scaling import (
    LARGEST_SIDE,
    Pair,
    Resize,
    ScalingError,
    cropped,
    require_sides,
    scaled_size,
)

Floats = NDArray[np.float64]

LARGEST_COUNT = 3 * LARGEST_SIDE**2
LARGEST_PIXELS = 100_000_000
LARGEST_FILE = 256 * 2**20
LARGEST_TABLE = 64 * 2**20

PASTED = "pasted"

_LUMA = (0.299, 0.587, 0.114)
_MODERATE = f"values must be finite, at most {LARGEST_VALUE:g} in magnitude"
_WHITE = re.compile(r"\s*#\s*white\s*=\s*(\S+)\s*$")


class InputError(ValueError):
    """One line for the user: which file or value, what is wrong, what would be right."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image to convolve, with what is needed to title it, draw it and open it again.

    pixels: float64 [channels, rows, cols], read-only and C-contiguous.
    source: the sample's name or the path as given, which opens it again with resize, crop, gray, axes and
    white; "" if nothing does, as for a pasted array.
    colour: three channels that are red, green and blue in 0..1.
    lowest, highest: the values drawn as black and as white; those beyond are drawn as the nearer of the two.
    axes: the order of an array's axes, "channels-first" or "channels-last", where another was possible.
    white: the stored value that was asked for as white.
    notice: what the user should know about how it was read; "" if nothing.
    original: the picture before any pixel was edited; None if none was.
    """

    pixels: Floats
    name: str
    source: str
    colour: bool
    lowest: float = 0.0
    highest: float = 1.0
    resize: Resize | None = None
    gray: bool = False
    axes: str = ""
    white: float | None = None
    crop: int | Pair | None = None
    notice: str = ""
    original: "Picture | None" = None


class How(TypedDict, total=False):
    """read_picture's parameters, for those who only hand them on."""

    resize: Resize | None
    gray: bool
    axes: str
    white: float | None
    crop: int | Pair | None


@dataclass(frozen=True)
class _Reading:
    """How an image is to be read, as read_picture's parameters."""

    resize: Resize | None = None
    gray: bool = False
    axes: str = ""
    white: float | None = None
    crop: int | Pair | None = None

    def __post_init__(self) -> None:
        try:
            require_sides("resize", self.resize)
            require_sides("crop", self.crop)
        except ScalingError as error:
            raise InputError(str(error)) from None
        if self.axes not in ("", *AXES):
            raise InputError(f"axes {printable(self.axes)}: must be {' or '.join(AXES)}")
        if self.white is not None and not 0 < self.white <= LARGEST_VALUE:
            raise InputError(f"white {self.white:g}: must be a positive number")


def read_picture(
    path: str | Path,
    resize: Resize | None = None,
    gray: bool = False,
    axes: str = "",
    white: float | None = None,
    crop: int | Pair | None = None,
) -> Picture:
    """Read an image file, an array (.npy) or a table of numbers (.csv, .tsv, .txt) as channels of float64.

    Image files become 0..1: one channel if they are grey, else red, green, blue. Transparent pixels lie on
    white; of several frames the first is read. A side over 512 is scaled down unless resize says otherwise.
    Arrays and tables keep their numbers. An array is [rows, columns], [channels, rows, columns] or
    [rows, columns, channels], the last by the rule of `axes.order_of`, with a notice where that is a guess.
    In a table, # starts a comment and a blank line the next channel; the comment `# white = 255` makes 255
    white: all values are divided by it. A table may also be an array as Python, numpy or PyTorch print it.

    resize: the shorter side, 1 to 4096, keeping the ratio, or rows and columns; crop: the middle that is kept
    of that, as torchvision's Resize and CenterCrop take them. gray: one channel, luma by ITU-R BT.601. axes:
    "channels-first" or "channels-last" of an array. white: the stored value that is white.
    Raises InputError for anything that cannot be read.
    """
    reading = _Reading(resize, gray, axes, white, crop)
    with _one_line(path):
        file = _regular_file(Path(path))
        contents = _READERS.get(file.suffix.lower(), _read_image)(file, reading)
        return _picture(contents, str(path), reading)


def read_pasted(
    text: str,
    resize: Resize | None = None,
    gray: bool = False,
    axes: str = "",
    white: float | None = None,
    crop: int | Pair | None = None,
) -> Picture:
    """The image in a text such as "[[1, 2], [3, 4]]", as read_picture reads that in a file.

    Raises InputError.
    """
    reading = _Reading(resize, gray, axes, white, crop)
    with _one_line(PASTED):
        return replace(_picture(_array_text(text, reading), PASTED, reading), source="")


def read_square(path: Path, side: int) -> Contents:
    """The middle square of a picture file, scaled: [1 if it is grey, else 3, side, side], from 0 to 1.

    Its notice is that of read_picture. Raises InputError for anything else, as read_picture does.
    """
    with _one_line(path):
        file = _regular_file(path)
        if file.suffix.lower() in _READERS:
            raise InputError("is a file of numbers; expected an image (PNG, JPEG, GIF, BMP, WebP, ...)")
        contents = _read_image(file, _Reading(side), is_square=True)
        if not contents.has_white:
            raise InputError("holds numbers without a black and white level; save it as PNG first")
        return contents


@contextmanager
def _one_line(path: str | Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would smear the screen; what matters is raised
            yield
    except (InputError, ScalingError) as error:
        raise InputError(f"{printable(str(path))}: {error}") from None
    except OSError as error:
        raise InputError(f"{printable(str(path))}: cannot be read ({error.strerror or error})") from None


def with_pixel(picture: Picture, c: int, r: int, q: int, value: float) -> Picture:
    """A copy of the picture whose pixel [c, r, q] is value; the scale it is drawn in stays.

    Raises InputError for a value that is not finite or whose size is over 1e30.
    """
    if not abs(value) <= LARGEST_VALUE:
        raise InputError(f"pixel value {value}: {_MODERATE}")
    pixels = picture.pixels.copy()
    pixels[c, r, q] = value
    pixels.setflags(write=False)
    return replace(picture, pixels=pixels, original=picture.original or picture)


def adjusted(picture: Picture, resize: Resize | None, gray: bool, crop: int | Pair | None) -> Picture:
    """The picture scaled, cropped and grey, as read_picture would have read it. Raises InputError."""
    try:
        require_sides("resize", resize)
        require_sides("crop", crop)
        pixels = _adjusted(picture.pixels, resize, gray, crop)
    except ScalingError as error:
        raise InputError(str(error)) from None
    colour = picture.colour and len(pixels) == 3
    return replace(picture, pixels=pixels, colour=colour, resize=resize, gray=gray, crop=crop)


def _adjusted(values: Floats, resize: Resize | None, gray: bool, crop: int | Pair | None) -> Floats:
    rows, columns = values.shape[1:]
    if resize is not None and (size := scaled_size(rows, columns, resize)) != (rows, columns):
        values = _resized(values, size)
    if crop is not None:
        values = values[:, *cropped(values.shape[1], values.shape[2], crop)]
    if gray:
        values = _luma(values)
    pixels = np.ascontiguousarray(values, dtype=np.float64)
    pixels.setflags(write=False)
    return pixels


def _picture(contents: Contents, source: str, reading: _Reading) -> Picture:
    _require_moderate(contents.values)
    pixels = _adjusted(contents.values, reading.resize, reading.gray, reading.crop)
    lowest, highest = (0.0, 1.0) if contents.has_white else _extremes(pixels)
    name = printable(Path(source).name)
    return Picture(
        pixels=pixels,
        name=name,
        source=source,
        colour=len(pixels) == 3 and bool(pixels.min() >= 0 and pixels.max() <= 1),
        lowest=lowest,
        highest=highest,
        resize=reading.resize,
        gray=reading.gray,
        axes=contents.axes,
        white=reading.white,
        crop=reading.crop,
        notice=contents.notice and f"{name}: {contents.notice}",
    )


def _extremes(values: Floats) -> tuple[float, float]:
    lowest, highest = min(0.0, float(values.min())), float(values.max())
    if highest > lowest:
        return lowest, highest
    return lowest, 0.0 if lowest < 0 else 1.0


def _require_moderate(values: Floats) -> None:
    # NaN fails both comparisons. The bound keeps sums of products finite, and float32 while resizing.
    if values.min() >= -LARGEST_VALUE and values.max() <= LARGEST_VALUE:
        return
    place = tuple(int(i) for i in np.argwhere(~(np.abs(values) <= LARGEST_VALUE))[0])
    raise InputError(f"the value at {list(place)} is {values[place]:g}: {_MODERATE}")


def _luma(values: Floats) -> Floats:
    if len(values) == 1:
        return values
    if len(values) != 3:
        raise InputError(f"gray needs 1 channel, or 3 for red, green and blue; this image has {len(values)}")
    return np.tensordot(_LUMA, values, axes=1)[np.newaxis]


def _resized(values: Floats, size: Pair) -> Floats:
    from PIL import Image

    rows, columns = size
    channels = [Image.fromarray(channel.astype(np.float32)) for channel in values]
    resized = [np.asarray(channel.resize((columns, rows), Image.Resampling.BILINEAR)) for channel in channels]
    return np.array(resized, dtype=np.float64)


def _regular_file(path: Path) -> Path:
    require_ours(path)
    try:
        path = path.expanduser()
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"no such file{did_you_mean(path.name, neighbours(path))}") from None
    except (ValueError, RuntimeError):  # a NUL in the path; no home to expand ~ to
        raise InputError("not a valid path") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError("is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError("is a device, a pipe or a socket; name a regular file")
    if status.st_size == 0:
        raise InputError("the file is empty")
    return path


def _require_at_most(file: Path, limit: int, advice: str) -> None:
    size = file.stat().st_size
    if size > limit:
        raise InputError(f"the file has {size >> 20} MiB, more than the limit of {limit >> 20} MiB; {advice}")


def _require_moderate_count(count: int) -> None:
    if count > LARGEST_COUNT:
        raise InputError(
            f"holds {count:,} values, more than the limit of {LARGEST_COUNT:,} (3 x {LARGEST_SIDE}²)"
        )


def _read_npy(file: Path, reading: _Reading) -> Contents:
    try:
        # Mapped, so that a header that promises more than the file holds costs no memory.
        array = np.lib.format.open_memmap(file, mode="r")
    except OSError:
        raise
    except Exception as error:
        raise InputError(f"is not a complete .npy array of numbers ({_reason(error)})") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"holds values of type {array.dtype}; expected integers, floats or booleans")
    return _array(array, reading)


def _array(array: NDArray[Any], reading: _Reading) -> Contents:
    is_batch_of_one = array.ndim == 4 and len(array) == 1
    if (array.ndim not in (2, 3) and not is_batch_of_one) or array.size == 0:
        raise InputError(
            f"has the shape {array.shape}; expected [rows, columns] or [channels, rows, columns]"
        )
    _require_moderate_count(array.size)
    values = np.array(array[0] if is_batch_of_one else array, dtype=np.float64)
    if values.ndim == 2:
        return _scaled_by(values[np.newaxis], reading.white)
    values, axes, notice = with_channels_first(values, reading.axes)
    return _scaled_by(values, reading.white)._replace(axes=axes, notice=notice)


def _scaled_by(values: Floats, white: float | None) -> Contents:
    return Contents(values / (white or 1.0), has_white=white is not None)


def _array_text(text: str, reading: _Reading) -> Contents:
    """The array as Python, numpy, PyTorch or MATLAB write it; one axis is a single row."""
    try:
        array = parse_array(text, LARGEST_COUNT)
    except ValueError as error:
        raise InputError(str(error)) from None
    directives = ((_WHITE.match(line), number) for number, line in enumerate(text.split("\n"), start=1))
    whites = [_white(directive[1], number) for directive, number in directives if directive]
    white = reading.white or (whites[-1] if whites else None)
    return _array(array[np.newaxis] if array.ndim == 1 else array, replace(reading, white=white))


def _read_table(file: Path, reading: _Reading) -> Contents:
    _require_at_most(file, LARGEST_TABLE, "save it as .npy instead")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start}); expected a table of numbers") from None
    if is_array_text(text):
        return _array_text(text, reading)
    channels: list[list[Floats]] = [[]]
    white: float | None = None
    count = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if directive := _WHITE.match(line):
            white = _white(directive[1], number)
        elif not line.strip():
            if channels[-1]:
                channels.append([])
        elif cells := line.partition("#")[0].strip():
            row = _row(cells, number)
            width = len(channels[0][0]) if channels[0] else len(row)
            if len(row) != width:
                raise InputError(
                    f"line {number} has {counted(len(row), 'number')}, but the first row has {width}"
                )
            channels[-1].append(row)
            _require_moderate_count(count := count + len(row))
    tables = [rows for rows in channels if rows]
    if not tables:
        raise InputError("holds no numbers")
    for index, rows in enumerate(tables):
        if len(rows) != len(tables[0]):
            raise InputError(
                f"channel {index + 1} has {counted(len(rows), 'row')}, but channel 1 has {len(tables[0])}; "
                "a blank line starts a new channel, and all must have the same size"
            )
    return _scaled_by(np.array(tables), reading.white or white)


def _white(text: str, number: int) -> float:
    white = parse_real(text) if _is_number(text) else 0.0
    if not 0 < white <= LARGEST_VALUE:
        raise InputError(f"line {number}: white = {printable(text)} must be a positive number")
    return white


def _row(line: str, number: int) -> Floats:
    if "," in line and ";" in line:
        raise InputError(f"line {number} mixes , and ; (use one of them, and a point for decimals)")
    cells = line.split("," if "," in line else ";" if ";" in line else None)
    try:
        row = np.array([parse_real(cell) for cell in cells])
    except ValueError:
        column = next(i for i, cell in enumerate(cells) if not _is_number(cell))
        what = (
            f"{cells[column].strip()[:30]!r} is not a number" if cells[column].strip() else "missing number"
        )
        raise InputError(f"line {number}, column {column + 1}: {what} (comments start with #)") from None
    moderate = np.abs(row) <= LARGEST_VALUE
    if not moderate.all():
        column = int(moderate.argmin())
        raise InputError(f"line {number}, column {column + 1} is {row[column]:g}: {_MODERATE}")
    return row


def _is_number(text: str) -> bool:
    try:
        parse_real(text)
    except ValueError:
        return False
    return True


def _reason(error: Exception) -> str:
    return printable(" ".join(str(error).split())[:120] or type(error).__name__)


def _read_npz(file: Path, reading: _Reading) -> Contents:  # noqa: ARG001
    raise InputError(npz_advice(file))


def _read_image(file: Path, reading: _Reading, is_square: bool = False) -> Contents:
    import logging

    from PIL import Image, UnidentifiedImageError

    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # as with warnings
    _require_at_most(file, LARGEST_FILE, "scale the image down first")
    too_large = f"more than the limit of {LARGEST_PIXELS // 10**6} megapixels; scale it down first"
    if advice := idx_advice(file):
        raise InputError(advice)
    with file.open("rb") as stream:
        try:
            with silent_stderr(), Image.open(stream) as image:
                if image.format == "EPS":
                    raise InputError("EPS is not supported; save it as PNG first")
                if image.width * image.height > LARGEST_PIXELS:
                    raise InputError(f"{image.width}x{image.height} pixels are {too_large}")
                return decoded(image, reading.resize, is_square, reading.white)
        except (InputError, ScalingError):
            raise
        except Image.DecompressionBombError:
            raise InputError(f"has {too_large}") from None
        except UnidentifiedImageError:
            raise InputError(
                "not an image that Pillow can read (PNG, JPEG, GIF, BMP, WebP, ...); "
                "files of numbers end in .npy, .csv, .tsv or .txt"
            ) from None
        except Exception as error:  # every format of Pillow has errors of its own
            raise InputError(f"the image is damaged or in an unknown format ({_reason(error)})") from None


_READERS: dict[str, Callable[[Path, _Reading], Contents]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".txt": _read_table,
}
