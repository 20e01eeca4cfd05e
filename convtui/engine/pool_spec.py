"""The parameters of poolings: what PyTorch accepts, what it refuses and why, and the axes that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from convtui.engine.spec import (
    Axis,
    ConvSpec,
    Fix,
    Padding,
    Pair,
    Sides,
    SpecError,
    brief,
    changed,
    why_no_window,
    window_fixes,
)


@dataclass(frozen=True, init=False)
class PoolSpec:
    """The window of torch.nn.MaxPool2d and AvgPool2d, with sizes normalised to (rows, columns) pairs.

    stride: the kernel_size if None.
    padding: one number or a pair as in PyTorch, at most half the kernel_size; or four sides,
    ((top, bottom), (left, right)), each less than the window spans, as F.pad puts them before the pooling
    (-inf before a maximum, 0 before an average); or "same-tf", which TensorFlow calls SAME.
    Raises SpecError for parameters that are illegal whatever the image.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """

    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        if isinstance(padding, str) and padding != "same-tf":
            raise SpecError("padding", padding, "a pooling takes numbers or 'same-tf'", "'same-tf'")
        spec = ConvSpec(kernel_size, kernel_size if stride is None else stride, padding, dilation)
        if not isinstance(ceil_mode, bool):
            raise SpecError("ceil_mode", ceil_mode, "must be true or false")
        values = {
            "kernel_size": spec.kernel_size,
            "stride": spec.stride,
            "padding": spec.padding,
            "dilation": spec.dilation,
            "ceil_mode": ceil_mode,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if spec.padding == "same-tf":
            return
        is_four_sided = isinstance(padding, list | tuple) and isinstance(padding[0], list | tuple)
        legal = self._most_pads if is_four_sided else self._most_torch_pads
        if legal != self.padding:
            reason = f"must be {'less than the window' if is_four_sided else 'at most half the kernel_size'}"
            raise SpecError("padding", brief(padding), reason, str(brief(legal)))

    @property
    def pads(self) -> Sides:
        """((top, bottom), (left, right)) in pixels. Raises SpecError for "same-tf", which needs the image."""
        return self.conv.pads

    @property
    def is_torch_padding(self) -> bool:
        """Whether PyTorch takes the padding: alike on both sides, and at most half the kernel_size."""
        is_alike = all(before == after for before, after in self.pads)
        return is_alike and self.padding == self._most_torch_pads

    @property
    def conv(self) -> ConvSpec:
        """The convolution with the same windows, but for a last one that hangs over."""
        return ConvSpec(self.kernel_size, self.stride, self.padding, self.dilation)

    def over(self, height: int, width: int) -> "PoolSpec":
        """The same for an image of height x width pixels: the pads that same-tf takes there are numbers."""
        return replace(self, padding=self.conv.over(height, width).pads)

    def axes(self, height: int, width: int) -> tuple[Axis, Axis]:
        """The row axis and the column axis of this pooling over an image of height x width pixels.

        Raises SpecError if no window fits.
        """
        axes = self.over(height, width).laid(height, width)
        for axis in axes:
            if not axis.window_fits:
                legal = changed(self, *self._legal((height, width), window_fixes(axes)))
                raise SpecError("kernel_size", brief(self.kernel_size), why_no_window(axis), legal)
        return axes

    def laid(self, height: int, width: int) -> tuple[Axis, Axis]:
        """The axes over an image of height x width pixels, whether the windows fit or not."""
        rows, columns = self.conv.laid(height, width)
        return replace(rows, ceil_mode=self.ceil_mode), replace(columns, ceil_mode=self.ceil_mode)

    def _legal(self, size: Pair, fixes: Sequence[Fix]) -> list["PoolSpec"]:
        """Those of these changes with which the windows fit, and with which PyTorch takes the padding."""
        legal = []
        for fix in fixes:
            try:
                spec = replace(self.over(*size), **fix)
            except SpecError:
                continue
            fits = all(axis.window_fits for axis in spec.laid(*size))
            if fits and (self.padding == "same-tf" or spec.padding == spec._most_torch_pads):
                legal.append(spec)
        return legal

    @property
    def _most_torch_pads(self) -> Sides:
        """The padding, or as much of it as PyTorch takes."""
        return self._at_most(*(kernel // 2 for kernel in self.kernel_size))

    @property
    def _most_pads(self) -> Sides:
        """The padding, or as much of it as leaves no window without a pixel."""
        spans = zip(self.dilation, self.kernel_size, strict=True)
        return self._at_most(*(dilation * (kernel - 1) for dilation, kernel in spans))

    def _at_most(self, rows: int, columns: int) -> Sides:
        (top, bottom), (left, right) = self.pads
        return (min(top, rows), min(bottom, rows)), (min(left, columns), min(right, columns))
