"""A small network with a mistake: it was written for images of 32x32, and somebody gives it others.

convtui trace shape_bug.py:Net --input 3x32x32     goes through
convtui trace shape_bug.py:Net --input 3x96x96     says why it does not
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Net(nn.Module):
    """LeNet-5 as it is found in many tutorials, for colour images."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, rows, columns] to [N, classes]."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


class Mended(Net):
    """The same for images of 16x16 and more: an adaptive pooling makes maps of 5x5 of whatever comes."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, rows, columns] to [N, classes]."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.adaptive_avg_pool2d(x, 5).flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
