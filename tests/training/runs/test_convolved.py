"""The output of a convolution, told map by map."""

import numpy as np
import pytest

from convtui.training.exploring import Convolved, Convolving
from convtui.training.runs.convolved import Output, numbers_of, text_of

BEGUN = Convolving(5, "abc", 2, (3, 2, 4), (0.5, 1.5), "", ())


def test_numbers_are_the_same_after_they_were_told() -> None:
    numbers = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    assert np.array_equal(numbers_of(text_of(numbers), (2, 3, 4)), numbers)


def test_maps_are_added_until_all_are_known() -> None:
    maps = np.arange(24.0).reshape(3, 2, 4)
    begun = Output.begun(BEGUN)
    assert (begun.progress, begun.weight) == ((0, 3), None)
    two = begun.taken(Convolved(text_of(maps[:2])))
    assert two.progress == (2, 3)
    assert np.isnan(two.maps[2]).all()
    assert np.isnan(begun.maps).all()
    whole = two.taken(Convolved(text_of(maps[2:])))
    assert whole.progress == (3, 3)
    assert np.array_equal(whole.maps, maps)
    for wrong in ("", text_of(maps[:1]), "!!", text_of(maps[0, 0])):
        with pytest.raises(ValueError):  # noqa: PT011
            whole.taken(Convolved(wrong))


@pytest.mark.parametrize(
    "header",
    [
        Convolving(0, "", 1, (0, 2, 2), (), "", ()),
        Convolving(0, "", 1, (2**12, 2**8, 2**8), (), "", ()),
        Convolving(0, "", 1, (1, 2, 2), (), text_of(np.zeros(3)), (1, 1, 2, 2)),
    ],
)
def test_what_does_not_fit_is_refused(header: Convolving) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Output.begun(header)
