"""What the Matrix page says about a cell, a row and the whole matrix."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.pooling import Pooling
from convtui.engine.transposed import Scatter
from convtui.engine.words import counted
from convtui.pages.matrix.labels import figures, matrix_hint, mirror_names, pointed_words, row_words
from convtui.pages.matrix.shown import Pointed, is_mean, shown_in
from convtui.paint.text import DUST
from convtui.state.session import Session
from tests.support.equations_read import assert_adds_up, assert_product, hard_sessions, is_shown, unit_of
from tests.support.example_sessions import counting, lesson, own, session_on, sessions, step_of
from tests.support.operations import operation_sessions, stepping


def test_a_weight_its_pixel_and_its_output_cell() -> None:
    words, *_ = pointed_words(lesson(), Pointed(130, 103))
    assert words.startswith("M[130, 103] = weight[0, 0, 0, 2] = -1 · image[0, 3, 19] -> output[0, 4, 18]")


def test_shorter_sentences_leave_out_what_the_page_says_elsewhere() -> None:
    full, words, _, brief = pointed_words(lesson(), Pointed(130, 103))
    assert full == f"{words}:  -1 · 0 = 0"
    assert brief == "M[130, 103] = weight[0, 0, 0, 2] = -1 · image[0, 3, 19]"


def test_a_structural_zero() -> None:
    words, short = pointed_words(lesson(), Pointed(130, 0))
    assert words.startswith("M[130, 0], a structural zero: this window does not read image[0, 0, 0]")
    assert words.endswith("image[0, 0, 0]")
    assert short == "M[130, 0], a structural zero: image[0, 0, 0] is not read"


def test_a_weight_that_only_happens_to_be_0() -> None:
    words, *_ = pointed_words(lesson(), Pointed(130, 130))
    assert "weight[0, 0, 1, 1] = 0 (trainable" in words


def test_the_transposed_matrix_has_its_indices_the_other_way_round() -> None:
    words, *_ = pointed_words(lesson().with_view(transposed=True), Pointed(130, 103))
    assert words == "Mᵀ[103, 130] = weight[0, 0, 0, 2] = -1 · output[0, 4, 18] -> image[0, 3, 19]"


def test_several_weights_of_one_pixel_are_added() -> None:
    session = own(
        [[[[1.0, 2.0, 3.0]]]], counting(rows=1, columns=3), padding=(0, 1), padding_mode="replicate"
    )
    assert (
        "weight[0, 0, 0, 0] + weight[0, 0, 0, 1] = 3 · image[0, 0, 0]"
        in (pointed_words(session, Pointed(0, 0))[0])
    )


def test_padding_as_a_column_says_what_it_holds() -> None:
    zeros = lesson().with_view(with_padding=True)
    assert "padding[0, -1, -1] (zero)" in pointed_words(zeros, Pointed(0, 0))[0]
    circular = lesson(padding_mode="circular").with_view(with_padding=True)
    assert "padding[0, -1, -1] (image[0, 27, 27])" in pointed_words(circular, Pointed(0, 0))[0]


@given(sessions(), st.data())
def test_words_for_any_cell_of_any_matrix(session: Session, data: st.DataObject) -> None:
    drawn = {name: data.draw(st.booleans()) for name in ("with_padding", "transposed")}
    session = session.with_view(**drawn)
    matrix = shown_in(session).standing
    i, j = data.draw(st.integers(0, matrix.shape[0] - 1)), data.draw(st.integers(0, matrix.shape[1] - 1))
    for words in pointed_words(session, Pointed(i, j)):
        assert ("structural zero" in words) == (not matrix.entries_at(i, j))


def test_a_row_times_the_image_is_an_output_cell() -> None:
    session = session_on(counting(), bias=[1.0]).at(4)
    assert row_words(session)[0] == "row 4 · x + b = output[0, 1, 1] = 30 + 1 = 31"
    assert row_words(session_on(counting()).at(4))[0] == "row 4 · x = output[0, 1, 1] = 30"


@settings(max_examples=100, deadline=None)
@given(hard_sessions())
def test_a_row_and_its_bias_add_up_in_the_digits_shown(session: Session) -> None:
    step = step_of(session)
    *sums, without_sum, shortest = row_words(session)
    for words in (*sums, without_sum, shortest):
        shown = words.partition("  (")[0].partition("] = ")[2]
        largest = Decimal(max(np.abs(step.products).max(), 1e-300))
        if not step.has_bias or words not in sums:
            miss = abs(Decimal(shown) - Decimal(step.value))
            assert miss <= unit_of(Decimal(shown)) / 2 + largest * Decimal(DUST)
            continue
        read = assert_adds_up(words, shown, 1000)
        assert abs(read.total - Decimal(step.value)) <= read.unit / 2 + largest * 2 * Decimal(DUST)
        assert is_shown(read.terms[1], step.bias, read.unit)


@settings(max_examples=100, deadline=None)
@given(hard_sessions(), st.integers(0, 8), st.booleans())
def test_the_product_of_a_weight_and_its_pixel_is_that_of_the_numbers_shown(
    session: Session, entry: int, with_padding: bool
) -> None:
    session = session.with_view(with_padding=with_padding)
    read = shown_in(session).standing.row(session.index).indices
    pointed = Pointed(session.index, int(read[entry % len(read)]))
    product = pointed_words(session, pointed)[0].partition(":  ")[2]
    assert_product(product)


def test_a_row_at_the_border_says_where_its_other_weights_are() -> None:
    assert "(4 of 9 weights; the others fall on padding)" in row_words(lesson())[0]
    assert "weights" not in row_words(lesson(padding_mode="reflect"))[0]


def test_a_column_of_the_transposed_matrix() -> None:
    words, *_ = row_words(lesson().at(130).with_view(transposed=True))
    assert words.startswith("column 130 spreads output[0, 4, 18] over 9 pixels")


@pytest.mark.parametrize("width", [30, 45, 80, 120])
def test_the_figures(width: int) -> None:
    size, parameters, unread = figures(lesson(), width)
    assert "784 x 784" in size or "784 rows" in size or width < 60
    assert "places" in size
    assert "1.09%" in size
    assert "0.72%" in size
    assert "9" in parameters
    assert "614,656" in parameters
    assert unread.startswith("every pixel is read by a window")


def test_the_biases_are_parameters_too_and_a_dense_layer_has_one_for_each_output() -> None:
    _, parameters, _ = figures(session_on(counting(), "edges", bias=[0.5] * 4), 120)
    assert "free parameters: 40 (36 weights + 4 biases)" in parameters
    assert f"would have {36 * 25 + 36}" in parameters


def test_pixels_never_read_are_counted() -> None:
    session = session_on("digit-8x8-3", stride=3)
    _, _, unread = figures(session, 120)
    assert unread == "columns no window reads: 28; columns that are all zero: 40"
    _, _, transposed = figures(session.with_view(transposed=True), 120)
    assert transposed == "rows no window reads: 28; rows that are all zero: 40"


def test_a_place_of_a_weight_is_not_always_a_nonzero_value() -> None:
    """The kernel of the lesson has weights of 0."""
    size, _, unread = figures(lesson(), 120)
    assert "6,724 places of weights (1.09%), 4,428 nonzero values (0.72%)" in size
    assert unread == "every pixel is read by a window, and no column is all zero"
    size, _, unread = figures(lesson(stride=3, padding=0), 120)
    assert "729 places of weights (1.15%), 486 nonzero values (0.765%)" in size
    assert unread == "columns no window reads: 55; columns that are all zero: 298"


def test_without_a_count_of_nonzero_values_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.engine.matrix.MOST_SUMS", 1)
    size, _, unread = figures(session_on("digit-8x8-3", padding=1, padding_mode="reflect"), 120)
    assert size.endswith("484 places of weights (11.8%)")
    assert "nonzero" not in size
    assert unread == "every pixel is read by a window"


def test_the_figures_are_those_of_the_matrix() -> None:
    session = session_on("colours-12x12", stride=2)
    dense = session.convolution.weight_matrix.toarray()
    size, *_ = figures(session, 120)
    assert f"{dense.shape[0]} rows" in size
    assert f"{dense.shape[1]} columns" in size
    places = np.count_nonzero(
        own(np.ones((1, 3, 3, 3)), session.picture, stride=2).convolution.weight_matrix.toarray()
    )
    assert f": {places:,} places of weights" in size
    assert f" {np.count_nonzero(dense):,} nonzero values" in size


@pytest.mark.parametrize("width", [28, 45, 80])
@pytest.mark.parametrize("flag", ["", "by_entry", "transposed"])
def test_the_sentence_of_the_matrix_fits(flag: str, width: int) -> None:
    session = lesson().with_view(**({flag: True} if flag else {}))
    assert len(matrix_hint(session, width)) <= width


@pytest.mark.parametrize(
    ("session", "says", "says_not"),
    [
        (lesson(), "every row holds the same 9 weights, shifted, minus those on padding", ""),
        (lesson(padding=0), "every row holds the same 9 weights, shifted; dots", "padding"),
        (lesson(padding_mode="reflect"), "shifted, summed where the padding repeats a pixel", "minus"),
        (lesson().with_view(with_padding=True), "shifted; dots: structural zeros", "minus"),
        (lesson().with_filters(2), "the rows of a channel hold the same 9 weights, shifted, minus", "every"),
        (session_on(counting(), size=5), "the only row holds the kernel's 25 weights", "shifted"),
        (session_on(counting(), size=5), "25 weights", "dots"),
        (session_on(counting(), "edges", size=5, filters=4), "each row: a filter's 25 weights", "same"),
        (
            lesson().with_view(by_entry=True),
            "one colour, one weight: shared weights are diagonals",
            "padding",
        ),
        (lesson().with_filters(2).with_view(by_entry=True), "a weight keeps its colour", "one colour"),
        (session_on(counting(), size=5).with_view(by_entry=True), "a weight keeps its colour", "diagonals"),
        (lesson(padding_mode="replicate").with_view(by_entry=True), "(the first if summed)", "minus"),
        (lesson().with_view(transposed=True), "rows are pixels", "every row"),
    ],
)
def test_the_sentence_of_the_matrix_is_true(session: Session, says: str, says_not: str) -> None:
    hint = matrix_hint(session, 200)
    assert says in hint
    assert not says_not or says_not not in hint


@given(sessions(), st.booleans())
def test_only_rows_that_are_said_to_differ_do(session: Session, with_padding: bool) -> None:
    session = session.with_view(with_padding=with_padding)
    matrix = shown_in(session).matrix
    weights = session.convolution.weight[0].size
    counts = {len(matrix.row(i).indices) for i in range(matrix.shape[0])}
    hint = matrix_hint(session, 200)
    assert (counts == {weights}) == ("minus" not in hint and "summed" not in hint)


def test_a_short_sentence_of_the_matrix_is_true_too() -> None:
    assert matrix_hint(lesson(), 49) == "every row: the same 9 weights, shifted, or fewer"
    assert matrix_hint(lesson(padding=0), 49) == "every row holds the same 9 weights, shifted"


def test_where_there_are_no_dots_none_are_spoken_of() -> None:
    for view in ({}, {"by_entry": True}):
        hint = matrix_hint(lesson().with_view(**view), 200, has_dots=False)
        assert hint.endswith("; empty: structural zeros")


# -- other operations


def turned(way: str = "scatter", layer: str = "convtranspose 3x3 1 s2", **view: bool) -> Session:
    return stepping(lesson(), layer, way).with_view(**view)


@settings(deadline=None)
@given(operation_sessions(), st.booleans(), st.data())
def test_words_for_any_cell_of_any_operation(session: Session, transposed: bool, data: st.DataObject) -> None:
    session = session.with_view(transposed=transposed)
    shown = shown_in(session)
    rows, columns = shown.standing.shape
    pointed = Pointed(data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1)))
    entries = shown.standing.entries_at(pointed.output, pointed.input)
    value = shown.standing.block([pointed.output], [pointed.input]).values[0, 0]
    for words in pointed_words(session, pointed):
        assert words.startswith(f"{shown.name}{list(shown.cell_of(pointed))}")
        assert ("structural zero" in words) == (not entries)
        if isinstance(shown.operation, Pooling) and not is_mean(shown.operation) and entries:
            assert ("the winner" in words) == (value == 1)
            assert ("does not win" in words) == (value == 0)


@settings(deadline=None)
@given(operation_sessions(), st.booleans(), st.booleans(), st.integers(25, 130))
def test_sentences_of_any_operation_fit(
    session: Session, transposed: bool, by_entry: bool, width: int
) -> None:
    session = session.with_view(transposed=transposed, by_entry=by_entry)
    assert len(matrix_hint(session, width)) <= max(width, 36)
    assert len(figures(session, width)) == 3
    words = row_words(session)
    assert sorted(map(len, words), reverse=True) == [len(each) for each in words]
    shown = shown_in(session)
    assert f"{shown.line_name} {session.index}" in words[0]


@settings(deadline=None)
@given(operation_sessions())
def test_an_output_cell_is_told_to_the_digits_shown(session: Session) -> None:
    if session.way == "scatter":
        return
    name = f"output{list(session.position)} = "
    step = session.operation.step(session.index)
    for words in row_words(session):
        _, has_value, rest = words.partition(name)
        assert not isinstance(step, Scatter)
        if has_value and np.isfinite(step.value):
            number = rest.split("  (")[0].split(": ")[0].split(" = ")[-1].split(" ≈ ")[-1]
            shown = Decimal(number.replace(" (rounded)", ""))
            miss = abs(shown - Decimal(step.value))
            assert miss <= unit_of(shown) / 2 + Decimal(abs(step.value)) * Decimal(DUST) + Decimal(DUST)


@settings(deadline=None)
@given(operation_sessions(), st.sampled_from([40, 80, 120]))
def test_the_figures_of_any_operation_are_those_of_its_matrix(session: Session, width: int) -> None:
    shown = shown_in(session)
    array = shown.standing.toarray()
    size, free, _ = figures(session, 200)
    assert f"{array.shape[0]:,} rows (output cells) x {array.shape[1]:,} columns (pixels)" in size
    if isinstance(shown.operation, Pooling):
        filled = int(np.count_nonzero(array))
        noun = "share" if is_mean(shown.operation) else "winner"
        assert f": {counted(filled, noun)}" in size
        assert free.startswith("free parameters: 0 (")
    else:
        bias = shown.operation.bias
        parameters = shown.operation.weight.size + (0 if bias is None else len(bias))
        assert free.startswith(f"free parameters: {parameters:,} (")
    assert all(len(line) <= max(width, 55) for line in figures(session, width))


@settings(deadline=None)
@given(operation_sessions())
def test_columns_of_a_transposed_convolution_are_what_the_hint_says(session: Session) -> None:
    shown = shown_in(session)
    if isinstance(shown.operation, Pooling):
        return
    weights = shown.operation.weight[0].size
    counts = {len(shown.standing.column(j).indices) for j in range(shown.standing.shape[1])}
    hint = matrix_hint(session, 200)
    assert (counts == {weights}) == ("minus those cut off" not in hint)
    assert f"{weights} weight" in hint


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (turned(), "every column holds the same 9 weights, shifted; dots: structural zeros"),
        (turned(layer="convtranspose 3x3 1 s2 p1"), "shifted, minus those cut off"),
        (turned("gather"), "every column holds the same 9 weights, shifted"),
        (turned(transposed=True), "rows are pixels: the convolution's matrix, of which M is the transpose"),
        (turned(by_entry=True), "one colour, one weight: shared weights are diagonals"),
    ],
)
def test_the_sentence_of_a_transposed_convolution(session: Session, says: str) -> None:
    assert says in matrix_hint(session, 200)


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (turned().at(300), "column 300 times image[0, 10, 20] = 0.9922 is added to 9 output cells of y"),
        (
            turned(layer="convtranspose 3x3 1 s2 p1"),
            "is added to 4 output cells of y  (5 of 9 weights are cut off by padding)",
        ),
        (
            turned(transposed=True).at(300),
            "row 300 · y adds up the 9 output cells on which image[0, 10, 20] lands, as the convolution of y",
        ),
        (turned("gather"), "(1 of 9 weights; at the others there is no pixel)"),
        (
            turned("gather", transposed=True).at(301),
            "column 301 spreads output[0, 5, 16] over 2 pixels, with the weights that computed it",
        ),
        (
            turned("gather", "convtranspose 3x3 1 s2 p1 output_padding=1").at(3135),
            "row 3135 · x = output[0, 55, 55] = 0  (1 of 9 weights; at the others there is no pixel)",
        ),
    ],
)
def test_the_line_of_a_step_of_a_transposed_convolution(session: Session, says: str) -> None:
    assert says in row_words(session)[0]


def test_a_row_on_which_no_pixel_lands_is_empty() -> None:
    session = own([[[[1.0]]]], counting(rows=1, columns=2), bias=[0.5])
    session = stepping(session, "convtranspose 1x1 1 s2 output_padding=0x1 bias=true", "gather").at(3)
    assert row_words(session)[0] == "row 3 is empty, as no pixel lands on output[0, 0, 3]: 0 + 0.5 = 0.5"
    _, _, turned = figures(session, 200)
    assert turned.endswith("2 rows on which no pixel lands")


@pytest.mark.parametrize(
    ("session", "pointed", "says"),
    [
        (
            turned(),
            Pointed(1, 0),
            "M[1, 0] = weight[0, 0, 0, 1] = -1 · image[0, 0, 0] -> output[0, 0, 1]:  -1 · 0 = 0",
        ),
        (
            turned(),
            Pointed(9, 0),
            "M[9, 0], a structural zero: image[0, 0, 0] does not land on output[0, 0, 9]",
        ),
        (
            turned(transposed=True),
            Pointed(1, 0),
            "Mᵀ[0, 1] = weight[0, 0, 0, 1] = -1 · output[0, 0, 1] -> image[0, 0, 0]",
        ),
    ],
)
def test_a_cell_of_a_transposed_convolution(session: Session, pointed: Pointed, says: str) -> None:
    assert says in pointed_words(session, pointed)[0]


def test_a_transposed_convolution_is_said_to_be_no_inverse() -> None:
    for width, says in (
        (200, "the transpose of the convolution's 784 x 3,249 matrix, not its inverse"),
        (55, "the convolution's matrix transposed, not inverted"),
        (30, "transposed, not inverted"),
    ):
        assert figures(turned(), width)[2] == says
    assert "784 x 3249" not in figures(turned(transposed=True), 200)[2]
    assert "not M's inverse" in figures(turned(transposed=True), 200)[2]
    assert mirror_names(shown_in(turned())) == ("M", "convolution")
    assert mirror_names(shown_in(turned(transposed=True))) == ("convolution", "M")
    assert mirror_names(shown_in(lesson())) is None
