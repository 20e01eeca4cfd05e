"""What is said of a run is true: the formulas give PyTorch's numbers, the comparison its own figures."""

import re
from dataclasses import replace
from math import nan, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.views.train_data import Arm, Status, WeightStep
from convtui.views.train_words import (
    SIGNS,
    clock,
    comparison_words,
    momentum_words,
    number,
    status_text,
    weight_lines,
    whole_words,
)

LR, DECAY, BETA2, EPS = 0.03, 0.01, 0.99, 1e-5


def trained(optimizer: str, gradients: list[float], momenta: list[float]) -> WeightStep:
    """The last of some steps of PyTorch's optimiser on one weight."""
    weight = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    made: torch.optim.Optimizer
    if optimizer == "sgd":
        made = torch.optim.SGD([weight], LR, momenta[0], weight_decay=DECAY)
    else:
        made = torch.optim.AdamW([weight], LR, (momenta[0], BETA2), EPS, weight_decay=DECAY)
    key = "momentum_buffer" if optimizer == "sgd" else "exp_avg"
    before = buffer_before = 0.0
    for gradient, momentum in zip(gradients, momenta, strict=True):
        before = weight.item()
        buffer_before = made.state[weight][key].item() if made.state[weight] else 0.0
        group = made.param_groups[0]
        group.update({"momentum": momentum} if optimizer == "sgd" else {"betas": (momentum, BETA2)})
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        made.step()
    state = made.state[weight]
    squares = None if optimizer == "sgd" else state["exp_avg_sq"].item()
    return WeightStep(
        optimizer,
        len(gradients),
        LR,
        momenta[-1],
        BETA2,
        EPS,
        DECAY,
        before,
        gradients[-1],
        state[key].item(),
        squares,
        -LR * DECAY * before,
        weight.item() - before,
        weight.item(),
        buffer_before,
    )


steps = st.lists(
    st.tuples(st.floats(0.001, 2).flatmap(lambda each: st.sampled_from([each, -each])), st.floats(0.5, 0.95)),
    min_size=2,
    max_size=12,
)
optimizers = pytest.mark.parametrize("optimizer", ["sgd", "adamw"])


def computed(numbers: str) -> float:
    """What a line of numbers comes to."""
    text = numbers.replace("−", "-").replace("·", "*").replace("^", "**")
    assert re.fullmatch(r"[-+*/().e\d ]+", text), text
    return float(eval(text))


@optimizers
@settings(deadline=None, max_examples=40)
@given(steps)
def test_the_numbers_put_into_the_formulas_give_the_values_told(
    optimizer: str, given: list[tuple[float, float]]
) -> None:
    weight = trained(optimizer, [each for each, _ in given], [each for _, each in given])
    scale = max(abs(weight.before), abs(weight.buffer), abs(weight.update), abs(weight.gradient))
    checked = 0
    for line in weight_lines(weight):
        if line.numbers:
            assert computed(line.numbers) == pytest.approx(line.value, rel=2e-2, abs=2e-3 * scale), line
            checked += 1
    assert checked >= 4


