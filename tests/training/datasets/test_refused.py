"""Whatever is wrong with a data set is told in one line that names the file; nothing is loaded by half."""

import gzip
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convtui.training.datasets.open_any import DataError, load
from tests.support.data_files import IDX, arrays, idx, idx_bytes, npz, picture, pictures
from tests.support.image_files import png_that_claims

IMAGES, LABELS, TEST_IMAGES = IDX["train_images"], IDX["train_labels"], IDX["test_images"]


def refusal(source: Path | str, image_size: int = 28) -> str:
    """The one line that says why the data set is refused."""
    with pytest.raises(DataError) as caught:
        load(str(source), image_size)
    message = str(caught.value)
    assert message.isprintable()
    return message


def with_value(name: str, at: int, value: float) -> dict[str, np.ndarray]:
    array = arrays()[name].astype(float)
    array.flat[at] = value
    return {name: array}


# -- what is named


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("mnist12k", "mnist12k: no such data set, file or folder; did you mean mnist-12k?"),
        ("folder/onw.npz", "folder/onw.npz: no such data set, file or folder; did you mean own.npz?"),
        ("", "'': is not a data set; expected an .npz archive, a folder of MNIST's IDX files, or"),
        ("notes.txt", "notes.txt: is not a data set"),
        ("empty", "/empty: is not a data set"),
        ("\0", "'\\x00': not a valid path"),
        ("~nobody-here/x", "not a valid path"),
        ("dangling", "dangling: is a broken link"),
        ("circle", "circle: cannot be read (Too many levels of symbolic links)"),
        ("pipe", "pipe: is not a data set"),
        ("x" * 5000, "cannot be read (File name too long)"),
        (IMAGES, "has no file train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz"),
    ],
)
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    npz(tmp_path / "folder" / "own.npz")
    (tmp_path / "notes.txt").touch()
    (tmp_path / IMAGES).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    assert words in refusal(source)


@pytest.mark.parametrize("image_size", [0, -1, 513])
def test_sizes(tmp_path: Path, image_size: int) -> None:
    pictures(tmp_path, cats=200, dogs=90)
    assert refusal(tmp_path, image_size) == f"image_size {image_size}: must be 1 to 512 pixels"


# -- archives


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"test_labels": None},
            "has no array test_labels; it holds test_images, train_images, train_labels, and train_images, "
            "train_labels, test_images, test_labels, or x_train, y_train, x_test, y_test, or images and "
            "labels, are read",
        ),
        ({"train_labels": np.arange(11) % 3}, "train_images has 12 images, train_labels 11 labels"),
        (
            {"test_images": arrays(size=(5, 5))["test_images"]},
            "training images are 1x5x4, validation images 1x5x5",
        ),
        (
            {"train_images": np.zeros((12, 20))},
            "train_images: has the shape (12, 20); expected [images, rows, columns], or",
        ),
        ({"train_images": np.zeros((0, 5, 4))}, "train_images: holds no images"),
        ({"train_images": np.zeros((12, 0, 4))}, "train_images: holds no images"),
        ({"train_images": np.full((12, 5, 4), "a")}, "train_images: has values of type <U1"),
        ({"train_images": np.zeros((12, 5, 4), complex)}, "train_images: has values of type complex128"),
        ({"train_images": np.array([{}])}, "train_images: holds Python objects, which are never unpickled"),
        ({"train_labels": np.array([None] * 12)}, "train_labels: holds Python objects, which are never"),
        (
            {"train_labels": np.full(12, "cat")},
            "train_labels: has labels of type <U3; expected whole numbers",
        ),
        (
            {"train_labels": np.zeros((12, 3))},
            "train_labels: has the shape (12, 3); expected one whole number for",
        ),
        ({"train_labels": np.zeros(12, int)}, "all training images are of class 0; at least two classes"),
        ({"test_labels": np.arange(6)}, "a validation image has the label 3, which no training image has"),
        (
            {"train_images": np.full((12, 5, 4), 7)},
            "every value of the training images is 7; there is nothing",
        ),
        (with_value("train_images", 41, np.nan), "train_images: image 2 has values that are not finite"),
        (with_value("test_images", 0, np.inf), "test_images: image 0 has values that are not finite"),
        (with_value("train_images", 239, -1e31), "train_images: image 11 has values that are not finite"),
        (with_value("train_labels", 3, 0.5), "train_labels: label 3 is 0.5: must be a whole number"),
        (with_value("train_labels", 3, np.nan), "train_labels: label 3 is nan: must be a whole number"),
        (with_value("train_labels", 5, -1), "train_labels: label 5 is -1.0: must be a whole number"),
        (with_value("test_labels", 5, 1000), "test_labels: label 5 is 1000.0: must be a whole number from 0"),
    ],
)
def test_archives(tmp_path: Path, changed: dict[str, np.ndarray | None], words: str) -> None:
    path = npz(tmp_path / "own.npz", **changed)
    message = refusal(path)
    assert message.startswith(f"{path}: {words}")


