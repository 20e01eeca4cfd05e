"""What PyTorch would refuse raises before anything was touched."""

import numpy as np
import pytest

from convtui.engine.spec import SpecError
from convtui.state.kernel_choice import KernelChoice
from tests.state.test_session import fingerprint
from tests.support.example_sessions import Change, counting, picture_of, session_on


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.with_spec(stride=0), "stride=0: must be at least 1"),
        (lambda s: s.with_spec(padding=-1), "padding=-1: must be at least 0"),
        (lambda s: s.with_spec(dilation=4), "spans 9 rows .* only 5"),
        (lambda s: s.with_spec(padding=5, padding_mode="reflect"), "less than the image's 5"),
        (lambda s: s.with_spec(stride=2, padding="same"), "needs stride 1"),
        (lambda s: s.with_groups(2), "groups=2: must divide the 1 input"),
        (lambda s: s.with_groups(0), "groups=0: must be at least 1"),
        (lambda s: s.with_filters(0), "filters=0: .* nearest legal: 1"),
        (lambda s: s.with_kernel_size(6), "spans 6 rows"),
        (lambda s: s.with_kernel_size(0), "must be at least 1"),
        (lambda s: s.with_weight_value(0, 0, 0, 0, 1.0).with_kernel_size(0), "kernel_size=.*: must be"),
        (lambda s: s.with_kernel(KernelChoice("sobel")), "sobel"),
        (lambda s: s.with_kernel(KernelChoice("sobel-x"), 7), "spans 7"),
        (lambda s: s.with_weight(np.ones((1, 2, 1, 1)), "mine"), "slices"),
        (lambda s: s.with_weight_value(0, 0, 0, 0, np.nan), "weight contains NaN or infinity"),
        (lambda s: s.with_bias_value(0, np.inf), "bias contains NaN or infinity"),
        (lambda s: s.with_pixel_value(0, 0, 0, np.nan), "pixel value nan"),
        (lambda s: s.with_picture(counting(1, 2, 2)), "spans 3 rows"),
    ],
)
def test_refusals_say_what_and_why(change: Change, words: str) -> None:
    session = session_on("count-5x5")
    before = fingerprint(session)
    with pytest.raises(ValueError, match=words):
        change(session)
    assert fingerprint(session) == before


def test_filters_must_be_a_multiple_of_the_groups() -> None:
    grouped = session_on("cat-32").with_groups(3)
    with pytest.raises(SpecError, match=r"filters=4: .*groups=3, .*nearest legal: 3"):
        grouped.with_filters(4)
    assert grouped.with_filters(6).convolution.weight_shape == (6, 1, 3, 3)


def test_a_large_picture_is_not_edited_by_hand() -> None:
    session = session_on(picture_of(np.zeros((1, 1001, 1000)), "wide.png"))
    with pytest.raises(ValueError, match=r"wide.png is too large to edit; .*--resize"):
        session.with_pixel_value(0, 0, 0, 1.0)


def test_starting_refuses_what_pytorch_refuses() -> None:
    with pytest.raises(SpecError, match="groups=2"):
        session_on("count-5x5", groups=2)
    with pytest.raises(SpecError, match="spans 11"):
        session_on("count-5x5", size=11)
