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
        done: Tensor = self.relu(out)
        return done


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
        scores: Tensor = self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
        return scores


class Bottleneck(nn.Module):
    """A block of ResNet-50."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        done: Tensor = self.relu(out)
        return done


class ResNet50(nn.Module):
    """ResNet-50."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        self.stem = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1))
        blocks, inputs = [], 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for number in range(count):
                blocks.append(Bottleneck(inputs, width, 1 if number else stride))
                inputs = 4 * width
        self.layers = nn.Sequential(*blocks)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.fc(F.adaptive_avg_pool2d(self.layers(self.stem(x)), 1).flatten(1))
        return scores


class LeNet(nn.Module):
    """LeNet-5 on a colour image of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.adaptive_max_pool2d(torch.relu(self.conv2(x)), 5).flatten(1)
        scores: Tensor = self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))
        return scores


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
        joined: Tensor = self.join1(torch.cat((again, one), 1))
        return joined


class Dense(nn.Module):
    """A block of a DenseNet: each convolution reads all maps before it."""

    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 + 4 * at, 4, 3, padding=1) for at in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for conv in self.convs:
            maps.append(F.relu(conv(torch.cat(maps, 1))))
        return torch.cat(maps, 1)


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
        out: Tensor = one[..., :rows, :columns] + other[..., :rows, :columns]
        return out


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


class Written(nn.Module):
    """b[:, 0] = y: the value has to be followed into b."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, 3, padding=1)
        self.last = nn.Conv2d(2, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.zeros(x.shape[0], 2, *x.shape[2:], dtype=x.dtype)
        both[:, 0] = self.first(x)[:, 0]
        both[:, 1:, ::2] = x[:, :, ::2] * 2
        out: Tensor = self.last(both)
        return out


class Reused(nn.Module):
    """One module called twice, a functional convolution with a parameter of its own, a branch on data."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.kernel = nn.Parameter(torch.ones(2, 2, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(torch.relu_(self.conv(x)))
        if x.mean().item() > -1e9:
            x = F.conv2d(x, self.kernel)
        return x - 1


class Listed(nn.Module):
    """A ModuleList, and a plain list of modules, which has no path."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)])
        self.plain = [nn.Conv2d(1, 1, 1)]

    def forward(self, x: Tensor) -> Tensor:
        for block in [*self.blocks, *self.plain]:
            x = block(x)
        return x


class Named(nn.Module):
    """Inputs by name, outputs in a dict with a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.words = nn.Embedding(10, 2)

    def forward(self, image: Tensor, *, words: Tensor) -> dict[str, object]:
        maps = self.conv(image) + self.words(words).mean(1)[:, :, None, None]
        return {"maps": maps, "both": (maps.mean((2, 3)), [maps.amax(1)])}


class Attending(nn.Module):
    """Attention and an LSTM: one row each."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.lstm = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)
        x = x + self.attention(x, x, x)[0]
        out: Tensor = self.lstm(x)[0]
        return out


class Halved(nn.Module):
    """In-place operations on a part of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x[:, :2].relu_()
        x += 1
        return x


class Own(torch.autograd.Function):
    """An operation of theirs, which only autograd knows."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        del ctx
        return torch.from_numpy(x.detach().numpy() * 2)


class Hidden(nn.Module):
    """What cannot be followed, and what can after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)
        self.mean = torch.tensor([0.5])

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x - self.mean)
        out: Tensor = self.last(torch.from_numpy(x.numpy().copy()))
        return out
