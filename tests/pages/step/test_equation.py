"""The sums that are written out add up."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.convolution import Step
from convtui.pages.step.equation import result_line, sum_line
from convtui.paint.text import DUST
from convtui.state.session import Session
from tests.support.equations_read import (
    SIGNED,
    assert_adds_up,
    assert_product,
    hard_sessions,
    is_shown,
    read_sum,
    unit_of,
)
from tests.support.example_sessions import (
    counting,
    own,
    picture_of,
    session_on,
    sessions,
    step_of,
    stepped_sessions,
)

WIDTHS = st.integers(59, 200)


def small() -> Session:
    """A window of the numbers 1, 2, 4, 5 under the weights of two slices and a bias."""
    weight = [[[[0.5, -1.0], [0.0, 0.25]], [[1.0, 0.0], [0.0, -2.0]]]]
    return own(weight, counting(2, 3, 3), bias=[0.125])


@st.composite
def places(draw: st.DrawFn) -> tuple[Step, int, int | None]:
    """A step, a slice of it, and how many multiply-adds are done."""
    session = draw(sessions())
    session = session.at(
        draw(st.integers(0, session.size)), draw(st.none() | st.integers(0, session.products))
    )
    return step_of(session), session.slice, session.taps


@given(places(), WIDTHS)
def test_no_line_is_wider_than_its_room(place: tuple[Step, int, int | None], width: int) -> None:
    step, slice, taps = place
    assert len(sum_line(step, slice, taps, width)) <= width
    assert len(result_line(step, taps, width)) <= width


def partial(step: Step, slice: int, taps: int | None) -> tuple[list[float], float]:
    """The products of a slice that are done, and what they come to."""
    products = step.products[slice].ravel()
    done = len(products) if taps is None else min(max(taps - slice * len(products), 0), len(products))
    return products[:done].tolist(), float(products[:done].sum())


@settings(max_examples=100, deadline=None)
@given(hard_sessions(), WIDTHS)
def test_the_products_written_out_add_up_to_the_sum(session: Session, width: int) -> None:
    step, slice, taps = step_of(session), session.slice, session.taps
    whole = sum_line(step, slice, taps, width)
    line = whole.partition("  ")[2]
    read = assert_adds_up(whole, line, width)
    products, total = partial(step, slice, taps)
    assert (" …" in line) == (len(products) < step.products[slice].size)
    shown, hidden = list(read.terms), len(products) - len(read.terms) + 1
    if "(first" in line:
        assert f"(first {hidden}) " in line
        assert is_shown(shown.pop(0), sum(products[:hidden]), read.unit)
        products = products[hidden:]
    assert len(shown) == len(products) or shown == [0]
    assert all(is_shown(*each, read.unit) for each in zip(shown, products, strict=False))
    scale = Decimal(DUST) * Decimal(max(np.abs(step.products).max(), 1e-300))
    assert abs(read.total - Decimal(total)) <= read.unit / 2 + 2 * scale


@settings(max_examples=100, deadline=None)
@given(hard_sessions(), WIDTHS, st.booleans())
def test_slices_and_bias_add_up_to_the_output_cell(session: Session, width: int, is_named: bool) -> None:
    step, count = (
        step_of(session),
        len(step_of(session).slice_sums),
    )
    line = result_line(step, None, width, ("red", "green", "blue")[:count] if is_named else ())
    name = f"output[{', '.join(map(str, step.position))}] = "
    assert line.startswith(name)
    sums = line.removeprefix(name)
    value = Decimal(session.convolution.output[session.position])
    scale = Decimal(DUST) * Decimal(max(np.abs(step.products).max(), 1e-300))
    if count == 1 and not step.has_bias:
        shown = Decimal(sums.removesuffix("   no bias"))
        assert abs(shown - value) <= unit_of(shown) / 2 + scale
        return
    if re.match(rf"{count} slice sums (\+ bias )?= ", sums):
        return
    read = assert_adds_up(line, sums, width)
    last_bits = abs(value) * Decimal(2) ** -50  # a tie in decimals is none in float64
    assert abs(read.total - value) <= read.unit / 2 + 2 * scale + last_bits
    assert len(read.terms) == (1 if "slice sums" in sums else count) + step.has_bias


@settings(max_examples=100, deadline=None)
@given(hard_sessions(), st.integers(79, 200))
def test_a_multiply_add_is_a_product_and_a_running_sum(session: Session, width: int) -> None:
    session = session.at(session.index, session.taps or 1)
    step, taps = step_of(session), session.taps
    assert taps
    if taps == session.products:
        return
    line = result_line(step, taps, width)
    head, _, rest = line.partition(":  ")
    assert head == f"multiply-add {taps} of {session.products}"
    product, _, running = rest.partition(",  running sum ")
    assert_product(product)
    scale = Decimal(DUST) * Decimal(max(np.abs(step.products).max(), 1e-300))
    if " = " in running or " ≈ " in running:
        read = assert_adds_up(line, running, width)
        assert read.sign == "=" or read.why
        assert Decimal(product.rpartition(" ")[2]) == read.terms[1], "the product is added as it is shown"
        assert abs(read.total - Decimal(step.running[taps - 1])) <= read.unit / 2 + 2 * scale


@pytest.mark.parametrize(("width", "most"), [(79, 11), (119, 1)])
def test_the_first_lesson_adds_up(width: int, most: int) -> None:
    convolution = session_on("mnist-7").convolution
    lines = [sum_line(convolution.step(at), 0, None, width) for at in range(convolution.size)]
    read = [read_sum(line.partition("  ")[2]) for line in lines]
    assert all(each.adds_up for each in read)
    assert sum(each.sign == "≈" for each in read) <= most
    at = convolution.index(0, 7, 6)
    assert lines[at].endswith("  -1 - 1 - 0.698 + 0 + 0 + 0 + 0.992 + 0.992 + 0.992 = 0.278")


def test_numbers_of_a_million_are_all_written_alike() -> None:
    pixels = np.random.default_rng(0).normal(1e6, 1e5, (1, 5, 5)).round(2)
    session = session_on(picture_of(pixels), "sharpen", padding=1)
    for at in range(session.size):
        for width in (79, 119):
            line = sum_line(session.convolution.step(at), 0, None, width).partition("  ")[2]
            assert "e+" not in line
            read = read_sum(line)
            assert read.adds_up
            assert read.sign == "=" or width < 119
            assert is_shown(read.total, session.convolution.output.flat[at], read.unit)
    large = session_on(picture_of(pixels * 1e3), "sharpen", padding=1).convolution.step(12)
    numbers = read_sum(sum_line(large, 0, None, 119).partition("  ")[2])
    assert numbers.adds_up
    assert sum_line(large, 0, None, 119).count("e+09") == 6, "one exponent for all that are not 0"


def test_small_numbers_keep_their_digits() -> None:
    pixels = np.random.default_rng(0).normal(1e-6, 1e-7, (1, 5, 5))
    step = session_on(picture_of(pixels), "sharpen", padding=1).convolution.step(12)
    read = read_sum(sum_line(step, 0, None, 119).partition("  ")[2])
    assert read.adds_up
    assert read.unit <= Decimal("1e-9")


def test_a_cut_sum_begins_with_the_sum_of_what_is_not_shown() -> None:
    weight = np.where(np.arange(25) % 2, -1.5, 0.25).reshape(1, 1, 5, 5)
    step = own(weight, counting(1, 5, 5)).convolution.step(0)
    assert (
        sum_line(step, 0, None, 79)
        == "sum  (first 18) -114.75 + 4.75 - 30 + 5.25 - 33 + 5.75 - 36 + 6.25 = -191.75"
    )


def test_every_part_of_a_cell_is_written() -> None:
    step = small().convolution.step(0)
    assert sum_line(step, 0, None, 79) == "slice 0  0.5 - 2 + 0 + 1.25 = -0.25"
    assert sum_line(step, 1, None, 79) == "slice 1  10 + 0 + 0 - 28 = -18"
    assert result_line(step, None, 79) == "output[0, 0, 0] = slices -0.25 - 18 + bias 0.125 = -18.125"


@pytest.mark.parametrize(
    ("taps", "sum_so_far", "result"),
    [
        (1, "slice 0  0.5 + … = 0.5", "multiply-add 1 of 8:  1 × 0.5 = 0.5,  running sum 0.5"),
        (2, "slice 0  0.5 - 2 + … = -1.5", "multiply-add 2 of 8:  2 × -1 = -2,  running sum 0.5 - 2 = -1.5"),
        (
            4,
            "slice 0  0.5 - 2 + 0 + 1.25 = -0.25",
            "multiply-add 4 of 8:  5 × 0.25 = 1.25,  running sum -1.5 + 1.25 = -0.25",
        ),
        (5, "slice 1  10 + … = 10", "multiply-add 5 of 8:  10 × 1 = 10,  running sum -0.25 + 10 = 9.75"),
        (8, "slice 1  10 + 0 + 0 - 28 = -18", "output[0, 0, 0] = slices -0.25 - 18 + bias 0.125 = -18.125"),
    ],
)
def test_inside_a_cell_the_sum_grows(taps: int, sum_so_far: str, result: str) -> None:
    session = small().at(0, taps)
    assert sum_line(step_of(session), session.slice, taps, 79) == sum_so_far
    assert result_line(step_of(session), taps, 79) == result


def test_before_the_first_multiply_add_the_key_is_named() -> None:
    step = small().convolution.step(0)
    assert sum_line(step, 0, 0, 79) == "slice 0  0 + … = 0"
    assert "enter" in result_line(step, 0, 79)


def test_one_slice_needs_no_number_and_no_bias_is_said() -> None:
    session = own([[[[1.0, 2.0]]]], counting())
    assert sum_line(step_of(session), 0, None, 79) == "sum of products  1 + 4 = 5"
    assert result_line(step_of(session), None, 79) == "output[0, 0, 0] = 5   no bias"
    biased = session.with_bias_value(0, -0.5)
    assert result_line(step_of(biased), None, 79) == "output[0, 0, 0] = 5 + bias -0.5 = 4.5"


def test_where_room_is_short_digits_go_first_then_the_first_terms() -> None:
    session = own(np.full((1, 1, 3, 3), 1 / 3), counting(1, 5, 5))
    wide, narrow, least = (sum_line(step_of(session), 0, None, width) for width in (120, 80, 60))
    assert wide.startswith("sum of products  0.3333 + 0.6667 + 1 + 2 + ")
    assert narrow.startswith("sum  0.3333 + 0.6667 + 1 + 2 + ")
    assert least.startswith("sum  (first 4) 4 + 2.333 + ")
    assert wide.endswith(" = 21")


def test_the_slices_of_a_colour_picture_go_by_their_colours() -> None:
    step, names = session_on("cat-32").convolution.step(0), ("red", "green", "blue")
    line = result_line(step, None, 100, names)
    assert re.fullmatch(
        rf"output\[0, 0, 0\] = red {SIGNED} \+ green {SIGNED} \+ blue {SIGNED} = {SIGNED}", line
    )
    assert read_sum(line.removeprefix("output[0, 0, 0] = ")).adds_up
    assert sum_line(step, 1, None, 100, names).startswith("green  ")
    assert result_line(step, None, 40, names).startswith("output[0, 0, 0] = 3 slice sums = ")


@given(stepped_sessions(), WIDTHS)
def test_lines_with_names_fit_too(session: Session, width: int) -> None:
    names = ("green",) * len(step_of(session).slice_sums)
    assert len(result_line(step_of(session), session.taps, width, names)) <= width
    assert len(sum_line(step_of(session), session.slice, session.taps, width, names)) <= width


def test_a_small_slice_beside_a_large_one_is_not_0() -> None:
    session = own([[[[0.5]], [[1e7]]]], picture_of(np.array([[[2e15]], [[1e30]]])))
    step = step_of(session)
    assert sum_line(step, 0, None, 80) == "slice 0  1e+15 = 1e+15"
    assert result_line(step, None, 80) == "output[0, 0, 0] = slices 0.0000e+37 + 1e+37 = 1e+37"


def test_the_sum_so_far_is_not_0_because_larger_products_follow() -> None:
    session = own([[[[0.5, 1e7]]]], picture_of(np.array([[[1e15, 1e30]]])))
    assert sum_line(step_of(session), 0, 1, 80) == "sum of products  5e+14 + … = 5e+14"
    assert (
        result_line(step_of(session), 1, 80)
        == "multiply-add 1 of 2:  1e+15 × 0.5 = 5e+14,  running sum 5e+14"
    )


def test_products_that_cancel_but_for_their_last_bits_are_0() -> None:
    session = own([[[[0.1, 0.2, -0.3]]]], picture_of(np.ones((1, 1, 3))))
    assert sum_line(step_of(session), 0, None, 80) == "sum of products  0.1 + 0.2 - 0.3 = 0"
