"""A damaged file costs a line that says so, never a traceback, a wait or a wrong shape on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convtui.engine.kernels import format_kernel, load_kernel
from convtui.engine.layer_text import format_layers, load_layers, parse_layers_toml
from convtui.engine.layers import LayerError
from convtui.engine.stack import summarize
from convtui.inputs import samples
from convtui.inputs.images import InputError, read_picture
from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.store import session_file
from convtui.training.datasets import open_any as data
from convtui.training.datasets.open_any import DataError
from convtui.training.process.loop import Training
from convtui.training.process.worker import _begun
from convtui.training.protocol import Rate, Saved
from convtui.training.runs.checkpoint import Checkpoint, file_name
from convtui.training.runs.history import State
from convtui.training.runs.learned_layers import trained_layers
from convtui.training.runs.store import Run, RunError, new_run, runs_and_damages
from tests.robustness import SEED, damage, rounds
from tests.robustness.looking import look_at_run
from tests.support import data_files
from tests.support.example_sessions import lesson
from tests.support.small_runs import SMALL, digits, trained

LONGEST = 10.0  # seconds that any file may take, whatever else the machine does

Read = Callable[[Path], Any]


def attack(
    path: Path,
    whole: bytes,
    damaged: damage.Damage,
    read: Read,
    documented: tuple[type[Exception], ...],
    tries: int,
    seed: int = SEED,
) -> tuple[int, int]:
    """Damage the file so often, and read it: how often it was refused, and in all.

    Only documented errors may come, each in one line that a terminal can print.
    """
    refused = 0
    for number in range(tries):
        data = damaged(whole, Random(f"{path.name} {seed} {number}"))
        path.write_bytes(data)
        began = perf_counter()
        try:
            read(path)
        except AssertionError:
            raise
        except documented as error:
            refused += 1
            require_one_line(error, documented)
        except Exception as error:
            raise AssertionError(
                f"damage {number} of {path.name}: {type(error).__name__}: {error}"
            ) from error
        assert perf_counter() - began < LONGEST, number
    return refused, tries


def require_one_line(error: Exception, documented: tuple[type[Exception], ...]) -> None:
    line = str(error)
    assert type(error) in documented, repr(error)
    assert line
    assert line.isprintable(), repr(line)
    assert len(line) < 2000, repr(line)


@pytest.fixture
def run() -> Run:
    """A run with all that a log can have."""
    run = new_run(SMALL, "fingerprint")
    training = trained(steps=0)
    with run.locked():
        run.append(_begun(training.recipe, training.data, 0, training.total_steps, str(run.path)))
        run.append(Rate(0, SMALL.max_lr))
        for event in training.events():
            run.append(event)
            if training.step % 10 == 0:
                training._next_capture = 0
                run.append(Saved(training.step))
        run.save(training.checkpoint())
    return run


def test_logs_of_runs(run: Run) -> None:
    log = run.path / "events.jsonl"
    whole = log.read_bytes()
    record = look_at_run(run.path, digits())
    assert (record.left_out, record.state, len(record.steps)) == ("", State.FINISHED, 22)
    assert len(record.snapshots) > 2
    attack(
        log,
        whole,
        damage.of_json_lines,
        lambda _: look_at_run(run.path, digits()),
        (RunError,),
        rounds(30, 500),
    )


def test_recipes_of_runs(run: Run) -> None:
    file = run.path / "recipe.json"

    def damaged(data: bytes, chance: Random) -> bytes:
        if chance.random() < 0.2:
            return damage.of_bytes(data, chance)
        return json.dumps(damage.of_json(json.loads(data), chance)).encode()

    def read(_: Path) -> None:
        look_at_run(run.path, digits())
        assert len(runs_and_damages()[0]) == 1

    attack(file, file.read_bytes(), damaged, read, (RunError,), rounds(40, 150))


def test_checkpoints_that_are_what_their_names_say(run: Run) -> None:
    """Whoever makes the file also makes its digest."""
    (file,) = run.checkpoints()
    whole = file.read_bytes()
    file.unlink()
    picture = data.picture(digits(), "test", 0, normalised=True)

    def read(path: Path) -> None:
        content = path.read_bytes()
        named = run.path / file_name(22, content)
        named.write_bytes(content)
        try:
            checkpoint = run.checkpoint()
            if checkpoint is None:
                return
            with suppress(InputError, RunError):
                trained_layers(lesson(), run, picture)
            with suppress(InputError, RunError):
                NetworkSource(run.recipe, run=str(run.path), step=22).load()
            Training(run.recipe, digits(), checkpoint)
        finally:
            named.unlink()

    attack(run.path / "made.tmp", whole, _damaged_checkpoint, read, (ValueError,), rounds(25, 300))


def _damaged_checkpoint(content: bytes, chance: Random) -> bytes:
    if chance.random() < 0.2:
        return damage.of_bytes(content, chance)
    checkpoint = Checkpoint.from_bytes(content)
    match chance.randrange(4):
        case 0 | 1:
            about = damage.of_json({"step": 22, **checkpoint.about}, chance)
            if isinstance(about, dict):
                step = about.pop("step", 0)
                changed = replace(checkpoint, about=about, step=step)
                with suppress(TypeError, ValueError):
                    return changed.to_bytes()
            return b""
        case 2:
            return replace(checkpoint, weights=_damaged_arrays(checkpoint.weights, chance)).to_bytes()
        case _:
            return replace(checkpoint, optimizer=_damaged_arrays(checkpoint.optimizer, chance)).to_bytes()


def _damaged_arrays(arrays: dict[str, Any], chance: Random) -> dict[str, Any]:
    changed = dict(arrays)
    name = chance.choice(sorted(changed))
    array = changed.pop(name)
    match chance.randrange(8):
        case 0:
            changed[
                chance.choice(
                    ("0", "", "x.weight", "-1.weight", "99.weight", f"{name}.x", "0.num_batches_tracked")
                )
            ] = array
        case 1:
            changed[name] = array[..., None]
        case 2:
            changed[name] = array.astype(chance.choice((np.float16, np.int8, np.float64, np.bool_)))
        case 3:
            filled = chance.choice((np.nan, np.inf, 1e38)) if array.dtype.kind == "f" else 7
            changed[name] = np.full_like(array, filled)
        case 4:
            changed[name] = array.reshape(-1)[:-1]
        case 5:
            changed[name] = np.zeros((0, *array.shape), array.dtype)
        case 6:
            changed[name] = np.zeros((1,) * chance.randrange(6), array.dtype)
    return changed


SESSION = """\
convtui = 1

