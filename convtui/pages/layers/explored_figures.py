"""What the training process has found out, as the plain figures that the features view shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from convtui.engine.layers import Layer
from convtui.engine.stack import Row, summarize
from convtui.inputs.images import Picture
from convtui.pages.layers.features_figures import Accuracies, Explained, Named, Patches, ShownPatch
from convtui.paint.colours import Array
from convtui.state.network import Stack
from convtui.state.opened_features import OwnWeights
from convtui.state.session import Overlay
from convtui.training.datasets.open_any import DataSet
from convtui.training.exploring import PATCHES, LeftOut, NamedConvolution
from convtui.training.runs import explored

GRADIENT = "∂ logit {0} / ∂ pixel, of normalised pixels (Simonyan et al. 2013)"
SALIENCY = "largest |∂ logit {0} / ∂ pixel| over the channels (Simonyan et al. 2013)"
OCCLUSION = "p({0}) − p({0}) with the {1}x{1} pixels around at the mean (Zeiler and Fergus 2013)"


def shown_patches(
    found: explored.Patches, stack: Stack, layer: int, filter: int, data: DataSet | None
) -> Patches | None:
    """A filter's patches, with pixels if the data set is read; None for a layer that was not explored."""
    of = found.of(layer)
    if of is None:
        return None
    is_other = data is not None and data.shape != stack.input_shape
    rows = _rows(stack.layers, data.shape) if data and is_other else stack.summary.rows
    field, (_, height, width) = rows[of.measured].field, rows[0].output_maps

    def seen(row: int, column: int) -> tuple[range, range]:
        down, across = (range(a, b + 1) for a, b in field.clipped(row, column, (height, width)))
        return down, across

    size = min(field.size[0], height), min(field.size[1], width)
    return _patches(found, of, filter, data, size, seen)


def own_patches(
    found: explored.Patches, told: NamedConvolution, filter: int, data: DataSet | None
) -> Patches | None:
    """As shown_patches, of a convolution of the user's network; whole images where its field is not known.

    None until the size of the images is known.
    """
    of = found.of(told.number)
    if of is None or data is None:
        return None
    spans, whole = (told.rows, told.columns), data.shape[1:]

    def seen(row: int, column: int) -> tuple[range, range]:
        down, across = (
            range(each[at][0], each[at][1] + 1) if each and each[at][0] <= each[at][1] else range(size)
            for each, at, size in zip(spans, (row, column), whole, strict=True)
        )
        return down, across

    rows, columns = (
        max((last - first + 1 for first, last in each), default=size)
        for each, size in zip(spans, whole, strict=True)
    )
    return _patches(found, of, filter, data, (rows, columns), seen)


def _patches(
    found: explored.Patches,
    of: explored.LayerPatches,
    filter: int,
    data: DataSet | None,
    size: tuple[int, int],
    seen: Callable[[int, int], tuple[range, range]],
) -> Patches:
    """size: rows and columns of the receptive field; seen: those that an activation sees."""
    patches = []
    for at in range(PATCHES):
        image, row, column = (int(each[filter, at]) for each in (of.images, of.rows, of.columns))
        if image < 0:
            continue
        down, across = seen(row, column)
        pixels = None
        if data:
            pixels = _pixels(data, image)[:, down.start : down.stop, across.start : across.stop]
        patches.append(ShownPatch(image, down, across, float(of.values[filter, at]), pixels))
    instead = ""
    if not patches:
        instead = f"filter {filter} is above 0 on none of {found.images:,} validation images"
    return Patches(filter, size, found.images, patches, instead)


def named_convolution(told: NamedConvolution, weights: OwnWeights, notice: str) -> Named:
    """A convolution of the user's network, and what follows it; notice: what is told of the measurement."""
    function = told.activation.partition(" ")[0]
    then = f" → {function}" if function else ""
    unseen = f"{told.unseen}: patches are whole images" if told.unseen else ""
    name = f"{told.path or told.line}: {told.title}{then}"
    return Named(name, f"{weights} of {weights.network}", notice or unseen)


def without_pictures(left_out: LeftOut) -> str:
    """A convolution of the user's network that has none, and why."""
    return f"{left_out.path}: {left_out.title} has no pictures, because {left_out.why}"


@lru_cache(maxsize=4)
def _rows(layers: tuple[Layer, ...], shape: tuple[int, int, int]) -> tuple[Row, ...]:
    """The layers over the data set's images, where those are of another size than the picture on show."""
    return summarize(layers, shape).rows


def _pixels(data: DataSet, image: int) -> Array:
    """A validation image [channels, rows, columns] from 0, black, to 1, white."""
    pixels = data.test_images[image].astype(np.float64)
    return np.asarray((pixels - data.black) / (data.white - data.black)).clip(0, 1)


def shown_accuracies(found: explored.Ablation, selected: int) -> Accuracies:
    """The accuracies, as far as they are measured."""
    without = np.full(len(found.without), np.nan) if found.accuracies is None else found.accuracies
    whole = np.nan if found.accuracy is None else found.accuracy
    return Accuracies(selected, whole, without, found.images)


def shown_class(
    found: explored.Explanation | None,
    picture: Picture,
    overlay: Overlay,
    classes: tuple[str, ...],
    target: int,
    logits: Array,
) -> Explained:
    """What of a picture a class depends on, as far as it is known; logits: the network's for the picture."""
    exponents = np.exp(logits - logits.max())
    probabilities = exponents / exponents.sum()
    image = (picture.pixels - picture.lowest) / (picture.highest - picture.lowest)
    maps, formulas = {}, {}
    if found is not None:
        probabilities = found.probabilities
        name = classes[target]
        has_channels = len(found.gradient) > 1
        maps[Overlay.GRADIENT] = found.saliency if has_channels else found.gradient[0]
        formulas[Overlay.GRADIENT] = (SALIENCY if has_channels else GRADIENT).format(name)
        maps[Overlay.OCCLUSION] = _dropped(found, image.shape[1:])
        formulas[Overlay.OCCLUSION] = OCCLUSION.format(name, found.patch)
    return Explained(
        image=image.clip(0, 1),
        name=picture.name,
        overlay=overlay,
        classes=classes,
        target=target,
        predicted=int(logits.argmax()),
        probabilities=probabilities,
        maps=maps,
        formulas=formulas,
    )


def _dropped(found: explored.Explanation, shape: tuple[int, ...]) -> Array:
    """[rows, columns] how much probability the class loses where a square is covered; NaN: not known yet."""
    drop = (found.probability - found.occlusion).repeat(found.stride, axis=0).repeat(found.stride, axis=1)
    rows, columns = shape
    return np.asarray(drop[:rows, :columns])
