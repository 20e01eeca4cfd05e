"""The sums that are written out add up."""

import re
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.convolution import Step
from convtui.pages.step.equation import result_line, sum_line
from convtui.state.session import Session
from tests.support.example_sessions import counting, own, session_on, sessions, stepped_sessions

NUMBER = r"\d+(?:\.\d+)?(?:e[-+]\d\d)?"
SIGNED = rf"-?{NUMBER}"
WIDTHS = st.integers(59, 200)


def terms(text: str) -> list[float]:
    """The numbers of a written sum, with their signs."""
    return [
        float(sign.replace(" ", "") + number) for sign, number in re.findall(rf"([-+] |-|)({NUMBER})", text)
    ]


def agrees(shown: float, value: float, digits: int = 4) -> bool:
    return isclose(shown, value, rel_tol=10.0 ** (1 - digits), abs_tol=0.51 * 10.0**-digits)


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
    return session.step, session.slice, session.taps


@given(places(), WIDTHS)
def test_no_line_is_wider_than_its_room(place: tuple[Step, int, int | None], width: int) -> None:
    step, slice, taps = place
    assert len(sum_line(step, slice, taps, width)) <= width
    assert len(result_line(step, taps, width)) <= width


@given(places())
def test_the_products_written_out_add_up_to_the_sum(place: tuple[Step, int, int | None]) -> None:
    step, slice, taps = place
    line = sum_line(step, slice, taps, 10_000).partition("  ")[2]
    added, _, total = line.rpartition(" = ")
    products = step.products[slice].ravel()
    done = len(products) if taps is None else min(max(taps - slice * len(products), 0), len(products))
    shown = terms(added.removesuffix(" + …"))
    assert all(map(agrees, shown, products[:done]))
    assert len(shown) == max(done, 1)
    assert isclose(float(total), sum(shown), rel_tol=1e-3, abs_tol=1e-4 * (1 + len(shown)))
    assert (" …" in added) == (done < len(products))


@given(places(), WIDTHS)
def test_the_end_of_the_line_is_the_sum_so_far(place: tuple[Step, int, int | None], width: int) -> None:
    step, slice, taps = place
    per_slice = step.products[slice].size
    done = per_slice if taps is None else min(max(taps - slice * per_slice, 0), per_slice)
    expected = step.products[slice].ravel()[:done].sum()
    total = float(sum_line(step, slice, taps, width).rpartition(" = ")[2])
    assert agrees(total, expected), "the total has all its digits, however short the terms"


@pytest.mark.parametrize("taps", [None, 20])
def test_a_cut_sum_shows_its_last_terms_with_their_signs(taps: int | None) -> None:
    weight = np.where(np.arange(25) % 2, -1.5, 0.25).reshape(1, 1, 5, 5)
    step = own(weight, counting(1, 5, 5)).step
    products = step.products.ravel()[:taps]
    for width in range(59, 110):
        line = sum_line(step, 0, taps, width).partition("  ")[2]
        assert line.startswith("… ")
        shown = terms(line.removeprefix("… ").rpartition(" = ")[0])
        assert shown
        np.testing.assert_allclose(shown, products[-len(shown) :], atol=0.006)


@given(sessions())
def test_slices_and_bias_add_up_to_the_output_cell(session: Session) -> None:
    step = session.step
    line = result_line(step, None, 10_000)
    name, *parts = line.removesuffix("   no bias").split(" = ")
    assert name == f"output[{', '.join(map(str, step.position))}]"
    value = session.convolution.output[session.position]
    assert agrees(float(parts[-1]), value)
    if len(parts) > 1:
        added = parts[0].removeprefix("slices ").replace("bias -", "bias - ").replace("+ bias -", "-")
        shown = terms(added.replace("bias ", ""))
        assert isclose(sum(shown), value, rel_tol=1e-3, abs_tol=1e-4 * (1 + len(shown)))
    assert ("bias" in parts[0] or "no bias" not in line) == step.has_bias or len(step.slice_sums) > 1


