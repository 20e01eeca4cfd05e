"""Networks as a user's file may have them, with weights that are the same everywhere; run by its path."""

import os
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def steady(module: nn.Module) -> None:
    """Weights that depend on no version's random numbers."""
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            places = torch.arange(parameter.numel(), dtype=torch.float64) + number
            parameter.copy_((torch.sin(places * 1.7) / 3).reshape(parameter.shape))


class Branched(nn.Module):
    """A branch and a join, a transposed convolution and the poolings; one of its lines is printed."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.side = nn.Conv2d(width, width, 1, groups=2, bias=False)
        self.down = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.up = nn.ConvTranspose2d(width, 3, 3, stride=2, output_padding=1)
        self.fc = nn.Linear(3 * 16, 5)
        steady(self)
        print("made with width", width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(x)))
        x = x + self.side(x)
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        x = self.up(self.down(F.dropout(x, training=True)))
        x = F.adaptive_max_pool2d(F.adaptive_avg_pool2d(x, (6, 5)), 4)
        scores: Tensor = self.fc(x.flatten(1))
        return scores


class Holed(nn.Module):
    """Dilation, with a branch that lies apart: its cells do not read every pixel of their field."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(1, 2, 2, dilation=3, padding=2)
        self.near = nn.Conv2d(1, 2, 1, padding=1)
        steady(self)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.wide(x) + self.near(x)[..., :9, :9])


class Misfit(nn.Module):
    """Made for images of 28x28: others fail at the linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 13 * 13, 10)
        steady(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        scores: Tensor = self.fc(x.flatten(1))
        return scores


class Hanging(Misfit):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        time.sleep(600)
        return x


class Exiting(Misfit):
    def forward(self, x: Tensor) -> Tensor:
        self.conv(x)
        os._exit(3)


class Refusing(Misfit):
    def __init__(self) -> None:
        raise RuntimeError("no such luck")


class Paired(nn.Module):
    """Two inputs with rows, one of them seen by a wider kernel, and a number that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.photo = nn.Conv2d(1, 2, 3, padding=1)
        self.depth = nn.Conv2d(1, 2, 5, padding=2)
        steady(self)

    def forward(self, photo: Tensor, depth: Tensor, scale: Tensor) -> Tensor:
        joined: Tensor = torch.cat([self.photo(photo), self.depth(depth)], 1) * scale
        return joined


class Samples(nn.Module):
    """A network of samples along one axis."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 4, stride=2)
        steady(self)

    def forward(self, wave: Tensor) -> Tensor:
        return F.relu(self.conv(wave))


def photo_and_depth(image: Tensor) -> dict[str, Tensor]:
    """The image as it is, its mirror image, and a number."""
    return {"photo": image, "depth": 1 - image.flip(-1), "scale": torch.tensor([2.0])}


def two_rows() -> Tensor:
    return torch.arange(32, dtype=torch.float32).reshape(1, 2, 16) / 16


def of_two(image: Tensor, other: Tensor) -> Tensor:
    return image + other
