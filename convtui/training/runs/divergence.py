"""Why the loss of a run is not finite any more, where the run itself or another one shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from convtui.inputs.names import run_name
from convtui.training.runs.history import RunHistory, State

FROM_THE_START: Final = "before any update · the first weights, the network or the data, not the rate"
GROWN: Final = 1000.0  # times as large as before: that much is put down to the weight decay


def cause_words(history: RunHistory, others: Iterable[RunHistory] = ()) -> str:
    """What made a run diverge, in words; "" if neither its steps nor one of the others show it.

    Not the rate, if the loss was not finite before any update. Weight decay, if it alone makes weights grow
    at the rates that the run had. The rate, if another run with a lower one and otherwise the same recipe
    ended with a finite loss.
    """
    if history.diverged_at == 1:
        return FROM_THE_START
    return _decay_words(history) or _rate_words(history, others)


def growth_by_decay(history: RunHistory) -> float:
    """How large weight decay alone makes a weight of 1, up to the step at which the run diverges.

    As PyTorch does it: AdamW multiplies the weight by 1 - lr·decay, SGD adds decay·weight to the gradient.
    """
    recipe, made = history.recipe, _steps_before(history)
    weight, buffer, largest = 1.0, 0.0, 1.0
    for lr, momentum in zip(
        *(history.steps[name][:made].tolist() for name in ("lr", "momentum")), strict=True
    ):
        if recipe.optimizer == "adamw":
            weight *= 1 - lr * recipe.weight_decay
        else:
            buffer = momentum * buffer + recipe.weight_decay * weight
            weight -= lr * buffer
        largest = max(largest, abs(weight))
        if largest > GROWN:
            break
    return largest


def _decay_words(history: RunHistory) -> str:
    lrs = history.steps["lr"][: _steps_before(history)]
    product = float(lrs.max(initial=0.0)) * history.recipe.weight_decay
    if product <= 2 or growth_by_decay(history) <= GROWN:
        return ""
    limit = "2" if history.recipe.optimizer == "adamw" else "2·(1 + momentum)"
    return f"weight decay makes the weights grow · rate x decay = {product:.3g} is more than {limit}"


def _rate_words(history: RunHistory, others: Iterable[RunHistory]) -> str:
    at = history.diverged_at
    set_before = [each.max_lr for each in history.rates if at is None or each.step < at]
    rate = [history.recipe.max_lr, *set_before][-1]
    for other in others:
        is_same = replace(other.recipe, max_lr=history.recipe.max_lr) == history.recipe
        is_calm = other.state is State.FINISHED and not other.is_diverged
        if is_same and is_calm and max(other.rates_used) < rate:
            known = (
                f"{run_name(other.run)}, at {other.rates_used[-1]:g} and otherwise the same, did not diverge"
            )
            return f"the rate {rate:g} is too high · {known}"
    return ""


def _steps_before(history: RunHistory) -> int:
    """How many steps were made until the loss was not finite."""
    at = history.diverged_at
    return len(history.steps) if at is None else int(history.steps["step"].searchsorted(at))
