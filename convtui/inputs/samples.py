"""The bundled samples: which there are, what each is, and how they are opened."""

from dataclasses import replace
from pathlib import Path

from convtui.inputs.images import InputError, Picture, read_picture
from convtui.inputs.names import did_you_mean, printable
from convtui.inputs.sample_folder import sample_folder
from convtui.inputs.scaling import Pair, Resize

DEFAULT_IMAGE = "mnist-7"

_DIGITS = (7, 0, 1, 2, 3, 4, 5, 6, 8, 9)
_IMAGES = {
    **{f"mnist-{digit}.csv": f"A handwritten {digit} from MNIST, grey, 28x28." for digit in _DIGITS},
    "digit-8x8-0.csv": "A handwritten 0, small enough to read as numbers, grey, 8x8.",
    "digit-8x8-3.csv": "A handwritten 3, small enough to read as numbers, grey, 8x8.",
    "digit-8x8-4.csv": "A handwritten 4, small enough to read as numbers, grey, 8x8.",
    "cat-64.png": "A photograph of a cat, colour, 64x64.",
    "cat-32.png": "The same cat, colour, 32x32.",
    "impulse-7x7.csv": "A single 1 among zeros: its output shows the kernel flipped, grey, 7x7.",
    "edge-8x8.csv": "Black next to white along one vertical edge, grey, 8x8.",
    "ramp-6x11.csv": "Columns from black to white in steps of a tenth, grey, 6x11.",
    "checkerboard-8x8.csv": "Alternating black and white, grey, 8x8.",
    "flat-6x6.csv": "Evenly white: a pattern in its output comes from the operation, grey, 6x6.",
    "count-5x5.csv": "The numbers 1 to 25, to check sums by hand, 5x5.",
    "count-3x3.csv": "The numbers 1 to 9, small enough for equations in letters, 3x3.",
    "colours-12x12.csv": "Nine squares: pure colours, black, grey and white, colour, 12x12.",
}
_DATA = {
    "mnist-12k": "10,000 handwritten digits for training and 2,000 for validation, from MNIST, grey, 28x28.",
    "digits-8x8": "1,437 handwritten digits for training and 360 for validation, grey, 8x8.",
}
_FILES = {Path(file).stem: file for file in _IMAGES}


def folder() -> Path:
    """The folder that holds images/, kernels/, sessions/ and data/."""
    return sample_folder()


def image_names() -> tuple[str, ...]:
    """The sample images' names, the default first."""
    return tuple(_FILES)


def image_name(file: str) -> str:
    """The name of the sample with this file name; any other text unchanged."""
    return Path(file).stem if file in _IMAGES else file


def describe(name: str) -> str:
    """One sentence on a sample image, ending with its size in rows x columns."""
    return _IMAGES[_FILES[name]]


def data_names() -> tuple[str, ...]:
    """The data sets' names, the default first."""
    return tuple(_DATA)


def describe_data(name: str) -> str:
    """One sentence on a data set, ending with its images' size in rows x columns."""
    return _DATA[name]


def open_image(
    name: str,
    resize: Resize | None = None,
    gray: bool = False,
    axes: str = "",
    white: float | None = None,
    crop: int | Pair | None = None,
) -> Picture:
    """The sample image of that name. Raises InputError if there is none, and as read_picture does."""
    if name not in _FILES:
        raise InputError(f"{printable(name)}: no such sample{did_you_mean(name, _FILES)}")
    picture = read_picture(folder() / "images" / _FILES[name], resize, gray, axes, white, crop)
    return replace(picture, name=name, source=name)


def is_of_a_bundled_data_set(name: str) -> bool:
    """Whether a name such as "mnist-12k:test:17" begins with that of a bundled data set."""
    return name.partition(":")[0] in _DATA


def kernel_files() -> tuple[Path, ...]:
    """The sample kernels, by name."""
    return tuple(sorted((folder() / "kernels").glob("*.txt")))


def layer_files() -> tuple[Path, ...]:
    """The sample stacks of layers, by name."""
    return tuple(sorted((folder() / "layers").glob("*.txt")))


def session_files() -> tuple[Path, ...]:
    """The sample sessions, by name."""
    return tuple(sorted((folder() / "sessions").glob("*.toml")))


def model_folder() -> Path:
    """The folder of the sample PyTorch models."""
    return folder() / "models"


def model_files() -> tuple[Path, ...]:
    """The sample PyTorch models, by name."""
    return tuple(sorted(model_folder().glob("*.py")))


def first_comment(path: Path) -> str:
    """The first comment of a text sample, which describes it."""
    lines = path.read_text("utf-8").splitlines()
    return next((line.removeprefix("#").strip() for line in lines if line.startswith("#")), "")


def docstring(path: Path) -> str:
    """The first line of a sample module, which describes it; it is not run."""
    first, *_ = path.read_text("utf-8").splitlines()
    return first.strip('"')


def lesson_folder() -> Path:
    """The folder of the course, whose lessons are in the order of their names."""
    return folder() / "lessons"
