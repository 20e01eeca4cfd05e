"""The folder of the files between the app and the training process."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from convtui.training.norm_looks import FeedNorm
from convtui.training.scratch import Scratch
from convtui.training.trainer import Trainer, TrainerError
from tests.support.workers import FakeWorkers


def test_it_is_made_when_needed_and_removed_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch = Scratch()
    assert not [*tmp_path.iterdir()]
    (scratch.folder / "left.npz").touch()
    assert [*tmp_path.iterdir()] == [scratch.folder]
    scratch.remove()
    assert not [*tmp_path.iterdir()]
    with pytest.raises(OSError, match="the app has ended"):
        _ = scratch.folder


async def test_what_nobody_has_read_is_removed_when_all_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workers = FakeWorkers()
    trainer = Trainer(workers.start)
    trainer.look(FeedNorm("1", 3, 0, (0, 1)))
    while not workers.started or not workers.now.told:
        await asyncio.sleep(0)
    (job,) = workers.now.told
    assert isinstance(job, FeedNorm)
    assert Path(job.folder).parent == tmp_path
    (Path(job.folder) / "norm-1.npz").touch()
    await trainer.end()
    assert not [*tmp_path.iterdir()]


async def test_without_a_folder_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with pytest.raises(TrainerError, match="no folder for temporary files: No such file or directory"):
        Trainer(FakeWorkers().start).look(FeedNorm("1", 3, 0, (0, 1)))
