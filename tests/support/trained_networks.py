"""Networks of a user's that are trained, and such as cannot be; run by its path."""

import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.parametrizations import spectral_norm


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


class Turnless(Net):
    """It does not let itself be put into evaluation mode."""

    def train(self, mode: bool = True) -> Any:
        if not mode:
            raise ValueError("no")
        return super().train(mode)


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


class Hanging(Net):
    """Hangs in its fourth step while there is a file `hang` beside this one, and says so in it."""

    def forward(self, x: Tensor) -> Tensor:
        self.passes = getattr(self, "passes", 0) + self.training
        there = Path(__file__).with_name("hang")
        while self.passes > 4 and there.exists():  # the first is the trial
            there.write_text("hangs")
        return super().forward(x)


class Printing(Net):
    """Colours what it prints and what it raises, at its second step."""

    passes = 0

    def forward(self, x: Tensor) -> Tensor:
        Printing.passes += 1
        print(f"\x1b[31mpass\x1b[0m {Printing.passes}")
        if Printing.passes == 4:  # two are trials
            raise RuntimeError("\x1b[31mred\x1b[0m\nand more")
        return super().forward(x)


class Layers(nn.Module):
    """Layers of all kinds of weights, for digits-8x8; one is called in the first two passes alone."""

    def __init__(self) -> None:
        super().__init__()
        self.volume = nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1))
        self.line = nn.Conv1d(4, 6, 3, padding=1)
        self.up = nn.ConvTranspose2d(1, 2, 2, stride=2)
        self.act = nn.PReLU()
        self.gru = nn.GRU(6, 7, batch_first=True)
        self.norm = nn.LayerNorm(7)
        self.attention = nn.MultiheadAttention(7, 1, batch_first=True)
        self.embedding = nn.Embedding(3, 7)
        self.pair = nn.Bilinear(7, 7, 7)
        self.skipped = nn.Linear(7, 7)
        self.normed = spectral_norm(nn.Linear(7, 10))
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += self.training
        y = self.line(self.volume(x[:, :, None])[:, :, 0].flatten(2))
        up = self.up(x).mean((1, 2, 3))
        y = self.norm(self.gru(self.act(y).transpose(1, 2))[0])
        y = self.attention(y, y, y)[0].mean(1) + self.embedding(torch.zeros(len(x), dtype=torch.long))
        y = self.pair(y, y)
        if self.passes < 3:
            y = self.skipped(y)
        scores: Tensor = self.normed(y) * self.scale + up[:, None]
        return scores


class Mixed(nn.Module):
    """For digits-8x8, with layers of one, two and three dimensions, some of them learned upwards."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.line = nn.Conv1d(4, 8, 5, stride=4)
        self.gru = nn.GRU(8, 12, batch_first=True)
        self.fc = nn.Linear(12 * 63, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.up(F.relu(self.norm(self.conv(x)))))
        x = F.relu(self.line(x.flatten(2))).transpose(1, 2)
        scores: Tensor = self.fc(self.gru(x)[0].flatten(1))
        return scores


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


class Counting(Net):
    """Assigns its buffer anew in each pass."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: Tensor
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.passes = self.passes + 1
        return super().forward(x)