def test_every_part_of_a_cell_is_written() -> None:
    step = small().step
    assert sum_line(step, 0, None, 79) == "slice 0  0.5 - 2 + 0 + 1.25 = -0.25"
    assert sum_line(step, 1, None, 79) == "slice 1  10 + 0 + 0 - 28 = -18"
    assert result_line(step, None, 79) == "output[0, 0, 0] = slices -0.25 - 18 + bias 0.125 = -18.125"


@pytest.mark.parametrize(
    ("taps", "sum_so_far", "result"),
    [
        (1, "slice 0  0.5 + … = 0.5", "multiply-add 1 of 8:  1 × 0.5 = 0.5,  running sum 0.5"),
        (2, "slice 0  0.5 - 2 + … = -1.5", "multiply-add 2 of 8:  2 × -1 = -2,  running sum -1.5"),
        (
            4,
            "slice 0  0.5 - 2 + 0 + 1.25 = -0.25",
            "multiply-add 4 of 8:  5 × 0.25 = 1.25,  running sum -0.25",
        ),
        (5, "slice 1  10 + … = 10", "multiply-add 5 of 8:  10 × 1 = 10,  running sum 9.75"),
        (8, "slice 1  10 + 0 + 0 - 28 = -18", "output[0, 0, 0] = slices -0.25 - 18 + bias 0.125 = -18.125"),
    ],
)
def test_inside_a_cell_the_sum_grows(taps: int, sum_so_far: str, result: str) -> None:
    session = small().at(0, taps)
    assert sum_line(session.step, session.slice, taps, 79) == sum_so_far
    assert result_line(session.step, taps, 79) == result


def test_before_the_first_multiply_add_the_key_is_named() -> None:
    step = small().step
    assert sum_line(step, 0, 0, 79) == "slice 0  0 + … = 0"
    assert "enter" in result_line(step, 0, 79)


def test_one_slice_needs_no_number_and_no_bias_is_said() -> None:
    session = own([[[[1.0, 2.0]]]], counting())
    assert sum_line(session.step, 0, None, 79) == "sum of products  1 + 4 = 5"
    assert result_line(session.step, None, 79) == "output[0, 0, 0] = 5   no bias"
    biased = session.with_bias_value(0, -0.5)
    assert result_line(biased.step, None, 79) == "output[0, 0, 0] = 5 + bias -0.5 = 4.5"


def test_where_room_is_short_digits_go_first_then_the_first_terms() -> None:
    session = own(np.full((1, 1, 3, 3), 1 / 3), counting(1, 5, 5))
    wide, narrow, least = (sum_line(session.step, 0, None, width) for width in (120, 80, 60))
    assert wide.startswith("sum of products  0.3333 + 0.6667 + 1 + 2 + ")
    assert narrow.startswith("sum of products  0.333 + 0.667 + 1 + 2 + ")
    assert least.startswith("sum of products  … ")
    assert wide.endswith(" = 21")


def test_the_slices_of_a_colour_picture_go_by_their_colours() -> None:
    step, names = session_on("cat-32").at(0).step, ("red", "green", "blue")
    line = result_line(step, None, 100, names)
    assert re.fullmatch(
        rf"output\[0, 0, 0\] = red {SIGNED} \+ green {SIGNED} \+ blue {SIGNED} = {SIGNED}", line
    )
    assert agrees(sum(map(float, re.findall(rf"[a-z] ({SIGNED})", line))), step.value, 3)
    assert sum_line(step, 1, None, 100, names).startswith("green  ")
    assert result_line(step, None, 40, names).startswith("output[0, 0, 0] = 3 slice sums = ")


@given(stepped_sessions(), WIDTHS)
def test_lines_with_names_fit_too(session: Session, width: int) -> None:
    names = ["green"] * len(session.step.slice_sums)
    assert len(result_line(session.step, session.taps, width, names)) <= width
    assert len(sum_line(session.step, session.slice, session.taps, width, names)) <= width
