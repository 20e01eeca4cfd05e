"""The maps are PyTorch's averages, and the frame is around those that share a mean."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.norms import NORM_KINDS, NormKind, SharedMean
from convtui.pages.batchnorm.maps import MARK, SharedMaps, grid_of, maps_lines, pooled
from convtui.paint.colours import DARK, LIGHT, Palette

SIZES = [(14, 116), (10, 78), (7, 58), (4, 30), (40, 200)]


def maps_of(
    kind: NormKind, shape: tuple[int, int, int, int] = (6, 8, 5, 5), image: int = 1, channel: int = 2
) -> SharedMaps:
    values = np.random.default_rng(0).standard_normal(shape)
    members = SharedMean.of(kind, shape, min(2, shape[1])).members(image, channel)
    return SharedMaps(values, *members, (image, channel, shape[2] // 2, shape[3] // 2))


def drawn(maps: SharedMaps, size: tuple[int, int]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in maps_lines(maps, size, DARK)]


@settings(max_examples=100)
@given(*[st.integers(1, 9)] * 4, st.integers(0, 2**32))
def test_maps_are_shrunk_and_grown_as_by_adaptive_average_pooling(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    maps = np.random.default_rng(seed).standard_normal((2, 3, height, width))
    expected = torch.nn.functional.adaptive_avg_pool2d(torch.tensor(maps), (rows, columns))
    np.testing.assert_allclose(pooled(maps, rows, columns), expected.numpy(), rtol=1e-9, atol=1e-9)


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(4, 60),
    st.integers(24, 200),
    st.data(),
)
def test_the_chosen_map_is_in_view_and_all_lie_inside(
    images: int, channels: int, height: int, width: int, data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, images - 1)), data.draw(st.integers(0, channels - 1))
    grid = grid_of((images, channels, 7, 7), chosen, (height, width))
    assert chosen[0] in grid.images
    assert chosen[1] in grid.channels
    assert grid.images.stop <= images
    assert grid.channels.stop <= channels
    assert grid.top(grid.images.stop) < height
    assert grid.left(grid.channels.stop) < width


@pytest.mark.parametrize(("size", "images"), [((14, 116), 3), ((10, 78), 2), ((7, 58), 2), ((40, 116), 7)])
def test_neighbours_are_in_view(size: tuple[int, int], images: int) -> None:
    assert len(grid_of((128, 8, 14, 14), (90, 0), size).images) == images


@pytest.mark.parametrize("kind", NORM_KINDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(6, 8, 5, 5), (1, 1, 14, 14), (200, 64, 2, 2), (6, 8, 1, 3)])
def test_lines_have_the_size_of_the_pane_and_one_mark(
    kind: NormKind, size: tuple[int, int], shape: tuple[int, int, int, int]
) -> None:
    image, channel = shape[0] - 1, shape[1] - 1
    lines = drawn(maps_of(kind, shape, image, channel), size)
    assert [len(line) for line in lines] == [size[1]] * size[0]
    assert "".join(lines).count(MARK) == 1


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("batch", ["┏━━┓", "┃▀▀┃", "┃  ┃", "┃▀◆┃", "┃  ┃"]),
        ("layer", ["┏━━━━━━━━━━━━━━━━━━━━━━━┓", "┃▀▀ ▀▀ ▀◆ ▀▀ ▀▀ ▀▀ ▀▀ ▀▀┃", "┗━━━━━━━━━━━━━━━━━━━━━━━┛"]),
        ("group", ["┏━━━━━━━━━━━┓", "┃▀▀ ▀▀ ▀◆ ▀▀┃", "┗━━━━━━━━━━━┛"]),
        ("instance", ["┏━━┓", "┃▀◆┃", "┗━━┛"]),
    ],
)
def test_the_frame_is_around_what_shares_a_mean(kind: NormKind, frame: list[str]) -> None:
    lines = drawn(maps_of(kind), (7, 58))
    assert lines[0].split() == ["channel", *"01234567"]
    text = "\n".join(lines)
    for line in frame:
        assert line in text
    assert sum(text.count(each) for each in "┏┓┗┛") == (2 if kind == "batch" else 4)


def test_a_frame_that_goes_on_beyond_the_pane_is_open() -> None:
    lines = drawn(maps_of("layer", (6, 64, 5, 5), 0, 30), (7, 58))
    assert lines[0].rstrip().endswith("…")
    text = "\n".join(lines)
    assert not any(each in text for each in "┏┓┗┛┃")
    assert "━" * 45 in text


def test_all_of_a_small_mini_batch_is_framed() -> None:
    text = "\n".join(drawn(maps_of("batch", (2, 8, 5, 5)), (7, 58)))
    assert all(text.count(each) == 1 for each in "┏┓┗┛")
    assert "⋮" not in text


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_members_have_the_colour_of_what_normalises_them(palette: Palette) -> None:
    maps = maps_of("instance")
    for is_running, series in (False, palette.series[0]), (True, palette.series[1]):
        lines = maps_lines(replace(maps, is_running=is_running), (7, 58), palette)
        frames = {
            segment.style.color.get_truecolor()
            for line in lines
            for segment in line
            if "┃" in segment.text and segment.style and segment.style.color
        }
        assert frames == {series}
