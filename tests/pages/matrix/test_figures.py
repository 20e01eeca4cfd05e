"""The grids of the Matrix page show one cell of the matrix in all places where it occurs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.pooling import Pooling
from convtui.inputs.samples import open_image
from convtui.pages.base.step_grids import frame_of, pixel_at, window_size
from convtui.pages.matrix.cells import NamedKernelCells
from convtui.pages.matrix.figures import MatrixGrids, bias_of, frame_size, matrix_grids, reach_of
from convtui.pages.matrix.layout import MatrixPlan, planned
from convtui.pages.matrix.shown import Pointed, is_mean, shown_in, tap_pointed
from convtui.paint.cells import TableCells
from convtui.state.session import Session
from tests.support.example_sessions import lesson, session_on, sessions
from tests.support.operations import operation_sessions, stepping

any_session = st.one_of(sessions(), operation_sessions())


def plan_of(session: Session) -> MatrixPlan:
    shown = shown_in(session)
    return planned(
        (40, 120),
        frame_size(session.operation),
        window_size(session),
        shown.matrix.shape,
        reach_of(shown),
        None,
        True,
        bias_of(shown.operation) is not None and not session.view.transposed,
        0,
    )


def grids_of(session: Session, pointed: Pointed | None = None) -> MatrixGrids:
    return matrix_grids(session, pointed, plan_of(session), pointed is not None)


@settings(deadline=None)
@given(any_session, st.booleans(), st.booleans(), st.data())
def test_a_cell_pointed_at_is_in_every_grid(
    session: Session, transposed: bool, by_entry: bool, data: st.DataObject
) -> None:
    session = session.with_view(transposed=transposed, by_entry=by_entry)
    shown = shown_in(session)
    outputs, inputs = shown.standing.shape
    pointed = Pointed(data.draw(st.integers(0, outputs - 1)), data.draw(st.integers(0, inputs - 1)))
    grids = grids_of(session, pointed)
    row, column = shown.cell_of(pointed)
    assert grids.matrix.focus == (row, column)
    assert grids.matrix.kept == (range(row, row + 1), range(column, column + 1))
    channel, *pixel = (int(at[0]) for at in shown.inputs.positions([pointed.input]))
    if grids.image.focus is not None:
        assert pixel_at(frame_of(session.operation), grids.image.focus) == tuple(pixel)
    entries = shown.standing.entries_at(pointed.output, pointed.input)
    if not entries:
        return
    assert grids.kernel.focus
    cells = grids.kernel.cells
    assert isinstance(cells, TableCells)
    value = cells.values[grids.kernel.focus]
    if not isinstance(shown.operation, Pooling):
        assert value == shown.operation.weight.ravel()[entries[0]]
    elif is_mean(shown.operation):
        assert value == shown.standing.block([pointed.output], [pointed.input]).values[0, 0]
    else:
        assert value == shown.inputs.image[(channel, *pixel)]
    if by_entry:
        assert isinstance(cells, NamedKernelCells)
        assert cells.entries[grids.kernel.focus] == entries[0]


@settings(deadline=None)
@given(any_session, st.booleans())
def test_the_vectors_are_those_of_the_product(session: Session, transposed: bool) -> None:
    session = session.finished().with_view(transposed=transposed)
    shown = shown_in(session)
    grids = grids_of(session)
    above, beside = grids.across.cells, grids.result.cells
    assert (above.columns, beside.rows) == shown.matrix.shape[::-1]
    output = shown.operation.output.ravel()
    image = shown.inputs.values(range(shown.inputs.size))
    x, y = (output, shown.standing.rmatvec(np.where(np.isfinite(output), output, 0.0))), (image, output)
    for cells, expected in zip((above, beside), x if transposed else y, strict=True):
        along = cells.values_at(range(len(expected)))  # type: ignore[attr-defined]
        np.testing.assert_allclose(along, expected, rtol=1e-9, atol=1e-9 * float(np.abs(image).max() + 1))


@settings(deadline=None)
@given(any_session)
def test_a_row_reaches_no_further_than_said(session: Session) -> None:
    shown = shown_in(session)
    for i in range(shown.standing.shape[0]):
        read = shown.standing.row(i).indices
        if read.size and not (shown.operation is session.convolution and any(map(any, session.spec.pads))):
            assert read[-1] - read[0] < reach_of(shown)


def test_a_line_that_does_not_fit_is_in_view_where_a_tap_is() -> None:
    session = stepping(lesson(), "convtranspose 3x3 1 s2", "scatter").at(300, 9)
    pointed = tap_pointed(session)
    assert pointed
    kept = matrix_grids(session, pointed, plan_of(session), False).matrix.kept
    assert kept == (range(pointed.output, pointed.output + 1), range(300, 301))


def test_what_the_matrix_consists_of_is_in_its_title() -> None:
    digit = session_on(open_image("digit-8x8-3"))
    for layer, title in (
        ("conv", "weight matrix M 36x64 · row 0"),
        ("convtranspose 3x3 1 s2", "weight matrix M 289x64 · column 0"),
        ("avgpool 2", "matrix of shares M 16x64 · row 0"),
        ("maxpool 2", "this image's matrix M 16x64 · row 0"),
    ):
        assert grids_of(stepping(digit, layer)).matrix.title == title
