"""Archives by the names that people give their arrays; what cannot be read says what would help."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convtui.inputs.images import InputError, read_picture
from convtui.store.pictures import open_any
from convtui.training.datasets.open_any import DataError, load
from tests.support.data_files import arrays, npz

ROLES = ("train_images", "train_labels", "test_images", "test_labels")


def saved(path: Path, names: tuple[str, ...], **further: Any) -> Path:
    held = arrays()
    named: dict[str, Any] = dict(zip(names, (held[role] for role in ROLES), strict=False))
    np.savez(path, **named, **further)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "y_train", "X_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("trainX", "trainY", "testX", "testY"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("train_data", "train_labels", "test_data", "test_labels"),
        ("training_images", "training_labels", "validation_images", "validation_labels"),
        ("x_train", "y_train", "x_val", "y_val"),
        ("TRAIN_IMAGES", "TRAIN_LABELS", "TEST_IMAGES", "TEST_LABELS"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("train.images", "train.targets", "test.images", "test.targets"),
    ],
)
def test_the_usual_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    data = load(str(saved(tmp_path / "a.npz", names)))
    held = arrays()
    np.testing.assert_array_equal(data.train_images[:, 0], held["train_images"])
    np.testing.assert_array_equal(data.test_images[:, 0], held["test_images"])
    np.testing.assert_array_equal(data.test_labels, held["test_labels"])
    assert data.notice == ""


@pytest.mark.parametrize(
    "names", [("X", "y"), ("data", "target"), ("images", "labels"), ("x", "y"), ("imgs", "lbl")]
)
def test_a_whole_that_is_split(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = saved(tmp_path / "a.npz", names)
    if names == ("imgs", "lbl"):
        assert "has no array labels; it holds imgs, lbl, and" in refusal(path)
    else:
        assert len(load(str(path)).train_images) == 9


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    further = {"val_images": np.zeros((3, 5, 4)), "val_labels": np.zeros(3), "about": np.array("me")}
    path = saved(tmp_path / "a.npz", ROLES, **further)
    assert load(str(path)).notice == "val_images is left out: test_images is used"
    assert open_any(f"{path}:test:0").notice == "a.npz: val_images is left out: test_images is used"


def test_two_arrays_of_one_meaning(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", ROLES, X_train=np.zeros((3, 5, 4)))
    assert refusal(path).endswith(
        "has both train_images and X_train, which stand for the same; leave one of them out"
    )


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("X_train", "y_train", "X_test"), "y_test"),
        (("X_train",), "y_train"),
        (("train_images", "train_labels"), "test_images"),
        (("images",), "labels"),
        (("X",), "y"),
        (("a", "b"), "train_images"),
    ],
)
def test_what_is_missing(tmp_path: Path, names: tuple[str, ...], missing: str) -> None:
    assert f"has no array {missing}; it holds {', '.join(sorted(names))}, and" in refusal(
        saved(tmp_path / "a.npz", names)
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_one_hot_labels(tmp_path: Path, dtype: str) -> None:
    hot = np.eye(3, dtype=dtype)
    path = npz(tmp_path / "a.npz", train_labels=hot[np.arange(12) % 3], test_labels=hot[np.arange(6) % 3])
    words = "has one-hot labels of shape (12, 3); expected whole numbers: save labels.argmax(axis=1)"
    assert refusal(path) == f"{path}: train_labels: {words}"


def test_flattened_images(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", train_images=np.zeros((12, 784)))
    assert refusal(path).endswith(": save images.reshape(-1, 28, 28)")


# -- axes


def test_axes_of_images(tmp_path: Path) -> None:
    held = arrays(size=(5, 9, 3))
    path = npz(tmp_path / "a.npz", train_images=held["train_images"], test_images=held["test_images"])
    guessed = load(str(path))
    np.testing.assert_array_equal(guessed.train_images, np.moveaxis(held["train_images"], -1, 1))
    words = "shape (12, 5, 9, 3) read as [images, rows, columns, channels]"
    assert guessed.notice == f"{words} (--channels-first reads the other order)"
    assert guessed.axes == "channels-last"
    first = load(str(path), axes="channels-first")
    np.testing.assert_array_equal(first.train_images, held["train_images"])
    assert (first.notice, first.axes) == ("", "channels-first")
    with pytest.raises(DataError, match="axes last: must be channels-first or channels-last"):
        load(str(path), axes="last")


@pytest.mark.parametrize(
    ("size", "channels", "is_told"),
    [((3, 28, 28), 3, False), ((64, 64, 12), 12, True), ((2, 5, 4), 2, True), ((2, 28, 3), 2, True)],
)
def test_few_rows_and_many_bands(tmp_path: Path, size: tuple[int, ...], channels: int, is_told: bool) -> None:
    held = arrays(size=size)
    path = npz(tmp_path / "a.npz", train_images=held["train_images"], test_images=held["test_images"])
    data = load(str(path))
    assert data.shape[0] == channels
    assert bool(data.notice) == is_told


def test_an_image_remembers_its_axes(tmp_path: Path) -> None:
    held = arrays(size=(5, 9, 3))
    path = npz(tmp_path / "a.npz", train_images=held["train_images"], test_images=held["test_images"])
    first = open_any(f"{path}:train:2", axes="channels-first")
    assert (first.pixels.shape, first.axes, first.notice) == ((5, 9, 3), "channels-first", "")
    last = open_any(f"{path}:train:2")
    assert (last.pixels.shape, last.axes) == ((3, 5, 9), "channels-last")
    assert last.notice.startswith("a.npz: shape (12, 5, 9, 3) read as [images, rows, columns, channels]")


# -- an archive in place of an image


def test_an_archive_says_how_its_images_are_opened(tmp_path: Path) -> None:
    path = npz(tmp_path / "set.npz")
    for read in read_picture, open_any:
        with pytest.raises(InputError) as refused:
            read(str(path))
        names = "train_images, train_labels, test_images, test_labels"
        how = f"open an image of a data set by {path}:test:0 or {path}:train:0, and a single array as .npy"
        assert str(refused.value) == f"{path}: is an archive of arrays ({names}); {how}"
    assert open_any(f"{path}:test:0").pixels.shape == (1, 5, 4)


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"a\.npz: is not a complete \.npz archive of arrays"):
        read_picture(tmp_path / "a.npz")


@pytest.mark.parametrize(("white", "expected"), [(None, 1 / 4), (200.0, 50 / 200)])
def test_white_of_an_image(tmp_path: Path, white: float | None, expected: float) -> None:
    images = np.resize(np.array([50, 200], dtype=np.int32), (12, 5, 4)) + 0
    path = npz(tmp_path / "a.npz", train_images=images, test_images=images[:6])
    picture = open_any(f"{path}:test:0", white=white)
    assert picture.pixels[0, 0, 0] == pytest.approx(expected if white else 50 / 255)
    assert (picture.lowest, picture.highest, picture.white) == (0, 1, white)
    with pytest.raises(DataError, match="normalised values have no white"):
        open_any(f"{path}:test:0:normalised", white=200)
