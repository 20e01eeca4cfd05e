"""An update is told in numbers that a reader can compute again, and momentum's part in it in true words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import floor, log10, nan, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.pages.train.figures import WeightStep
from convtui.pages.train.weight import WeightLine, momentum_words, number, weight_lines
from convtui.training.recipe import Recipe
from convtui.training.schedule import schedule

LR, DECAY, BETA2, EPS = 0.03, 0.01, 0.99, 1e-5


def stepped(
    made: torch.optim.Optimizer, weight: torch.Tensor, gradient: float, lr: float, momentum: float, step: int
) -> WeightStep:
    """One more step of PyTorch's optimiser on one weight."""
    is_sgd = isinstance(made, torch.optim.SGD)
    key = "momentum_buffer" if is_sgd else "exp_avg"
    before, state = weight.item(), made.state[weight]
    buffer_before = state[key].item() if state else 0.0
    made.param_groups[0].update({"momentum": momentum} if is_sgd else {"betas": (momentum, BETA2)}, lr=lr)
    weight.grad = torch.tensor([gradient], dtype=weight.dtype)
    made.step()
    return WeightStep(
        "sgd" if is_sgd else "adamw",
        step,
        lr,
        momentum,
        BETA2,
        EPS,
        DECAY,
        before,
        weight.grad.item(),
        state[key].item(),
        None if is_sgd else state["exp_avg_sq"].item(),
        -lr * DECAY * before,
        weight.item() - before,
        weight.item(),
        buffer_before,
    )


def trained(optimizer: str, gradients: list[float], momenta: list[float]) -> WeightStep:
    """The last of some steps of PyTorch's optimiser on one weight."""
    weight = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    made: torch.optim.Optimizer
    if optimizer == "sgd":
        made = torch.optim.SGD([weight], LR, momenta[0], weight_decay=DECAY)
    else:
        made = torch.optim.AdamW([weight], LR, (momenta[0], BETA2), EPS, weight_decay=DECAY)
    made_so = [
        stepped(made, weight, gradient, LR, momentum, at)
        for at, (gradient, momentum) in enumerate(zip(gradients, momenta, strict=True), 1)
    ]
    return made_so[-1]


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


def agrees(line: WeightLine) -> bool:
    """Whether the numbers come to what is shown, rounded to its last digit."""
    shown = line.shown.replace("−", "-")
    mantissa = shown.lstrip("-").partition("e")[0].replace(".", "").lstrip("0")
    value = float(shown)
    unit = 10.0 ** (floor(log10(abs(value))) - max(len(mantissa), 1) + 1) if value else 1e-300
    if len(mantissa) < 4:  # zeros at its end are not written
        unit = 10.0 ** (floor(log10(abs(value))) - 3) if value else 1e-300
    return abs(computed(line.numbers) - value) <= unit / 2 * (1 + 1e-9)


def whole_run(optimizer: str) -> Iterator[WeightStep]:
    """A float32 weight in a run of the usual length, whose gradients become small and turn round often."""
    recipe, chance = Recipe(optimizer=optimizer), np.random.default_rng(0)
    lrs, momenta = schedule(recipe, 390)
    weight = torch.tensor([0.083], requires_grad=True)
    made: torch.optim.Optimizer
    if optimizer == "sgd":
        made = torch.optim.SGD([weight], 0.06, 0.9, weight_decay=DECAY)
    else:
        made = torch.optim.AdamW([weight], 0.06, (0.95, BETA2), EPS, weight_decay=DECAY)
    for at, (lr, momentum) in enumerate(zip(lrs.tolist(), momenta.tolist(), strict=True)):
        yield stepped(made, weight, float(chance.normal(0, 0.5 / (1 + at))), lr, momentum, at + 1)


@optimizers
def test_a_reader_with_a_calculator_agrees_with_every_line_of_a_whole_run(optimizer: str) -> None:
    lines = [line for weight in whole_run(optimizer) for line in weight_lines(weight)]
    told = [line for line in lines if line.numbers]
    assert len(told) >= 390 * 5
    assert [line for line in told if not agrees(line)] == []
    short = [line for line in told if len(line.numbers) > 56]
    assert not short


@optimizers
def test_the_terms_of_a_sum_have_one_precision(optimizer: str) -> None:
    sums = {"w + update", "decay + step"}
    lines = [line for weight in whole_run(optimizer) for line in weight_lines(weight) if line.formula in sums]
    assert len(lines) >= 390
    for line in lines:
        parts = [re.fullmatch(r"−?\d+\.?(\d*)(e−\d+)?", part) for part in re.split(" [+−] ", line.numbers)]
        assert len({(len(part[1]), part[2]) for part in parts if part}) == 1, line


