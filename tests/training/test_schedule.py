"""The schedule that is drawn before a run is the one that PyTorch then follows."""

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from convtui.training.recipe import Recipe
from convtui.training.schedule import peak_step, schedule


@given(
    total=st.integers(1, 300),
    pct_start=st.floats(0.01, 0.99),
    max_lr=st.floats(1e-6, 10),
    div_factor=st.floats(1, 1000),
    final_div_factor=st.floats(1, 1e5),
)
def test_one_cycle_is_that_of_pytorch(
    total: int, pct_start: float, max_lr: float, div_factor: float, final_div_factor: float
) -> None:
    assume(pct_start * total != 1)  # PyTorch divides by zero there
    recipe = Recipe(
        pct_start=pct_start, max_lr=max_lr, div_factor=div_factor, final_div_factor=final_div_factor
    )
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr,
        total_steps=total,
        pct_start=pct_start,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        base_momentum=recipe.low_momentum,
        max_momentum=recipe.high_momentum,
    )
    lrs, momenta = schedule(recipe, total)
    for step in range(total):
        group = optimizer.param_groups[0]
        np.testing.assert_allclose([lrs[step], momenta[step]], [group["lr"], group["betas"][0]], rtol=1e-9)
        if step + 1 < total:
            optimizer.step()
            scheduler.step()


def test_a_peak_at_the_first_step() -> None:
    lrs, momenta = schedule(Recipe(pct_start=0.25, max_lr=0.5), 4)
    assert (lrs[0], momenta[0]) == (0.5, 0.85)
    assert np.isfinite(lrs).all()


def test_a_constant_rate_stays() -> None:
    lrs, momenta = schedule(Recipe(schedule="constant", max_lr=0.01, momentum=0.8), 5)
    assert lrs.tolist() == [0.01] * 5
    assert momenta.tolist() == [0.8] * 5


@given(total=st.integers(2, 300), pct_start=st.floats(0.01, 0.99))
def test_the_peak_is_where_the_rate_is_highest(total: int, pct_start: float) -> None:
    recipe = Recipe(pct_start=pct_start)
    peak = peak_step(recipe, total)
    assume(peak is not None)
    assert peak is not None
    lrs, _ = schedule(recipe, total)
    assert abs(1 + np.argmax(lrs) - peak) < 1


def test_what_has_no_two_phases_has_no_peak() -> None:
    assert peak_step(Recipe(), 390) == 97.5
    assert peak_step(Recipe(schedule="constant"), 390) is None
    assert peak_step(Recipe(), 4) is None
    assert peak_step(Recipe(), 0) is None
