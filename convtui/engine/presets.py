"""Known networks by name, as stacks of layers over the images that they were made for.

AlexNet and VGG are without dropout, which has no parameters and changes nothing in evaluation.
Over images of other sizes the classifiers have the same parameters, as in torchvision: adaptive pooling
brings the last maps to one size.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from convtui.engine.layer_text import LARGEST_FILE, load_layers, parse_layers
from convtui.engine.layers import Layer, LayerError
from convtui.engine.printed_model import is_printed, read_printed
from convtui.engine.readable import readable
from convtui.engine.stack import summarize


@dataclass(frozen=True)
class Preset:
    """A named network: a sentence on it, its image's [channels, rows, columns], its text and its source."""

    name: str
    sentence: str
    input_shape: tuple[int, int, int]
    text: str
    source: str

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The network's layers."""
        return parse_layers(self.text)


_CHAPTER = "https://github.com/fastai/fastbook/blob/master/13_convolutions.ipynb"
_RESNET = "https://arxiv.org/abs/1512.03385"
_DIGIT = (1, 28, 28)
_PHOTOGRAPH = (3, 224, 224)
_CLASSIFIER = "flatten, linear 4096, relu, linear 4096, relu, linear 1000"


def _halving(*channels: int, first_kernel: int = 3) -> str:
    kernels = [first_kernel] + [3] * (len(channels) - 1)
    return ", relu, ".join(
        f"conv {k}x{k} {filters} s2 p{k // 2}" for k, filters in zip(kernels, channels, strict=True)
    )


def _vgg(*stages: tuple[int, int]) -> str:
    return ", ".join(f"conv 3x3 {filters} p1, relu, " * convs + "maxpool 2" for filters, convs in stages)


def _conv(kernel: int, filters: int, stride: int = 1) -> str:
    return f"conv {kernel}x{kernel} {filters} s{stride} p{kernel // 2} nobias, bn"


def _block(convs: list[str], shortcut: str) -> str:
    return f"residual({', relu, '.join(convs)} | {shortcut}), relu"


def _resnet18() -> str:
    blocks = []
    for filters in (64, 128, 256, 512):
        for stride in (1 if filters == 64 else 2, 1):
            shortcut = _conv(1, filters, stride) if stride == 2 else ""
            blocks.append(_block([_conv(3, filters, stride), _conv(3, filters)], shortcut))
    return _resnet(blocks)


def _resnet50(is_stride_in_3x3: bool) -> str:
    blocks = []
    for filters, repeats in (64, 3), (128, 4), (256, 6), (512, 3):
        for i in range(repeats):
            stride = 2 if i == 0 and filters > 64 else 1
            first, second = (1, stride) if is_stride_in_3x3 else (stride, 1)
            convs = [_conv(1, filters, first), _conv(3, filters, second), _conv(1, 4 * filters)]
            blocks.append(_block(convs, "" if i else _conv(1, 4 * filters, stride)))
    return _resnet(blocks)


def _resnet(blocks: list[str]) -> str:
    return f"{_conv(7, 64, 2)}, relu, maxpool 3 s2 p1, {', '.join(blocks)}, gap, flatten, linear 1000"


def _mobilenet_v2() -> str:
    """Inverted residuals: wide and depthwise inside, narrow outside."""
    layers, channels = [f"{_conv(3, 32, 2)}, relu6"], 32
    stages = (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)
    for widening, filters, repeats, first_stride in (*stages, (6, 320, 1, 1)):
        for i in range(repeats):
            stride = 1 if i else first_stride
            wide = [f"pointwise {widening * channels} nobias, bn, relu6"] if widening > 1 else []
            depthwise = f"depthwise 3x3 s{stride} p1 nobias, bn, relu6"
            block = ", ".join([*wide, depthwise, f"pointwise {filters} nobias, bn"])
            layers.append(f"residual({block})" if i else block)
            channels = filters
    last = "pointwise 1280 nobias, bn, relu6, gap, flatten, dropout 0.2, linear 1000"
    return ", ".join([*layers, last])


