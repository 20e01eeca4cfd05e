"""More shape bugs, each with the network that the told fix makes of it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Bug(NamedTuple):
    """What makes it, without and with the fix; the input; the reason, the fix and whether a size may help."""

    make: Callable[[bool], nn.Module]
    shape: tuple[int, ...]
    why: str
    fix: str
    size_helps: bool = True


class Chain(nn.Module):
    """Layers and functions, one after another; a function may take the input of the network, too."""

    def __init__(self, *parts: nn.Module | Callable[..., Tensor]) -> None:
        super().__init__()
        self.parts = parts
        self.layers = nn.ModuleList(part for part in parts if isinstance(part, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


class Beside(nn.Module):
    """Two paths from one tensor, and what they come to."""

    def __init__(
        self,
        one: Callable[[Tensor], Tensor],
        other: Callable[[Tensor], Tensor],
        join: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.one, self.other, self.join = one, other, join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.one(x), self.other(x))


class Positions(nn.Module):
    """A position for each patch, made for another number of them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, stride=8)
        self.positions = nn.Parameter(torch.zeros(1, count, 32))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.patch(x).flatten(2).transpose(1, 2) + self.positions
        return out


class Attending(nn.Module):
    """Attention over another number of features than the patches have."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, stride=8)
        self.attention = nn.MultiheadAttention(features, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        out: Tensor = self.attention(x, x, x, need_weights=False)[0]
        return out


def same(x: Tensor) -> Tensor:
    return x


def flat(first: int) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten(first)


def joined(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat([one, other], dim=1)


def unskipped(up: Callable[[Tensor, tuple[int, ...]], Tensor]) -> nn.Module:
    return Beside(same, lambda x: up(F.max_pool2d(x, 2), (*x.shape[2:],)), torch.add)


BUGS: dict[str, Bug] = {
    "linear on maps": Bug(
        lambda fixed: Chain(
            nn.Conv2d(3, 8, 3, padding=1),
            *((flat(1), nn.Linear(8192, 10)) if fixed else (nn.Linear(2048, 10),)),
        ),
        (2, 3, 32, 32),
        "it is over the last axis, the columns of 2x8x32x32",
        "x.flatten(1) before it, and in_features=8192",
    ),
    "linear on maps, pooled": Bug(
        lambda fixed: Chain(
            nn.Conv2d(3, 8, 3, padding=1),
            *((nn.AdaptiveAvgPool2d(16), flat(1)) if fixed else ()),
            nn.Linear(2048, 10),
        ),
        (2, 3, 32, 32),
        "linear expects 2,048 features, gets 32",
        "adaptive pooling to 16x16, then x.flatten(1): 8*16*16 = 2,048",
    ),
    "linear over channels": Bug(
        lambda fixed: Chain(
            nn.Conv2d(3, 8, 3), *((lambda x: x.movedim(1, -1),) if fixed else ()), nn.Linear(8, 10)
        ),
        (2, 3, 32, 32),
        "linear expects 8 features, gets 30",
        "axis 1 has 8: put it last with x.movedim(1, -1)",
    ),
    "batch lost by an index": Bug(
        lambda fixed: Chain(
            lambda x: x[0],
            nn.Conv2d(3, 8, 3),
            *((lambda x: x.unsqueeze(0),) if fixed else ()),
            flat(1),
            nn.Linear(7200, 10),
        ),
        (2, 3, 32, 32),
        "linear expects 7,200 features, gets 900 = 30*30",
        "the batch was lost, 8x30x30 has none: x.unsqueeze(0) before the flatten",
    ),
    "flat norm on maps": Bug(
        lambda fixed: Chain(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8) if fixed else nn.BatchNorm1d(8)),
        (2, 3, 16, 16),
        "BatchNorm1d takes [batch, features] or [batch, channels, length], gets 2x8x14x14",
        "BatchNorm2d, for 4 axes",
        False,
    ),
    "axis of channels lost": Bug(
        lambda fixed: Chain(
            lambda x: x[:, 0], *((lambda x: x.unsqueeze(1),) if fixed else ()), nn.Conv2d(1, 8, 3)
        ),
        (2, 1, 28, 28),
        "conv2d expects 1 channel, gets 2 (axis 0 of 2x28x28)",
        "x.unsqueeze(1), if the axis of the channels was lost: 2x1x28x28",
        False,
    ),
    "channels last": Bug(
        lambda fixed: Chain(
            lambda x: x.permute(0, 2, 3, 1),
            *((lambda x: x.permute(0, 3, 1, 2),) if fixed else ()),
            nn.Conv2d(3, 8, 3),
        ),
        (2, 3, 20, 24),
        "conv2d expects 3 channels, gets 20 (axis 1 of 2x20x24x3)",
        "the last axis has 3: put the channels first with x.permute(0, 3, 1, 2)",
        False,
    ),
    "flattened channels": Bug(
        lambda fixed: Chain(flat(2 if fixed else 1), nn.Conv1d(16, 8, 3)),
        (2, 16, 8, 8),
        "conv1d expects 16 channels, gets 2 (axis 0 of 2x1024)",
        "x.flatten(2) in operation 1: 2x16x64",
        False,
    ),
    "depthwise": Bug(
        lambda fixed: Chain(
            nn.Conv2d(3, 12, 3),
            nn.Conv2d(12, 24, 3, groups=12) if fixed else nn.Conv2d(16, 32, 3, groups=16),
        ),
        (2, 3, 16, 16),
        "conv2d expects 1 for each of 16 groups = 16 channels, gets 12 (axis 1 of 2x12x14x14)",
        "in_channels=12, out_channels=24 and groups=12",
        False,
    ),
    "output padding too large": Bug(
        lambda fixed: nn.ConvTranspose2d(3, 8, 3, 2, padding=1, output_padding=1 if fixed else 2),
        (2, 3, 8, 8),
        "output_padding 2 must be smaller than the stride 2",
        "output_padding=1",
        False,
    ),
    "nothing left of a transposed convolution": Bug(
        lambda fixed: nn.ConvTranspose2d(3, 8, 3, padding=1 if fixed else 3),
        (2, 3, 2, 2),
        "rows: (2 − 1)·1 − 2·3 + 1·(3 − 1) + 1 + 0 = -2: no cell is left",
        "padding=1",
    ),
    "transposed without output padding": Bug(
        lambda fixed: Beside(
            Chain(
                nn.Conv2d(3, 8, 3, 2, padding=1),
                nn.ConvTranspose2d(8, 8, 3, 2, padding=1, output_padding=int(fixed)),
                F.relu,
            ),
            same,
            joined,
        ),
        (2, 3, 32, 32),
        "axis 2 (rows) must be alike: 31 and 32",
        "output_padding=1 in operation 2: one.layers.1",
    ),
    "skip after an odd pooling": Bug(
        lambda fixed: unskipped(
            lambda x, size: F.interpolate(x, size=size) if fixed else F.interpolate(x, scale_factor=2)
        ),
        (2, 3, 33, 33),
        "axis 2 (rows) must be alike, or 1: 33 and 32",
        "size=input.shape[2:] in operation 2",
    ),
    "two kernels": Bug(
        lambda fixed: Beside(
            nn.Conv2d(3, 8, 3),
            Chain(nn.Conv2d(3, 8, 5), *((lambda x: F.pad(x, (1, 1, 1, 1)),) if fixed else ())),
            joined,
        ),
        (2, 3, 32, 32),
        "axis 2 (rows) must be alike: 30 and 28",
        "pad tensors[1]: F.pad(x, (1, 1, 1, 1))",
    ),
    "shortcut of another width": Bug(
        lambda fixed: Beside(
            nn.Conv2d(16, 32, 3, 2, padding=1), nn.Conv2d(16, 32, 1, 2) if fixed else same, torch.add
        ),
        (2, 16, 31, 31),
        "axis 1 (channels) must be alike, or 1: 32 and 16",
        "a 1x1 convolution on other, from 16 to 32 channels, with stride 2",
        False,
    ),
    "weights of channels without their axes": Bug(
        lambda fixed: Beside(
            same,
            Chain(lambda x: x.mean(dim=(2, 3)), *((lambda x: x[:, :, None, None],) if fixed else ())),
            torch.mul,
        ),
        (2, 8, 14, 14),
        "axes are matched from the last one on, and these have 4 and 2",
        "other[:, :, None, None]: 2x8x1x1",
    ),
    "positions": Bug(
        lambda fixed: Positions(64 if fixed else 16),
        (2, 3, 64, 64),
        "axis 1 (of 3) must be alike, or 1: 64 and 16",
        "parameter positions of shape 1x64x32",
    ),
    "attention": Bug(
        lambda fixed: Attending(32 if fixed else 64),
        (2, 3, 64, 64),
        "attention is over 64 features (embed_dim), gets 32",
        "embed_dim=32, which num_heads must divide",
        False,
    ),
    "steps last": Bug(
        lambda fixed: Chain(
            nn.Conv2d(1, 16, 3),
            flat(2),
            *((lambda x: x.transpose(1, -1),) if fixed else ()),
            nn.LSTM(16, 32, batch_first=True),
        ),
        (2, 1, 28, 28),
        "LSTM expects 16 features in the last axis (input_size), gets 676",
        "axis 1 has 16: put it last with x.transpose(1, -1)",
    ),
    "maps into a recurrent layer": Bug(
        lambda fixed: Chain(
            nn.Conv2d(1, 16, 3),
            *((lambda x: x.flatten(2).permute(2, 0, 1),) if fixed else ()),
            nn.GRU(16, 32),
        ),
        (2, 1, 28, 28),
        "GRU takes [steps, batch, features], gets 2x16x26x26",
        "x.flatten(2).permute(2, 0, 1): a step for each pixel",
        False,
    ),
    "pixel shuffle": Bug(
        lambda fixed: Chain(nn.Conv2d(3, 12 if fixed else 10, 3), nn.PixelShuffle(2)),
        (2, 3, 16, 16),
        "10 channels do not divide by 2*2 = 4",
        "8 or 12 channels from what comes before it",
        False,
    ),
    "reflection": Bug(
        lambda fixed: Chain(
            nn.MaxPool2d(8),
            nn.Conv2d(3, 8, 5 if fixed else 7, padding=2 if fixed else 3, padding_mode="reflect"),
        ),
        (2, 3, 24, 24),
        "rows: reflect padding of 3 must be smaller than the size, 3",
        "padding of at most 2",
    ),
    "unflatten": Bug(
        lambda fixed: Chain(flat(1), nn.Linear(48, 128 if fixed else 100), nn.Unflatten(1, (8, 4, 4))),
        (2, 3, 4, 4),
        "8*4*4 = 128, and axis 1 has 100",
        "128 features from what comes before it",
    ),
    "dilated pooling": Bug(
        lambda fixed: nn.MaxPool2d(1 if fixed else 3, stride=1, dilation=2),
        (2, 3, 2, 2),
        "rows: ⌊(2 + 2·0 − 2·(3 − 1) − 1) / 1⌋ + 1 = -2: the kernel spans 5, the padded input 2",
        "kernel_size=1",
    ),
}
