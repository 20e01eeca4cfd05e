"""What is kept: runs and data sets, read in other threads, and opened on this page and on others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from convtui.inputs.names import printable, run_name
from convtui.pages.base.ask import Ask
from convtui.pages.train.recipe import RecipeScreen
from convtui.pages.train.shelf import MOST_MARKED, Shelf, read_records
from convtui.training.datasets.minibatches import pictured
from convtui.training.datasets.open_any import DataSet, load, picture
from convtui.training.recipe import Recipe, RecipeError
from convtui.training.runs.history import Record
from convtui.training.runs.store import RunError, find_run

DataKey = tuple[str, int]

MOST_SETS: Final = 3  # data sets that are kept in memory
READING: Final = "the runs are being read …"
NO_RUN: Final = "there is no run yet: space starts one"


class KeptScreen(RecipeScreen):
    """A page with the table of all runs, one of which is shown, and the images that they learn from."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()
        self._is_listing = False  # the runs on the disk are being read for the first time
        self._waiting: list[Callable[[], object]] = []  # what is done once they are
        self._data: dict[DataKey, DataSet | str | None] = {}  # or why not; None while it is read

    @property
    def record(self) -> Record | None:
        """The run that is shown."""
        return self.trainer.shown

    # -- what other threads read

    def data_of(self, recipe: Recipe) -> DataSet | str | None:
        """The recipe's data set, or why there is none; None while it is read."""
        key = (recipe.data, recipe.image_size)
        if key not in self._data:
            self.read_data(recipe)
        self._data[key] = self._data.pop(key)  # the last to be dropped
        return self._data[key]

    def read_data(self, recipe: Recipe, then: Callable[[], object] = lambda: None) -> None:
        """Read the recipe's data set, anew if it was read before, and do what comes then."""
        key = (recipe.data, recipe.image_size)
        self._data[key] = None

        def work() -> Callable[[], None]:
            try:
                read: DataSet | str = load(*key)
            except (ValueError, OSError, MemoryError) as error:
                read = printable(str(error) or "out of memory")
            return partial(self._has_read, key, read, then)

        self.in_thread(work)

    def _has_read(self, key: DataKey, read: DataSet | str, then: Callable[[], object]) -> None:
        self._data[key] = read
        while len(self._data) > MOST_SETS:
            del self._data[next(iter(self._data))]
        then()
        self.show_again()

    def once_read(self, recipe: Recipe, then: Callable[[], object]) -> None:
        """Do this; images that could not be had are looked for once more before."""
        if isinstance(self.data_of(recipe), str):
            self.read_data(recipe, then)
        else:
            then()

    def images_of(self, recipe: Recipe) -> DataSet | None:
        """The recipe's data set, if it is there."""
        data = self.data_of(recipe)
        return data if isinstance(data, DataSet) else None

    def _with_images(self, recipe: Recipe, do: Callable[[DataSet], object]) -> None:
        """Do something with the recipe's data set, or say why that cannot be."""

        def then() -> None:
            data = self.data_of(recipe)
            if isinstance(data, DataSet):
                do(data)
            else:
                self.say(data or "the images are still being read", error=data is not None)

        self.once_read(recipe, then)

    def look_for_runs(self) -> None:
        """Read the runs on the disk: first what the table needs, then the curves, which may take long."""
        known = dict(self.shelf.kept)
        self._is_listing = not known

        def work() -> Callable[[], None]:
            listed = read_records(known, outline=True)
            self.post_message(self.Done(partial(self._has_listed, listed)))
            return partial(self._has_listed, read_records(listed))

        self.in_thread(work)

    def _has_listed(self, records: dict[str, Record]) -> None:
        """Take what was found, but for what has been deleted meanwhile."""
        self.shelf.kept = {path: record for path, record in records.items() if Path(path).exists()}
        self._is_listing = False
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.quieten()
        for act in waiting:
            act()
        self.show_again()

    # -- images and recipes

    def action_batch(self, by: int) -> None:
        """Twice or half the size; no more than there are images, where that is known."""
        now, data = self.trainer.recipe.batch_size, self.images_of(self.trainer.recipe)
        most = len(data.train_images) if data else 2 * now
        if by > 0 and now >= most:
            self.say(f"batch_size {now}: there are {most} images to learn from")
        else:
            self.change_setting("batch_size", min(2 * now, most) if by > 0 else now // 2, "batch")

    def take_typed(self, name: str, recipe: Recipe) -> None:
        """Take what was typed; images that cannot be had are said at once."""
        if name in ("data", "image_size"):
            super().take_typed(name, recipe)
            self.read_data(recipe, partial(self._warn_of, recipe))
            return
        data = self.images_of(recipe)
        if name == "batch_size" and data and recipe.batch_size > len(data.train_images):
            legal = f"at most {len(data.train_images)}, the number of training images"
            raise RecipeError(name, recipe.batch_size, legal)
        super().take_typed(name, recipe)

    def _warn_of(self, recipe: Recipe) -> None:
        data = self.data_of(recipe)
        if isinstance(data, str):
            self.say(data, error=True)

    # -- the table of runs

    def when_listed(self, act: Callable[[], object]) -> None:
        """Do something with the table of runs, as soon as it is there."""
        if self._is_listing:
            self._waiting.append(act)
            self.say(READING)
        else:
            act()

    def rows(self) -> list[Record]:
        return self.shelf.rows(self.trainer.records)

    def selected(self) -> Record | None:
        """The run that is selected in the table."""
        rows = self.rows()
        return rows[self.shelf.selected(rows)] if rows else None

    def action_mark(self) -> None:
        """Show or hide the curves of the selected run."""
        self.when_listed(self._mark)

    def _mark(self) -> None:
        record = self.selected()
        if record is None:
            self.say(NO_RUN)
        elif not self.shelf.toggle(record):
            self.say(f"the curves of {MOST_MARKED} runs are shown already: m hides one of them")
        self.show_again()

    def action_delete(self) -> None:
        """Delete the selected run, once that is confirmed."""
        self.when_listed(self._ask_to_delete)

    def _ask_to_delete(self) -> None:
        record = self.selected()
        if record is None or record.is_active:
            self.say("there is no run to delete" if record is None else "it is on: x stops it", error=True)
            return
        name = run_name(record.run)
        answers = {"d": "delete it", "escape": "keep it"}
        question = f"Delete {name} with its curves and weights? It cannot be brought back."

        def answered(key: str | None) -> None:
            if key == "d":
                self._delete(record)

        self.opening = self.app.push_screen(Ask(question, answers), answered)

    def _delete(self, record: Record) -> None:
        try:
            find_run(record.run).delete()
        except RunError as error:
            self.say(str(error), error=True)
            return
        rows = self.rows()
        at = self.shelf.selected(rows)
        self.shelf.forget(record)
        self.trainer.forget(record)
        if rows := self.rows():
            self.shelf.select(rows[min(at, len(rows) - 1)])
        self.say(f"{run_name(record.run)} is deleted")
        self.show_again()

    # -- on other pages

    def action_open_kernels(self) -> None:
        """The learnt kernels of the first layer on the Step page."""
        self._open_run(
            "step", "its first layer: the kernels as they are learnt, over an image as it is trained on"
        )

    def action_open_layers(self) -> None:
        """The trained layers on the Layers page."""
        self._open_run("layers", "its layers with the weights that they have learnt")

    def _open_run(self, page: str, what: str) -> None:
        record = self.record
        if record is None or not record.saved:
            self.say("nothing is learnt yet: a run can be opened from its first checkpoint on")
        else:
            self._with_images(record.recipe, partial(self._open_layers, record, page, what))

    def _open_layers(self, record: Record, page: str, what: str, data: DataSet) -> None:
        from convtui.training.runs.learned_layers import trained_layers

        image = picture(data, "test", int(pictured(data)[0]), normalised=True)
        if self.change(lambda session: trained_layers(session, find_run(record.run), image)):
            assert self.session.chosen_stack
            self.host.open_page(page, f"{self.session.chosen_stack.trained}: {what} · u, then 5, goes back")

    def action_open_image(self) -> None:
        """An image of the data set on the Step page."""
        self._with_images((self.record or self.trainer).recipe, self._ask_for_image)

    def _ask_for_image(self, data: DataSet) -> None:
        last = len(data.test_images) - 1
        self.prompt(
            f"image on the Step page (test:0 to test:{last}, or train:0 …)",
            "test:",
            partial(self._opened, data),
        )

    def _opened(self, data: DataSet, text: str) -> bool:
        part, _, index = text.rpartition(":")
        try:
            if not index.strip().isdecimal():
                raise ValueError(f"{printable(text)}: must be such as test:17 or train:0")
            image = picture(data, part.strip() or "test", int(index))
        except ValueError as error:
            self.say(str(error), error=True)
            return False
        if self.change(lambda session: session.with_picture(image)):
            self.host.open_page("step", f"{image.name} · u, then 5, goes back")
        return True
