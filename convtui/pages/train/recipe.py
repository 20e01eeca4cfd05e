"""The recipe of the next run: its settings on a line, its keys, what is typed, undo and redo.

A run that is on keeps its recipe but for the learning rate, which can be set at any time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from math import floor, log10
from typing import Any, Final

from convtui.inputs.names import printable, split_setting
from convtui.inputs.samples import data_names
from convtui.pages.base.page import Page
from convtui.paint.controls import Control
from convtui.paint.text import cut_to, significant
from convtui.training.datasets.open_any import check
from convtui.training.recipe import OPTIMIZERS, SCHEDULES, Recipe, RecipeError
from convtui.training.recipe_words import data_name, value_text
from convtui.training.runs.history import Record
from convtui.training.trainer import Trainer

LADDER: Final = (1, 2, 3, 4, 6, 8)  # the digits of learning rates and decays that keys step through
EPOCHS: Final = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100)
LEAST_DECAY: Final = 1e-4

OTHER_VALUES: Final = (  # than those of the default recipe
    "batch_norm off",
    "schedule constant",
    "optimizer sgd",
    *(f"data {name}" for name in data_names()),
)
OTHER_NAMES: Final = {
    "lr": "max_lr",
    "rate": "max_lr",
    "learning_rate": "max_lr",
    "peak": "max_lr",
    "batch": "batch_size",
    "norm": "batch_norm",
    "policy": "schedule",
    "decay": "weight_decay",
    "wd": "weight_decay",
    "size": "image_size",
    "kernel": "first_kernel_size",
    "beta1": "momentum",
}
LONGEST_NAME: Final = 14


def stepped(value: float, by: int) -> float:
    """The next value up or down of those that keys step through: 0.06, 0.08, 0.1, 0.2."""
    power = floor(log10(value))
    values = [
        round(digit * 10.0**each, 12 - each) for each in range(power - 1, power + 2) for digit in LADDER
    ]
    if by > 0:
        return next(each for each in values if each > value * 1.000001)
    return next(each for each in reversed(values) if each < value * 0.999999)


def typed(recipe: Recipe, text: str) -> tuple[str, Recipe]:
    """What a person sets, as "max_lr 0.03" or "norm off", and the recipe with it. Raises ValueError."""
    try:
        name, value = split_setting(text, [field.name for field in fields(Recipe)], OTHER_NAMES)
    except ValueError as error:
        known, is_long, _ = str(error).partition("; choose from ")
        such = "; choose from max_lr 0.03, epochs 8, channels 8,16 …"
        raise ValueError(f"{known}{such if is_long else ''}") from None
    if not value:
        raise ValueError(f"{name} needs a value: {name} {value_text(recipe, name)}")
    return name, recipe.with_text(name, value)


@dataclass(frozen=True, eq=False)
class _RateChange:
    """A run whose rate was changed, the rate before, and how many changes of the recipe came before it."""

    record: Record
    before: float
    changes: int


class RecipeScreen(Page):
    """A page on which the next run's recipe can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self._rates: list[_RateChange] = []  # of the run that is on, the last one last

    @property
    def trainer(self) -> Trainer:
        return self.host.trainer

    @property
    def active(self) -> Record | None:
        """The run that is on."""
        record = self.trainer.current
        return record if record and record.is_active and self.trainer.is_busy else None

    @property
    def max_lr(self) -> float:
        """The peak (or constant) rate of the run that is on, as it was asked for last, or of the next."""
        active = self.active
        return (active.asked_lr or active.max_lr) if active else self.trainer.recipe.max_lr

    # -- showing

    def controls(self) -> list[Control]:
        recipe = self.trainer.recipe
        optimizer = "AdamW" if recipe.optimizer == "adamw" else "SGD"
        return [
            Control("d", "data", cut_to(data_name(recipe), LONGEST_NAME), stepped=False, spare=2),
            Control("b", "batch_norm", "batch norm" if recipe.batch_norm else "no batch norm", stepped=False),
            Control("p", "schedule", recipe.schedule, stepped=False, spare=1),
            Control("r", "lr", significant(self.max_lr)),
            Control("a", "optimizer", optimizer, stepped=False, spare=3),
            Control("w", "decay", significant(recipe.weight_decay), spare=5),
            Control("n", "seed", str(recipe.seed), spare=4),
            Control("e", "epochs", str(recipe.epochs)),
            Control("z", "batch", str(recipe.batch_size)),
        ]

    # -- changing

    def change_recipe(self, recipe: Recipe, run: str = "") -> None:
        """Take another recipe for the next run; while one is on, say that it is not for this one."""
        before = self.trainer.recipe
        self.trainer.change(recipe, run)
        names = [
            each.name for each in fields(Recipe) if getattr(before, each.name) != getattr(recipe, each.name)
        ]
        if self.trainer.is_busy and names:
            said = ", ".join(f"{name} {value_text(recipe, name)}" for name in names)
            self.say(f"for the next run: {said}")
        self.show_again()

    def change_setting(self, name: str, value: Any, run: str = "") -> None:
        """One setting changed, or a line that says why not."""
        try:
            self.change_recipe(replace(self.trainer.recipe, **{name: value}), run)
        except RecipeError as error:
            self.say(str(error), error=True)

    def set_rate(self, max_lr: float) -> None:
        """Another peak (or constant) rate, of the run that is on if there is one."""
        active = self.active
        if active is None:
            self.change_setting("max_lr", max_lr, "lr")
            return
        try:
            replace(active.recipe, max_lr=max_lr)
        except RecipeError as error:
            self.say(str(error), error=True)
            return
        before, share = self.max_lr, significant(max_lr / self.max_lr, 3)
        self.trainer.set_rate(max_lr)
        self._rates.append(_RateChange(active, before, len(self.trainer.recipes.past)))
        if active.recipe.schedule == "constant":
            self.say(f"from the next step on the rate is {significant(max_lr)}")
        else:
            said = (
                f"its peak is {significant(max_lr)} now, every rate to come {share} times what it was to be"
            )
            self.say(f"what remains of the schedule is scaled: {said}")

    def action_lr(self, by: int) -> None:
        self.set_rate(stepped(self.max_lr, by))

    def action_batch_norm(self, by: int) -> None:  # noqa: ARG002
        self.change_setting("batch_norm", not self.trainer.recipe.batch_norm)

    def action_schedule(self, by: int) -> None:  # noqa: ARG002
        self.change_setting("schedule", _other(SCHEDULES, self.trainer.recipe.schedule))

    def action_optimizer(self, by: int) -> None:  # noqa: ARG002
        self.change_setting("optimizer", _other(OPTIMIZERS, self.trainer.recipe.optimizer))

    def action_epochs(self, by: int) -> None:
        now = self.trainer.recipe.epochs
        further = [each for each in EPOCHS[:: 1 if by > 0 else -1] if (each - now) * by > 0]
        self.change_setting("epochs", further[0] if further else max(now + by * EPOCHS[-1], 1), "epochs")

    def action_decay(self, by: int) -> None:
        now = self.trainer.recipe.weight_decay
        if by < 0 and now <= LEAST_DECAY:
            self.change_setting("weight_decay", 0.0, "decay")
        else:
            self.change_setting("weight_decay", stepped(now, by) if now else LEAST_DECAY, "decay")

    def action_seed(self, by: int) -> None:
        self.change_setting("seed", max(self.trainer.recipe.seed + by, 0), "seed")

    def action_data(self, by: int) -> None:  # noqa: ARG002
        self.action_type("data")

    def action_type(self, name: str) -> None:
        """A setting typed in words, begun with the one that was clicked."""
        from textual.suggester import SuggestFromList

        name = OTHER_NAMES.get(name, name)
        recipe = replace(self.trainer.recipe, max_lr=self.max_lr)
        value = value_text(recipe, name) if name else ""
        if name == "data" and value != recipe.data:  # it cannot be typed
            value = ""
        proposed = [f"{each.name} {value_text(recipe, each.name)}" for each in fields(Recipe)]
        suggester = SuggestFromList([*OTHER_VALUES, *proposed])
        self.prompt(":", f"{name} {value}" if name else "", self._typed, suggester=suggester)

    def _typed(self, text: str) -> bool:
        try:
            name, recipe = typed(self.trainer.recipe, text)
            if name == "data":
                check(recipe.data)
            self.take_typed(name, recipe)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        if name == "threads" and recipe.threads > (cores := os.cpu_count() or 1):
            self.say(f"threads {recipe.threads}: more than this machine's {cores} processors are slower")
        return True

    def take_typed(self, name: str, recipe: Recipe) -> None:
        """Take a recipe in which this was typed. Raises ValueError where that cannot be."""
        if self.active and name == "max_lr":
            self.set_rate(recipe.max_lr)
        else:
            self.change_recipe(recipe)

    def action_undo(self) -> None:
        """Take back the last change: of the next run's recipe, or of the rate of the run that is on."""
        active, trainer = self.active, self.trainer
        self._rates = [each for each in self._rates if each.record is active]
        if self._rates and self._rates[-1].changes == len(trainer.recipes.past):
            before = self._rates.pop().before
            trainer.set_rate(before)
            self.say(f"the rate is {significant(before)} again, from the next step on")
        elif not trainer.undo():
            self.say(
                "nothing to undo: u takes back changes of the recipe and of the rate of the run that is on"
            )
        self.show_again()

    def action_redo(self) -> None:
        if not self.trainer.redo():
            self.say("nothing to redo")
        self.show_again()


def _other(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]
