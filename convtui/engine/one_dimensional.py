"""Layers over sequences: an image of one row [channels, 1, columns], over which windows of one row move.

convtui is two-dimensional; PyTorch's Conv1d over [channels, length] is its Conv2d over one row. These are the
constructors of such layers, with the parameters of PyTorch's.
"""

from collections.abc import Callable, Mapping

from convtui.engine.layers import Layer
from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
from convtui.engine.spec import Pair, SpecError
from convtui.engine.window_layers import Conv, ConvTranspose


def conv1d(
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
    padding_mode: str = "zeros",
) -> Conv:
    """torch.nn.LazyConv1d, as a convolution with a kernel of one row."""
    sizes = _along("kernel_size", kernel_size), _along("stride", stride)
    pads = padding if isinstance(padding, str) else _along("padding", padding, 0)
    return Conv(out_channels, *sizes, pads, _along("dilation", dilation), groups, bias, padding_mode)


def convtranspose1d(
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int | str = 0,
    output_padding: int = 0,
    groups: int = 1,
    bias: bool = True,
    dilation: int = 1,
) -> ConvTranspose:
    """torch.nn.LazyConvTranspose1d, as a transposed convolution with a kernel of one row."""
    sizes = _along("kernel_size", kernel_size), _along("stride", stride)
    pads = padding if isinstance(padding, str) else _along("padding", padding, 0)
    added = _along("output_padding", output_padding, 0)
    return ConvTranspose(out_channels, *sizes, pads, added, groups, bias, _along("dilation", dilation))


def maxpool1d(
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> MaxPool:
    """torch.nn.MaxPool1d, as a pooling with a window of one row."""
    stride = kernel_size if stride is None else stride
    sizes = _along("kernel_size", kernel_size), _along("stride", stride), _along("padding", padding, 0)
    return MaxPool(*sizes, _along("dilation", dilation), ceil_mode)


def avgpool1d(
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> AvgPool:
    """torch.nn.AvgPool1d, as a pooling with a window of one row."""
    stride = kernel_size if stride is None else stride
    sizes = _along("kernel_size", kernel_size), _along("stride", stride), _along("padding", padding, 0)
    return AvgPool(*sizes, ceil_mode, count_include_pad)


def adaptiveavgpool1d(output_size: int) -> AdaptiveAvgPool:
    """torch.nn.AdaptiveAvgPool1d, as an adaptive pooling to one row."""
    return AdaptiveAvgPool(_along("output_size", output_size))


def adaptivemaxpool1d(output_size: int) -> AdaptiveMaxPool:
    """torch.nn.AdaptiveMaxPool1d, as an adaptive pooling to one row."""
    return AdaptiveMaxPool(_along("output_size", output_size))


def _along(parameter: str, value: int, across: int = 1) -> Pair:
    """(rows, columns): the value along the one row."""
    if isinstance(value, list | tuple):
        raise SpecError(parameter, value, "must be one number, as the layer is one-dimensional")
    return across, value


ONE_DIMENSIONAL: Mapping[str, Callable[..., Layer]] = {
    "conv1d": conv1d,
    "convtranspose1d": convtranspose1d,
    "maxpool1d": maxpool1d,
    "avgpool1d": avgpool1d,
    "adaptiveavgpool1d": adaptiveavgpool1d,
    "adaptivemaxpool1d": adaptivemaxpool1d,
}