@settings(deadline=None, max_examples=40)
@given(steps)
def test_adamw_is_pytorchs(given: list[tuple[float, float]]) -> None:
    weight = trained("adamw", [each for each, _ in given], [each for _, each in given])
    lines = {line.formula: line.value for line in weight_lines(weight)}
    m, s = lines["m′ = m / (1 − β₁ᵗ)"], lines["s′ = s / (1 − β₂ᵗ)"]
    step = -LR * m / (sqrt(s) + EPS)
    assert lines["−lr·m′ / (√s′ + ε)"] == pytest.approx(step, rel=1e-9, abs=1e-12)
    assert lines["decay + step"] == pytest.approx(step - LR * DECAY * weight.before, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(steps)
def test_sgd_is_pytorchs(given: list[tuple[float, float]]) -> None:
    weight = trained("sgd", [each for each, _ in given], [each for _, each in given])
    lines = {line.formula: line.value for line in weight_lines(weight)}
    assert weight.buffer_before is not None
    expected = weight.momentum * weight.buffer_before + lines["d = g + λ·w"]
    assert lines["v = μ·v + d"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert lines["−lr·v"] == pytest.approx(-LR * lines["v = μ·v + d"], rel=1e-9, abs=1e-12)


@optimizers
def test_a_buffer_that_was_not_seen_keeps_its_name(optimizer: str) -> None:
    weight = replace(trained(optimizer, [0.5, 0.1], [0.9, 0.9]), buffer_before=None)
    (line,) = [line for line in weight_lines(weight) if line.name == "momentum buffer"]
    assert f"({'v' if optimizer == 'sgd' else 'm'})" in line.numbers


def test_momentum_is_said_to_carry_a_weight_on_against_its_gradient() -> None:
    along = trained("sgd", [1.0, 0.5], [0.9, 0.9])
    against = trained("sgd", [1.0, -0.5], [0.9, 0.9])
    assert "down" in momentum_words(along)
    assert "90% of the last buffer" in momentum_words(along)
    assert "momentum carries it on down" in momentum_words(against)
    assert "10% of the average is this gradient" in momentum_words(trained("adamw", [1.0, 0.5], [0.9, 0.9]))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_figure_is_short(value: float) -> None:
    assert len(number(value)) <= 11


# -- the status


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


STATUS = Status("training", "run 12", 7, 390, 1, 5, 71.26, 3.4, 125.0, "words")


def test_a_status_tells_all_where_there_is_room() -> None:
    expected = "run 12 · epoch 1/5 · step   7/390 · 71.3 steps/s · 0:03 · 2:05 left"
    assert status_text(STATUS, 100) == expected


@given(st.integers(0, 390), st.floats(1, 999), st.integers(10, 100))
def test_a_status_keeps_its_width_while_it_counts(step: int, speed: float, width: int) -> None:
    now = replace(STATUS, step=step, speed=speed)
    assert len(status_text(now, width)) == len(status_text(STATUS, width)) <= width


@pytest.mark.parametrize("width", [60, 50, 40, 30, 20, 12])
def test_a_narrow_status_keeps_the_step(width: int) -> None:
    assert "7/390" in status_text(STATUS, width)


@pytest.mark.parametrize(
    ("width", "words"), [(20, "one · two · three"), (12, "one · two"), (8, "one"), (2, "o…")]
)
def test_parts_that_do_not_fit_are_left_out_whole(width: int, words: str) -> None:
    assert whole_words("one · two · three", width) == words


def test_a_status_before_a_run_is_empty() -> None:
    assert status_text(Status("ready"), 80) == ""
    assert set(SIGNS) >= {"ready", "starting", "training", "paused", "stopped", "finished", "failed"}


# -- the comparison

FOUR = (
    Arm("constant", False, 0.1, True),
    Arm("constant", True, 0.9633, True),
    Arm("one-cycle", False, 0.966, True),
    Arm("one-cycle", True, 0.9874, True),
)


def test_a_comparison_tells_its_own_figures() -> None:
    words = [f"{fact}; {why}" for fact, why in comparison_words(FOUR, 0.06, 10)]
    assert words == [
        "Constant 0.06: stuck at 10.00%; as usual: its first steps threw it off",
        "Constant with batch norm 0.06: 96.33%; it bears that rate from the start",
        "One-cycle 0.06: 96.60%; warmed up first, it bears that rate too",
        "One-cycle with batch norm 0.06: 98.74%; the best of the four, as usual",
    ]


def test_only_finished_runs_are_spoken_of() -> None:
    under_way = (FOUR[0], replace(FOUR[1], is_finished=False), *FOUR[2:])
    words = comparison_words(under_way, 0.06, 10)
    assert len(words) == 3
    assert words[-1][1] == "usually the best of the four"
    assert (
        "one after another"
        in comparison_words(tuple(Arm(each.schedule, each.batch_norm) for each in FOUR), 0.06, 10)[0][0]
    )


def test_a_run_against_the_rule_is_told_as_it_was() -> None:
    other = (replace(FOUR[0], accuracy=0.87), FOUR[1], replace(FOUR[2], accuracy=0.1), FOUR[3])
    words = dict(comparison_words(other, 0.06, 10))
    assert words["Constant 0.06: 87.00%"] == "usually it gets stuck"
    assert words["One-cycle 0.06: stuck at 10.00%"] == "usually it learns"
    worse = (*FOUR[:3], replace(FOUR[3], accuracy=0.95))
    assert comparison_words(worse, 0.06, 10)[-1][1] == "usually the best of the four"


def test_a_loss_that_is_no_number_is_no_trouble() -> None:
    weight = replace(trained("adamw", [0.5], [0.9]), gradient=nan, buffer=nan, squares=nan, update=nan)
    assert [line.name for line in weight_lines(weight)][-1] == "weight after"
    assert momentum_words(weight)


def test_stuck_is_what_is_hardly_better_than_guessing_among_so_many_classes() -> None:
    halfway = (Arm("constant", False, 0.55, True), *FOUR[1:])
    assert "stuck at 55.00%" in comparison_words(halfway, 0.06, 2)[0][0]
    assert "stuck" not in comparison_words(halfway, 0.06, 10)[0][0]
    few = (Arm("constant", False, 0.4, True), *FOUR[1:])
    assert "stuck" not in comparison_words(few, 0.06, 100)[0][0]


def test_a_comparison_that_was_stopped_says_so() -> None:
    words = comparison_words(FOUR[:2], 0.06, 10)
    assert [fact for fact, _ in words][2:] == ["Stopped before all four were run"]
    assert "Stopped" in comparison_words(FOUR[:1], 0.06, 10)[-1][0]
