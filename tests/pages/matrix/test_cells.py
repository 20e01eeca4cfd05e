"""The cells of the Matrix page are those of the matrix, and of the vectors it multiplies and makes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.input_vector import InputVector
from convtui.pages.matrix.cells import (
    VectorCells,
    entry_name,
    input_kinds,
    output_values,
    transposed_product,
    window_place,
)
from convtui.pages.matrix.figures import matrix_cells
from convtui.pages.matrix.shown import Shown, shown_of
from convtui.paint.cells import ABSENT, PADDING, PLAIN, UNUSED
from convtui.paint.colours import DARK, LIGHT
from convtui.paint.matrix_cells import ENTRY_COLOURS, MatrixCells, share, short_share, weight_pixels
from convtui.state.session import Session
from tests.support.example_sessions import counting, lesson, own, session_on, sessions
from tests.support.operations import operation_sessions

flags = st.tuples(st.booleans(), st.booleans())


def whole(cells: MatrixCells | VectorCells) -> tuple[range, range]:
    return range(cells.rows), range(cells.columns)


def shown_as(session: Session, flags: tuple[bool, bool]) -> Shown:
    return shown_of(session.operation, *flags)


def ones(session: Session) -> Session:
    weight = np.ones_like(session.convolution.weight)
    return replace(session, convolution=session.convolution.replaced(weight=weight))


@given(sessions(), flags)
def test_numbers_are_the_matrix_and_dots_its_structural_zeros(
    session: Session, flags: tuple[bool, bool]
) -> None:
    shown = shown_as(session, flags)
    cells = matrix_cells(shown, False, False)
    patch = cells.patch(*whole(cells), DARK)
    assert np.array_equal(patch.values, shown.matrix.toarray())
    assert np.array_equal(patch.kinds == ABSENT, shown_as(ones(session), flags).matrix.toarray() == 0)


@given(sessions(), flags, st.data())
def test_a_part_is_cut_out_of_the_whole(
    session: Session, flags: tuple[bool, bool], data: st.DataObject
) -> None:
    cells = matrix_cells(shown_as(session, flags), True, True)
    top, left = data.draw(st.integers(0, cells.rows - 1)), data.draw(st.integers(0, cells.columns - 1))
    rows, columns = range(top, min(top + 5, cells.rows)), range(left, min(left + 7, cells.columns))
    part, all_of_it = cells.patch(rows, columns, LIGHT), cells.patch(*whole(cells), LIGHT)
    for one, other in ((part.values, all_of_it.values), (part.pixels, all_of_it.pixels)):
        assert np.array_equal(one, other[rows.start : rows.stop, columns.start : columns.stop])


@given(sessions())
def test_a_colour_is_a_kernel_entry(session: Session) -> None:
    shown = shown_as(session, (True, False))
    matrix, cells = shown.matrix, matrix_cells(shown, True, True)
    patch = cells.patch(*whole(cells), DARK)
    for i, j in np.argwhere(patch.kinds != ABSENT).tolist():
        (entry,) = matrix.entries_at(i, j)
        assert patch.values[i, j] == entry
        assert np.array_equal(patch.pixels[i, j], ENTRY_COLOURS[entry % len(ENTRY_COLOURS)])


def test_entries_are_named_by_letters_where_there_are_enough() -> None:
    assert [entry_name(9)(at) for at in (0, 1, 8)] == ["α", "β", "ι"]
    assert entry_name(25)(24) == "#24"
    assert entry_name(9)(0.5) == "α+"


def test_a_pixel_with_several_weights_is_named_after_the_first_and_more() -> None:
    session = own(
        [[[[1.0, 2.0, 3.0]]]], counting(rows=1, columns=3), padding=(0, 1), padding_mode="replicate"
    )
    cells = matrix_cells(shown_as(session, (False, False)), False, True)
    patch = cells.patch(*whole(cells), DARK)
    assert [cells.text(value) for value in patch.values[0, :2]] == ["α+", "γ"]


def test_a_weight_of_0_looks_unlike_no_weight_and_unlike_a_small_one() -> None:
    pixels = weight_pixels(np.array([0.0, 0.01]), 1.0, DARK)
    assert tuple(pixels[0]) not in {tuple(pixels[1]), DARK.background}


@given(sessions(), st.data())
def test_output_values_are_those_of_the_output(session: Session, data: st.DataObject) -> None:
    size = session.size
    cells = np.array(data.draw(st.lists(st.integers(0, size - 1), max_size=20)), dtype=np.intp)
    assert output_values(session.convolution, cells) == pytest.approx(
        session.convolution.output.ravel()[cells]
    )


@given(sessions(), st.booleans())
def test_the_product_beside_the_transposed_matrix(session: Session, with_padding: bool) -> None:
    matrix = shown_as(session, (with_padding, True)).matrix
    product = transposed_product(matrix, session.convolution, range(matrix.shape[0]))
    truth = matrix.matvec(session.convolution.output.ravel())
    assert product == pytest.approx(truth, rel=1e-9, abs=1e-9 * float(np.abs(truth).max() + 1))


def test_input_kinds_tell_padding_and_pixels_never_read() -> None:
    session = session_on("digit-8x8-3", stride=3)
    unread = input_kinds(InputVector.of(session.convolution), range(64)).reshape(8, 8) == UNUSED
    assert unread[6:].all()
    assert unread[:, 6:].all()
    assert not unread[:6, :6].any()
    padded = InputVector.padded(lesson().convolution)
    kinds = input_kinds(padded, range(900)).reshape(30, 30) == PADDING
    assert kinds[[0, -1]].all()
    assert kinds[:, [0, -1]].all()
    assert not kinds[1:-1, 1:-1].any()


def vector(lying: bool, thickness: int = 1, names: str = "") -> VectorCells:
    def values_at(along: range) -> np.ndarray:
        return np.array(along, dtype=float)

    return VectorCells(10, lying, (0.0, 9.0), values_at, whole=True, names=names, thickness=thickness)


@pytest.mark.parametrize("lying", [True, False])
def test_a_vector_lies_or_stands(lying: bool) -> None:
    cells = vector(lying, 2)
    assert (cells.rows, cells.columns) == ((2, 10) if lying else (10, 2))
    along, across = range(3, 6), range(2)
    patch = cells.patch(*((across, along) if lying else (along, across)), DARK)
    assert (patch.values if lying else patch.values.T).tolist() == [[3, 4, 5]] * 2
    assert patch.pixels.shape == (*patch.values.shape, 3)
    assert patch.kinds.shape == patch.values.shape


def test_a_vector_in_letters() -> None:
    cells = vector(True, names="ABCDEFGHJK")
    patch = cells.patch(range(1), range(7, 10), DARK)
    assert [cells.text(value) for value in patch.values[0]] == ["H", "J", "K"]
    assert cells.text(-1.0) == "0"


def test_shares_are_fractions() -> None:
    assert [share(value) for value in (0.25, 1 / 9, 1.0, 0.0, -0.5)] == ["1/4", "1/9", "1", "0", "-1/2"]
    assert short_share(1 / 144) == "1/144"
    assert len(short_share(1 / 12345)) <= 5


def test_places_in_a_window_are_named_by_row_and_column() -> None:
    name = window_place(3)
    assert [name(at) for at in (0, 5, 8)] == ["0,0", "1,2", "2,2"]
    assert window_place(200)(50_199) == "250,…"


@settings(deadline=None)
@given(operation_sessions(), st.booleans(), st.booleans())
def test_the_cells_of_any_operation_are_those_of_its_matrix(
    session: Session, transposed: bool, by_entry: bool
) -> None:
    shown = shown_of(session.operation, False, transposed)
    cells = matrix_cells(shown, by_entry, by_entry)
    patch = cells.patch(*whole(cells), DARK)
    rows, columns = whole(cells)
    block = shown.matrix.block(rows, columns)
    assert np.array_equal(patch.kinds == ABSENT, block.entries < 0)
    assert np.array_equal(patch.values, block.entries if by_entry else block.values)
    assert all(len(cells.text(value)) <= 5 for value in np.unique(patch.values))


@settings(deadline=None)
@given(operation_sessions(), st.data())
def test_output_values_of_any_operation(session: Session, data: st.DataObject) -> None:
    operation = shown_of(session.operation).operation
    cells = data.draw(st.lists(st.integers(0, operation.size - 1), max_size=20))
    values = output_values(operation, np.array(cells, dtype=np.intp))
    assert values == pytest.approx(operation.output.ravel()[cells])


@settings(deadline=None)
@given(operation_sessions())
def test_the_product_beside_any_transposed_matrix(session: Session) -> None:
    shown = shown_of(session.operation, False, True)
    product = transposed_product(shown.matrix, shown.operation, range(shown.matrix.shape[0]))
    output = shown.operation.output.ravel()
    truth = shown.matrix.matvec(np.where(np.isfinite(output), output, 0.0))
    assert product == pytest.approx(truth, rel=1e-9, abs=1e-9 * float(np.abs(truth).max() + 1))


def test_on_which_nothing_has_landed_is_no_value() -> None:
    def kinds_at(along: range) -> np.ndarray:
        return np.where(np.array(along) < 4, PLAIN, ABSENT)

    cells = replace(vector(True), kinds_at=kinds_at)
    patch = cells.patch(range(1), range(3, 5), DARK)
    assert patch.kinds.tolist() == [[PLAIN, ABSENT]]
    assert tuple(patch.pixels[0, 1]) == DARK.uncomputed != tuple(patch.pixels[0, 0])
