"""Layers made of paths of layers, as residual networks and Inception have them.

They are layers like the others to whoever stacks them, and hold stacks of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from convtui.engine.layers import Layer, Shape
from convtui.engine.spec import SpecError
from convtui.engine.window_layers import Conv


@dataclass(frozen=True, init=False)
class Branches(Layer):
    """Paths that all start from the same input and end in one output; an empty path passes the input on."""

    paths: tuple[tuple[Layer, ...], ...]

    def __init__(self, paths: Sequence[Sequence[Layer]]) -> None:
        if not any(paths):
            raise SpecError("paths", paths, f"{self.kind} needs layers in its brackets")
        self._set(paths=tuple(tuple(path) for path in paths))

    @property
    def title(self) -> str:
        """The layer in a few words."""
        return self.kind

    def __str__(self) -> str:
        return f"{self.kind}({' | '.join(', '.join(map(str, path)) for path in self.paths)})"


class Residual(Branches):
    """The sum of its paths; of a single path and its own input.

    Raises SpecError without a layer in any path.
    Source: He et al. 2015, Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385
    """

    kind = "residual"

    def __init__(self, paths: Sequence[Sequence[Layer]]) -> None:
        super().__init__([*paths, ()] if len(paths) == 1 else paths)

    def output_shape(self, *shapes: Shape) -> Shape:
        """The shape of every path's end. Raises SpecError where they differ."""
        if len(set(shapes)) > 1:
            reason = "all paths must end in the same shape"
            raise SpecError("paths", [list(end) for end in shapes], reason, self._projection(shapes))
        return shapes[0]

    def _projection(self, ends: Sequence[Shape]) -> str:
        """The 1x1 convolution that brings an empty path to the shape of the others, if there is one."""
        wanted = {end for end, path in zip(ends, self.paths, strict=True) if path}
        given = {end for end, path in zip(ends, self.paths, strict=True) if not path}
        if len(wanted) != 1 or not given or not len(min(wanted)) == len(min(given)) == 3:
            return ""
        (channels, *sizes), (_, *before) = min(wanted), min(given)
        strides = [-(-old // new) for old, new in zip(before, sizes, strict=True)]
        conv = Conv(channels, 1, strides)
        return f"the shortcut {conv}" if conv.output_shape(min(given)) == min(wanted) else ""

    def __str__(self) -> str:
        return _one_path(self) or super().__str__()


class Multiply(Branches):
    """The product of its paths; of a single path and its own input.

    A path that ends in one channel, row or column meets all of those of the others, as in
    squeeze-and-excitation.
    Raises SpecError without a layer in any path.
    Source: Hu et al. 2017, Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
    """

    kind = "multiply"

    def __init__(self, paths: Sequence[Sequence[Layer]]) -> None:
        super().__init__([*paths, ()] if len(paths) == 1 else paths)

    def output_shape(self, *shapes: Shape) -> Shape:
        """The largest of the paths' ends along each axis. Raises SpecError where one is neither it nor 1."""
        if len({len(end) for end in shapes}) == 1:
            largest = tuple(max(along) for along in zip(*shapes, strict=True))
            if all(n in (1, most) for end in shapes for n, most in zip(end, largest, strict=True)):
                return largest
        ends = [list(end) for end in shapes]
        raise SpecError("paths", ends, "all paths must end in the same shape, or in 1 along an axis")

    def __str__(self) -> str:
        return _one_path(self) or super().__str__()


class Concat(Branches):
    """The channels of its paths one after another, as in an Inception block.

    Raises SpecError without a layer in any path, or for a single path.
    Source: Szegedy et al. 2014, Going Deeper with Convolutions, https://arxiv.org/abs/1409.4842
    """

    kind = "concat"

    def __init__(self, paths: Sequence[Sequence[Layer]]) -> None:
        super().__init__(paths)
        if len(paths) == 1:
            raise SpecError("paths", "one", "concat needs at least two paths, separated by |")

    def output_shape(self, *shapes: Shape) -> Shape:
        """The shape of the paths' ends, with all their channels. Raises SpecError where sizes differ."""
        if len({end[1:] for end in shapes}) > 1:
            raise SpecError(
                "paths", [list(end) for end in shapes], "all paths must end in the same rows and columns"
            )
        return sum(end[0] for end in shapes), *shapes[0][1:]


def _one_path(layer: Branches) -> str:
    """The layer written with its one path, if the other is its own input; else ""."""
    first, *rest = layer.paths
    return f"{layer.kind}({', '.join(map(str, first))})" if rest == [()] else ""