def test_a_line_that_no_digits_make_come_true_says_so() -> None:
    weight = replace(trained("sgd", [0.5, 0.1], [0.9, 0.9]), after=0.7)
    (line,) = [line for line in weight_lines(weight) if line.name == "weight after"]
    assert line.numbers.startswith("≈ ")
    assert line.numbers.endswith(" (float32 rounds)")


@optimizers
@settings(deadline=None, max_examples=40)
@given(steps)
def test_the_numbers_put_into_the_formulas_give_the_values_told(
    optimizer: str, given: list[tuple[float, float]]
) -> None:
    weight = trained(optimizer, [each for each, _ in given], [each for _, each in given])
    checked = [line for line in weight_lines(weight) if line.numbers]
    assert len(checked) >= 5
    for line in checked:
        assert agrees(line), line


def test_terms_that_cancel_have_the_digits_that_they_need() -> None:
    weight = replace(
        trained("adamw", [0.5], [0.9]),
        step=260,
        momentum=0.90874513,
        buffer_before=-0.000546123456,
        gradient=0.005449,
        buffer=0.90874513 * -0.000546123456 + (1 - 0.90874513) * 0.005449,
    )
    (line,) = [line for line in weight_lines(weight) if line.name == "momentum buffer"]
    assert line.numbers.startswith("0.90874")
    assert len(line.shown.partition("e")[0].replace(".", "").lstrip("−0")) == 4
    assert agrees(line)


@optimizers
def test_an_update_that_float32_rounds_away_is_told_all_the_same(optimizer: str) -> None:
    *_, last = whole_run(optimizer)
    last = replace(last, lr=6e-12, decay=-6e-12 * DECAY * last.before, update=0.0, after=last.before)
    lines = {line.name: line for line in weight_lines(last)}
    assert 0 < abs(lines["update"].value) < 1e-10
    assert lines["weight after"].shown == lines["weight before"].shown
    assert "too small to change this float32 weight" in momentum_words(last)
    if optimizer == "adamw":
        assert lines["step"].value * last.buffer < 0


@settings(deadline=None, max_examples=40)
@given(steps)
def test_adamw_is_pytorchs(given: list[tuple[float, float]]) -> None:
    weight = trained("adamw", [each for each, _ in given], [each for _, each in given])
    lines = {line.formula: line.value for line in weight_lines(weight)}
    m, s = lines["m / (1 − β₁ᵗ)"], lines["s / (1 − β₂ᵗ)"]
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
    assert momentum_words(along).startswith("the step goes down: 36% of the buffer is this gradient")
    assert "momentum carries it on down" in momentum_words(against)
    assert "v also carries decay of previous steps" in momentum_words(along)
    adamw = momentum_words(trained("adamw", [1.0, 0.5], [0.9, 0.9]))
    assert adamw.startswith("the step goes down: 36% of the average is this gradient, the rest")


@optimizers
def test_the_first_step_has_nothing_before_it(optimizer: str) -> None:
    words = momentum_words(trained(optimizer, [0.5], [0.9]))
    assert words.startswith("the step goes down, against this gradient")
    assert "alone: nothing was in the buffer before" in words
    assert "%" not in words


def test_what_each_of_gradient_momentum_and_decay_does() -> None:
    start = trained("sgd", [1.0, 0.5], [0.9, 0.9])
    plain = replace(start, weight_decay=0.0, decay=0.0)
    for weight, words in (
        (replace(plain, gradient=0.0, buffer=0.9), "this gradient is 0: momentum alone carries it on down"),
        (replace(plain, gradient=0.0, buffer=0.0), "the buffer is 0: no step is made"),
        (
            replace(plain, gradient=1.0, buffer=0.4),
            "this gradient reverses the step: it goes down, momentum alone would go on up",
        ),
        (
            replace(plain, gradient=1.0, buffer=-0.4),
            "alone would reverse the step: momentum carries it on up",
        ),
        (replace(plain, momentum=0.0, buffer=0.5), "without momentum the step goes down, against this"),
        # decay, not momentum, is what goes against the gradient
        (
            replace(start, gradient=-0.1, before=9.0, weight_decay=0.1, buffer=0.9),
            "the step goes down: 89% of the buffer is this gradient with its decay",
        ),
        (
            replace(trained("adamw", [1.0, 0.5], [0.9, 0.9]), before=-99.0, decay=0.0297),
            "the step goes down: 36% of the average is this gradient, the rest is of previous steps;"
            " decay outweighs it",
        ),
    ):
        assert words in momentum_words(weight), momentum_words(weight)


@optimizers
def test_a_loss_that_is_no_number_is_no_trouble(optimizer: str) -> None:
    weight = replace(trained(optimizer, [0.5], [0.9]), gradient=nan, buffer=nan, update=nan)
    weight = replace(weight, squares=None if optimizer == "sgd" else nan)
    assert [line.name for line in weight_lines(weight)][-1] == "weight after"
    assert "no longer finite" in momentum_words(weight)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_figure_is_short(value: float) -> None:
    assert len(number(value)) <= 11
