"""Ten networks with a mistake in their shapes each, as people make them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Flattened(nn.Module):
    """A linear layer written for another image size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5)
        self.fc = nn.Linear(16 * 14 * 14, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        out: Tensor = self.fc(x.flatten(1))
        return out


class Joined(nn.Module):
    """A concat off by one, as the size does not divide by 2 twice."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        one = self.down(x)
        return torch.cat([self.up(F.max_pool2d(one, 2)), one], dim=1)


class Added(nn.Module):
    """A residual whose path takes a stride that its shortcut does not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) + x
        return out


class Channels(nn.Module):
    """A layer for another number of channels than come."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3)
        self.second = nn.Conv2d(64, 32, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.first(x))
        return out


class Groups(nn.Module):
    """Groups that do not divide the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, groups=4)


class Viewed(nn.Module):
    """A view with the numbers of another image size."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2)
        return x.view(x.shape[0], 3 * 16 * 16)


class Squeezed(nn.Module):
    """The batch axis goes with a squeeze of a batch of one."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.conv(x), 1).squeeze()
        out: Tensor = self.norm(x)
        return out


class Shrunk(nn.Module):
    """A kernel larger than what the poolings before it leave."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 7)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = F.max_pool2d(x, 2)
        out: Tensor = self.conv(x)
        return out


class Normed(nn.Module):
    """A batch norm of another width than the convolution before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 24, 3)
        self.norm = nn.BatchNorm2d(32)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class Typed(nn.Module):
    """Double numbers into float weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x.double())
        return out


# what it is, the input, the operation that fails, in the reason, one of the fixes, whether a size helps
BUGS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str, str, str, bool]] = {
    "linear after flatten": (
        Flattened,
        (1, 3, 96, 96),
        "linear",
        "linear expects 3,136 features, gets 33,856 = 16*46*46",
        "in_features=33856",
        True,
    ),
    "concat off by one": (
        Joined,
        (1, 1, 33, 33),
        "cat",
        "axis 2 (rows) must be alike: 32 and 33",
        "pad tensors[0]: F.pad(x, (0, 1, 0, 1))",
        True,
    ),
    "add of unlike shapes": (
        Added,
        (1, 4, 16, 16),
        "add",
        "axis 2 (rows) must be alike, or 1: 8 and 16",
        "stride 2 on the other path: input has been made 2 times smaller",
        True,
    ),
    "channel mismatch": (
        Channels,
        (1, 3, 32, 32),
        "conv2d",
        "conv2d expects 64 channels, gets 32 (axis 1 of 1x32x30x30)",
        "in_channels=32",
        False,
    ),
    "groups": (
        Groups,
        (1, 6, 16, 16),
        "conv2d",
        "conv2d expects 2 for each of 4 groups = 8 channels, gets 6 (axis 1 of 1x6x16x16)",
        "in_channels=6 with groups=2",
        False,
    ),
    "view": (
        Viewed,
        (1, 3, 40, 40),
        "view",
        "1*3*20*20 = 1,200 numbers do not make 1*768 = 768",
        "1200 in place of 768: (1, 1200)",
        True,
    ),
    "batch dimension lost": (
        Squeezed,
        (1, 3, 16, 16),
        "",
        "BatchNorm1d takes [batch, features] or [batch, channels, length], gets 8",
        "x.unsqueeze(0), if the batch was lost; or keep it: x.flatten(1), x.squeeze(-1)",
        False,
    ),
    "kernel larger than the input": (
        Shrunk,
        (1, 3, 32, 32),
        "conv2d",
        "rows: ⌊(4 + 2·0 − 1·(7 − 1) − 1) / 1⌋ + 1 = -2: the kernel spans 7, the padded input 4",
        "padding=2",
        True,
    ),
    "norm of the wrong width": (
        Normed,
        (1, 3, 32, 32),
        "batch_norm",
        "batch_norm has 32 channels, the input 24 (axis 1 of 1x24x30x30)",
        "num_features=24",
        False,
    ),
    "wrong type": (
        Typed,
        (1, 3, 32, 32),
        "conv2d",
        "conv2d needs one type: the input is float64, weights float32",
        "x.to(torch.float32) before it",
        False,
    ),
}
