"""What is said of the sizes that go through is so of all that were tried."""

import pytest

from convtui.engine.graph.image_sizes import MOST, Size, nearest, sizes_told, tried_sizes


def squares(*sides: int) -> list[Size]:
    return [(side, side) for side in sides]


@pytest.mark.parametrize(
    ("tried", "work", "told"),
    [
        (squares(1, 2, 3), squares(1, 2, 3), "any of 3 tried, 1x1 to 3x3"),
        (squares(1, 2, 3), [], "none of 3 tried, 1x1 to 3x3"),
        (
            squares(*range(1, 40), 64),
            squares(*range(7, 40), 64),
            "7x7 and larger (of 40 tried, 1x1 to 64x64)",
        ),
        (squares(*range(1, 40)), squares(16, 32), "16x16, 32x32 (of 39 tried, 1x1 to 39x39)"),
        (
            squares(*range(1, 60)),
            squares(16, 32, 48),
            "multiples of 16, from 16x16 (of 59 tried, 1x1 to 59x59)",
        ),
        (squares(*range(1, 40)), squares(32, 33, 34, 35), "32x32 to 35x35 (of 39 tried, 1x1 to 39x39)"),
        ([(1, side) for side in range(5, 9)], [(1, 6), (1, 7)], "1x6 to 1x7 (of 4 tried, 1x5 to 1x8)"),
        (
            squares(*range(1, 40)),
            squares(*range(5, 40, 2)),
            "odd sizes, from 5x5 (of 39 tried, 1x1 to 39x39)",
        ),
        ([], [], "none none was tried"),
    ],
)
def test_words(tried: list[Size], work: list[Size], told: str) -> None:
    assert sizes_told(tried, work) == told


@pytest.mark.parametrize(
    ("work", "image", "size"),
    [
        (squares(32, 33, 34, 35), (96, 96), (32, 32)),
        (squares(*range(20, 300)), (100, 100), (96, 96)),
        ([(30, 40), (32, 32)], (30, 41), (32, 32)),
        ([(1, 6), (1, 7)], (1, 9), (1, 6)),
        ([], (9, 9), None),
    ],
)
def test_a_round_size_near_the_image_comes_first(work: list[Size], image: Size, size: Size | None) -> None:
    assert nearest(work, image) == size


@pytest.mark.parametrize("least", [2, 16, 34, 40, 61])
def test_the_least_size_that_goes_through_is_found(least: int) -> None:
    tried = tried_sizes(lambda size: min(size) >= least, (24, 24), True, lambda: False)
    assert min(size for size, works in tried.items() if works) == (least, least)
    assert not tried[least - 1, least - 1]
    assert len(tried) <= MOST


def test_no_time_is_taken_that_is_not_there() -> None:
    assert tried_sizes(lambda _: True, (24, 24), True, lambda: True) == {}