def _densenet_121() -> str:
    """Every layer of a block reads the maps of all before it."""
    layers, channels = [f"{_conv(7, 64, 2)}, relu, maxpool 3 s2 p1"], 64
    for repeats in 6, 12, 24, 16:
        if channels > 64:
            channels //= 2
            layers.append(f"bn, relu, pointwise {channels} nobias, avgpool 2")
        layers += [f"concat( | bn, relu, {_conv(1, 128)}, relu, conv 3x3 32 p1 nobias)"] * repeats
        channels += 32 * repeats
    return ", ".join([*layers, "bn, relu, gap, flatten, linear 1000"])


def _inception_v3() -> str:
    """Factorised convolutions on parallel paths."""

    def conv(kernel: str, filters: int, *words: str) -> str:
        return ", ".join([" ".join(["conv", kernel, str(filters), *words, "nobias"]), "bn eps=0.001, relu"])

    def tall(filters: int, size: int = 7) -> str:
        return conv(f"{size}x1", filters, f"p{size // 2}x0")

    def wide(filters: int, size: int = 7) -> str:
        return conv(f"1x{size}", filters, f"p0x{size // 2}")

    def concat(*paths: tuple[str, ...]) -> str:
        return f"concat({' | '.join(', '.join(path) for path in paths)})"

    def pooled(filters: int) -> tuple[str, ...]:
        return "avgpool 3 s1 p1", conv("1x1", filters)

    stem = [conv("3x3", 32, "s2"), conv("3x3", 32), conv("3x3", 64, "p1"), "maxpool 3 s2"]
    stem += [conv("1x1", 80), conv("3x3", 192), "maxpool 3 s2"]
    twice = conv("1x1", 64), conv("3x3", 96, "p1")
    five = conv("1x1", 48), conv("5x5", 64, "p2")
    coarse = [
        concat((conv("1x1", 64),), five, (*twice, conv("3x3", 96, "p1")), pooled(filters))
        for filters in (32, 64, 64)
    ]
    coarse.append(concat((conv("3x3", 384, "s2"),), (*twice, conv("3x3", 96, "s2")), ("maxpool 3 s2",)))
    middle = [
        concat(
            (conv("1x1", 192),),
            (conv("1x1", filters), wide(filters), tall(192)),
            (conv("1x1", filters), tall(filters), wide(filters), tall(filters), wide(192)),
            pooled(192),
        )
        for filters in (128, 160, 160, 192)
    ]
    seven = conv("1x1", 192), wide(192), tall(192), conv("3x3", 192, "s2")
    middle.append(concat((conv("1x1", 192), conv("3x3", 320, "s2")), seven, ("maxpool 3 s2",)))
    fork = concat((wide(384, 3),), (tall(384, 3),))
    fine = concat(
        (conv("1x1", 320),),
        (conv("1x1", 384), fork),
        (conv("1x1", 448), conv("3x3", 384, "p1"), fork),
        pooled(192),
    )
    return ", ".join([*stem, *coarse, *middle, fine, fine, "gap, dropout, flatten, linear 1000"])


def _u_net(filters: int = 64, depth: int = 4) -> str:
    """Two convolutions, and around the coarser levels a path that keeps the fine maps."""
    convs = ", ".join([f"conv 3x3 {filters} p1, relu"] * 2)
    if not depth:
        return convs
    coarser = f"maxpool 2, {_u_net(2 * filters, depth - 1)}, convtranspose 2x2 {filters} s2"
    return f"{convs}, concat( | {coarser}), {convs}"


