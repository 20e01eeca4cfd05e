"""What a network gets of a picture, to the bit what torchvision's transforms make of its bytes."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from convtui.inputs.images import read_picture
from convtui.tracing.process.worker import _normalised
from convtui.tracing.protocol import Job

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_a_picture_is_scaled_and_normalised_as_by_torchvision(tmp_path: Path) -> None:
    every = np.arange(256, dtype=np.uint8)
    pixels = np.random.default_rng(0).permuted(np.tile(every, (3, 90)), axis=1).reshape(3, 160, 144)
    file = tmp_path / "photo.png"
    image = Image.fromarray(pixels.transpose(1, 2, 0))
    image.save(file)
    for resize, side in ((None, 144), (64, 64)):
        read = read_picture(file, resize=resize)
        rows, columns = read.pixels.shape[1:]
        assert min(rows, columns) == side
        np.save(tmp_path / "image.npy", read.pixels)
        given = _normalised(Job("", image=str(tmp_path / "image.npy"), mean=MEAN, std=STD))
        # What Resize(64), ToTensor() and Normalize(MEAN, STD) do, written out.
        scaled = image.resize((columns, rows), Image.Resampling.BILINEAR)
        tensor = torch.from_numpy(np.array(scaled)).permute(2, 0, 1).to(torch.float32).div(255)
        mean, std = (torch.as_tensor(each, dtype=torch.float32).view(-1, 1, 1) for each in (MEAN, STD))
        assert torch.equal(given, tensor.sub_(mean).div_(std)[None])
