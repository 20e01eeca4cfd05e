"""A network with a mistake that no image mends: two branches are joined, and their channels add up.

convtui trace channel_bug.py:Net --input 3x64x64     says why it fails
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Net(nn.Module):
    """Two branches over the same image, joined, and a score for each class."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, 16, 3, padding=1)
        self.far = nn.Conv2d(3, 16, 3, padding=3, dilation=3)
        self.mix = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.head = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, rows, columns] to [N, classes]."""
        x = torch.cat([F.relu(self.near(x)), F.relu(self.far(x))], dim=1)
        x = F.relu(self.mix(x))
        return self.head(x.mean(dim=(2, 3)))