_PRESETS = (
    Preset(
        "two-layers",
        "Two 3x3 convolutions with stride 2: each activation of the second sees 7x7 pixels.",
        _DIGIT,
        _halving(4, 8),
        _CHAPTER,
    ),
    Preset(
        "simple-cnn",
        "The lecture's first network: five convolutions shrink a digit to one cell, to tell 3 from 7.",
        _DIGIT,
        f"{_halving(4, 8, 16, 32, 2)}, flatten",
        _CHAPTER,
    ),
    Preset(
        "simple-cnn-10",
        "The lecture's first network with ten outputs, one for each digit.",
        _DIGIT,
        f"{_halving(4, 8, 16, 32, 10)}, flatten",
        _CHAPTER,
    ),
    Preset(
        "simple-cnn-wide",
        "The lecture's network for all ten digits: a 5x5 convolution first, and twice the filters.",
        _DIGIT,
        f"{_halving(8, 16, 32, 64, 10, first_kernel=5)}, flatten",
        _CHAPTER,
    ),
    Preset(
        "lenet-5",
        "LeNet-5 (1998) as it is built today: ReLU, average pooling, every filter reads all maps.",
        _DIGIT,
        "conv 5x5 6 p2, relu, avgpool 2, conv 5x5 16, relu, avgpool 2, conv 5x5 120, relu, "
        "flatten, linear 84, relu, linear 10",
        "LeCun et al. 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf",
    ),
    Preset(
        "alexnet",
        "The 2014 version of AlexNet, as in torchvision: five convolutions and three linear layers.",
        _PHOTOGRAPH,
        "conv 11x11 64 s4 p2, relu, maxpool 3 s2, conv 5x5 192 p2, relu, maxpool 3 s2, "
        "conv 3x3 384 p1, relu, conv 3x3 256 p1, relu, conv 3x3 256 p1, relu, maxpool 3 s2, "
        f"adaptiveavgpool 6, {_CLASSIFIER}",
        "https://arxiv.org/abs/1404.5997",
    ),
    Preset(
        "vgg-16",
        "Thirteen 3x3 convolutions in five stages, each half the size of the previous one.",
        _PHOTOGRAPH,
        f"{_vgg((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))}, adaptiveavgpool 7, {_CLASSIFIER}",
        "https://arxiv.org/abs/1409.1556",
    ),
    Preset(
        "resnet-18",
        "Eight residual blocks of two 3x3 convolutions: each block adds its input to its output.",
        _PHOTOGRAPH,
        _resnet18(),
        _RESNET,
    ),
    Preset(
        "resnet-50",
        "Sixteen bottlenecks of 1x1, 3x3 and 1x1 convolutions; as in the paper, the first 1x1 has the "
        "stride.",
        _PHOTOGRAPH,
        _resnet50(is_stride_in_3x3=False),
        _RESNET,
    ),
    Preset(
        "resnet-50-v1.5",
        "ResNet-50 as in torchvision: the 3x3 convolution of a bottleneck has the stride, not the 1x1.",
        _PHOTOGRAPH,
        _resnet50(is_stride_in_3x3=True),
        "https://docs.pytorch.org/vision/stable/models/resnet.html",
    ),
    Preset(
        "mobilenet-v2",
        "MobileNet-V2 as in torchvision: depthwise convolutions between pointwise ones.",
        _PHOTOGRAPH,
        _mobilenet_v2(),
        "https://arxiv.org/abs/1801.04381",
    ),
    Preset(
        "densenet-121",
        "DenseNet-121 as in torchvision: each layer of a block reads the maps of all layers before it.",
        _PHOTOGRAPH,
        _densenet_121(),
        "https://arxiv.org/abs/1608.06993",
    ),
    Preset(
        "inception-v3",
        "Inception-v3 as in torchvision, without the auxiliary classifier that only training has.",
        (3, 299, 299),
        _inception_v3(),
        "https://arxiv.org/abs/1512.00567",
    ),
    Preset(
        "u-net",
        "U-Net with padded convolutions: it says for each pixel which of two classes it belongs to.",
        (1, 224, 224),
        f"{_u_net()}, conv 1x1 2",
        "https://arxiv.org/abs/1505.04597",
    ),
    Preset(
        "dcgan-generator",
        "The generator of a DCGAN: transposed convolutions make a 64x64 image of a hundred numbers.",
        (100, 1, 1),
        "convtranspose 4x4 512 nobias, bn, relu, "
        + ", ".join(f"convtranspose 4x4 {filters} s2 p1 nobias, bn, relu" for filters in (256, 128, 64))
        + ", convtranspose 4x4 3 s2 p1 nobias, tanh",
        "https://arxiv.org/abs/1511.06434",
    ),
    Preset(
        "autoencoder",
        "A small autoencoder: two convolutions shrink a digit to 4x7x7, two transposed ones restore it.",
        _DIGIT,
        "conv 3x3 16 s2 p1, relu, conv 3x3 4 s2 p1, relu, "
        "convtranspose 2x2 16 s2, relu, convtranspose 2x2 1 s2, sigmoid",
        "Masci et al. 2011, https://people.idsia.ch/~ciresan/data/icann2011.pdf",
    ),
)

