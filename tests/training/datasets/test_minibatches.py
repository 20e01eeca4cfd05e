"""Every epoch goes through the images once, in an order that seed and epoch decide."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.datasets.minibatches import (
    MiniBatches,
    evenly_spaced,
    left_out,
    lowered,
    may_lower,
    normalised,
)
from convtui.training.recipe import Recipe
from tests.support.small_runs import digits, made_up

DATA = made_up((1, 2, 2), count=50)


def images(batches: MiniBatches, step: int) -> list[bytes]:
    return [image.tobytes() for image in batches.after(step)[0]]


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 50), epoch=st.integers(0, 20))
def test_an_epoch_has_every_image_at_most_once(seed: int, size: int, epoch: int) -> None:
    batches = MiniBatches(DATA, seed, size)
    assert batches.an_epoch == 50 // size
    steps = range(epoch * batches.an_epoch, (epoch + 1) * batches.an_epoch)
    seen = [image for step in steps for image in images(batches, step)]
    assert len(seen) == len(set(seen)) == batches.an_epoch * size


@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, 40), min_size=1))
def test_a_mini_batch_does_not_depend_on_those_before(seed: int, steps: list[int]) -> None:
    batches = MiniBatches(DATA, seed, 16)
    for step in steps:
        assert images(batches, step) == images(MiniBatches(DATA, seed, 16), step)


def test_images_keep_their_labels() -> None:
    labels = {normalised(DATA.train_images[i], DATA).tobytes(): DATA.train_labels[i] for i in range(50)}
    batch, told = MiniBatches(DATA, 0, 50).after(3)
    assert [labels[image.tobytes()] for image in batch] == told.tolist()
    assert told.tolist() != DATA.train_labels.tolist()


def test_epochs_and_seeds_differ() -> None:
    batches = MiniBatches(DATA, 0, 50)
    assert images(batches, 0) != images(batches, 1)
    assert images(batches, 0) != images(MiniBatches(DATA, 1, 50), 0)


def test_the_training_images_have_mean_0_and_deviation_1() -> None:
    values = normalised(digits().train_images, digits())
    assert values.dtype == np.float32
    np.testing.assert_allclose([values.mean(dtype=float), values.std(dtype=float)], [0, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("count", "size", "words"),
    [
        (100, 50, ""),
        (100, 100, ""),
        (101, 50, "the last image of each epoch does not fill a mini-batch of 50 and is left out"),
        (10_000, 128, "the last 16 images of each epoch do not fill a mini-batch of 128 and are left out"),
        (
            5_999,
            2_000,
            "the last 1,999 images of each epoch do not fill a mini-batch of 2000 and are left out",
        ),
    ],
)
def test_what_is_left_out_is_told(count: int, size: int, words: str) -> None:
    assert left_out(count, size) == words


def test_the_default_size_is_lowered_to_the_number_of_images() -> None:
    recipe = Recipe()
    assert lowered(recipe, 128) == (recipe, "")
    words = "batch_size lowered from 128 to 50, the number of training images"
    assert lowered(recipe, 50) == (replace(recipe, batch_size=50), words)
    assert may_lower(recipe)
    assert not may_lower(replace(recipe, batch_size=127))


@pytest.mark.parametrize(("count", "most"), [(1437, 360), (10, 10), (3, 7), (1, 1), (100, 2)])
def test_images_are_picked_from_all_over_a_set(count: int, most: int) -> None:
    places = evenly_spaced(count, most).tolist()
    assert len(set(places)) == len(places) == min(count, most)
    assert places[0] == 0
    assert places[-1] == count - 1 or most == 1
