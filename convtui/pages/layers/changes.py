"""What a key changes in a stack of layers, as transitions from one stack to the next.

Applied to a stack that does not allow it, each raises ValueError (LayerError and SpecError are such).
"""

from __future__ import annotations

from collections.abc import Callable

from convtui.engine.layers import LayerError
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.presets import NAMES
from convtui.engine.spec import PADDING_MODES
from convtui.engine.window_layers import Conv, ConvTranspose
from convtui.state.network import Stack
from convtui.state.settings import canonical

Change = Callable[[Stack], Stack]


def next_network(by: int) -> Change:
    """The named network so many further, over the same image."""

    def change(stack: Stack) -> Stack:
        at = NAMES.index(stack.name) if stack.name in NAMES else -max(by, 0)
        return Stack.chosen(NAMES[(at + by) % len(NAMES)], stack.input_shape, stack.seed)

    return change


def stepped(name: str, by: int) -> Change:
    """The selected layer's stride, dilation or kernel_size, larger by so much in both directions."""

    def change(stack: Stack) -> Stack:
        rows, columns = getattr(stack.window.spec, name)
        return stack.changed(**{name: (rows + by, columns + by)})

    return change


def padded(by: int) -> Change:
    """The selected layer with so much more padding on every side."""

    def change(stack: Stack) -> Stack:
        spec = stack.window.spec
        (top, bottom), (left, right) = spec.pads
        if isinstance(spec, PoolSpec) and spec.is_torch_padding:
            return stack.changed(padding=(top + by, left + by))
        return stack.changed(padding=((top + by, bottom + by), (left + by, right + by)))

    return change


def next_padding_mode(by: int) -> Change:
    """The selected layer with the padding mode so many further."""

    def change(stack: Stack) -> Stack:
        layer = stack.window
        if not isinstance(layer, Conv):
            raise LayerError(stack.layer, layer.title, "has no padding_mode")
        at = PADDING_MODES.index(layer.spec.padding_mode)
        return stack.changed(padding_mode=PADDING_MODES[(at + by) % len(PADDING_MODES)])

    return change


def next_groups(by: int) -> Change:
    """The selected layer with the next number of groups that divides its input channels."""

    def change(stack: Stack) -> Stack:
        layer = stack.window
        if not isinstance(layer, Conv | ConvTranspose):
            raise LayerError(stack.layer, layer.title, "has no groups")
        groups, channels = layer.spec.groups, stack.row.input_shape[0]
        legal = [each for each in range(1, channels + 1) if channels % each == 0]
        at = legal.index(groups) if groups in legal else 0
        return stack.changed(groups=legal[(at + by) % len(legal)])

    return change


def more_filters(by: int) -> Change:
    """The selected layer with so many more filters in each group."""

    def change(stack: Stack) -> Stack:
        layer = stack.window
        if not isinstance(layer, Conv | ConvTranspose):
            raise LayerError(stack.layer, layer.title, "has no filters")
        return stack.changed(out_channels=layer.out_channels + by * layer.spec.groups)

    return change


def value_text(stack: Stack, name: str) -> str:
    """The present value of a setting, as it would be typed."""
    match name:
        case "network":
            return stack.text
        case "weights":
            return str(stack.seed)
        case "layer":
            return str(stack.layer)
    layer = stack.window
    values: dict[str, object] = {
        "stride": layer.spec.stride,
        "padding": layer.spec.padding,
        "dilation": layer.spec.dilation,
        "size": layer.spec.kernel_size,
    }
    if isinstance(layer, Conv | ConvTranspose):
        values |= {"groups": layer.spec.groups, "filters": layer.out_channels}
    return canonical(values.get(name, ""))
