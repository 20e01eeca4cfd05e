"""The data sets that recipes name, read in other threads and kept while a page uses them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.training.datasets.open_any import DataSet, load
from convtui.training.recipe import Recipe

DataKey = tuple[str, int, str]

MOST_SETS: Final = 3  # data sets that are kept in memory


def _nothing() -> None:
    """What is done after reading, when nothing is."""


class DataCache:
    """The data sets of one page, the last few used."""

    def __init__(self, page: PageServices) -> None:
        self._page = page
        self._data: dict[DataKey, DataSet | str | None] = {}  # or why not; None while it is read

    def get(self, recipe: Recipe) -> DataSet | str | None:
        """The recipe's data set, or why there is none; None while it is read."""
        key = (recipe.data, recipe.image_size, recipe.data_axes)
        if key not in self._data:
            self.read(recipe)
        self._data[key] = self._data.pop(key)  # the last to be dropped
        return self._data[key]

    def images(self, recipe: Recipe) -> DataSet | None:
        """The recipe's data set, if it is there."""
        data = self.get(recipe)
        return data if isinstance(data, DataSet) else None

    def read(self, recipe: Recipe, then: Callable[[], object] = _nothing) -> None:
        """Read the recipe's data set, even if it was read before; then do this."""
        key = (recipe.data, recipe.image_size, recipe.data_axes)
        self._data[key] = None

        def work() -> Callable[[], None]:
            try:
                read: DataSet | str = load(*key)
            except (ValueError, OSError, MemoryError) as error:
                read = printable(str(error) or "out of memory")
            return partial(self._has_read, key, read, then)

        self._page.in_thread(work)

    def _has_read(self, key: DataKey, read: DataSet | str, then: Callable[[], object]) -> None:
        self._data[key] = read
        while len(self._data) > MOST_SETS:
            del self._data[next(iter(self._data))]
        then()
        self._page.show_again()

    def when_read(self, recipe: Recipe, then: Callable[[], object]) -> None:
        """Do this; a data set that could not be read is tried once more before."""
        if isinstance(self.get(recipe), str):
            self.read(recipe, then)
        else:
            then()

    def once_read(self, recipe: Recipe, do: Callable[[DataSet], object]) -> None:
        """Do something with the recipe's data set as soon as it is read, or say why that cannot be done."""
        known = self._data.get((recipe.data, recipe.image_size, recipe.data_axes))
        if isinstance(known, DataSet):
            do(known)
        else:
            self.read(recipe, partial(self.with_images, recipe, do))

    def with_images(self, recipe: Recipe, do: Callable[[DataSet], object]) -> None:
        """Do something with the recipe's data set, or say why that cannot be done."""

        def then() -> None:
            data = self.get(recipe)
            if isinstance(data, DataSet):
                do(data)
            else:
                self._page.say(data or "the images are still being read", error=data is not None)

        self.when_read(recipe, then)
