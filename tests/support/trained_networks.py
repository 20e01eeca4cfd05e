"""Networks of a user's that are trained, and such as cannot be; run by its path."""

import os
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn


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


class Hanging(Net):
    """Does not come back from its fourth step on while there is a file `hang` beside this one."""

    def forward(self, x: Tensor) -> Tensor:
        self.passes = getattr(self, "passes", 0) + self.training
        while self.passes > 4 and Path(__file__).with_name("hang").exists():  # the first is the trial
            pass
        return super().forward(x)