def test_an_archive_with_a_single_image_of_a_class(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", images=np.eye(3 * 4).reshape(3, 12, 4), labels=[0, 0, 4])
    assert (
        "own.npz: class 4 has a single image; two are needed, one to train on and one to validate on"
        in refusal(tmp_path / "own.npz")
    )


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    assert "never unpickled" in refusal(npz(tmp_path / "own.npz", train_images=np.array([Trap()], object)))
    assert not (tmp_path / "sprung").exists()


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    for content in b"", b"PK\x03\x04", b"\x93NUMPY", bytes(500):
        path.write_bytes(content)
        assert refusal(path).startswith(f"{path}: is not a complete .npz archive of numbers (")


def test_an_archive_whose_bytes_were_changed(tmp_path: Path) -> None:
    path = npz(tmp_path / "own.npz")
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 200] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32" in refusal(path)


def test_an_array_with_bytes_after_its_end(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays().items():
            stream = io.BytesIO()
            np.save(stream, array)
            archive.writestr(f"{name}.npy", stream.getvalue() + b"x")
    assert refusal(path) == f"{path}: train_images: has bytes after its end"


def test_an_array_that_promises_more_than_there_is_room_for(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    header = io.BytesIO()
    about = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 1000, 1000)}
    np.lib.format.write_array_header_1_0(header, about)
    with zipfile.ZipFile(path, "w") as archive:
        for name in arrays():
            archive.writestr(f"{name}.npy", header.getvalue())
    assert "train_images: holds 1,000,000,000,000 values; at most 536,870,912 are read" in refusal(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_archive_is_whole_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(npz(tmp_path / "whole.npz").read_bytes())
    whole = load(str(tmp_path / "whole.npz"))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with suppress(DataError):
        np.testing.assert_array_equal(load(str(path)).train_images, whole.train_images)
        return
    assert refusal(path).startswith(f"{path}: ")


# -- IDX files


@pytest.mark.parametrize("name", IDX.values())
def test_a_missing_idx_file(tmp_path: Path, name: str) -> None:
    folder = idx(tmp_path / "set")
    (folder / name).unlink()
    assert refusal(folder) == f"{folder}: has no file {name} or {name}.gz"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (IMAGES, b"", "begins with 0 bytes; must be 0x00000803 or 0x00000804"),
        (IMAGES, b"\0\0\x08", "begins with 3 bytes; must be 0x00000803"),
        (IMAGES, b"\x89PNG" + bytes(50), "begins with the magic number 0x89504e47; must be 0x00000803"),
        (IMAGES, b"\0\0\x0d\x03" + bytes(50), "begins with the magic number 0x00000d03; must be 0x00000803"),
        (IMAGES, idx_bytes(arrays()["train_labels"]), "begins with the magic number 0x00000801; must be"),
        (
            LABELS,
            idx_bytes(arrays()["train_images"]),
            "begins with the magic number 0x00000803; must be 0x0000",
        ),
        (IMAGES, b"\0\0\x08\x03\0\0", "is cut off: 0 values, but"),
        (
            IMAGES,
            idx_bytes(arrays()["train_images"])[:-1],
            "is cut off: 239 values, but its header ann",
        ),
        (
            IMAGES,
            idx_bytes(arrays()["train_images"]) + b"x",
            "has bytes after the 240 values that its header",
        ),
        (
            IMAGES,
            b"\0\0\x08\x03" + b"\xff" * 12,
            "holds 79,228,162,458,924,105,385,300,197,375 values; at most",
        ),
        (IMAGES, b"\0\0\x08\x03" + bytes(12), "holds no images"),
        (LABELS, idx_bytes(np.arange(11)), f"has 11 labels for the 12 images of {IMAGES}"),
        (
            TEST_IMAGES,
            gzip.compress(idx_bytes(arrays()["test_images"]), mtime=0),
            "is compressed with gzip; its name must end in .gz",
        ),
    ],
)
def test_idx_files(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    folder = idx(tmp_path / "set")
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{folder / name}: {words}")


def test_the_root_of_torchvisions_data_sets(tmp_path: Path) -> None:
    (tmp_path / "FashionMNIST").mkdir()
    idx(tmp_path / "FashionMNIST" / "raw")
    with pytest.raises(DataError, match=r"has MNIST's IDX files in FashionMNIST; name that folder$"):
        load(str(tmp_path))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_parts_of_different_scales(tmp_path: Path, dtype: str) -> None:
    held = arrays()
    held["train_images"][0, 0, :2] = 0, 255
    shares = {"test_images": np.linspace(0, 1, 6 * 20).reshape(6, 5, 4)}
    path = npz(tmp_path / "a.npz", train_images=held["train_images"].astype(dtype), **shares)
    told = "training images range from 0 to 255, validation images from 0 to 1; they must have the same scale"
    with pytest.raises(DataError, match=told):
        load(str(path))


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    folder = idx(tmp_path / "set", is_compressed=True)
    file = folder / f"{IMAGES}.gz"
    whole = file.read_bytes()
    wrong_sum = bytearray(whole)
    wrong_sum[-6] ^= 1
    for content in b"", b"x" * 30, whole[:-10], whole[: len(whole) // 2], bytes(wrong_sum):
        file.write_bytes(content)
        message = refusal(folder)
        assert message.startswith(f"{file}: "), message
        assert "is not a complete gzip file (" in message or "begins with 0 bytes" in message
    file.write_bytes(gzip.compress(idx_bytes(arrays()["train_images"]) + bytes(10**8)))
    assert refusal(folder) == f"{file}: has bytes after the 240 values that its header announces"


def test_idx_files_that_are_no_files(tmp_path: Path) -> None:
    folder = idx(tmp_path / "set")
    (folder / IMAGES).unlink()
    (folder / IMAGES).symlink_to("nowhere")
    assert refusal(folder) == f"{folder / IMAGES}: is a broken link"
    (folder / IMAGES).unlink()
    os.mkfifo(folder / IMAGES)
    assert refusal(folder) == f"{folder / IMAGES}: is not a regular file"


# -- folders


def test_an_unreadable_picture(tmp_path: Path) -> None:
    pictures(tmp_path, cats=200, dogs=90)
    bad = tmp_path / "cats" / "0.png"
    whole = bad.read_bytes()
    cases = [
        (b"", "the file is empty"),
        (b"no picture", "not an image that Pillow can read"),
        (whole[:-30], "the image is damaged or in an unknown format"),
        (png_that_claims(50_000, 50_000), "has more than the limit of 100 megapixels"),
    ]
    for content, words in cases:
        bad.write_bytes(content)
        message = refusal(tmp_path)
        assert message.startswith(f"{bad}: ")
        assert words in message


@pytest.mark.parametrize("name", ["labels.csv", "0.npy", "notes.txt"])
def test_a_file_of_numbers_among_the_pictures(tmp_path: Path, name: str) -> None:
    pictures(tmp_path, cats=200, dogs=90)
    (tmp_path / "cats" / name).write_text("1,2\n3,4\n")
    words = "is a file of numbers; expected an image"
    assert refusal(tmp_path).startswith(f"{tmp_path / 'cats' / name}: {words}")


def test_a_picture_of_bare_numbers(tmp_path: Path) -> None:
    from PIL import Image

    pictures(tmp_path, cats=200, dogs=90)
    file = tmp_path / "cats" / "f.tiff"
    Image.fromarray(np.ones((4, 4), np.float32)).save(file)
    assert refusal(tmp_path).startswith(f"{file}: holds numbers without a black and white level")


def test_folders_that_are_no_classes(tmp_path: Path) -> None:
    picture(tmp_path / "0.png", 5)
    assert refusal(tmp_path).startswith(f"{tmp_path}: is not a data set")
    pictures(tmp_path, cats=200)
    assert refusal(tmp_path).endswith(
        ": all training images are of class cats; at least two classes are needed"
    )
    (tmp_path / "dogs").mkdir()
    assert refusal(tmp_path) == f"{tmp_path / 'dogs'}: holds no pictures; add some or remove the folder"
    (tmp_path / "dogs" / ".DS_Store").touch()
    assert refusal(tmp_path) == f"{tmp_path / 'dogs'}: holds no pictures; add some or remove the folder"
    picture(tmp_path / "dogs" / "0.png", 5)
    assert "class dogs has a single image" in refusal(tmp_path)
    (tmp_path / "dogs" / "more").mkdir()
    assert refusal(tmp_path).startswith(f"{tmp_path / 'dogs' / 'more'}: is a folder inside a class")


def test_links_to_nothing(tmp_path: Path) -> None:
    pictures(tmp_path, cats=200, dogs=90)
    link = tmp_path / "cats" / "link.png"
    link.symlink_to("nowhere")
    assert refusal(tmp_path) == f"{link}: is a broken link"
    link.unlink()
    (tmp_path / "birds").symlink_to("nowhere")
    assert refusal(tmp_path) == f"{tmp_path / 'birds'}: is a broken link"


def test_train_without_test_and_different_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "train", cats=200, dogs=90)
    assert refusal(tmp_path) == f"{tmp_path}: has train, but no test, valid or val of such sub-folders"
    pictures(tmp_path / "test", cats=200, birds=90)
    words = f"a class that {tmp_path / 'train'} lacks; both need the same classes"
    assert refusal(tmp_path) == f"{tmp_path / 'test' / 'birds'}: {words}"


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, cats=200, dogs=90)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read (Permission denied)"


def test_names_that_a_terminal_would_obey(tmp_path: Path) -> None:
    pictures(tmp_path, **{"cats": 200, "do\x1b[31mgs": 90})
    (tmp_path / "do\x1b[31mgs" / "0.png").write_bytes(b"")
    assert "'" in refusal(tmp_path)


def test_torch_is_not_needed() -> None:
    script = (
        "import sys; from convtui.training.datasets.open_any import load; load('digits-8x8')\n"
        "print(*sorted({'torch', 'textual', 'rich', 'PIL'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
