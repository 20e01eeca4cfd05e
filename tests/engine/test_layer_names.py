"""A word for a layer is answered with a layer that computes the same, or told to be none."""

import pytest
from torch import nn

from convtui.engine.layer_names import THERE_ARE, kind_of
from convtui.engine.layer_text import parse_layers, parse_layers_toml
from convtui.engine.layers import LayerError
from convtui.engine.pool_layers import AdaptiveAvgPool
from convtui.state.settings import transition

SAME = {
    "Conv2d": "conv",
    "LazyConv2d": "conv",
    "MaxPool2d": "maxpool",
    "AvgPool2d": "avgpool",
    "ConvTranspose2d": "convtranspose",
    "LazyConvTranspose2d": "convtranspose",
    "LazyConv1d": "conv1d",
    "LazyConvTranspose1d": "convtranspose1d",
    "BatchNorm1d": "bn",
    "BatchNorm2d": "bn",
    "LazyBatchNorm1d": "bn",
    "LazyBatchNorm2d": "bn",
    "LazyLinear": "linear",
    "InstanceNorm2d": "instancenorm",
    "LazyInstanceNorm2d": "instancenorm",
    "Softmax2d": "softmax",
    "UpsamplingNearest2d": "upsample",
    "UpsamplingBilinear2d": "upsample bilinear align_corners",
}
LEGAL = {
    "AdaptiveAvgPool1d": "adaptiveavgpool1d",
    "AdaptiveAvgPool2d": "adaptiveavgpool",
    "AdaptiveMaxPool1d": "adaptivemaxpool1d",
    "AdaptiveMaxPool2d": "adaptivemaxpool",
    "AvgPool1d": "avgpool1d",
    "Conv1d": "conv1d",
    "ConvTranspose1d": "convtranspose1d",
    "MaxPool1d": "maxpool1d",
    **{
        name: name.lower()
        for name in (
            *("ReLU", "ReLU6", "LeakyReLU", "ELU", "GELU", "SiLU", "Hardswish", "Sigmoid", "Tanh", "Softmax"),
            *("GroupNorm", "LayerNorm", "Dropout", "Upsample"),
        )
    },
    "Flatten": "flatten",
    "Linear": "linear",
}
MODULES = [name for name, each in vars(nn).items() if isinstance(each, type) and issubclass(each, nn.Module)]


def said(text: str) -> str:
    with pytest.raises(LayerError) as error:
        parse_layers(text)
    return str(error.value)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("prefix", ["", "nn.", "torch.nn."])
def test_every_module_of_torch(name: str, prefix: str) -> None:
    if name in LEGAL and not prefix:
        assert kind_of(name) == LEGAL[name]
        return
    with pytest.raises(ValueError, match=r".") as error:
        kind_of(prefix + name)
    same = (SAME | LEGAL).get(name)
    if same:
        assert str(error.value).endswith(f"did you mean {same}?")
    else:
        assert str(error.value).startswith(f"convtui has no layer {prefix + name!r}")


@pytest.mark.parametrize(
    "text",
    [
        "maxunpool 2",
        "unflatten",
        "dropout2d 0.5",
        "instancenorm1d",
        "celu",
        "hardsigmoid",
        "prelu",
        "pixelshuffle 2",
    ],
)
def test_what_only_torch_has_is_told(text: str) -> None:
    word = text.split()[0]
    assert f"convtui has no layer {word!r}; it has {THERE_ARE}" in said(f"relu, {text}")
    with pytest.raises(LayerError, match=f"layer 1 .*: convtui has no layer '{word}'"):
        parse_layers_toml(f'[[layer]]\ntype = "{word}"')


@pytest.mark.parametrize("word", ["Conv3d", "maxpool3d", "AvgPool3d", "convtranspose3d", "batchnorm3d"])
def test_three_dimensions_are_refused(word: str) -> None:
    reason = f"convtui has no layer {word!r}: convtui is two-dimensional; look at one slice of the volume"
    assert reason in said(word)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("cnov", "conv"),
        ("cnv", "conv"),
        ("con2d", "conv"),
        ("rleu", "relu"),
        ("maxpol", "maxpool"),
        ("avgpol", "avgpool"),
        ("avg_pool2d", "avgpool"),
        ("adaptiveavgpol", "adaptiveavgpool"),
        ("batchnrom", "bn"),
        ("flaten", "flatten"),
        ("liner", "linear"),
        ("pool", "maxpool or avgpool"),
        ("leaky_relu", "leakyrelu"),
        ("geluu", "gelu"),
        ("dropot", "dropout"),
        ("instancenorm2d", "instancenorm"),
        ("swish", "silu"),
        ("F.interpolate", "upsample"),
        ("squeeze_excitation", "multiply"),
        ("deconv", "convtranspose"),
        ("convtranspose2d", "convtranspose"),
        ("conv_transpose2d", "convtranspose"),
        ("Conv2DTranspose", "convtranspose"),
        ("depthwise_conv2d", "depthwise"),
        ("nn.AdaptiveMaxPool2d", "adaptivemaxpool"),
        ("globalaveragepooling2d", "gap"),
    ],
)
def test_misspellings_and_other_words_are_answered(word: str, meant: str) -> None:
    assert said(word).endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("word", ["hardsigmoidd", "celuu", "embeding", "convnext", "xyz", "bm"])
