"""Every form of a data set gives the arrays that were put into it, and the figures that follow from them."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convtui.inputs import samples
from convtui.training.datasets.labelled_images import Part, split
from convtui.training.datasets.open_any import DataSet, fingerprint, load
from tests.support.data_files import IDX, arrays, idx, idx_bytes, npz, picture, pictures


def assert_holds(data: DataSet, held: dict[str, Any]) -> None:
    np.testing.assert_array_equal(data.train_images[:, 0], held["train_images"])
    np.testing.assert_array_equal(data.test_images[:, 0], held["test_images"])
    np.testing.assert_array_equal(data.train_labels, held["train_labels"])
    np.testing.assert_array_equal(data.test_labels, held["test_labels"])
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.mean == pytest.approx(held["train_images"].mean())
    assert data.std == pytest.approx(held["train_images"].std())


@pytest.mark.parametrize(("name", "white"), [("mnist-12k", 255), ("digits-8x8", 16)])
def test_bundled(name: str, white: int) -> None:
    data = load(name)
    with np.load(samples.folder() / "data" / f"{name}.npz") as held:
        assert_holds(data, dict(held))
    assert data.classes == tuple("0123456789")
    assert (data.name, data.source, data.image_size) == (name, name, None)
    assert (data.black, data.white) == (0, white)
    size = "x".join(map(str, data.shape[1:]))
    described = samples.describe_data(name)
    assert described.endswith(f"grey, {size}.")
    for part in data.train_images, data.test_images:
        assert f"{len(part):,}" in described


def test_a_bundled_name_is_not_that_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "digits-8x8", cats=200, dogs=90)
    assert len(load("digits-8x8").classes) == 10
    assert load("./digits-8x8").classes == ("cats", "dogs")


def test_npz(tmp_path: Path) -> None:
    path = npz(tmp_path / "own.npz")
    data = load(str(path))
    assert_holds(data, arrays())
    assert (data.name, data.source, data.shape, data.classes) == (
        "own.npz",
        str(path),
        (1, 5, 4),
        ("0", "1", "2"),
    )


def test_a_relative_path_is_found_again_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "own.npz")
    source = load("own.npz").source
    monkeypatch.chdir("/")
    assert_holds(load(source), arrays())


def test_npz_by_the_names_of_keras(tmp_path: Path) -> None:
    held = arrays()
    np.savez_compressed(
        tmp_path / "k.npz",
        x_train=held["train_images"],
        y_train=held["train_labels"].reshape(-1, 1),
        x_test=held["test_images"],
        y_test=held["test_labels"].astype(float),
    )
    assert_holds(load(str(tmp_path / "k.npz")), held)


@pytest.mark.parametrize(
    ("size", "channels"), [((9, 8, 3), 3), ((9, 8, 1), 1), ((3, 9, 8), 3), ((2, 5, 4), 2)]
)
def test_channels_stand_first_or_last(tmp_path: Path, size: tuple[int, ...], channels: int) -> None:
    held = arrays(size=size)
    data = load(str(npz(tmp_path / "c.npz", **held)))
    images = held["train_images"]
    expected = np.moveaxis(images, -1, 1) if size[-1] == channels else images
    np.testing.assert_array_equal(data.train_images, expected)
    assert data.train_images.flags.c_contiguous


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("bool", "uint8"), ("uint8", "uint8"), ("int64", "uint8"), ("float16", "float32"), (">f8", "float32")],
)
def test_whole_numbers_to_255_are_bytes_and_others_floats(tmp_path: Path, dtype: str, kept: str) -> None:
    held = {name: array.astype(dtype) for name, array in arrays().items() if "images" in name}
    data = load(str(npz(tmp_path / "t.npz", **held)))
    assert data.train_images.dtype == data.test_images.dtype == np.dtype(kept)
    np.testing.assert_array_equal(data.train_images[:, 0], held["train_images"].astype(float))


def test_both_parts_have_one_type(tmp_path: Path) -> None:
    data = load(str(npz(tmp_path / "t.npz", test_images=arrays()["test_images"] / 7)))
    assert data.train_images.dtype == data.test_images.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "extent"),
    [
        ((0, 255), (0, 255)),
        ((0, 128), (0, 255)),
        ((0, 16), (0, 16)),
        ((0, 0.5), (0, 0.5)),
        ((-1, 2), (-1, 2)),
    ],
)
def test_black_and_white(tmp_path: Path, values: tuple[float, float], extent: tuple[float, float]) -> None:
    images = np.resize(np.array(values), (12, 5, 4))
    data = load(str(npz(tmp_path / "t.npz", train_images=images, test_images=images[:6])))
    assert (data.black, data.white) == extent


@pytest.mark.parametrize("is_compressed", [False, True])
def test_idx(tmp_path: Path, is_compressed: bool) -> None:
    data = load(str(idx(tmp_path / "set", is_compressed)))
    assert_holds(data, arrays())
    assert (data.name, data.white) == ("set", 255)


def test_a_plain_idx_file_goes_before_its_compressed_twin(tmp_path: Path) -> None:
    folder = idx(tmp_path / "set")
    (folder / f"{IDX['train_images']}.gz").write_bytes(b"not gzip")
    assert_holds(load(str(folder)), arrays())


def test_idx_files_whose_names_have_a_dot(tmp_path: Path) -> None:
    folder = idx(tmp_path / "set")
    for file in folder.iterdir():
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert_holds(load(str(folder)), arrays())


@pytest.mark.parametrize("is_compressed", [False, True])
def test_idx_files_whose_names_are_in_capitals(tmp_path: Path, is_compressed: bool) -> None:
    folder = idx(tmp_path / "mnist", is_compressed)
    for file in folder.iterdir():
        file.rename(folder / file.name.upper())
    assert len(load(str(folder)).train_images) == 12


def test_idx_files_where_torchvision_has_them(tmp_path: Path) -> None:
    (tmp_path / "MNIST").mkdir()
    idx(tmp_path / "MNIST" / "raw")
    data = load(str(tmp_path / "MNIST"))
    assert (data.name, data.source) == ("MNIST", str(tmp_path / "MNIST"))
    assert len(data.train_images) == 12


def test_idx_of_colours(tmp_path: Path) -> None:
    folder, held = idx(tmp_path / "set"), arrays(size=(9, 8, 3))
    for name in ("train_images", "test_images"):
        (folder / IDX[name]).unlink()
        (folder / IDX[name].replace("idx3", "idx4")).write_bytes(idx_bytes(held[name]))
    np.testing.assert_array_equal(load(str(folder)).train_images, np.moveaxis(held["train_images"], -1, 1))


def test_folders_are_split_by_class(tmp_path: Path) -> None:
    data = load(str(pictures(tmp_path / "pets", count=10, cats=200, dogs=90)), image_size=3)
    assert (data.name, data.classes, data.shape, data.image_size) == ("pets", ("cats", "dogs"), (1, 3, 3), 3)
    assert np.bincount(data.train_labels).tolist() == [8, 8]
    assert np.bincount(data.test_labels).tolist() == [2, 2]
    values = {*data.train_images[:, 0, 1, 1].tolist(), *data.test_images[:, 0, 1, 1].tolist()}
    assert values == {*range(191, 201), *range(81, 91)}
    assert (data.train_images[data.train_labels == 0] > 190).all()


@pytest.mark.parametrize("test", ["test", "valid", "val"])
def test_folders_under_train_and_test(tmp_path: Path, test: str) -> None:
    pictures(tmp_path / "train", count=3, cats=200, dogs=90)
    pictures(tmp_path / test, count=1, cats=100, dogs=40)
    data = load(str(tmp_path))
    assert data.train_images[:, 0, 0, 0].tolist() == [200, 199, 198, 90, 89, 88]
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test_images[:, 0, 0, 0].tolist() == [100, 40]


def test_a_test_folder_without_classes_is_passed_over(tmp_path: Path) -> None:
    for name in ("train", "valid"):
        pictures(tmp_path / name, count=2, cats=200, dogs=90)
    picture(tmp_path / "test" / "unknown.png", 3)
    assert len(load(str(tmp_path)).test_images) == 4


def test_what_a_system_left_is_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path, cats=200, dogs=90)
    for name in (
        ".DS_Store",
        "cats/.DS_Store",
        "cats/Thumbs.db",
        "dogs/desktop.ini",
        "dogs/Icon\r",
        "readme.txt",
    ):
        (tmp_path / name).write_text("no picture")
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    assert load(str(tmp_path)).classes == ("cats", "dogs")


def test_pictures_are_grey_if_all_are(tmp_path: Path) -> None:
    pictures(tmp_path, count=2, cats=200, dogs=(90, 90, 90))
    assert load(str(tmp_path)).shape == (1, 28, 28)
    picture(tmp_path / "cats" / "red.png", (255, 0, 10))
    data = load(str(tmp_path))
    assert data.shape == (3, 28, 28)
    everything = np.concatenate([data.train_images, data.test_images])[:, :, 5, 5].tolist()
    assert sorted(everything) == [[90, 90, 90], [90, 90, 90], [199, 199, 199], [200, 200, 200], [255, 0, 10]]


def test_the_middle_square_is_kept_and_scaled(tmp_path: Path) -> None:
    wide = np.zeros((4, 12), dtype=np.uint8)
    wide[:, 4:8] = np.arange(16).reshape(4, 4) * 10
    for name, image in ("wide", wide), ("tall", wide.T):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(image).save(tmp_path / name / f"{number}.png")
    data = load(str(tmp_path), image_size=4)
    tall, middle = data.train_images[:, 0]
    np.testing.assert_array_equal(middle, wide[:, 4:8])
    np.testing.assert_array_equal(tall, wide[:, 4:8].T)


def test_large_jpegs_are_decoded_no_larger_than_needed(tmp_path: Path) -> None:
    for name, value in ("cats", 250), ("dogs", 20):
        for number in range(2):
            picture(tmp_path / name / f"{number}.jpg", value, size=(3000, 2000))
    data = load(str(tmp_path))
    assert data.shape == (1, 28, 28)
    assert {250, 20} == {int(image[0, 14, 14]) for image in data.train_images}


@given(st.lists(st.integers(2, 40), min_size=1, max_size=5), st.randoms())
def test_a_split_keeps_every_image_once_and_a_fifth_of_each_class(counts: list[int], random: Any) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    random.shuffle(labels)
    whole = Part(np.arange(len(labels)), np.array(labels))
    train, test = split(whole)
    assert sorted([*train.images, *test.images]) == list(range(len(labels)))
    for part in train, test:
        np.testing.assert_array_equal(part.labels, whole.labels[part.images])
        assert (np.diff(part.images) > 0).all()
    assert np.bincount(test.labels).tolist() == [max(1, round(count * 0.2)) for count in counts]
    np.testing.assert_array_equal(split(whole)[1].images, test.images)


def test_images_and_labels_alone_are_split(tmp_path: Path) -> None:
    held = arrays()
    np.savez(tmp_path / "whole.npz", images=held["train_images"], labels=held["train_labels"])
    data = load(str(tmp_path / "whole.npz"))
    assert (len(data.train_images), len(data.test_images)) == (9, 3)


def test_the_fingerprint_is_that_of_the_contents(tmp_path: Path) -> None:
    first = fingerprint(load(str(npz(tmp_path / "a.npz"))))
    assert (
        first
        == fingerprint(load(str(npz(tmp_path / "b.npz"))))
        == fingerprint(load(str(idx(tmp_path / "c"))))
    )
    assert len(first) == 32
    for name, array in arrays().items():
        changed = array.copy()
        changed.flat[0] = changed.flat[0] + 1
        assert fingerprint(load(str(npz(tmp_path / "d.npz", **{name: changed})))) != first


def test_links_are_followed(tmp_path: Path) -> None:
    pictures(tmp_path / "there", cats=200, dogs=90)
    (tmp_path / "here").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "here" / name).symlink_to(tmp_path / "there" / name)
    assert load(str(tmp_path / "here")).classes == ("cats", "dogs")


def test_the_order_on_disk_has_no_say(tmp_path: Path) -> None:
    pictures(tmp_path / "a", cats=200, dogs=90)
    (tmp_path / "b").mkdir()
    for path in sorted((tmp_path / "a").rglob("*.png"), reverse=True):
        copy = tmp_path / "b" / path.relative_to(tmp_path / "a")
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
        os.utime(copy)
    assert fingerprint(load(str(tmp_path / "a"))) == fingerprint(load(str(tmp_path / "b")))
