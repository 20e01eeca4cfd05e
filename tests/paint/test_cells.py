"""Cells have the very numbers of the convolution, a piece at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.spec import PADDING_MODES
from convtui.paint.cells import (
    PADDING,
    PLAIN,
    UNUSED,
    Cells,
    ImageCells,
    OutputCells,
    Patch,
    TableCells,
    whole_pixels,
)
from convtui.paint.colours import DARK, channel_coloured, coloured, diverging, greys
from convtui.state.session import Session
from tests.support.example_sessions import counting, lesson, own, picture_of, session_on, sessions, step_of

NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def whole(cells: Cells) -> Patch:
    return cells.patch(range(cells.rows), range(cells.columns), DARK)


def image_cells(session: Session, channel: int = 0, own_colours: bool = False) -> ImageCells:
    return ImageCells(session.picture, session.convolution.axes, channel, own_colours)


@given(sessions(), st.data())
def test_an_image_is_shown_as_numpy_pads_it(session: Session, data: st.DataObject) -> None:
    pads, mode = session.spec.pads, session.spec.padding_mode
    channel = data.draw(st.integers(0, len(session.picture.pixels) - 1))
    patch = whole(image_cells(session, channel))
    padded = np.pad(session.picture.pixels[channel], pads, NUMPY_MODES[mode])  # type: ignore[call-overload]
    np.testing.assert_array_equal(patch.values, padded)
    inside = np.pad(np.ones_like(session.picture.pixels[0]), pads)
    np.testing.assert_array_equal(patch.kinds == PADDING, inside == 0)


@given(sessions())
def test_unused_are_the_pixels_that_no_step_reads(session: Session) -> None:
    convolution = session.convolution
    cells = image_cells(session)
    read = np.zeros(session.picture.pixels.shape[1:], bool)
    for index in range(convolution.size // convolution.output_shape[0]):
        step = convolution.step(index)
        rows, columns = (sources[sources >= 0] for sources in (step.source_rows, step.source_columns))
        read[np.ix_(rows, columns)] = True
    (top, _), (left, _) = session.spec.pads
    _, height, width = session.picture.pixels.shape
    kinds = whole(cells).kinds[top : top + height, left : left + width]
    np.testing.assert_array_equal(kinds == UNUSED, ~read)
    np.testing.assert_array_equal(kinds == PLAIN, read)


@given(sessions(), st.data())
def test_any_piece_is_a_piece_of_the_whole(session: Session, data: st.DataObject) -> None:
    step = step_of(session)
    table = TableCells(step.window[0], -5.0, 5.0, padding=step.is_padding)
    for cells in (image_cells(session), OutputCells(session.convolution, 0, False), table):
        top, bottom = sorted(data.draw(st.tuples(*[st.integers(0, cells.rows)] * 2)))
        left, right = sorted(data.draw(st.tuples(*[st.integers(0, cells.columns)] * 2)))
        piece, all_of_it = cells.patch(range(top, bottom), range(left, right), DARK), whole(cells)
        for name in ("values", "pixels", "kinds"):
            expected = getattr(all_of_it, name)[top:bottom, left:right]
            np.testing.assert_array_equal(getattr(piece, name), expected)


@given(sessions(), st.data())
def test_an_output_channel_is_the_convolution(session: Session, data: st.DataObject) -> None:
    channel = data.draw(st.integers(0, session.convolution.output_shape[0] - 1))
    cells = OutputCells(session.convolution, channel, False)
    expected = session.convolution.output[channel]
    np.testing.assert_allclose(whole(cells).values, expected, atol=1e-12 * cells.limit, rtol=0)
    assert cells.limit == np.abs(expected).max()
    assert cells.scale == (-cells.limit, cells.limit)


def test_the_scale_of_a_large_output_comes_from_a_sample() -> None:
    pixels = np.random.default_rng(0).random((1, 600, 700))
    convolution = own(np.ones((1, 1, 5, 5)), picture_of(pixels)).convolution
    limit = OutputCells(convolution, 0, False).limit
    largest = np.abs(convolution.output).max()
    assert 0.9 * largest < limit < largest
    # the whole output is added by BLAS, a part of it in order: their last digits may differ
    assert np.isclose(np.abs(convolution.output), limit, rtol=1e-14, atol=0).any()


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_padding_has_a_tint_of_its_own(mode: str) -> None:
    """Zeros are plain padding; what repeats the image is a mixture."""
    patch = whole(image_cells(session_on("count-5x5", padding=2, padding_mode=mode)))
    padding = patch.pixels[patch.kinds == PADDING]
    assert (np.ptp(patch.pixels[patch.kinds != PADDING].astype(int), axis=-1) == 0).all()
    assert (np.ptp(padding.astype(int), axis=-1) > 0).all()
    if mode == "zeros":
        assert (padding == DARK.padding).all()


def test_a_picture_is_shown_in_its_own_colours_or_one_channel_in_that_of_the_channel() -> None:
    session = session_on("colours-12x12")
    pixels = session.picture.pixels
    own_colours = whole(image_cells(session, own_colours=True)).pixels
    np.testing.assert_array_equal(own_colours, np.round(np.moveaxis(pixels, 0, -1) * 255))
    for channel in range(3):
        one = whole(image_cells(session, channel)).pixels
        np.testing.assert_array_equal(one, channel_coloured(greys(pixels[channel], 0, 1), channel))
    grey = session_on("mnist-7")
    np.testing.assert_array_equal(whole(image_cells(grey)).pixels, greys(grey.picture.pixels[0], 0, 1))


def test_signed_images_are_coloured_around_zero() -> None:
    session = session_on(picture_of([[[-1.0, 0.0, 3.0]]]), size=1, kernel="identity")
    cells = image_cells(session)
    assert cells.signed
    assert cells.scale == (-3, 3)
    np.testing.assert_array_equal(whole(cells).pixels, diverging(session.picture.pixels[0], 3.0, DARK))
    assert not image_cells(lesson()).signed


@pytest.mark.parametrize(
    ("pixels", "whole_numbers"),
    [([0, 1], False), ([0, 0.5], False), ([0, 255], True), ([0, 2.5], False), ([-3, 2], True)],
)
def test_whole_numbers_are_those_beyond_black_and_white(pixels: list[float], whole_numbers: bool) -> None:
    assert whole_pixels(picture_of([[pixels]])) == whole_numbers


def test_each_kind_of_cells_writes_its_numbers_in_its_own_way() -> None:
    assert image_cells(lesson()).text(0.5) == "0.50"
    assert image_cells(session_on(counting())).text(25.0) == "25"
    assert OutputCells(session_on(counting()).convolution, 0, True).text(30.0) == "30"
    assert OutputCells(session_on(counting()).convolution, 0, False).text(30.0) == "30.0"
    assert TableCells(np.eye(2), -1.0, 1.0, whole=True).text(-1.0) == "-1"


def test_a_window_shows_what_of_it_is_padding() -> None:
    step = lesson().convolution.step(0)
    patch = whole(TableCells(step.window[0], 0.0, 1.0, padding=step.is_padding))
    np.testing.assert_array_equal(patch.kinds == PADDING, step.is_padding)
    assert (patch.kinds[1:, 1:] == PLAIN).all()
    assert (patch.pixels[step.is_padding] == DARK.padding).all(), "as in the image"


def test_the_scale_decides_between_grey_and_signed() -> None:
    values = np.array([[0.0, 1.0, 4.0]])
    np.testing.assert_array_equal(coloured(values, (0.0, 4.0), DARK), greys(values, 0.0, 4.0))
    np.testing.assert_array_equal(coloured(values, (-4.0, 4.0), DARK), diverging(values, 4.0, DARK))
