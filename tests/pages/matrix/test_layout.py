"""The Matrix page's plan: everything on the page, nothing over another, the vectors along the matrix."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from convtui.pages.matrix.layout import MatrixPlan, planned
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, WIDE_NUMBERS
from convtui.state.session import Zoom

lengths = st.integers(1, 40) | st.sampled_from([784, 1_000_000])
shapes = st.tuples(lengths, lengths)
sides = st.integers(1, 11) | st.sampled_from([30, 4096])  # windows of poolings can be large
kernels = st.tuples(sides, sides)


@st.composite
def plans(draw: st.DrawFn) -> tuple[MatrixPlan, tuple[int, int], tuple[int, int]]:
    size = draw(st.integers(20, 60)), draw(st.integers(60, 200))
    matrix = draw(shapes)
    plan = planned(
        size,
        draw(shapes),
        draw(kernels),
        matrix,
        draw(st.integers(1, matrix[1])),
        draw(st.none() | st.sampled_from(Zoom)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 24)),
    )
    return plan, size, matrix


@given(plans())
def test_the_panes_lie_on_the_page_and_not_on_each_other(
    drawn: tuple[MatrixPlan, tuple[int, int], object],
) -> None:
    plan, (height, width), _ = drawn
    page = Region(0, 0, width, height - 2)
    for name, region in plan.regions.items():
        assert page.contains_region(region) or not region, name
    for one, other in combinations(filter(None, plan.regions.values()), 2):
        assert not one.overlaps(other)


@given(plans())
def test_the_vectors_lie_along_the_matrix(drawn: tuple[MatrixPlan, tuple[int, int], tuple[int, int]]) -> None:
    plan, _, (_rows, columns) = drawn
    matrix, across, result = (plan.regions[name] for name in ("matrix", "across", "result"))
    assert across.column_span == matrix.column_span
    assert across.bottom == matrix.y
    assert result.line_span == matrix.line_span
    assert result.width == plan.matrix.width * plan.thickness
    assert matrix.width <= max(columns * plan.matrix.width, 30)
    assert min(plan.in_view) >= 1
    assert plan.regions["words"].height == plan.regions["figures"].height == 3


def plan_of(matrix: tuple[int, int], reach: int, zoom: Zoom | None = None, equations: int = 0) -> MatrixPlan:
    return planned((40, 120), (30, 30), (3, 3), matrix, reach, zoom, True, False, equations)


def test_the_largest_cells_that_fit() -> None:
    assert plan_of((4, 9), 5).matrix == WIDE_NUMBERS
    assert plan_of((4, 15), 5).matrix == NUMBERS
    assert plan_of((9, 25), 13).matrix == BLOCKS
    assert plan_of((784, 784), 59).matrix == HALF_BLOCKS


def test_a_row_with_all_its_weights_is_what_counts_in_a_large_matrix() -> None:
    assert plan_of((784, 784), 30).matrix == BLOCKS
    assert plan_of((10**6, 10**6), 2003).matrix == HALF_BLOCKS


def test_the_zoom_asked_for() -> None:
    assert plan_of((784, 784), 59, Zoom.NUMBERS).matrix in (NUMBERS, WIDE_NUMBERS)
    assert plan_of((4, 9), 5, Zoom.HALF_BLOCKS).matrix == HALF_BLOCKS


def test_letters_need_cells_in_which_they_can_be_read() -> None:
    plan = plan_of((9, 16), 11, equations=9)
    assert plan.matrix in (NUMBERS, WIDE_NUMBERS)
    assert plan.regions["equations"].height == 10
