"""Networks of a user's whose filters are measured, with what makes that hard; for digits-8x8, run by path."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class Plain(nn.Module):
    """ReLUs in place, as a function after a pooling, and before a norm; the last convolution has none."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 8, 3, padding=1),
        )
        self.last = nn.Conv2d(8, 10, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.body(x), 2))
        scores: Tensor = self.last(x).mean((2, 3))
        return scores


class Residual(nn.Module):
    """Branches that are added in place, also into what was there before; a dropout that is always on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.one = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.two = weight_norm(nn.Conv2d(6, 6, 1))
        self.norm = nn.BatchNorm2d(6)
        self.three = nn.Conv2d(6, 6, 3, padding=1)
        self.own = nn.Parameter(torch.randn(5, 6, 3, 3) / 5)
        self.fc = nn.Linear(5, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu_()
        skip = x + 0.5
        y = F.silu(self.one(x))
        y = self.norm(self.two(y))
        y += x
        z = torch.relu(self.three(y))
        skip += z  # what was computed before `three` is written into after it
        x = F.dropout(F.relu(F.conv2d(skip + y, self.own, stride=2)), 0.1)
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores


class Drawing(nn.Module):
    """It draws by PyTorch, Python and NumPy, before its activation and after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.last = nn.Conv2d(4, 10, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(F.dropout(x, 0.1) * (1 + random.random()) * (1 + np.random.rand())))
        x = F.dropout(x) * (1 + random.random()) * (1 + np.random.rand())
        scores: Tensor = self.last(x).mean((2, 3))
        return scores


class Odd(nn.Module):
    """A convolution that has pictures, and others: used twice, along one axis, transposed, not run."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.row = nn.Conv1d(2, 4, 3)
        self.unused = nn.Conv2d(1, 1, 1)
        self.made = nn.Linear(4, 4 * 4)
        self.fc = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(self.first(x))
        x = self.twice(self.twice(x))
        weight = self.made(x.mean((0, 2, 3))).reshape(4, 4, 1, 1)
        x = self.up(F.conv2d(x, weight))
        scores: Tensor = self.fc(self.row(x.flatten(2)).mean(2))
        return scores


class Fickle(Plain):
    """Goes another way for dark images."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and x.mean() > 10:
            return x.new_zeros(len(x), 10)
        return super().forward(x)
