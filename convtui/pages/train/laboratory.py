"""The laboratory of the Train page: what is compared, the runs that it needs, and what came of them.

Runs and measurements are read in other threads and kept; a picture is made again only when one of them, or
what is chosen, has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from convtui.engine.words import counted
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.memo import Memo
from convtui.pages.base.services import PageServices
from convtui.pages.train.figures import LaboratoryView, Status
from convtui.pages.train.laboratory_figures import Told
from convtui.pages.train.laboratory_layout import is_roomy
from convtui.pages.train.laboratory_maker import (
    comparison_pictures,
    comparison_told,
    rate_figures,
    rates_pictures,
    rates_told,
)
from convtui.pages.train.laboratory_plots import Captioned
from convtui.pages.train.laboratory_words import explanation, heading, progress_words
from convtui.pages.train.run_browser import READING, RunBrowser
from convtui.paint.panes import Size
from convtui.training.campaign import Campaign, Job, Task, as_begun, planned
from convtui.training.datasets.open_any import DataSet
from convtui.training.laboratory import (
    FEWEST_SEEDS,
    MOST_SEEDS,
    TARGETS,
    Comparison,
    Outcome,
    arm_names,
    arms_of,
    as_arm,
    refusal,
)
from convtui.training.laboratory_plan import Slot, read_outcome, slots, with_code_as_it_is
from convtui.training.next_run import NEXT_RUN
from convtui.training.recipe import Recipe
from convtui.training.runs.history import State
from convtui.training.runs.store import RunError, all_runs
from convtui.training.trainer import Trainer, TrainerError

SCHEDULES: Final = ("constant", "one-cycle")  # in the order of the arms of Comparison.RATES

Shown = tuple[dict[str, Captioned], tuple[Told, ...]]


@dataclass(frozen=True)
class Choice:
    """What the user has chosen; it stays when the page is left.

    picture counts from 1; 0: all of them, where there is room.
    """

    comparison: Comparison = Comparison.DECAY
    seeds: int = 5
    rate_seeds: int = 1
    target: float = TARGETS[1]
    picture: int = 0

    @property
    def is_of_rates(self) -> bool:
        return self.comparison is Comparison.RATES

    @property
    def seeds_now(self) -> int:
        """Those of the present comparison."""
        return self.rate_seeds if self.is_of_rates else self.seeds

    def with_seeds(self, by: int) -> Choice:
        """More or fewer seeds of the present comparison, within the limits."""
        seeds = min(max(self.seeds_now + by, FEWEST_SEEDS), MOST_SEEDS)
        return replace(self, rate_seeds=seeds) if self.is_of_rates else replace(self, seeds=seeds)


class Laboratory:
    """What the keys choose and begin in the laboratory, and its view; `size` is that of the canvas."""

    def __init__(self, page: PageServices, data: DataCache, browser: RunBrowser) -> None:
        self._page, self._data, self._browser = page, data, browser
        self.choice = Choice()
        self.size: Size = (0, 0)
        self._outcomes: dict[str, Outcome] = {}  # by the runs' folders
        self._asked: object = None  # what was read last
        self._as_begun = Memo[Recipe]()
        self._slots = Memo[tuple[Slot, ...]]()
        self._pictures = Memo[Shown]()

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    # -- choosing

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self._page.show_again()

    def next_comparison(self, by: int) -> None:
        """Compare something else."""
        self._choose(replace(self.choice, comparison=self.choice.comparison.next(by), picture=0))

    def step_seeds(self, by: int) -> None:
        """More or fewer seeds; runs that are there are kept."""
        choice = self.choice.with_seeds(by)
        if choice == self.choice:
            self._page.say(f"seeds {choice.seeds_now}: from {FEWEST_SEEDS} to {MOST_SEEDS}")
        self._choose(choice)

    def next_target(self) -> None:
        """The accuracy that the rates are to reach."""
        at = TARGETS.index(self.choice.target)
        if self.choice.is_of_rates:
            self._choose(replace(self.choice, target=TARGETS[(at + 1) % len(TARGETS)]))
        else:
            self._page.say(f"a target is for {Comparison.RATES.value}: C chooses it")

    def move_picture(self, by: int) -> None:
        """Another picture; where there is room for all, once round also all of them."""
        count = 0 if self.choice.is_of_rates else 4
        if not count:
            return
        if is_roomy(self.size):
            self._choose(replace(self.choice, picture=(self.choice.picture + by) % (count + 1)))
        else:
            now = max(self.choice.picture, 1)
            self._choose(replace(self.choice, picture=(now - 1 + by) % count + 1))

    # -- what is compared

    @property
    def _recipe(self) -> Recipe:
        """That of the next run, as it will be kept."""
        recipe = self._page.host.timelines.present(NEXT_RUN).recipe
        images = self._data.images(recipe)
        recipe = with_code_as_it_is(recipe, (each.recipe for each in self._browser.rows()))
        return self._as_begun.get((recipe, images), lambda: as_begun(recipe, images) if images else recipe)

    def _arms(self) -> tuple[Recipe, ...]:
        marked = [each.recipe for each in self._browser.list.chosen(self._browser.rows())]
        return arms_of(self.choice.comparison, self._recipe, marked)

    def slots(self) -> tuple[Slot, ...]:
        """The runs that the comparison needs."""
        arms, rows = self._arms(), self._browser.rows()
        known = tuple((each.run, each.state) for each in rows)
        key = arms, self.choice.seeds_now, known
        return self._slots.get(key, lambda: slots(arms, self.choice.seeds_now, rows))

    def _outcome(self, slot: Slot) -> Outcome | None:
        return self._outcomes.get(slot.history.run) if slot.is_trained and slot.history else None

    def _is_done(self, slot: Slot) -> bool:
        outcome = self._outcome(slot)
        return outcome is not None and (outcome.is_measured or self.choice.is_of_rates)

    # -- reading

    def _read(self, found: Sequence[Slot]) -> None:
        """Read what is not known yet of finished runs, when that may have changed."""
        needed = {
            each.history.run: each.history
            for each in found
            if each.is_trained and each.history and not self._is_done(each)
        }
        measured = self._trainer.measurement
        key = frozenset(needed), measured and (measured.history.run, measured.state)
        if not needed or key == self._asked:
            return
        self._asked = key

        def work() -> Callable[[], None]:
            read = {}
            for run, history in needed.items():
                with suppress(RunError):  # deleted just now, or no longer to be read
                    read[run] = read_outcome(history)
            return partial(self._has_read, read)

        self._page.in_thread(work)

    def _has_read(self, read: Mapping[str, Outcome]) -> None:
        self._outcomes.update(read)
        self._page.show_again()

    # -- doing

    def start(self) -> None:
        """Train and measure what is missing, in the background, once it is known what there is."""
        self._browser.when_read(self._start)

    @property
    def refusal(self) -> str:
        """Why the comparison makes no sense of the recipe's network; "" if it does."""
        return refusal(self.choice.comparison, self._recipe)

    def _start(self) -> None:
        arms, found = self._arms(), self.slots()
        data = self._data.get(arms[0]) if arms else None
        if self.refusal:
            self._page.say(self.refusal)
        elif len(arms) < 2:
            self._page.say("mark two to four runs in the table of all runs first: m marks one")
        elif self._trainer.is_busy:
            self._page.say("something is active already: x stops it", error=True)
        elif isinstance(data, str):
            self._page.say(data, error=True)
        elif all(map(self._is_done, found)):
            self._page.say("all is done: + takes one more seed, C compares others")
        else:
            self._data.with_images(arms[0], partial(self._plan, [each.recipe for each in found]))

    def _plan(self, recipes: Sequence[Recipe], data: DataSet) -> None:
        """Find out what is left to do, which takes reading, and have it done."""
        threads, to_measure = self._recipe.threads, not self.choice.is_of_rates

        def work() -> Callable[[], None]:
            try:
                tasks = planned(recipes, data, all_runs(), to_measure)
            except RunError as error:
                return partial(self._page.say, str(error), error=True)
            begun = [
                task if task.history else replace(task, recipe=replace(task.recipe, threads=threads))
                for task in tasks
            ]
            return partial(self._undertake, begun)

        self._page.in_thread(work)

    def _undertake(self, tasks: Sequence[Task]) -> None:
        try:
            self._trainer.undertake(tasks)
        except TrainerError as error:
            self._page.say(str(error), error=True)
        self._page.show_again()

    # -- showing

    def view(self) -> LaboratoryView:
        """The pictures of what is there; before there is anything, what will be done."""
        arms, found = self._arms(), self.slots()
        self._read(found)
        status = self._status(found)
        outcomes = [self._outcome(each) for each in found]
        if len(arms) < 2 or not any(outcomes):
            kept = sum(each.is_trained for each in found)
            words = explanation(
                self.choice.comparison,
                arms,
                self.choice.seeds_now,
                kept,
                self._seconds_to_train(found),
                self.refusal,
            )
            return LaboratoryView(status, {}, explanation=words)
        chosen = self._chosen()
        key = arms, self.choice.seeds_now, self.choice.target, chosen, tuple(outcomes)
        pictures, told = self._pictures.get(key, lambda: self._shown(arms, found, chosen))
        return LaboratoryView(status, pictures, told)

    def _chosen(self) -> int:
        """Which picture is shown alone, counted from 1; 0: all."""
        if self.choice.is_of_rates:
            return 0
        return self.choice.picture if is_roomy(self.size) else max(self.choice.picture, 1)

    def _shown(self, arms: Sequence[Recipe], found: Sequence[Slot], chosen: int) -> Shown:
        by_arm: list[list[Outcome]] = [[] for _ in arms]
        for slot in found:
            if (outcome := self._outcome(slot)) is not None:
                by_arm[slot.arm].append(outcome)
        if self.choice.is_of_rates:
            target, rates = self.choice.target, [each.max_lr for each in arms[: len(arms) // len(SCHEDULES)]]
            figures = [
                rate_figures(
                    at,
                    name,
                    dict(zip(rates, by_arm[at * len(rates) : (at + 1) * len(rates)], strict=True)),
                    self.choice.seeds_now,
                    target,
                )
                for at, name in enumerate(SCHEDULES)
            ]
            return rates_pictures(figures, target), rates_told(figures, target)
        names = arm_names(arms)
        pictures, told = comparison_pictures(names, by_arm), comparison_told(names, by_arm)
        if not chosen:
            return pictures, told
        name = list(pictures)[chosen - 1]
        return {name: pictures[name]}, tuple(each for each in told if each.picture in (name, ""))

    def _status(self, found: Sequence[Slot]) -> Status:
        trainer, campaign = self._trainer, self._trainer.campaign
        done = sum(map(self._is_done, found))
        is_on = campaign is not None and campaign.is_active and not trainer.comparison
        is_missing = not is_on and 0 < done < len(found)
        words = heading(self.choice.comparison, self.choice.seeds_now, self.choice.target, is_missing)
        if trainer.measurement and trainer.measurement.is_active and trainer.measurement.notice:
            words = trainer.measurement.notice
        if self._browser.is_reading:
            words = READING
        if is_on and campaign is not None:
            run = progress_words(
                campaign.done, campaign.total, self._present(campaign), campaign.seconds_left
            )
            return Status("training", run=run, words=words)
        if trainer.is_busy:
            return Status("training", run="something else is active: x stops it", words=words)
        state = "finished" if found and done == len(found) else "ready"
        run = f"{done} of {counted(len(found), 'run')} done" if found else ""
        return Status(state, run=run, words=words, trouble=trainer.trouble)

    def _present(self, campaign: Campaign) -> str:
        """What is worked on: "training decay 0.3, seed 2"."""
        if campaign.task is None:
            return ""
        recipe, arms = campaign.task.recipe, [_as_named(each) for each in self._arms()]
        what = "measuring" if campaign.job is Job.MEASURE else "training"
        arm = _as_named(as_arm(recipe))
        name = f" {arm_names(arms)[arms.index(arm)]}," if arm in arms else ""
        return f"{what}{name} seed {recipe.seed}"

    def _seconds_to_train(self, found: Sequence[Slot]) -> float | None:
        """At the pace of the kept runs that are most like these; None if there is none."""
        alike = [
            each
            for each in self._browser.rows()
            if each.state is State.FINISHED and each.seconds > 0 and _is_alike(each.recipe, self._recipe)
        ]
        if not alike:
            return None
        an_epoch = sum(each.seconds for each in alike) / sum(len(each.epochs) for each in alike)
        return an_epoch * sum(each.recipe.epochs for each in found if not each.is_trained)


def _as_named(recipe: Recipe) -> Recipe:
    """The recipe before its network's code is known."""
    return replace(recipe, network=recipe.network.named()) if recipe.network else recipe


def _is_alike(one: Recipe, two: Recipe) -> bool:
    """Whether a step of both takes about as long."""
    names = ("data", "image_size", "channels", "first_kernel_size", "batch_size", "network")
    return all(getattr(one, name) == getattr(two, name) for name in names)
