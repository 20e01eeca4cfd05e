"""The keys that change a stack of layers: those that change the convolution elsewhere, and a few more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convtui.engine.layers import Conv, LayerError
from convtui.engine.presets import NAMES
from convtui.engine.spec import PADDING_MODES
from convtui.pages.base.session_screen import SessionScreen
from convtui.state.network import Stack
from convtui.state.settings import canonical, layer_transition


class StackScreen(SessionScreen):
    """A page on which the session's layers can be changed, the selected one by the common keys."""

    def change_stack(self, make: Callable[[Stack], Stack], run: str = "") -> bool:
        """Apply a transition of the stack; where it is refused say why. Tells whether it went."""
        return self.change(lambda session: session.with_stack(make(session.stack)), run)

    def action_network(self, by: int) -> None:
        """The next named network over the same image."""

        def make(stack: Stack) -> Stack:
            at = NAMES.index(stack.name) if stack.name in NAMES else -max(by, 0)
            return Stack.chosen(NAMES[(at + by) % len(NAMES)], stack.input_shape, stack.seed)

        self.change_stack(make)

    def action_weights(self, by: int) -> None:
        self.change_stack(lambda stack: stack.reseeded(stack.seed + by))

    def action_edit(self) -> None:
        self.action_type("network")

    def action_stride(self, by: int) -> None:
        self._change_pair("stride", by)

    def action_dilation(self, by: int) -> None:
        self._change_pair("dilation", by)

    def action_size(self, by: int) -> None:
        self._change_pair("kernel_size", by)

    def _change_pair(self, name: str, by: int) -> None:
        def make(stack: Stack) -> Stack:
            rows, columns = getattr(stack.window.spec, name)
            return stack.changed(**{name: (rows + by, columns + by)})

        self.change_stack(make)

    def action_padding(self, by: int) -> None:
        def make(stack: Stack) -> Stack:
            (top, bottom), (left, right) = stack.window.spec.pads
            if not isinstance(stack.window, Conv):
                return stack.changed(padding=(top + by, left + by))
            return stack.changed(padding=((top + by, bottom + by), (left + by, right + by)))

        self.change_stack(make)

    def action_mode(self, by: int) -> None:
        def make(stack: Stack) -> Stack:
            at = PADDING_MODES.index(stack.window.spec.padding_mode)
            return stack.changed(padding_mode=PADDING_MODES[(at + by) % len(PADDING_MODES)])

        self.change_stack(make)

    def action_groups(self, by: int) -> None:
        def make(stack: Stack) -> Stack:
            groups, channels = stack.window.spec.groups, stack.row.input_shape[0]
            legal = [each for each in range(1, channels + 1) if channels % each == 0]
            at = legal.index(groups) if groups in legal else 0
            return stack.changed(groups=legal[(at + by) % len(legal)])

        self.change_stack(make)

    def action_filters(self, by: int) -> None:
        def make(stack: Stack) -> Stack:
            layer = stack.window
            if not isinstance(layer, Conv):
                raise LayerError(stack.layer, layer.title, "has no filters")
            return stack.changed(out_channels=layer.out_channels + by * layer.spec.groups)

        self.change_stack(make)

    def action_kernel(self, by: int) -> None:
        self.action_network(by)

    def _typed(self, text: str) -> bool:
        return self.change(lambda session: layer_transition(text)(session))

    def _value_of(self, name: str) -> str:
        stack = self.session.stack
        if name in ("network", "weights", "layer"):
            return {"network": stack.text, "weights": str(stack.seed), "layer": str(stack.layer)}[name]
        layer = stack.window
        values: dict[str, Any] = {
            "stride": layer.spec.stride,
            "padding": layer.spec.padding,
            "dilation": layer.spec.dilation,
            "size": layer.spec.kernel_size,
            "groups": layer.spec.groups,
            "filters": layer.out_channels if isinstance(layer, Conv) else "",
        }
        return canonical(values[name])
