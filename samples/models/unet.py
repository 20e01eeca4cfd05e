"""A small U-Net: what the left side saw is joined to what the right side makes of it.

convtui trace unet.py:Net --input 3x64x64     goes through
convtui trace unet.py:Net --input 3x62x62     says why it does not
"""

import torch
from torch import Tensor, nn


def block(inputs: int, outputs: int) -> nn.Sequential:
    """A convolution that keeps the size, with a batch norm."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Net(nn.Module):
    """A mark for each pixel: [N, 3, rows, columns] to [N, 1, rows, columns]."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.left1, self.left2 = block(3, width), block(width, 2 * width)
        self.bottom = block(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.right2 = block(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.right1 = block(2 * width, width)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.left1(x)
        coarse = self.left2(self.pool(fine))
        x = self.bottom(self.pool(coarse))
        x = self.right2(torch.cat([self.up2(x), coarse], dim=1))
        x = self.right1(torch.cat([self.up1(x), fine], dim=1))
        return self.head(x)
