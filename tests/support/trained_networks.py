"""Networks of a user's that are trained, and such as cannot be; run by its path."""

import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Net(nn.Module):
    """For digits-8x8; with an unused and a frozen layer, a dropout, a `view`, and in-place operations."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(4)
        self.unused = nn.Linear(3, 3)
        self.frozen = nn.Linear(64, 64).requires_grad_(False)
        self.fc = nn.Linear(64, classes)
        print("made")

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.norm(self.relu(self.conv(x))), 2)
        scores: Tensor = self.fc(F.dropout(self.frozen(x.view(len(x), 64)), 0.1, self.training))
        return scores


class Forking(Net):
    """What it forks off goes on with whatever called it."""

    def __init__(self) -> None:
        super().__init__()
        if hasattr(os, "fork"):
            os.fork()


class Pair(Net):
    def forward(self, x: Tensor) -> tuple[Tensor, int]:  # type: ignore[override]
        return super().forward(x), 1


class Probabilities(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(1)


class Colour(Net):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)


class Exits(Net):
    def forward(self, x: Tensor) -> Tensor:
        raise SystemExit(x.dim() - 1)


class Twice(torch.autograd.Function):
    """An operation of theirs whose gradient has none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return 2 * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return 2 * gradient


class Doubled(Net):
    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = Twice.apply(super().forward(x))  # type: ignore[no-untyped-call]
        return scores


class Attending(nn.Module):
    """With attention, noise of its own also in evaluation mode, and a buffer that every pass changes."""

    passes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.fc = nn.Linear(64, 10)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        rows = x.squeeze(1) + 0.1 * torch.randn_like(x.squeeze(1)) * self.passes
        scores: Tensor = self.fc(self.attention(rows, rows, rows)[0].flatten(1))
        return scores


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.norm(self.conv(x)), inplace=True)


class Normed(nn.Module):
    """With batch norms of several kinds; one stays in evaluation mode, one is not called."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.BatchNorm1d(64)
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4, eps=1e-3, momentum=0.2))
        self.block = Block()
        self.unused = nn.BatchNorm2d(4)
        self.fixed = nn.BatchNorm1d(64)
        self.fc = nn.Linear(64, 10)

    def train(self, mode: bool = True) -> "Normed":
        super().train(mode)
        self.fixed.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.block(F.relu(self.stem(x), inplace=True)), 2)
        scores: Tensor = self.fc(self.fixed(self.last(x.flatten(1))))
        return scores


class Plain(Net):
    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.fc(F.max_pool2d(self.relu(self.conv(x)), 2).flatten(1))
        return scores
