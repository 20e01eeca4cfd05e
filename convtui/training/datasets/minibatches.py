"""Which images make up the mini-batch of a step, and what the network sees of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.training.datasets.open_any import DataSet
from convtui.training.recipe import Recipe

Images = NDArray[np.float32]
Labels = NDArray[np.int64]

PICTURED: Final = 16


class MiniBatches:
    """The training images, shuffled anew for every epoch; what does not fill a mini-batch is left out.

    A mini-batch follows from seed and step alone, so that a run can be resumed at any step.
    """

    def __init__(self, data: DataSet, seed: int, size: int) -> None:
        self.an_epoch = len(data.train_images) // size
        self._data, self._seed, self._size = data, seed, size
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def after(self, step: int) -> tuple[Images, Labels]:
        """Normalised images [size, C, H, W] and labels [size] to train on when so many steps were made."""
        epoch, number = divmod(step, self.an_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = shuffled(len(self._data.train_images), self._seed, epoch)
        chosen = self._order[number * self._size : (number + 1) * self._size]
        return normalised(self._data.train_images[chosen], self._data), self._data.train_labels[chosen]


def lowered(recipe: Recipe, count: int) -> tuple[Recipe, str]:
    """The recipe with mini-batches no larger than so many images, and what to tell if it was changed."""
    if recipe.batch_size <= count:
        return recipe, ""
    told = f"batch_size lowered from {recipe.batch_size} to {count}, the number of training images"
    return replace(recipe, batch_size=count), told


def may_lower(recipe: Recipe) -> bool:
    """Whether its batch size is the default, so that nobody need have asked for it."""
    return recipe.batch_size == Recipe.batch_size


def located(recipe: Recipe, data: DataSet) -> Recipe:
    """The recipe with its data named so that they are found from anywhere, and read in the same way."""
    return replace(recipe, data=data.source, axes=data.axes or recipe.axes)


def left_out(count: int, size: int) -> str:
    """What to tell of the images that MiniBatches leaves out of an epoch of so many; "" if there are none."""
    rest = count % size
    if not rest:
        return ""
    if rest == 1:
        return f"the last image of each epoch does not fill a mini-batch of {size} and is left out"
    return f"the last {rest:,} images of each epoch do not fill a mini-batch of {size} and are left out"


def shuffled(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch goes through so many images; epochs count from 0."""
    return np.random.default_rng((epoch + 1, seed)).permutation(count)


def pictured(data: DataSet) -> NDArray[np.int64]:
    """Which validation images are shown with what the network says of them, few or all there are."""
    return np.random.default_rng(0).permutation(len(data.test_images))[:PICTURED]


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Places of so many images, or of all there are, of a set that may be in the order of its classes."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def normalised(images: NDArray[Any], data: DataSet) -> Images:
    """Images so that the training images have mean 0 and standard deviation 1."""
    return (images.astype(np.float32) - np.float32(data.mean)) / np.float32(data.std)
