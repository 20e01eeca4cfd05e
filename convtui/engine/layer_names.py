"""The names of layers: those that there are, other words for them, and those that only PyTorch has.

A word is never answered with a layer that computes something else.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from reprlib import Repr
from typing import Final

from convtui.engine.activations import (
    ELU,
    GELU,
    Hardswish,
    LeakyReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from convtui.engine.branches import Concat, Multiply, Residual
from convtui.engine.dropout import Dropout
from convtui.engine.layers import BatchNorm, Flatten, Layer, Linear, ReLU
from convtui.engine.norm_layers import GroupNorm, InstanceNorm, LayerNorm
from convtui.engine.one_dimensional import ONE_DIMENSIONAL
from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Conv, ConvTranspose, Depthwise, pointwise


def global_avg_pool() -> AdaptiveAvgPool:
    """The mean of each channel, torch.nn.AdaptiveAvgPool2d(1)."""
    return AdaptiveAvgPool(1)


KINDS: Mapping[str, Callable[..., Layer]] = {
    "conv": Conv,
    "depthwise": Depthwise,
    "pointwise": pointwise,
    "convtranspose": ConvTranspose,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "adaptiveavgpool": AdaptiveAvgPool,
    "adaptivemaxpool": AdaptiveMaxPool,
    "gap": global_avg_pool,
    "relu": ReLU,
    "relu6": ReLU6,
    "leakyrelu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "hardswish": Hardswish,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
    "bn": BatchNorm,
    "groupnorm": GroupNorm,
    "layernorm": LayerNorm,
    "instancenorm": InstanceNorm,
    "dropout": Dropout,
    "upsample": Upsample,
    "flatten": Flatten,
    "linear": Linear,
    "residual": Residual,
    "multiply": Multiply,
    "concat": Concat,
    **ONE_DIMENSIONAL,
}

THERE_ARE = "conv, maxpool, relu, bn, linear and others; convtui layers --help lists them"

_EXAMPLES = {
    "conv": "conv 3x3 8 s2 p1",
    "depthwise": "depthwise 3x3 p1",
    "pointwise": "pointwise 16",
    "convtranspose": "convtranspose 4x4 8 s2 p1",
    "maxpool": "maxpool 2 s2",
    "avgpool": "avgpool 2 s2",
    "adaptiveavgpool": "adaptiveavgpool 7",
    "adaptivemaxpool": "adaptivemaxpool 7",
    "leakyrelu": "leakyrelu 0.01",
    "elu": "elu 1",
    "groupnorm": "groupnorm 4",
    "dropout": "dropout 0.5",
    "upsample": "upsample 2 bilinear",
    "conv1d": "conv1d 3 8 s2",
    "convtranspose1d": "convtranspose1d 4 8 s2 p1",
    "maxpool1d": "maxpool1d 2",
    "avgpool1d": "avgpool1d 2",
    "adaptiveavgpool1d": "adaptiveavgpool1d 7",
    "adaptivemaxpool1d": "adaptivemaxpool1d 7",
    "linear": "linear 10",
    "residual": "residual(conv 3x3 8 p1, relu | conv 1x1 8)",
    "multiply": "multiply(gap, conv 1x1 8, sigmoid | )",
    "concat": "concat(conv 1x1 8 | conv 3x3 8 p1)",
}
_ALSO_READ = {"adaptiveavgpool2d": "adaptiveavgpool", "adaptivemaxpool2d": "adaptivemaxpool"}
_MEANING_THE_SAME = {
    "conv2d": "conv",
    "convolution": "conv",
    "depthwiseconv": "depthwise",
    "depthwiseconv2d": "depthwise",
    "pointwiseconv": "pointwise",
    "convtranspose2d": "convtranspose",
    "conv2dtranspose": "convtranspose",
    "transposedconv": "convtranspose",
    "deconv": "convtranspose",
    "deconvolution": "convtranspose",
    "upconv": "convtranspose",
    "maxpool2d": "maxpool",
    "maxpooling": "maxpool",
    "maxpooling2d": "maxpool",
    "avgpool2d": "avgpool",
    "averagepool": "avgpool",
    "averagepooling2d": "avgpool",
    "pool": "maxpool or avgpool",
    "adaptiveavgpool2d": "adaptiveavgpool",
    "adaptivemaxpool2d": "adaptivemaxpool",
    "globalavgpool": "gap",
    "globalaveragepool": "gap",
    "globalaveragepooling2d": "gap",
    "batchnorm": "bn",
    "batchnorm1d": "bn",
    "batchnorm2d": "bn",
    "batchnormalization": "bn",
    "swish": "silu",
    "hswish": "hardswish",
    "hardsilu": "hardswish",
    "logistic": "sigmoid",
    "groupnormalization": "groupnorm",
    "layernormalization": "layernorm",
    "instancenorm2d": "instancenorm",
    "instancenormalization": "instancenorm",
    "interpolate": "upsample",
    "upsampling": "upsample",
    "upsampling2d": "upsample",
    "upsamplingnearest2d": "upsample",
    "upsamplingbilinear2d": "upsample bilinear align_corners",
    "softmax2d": "softmax",
    "squeezeexcitation": "multiply",
    "mul": "multiply",
    "dense": "linear",
    "fc": "linear",
    "fullyconnected": "linear",
    "inception": "concat",
    "cat": "concat",
    "concatenate": "concat",
    "shortcut": "residual",
    "skip": "residual",
    "add": "residual",
}
# Without 1d, 2d or 3d at the end.
_ONLY_ELSEWHERE_TEXT: Final = """
    adaptivelogsoftmaxwithloss alphadropout attention bilinear celu channelshuffle circularpad constantpad
    container cosinesimilarity crop crossmaplrn dataparallel dropout1d dropout2d dropout3d droppath embedding
    embeddingbag featurealphadropout fold fractionalmaxpool globalmaxpool glu gru grucell hardshrink
    hardsigmoid hardtanh identity instancenorm1d localresponsenorm logsigmoid logsoftmax lppool lrn lstm
    lstmcell maxunpool mish module moduledict modulelist multihead multiheadattention normalize pad
    pairwisedistance parameterdict parameterlist pixelshuffle pixelunshuffle prelu reflectionpad
    replicationpad reshape resize rmsnorm rnn rnnbase rnncell rnncellbase rrelu selu separableconv sequential
    softmin softplus softshrink softsign stochasticdepth syncbatchnorm tanhshrink threshold transformer
    transformerdecoder transformerdecoderlayer transformerencoder transformerencoderlayer unflatten unfold
    unpool view zeropad zeropadding
