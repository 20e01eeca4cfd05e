"""Any image of a data set opens by its name wherever an image does, and opens again as the same."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convtui.inputs.images import InputError, with_pixel
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store.pictures import open_any, open_data_image
from convtui.store.session_file import dumps, load, loads, save
from convtui.training.datasets.open_any import DataError, DataSet, picture
from convtui.training.datasets.open_any import load as load_data
from tests.support.data_files import npz, pictures


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load_data("digits-8x8")


def test_a_picture_goes_from_black_to_white(digits: DataSet) -> None:
    shown = picture(digits, "train", 20)
    np.testing.assert_array_equal(shown.pixels, digits.train_images[20] / 16)
    label = digits.train_labels[20]
    assert shown.name.removeprefix("digits-8x8 train 20: a").lstrip("n") == f" {label}"
    assert (shown.source, shown.lowest, shown.highest) == ("digits-8x8:train:20", 0, 1)
    assert not shown.pixels.flags.writeable


def test_a_normalised_picture_is_what_the_network_sees(digits: DataSet) -> None:
    seen, shown = picture(digits, "test", 4, normalised=True), picture(digits, "test", 4)
    np.testing.assert_allclose(seen.pixels, (digits.test_images[4] - digits.mean) / digits.std)
    share = (seen.pixels - seen.lowest) / (seen.highest - seen.lowest)
    np.testing.assert_allclose(share, shown.pixels, atol=1e-12, err_msg="it is to look the same")
    assert (seen.name, seen.source) == (f"{shown.name}, normalised", "digits-8x8:test:4:normalised")


def test_articles(digits: DataSet) -> None:
    first = {label: int(np.flatnonzero(digits.test_labels == label)[0]) for label in (7, 8)}
    assert picture(digits, "test", first[7]).name.endswith(": a 7")
    assert picture(digits, "test", first[8]).name.endswith(": an 8")


@pytest.mark.parametrize(
    ("part", "index", "words"),
    [
        ("test", 360, "digits-8x8: has no test image 360; its test images are 0 to 359"),
        ("train", -1, "digits-8x8: has no train image -1; its train images are 0 to 1436"),
        ("tset", 0, "digits-8x8: has no part tset; it has train and test"),
    ],
)
def test_images_that_there_are_not(digits: DataSet, part: str, index: int, words: str) -> None:
    for error in (
        pytest.raises(DataError, match=f"^{words}$"),
        pytest.raises(InputError, match=f"^{words}$"),
    ):
        with error:
            picture(digits, part, index)
    with pytest.raises(InputError, match=f"^{words}$"):
        open_any(f"digits-8x8:{part}:{index}")


@pytest.mark.parametrize("name", ["digits-8x8:test:17", "digits-8x8:17"])
def test_an_image_opens_by_name(digits: DataSet, name: str) -> None:
    opened = open_any(name)
    np.testing.assert_array_equal(opened.pixels, digits.test_images[17] / 16)
    assert opened.source == "digits-8x8:test:17"


@pytest.mark.parametrize("spelling", ["normalised", "normalized"])
def test_a_normalised_image_opens_by_name(digits: DataSet, spelling: str) -> None:
    opened = open_any(f"digits-8x8:train:5:{spelling}")
    np.testing.assert_array_equal(opened.pixels, picture(digits, "train", 5, normalised=True).pixels)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "mnist-12k",
            "mnist-12k: name an image of the data set, such as mnist-12k:test:17 or mnist-12k:train:0",
        ),
        ("mnist-12k:", "mnist-12k:: name an image of the data set, such as mnist-12k:test:17"),
        ("mnist-12k:test", "mnist-12k:test: name an image of the data set"),
        ("mnist-12k:test:x", "mnist-12k:test:x: name an image of the data set"),
        ("mnist-12k:test:1:blurred", "mnist-12k:test:1:blurred: name an image of the data set"),
        ("mnist12k:test:1", "mnist12k: no such data set, file or folder; did you mean mnist-12k?"),
        ("mnist12k", "mnist12k: no such file or sample; did you mean mnist-12k"),
        ("photo:3", "photo: no such data set, file or folder"),
        ("notes.txt:3", "notes.txt: is not a data set"),
    ],
)
def test_names_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError) as caught:
        open_any(name)
    assert str(caught.value).startswith(words)
    assert str(caught.value).isprintable()


def test_a_file_goes_before_an_image_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path, count=1, cats=200)
    (tmp_path / "cats" / "0.png").rename(tmp_path / "digits-8x8:3")
    assert open_any("digits-8x8:3").source == "digits-8x8:3"


def test_it_is_scaled_and_in_one_channel_like_any_image(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pets", count=2, cats=(255, 0, 0), dogs=(0, 0, 255))
    opened = open_any(f"{folder}:train:0", resize=4, gray=True)
    np.testing.assert_allclose(opened.pixels, np.full((1, 4, 4), 0.299))
    assert (opened.resize, opened.gray, opened.colour) == (4, True, False)
    assert open_any(f"{folder}:train:0").colour
    with pytest.raises(InputError, match="resize 0: a side must"):
        open_any("digits-8x8:3", resize=0)


def test_the_size_of_a_folder_s_pictures_is_part_of_the_name(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pets", count=2, cats=200, dogs=90)
    data = load_data(str(folder), image_size=12)
    shown = picture(data, "test", 1, normalised=True)
    assert shown.source == f"{folder}:test:1:12px:normalised"
    np.testing.assert_array_equal(open_data_image(shown.source).pixels, shown.pixels)
    assert shown.name == "pets test 1: dogs, normalised"


@pytest.mark.parametrize("name", ["digits-8x8:test:17", "digits-8x8:train:3:normalised"])
def test_a_session_names_a_bundled_image(tmp_path: Path, name: str) -> None:
    shown = with_pixel(open_any(name, resize=6), 0, 1, 2, 0.25)
    session = Session.start(shown, KernelChoice("sobel-x"))
    assert f'sample = "{name}"' in dumps(session)
    save(session, tmp_path / "own.toml")
    again = load(tmp_path / "own.toml").picture
    np.testing.assert_array_equal(again.pixels, shown.pixels)
    assert (again.name, again.source, again.resize) == (shown.name, shown.source, 6)
    assert (again.lowest, again.highest) == (shown.lowest, shown.highest)


def test_a_session_finds_its_data_set_beside_it(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    path = npz(tmp_path / "here" / "own.npz")
    shown = open_any(f"{path}:test:2")
    save(Session.start(shown, KernelChoice("sobel-x")), tmp_path / "here" / "own.toml")
    assert 'path = "own.npz:test:2"' in (tmp_path / "here" / "own.toml").read_text()
    (tmp_path / "here").rename(tmp_path / "there")
    again = load(tmp_path / "there" / "own.toml").picture
    np.testing.assert_array_equal(again.pixels, shown.pixels)
    assert again.notice == ""


def test_a_session_tells_that_its_data_set_has_changed(tmp_path: Path) -> None:
    path = npz(tmp_path / "own.npz")
    text = dumps(Session.start(open_any(f"{path}:test:2"), KernelChoice("sobel-x")))
    npz(path, test_images=np.arange(120).reshape(6, 5, 4))
    assert "the image has changed since" in loads(text, "own.toml").picture.notice
    path.unlink()
    with pytest.raises(InputError, match=r"image\.path: .*own.npz: no such data set, file or folder"):
        loads(text, "own.toml")


def test_no_other_start_waits_for_data_sets() -> None:
    script = (
        "import sys, convtui.cli.main, convtui.store.pictures as pictures; pictures.open_any('mnist-7')\n"
        "print(*[name for name in sys.modules if name.startswith('convtui.training')])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
