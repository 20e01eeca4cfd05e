"""What is said of the user's own network on the Layers page."""

import numpy as np

from convtui.pages.layers.model_labels import not_finite_line


def test_values_that_are_no_numbers_are_told() -> None:
    output = np.array([[1.0, np.nan], [np.inf, 0.0]])
    assert not_finite_line(output) == "2 of 4 values are not finite (nan or inf); they are drawn as 0"
    assert not_finite_line(np.ones(3)) == not_finite_line(None) == ""
