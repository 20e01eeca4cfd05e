"""A convolution written as the PyTorch call that computes it, to be copied into a notebook."""

from convtui.engine.spec import ConvSpec, Pair


def torch_call(spec: ConvSpec, has_bias: bool = False) -> str:
    """The call for an image x [C, H, W] or [N, C, H, W], a weight w and, if there is one, a bias b.

    What is PyTorch's default is left out. F.conv2d itself pads with zeros, alike on both sides; whatever
    else is asked for is padded by F.pad before.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
    """
    image, padding = _padded(spec)
    given = {
        "bias": "b" if has_bias else "",
        "stride": _pair(spec.stride, default=1),
        "padding": padding,
        "dilation": _pair(spec.dilation, default=1),
        "groups": str(spec.groups) if spec.groups > 1 else "",
    }
    return (
        f"F.conv2d({', '.join([image, 'w', *(f'{name}={value}' for name, value in given.items() if value)])})"
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
            return "x", _pair((top, left), default=0)
        return f"F.pad(x, ({left}, {right}, {top}, {bottom}))", ""
    return f'F.pad(x, ({left}, {right}, {top}, {bottom}), mode="{spec.padding_mode}")', ""


def _pair(pair: Pair, default: int) -> str:
    """Rows and columns, once where they are the same; "" where both have the default."""
    if set(pair) == {default}:
        return ""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)
