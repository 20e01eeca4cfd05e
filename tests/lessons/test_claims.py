"""What the chapters on pooling and on transposed convolution say is so in PyTorch."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from convtui.inputs import samples


def image(name: str) -> torch.Tensor:
    return torch.tensor(samples.open_image(name).pixels)[None]


def test_a_pixel_moves_unnoticed_to_three_of_its_neighbours() -> None:
    impulse = image("impulse-7x7")
    before = F.max_pool2d(impulse, 2)
    shifts = [shift for shift in product((-1, 0, 1), repeat=2) if shift != (0, 0)]
    same = {s for s in shifts if torch.equal(F.max_pool2d(impulse.roll(s, (2, 3)), 2), before)}
    assert same == {(0, -1), (-1, 0), (-1, -1)}  # to the left or up
    right = F.max_pool2d(impulse.roll(1, 3), 2)
    assert torch.equal(right, before.roll(1, 3))  # by a whole cell


def test_ceil_mode_reads_the_last_row_and_drops_a_window_that_begins_in_padding() -> None:
    digit = image("mnist-3")
    assert F.max_pool2d(digit, 3, 2).shape[2:] == (13, 13)
    assert F.max_pool2d(digit, 3, 2, ceil_mode=True).shape[2:] == (14, 14)
    assert F.max_pool2d(torch.ones(1, 1, 3, 3), 1, 3, ceil_mode=True).shape[2:] == (1, 1)


def test_padding_never_wins_and_may_be_half_the_window() -> None:
    below = torch.tensor([[[[-4.0, -3, -5], [-2, -6, -1], [-7, -8, -9]]]])
    assert F.max_pool2d(below, 3, 2, 1)[0, 0, 0, 0] == -2
    with pytest.raises(RuntimeError, match="half"):
        F.max_pool2d(below, 3, 1, 2)


def test_an_average_counts_padding_unless_told_otherwise() -> None:
    count = image("count-5x5")
    assert F.avg_pool2d(count, 3, 2, 1)[0, 0, 0, 0].item() == pytest.approx(16 / 9)
    assert F.avg_pool2d(count, 3, 2, 1, count_include_pad=False)[0, 0, 0, 0] == 4


def test_of_equally_great_pixels_the_first_gets_the_gradient() -> None:
    equal = torch.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(equal, 2).sum().backward()
    assert equal.grad is not None
    assert equal.grad.flatten().tolist() == [1, 0, 0, 0]


def test_windows_of_adaptive_pooling() -> None:
    rows = torch.eye(8)[None, None]  # the mean of row r is 1/8 of whether it is read
    read = F.adaptive_avg_pool2d(rows, (3, 8))[0, 0] > 0
    assert [window.nonzero().flatten().tolist() for window in read] == [[0, 1, 2], [2, 3, 4, 5], [5, 6, 7]]


@pytest.mark.parametrize("rows", [7, 8])
def test_two_sizes_become_one_and_output_padding_chooses(rows: int) -> None:
    weight = torch.ones(1, 1, 3, 3)
    small = F.conv2d(torch.ones(1, 1, rows, rows), weight, stride=2, padding=1)
    assert small.shape[2:] == (4, 4)
    back = F.conv_transpose2d(small, weight, stride=2, padding=1, output_padding=rows - 7)
    assert back.shape[2:] == (rows, rows)
    if rows == 8:  # what output_padding adds is no zero
        assert (back[0, 0, -1] > 0).all()


def test_transposed_does_not_bring_values_back() -> None:
    count, identity = image("count-5x5"), torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    identity[0, 0, 1, 1] = 1
    small = F.conv2d(count, identity, stride=2, padding=1)
    assert small[0, 0].tolist() == [[1, 3, 5], [11, 13, 15], [21, 23, 25]]
    back = F.conv_transpose2d(small, identity, stride=2, padding=1)
    assert back.shape == count.shape
    assert [each[0, 0, 0, 1].item() for each in (count, back)] == [2, 0]


def test_gathering_is_a_convolution_with_the_flipped_kernel_over_zeros_between() -> None:
    count, weight = image("count-3x3"), torch.arange(9.0, dtype=torch.float64).reshape(1, 1, 3, 3)
    spread = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    spread[0, 0, ::2, ::2] = count
    gathered = F.conv2d(spread, weight.flip(2, 3), padding=2)
    torch.testing.assert_close(gathered, F.conv_transpose2d(count, weight, stride=2))


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
def test_the_checkerboard_goes_where_the_stride_divides_the_kernel(kernel: int) -> None:
    weight = torch.ones(1, 1, kernel, kernel)
    inner = F.conv_transpose2d(torch.ones(1, 1, 9, 9), weight, stride=2)[0, 0, 6:-6, 6:-6]
    assert (len(np.unique(inner)) == 1) == (kernel % 2 == 0)


def test_resizing_first_leaves_no_checkerboard() -> None:
    resized = F.interpolate(torch.ones(1, 1, 6, 6), scale_factor=2)
    assert len(np.unique(F.conv2d(resized, torch.ones(1, 1, 3, 3)))) == 1
