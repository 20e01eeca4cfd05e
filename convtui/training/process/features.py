"""Looks into a kept network: what excites its filters, what they are worth, what a class depends on.

The work is done in parts that are short enough to be stopped between: None is told where one more is done
without anything to tell of. exploring.py defines what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convtui.inputs.names import printable
from convtui.training.datasets.minibatches import normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.exploring import (
    PATCHES,
    Ablate,
    Ablating,
    Convolve,
    Convolved,
    Convolving,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Explored,
    Exploring,
    Follow,
    Followed,
    Hidden,
    Occluded,
    Planes,
)
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.process.looked_into import Convolution, Network, looked_into
from convtui.training.process.network import to_array
from convtui.training.process.own_passes import OwnPasses
from convtui.training.runs.convolved import MOST_VALUES, Output, text_of
from convtui.training.runs.explored import Ablation, Explanation, Keeper, Patches, keeping
from convtui.training.runs.store import Run

Look: TypeAlias = Explore | Ablate | Explain | Follow | Convolve

POSITIONS: Final = 32  # of the square that covers a part of the image, along rows and columns, at most
COVERED: Final = 1 / 6  # of an image's side
MOST_PIXELS: Final = 2**20  # whose gradient fits into a message
VALUES_TOLD: Final = 2**18  # of an output, in a message

Events: TypeAlias = Iterator[Message | None]
Array: TypeAlias = NDArray[np.float32]
Work: TypeAlias = Callable[[Network, Keeper], Events]


def look_into(run: Run, data: DataSet, job: Look, own: OwnNetwork | None = None) -> Events:
    """All that a job tells, what is known from before first; own: the network of the user's that is run.

    Raises ValueError for what cannot be done.
    """
    began = perf_counter()
    pixels: Array | None = None
    if isinstance(job, Explain):
        pixels = _pixels(data, job)
    elif isinstance(job, Convolve):
        pixels = _read(Path(job.pixels), data.shape[0])
    net = looked_into(run, data, job.step, pixels, own)
    header: Message
    work: Work
    match job:
        case Explore():
            header, work = _exploring(net), _explored
        case Ablate():
            header, work = _ablating(net, job.layer), _ablated
        case Follow():
            header, work = _followed(net), _nothing_more
        case Explain():
            assert pixels is not None
            header, work = _explaining(net, pixels, job.label), _occlusion(pixels)
        case Convolve():
            assert pixels is not None
            header, work = _convolving(net, pixels, job.layer)
    with keeping(run.path, job, header, pixels) as keeper:
        yield from keeper.events
        for event in work(net, keeper):
            if event is not None:
                keeper.add(event)
            yield event
    yield Explored(perf_counter() - began)


# -- what excites filters


def _exploring(net: Network) -> Exploring:
    passes = net.passes
    layers = tuple(passes.convolutions)
    return Exploring(
        net.step,
        net.digest,
        len(net.images),
        len(net.data.test_images),
        layers,
        tuple(each.measured for each in passes.convolutions.values()),
        tuple(each.filters for each in passes.convolutions.values()),
        net.subject.source,
    )


def _explored(net: Network, keeper: Keeper) -> Events:
    assert isinstance(keeper.found, Patches)
    for done, chosen, images, _ in net.parts(keeper.found.images):
        known = {each.layer: each.values for each in keeper.found.layers}
        found = dict.fromkeys(known, _NOTHING)

        def see(
            number: int,
            maps: Tensor,
            chosen: NDArray[np.int64] = chosen,
            known: dict[int, NDArray[np.float64]] = known,
            found: dict[int, ExcitedLayer] = found,
        ) -> None:
            is_rectified = net.passes.convolutions[number].is_rectified
            found[number] = _excited(maps, is_rectified, chosen, known[number])

        net.passes.see_activations(images, see)
        yield Excited(done, tuple(found.values()))


_NOTHING: Final = ExcitedLayer((), (), (), (), (), (), ())


def _excited(
    maps: Tensor, is_rectified: bool, chosen: NDArray[np.int64], known: NDArray[np.float64]
) -> ExcitedLayer:
    """What the activations of these images add to the strongest known [filters, 9], NaN where fewer are."""
    strongest, places = maps.flatten(2).max(dim=2)  # of equal ones the first
    values, flat = to_array(strongest).T.astype(np.float64), to_array(places).T  # [filters, n]
    order = np.argsort(-values, axis=1, kind="stable")[:, :PATCHES]
    best = np.take_along_axis(values, order, axis=1)
    least = np.where(np.isnan(known[:, -1:]), -np.inf, known[:, -1:])
    is_new = best > least
    if is_rectified:
        is_new &= best > 0
    filters, rank = np.nonzero(is_new)
    at = order[filters, rank]
    rows, columns = np.divmod(flat[filters, at], maps.shape[3])
    return ExcitedLayer(
        means=tuple(maps.mean(dim=(0, 2, 3)).tolist()),
        positive=tuple((strongest > 0).sum(dim=0).tolist()),
        filters=tuple(filters.tolist()),
        images=tuple(chosen[at].tolist()),
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        values=tuple(best[filters, rank].tolist()),
    )


# -- what filters are worth


def _ablating(net: Network, layer: int) -> Ablating:
    found = _convolution(net, layer)
    source = net.subject.source
    return Ablating(net.step, net.digest, len(net.images), layer, found.measured, found.filters, source)


def _convolution(net: Network, layer: int) -> Convolution:
    """That of this number. Raises ValueError where there is none."""
    found = net.passes.convolutions.get(layer)
    if found is None:
        known = ", ".join(map(str, net.passes.convolutions))
        raise ValueError(f"layer {layer}: must be a convolution, {known}")
    return found


def _ablated(net: Network, keeper: Keeper) -> Events:
    assert isinstance(keeper.found, Ablation)
    for done, _, images, labels in net.parts(keeper.found.images):
        whole, without = keeper.found.correct, keeper.found.without.tolist()
        passes = net.passes.without_each(images, keeper.found.layer)
        whole += _correct(next(passes), labels)
        for each, logits in enumerate(passes):
            without[each] += _correct(logits, labels)
            yield None
        yield Hidden(done, whole, tuple(without))


def _correct(logits: Tensor, labels: Tensor) -> int:
    return int((logits.argmax(1) == labels).sum())


# -- what a class depends on


def _pixels(data: DataSet, job: Explain) -> Array:
    """The image's normalised pixels [C, H, W]. Raises ValueError where there is no such image or class."""
    if not 0 <= job.label < len(data.classes):
        raise ValueError(f"class {job.label}: must be 0 to {len(data.classes) - 1}")
    if job.image is None:
        return _read(Path(job.pixels), data.shape[0])
    if not 0 <= job.image < len(data.test_images):
        raise ValueError(f"image {job.image}: must be 0 to {len(data.test_images) - 1}")
    return normalised(data.test_images[job.image], data)