[image]
name = "mine"
pixels = \"\"\"
1 2 3 4 5
0.5 0 -1 2 9
1 2 3 4 5
6 7 8 9 1

1 1 1 1 1
2 2 2 2 2
3 3 3 3 3
4 4 4 4 4
\"\"\"
lowest = -1
highest = 9.5
edits = [
    [0, 1, 2, 0.25],
    [1, 3, 4, -7],
]

[kernel]
name = "own"
weight = \"\"\"
1 0 -1
2 0 -2

0 1 0
1 1 1
---
1 1 1
0 0 0

0 0 0
1 1 1
\"\"\"
bias = [0.5, -1.0]

[convolution]
stride = [2, 1]
padding = [[1, 0], [2, 1]]
dilation = 1
groups = 1
padding_mode = "zeros"

[position]
output = [1, 1, 2]
multiply_adds = 3
filled = 12

[view]
zoom = "numbers"
slice = 1
hints = true
letters = true

[layers]
text = "conv 3x3 4 s2 p1, relu, residual(conv 3x3 4 p1, bn | bn), flatten, linear 10"
seed = 3
layer = 2
activation = [1, 0, 0]
"""


def test_sessions(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        session = session_file.load(path)
        again = session_file.loads(session_file.dumps(session), "again.toml")
        assert again.position == session.position
        session.finished().convolution.output  # noqa: B018
        session.stack.summary  # noqa: B018
        session_file.save(session, path)

    attack(
        tmp_path / "session.toml",
        SESSION.encode(),
        damage.as_text,
        read,
        (session_file.SessionFileError,),
        rounds(100, 400),
    )


LAYERS = """\
[[layer]]
type = "conv"
kernel_size = [3, 5]
out_channels = 8
stride = 2
padding = [[0, 1], [2, 2]]
dilation = 1
bias = false
padding_mode = "zeros"
[[layer]]
type = "residual"
paths = ["conv 3x3 8 p1, bn", [{ type = "bn" }, { type = "relu" }]]
[[layer]]
type = "maxpool"
kernel_size = 2
stride = 2
[[layer]]
type = "concat"
paths = ["conv 1x1 8", "conv 3x3 8 p1 d2 g2"]
[[layer]]
type = "linear"
out_features = 10
"""


@pytest.mark.parametrize("ending", ["toml", "txt"])
def test_layers(tmp_path: Path, ending: str) -> None:
    def read(path: Path) -> None:
        layers = load_layers(path)
        for row in summarize(layers, (3, 32, 32)).rows:
            assert row.parameter_shapes is not None

    file = tmp_path / f"stack.{ending}"
    file.write_text(LAYERS)
    whole = LAYERS if ending == "toml" else f"# mine\n{format_layers(parse_layers_toml(LAYERS))}\n"
    attack(file, whole.encode(), damage.as_text, read, (ValueError, LayerError), rounds(100, 200))


@pytest.mark.parametrize("ending", ["txt", "npy"])
def test_kernels(tmp_path: Path, ending: str) -> None:
    weight = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).round(3)
    file = tmp_path / f"kernel.{ending}"
    if ending == "npy":
        np.save(file, weight)
    else:
        file.write_text(format_kernel(weight))
    damaged = damage.of_bytes if ending == "npy" else damage.as_text
    attack(file, file.read_bytes(), damaged, load_kernel, (ValueError, InputError), rounds(40, 100))


@pytest.mark.parametrize(
    "name", ["count-5x5.csv", "cat-32.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.npy", "a.ppm"]
)
def test_images(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    if name.startswith("a.") and name != "a.npy":
        Image.fromarray(pixels).save(file)
    elif name == "a.npy":
        np.save(file, pixels)
    else:
        file.write_bytes((samples.folder() / "images" / name).read_bytes())
    damaged = damage.as_text if name.endswith("csv") else damage.of_bytes

    def read(path: Path) -> None:
        picture = read_picture(path)
        assert np.isfinite(picture.pixels).all()
        assert picture.lowest < picture.highest
        read_picture(path, 7, gray=True)

    attack(file, file.read_bytes(), damaged, read, (InputError,), rounds(20, 60))


def test_archives(tmp_path: Path) -> None:
    file = data_files.npz(tmp_path / "set.npz")
    attack(file, file.read_bytes(), damage.of_bytes, _read_data, (DataError,), rounds(60, 200))


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("which", ["train_images", "test_labels"])
def test_idx_files(tmp_path: Path, which: str, is_compressed: bool) -> None:
    folder = data_files.idx(tmp_path / "set", is_compressed)
    file = folder / f"{data_files.IDX[which]}{'.gz' if is_compressed else ''}"
    damaged = _damaged_header if not is_compressed else damage.of_bytes
    attack(file, file.read_bytes(), damaged, lambda _: _read_data(folder), (DataError,), rounds(30, 100))


def _damaged_header(content: bytes, chance: Random) -> bytes:
    if chance.random() < 0.3:
        return damage.of_bytes(content, chance)
    at = chance.randrange(16)
    return content[:at] + chance.randbytes(1) + content[at + 1 :]


def _read_data(path: Path) -> None:
    found = data.load(str(path))
    assert len(found.train_images) == len(found.train_labels)
    data.picture(found, "train", 0)
    data.picture(found, "test", 0, normalised=True)
    data.fingerprint(found)
