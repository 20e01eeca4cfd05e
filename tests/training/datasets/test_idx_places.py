"""MNIST's four files as people have them: unzipped, renamed, compressed, several sets in a folder."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from convtui.inputs.idx_files import IdxName, idx_shape
from convtui.inputs.images import InputError, read_picture, read_square
from convtui.store.pictures import open_any
from convtui.training.datasets.open_any import DataError, check, load
from tests.support.data_files import IDX, arrays, idx, idx_bytes

EMNIST = ("balanced", "byclass", "letters")


def assert_is_read(source: Path | str) -> None:
    held = arrays()
    data = load(str(source))
    np.testing.assert_array_equal(data.train_images[:, 0], held["train_images"])
    np.testing.assert_array_equal(data.test_images[:, 0], held["test_images"])
    np.testing.assert_array_equal(data.train_labels, held["train_labels"])


def refusal(source: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        load(str(source))
    with pytest.raises(InputError):
        check(str(source))
    return str(caught.value)


def emnist(folder: Path, *names: str, compressed: bool = False) -> Path:
    """EMNIST's sets, which call their second part test."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        for of, array in arrays(number).items():
            file = f"emnist-{name}-{IDX[of].replace('t10k', 'test')}"
            content = idx_bytes(array)
            if compressed:
                (folder / f"{file}.gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize("inner", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
@pytest.mark.parametrize("below", [".", "raw"])
def test_unzipped_into_folders_named_like_the_files(tmp_path: Path, inner: str, below: str) -> None:
    (tmp_path / "set").mkdir()
    folder = idx(tmp_path / "set" / "raw") if below == "raw" else idx(tmp_path / "set" / "here")
    for file in list(folder.iterdir()):
        content = file.read_bytes()
        file.unlink()
        file.mkdir()
        (file / file.name.replace("-idx", inner[12] + "idx")).write_bytes(content)
    assert_is_read(tmp_path / "set" if below == "raw" else folder)
    assert_is_read(folder / "train-images-idx3-ubyte")


def test_folders_named_like_the_files_beside_the_files(tmp_path: Path) -> None:
    """An archive that was unpacked twice: the plain twin is a folder, the compressed one a file."""
    folder = idx(tmp_path / "set", is_compressed=True)
    for name in IDX.values():
        (folder / name).mkdir()
    assert_is_read(folder)
    for name in IDX.values():
        with gzip.open(folder / f"{name}.gz") as stream:
            (folder / name / name).write_bytes(stream.read())
        (folder / f"{name}.gz").unlink()
    assert_is_read(folder)


def test_an_empty_folder_is_no_file(tmp_path: Path) -> None:
    folder = idx(tmp_path / "set")
    (folder / IDX["test_images"]).unlink()
    (folder / IDX["test_images"]).mkdir()
    assert refusal_of_load(folder).endswith("has no file t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz")


def refusal_of_load(source: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(str(source))
    return str(caught.value)


def test_dotted_twins(tmp_path: Path) -> None:
    """A folder with both spellings, one of them empty of sense: a link to nothing."""
    folder = idx(tmp_path / "set")
    for name in IDX.values():
        (folder / name.replace("-idx", ".idx")).symlink_to("nowhere")
    assert_is_read(folder)


@pytest.mark.parametrize("below", ["raw", "RAW", "gzip", "Gzip"])
@pytest.mark.parametrize("compressed", [False, True])
def test_below_and_in_capitals(tmp_path: Path, below: str, compressed: bool) -> None:
    (tmp_path / "set").mkdir()
    folder = idx(tmp_path / "set" / below, compressed)
    for file in list(folder.iterdir()):
        file.rename(folder / file.name.upper())
    assert_is_read(tmp_path / "set")
    assert_is_read(folder)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_only_set_of_emnist(tmp_path: Path, compressed: bool) -> None:
    folder = emnist(tmp_path / "gzip", "letters", compressed=compressed)
    assert_is_read(tmp_path)
    assert_is_read(folder)
    data = load(str(tmp_path / "emnist-letters"))
    assert (data.name, data.source) == ("emnist-letters", str(tmp_path / "emnist-letters"))
    assert "EMNIST stores its images transposed" in data.notice


def test_several_sets_are_listed_and_one_is_asked_for(tmp_path: Path) -> None:
    folder = emnist(tmp_path / "gzip", *EMNIST)
    names = "emnist-balanced, emnist-byclass, emnist-letters"
    ask = f"has 3 data sets, {names}; name one of them, such as"
    assert refusal(tmp_path) == f"{tmp_path}: {ask} {tmp_path / 'emnist-balanced'}"
    assert refusal(folder) == f"{folder}: {ask} {folder / 'emnist-balanced'}"
    for number, name in enumerate(EMNIST):
        for source in tmp_path, folder:
            data = load(str(source / f"emnist-{name}"))
            np.testing.assert_array_equal(data.train_images[:, 0], arrays(number)["train_images"])
            check(str(source / f"emnist-{name}"))
    assert "no such data set, file or folder" in refusal(tmp_path / "emnist-digits")


def test_a_set_is_named_by_one_of_its_files(tmp_path: Path) -> None:
    """MNIST's own has no name to be called by."""
    folder = emnist(idx(tmp_path / "set"), "letters")
    names = "train-images-idx3-ubyte, emnist-letters"
    assert f"has 2 data sets, {names}; name one of them, such as {folder / IDX['train_images']}" in refusal(
        folder
    )
    for name in IDX.values():
        assert_is_read(folder / name)
    letters = load(str(folder / "emnist-letters-test-labels-idx1-ubyte"))
    assert letters.notice
    assert load(str(folder / IDX["test_labels"])).notice == ""


def test_an_image_of_a_set_among_several(tmp_path: Path) -> None:
    folder = emnist(tmp_path / "gzip", *EMNIST)
    picture = open_any(f"{folder}/emnist-letters:train:3")
    np.testing.assert_allclose(picture.pixels[0] * 255, arrays(2)["train_images"][3])
    assert picture.source == f"{folder}/emnist-letters:train:3"
    assert picture.notice.startswith("emnist-letters: EMNIST stores")


def test_under_torchvisions_root(tmp_path: Path) -> None:
    for name in "FashionMNIST", "MNIST":
        (tmp_path / name).mkdir()
        idx(tmp_path / name / "raw")
    assert refusal(tmp_path).endswith(
        "has MNIST's IDX files in FashionMNIST and MNIST; name one of those folders"
    )
    assert_is_read(tmp_path / "MNIST")


def test_colours_by_axes(tmp_path: Path) -> None:
    folder, held = idx(tmp_path / "set"), arrays(size=(9, 8, 3))
    for name in ("train_images", "test_images"):
        (folder / IDX[name]).unlink()
        (folder / IDX[name].replace("idx3", "idx4")).write_bytes(idx_bytes(held[name]))
    data = load(str(folder))
    np.testing.assert_array_equal(data.train_images, np.moveaxis(held["train_images"], -1, 1))
    assert "shape (12, 9, 8, 3) read as [images, rows, columns, channels]" in data.notice
    np.testing.assert_array_equal(load(str(folder), axes="channels-first").train_images, held["train_images"])


# -- names and first bytes


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("train-images-idx3-ubyte", ("", "train", "images", False)),
        ("t10k-labels.idx1-ubyte.gz", ("", "test", "labels", True)),
        ("T10K-IMAGES-IDX3-UBYTE.GZ", ("", "test", "images", True)),
        ("emnist-letters-test-images-idx3-ubyte", ("emnist-letters", "test", "images", False)),
        ("qmnist-train-images-idx3-ubyte.gz", ("qmnist", "train", "images", True)),
        ("emnist-letters-mapping.txt", None),
        ("train-images.png", None),
    ],
)
def test_names(name: str, found: tuple[object, ...] | None) -> None:
    assert IdxName.of(name) == found


