"""Tables cut words but never figures, and keep the selected row in view."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.train.figures import LayersView, RunsView, WeightView
from convtui.pages.train.tables import (
    bar,
    comparison_lines,
    first_in_view,
    invitation_lines,
    layers_table,
    run_at,
    runs_table,
    status_lines,
    weight_card,
)
from convtui.paint.colours import DARK, accent_on
from convtui.paint.plots import MARKERS
from tests.support.lines import styled, texts
from tests.support.train_views import ARMS, WEIGHT, status, view_of

LAYERS = view_of(LayersView, "layers")
RUNS = view_of(RunsView, "runs")
WEIGHTS = view_of(WeightView, "weight")


@given(st.floats(0, 1), st.integers(1, 40))
def test_a_bar_is_exact_to_an_eighth(share: float, width: int) -> None:
    text = bar(share, width)
    assert len(text) == width
    eighths = sum({char: at for at, char in enumerate(" ▏▎▍▌▋▊▉█")}[char] for char in text)
    assert eighths == round(share * width * 8)


def test_a_bar_of_no_number_is_blank() -> None:
    assert bar(float("nan"), 3) == "   "
    assert bar(float("inf"), 3) == "███"


# -- status


def test_the_status_has_a_bar_of_progress_at_the_right() -> None:
    first, second = texts(status_lines(status(195), (2, 120), DARK))
    assert first.startswith("▶ training  run 12 · epoch 3/5")
    room = len(first) - first.index("█")
    assert first.count("█") == pytest.approx(room / 2, abs=1)
    assert second.rstrip() == "space pauses"


def test_a_failure_stands_out() -> None:
    failed = replace(status(), state="failed", words="killed by signal 9")
    lines = status_lines(failed, (2, 80), DARK)
    accent = accent_on(DARK.background, DARK)
    for text in ("✗ failed", "killed by signal 9"):
        (segment,) = styled(lines, text)
        assert segment.style
        assert segment.style.color
        assert segment.style.color.triplet == accent


def test_an_invitation_is_wrapped_between_words() -> None:
    words = ("space starts a run", "", "the one-cycle policy warms up and cools down again")
    lines = [line.strip() for line in texts(invitation_lines(words, (12, 24), DARK)) if line.strip()]
    assert lines == ["space starts a run", "the one-cycle policy", "warms up and cools", "down again"]


# -- tables


def test_layers_have_their_figures_and_bars() -> None:
    lines = texts(layers_table(LAYERS, (7, 118), DARK))
    assert lines[0].split() == ["layer", "measured", "mean", "std", "near", "zero", "weight", "norm"]
    assert lines[2].startswith("▸ 3  conv 3x3 16 s2 p1  after relu  0.100  1.500")
    assert [line[0] for line in lines] == [" ", " ", "▸", " ", " ", " ", " "]
    assert "███" in lines[5]


@given(st.integers(60, 160))
def test_figures_of_layers_are_never_cut(width: int) -> None:
    for line, layer in zip(texts(layers_table(LAYERS, (7, width), DARK))[1:], LAYERS.layers, strict=False):
        for text in (f"{layer.mean:.3f}", f"{layer.std:.3f}", f"{layer.near_zero:.1%}"):
            assert f" {text} " in f"{line} "


@given(st.integers(60, 160), st.integers(3, 20), st.integers(0, 19))
def test_figures_of_runs_are_never_cut_and_the_selected_one_is_in_view(
    width: int, height: int, selected: int
) -> None:
    lines = texts(runs_table(replace(RUNS, selected=selected), (height, width), DARK))
    shown = [line for line in lines[1:] if line.strip()]
    assert all("98.00%" in line and ("0.0700" in line or width < 80) for line in shown)
    (marked,) = [line for line in shown if line.startswith("▸")]
    assert f" {20 - selected} " in marked


@pytest.mark.parametrize(("width", "words"), [(58, "no BN"), (78, "no BN"), (118, "no batch norm")])
def test_a_narrow_table_tells_runs_apart(width: int, words: str) -> None:
    row = replace(RUNS.rows[0], words="one-cycle 0.06 · no batch norm", short="one-cycle 0.06 · no BN")
    lines = texts(runs_table(replace(RUNS, rows=(row,), selected=0), (2, width), DARK))
    assert f"one-cycle 0.06 · {words} " in lines[1]


def test_runs_whose_curves_are_shown_have_their_marker() -> None:
    lines = texts(runs_table(replace(RUNS, selected=0), (8, 118), DARK))
    assert "".join(line[2] for line in lines[1:5]) == MARKERS
    assert lines[5][2] == " "


def test_a_run_without_an_epoch_has_dashes() -> None:
    row = replace(RUNS.rows[0], accuracy=None, loss=None, state="stopped", epochs=0)
    (line,) = texts(runs_table(replace(RUNS, rows=(row,), selected=0), (2, 118), DARK))[1:]
    assert line.split()[-6:] == ["■", "stopped", "0/5", "–", "–", "0:06"]


def test_a_table_tells_that_there_are_more_rows() -> None:
    for selected, told in ((0, "7 of 20, ↓ more"), (10, "7 of 20, ↑↓ more"), (19, "7 of 20, ↑ more")):
        head, *_ = texts(runs_table(replace(RUNS, selected=selected), (8, 118), DARK))
        assert told in head
    assert "more" not in texts(runs_table(RUNS, (21, 118), DARK))[0]


def test_a_long_recipe_is_cut_before_the_epochs_go() -> None:
    row = replace(
        RUNS.rows[0], words="one-cycle 0.06 · batch norm · " + "channels 8,16,32 · " * 9, short="x" * 90
    )
    head, line = texts(runs_table(replace(RUNS, rows=(row,), selected=0), (2, 118), DARK))
    assert "epochs" in head
    assert " 5/5 " in line
    assert "…" in line


@given(st.integers(0, 50), st.integers(0, 49), st.integers(1, 60))
def test_the_rows_in_view_have_the_selected_one(count: int, selected: int, rows: int) -> None:
    selected = min(selected, max(count - 1, 0))
    first = first_in_view(count, selected, rows)
    assert first <= selected < first + rows
    assert 0 <= first <= max(count - rows, 0)


def test_a_click_is_on_the_run_that_is_drawn_there() -> None:
    view = replace(RUNS, selected=15)
    lines = texts(runs_table(view, (8, 100), DARK))
    for y in range(1, 8):
        cell = run_at(view, (8, 100), y, 0)
        assert cell
        assert f" {view.rows[cell[0]].number} " in lines[y]
    assert run_at(view, (8, 100), 0, 0) is None


# -- a weight


def test_a_card_puts_the_numbers_in_where_there_is_room() -> None:
    roomy, narrow = (texts(weight_card(WEIGHTS, size, DARK)) for size in ((27, 57), (16, 47)))
    assert any("0.87·(0.009) + 0.13·(−0.0023)" in line for line in roomy)
    assert not any("0.87·(0.009)" in line for line in narrow)
    for lines in (roomy, narrow):
        assert not any("…" in line for line in lines)
        assert any(line.startswith("momentum buffer") and line.endswith(" 0.007531") for line in lines)
        assert any(line.startswith("weight after") and line.endswith(" 0.07287") for line in lines)
        assert any("lr 0.0412" in line for line in lines)


def test_values_of_a_card_are_never_cut() -> None:
    awkward = replace(WEIGHT, gradient=-1.2345e-15, buffer=-9.8765e-12, update=-1.11111e-10)
    lines = texts(weight_card(replace(WEIGHTS, weight=awkward), (16, 47), DARK))
    assert any(line.endswith((" −1.234e−15", " −1.235e−15")) for line in lines)


def test_a_card_without_a_step_says_when_there_will_be_one() -> None:
    missing = replace(WEIGHTS, weight=None, missing="shown from the next step on")
    lines = texts(weight_card(missing, (16, 47), DARK))
    assert lines[0].startswith("layer 1, weight [3, 0, 2, 2]")
    assert any("shown from the next step on" in line for line in lines)


# -- the comparison


def test_a_lesson_tells_why_where_there_is_room() -> None:
    view = replace(RUNS, arms=ARMS, peak=0.06, classes=10)
    roomy = texts(comparison_lines(view, (5, 100), DARK))
    assert roomy[0].startswith("● Constant 0.06: 10.00%; it learned nothing")
    narrow = texts(comparison_lines(view, (4, 58), DARK))
    assert [line.strip() for line in narrow] == [
        "● Constant 0.06: 10.00%; it learned nothing.",
        "▲ Constant 0.06, with batch norm: 96.33%.",
        "■ One-cycle 0.06: 96.60%; the schedule +86.60 points.",
        "◆ One-cycle 0.06, with batch norm: 98.74%.",
    ]


def test_bars_of_a_run_that_diverged_are_blank() -> None:
    gone = tuple(replace(each, mean=np.nan, std=np.nan) for each in LAYERS.layers)
    lines = texts(layers_table(replace(LAYERS, layers=gone), (7, 118), DARK))
    assert "nan" in lines[1]


def test_the_accuracy_on_training_images_has_a_column_once_it_is_known() -> None:
    row = replace(RUNS.rows[0], train_accuracy=0.9912)
    head, line = texts(runs_table(replace(RUNS, rows=(row,), selected=0), (2, 118), DARK))
    assert "on training" in head
    assert line.split()[-1] == "99.12%"
    assert "on training" not in texts(runs_table(RUNS, (8, 118), DARK))[0]


def test_an_invitation_ends_with_a_whole_paragraph() -> None:
    words = ("Press space.", "one two three four five", "six seven eight nine ten")
    lines = [line.strip() for line in texts(invitation_lines(words, (4, 20), DARK)) if line.strip()]
    assert " ".join(lines) == "Press space. one two three four five"
