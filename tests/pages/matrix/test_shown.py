"""The matrix that is drawn is that of the operation, and a step goes along one of its lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.pages.matrix.shown import Pointed, is_mean, shown_in, tap_pointed
from convtui.state.session import Session
from tests.support.example_sessions import counting, lesson, own, session_on, sessions
from tests.support.operations import operation_sessions, stepping

any_session = st.one_of(sessions(), operation_sessions())


@settings(deadline=None)
@given(operation_sessions())
def test_the_matrix_times_the_image_is_the_output(session: Session) -> None:
    shown = shown_in(session)
    operation = shown.operation
    product = shown.standing.matvec(shown.inputs.values(range(shown.inputs.size)))
    bias = None if isinstance(operation, Pooling) else operation.bias
    biases = 0.0 if bias is None else bias.repeat(operation.size // len(bias))
    expected = operation.output.ravel()
    product = np.where(np.isfinite(expected), product + biases, expected)
    np.testing.assert_allclose(product, expected, rtol=1e-9, atol=1e-9)
    turned = shown_in(session.with_view(transposed=True))
    np.testing.assert_array_equal(turned.matrix.toarray(), shown.matrix.toarray().T)


@settings(deadline=None)
@given(any_session, st.booleans(), st.data())
def test_a_cell_is_where_the_line_of_a_step_is(
    session: Session, transposed: bool, data: st.DataObject
) -> None:
    shown = shown_in(session.with_view(transposed=transposed))
    assert shown.steps == session.size
    index, across = (data.draw(st.integers(0, size - 1)) for size in (shown.steps, shown.across))
    pointed = shown.at(index, across)
    assert shown.has(pointed)
    assert (shown.index_of(pointed), shown.across_of(pointed)) == (index, across)
    row, column = shown.cell_of(pointed)
    assert shown.pointed_at((row, column)) == pointed
    assert (row if shown.is_by_row else column) == index
    assert shown.line_name == ("row" if shown.is_by_row else "column")
    line = shown.matrix.row(index) if shown.is_by_row else shown.matrix.column(index)
    np.testing.assert_array_equal(shown.line(index).indices, line.indices)
    rows, columns = shown.standing.shape
    assert not shown.has(Pointed(rows, 0))
    assert not shown.has(Pointed(0, columns))


@settings(deadline=None)
@given(any_session, st.booleans())
def test_each_tap_is_a_cell_with_its_entry(session: Session, with_padding: bool) -> None:
    """Together they are the line of the step; those on padding, between pixels or cut off are none of it."""
    session = session.with_view(with_padding=with_padding)
    shown = shown_in(session)
    pointed = [tap_pointed(session.at(session.index, taps)) for taps in range(session.products + 1)]
    assert pointed[0] is None
    cells = [each for each in pointed if each]
    assert all(shown.index_of(each) == session.index for each in cells)
    assert sorted({shown.across_of(each) for each in cells}) == shown.line(session.index).indices.tolist()
    step = session.operation.step(session.index)
    for taps, each in enumerate(pointed[1:]):
        if each is None:
            continue
        if not isinstance(step, Scatter):
            assert step.window.ravel()[taps] == shown.inputs.values([each.input])[0]
        if not isinstance(step, PoolStep):
            assert not isinstance(shown.operation, Pooling)
            weights = shown.operation.weight.take(shown.standing.entries_at(each.output, each.input))
            assert step.weights.ravel()[taps] in weights


def test_which_operation_has_the_matrix() -> None:
    scattering = stepping(lesson(), "convtranspose s2", "scatter")
    gathering = scattering.with_way("gather")
    for session, is_by_input in ((scattering, True), (gathering, False)):
        shown = shown_in(session)
        assert isinstance(shown.operation, TransposedConvolution)
        assert (shown.name, shown.is_by_input, shown.is_by_row) == ("M", is_by_input, not is_by_input)
        assert shown.standing.shape == (3249, 784)
    assert is_mean(shown_in(stepping(lesson(), "avgpool 2")).operation)
    assert not is_mean(shown_in(stepping(lesson(), "maxpool 2")).operation)


def test_only_a_convolution_has_its_padding_as_columns() -> None:
    padded = lesson().with_view(with_padding=True)
    assert shown_in(padded).has_padding
    assert not shown_in(stepping(padded, "avgpool 2 p1")).has_padding
    assert shown_in(padded) is shown_in(padded)


@pytest.mark.parametrize("way", ["scatter", "gather"])
def test_the_matrix_by_hand(way: str) -> None:
    session = own([[[[1.0, 2.0, 3.0]]]], counting(rows=1, columns=2), padding=(0, 1))
    session = stepping(session, "convtranspose 1x3 1 s2", way)
    assert shown_in(session).matrix.toarray().tolist() == [[1, 0], [2, 0], [3, 1], [0, 2], [0, 3]]


def test_a_digit_is_pooled_by_its_own_matrix() -> None:
    one, other = (stepping(session_on(name), "maxpool 2") for name in ("digit-8x8-3", "digit-8x8-0"))
    assert (shown_in(one).matrix.toarray() != shown_in(other).matrix.toarray()).any()
    means = [shown_in(stepping(session_on(name), "avgpool 2")) for name in ("digit-8x8-3", "digit-8x8-0")]
    assert (means[0].matrix.toarray() == means[1].matrix.toarray()).all()
