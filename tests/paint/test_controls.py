"""The line of controls names every setting truly, fits, and can be clicked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from convtui.pages.base.convolution_controls import controls
from convtui.pages.layers.labels import layer_controls
from convtui.pages.step.page import StepPage
from convtui.paint.controls import controls_line
from convtui.state.network import Stack
from convtui.state.session import Session
from tests.support.example_sessions import lesson, session_on, sessions


def clicks(line: Content) -> dict[str, str]:
    """The action of every place that can be clicked, by the text there."""
    found = {}
    for start, end, style in line.spans:
        meta = getattr(style, "meta", None)
        if meta and "@click" in meta:
            found[f"{start} {line.plain[start:end]}"] = meta["@click"]
    return found


@given(sessions(), st.integers(60, 200))
def test_the_line_fits_and_keeps_whole_controls(session: Session, width: int) -> None:
    line = controls_line(controls(session), width)
    assert line.cell_length <= width
    shown = [item for item in controls(session) if f"{item.key} " in line.plain and item.value in line.plain]
    assert len(shown) >= 2


def test_all_settings_of_a_usual_session_are_in_sight() -> None:
    for session in (lesson(), session_on("cat-32", "gaussian-blur", groups=3, padding="same")):
        line = controls_line(controls(session), 120).plain
        assert all(item.value in line for item in controls(session)), line


def test_in_the_narrowest_usual_terminal_the_settings_and_the_kernel_are_in_sight() -> None:
    actions = clicks(controls_line(controls(lesson()), 80)).values()
    for name in ("operation", "stride", "padding", "dilation", "size", "kernel"):
        assert f"screen.{name}(1)" in actions


@pytest.mark.parametrize("width", range(60, 121, 4))
def test_what_is_least_needed_is_left_out_before_any_name_is(width: int) -> None:
    stack = Stack.chosen("simple-cnn", (1, 28, 28))
    for items in (controls(lesson()), layer_controls(stack)):
        line = controls_line(items, width)
        actions = clicks(line).values()
        shown = [item for item in items if f"screen.{item.name}(1)" in actions]
        least = max(item.spare for item in shown)
        assert all(item.spare >= least for item in items if item not in shown)
        for item in shown:
            assert item.is_plain or f"{item.key} {item.label or item.name}" in line.plain


def test_zeros_are_said_to_be_those_of_the_padding() -> None:
    assert "x pad zeros" in controls_line(controls(lesson()), 120).plain
    assert "zeros" not in controls_line(controls(lesson()), 80).plain


def test_a_name_is_cut_only_where_nothing_else_can_go() -> None:
    items = controls(session_on("cat-32", "gaussian-blur", padding="same"))
    assert "n‹gaussian-blur›" in controls_line(items, 80).plain
    assert "n‹gaussia…›" in controls_line(items, 60).plain


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_clicked_steps_down_and_up_or_asks(width: int) -> None:
    line = controls_line(controls(lesson()), width)
    actions = list(clicks(line).values())
    assert "screen.stride(-1)" in actions
    assert "screen.stride(1)" in actions
    assert "screen.type('stride')" in actions
    for action in actions:
        name = action.removeprefix("screen.").partition("(")[0]
        assert hasattr(StepPage, f"action_{name}"), action