def _read(path: Path, channels: int) -> Array:
    name = printable(str(path))
    try:
        pixels = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise ValueError(f"{name}: is not a .npy file") from None
    if not isinstance(pixels, np.ndarray) or pixels.dtype.kind != "f" or pixels.ndim != 3:
        raise ValueError(f"{name}: must hold floating-point pixels [channels, rows, columns]")
    if pixels.shape[0] != channels or not 0 < pixels.size <= MOST_PIXELS:
        legal = f"{channels} channels and at most {MOST_PIXELS:,} pixels in all"
        raise ValueError(f"{name}: has the shape {list(pixels.shape)}; must have {legal}")
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name}: has pixels that are not finite")
    return np.ascontiguousarray(pixels, np.float32)


def _explaining(net: Network, pixels: Array, label: int) -> Explaining:
    image = net.subject.to_tensor(pixels[np.newaxis]).requires_grad_()
    logits: Tensor = net.passes.logits(image)[0]
    if not logits.requires_grad:
        raise ValueError("the logits have no gradient with respect to the image")
    (gradient,) = torch.autograd.grad(logits[label], image)
    channels, height, width = pixels.shape
    return Explaining(
        step=net.step,
        digest=net.digest,
        label=label,
        shape=(channels, height, width),
        patch=patch_size(height, width),
        stride=-(-max(height, width) // POSITIONS),
        logits=tuple(logits.tolist()),
        probabilities=tuple(logits.softmax(0).tolist()),
        gradient=_rounded(to_array(gradient[0])),
        source=net.subject.source,
    )


def patch_size(height: int, width: int) -> int:
    """The side of the square that covers a part of an image: odd, so that it has a centre, 3 at least."""
    return max(3, round(min(height, width) * COVERED) // 2 * 2 + 1)


def _occlusion(pixels: Array) -> Work:
    def occluded(net: Network, keeper: Keeper) -> Events:
        found = keeper.found
        assert isinstance(found, Explanation)
        half = found.patch // 2
        rows, columns = (range(0, side, found.stride) for side in pixels.shape[1:])
        for row in rows[found.rows :]:
            covered = np.repeat(pixels[np.newaxis], len(columns), axis=0)
            for image, column in zip(covered, columns, strict=True):
                image[:, max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
            probabilities: list[float] = []
            for start in range(0, len(covered), net.part):
                with torch.no_grad():
                    logits = net.passes.logits(net.subject.to_tensor(covered[start : start + net.part]))
                probabilities += logits.softmax(1)[:, found.label].tolist()
                yield None
            yield Occluded(tuple(probabilities))

    return occluded


# -- what a network of the user's is asked for


def _followed(net: Network) -> Followed:
    passes = _own(net)
    return Followed(
        net.step,
        net.digest,
        net.subject.source,
        tuple(each.named for each in passes.convolutions.values()),
        passes.left_out,
        net.subject.notice,
    )


def _nothing_more(_: Network, __: Keeper) -> Events:
    return iter(())


def _own(net: Network) -> OwnPasses:
    """Raises ValueError for the bundled network."""
    if not isinstance(net.passes, OwnPasses):
        raise ValueError("this is asked of a network of your own alone")
    return net.passes


def _convolving(net: Network, pixels: Array, layer: int) -> tuple[Convolving, Work]:
    """Its output for the image, which is then told map by map. Raises ValueError where there is none."""
    passes = _own(net)
    _convolution(net, layer)
    logits, maps, weight = passes.output(net.subject.to_tensor(pixels[np.newaxis]), layer)
    filters, rows, columns = maps.shape[1:]
    if filters * rows * columns > MOST_VALUES:
        raise ValueError(f"its output has {filters}x{rows}x{columns} numbers, which are too many to draw")
    is_kept = passes.convolutions[layer].named.weight
    convolving = Convolving(
        step=net.step,
        digest=net.digest,
        layer=layer,
        shape=(filters, rows, columns),
        logits=tuple(logits[0].tolist()),
        weight="" if is_kept else text_of(to_array(weight)),
        weight_shape=() if is_kept else tuple(weight.shape),
        source=net.subject.source,
    )

    def convolved(_: Network, keeper: Keeper) -> Events:
        assert isinstance(keeper.found, Output)
        at_once = max(1, VALUES_TOLD // (rows * columns))
        for start in range(keeper.found.known, filters, at_once):
            yield Convolved(text_of(to_array(maps[0, start : start + at_once])))

    return convolving, convolved


def _rounded(values: NDArray[Any]) -> Planes:
    """To six digits, which is as much as a float has for sure."""
    return tuple(tuple(tuple(float(f"{x:.6g}") for x in row) for row in plane) for plane in values.tolist())
