"""The forward pass of each kind of layer for a mini-batch, in float64."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from convtui.engine.batchnorm import EPS, BatchNormState
from convtui.engine.branches import Concat, Multiply, Residual
from convtui.engine.cross_correlation import cross_correlation
from convtui.engine.layers import Activation, BatchNorm, Flatten, Layer, Linear
from convtui.engine.norm_layers import Norm
from convtui.engine.pool_layers import AdaptivePool, Pool
from convtui.engine.pooled import pooled
from convtui.engine.spec import Floats
from convtui.engine.transposed_sums import transposed_convolution
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Conv, ConvTranspose

Arrays: TypeAlias = Mapping[str, Floats]


@np.errstate(over="ignore", invalid="ignore")
def forward(layer: Layer, inputs: Sequence[Floats], arrays: Arrays) -> Floats:
    """The output of a layer for a mini-batch, [N, channels, rows, columns] or [N, features].

    inputs: arrays of such shapes; more than one only for a layer that joins branches.
    arrays: the parameters of the layer by PyTorch's names, and the running statistics of a batch norm, which
    is in evaluation mode.
    Raises SpecError if a window does not fit, TypeError for a layer that does not compute, such as Image.
    Source: https://pytorch.org/docs/stable/nn.html
    """
    first = inputs[0]
    match layer:
        case Conv():
            axes = layer.spec.axes(*first.shape[2:])
            return cross_correlation(first, arrays["weight"], arrays.get("bias"), axes, layer.spec.groups)
        case ConvTranspose():
            landing = layer.spec.axes(*first.shape[2:])
            bias, groups = arrays.get("bias"), layer.spec.groups
            return transposed_convolution(first, arrays["weight"], bias, landing, groups)
        case Pool() | AdaptivePool():
            return pooled(first, layer.spec.axes(*first.shape[2:]), layer.reduction)
        case Activation() | Upsample():
            return layer.of(first)
        case BatchNorm():
            return batch_norm_of(arrays, training=False, eps=layer.eps)(first)
        case Norm():
            return layer.of(first, arrays)
        case Flatten():
            return first.reshape(len(first), -1)
        case Linear():
            output: Floats = first @ arrays["weight"].T
            return output + arrays["bias"] if layer.bias else output
        case Residual():
            return reduce(np.add, inputs)
        case Multiply():
            return reduce(np.multiply, inputs)
        case Concat():
            return np.concatenate(inputs, axis=1)
        case _:
            raise TypeError(f"cannot compute a layer of type {type(layer).__name__}")


def batch_norm_of(arrays: Arrays, training: bool = True, eps: float = EPS) -> BatchNormState:
    """The batch norm with these arrays: weight, bias, running_mean and running_var, each [channels]."""
    return BatchNormState(
        len(arrays["weight"]),
        eps,
        training=training,
        weight=arrays["weight"],
        bias=arrays["bias"],
        running_mean=arrays["running_mean"],
        running_var=arrays["running_var"],
    )
