"""Small models as people write them, to be traced; and one more for each trap."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """A basic block of a ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """ResNet-18 with fewer channels where asked for."""

    def __init__(self, width: int = 64, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        for number in range(1, 5):
            before, after = widths[number - 1], widths[number]
            blocks = Block(before, after, 1 if number == 1 else 2), Block(after, after)
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class UNet(nn.Module):
    """Down twice, up by a transposed convolution and by interpolation, with connections between."""

    def __init__(self, kernel: int = 3, mode: str = "bilinear") -> None:
        super().__init__()
        self.mode = mode
        self.down1 = nn.Conv2d(1, 2, 3, padding=1)
        self.down2 = nn.Conv2d(2, 3, 3, padding=1)
        self.middle = nn.Conv2d(3, 3, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(
            3, 2, kernel, stride=2, padding=(kernel - 2) // 2, output_padding=kernel % 2
        )
        self.join2 = nn.Conv2d(5, 2, 3, padding=1)
        self.join1 = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        one = F.relu(self.down1(x))
        two = F.relu(self.down2(F.avg_pool2d(one, 2)))
        three = F.relu(self.middle(F.avg_pool2d(two, 2)))
        two = self.join2(torch.cat([self.up2(three)[..., : two.shape[-2], : two.shape[-1]], two], dim=1))
        again = F.interpolate(two, size=one.shape[-2:], mode=self.mode)
        return self.join1(torch.cat((again, one), 1))


class Dilated(nn.Module):
    """Holes in the field: dilation, strides beyond the kernel, and a branch that is not aligned."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, dilation=3, padding=2)
        self.second = nn.Conv2d(2, 2, 2, stride=3)
        self.beside = nn.Conv2d(2, 2, 2, stride=3, dilation=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        one, other = self.second(x), self.beside(x)
        rows, columns = min(one.shape[-2], other.shape[-2]), min(one.shape[-1], other.shape[-1])
        return one[..., :rows, :columns] + other[..., :rows, :columns]


class Shuffled(nn.Module):
    """Grouped convolutions with their channels shuffled, a view taken apart and put together."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1, groups=3)
        self.third = nn.Conv2d(6, 6, 3, padding=1, groups=2, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x))
        n, c, h, w = x.shape
        x = x.view(n, 3, c // 3, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        left, right = self.third(x).chunk(2, dim=1)
        return torch.stack([left, right.flip(1)[:, :1].expand_as(left)], 2).flatten(1, 2)
