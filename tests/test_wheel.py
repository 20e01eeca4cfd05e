"""What is released: a wheel, built from the sdist of a copy of the checkout, and used from somewhere else."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata

CHECKOUT = Path(__file__).parents[1]
PARTS = (
    *("pyproject.toml", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff"),
    *("LICENSE", "Makefile", "constraints.txt", "convtui", "samples", "tests"),
)
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))

USE = """
import json
import convtui
from convtui.inputs import samples
from convtui.lessons.course import find_course
print(json.dumps({
    "package": convtui.__file__,
    "folder": str(samples.folder()),
    "images": {name: list(samples.open_image(name).pixels.shape) for name in samples.image_names()},
    "kernels": [path.name for path in samples.kernel_files()],
    "sessions": [path.name for path in samples.session_files()],
    "lessons": [lesson.path.name for lesson in find_course().lessons],
}))
"""


def samples_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel that is built from it."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (CHECKOUT / part).is_dir():
            shutil.copytree(CHECKOUT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(CHECKOUT / part, source)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", "."]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    return source / "dist"


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (wheel,) = dist.glob("convtui-*.whl")
    target = tmp_path_factory.mktemp("unpacked")
    with ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_the_sdist_holds_all_that_a_checkout_needs(dist: Path) -> None:
    (sdist,) = dist.glob("convtui-*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    for part in PARTS:
        path = CHECKOUT / part
        needed = {f"{part}/{name}" for name in samples_of(path)} if path.is_dir() else {part}
        assert {name for name in needed if "__pycache__" not in name} <= files


def test_the_metadata_is_valid_and_leaves_torch_to_an_extra(unpacked: Path) -> None:
    (file,) = unpacked.glob("*.dist-info/METADATA")
    metadata = Metadata.from_email(file.read_bytes(), validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert metadata.license_files == ["LICENSE"]
    needed = [each for each in metadata.requires_dist or [] if not each.marker]
    assert {each.name for each in needed} >= {"textual", "numpy"}
    torch = [str(each.marker) for each in metadata.requires_dist or [] if each.name == "torch"]
    assert 'extra == "train"' in torch
    assert all(marker.startswith("extra == ") for marker in torch)


def test_what_make_installs_can_train() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert "convtui[train,serve]" in extras["test"]
    assert "-e '.[train]'" in (CHECKOUT / "Makefile").read_text("utf-8")


def test_the_citation_is_of_this_version() -> None:
    lines = (CHECKOUT / "CITATION.cff").read_text("utf-8").splitlines()
    assert {f"version: {PROJECT['project']['version']}", "license: MIT", "cff-version: 1.2.0"} <= {*lines}


def test_the_wheel_holds_every_module_and_sample(unpacked: Path) -> None:
    assert samples_of(unpacked / "convtui" / "bundled") == samples_of(CHECKOUT / "samples")
    modules = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "convtui").rglob("*.py")}
    shipped = {path.relative_to(unpacked) for path in unpacked.rglob("*.py")}
    assert modules == {path for path in shipped if "bundled" not in path.parts}
    font = Path("export", "font")
    assert samples_of(unpacked / "convtui" / font) == samples_of(CHECKOUT / "convtui" / font)


def test_samples_open_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-P", "-c", USE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(result.stdout)
    package = unpacked / "convtui"
    assert found["package"] == str(package / "__init__.py")
    assert found["folder"] == str(package / "bundled")
    assert found["images"]["mnist-7"] == [1, 28, 28]
    files = samples_of(CHECKOUT / "samples")
    assert {f"images/{name}" for name in found["images"]} == {
        name.rsplit(".", 1)[0] for name in files if name.startswith("images/")
    }
    assert {f"kernels/{name}" for name in found["kernels"]} == {n for n in files if n.startswith("kernels/")}
    assert {f"sessions/{name}" for name in found["sessions"]} == {
        n for n in files if n.startswith("sessions/")
    }
    assert {f"lessons/{name}" for name in found["lessons"]} == {n for n in files if n.startswith("lessons/")}