"""
_ONLY_ELSEWHERE: Final = frozenset(_ONLY_ELSEWHERE_TEXT.split())
_FROM_THE_INPUT = {"in_channels", "in_features", "num_features", "num_channels"}
_CONVOLUTIONS = ("conv", "depthwise", "pointwise", "convtranspose")
_WITH_PARAMETERS = {*_CONVOLUTIONS, "linear", "bn", "groupnorm", "instancenorm"}
_IN_PLACE = ("relu", "relu6", "leakyrelu", "elu", "silu", "hardswish", "dropout")
_ONLY_DEFAULTS = {
    "maxpool": {"return_indices"},
    "adaptivemaxpool": {"return_indices"},
    "convtranspose": {"padding_mode"},
    "bn": {"momentum", "affine", "track_running_stats", "bias"},
    "instancenorm": {"momentum", "track_running_stats"},
    **{kind: {"inplace"} for kind in _IN_PLACE},
    "upsample": {"recompute_scale_factor"},
}
# How alike a misspelling is: cnov and conv, rleu and relu; but not leakyrelu and relu.
_ALIKE = 0.75
_THERE_IS_NONE = "convtui has no layer"
_BRIEF = Repr()
_BRIEF.maxstring = 60


def kind_of(name: str) -> str:
    """The name as this module spells it. Raises ValueError that says what is wrong, or what there is."""
    kind = name.lower()
    kind = _ALSO_READ.get(kind, kind)
    if kind in KINDS:
        return kind
    word = re.sub("^(torch[.])?(nn|f)[.](functional[.])?(lazy)?|^lazy|[_-]", "", kind)
    shown = _BRIEF.repr(name)
    stem = re.sub("[123]d$", "", word)
    if word not in _MEANING_THE_SAME:
        if stem in _ONLY_ELSEWHERE or word in _ONLY_ELSEWHERE or stem.endswith("loss"):
            raise ValueError(f"{_THERE_IS_NONE} {shown}; it has {THERE_ARE}")
        if word.endswith("3d") and (stem in KINDS or stem in _MEANING_THE_SAME):
            why = "convtui is two-dimensional; look at one slice of the volume, without its depth"
            raise ValueError(f"{_THERE_IS_NONE} {shown}: {why}")
    close = get_close_matches(word, [*KINDS, *_MEANING_THE_SAME, *_ONLY_ELSEWHERE], 1, _ALIKE)
    if not close or close[0] in _ONLY_ELSEWHERE:
        raise ValueError(f"unknown layer type {shown}; choose from {THERE_ARE}")
    raise ValueError(f"unknown layer type {shown}; did you mean {_MEANING_THE_SAME.get(*close * 2)}?")


def why_no_setting(word: str) -> str:
    """Why a word that PyTorch has for layers is no setting of a convolution; "" for any other word."""
    if word in _FROM_THE_INPUT:
        return "taken from the input; leave it out"
    if any(word in names for names in _ONLY_DEFAULTS.values()):
        return "convtui always has PyTorch's default; leave it out"
    for kind in KINDS:
        if word in parameters_of(kind):
            return f"a parameter of layers, as in: layers {example(kind)}, relu"
    if word in KINDS or word in _ALSO_READ:
        return f"a layer is typed with all others, for example: layers {example('conv')}, relu"
    try:
        kind_of(word)
    except ValueError as error:
        return str(error) if str(error).startswith(_THERE_IS_NONE) else ""
    return ""


def parameters_of(kind: str) -> Mapping[str, Parameter]:
    """The parameters of a layer of that kind, by PyTorch's names."""
    return signature(KINDS[kind]).parameters


def example(kind: str) -> str:
    """A layer of that kind as text."""
    return _EXAMPLES.get(kind, kind)


def why_not(kind: str, parameter: str) -> str:
    """Why a layer of that kind has no such parameter, or which one was meant."""
    if parameter in _FROM_THE_INPUT and kind in _WITH_PARAMETERS:
        return f"{parameter} is taken from the input; leave it out"
    shown = _BRIEF.repr(parameter)[1:-1]
    if parameter in _ONLY_DEFAULTS.get(kind, ()):
        return f"{kind} has no {shown} in convtui: it always has PyTorch's default; leave it out"
    likely = get_close_matches(parameter, parameters_of(kind), 1, _ALIKE)
    legal = f"; did you mean {likely[0]}?" if likely else f"; for example: {example(kind)}"
    return f"{kind} has no {shown}{legal}"
