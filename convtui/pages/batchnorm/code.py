"""The code of what the Norms page shows."""

from __future__ import annotations

from convtui.export.norm_code import NormShown, NormWeights, norm_code
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.opened_network import OpenedNetwork


def code_of(opened: OpenedNetwork, figures: Figures) -> str:
    """PyTorch code that asserts the figures of the activation that is looked at.

    Raises ValueError where the weights are no longer kept.
    """
    source, present = opened.source, figures.present
    shown = NormShown(
        values=figures.input.values,
        index=figures.chosen_index,
        mean=present.mean,
        var=present.var,
        output=float(present.output[figures.chosen]),
        after=figures.after,
    )
    weights = NormWeights(source.seed, source.run, source.step)
    return norm_code(figures.session, opened.measurer.data, opened.measurer.seed, weights, shown)