def test_what_is_like_no_layer_is_not_answered_with_one(word: str) -> None:
    assert said(word).endswith(f"choose from {THERE_ARE}")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('type = "conv"\nin_channels = 3', "in_channels is taken from the input; leave it out"),
        ('type = "linear"\nin_features = 3', "in_features is taken from the input; leave it out"),
        ('type = "bn"\nnum_features = 3', "num_features is taken from the input; leave it out"),
        ('type = "relu"\nin_channels = 3', "relu has no in_channels; for example: relu"),
        (
            'type = "maxpool"\nkernel_size = 2\nreturn_indices = true',
            "maxpool has no return_indices in convtui: it always has PyTorch's default; leave it out",
        ),
        ('type = "bn"\nmomentum = 0.1', "bn has no momentum in convtui: it always has PyTorch's default"),
        ('type = "avgpool"\nkernel = 2', "avgpool has no kernel; for example: avgpool 2 s2"),
        ('type = "avgpool"\nkernelsize = 2', "avgpool has no kernelsize; did you mean kernel_size?"),
    ],
)
def test_parameters_of_tables(table: str, message: str) -> None:
    with pytest.raises(LayerError) as error:
        parse_layers_toml(f"[[layer]]\n{table}")
    assert message in str(error.value)


def test_parameters_in_texts() -> None:
    assert said("conv 3x3 8 in_channels=3").endswith("in_channels is taken from the input; leave it out")
    assert "it always has PyTorch's default" in said("maxpool 2 return_indices=True")
    assert "conv has no strid; did you mean stride?" in said("conv 3x3 8 strid=2")
    named = "conv kernel_size=3x5 out_channels=8 stride=2 bias=False padding_mode=reflect, elu alpha=1.5"
    assert parse_layers(named) == parse_layers("conv 3x5 8 s2 nobias reflect, elu 1.5")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("adaptiveavgpool 7", (7, 7)),
        ("AdaptiveAvgPool2d 6x7", (6, 7)),
        ("adaptiveavgpool 1", (1, 1)),
        ("gap", (1, 1)),
    ],
)
def test_adaptive_pooling(text: str, size: tuple[int, int]) -> None:
    assert parse_layers(text) == (AdaptiveAvgPool(size),)
    table = f'type = "adaptiveavgpool2d"\noutput_size = {list(size)}'
    assert parse_layers_toml(f"[[layer]]\n{table}") == (AdaptiveAvgPool(size),)
    assert parse_layers(str(AdaptiveAvgPool(size))) == (AdaptiveAvgPool(size),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adaptiveavgpool", "adaptiveavgpool needs output_size; for example: adaptiveavgpool 7"),
        ("adaptiveavgpool 0", "output_size=0: must be from 1 to 4096; nearest legal: 1"),
        ("adaptiveavgpool 7x99999", "output_size=99999: must be from 1 to 4096; nearest legal: 4096"),
        ("adaptiveavgpool 7 s2", "adaptiveavgpool has no stride; for example: adaptiveavgpool 7"),
        ("gap 7", "'7' is not a parameter of gap; for example: gap"),
    ],
)
def test_wrong_adaptive_pooling_is_refused(text: str, message: str) -> None:
    assert message in said(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "convtranspose 3",
            "convtranspose: a layer is typed with all others, for example: layers conv 3x3 8",
        ),
        ("prelu", "prelu: convtui has no layer 'prelu'; it has conv"),
        ("unflatten", "unflatten: convtui has no layer 'unflatten'; it has conv"),
        ("Conv3d 3", "Conv3d: convtui has no layer 'conv3d': convtui is two-dimensional; look at one slice"),
        ("in_channels 3", "in_channels: taken from the input; leave it out"),
        ("relu", "relu: a layer is typed with all others, for example: layers conv 3x3 8 s2 p1, relu"),
        ("layers relu, celu", "layer 2 (celu): convtui has no layer 'celu'"),
        ("strid 3", "strid: unknown setting; did you mean stride"),
        ("paddin 3", "paddin: unknown setting; did you mean padding"),
        ("xyz 3", "xyz: unknown setting; choose from stride"),
    ],
)
def test_typed_lines(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        transition(line)
    assert str(error.value).startswith(message)
