"""The network that a recipe asks for, in the words of the Layers page.

PyTorch's modules, the numpy engine and the table of layers are all made from this one text.
"""

from __future__ import annotations

from convtui.engine.stack import Summary, summarize
from convtui.training.recipe import Recipe


def layers_text(recipe: Recipe, shape: tuple[int, int, int], classes: int) -> str:
    """The layers over images [channels, rows, columns] of so many classes, as parse_layers reads them.

    Convolutions with stride 2, a ReLU after each but the last, and, where asked for, batch norm after every
    ReLU and after the last convolution, as in the lecture. Maps that are not 1x1 at the end are averaged.
    """
    norm = ["bn"] if recipe.batch_norm else []
    layers, size = [], recipe.first_kernel_size
    for channels in recipe.channels:
        layers += [f"conv {size}x{size} {channels} s2 p{size // 2}", "relu", *norm]
        size = 3
    layers += [f"conv 3x3 {classes} s2 p1", *norm]
    if summarize(", ".join(layers), shape).rows[-1].output_shape[1:] != (1, 1):
        layers.append("gap")
    return ", ".join([*layers, "flatten"])


def network(recipe: Recipe, shape: tuple[int, int, int], classes: int) -> Summary:
    """The layers with their shapes and parameters; row 0 is the image."""
    return summarize(layers_text(recipe, shape, classes), shape)