@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_idx_file_where_an_image_is_expected(tmp_path: Path, is_compressed: bool) -> None:
    folder = idx(tmp_path / "set", is_compressed)
    end = ".gz" if is_compressed else ""
    images = folder / f"{IDX['test_images']}{end}"
    how = f"open an image of the data set by {folder}:test:0"
    for read in read_picture, open_any:
        with pytest.raises(InputError) as refused:
            read(str(images))
        assert str(refused.value) == f"{images}: is an IDX file of 6 images of 5x4; {how}"
    assert open_any(f"{folder}:test:0").pixels.shape == (1, 5, 4)
    labels = folder / f"{IDX['train_labels']}{end}"
    with pytest.raises(InputError, match=r"is an IDX file of 12 labels, not of images; open .*:train:0$"):
        read_picture(labels)
    with pytest.raises(InputError, match="is an IDX file of 12 labels"):
        read_square(labels, 8)


def test_the_advice_is_followed(tmp_path: Path) -> None:
    """Also for a set among several, and in a folder named like the file."""
    emnist(tmp_path / "many", *EMNIST)
    folder = idx(tmp_path / "one")
    inner = folder / "inside"
    (folder / IDX["train_images"]).rename(inner)
    (folder / IDX["train_images"]).mkdir()
    inner.rename(folder / IDX["train_images"] / IDX["train_images"])
    for file in (
        tmp_path / "many" / "emnist-letters-train-images-idx3-ubyte",
        folder / IDX["train_images"] / IDX["train_images"],
    ):
        with pytest.raises(InputError) as refused:
            open_any(str(file))
        assert open_any(str(refused.value).partition(" by ")[2]).pixels.shape == (1, 5, 4)


def test_an_idx_file_of_another_name(tmp_path: Path) -> None:
    file = tmp_path / "digits.bin"
    file.write_bytes(idx_bytes(arrays()["train_images"]))
    assert idx_shape(file) == (12, 5, 4)
    with pytest.raises(InputError, match="is an IDX file of 12 images of 5x4; name the four files"):
        read_picture(file)
    assert "digits.bin: is an IDX file; name the four files of a data set train-images" in refusal(file)


def test_an_idx_file_among_pictures_of_a_class(tmp_path: Path) -> None:
    for name in "cats", "dogs":
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.idx").write_bytes(idx_bytes(arrays()["train_images"]))
    assert "all.idx: is an IDX file of 12 images of 5x4" in refusal_of_load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08\x03",
        b"\0\0\x02\0" + bytes(20),
        b"\0\0\x08\x09" + bytes(40),
        b"\x1f\x8bno gzip",
        bytes(30),
    ],
)
def test_other_files_are_no_idx_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert idx_shape(tmp_path / "a") is None


def test_a_copy_keeps_its_fingerprint(tmp_path: Path) -> None:
    """Where the files lie has no say in what is read."""
    idx(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b" / "raw")
    np.testing.assert_array_equal(
        load(str(tmp_path / "a")).train_images, load(str(tmp_path / "b")).train_images
    )
