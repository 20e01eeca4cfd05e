"""The one convolution computes what PyTorch computes, in bands of any size and in either order of adding."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine import cross_correlation as module
from convtui.engine.convolution import Convolution
from convtui.engine.cross_correlation import cross_correlation
from convtui.engine.spec import PADDING_MODES, ConvSpec, Floats
from tests.engine.cases import Case, legal_cases

BANDS = [1, 7, 50, 400, 2**19]


def correlated(case: Case, images: Floats, in_order: bool = False, band: int = 2**19) -> Floats:
    """The case's convolution of a mini-batch, in bands of so many numbers."""
    spec = case.convolution.spec
    axes = spec.axes(*images.shape[2:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_PATCHES", band)
        patch.setattr(module, "MOST_PRODUCTS", band)
        return cross_correlation(images, case.weight, case.bias, axes, spec.groups, in_order=in_order)


def batch_of(case: Case, images: int) -> Floats:
    return np.random.default_rng(5).standard_normal((images, *case.image.shape))


@settings(max_examples=200)
@given(legal_cases(), st.integers(1, 4), st.booleans(), st.sampled_from(BANDS))
def test_a_mini_batch_is_that_of_torch(case: Case, images: int, in_order: bool, band: int) -> None:
    batch = batch_of(case, images)
    output = correlated(case, batch, in_order, band)
    for ours, image in zip(output, batch, strict=True):
        expected = case.computed_by_torch(torch.tensor(image)).detach().numpy()
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)


@given(legal_cases(), st.integers(1, 4), st.sampled_from(BANDS))
def test_bands_do_not_show(case: Case, images: int, band: int) -> None:
    batch = batch_of(case, images)
    in_order = correlated(case, batch, in_order=True)
    np.testing.assert_array_equal(correlated(case, batch, in_order=True, band=band), in_order)
    np.testing.assert_allclose(correlated(case, batch, band=band), in_order, rtol=0, atol=1e-12)


def summed_if(few: int, case: Case, batch: Floats, band: int) -> Floats:
    """In order, one sum after another if there are fewer than so many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW_SUMS", few)
        patch.setattr(module, "MOST_AT_ONCE", band)
        return correlated(case, batch, in_order=True)


@given(legal_cases(), st.integers(1, 3), st.sampled_from([1, 50, 2**17]))
def test_sums_are_the_same_together_and_one_after_another(case: Case, images: int, band: int) -> None:
    batch = batch_of(case, images)
    together, one_by_one = (summed_if(few, case, batch, band) for few in (0, 2**60))
    np.testing.assert_array_equal(one_by_one, together)


@given(legal_cases(), st.data(), st.sampled_from(BANDS))
def test_picked_cells_are_those_of_the_whole(case: Case, data: st.DataObject, band: int) -> None:
    spec, batch = case.convolution.spec, batch_of(case, 2)
    down, across = spec.axes(*batch.shape[2:])
    rows = np.array(data.draw(st.lists(st.integers(0, down.output - 1), max_size=6)), dtype=np.intp)
    columns = np.arange(across.output)[data.draw(st.slices(across.output))]
    picked = [
        cross_correlation(
            batch, case.weight, case.bias, (down, across), spec.groups,
            rows=rows, columns=columns, in_order=in_order,
        )
        for in_order in (True, False)
    ]  # fmt: skip
    whole = correlated(case, batch, in_order=True, band=band)[:, :, rows][..., columns]
    np.testing.assert_array_equal(picked[0], whole)
    np.testing.assert_allclose(picked[1], whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize(
    ("channels", "filters", "size", "parameters"),
    [
        (3, 64, 7, {"stride": 2, "padding": 3}),
        (16, 32, 3, {"padding": 1}),
        (16, 64, 1, {}),
        (16, 64, 1, {"stride": 2}),
        (16, 16, 3, {"padding": 1, "groups": 16}),
        (16, 48, 3, {"padding": ((2, 0), (1, 3)), "groups": 16}),
        (8, 12, (3, 5), {"padding": "same", "dilation": (2, 1), "groups": 4}),
        (4, 8, 3, {"stride": (1, 3), "padding": (4, 0), "dilation": 4}),
    ],
)
def test_layers_as_networks_have_them(
    channels: int, filters: int, size: int | tuple[int, int], parameters: dict[str, object], mode: str
) -> None:
    random = np.random.default_rng(3)
    groups = int(str(parameters.get("groups", 1)))
    kernel = size if isinstance(size, tuple) else (size, size)
    image = random.standard_normal((channels, 19, 23))
    weight = random.standard_normal((filters, channels // groups, *kernel))
    case = Case(
        image, weight, random.standard_normal(filters), {"padding": 0} | parameters | {"padding_mode": mode}
    )
    expected = case.computed_by_torch().detach().numpy()
    for band in 1, 3000, 2**19:
        for in_order in True, False:
            output = correlated(case, image[None], in_order, band)[0]
            np.testing.assert_allclose(output, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("in_order", [True, False])
def test_beside_the_output_only_a_band_is_held(in_order: bool) -> None:
    spec = ConvSpec(7, padding=3)
    image, weight = np.ones((1, 3, 512, 512)), np.ones((2, 3, 7, 7))
    tracemalloc.start()
    try:
        output = cross_correlation(image, weight, None, spec.axes(512, 512), in_order=in_order)
        held = tracemalloc.get_traced_memory()[1] - output.nbytes
    finally:
        tracemalloc.stop()
    windows = 147 * 512 * 512 * 8
    assert held < 2 * module.MOST_PATCHES * 8 < windows / 30
    assert output[0, 0, 256, 256] == 147


def test_padding_that_is_never_read_costs_nothing() -> None:
    far = 2**20
    convolution = Convolution(np.full((1, 1, 1), 2.0), np.full((5, 1, 1, 1), 3.0), padding=far, stride=far)
    assert convolution.output[:, 1, 1].tolist() == [6.0] * 5
    assert convolution.output.sum() == 30.0


def test_a_large_output_is_a_steps_but_for_rounding() -> None:
    random = np.random.default_rng(0)
    convolution = Convolution(random.random((8, 40, 40)), random.random((16, 8, 3, 3)), random.random(16))
    assert convolution.size * 72 > 2**20
    for at in (0, 0, 0), (7, 20, 3), (15, 37, 37):
        value = convolution.step(*at).value
        assert convolution.output[at] == pytest.approx(value, rel=1e-14)
        assert convolution.block(at[0], [at[1]], [at[2]]) == value
