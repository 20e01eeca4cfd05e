"""The recipe of the next run: its settings on a line, what keys and typing change of it, undo and redo.

A run that is running keeps its recipe, except for the learning rate, which can be set at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import floor, log10
from typing import Any, Final

from convtui.engine.words import counted
from convtui.inputs.names import printable
from convtui.inputs.samples import data_names
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.services import PageServices
from convtui.paint.controls import Control
from convtui.paint.text import cut_to, significant
from convtui.training.datasets.open_any import check
from convtui.training.next_run import NEXT_RUN, NextRun, RateChange
from convtui.training.recipe import OPTIMIZERS, SCHEDULES, SETTINGS, Recipe, RecipeError
from convtui.training.recipe_words import OTHER_NAMES, data_name, typed, value_text
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


class RecipeEditor:
    """Changes the document NEXT_RUN, and the learning rate of the run that is running."""

    def __init__(self, page: PageServices, data: DataCache) -> None:
        self._page, self._data = page, data
        self.also_typed: dict[str, Callable[[str], object]] = {}  # what else can be typed, by its first word

    @property
    def recipe(self) -> Recipe:
        """That of the next run."""
        return self._next.recipe

    @property
    def _next(self) -> NextRun:
        return self._page.host.timelines.present(NEXT_RUN)

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    @property
    def max_lr(self) -> float:
        """The peak (or constant) rate of the active run, as it was set last, or of the next."""
        active = self._trainer.active
        return (active.asked_lr or active.max_lr) if active else self.recipe.max_lr

    def controls(self) -> list[Control]:
        recipe = self.recipe
        optimizer = "AdamW" if recipe.optimizer == "adamw" else "SGD"
        return [
            Control("d", "data", cut_to(data_name(recipe), LONGEST_NAME), stepped=False, spare=2),
            self._network_control(),
            Control("p", "schedule", recipe.schedule, stepped=False, spare=1),
            Control("r", "lr", significant(self.max_lr)),
            Control("a", "optimizer", optimizer, stepped=False, spare=3),
            Control("w", "decay", significant(recipe.weight_decay), spare=5),
            Control("n", "seed", str(recipe.seed), spare=4),
            Control("e", "epochs", str(recipe.epochs)),
            Control("z", "batch", str(recipe.batch_size), label="mini-batch"),
        ]

    def _network_control(self) -> Control:
        """The batch norm, or the name of the user's network in its place."""
        network = self.recipe.network
        if network:
            return Control("", "network", cut_to(network.name, LONGEST_NAME), stepped=False, is_plain=True)
        words = "batch norm" if self.recipe.batch_norm else "no batch norm"
        return Control("b", "batch_norm", words, stepped=False)

    # -- changing

    def change(self, recipe: Recipe, kind: str = "") -> None:
        """Take another recipe for the next run; while a run is active, say that it is not for this one."""
        before = self.recipe
        if recipe != before:
            self._page.host.timelines.change(NEXT_RUN, replace(self._next, recipe=recipe), kind)
        names = [name for name in SETTINGS if getattr(before, name) != getattr(recipe, name)]
        if self._trainer.is_busy and names:
            changes = ", ".join(f"{name} {value_text(recipe, name)}" for name in names)
            self._page.say(f"for the next run: {changes}")
        self._page.show_again()

    def set(self, name: str, value: Any, kind: str = "") -> None:
        """Change one setting, or say why it cannot be."""
        try:
            self.change(replace(self.recipe, **{name: value}), kind)
        except RecipeError as error:
            self._page.say(str(error), error=True)

    def set_rate(self, max_lr: float) -> None:
        """Another peak (or constant) rate, of the active run if there is one."""
        active = self._trainer.active
        if active is None:
            self.set("max_lr", max_lr, "lr")
            return
        try:
            replace(active.recipe, max_lr=max_lr)
        except RecipeError as error:
            self._page.say(str(error), error=True)
            return
        change = RateChange(active, self.max_lr, max_lr)
        self._trainer.set_rate(max_lr)
        self._page.host.timelines.change(NEXT_RUN, replace(self._next, rate=change))
        if active.recipe.schedule == "constant":
            self._page.say(f"from the next step on the rate is {significant(max_lr)}")
        else:
            share = significant(max_lr / change.before, 3)
            self._page.say(
                f"peak rate now {significant(max_lr)}: the rest of the schedule is scaled by {share}"
            )

    def step_rate(self, by: int) -> None:
        self.set_rate(stepped(self.max_lr, by))

    def toggle_batch_norm(self) -> None:
        if self.recipe.network:
            self._page.say(
                f"b is for the bundled network; {self.recipe.network.name} has the norms of its code"
            )
        else:
            self.set("batch_norm", not self.recipe.batch_norm)

    def next_schedule(self) -> None:
        self.set("schedule", _other(SCHEDULES, self.recipe.schedule))

    def next_optimizer(self) -> None:
        self.set("optimizer", _other(OPTIMIZERS, self.recipe.optimizer))

    def step_epochs(self, by: int) -> None:
        now = self.recipe.epochs
        further = [each for each in EPOCHS[:: 1 if by > 0 else -1] if (each - now) * by > 0]
        self.set("epochs", further[0] if further else max(now + by * EPOCHS[-1], 1), "epochs")

    def step_decay(self, by: int) -> None:
        now = self.recipe.weight_decay
        if by < 0 and now <= LEAST_DECAY:
            self.set("weight_decay", 0.0, "decay")
        else:
            self.set("weight_decay", stepped(now, by) if now else LEAST_DECAY, "decay")

    def step_seed(self, by: int) -> None:
        self.set("seed", max(self.recipe.seed + by, 0), "seed")

    def step_batch_size(self, by: int) -> None:
        """Twice or half the size; no more than there are images, where that is known."""
        now, data = self.recipe.batch_size, self._data.images(self.recipe)
        most = len(data.train_images) if data else 2 * now
        if by > 0 and now >= most:
            self._page.say(f"batch_size {now}: the training set has {counted(most, 'image')}")
        else:
            self.set("batch_size", min(2 * now, most) if by > 0 else now // 2, "batch")

    # -- typing

    def type(self, name: str) -> None:
        """Ask for a setting in words, beginning with the one of this name."""
        from textual.suggester import SuggestFromList

        name = OTHER_NAMES.get(name, name)
        recipe = replace(self.recipe, max_lr=self.max_lr)
        value = value_text(recipe, name) if name else ""
        if name == "data" and value != recipe.data:  # it cannot be typed
            value = ""
        proposed = [f"{name} {value_text(recipe, name)}" for name in SETTINGS]
        suggester = SuggestFromList([*OTHER_VALUES, *proposed])
        start = f"{name} {value}" if name else ""
        self._page.prompt(":", start, self._typed, suggester=suggester)

    def _typed(self, text: str) -> bool:
        first, _, rest = text.strip().partition(" ")
        try:
            if first in self.also_typed:
                self.also_typed[first](rest.strip())
                return True
            name, recipe = typed(self.recipe, text)
            if name == "data":
                check(recipe.data)
            self._take(name, recipe)
        except ValueError as error:
            self._page.say(printable(str(error)), error=True)
            return False
        if name == "threads" and recipe.threads > (cores := os.cpu_count() or 1):
            self._page.say(
                f"threads {recipe.threads}: more than this machine's {cores} processors are usually slower"
            )
        return True

    def _take(self, name: str, recipe: Recipe) -> None:
        """Take a recipe in which this was typed. Raises ValueError for more images than there are."""
        if self._trainer.active and name == "max_lr":
            self.set_rate(recipe.max_lr)
            return
        data = self._data.images(recipe)
        if name == "batch_size" and data and recipe.batch_size > len(data.train_images):
            legal = f"at most {len(data.train_images)}, the number of training images"
            raise RecipeError(name, recipe.batch_size, legal)
        self.change(recipe)
        if name in ("data", "image_size", "axes"):
            self._data.read(recipe, partial(self._warn_of, recipe))

    def _warn_of(self, recipe: Recipe) -> None:
        data = self._data.get(recipe)
        if isinstance(data, str):
            self._page.say(data, error=True)

    # -- undo

    def undo(self) -> None:
        """Take back the last change: of the next run's recipe, or of the rate of the active run."""
        left = self._next
        while self._page.host.timelines.undo(NEXT_RUN):
            change = left.rate if left.rate is not self._next.rate else None
            if left.recipe != self.recipe or (change and self._set_again(change, change.before)):
                return
            left = self._next
        self._page.say("nothing to undo: u takes back changes of the recipe and of the active run's rate")

    def redo(self) -> None:
        """Make the change again that was undone last."""
        left = self._next
        while self._page.host.timelines.redo(NEXT_RUN):
            change = self._next.rate if self._next.rate is not left.rate else None
            if left.recipe != self.recipe or (change and self._set_again(change, change.after)):
                return
            left = self._next
        self._page.say("nothing to redo")

    def _set_again(self, change: RateChange, max_lr: float) -> bool:
        """Set the rate of the run whose rate was changed; tells whether it is still active."""
        if change.run is not self._trainer.active:
            return False
        self._trainer.set_rate(max_lr)
        self._page.say(f"the rate is {significant(max_lr)} again, from the next step on")
        return True


def _other(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]
