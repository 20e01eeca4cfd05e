"""An operation written as the PyTorch call that computes it, to be copied into a notebook."""

from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.spec import ConvSpec, Pair
from convtui.engine.transposed_spec import TransposedSpec

NO_CALL = "no single PyTorch call pads and counts like this"


def torch_call(spec: ConvSpec, has_bias: bool = False) -> str:
    """The call for an image x [C, H, W] or [N, C, H, W], a weight w and, if there is one, a bias b.

    What is PyTorch's default is left out. F.conv2d itself pads with zeros, alike on both sides; whatever
    else is asked for is padded by F.pad before.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
    """
    image, padding = _padded(spec)
    given = {
        "bias": "b" if has_bias else "",
        "stride": pair_text(spec.stride, default=1),
        "padding": padding,
        "dilation": pair_text(spec.dilation, default=1),
        "groups": str(spec.groups) if spec.groups > 1 else "",
    }
    return call_text("F.conv2d", image, "w", **given)


def transposed_call(spec: TransposedSpec, has_bias: bool = False) -> str:
    """The call of a transposed convolution of an image x with a weight w and, if there is one, a bias b.

    Padding that differs between two sides is cut off by F.pad with negative numbers.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
    """
    (top, bottom), (left, right) = spec.pads
    is_alike = (top, left) == (bottom, right)
    call = call_text(
        "F.conv_transpose2d",
        "x",
        "w",
        bias="b" if has_bias else "",
        stride=pair_text(spec.stride, default=1),
        padding=pair_text((top, left), default=0) if is_alike else "",
        output_padding=pair_text(spec.output_padding, default=0),
        groups=str(spec.groups) if spec.groups > 1 else "",
        dilation=pair_text(spec.dilation, default=1),
    )
    return call if is_alike else f"F.pad({call}, (-{left}, -{right}, -{top}, -{bottom}))".replace("-0", "0")


def pooling_call(pooling: Pooling) -> str:
    """The call of a pooling of an image x; NO_CALL where F.pad and a pooling together do not compute it.

    Source: https://pytorch.org/docs/stable/nn.functional.html#pooling-functions
    """
    kind = "avg" if isinstance(pooling.reduction, Average) else "max"
    spec = pooling.spec
    if not isinstance(spec, PoolSpec):
        return call_text(f"F.adaptive_{kind}_pool2d", "x", pair_text(spec.output_size, default=0))
    (top, bottom), (left, right) = spec.pads
    image, padding = "x", pair_text((top, left), default=0)
    counts = getattr(pooling.reduction, "count_include_pad", True)
    if not spec.is_torch_padding:
        if spec.ceil_mode or not counts:
            return NO_CALL
        filling = "" if kind == "avg" else ', value=float("-inf")'
        image, padding = f"F.pad(x, ({left}, {right}, {top}, {bottom}){filling})", ""
    divisor = getattr(pooling.reduction, "divisor_override", None)
    return call_text(
        f"F.{kind}_pool2d",
        image,
        pair_text(spec.kernel_size, default=0),
        stride="" if spec.stride == spec.kernel_size else pair_text(spec.stride, default=0),
        padding=padding,
        dilation=pair_text(spec.dilation, default=1),
        ceil_mode="True" if spec.ceil_mode else "",
        count_include_pad="" if counts else "False",
        divisor_override="" if divisor is None else str(divisor),
    )


def call_text(function: str, *inputs: str, **given: str) -> str:
    """A call with the arguments that are given; those that are "" are left out."""
    return (
        f"{function}({', '.join([*inputs, *(f'{name}={value}' for name, value in given.items() if value)])})"
    )


def _padded(spec: ConvSpec) -> tuple[str, str]:
    """The image, padded if F.conv2d cannot do that, and else the padding that is left to F.conv2d."""
    (top, bottom), (left, right) = spec.pads
    if not any((top, bottom, left, right)):
        return "x", ""
    if spec.padding_mode == "zeros":
        if spec.padding == "same":
            return "x", '"same"'
        if (top, left) == (bottom, right):
            return "x", pair_text((top, left), default=0)
        return f"F.pad(x, ({left}, {right}, {top}, {bottom}))", ""
    return f'F.pad(x, ({left}, {right}, {top}, {bottom}), mode="{spec.padding_mode}")', ""


def pair_text(pair: Pair, default: int) -> str:
    """Rows and columns, once where they are the same; "" where both have the default."""
    if set(pair) == {default}:
        return ""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)
