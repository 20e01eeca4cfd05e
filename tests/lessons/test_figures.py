"""Figures of weights and of layers that lessons name."""

from pathlib import Path

import pytest

from convtui.inputs import samples
from convtui.lessons.expressions import evaluated
from convtui.lessons.figures import Seen
from convtui.lessons.setting_up import changed
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store.pictures import open_any


@pytest.mark.parametrize(
    ("expression", "value"),
    [("layer.channels", 8), ("layer[1].channels", 4), ("layer[7].channels", 32), ("layer[0].channels", 1)],
)
def test_the_channels_of_a_layer(expression: str, value: int) -> None:
    session = Session.start(open_any("mnist-7"), KernelChoice("top-edge"))
    for setting in ("layers simple-cnn", "layer 3"):
        session = changed(session, setting, Path(samples.lesson_folder()))
    assert evaluated(expression, Seen(session)) == value


def test_the_magnitude_of_weights_counts_those_below_zero_too() -> None:
    seen = Seen(Session.start(open_any("mnist-7"), KernelChoice("top-edge")))
    assert (evaluated("weight.sum", seen), evaluated("weight.magnitude", seen)) == (0, 6)