NAMES: tuple[str, ...] = tuple(preset.name for preset in _PRESETS)

_FAMILIES = (
    "convnext|dcgan|densenet|efficientnet|googlenet|inception(v|resnet)|maxvit|mnasnet|mobilenet|regnet|resnext|"
    "resnet|shufflenet|squeezenet|swin|unet|vgg|vit|wideresnet|xception|yolo"
)


def preset(name: str) -> Preset:
    """The network of that name, also written ResNet50 or resnet_50. Raises ValueError for an unknown name."""
    found = find_preset(name)
    if not found:
        raise ValueError(_unknown(name) or f"unknown network {name!r}; choose from {', '.join(NAMES)}")
    return found


def choose_layers(choice: str, shape: Sequence[int] | None = None) -> tuple[Layer, ...]:
    """The layers that a preset's name, a file's path or a text stands for.

    A text is as parse_layers reads it, or what PyTorch prints of an nn.Sequential. What such a print says of
    the inputs is checked over an image of that shape [channels, rows, columns], if one is given.
    Raises ValueError for what is none of them.
    """
    found = find_preset(choice)
    if found:
        return found.layers
    path = Path(choice)
    if path.suffix == ".toml":
        return load_layers(path)
    if path.suffix == ".txt":
        with readable(path, LARGEST_FILE):
            return _read(path.read_text("utf-8-sig"), shape)
    try:
        return _read(choice, shape)
    except LayerError as error:
        unknown = _unknown(choice)
        if unknown:
            raise ValueError(unknown) from None
        raise error


def _read(text: str, shape: Sequence[int] | None) -> tuple[Layer, ...]:
    if not is_printed(text):
        return parse_layers(text)
    model = read_printed(text)
    if shape is not None:
        model.check(summarize(model.layers, shape))
    return model.layers


def _unknown(name: str) -> str:
    """What is wrong with the name of a network; "" if it is like none. One is not proposed for another."""
    begun = [each for each in NAMES if _letters(name) and _letters(each).startswith(_letters(name))]
    if begun:
        return f"unknown network {name!r}; did you mean {' or '.join(begun)}?"
    if re.match(_FAMILIES, _letters(name)) and not re.search(r"[\s(,]", name):
        other = "any other is a file of layers or their text"
        return f"convtui has no network {name!r}; it has {', '.join(NAMES)}; {other}"
    close = get_close_matches(name.lower(), NAMES, 1, cutoff=0.75)
    return f"unknown network {name!r}; did you mean {close[0]}?" if close else ""


def find_preset(name: str) -> Preset | None:
    """The network of that name however it is written, if there is one."""
    return next((each for each in _PRESETS if _letters(each.name) == _letters(name)), None)


def _letters(name: str) -> str:
    return re.sub("[-_ .]", "", name.lower())
