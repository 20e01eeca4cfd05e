"""What the Matrix page says about a cell, a row and the whole matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.session import Session
from convtui.views.matrix_grids import Pointed, matrix_in, upright
from convtui.views.matrix_words import figures, matrix_hint, pointed_words, row_words, wrapped
from tests.example_sessions import counting, lesson, own, session_on, sessions


def test_a_weight_its_pixel_and_its_output_cell() -> None:
    words = pointed_words(lesson(), Pointed(130, 103))
    assert words.startswith("M[130, 103] = weight[0, 0, 0, 2] = -1 · image[0, 3, 19] -> output[0, 4, 18]")


def test_the_product_is_left_out_where_there_is_no_room() -> None:
    full, short = (pointed_words(lesson(), Pointed(130, 103), room) for room in (120, 80))
    assert full == f"{short}:  -1 · 0 = 0"


def test_an_untrainable_zero() -> None:
    words = pointed_words(lesson(), Pointed(130, 0))
    assert words.startswith("M[130, 0], an untrainable zero: this window never reads that pixel")
    assert words.endswith("image[0, 0, 0]")


def test_a_weight_that_only_happens_to_be_0() -> None:
    words = pointed_words(lesson(), Pointed(130, 130))
    assert "weight[0, 0, 1, 1] = 0 (trainable" in words


def test_the_transposed_matrix_has_its_indices_the_other_way_round() -> None:
    words = pointed_words(lesson().with_view(transposed=True), Pointed(130, 103))
    assert words == "Mᵀ[103, 130] = weight[0, 0, 0, 2] = -1 · output[0, 4, 18] -> image[0, 3, 19]"


def test_several_weights_of_one_pixel_are_added() -> None:
    session = own(
        [[[[1.0, 2.0, 3.0]]]], counting(rows=1, columns=3), padding=(0, 1), padding_mode="replicate"
    )
    assert "weight[0, 0, 0, 0] + weight[0, 0, 0, 1] = 3 · image[0, 0, 0]" in pointed_words(
        session, Pointed(0, 0)
    )


def test_padding_as_a_column_says_what_it_holds() -> None:
    zeros = lesson().with_view(with_padding=True)
    assert "padding[0, -1, -1] (zero)" in pointed_words(zeros, Pointed(0, 0))
    circular = lesson(padding_mode="circular").with_view(with_padding=True)
    assert "padding[0, -1, -1] (image[0, 27, 27])" in pointed_words(circular, Pointed(0, 0))


@given(sessions(), st.data())
def test_words_for_any_cell_of_any_matrix(session: Session, data: st.DataObject) -> None:
    drawn = {name: data.draw(st.booleans()) for name in ("with_padding", "transposed")}
    session = session.with_view(**drawn)
    matrix = upright(matrix_in(session))
    i, j = data.draw(st.integers(0, matrix.shape[0] - 1)), data.draw(st.integers(0, matrix.shape[1] - 1))
    words = pointed_words(session, Pointed(i, j))
    assert ("untrainable" in words) == (not matrix.kernel_entry(i, j))


def test_a_row_times_the_image_is_an_output_cell() -> None:
    session = session_on(counting(), bias=[1.0]).at(4)
    value = session.convolution.output[0, 1, 1]
    assert row_words(session) == f"row 4 · x + bias 1 = output[0, 1, 1] = {value:g}"


def test_a_row_at_the_border_says_where_its_other_weights_are() -> None:
    assert "(4 of 9 weights: the others lie over the padding)" in row_words(lesson())
    assert "weights" not in row_words(lesson(padding_mode="reflect"))


def test_a_column_of_the_transposed_matrix() -> None:
    words = row_words(lesson().at(130).with_view(transposed=True))
    assert words.startswith("column 130 spreads output[0, 4, 18] over 9 pixels")


@pytest.mark.parametrize("width", [30, 45, 80, 120])
def test_the_figures(width: int) -> None:
    size, parameters, unread = figures(lesson(), width)
    assert "784 x 784" in size or "784 rows" in size
    assert "1.09 %" in size
    assert "9" in parameters
    assert "614,656" in parameters
    assert unread.startswith("all-zero columns")
    assert ": 0" in unread


def test_the_biases_are_parameters_too_and_a_dense_layer_has_one_for_each_output() -> None:
    _, parameters, _ = figures(session_on(counting(), "edges", bias=[0.5] * 4), 120)
    assert "free parameters: 40 (36 weights + 4 biases)" in parameters
    assert f"would have {36 * 25 + 36}" in parameters


def test_pixels_never_read_are_counted() -> None:
    session = session_on("digit-8x8-3", stride=3)
    _, _, unread = figures(session, 120)
    assert unread == "all-zero columns: 28 (pixels that no window reads)"
    _, _, transposed = figures(session.with_view(transposed=True), 120)
    assert transposed.startswith("all-zero rows: 28")


def test_the_figures_are_those_of_the_matrix() -> None:
    session = session_on("colours-12x12", stride=2)
    dense = session.convolution.weight_matrix.toarray()
    size, *_ = figures(session, 120)
    assert f"{dense.shape[0]} rows" in size
    assert f"{dense.shape[1]} columns" in size
    nonzeros = np.count_nonzero(
        own(np.ones((1, 3, 3, 3)), session.picture, stride=2).convolution.weight_matrix.toarray()
    )
    assert f": {nonzeros:,} nonzeros" in size


@pytest.mark.parametrize("width", [28, 45, 80])
@pytest.mark.parametrize("flag", ["", "by_entry", "transposed"])
def test_the_sentence_of_the_matrix_fits(flag: str, width: int) -> None:
    session = lesson().with_view(**({flag: True} if flag else {}))
    assert len(matrix_hint(session, width)) <= width


def test_what_is_longer_than_its_lines_ends_in_dots() -> None:
    assert wrapped("one two three four", 9, 1) == ["one two …"]
    assert wrapped("one two three four", 9, 3) == ["one two", "three", "four"]
