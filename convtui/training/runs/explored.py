"""What has been found out about a run's filters, as frozen values, and the files that it is kept in.

A file in the run's folder has the messages of one job, a line each: the first says what is measured, and each
of the others adds a part that is whole by itself. So a job that was killed goes on with the next part, and
what is seen live is what is read back. Whatever does not fit is left out, and measured again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from convtui.inputs.atomic import UNFINISHED, read_regular, write_whole
from convtui.training.exploring import (
    PATCHES,
    Ablate,
    Ablating,
    Convolve,
    Convolved,
    Convolving,
    Excited,
    ExcitedLayer,
    Explaining,
    Explore,
    Explored,
    Exploring,
    Follow,
    Followed,
    Hidden,
    Occluded,
)
from convtui.training.messages import Message, decode, encode
from convtui.training.runs.convolved import Convolutions, Output
from convtui.training.runs.store import RunError, number_of

INITIAL: Final = "initial"  # in place of a digest: weights drawn from the seed, which no checkpoint has
EXPLANATIONS_KEPT: Final = 64

_FOLDER: Final = "features"
_LOCK: Final = "features.lock"
_PATIENCE: Final = 0.5  # seconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LayerPatches:
    """What excites the filters of a convolution: of each filter at most nine places, the strongest first.

    layer is the convolution's number, measured that of the layer whose output the activations are.
    images, rows, columns [filters, 9]: which validation image, and where in the feature map; -1 where there
    are fewer. values [filters, 9]: the activations; NaN where there are fewer. An image has one place at
    most in a filter's nine. Activations that are 0 after a ReLU excite nothing and are left out.
    means [filters]: the mean activation. shares [filters]: of the images, in which it is above 0 anywhere.
    """

    layer: int
    measured: int
    images: Ints
    rows: Ints
    columns: Ints
    values: Floats
    means: Floats
    shares: Floats

    @property
    def dead(self) -> frozenset[int]:
        """The filters whose activation is above 0 on none of the images."""
        return frozenset(np.flatnonzero(self.shares == 0).tolist())

    def taken(self, new: ExcitedLayer, before: int, after: int, validation: int) -> LayerPatches:
        """With what images number `before` to `after` add. Raises ValueError for what does not fit."""
        filters = len(self.means)
        count = after - before
        columns = [np.array(each, np.int64) for each in (new.images, new.rows, new.columns)]
        of, values = np.array(new.filters, np.int64), np.array(new.values, np.float64)
        positive = np.array(new.positive, np.int64)
        first = np.searchsorted(of, np.arange(filters))
        if not (
            len(new.means) == len(positive) == filters
            and len({len(of), len(values), *map(len, columns)}) == 1
            and (np.diff(of) >= 0).all()
            and _all_within(of, 0, filters - 1)
            and _all_within(columns[0], 0, validation - 1)
            and all(_all_within(each, 0, 2**16) for each in columns[1:])
            and _all_within(positive, 0, count)
        ):
            raise ValueError("activations that do not fit the network")
        place = np.arange(len(of)) - first[of]
        if (place >= PATCHES).any():
            raise ValueError("more than nine places of a filter")
        added = [_spread(each, of, place, filters) for each in columns]
        added_values = np.full((filters, PATCHES), np.nan)
        added_values[of, place] = values
        values = np.concatenate([self.values, added_values], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, :PATCHES]  # NaN is last

        def chosen(mine: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
            return np.take_along_axis(np.concatenate([mine, others], axis=1), order, axis=1)

        return replace(
            self,
            images=chosen(self.images, added[0]),
            rows=chosen(self.rows, added[1]),
            columns=chosen(self.columns, added[2]),
            values=np.take_along_axis(values, order, axis=1),
            means=(self.means * before + np.array(new.means) * count) / after,
            shares=(self.shares * before + positive) / after,
        )


@dataclass(frozen=True, eq=False)
class Patches:
    """What excites the filters of all convolutions, as far as it is known.

    images: how many of `total` validation images have been gone through; there are `validation` of them.
    """

    step: int
    digest: str
    images: int
    total: int
    validation: int
    layers: tuple[LayerPatches, ...]

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return self.images, self.total

    def of(self, layer: int) -> LayerPatches | None:
        """Those of the convolution of this number."""
        return next((each for each in self.layers if each.layer == layer), None)

    @classmethod
    def begun(cls, header: Exploring) -> Patches:
        layers = zip(header.layers, header.measured, header.filters, strict=True)
        nothing = tuple(_nothing(*each) for each in layers)
        return cls(header.step, header.digest, 0, header.images, header.validation, nothing)

    def taken(self, event: Excited) -> Patches:
        """With what more images add. Raises ValueError for what does not fit."""
        _require(self.images < event.images <= self.total, "the number of images")
        pairs = zip(self.layers, event.layers, strict=True)
        layers = (mine.taken(new, self.images, event.images, self.validation) for mine, new in pairs)
        return replace(self, images=event.images, layers=tuple(layers))


@dataclass(frozen=True, eq=False)
class Ablation:
    """Accuracy on validation images as it is, and with each filter of a convolution hidden in turn.

    images: how many of `total` the counts are of. correct: how many of them are classified correctly;
    without [filters]: how many while that filter's channel of layer `measured`'s output is 0.
    """

    step: int
    digest: str
    images: int
    total: int
    layer: int
    measured: int
    correct: int
    without: Ints

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return self.images, self.total

    @property
    def accuracy(self) -> float | None:
        """As it is; None until the first images are gone through."""
        return self.correct / self.images if self.images else None

    @property
    def accuracies(self) -> Floats | None:
        """[filters] with each filter hidden; None until the first images are gone through."""
        return self.without / self.images if self.images else None

    @classmethod
    def begun(cls, header: Ablating) -> Ablation:
        where = header.layer, header.measured
        return cls(
            header.step, header.digest, 0, header.images, *where, 0, np.zeros(header.filters, np.int64)
        )

    def taken(self, event: Hidden) -> Ablation:
        """With the counts of more images. Raises ValueError for what does not fit."""
        without = np.array(event.without, np.int64)
        _require(self.images < event.images <= self.total, "the number of images")
        _require(len(without) == len(self.without), "the number of filters")
        _require(_all_within(np.append(without, event.correct), 0, event.images), "the counts")
        return replace(self, images=event.images, correct=event.correct, without=without)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the network says of one image, and the pixels on which one class depends.

    gradient [channels, rows, columns]: d logit / d pixel. occlusion [rows / stride, columns / stride] rounded
    up: the class's probability with a square of patch x patch pixels at the mean centred there; NaN in the
    rows that are not known yet. logits and probabilities are of all classes.
    """

    step: int
    digest: str
    label: int
    patch: int
    stride: int
    logits: Floats
    probabilities: Floats
    gradient: Floats
    occlusion: Floats
    rows: int

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return self.rows, len(self.occlusion)

    @property
    def saliency(self) -> Floats:
        """[rows, columns] the largest |gradient| over the channels (Simonyan et al. 2013)."""
        largest: Floats = np.abs(self.gradient).max(axis=0)
        return largest

    @property
    def probability(self) -> float:
        """That of the class with nothing covered."""
        return float(self.probabilities[self.label])

    @classmethod
    def begun(cls, header: Explaining) -> Explanation:
        _, height, width = header.shape
        gradient = np.array(header.gradient, np.float64)
        _require(gradient.shape == header.shape and header.stride > 0, "the shape of the gradient")
        _require(0 <= header.label < len(header.probabilities) == len(header.logits), "the classes")
        size = -(-height // header.stride), -(-width // header.stride)
        return cls(
            *(header.step, header.digest, header.label, header.patch, header.stride),
            np.array(header.logits),
            np.array(header.probabilities),
            gradient,
            np.full(size, np.nan),
            0,
        )

    def taken(self, event: Occluded) -> Explanation:
        """With the next row. Raises ValueError for what does not fit."""
        _require(self.rows < len(self.occlusion), "the number of rows")
        _require(len(event.probabilities) == self.occlusion.shape[1], "the length of a row")
        occlusion = self.occlusion.copy()
        occlusion[self.rows] = event.probabilities
        return replace(self, occlusion=occlusion, rows=self.rows + 1)


Found: TypeAlias = Patches | Ablation | Explanation | Convolutions | Output


def taken(found: Found | None, event: Message) -> Found | None:
    """What is known once this event is told. Raises ValueError for one that does not fit."""
    match found, event:
        case _, Exploring():
            return Patches.begun(event)
        case _, Ablating():
            return Ablation.begun(event)
        case _, Explaining():
            return Explanation.begun(event)
        case _, Followed():
            return Convolutions(event)
        case _, Convolving():
            return Output.begun(event)
        case Patches(), Excited():
            return found.taken(event)
        case Ablation(), Hidden():
            return found.taken(event)
        case Explanation(), Occluded():
            return found.taken(event)
        case Output(), Convolved():
            return found.taken(event)
        case _, Explored():
            return found
    raise ValueError(f"{event.kind}: nothing that it could add to")


# -- reading


def patches(run: Path, digest: str) -> Patches | None:
    """What excites the filters of the weights of this digest, as far as it is kept."""
    found = _found(_patches_file(run, digest))
    return found if isinstance(found, Patches) else None


def ablation(run: Path, digest: str, layer: int) -> Ablation | None:
    """Accuracy with the filters of a convolution hidden, as far as it is kept."""
    found = _found(_ablation_file(run, digest, layer))
    return found if isinstance(found, Ablation) else None


def explanation(run: Path, digest: str, pixels: NDArray[Any], label: int) -> Explanation | None:
    """What a class depends on in an image of these normalised pixels [C, H, W], as far as it is kept."""
    found = _found(_explanation_file(run, digest, pixels, label))
    return found if isinstance(found, Explanation) else None


def convolutions(run: Path, digest: str) -> Convolutions | None:
    """Those of the user's network with the weights of this digest, if that is kept."""
    found = _found(_convolutions_file(run, digest))
    return found if isinstance(found, Convolutions) else None


def output(run: Path, digest: str, pixels: NDArray[Any], layer: int) -> Output | None:
    """The output of a convolution for an image of these normalised pixels [C, H, W], as far as it is kept."""
    found = _found(_output_file(run, digest, pixels, layer))
    return found if isinstance(found, Output) else None


def _found(file: Path) -> Found | None:
    found: Found | None = None
    for event in _fitting(file):
        found = taken(found, event)
    return found


def _fitting(file: Path) -> list[Message]:
    """The events in a file up to the first that is torn or does not fit, the first being what it is about."""
    events: list[Message] = []
    found: Found | None = None
    with suppress(OSError, ValueError):
        for line in read_regular(file).splitlines():
            event = decode(line)
            if events and isinstance(event, _HEADERS):
                break
            found = taken(found, event)
            events.append(event)
    return events


_HEADERS: Final = (Exploring, Ablating, Explaining, Followed, Convolving)


# -- keeping


class Keeper:
    """The file of a job. `found` is what is known; what is told from now on is added to it.

    Where nobody can write, nothing is kept.
    """

    def __init__(self, file: Path, header: Message) -> None:
        known = _fitting(file)
        self.events = known if known and known[0] == header else [header]
        self.found: Found | None = None
        for event in self.events:
            self.found = taken(self.found, event)
        self._file: BinaryIO | None = None
        with suppress(OSError):
            write_whole(file, b"".join(f"{encode(event)}\n".encode() for event in self.events))
            self._file = file.open("ab")

    def add(self, event: Message) -> None:
        """Keep what an event tells; it is in the operating system's hands when this returns."""
        self.found = taken(self.found, event)
        if self._file is not None:
            self._file.write(f"{encode(event)}\n".encode())
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def keeping(run: Path, job: Message, header: Message, pixels: NDArray[Any] | None = None) -> Iterator[Keeper]:
    """The file of a job, whose measurement begins with this header. pixels: of the image that it is about.

    Raises RunError while another process looks into the same run.
    """
    folder = run / _FOLDER
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    with _locked(run):
        keeper = Keeper(_file_of(run, job, header, pixels), header)
        _forget_old(folder)
        try:
            yield keeper
        finally:
            keeper.close()


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    lock = FileLock(run / _LOCK, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"run {number_of(run)}: another process is looking into it") from None
    except OSError:  # nobody can write here
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _forget_old(folder: Path) -> None:
    """There is one for each image and class, or convolution, that is looked at; the newest stay."""
    with suppress(OSError):
        for stray in folder.glob(f"*{UNFINISHED}"):
            stray.unlink()
        for kind in ("explained", "output"):
            kept = sorted(folder.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime_ns)
            for path in kept[:-EXPLANATIONS_KEPT]:
                path.unlink(missing_ok=True)


def _file_of(run: Path, job: Message, header: Any, pixels: NDArray[Any] | None) -> Path:
    match job:
        case Explore():
            return _patches_file(run, header.digest)
        case Ablate():
            return _ablation_file(run, header.digest, header.layer)
        case Follow():
            return _convolutions_file(run, header.digest)
    assert pixels is not None
    if isinstance(job, Convolve):
        return _output_file(run, header.digest, pixels, header.layer)
    return _explanation_file(run, header.digest, pixels, header.label)


def _patches_file(run: Path, digest: str) -> Path:
    return run / _FOLDER / f"patches-{digest}.jsonl"


def _convolutions_file(run: Path, digest: str) -> Path:
    return run / _FOLDER / f"convolutions-{digest}.jsonl"


def _ablation_file(run: Path, digest: str, layer: int) -> Path:
    return run / _FOLDER / f"hidden-{digest}-{layer}.jsonl"


def _explanation_file(run: Path, digest: str, pixels: NDArray[Any], label: int) -> Path:
    return run / _FOLDER / f"explained-{digest}-{_digest_of(pixels)}-{label}.jsonl"


def _output_file(run: Path, digest: str, pixels: NDArray[Any], layer: int) -> Path:
    return run / _FOLDER / f"output-{digest}-{_digest_of(pixels)}-{layer}.jsonl"


def _digest_of(pixels: NDArray[Any]) -> str:
    data = np.ascontiguousarray(pixels, dtype="<f4")
    return blake2b(repr(data.shape).encode() + data.tobytes(), digest_size=8).hexdigest()


def _nothing(layer: int, measured: int, filters: int) -> LayerPatches:
    _require(0 < filters <= 2**16, "the number of filters")
    nowhere = np.full((filters, PATCHES), -1)
    return LayerPatches(
        *(layer, measured, nowhere, nowhere, nowhere),
        values=np.full((filters, PATCHES), np.nan),
        means=np.zeros(filters),
        shares=np.zeros(filters),
    )


def _spread(column: Ints, of: Ints, place: Ints, filters: int) -> Ints:
    spread = np.full((filters, PATCHES), -1)
    spread[of, place] = column
    return spread


def _all_within(values: Ints, least: int, most: int) -> bool:
    return bool(((values >= least) & (values <= most)).all())


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise ValueError(f"{what} does not fit")
