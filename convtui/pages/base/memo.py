"""What a page made last, made again only when something that it depends on has changed.

Not functools.lru_cache(maxsize=1): that needs hashable arguments, hashes all of them with every key press,
holds on to the page of a bound method, and does not give back the last value without its key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """The last value, with the key that it was made for."""

    def __init__(self) -> None:
        self._last: tuple[object, T] | None = None

    @property
    def value(self) -> T | None:
        """The last value, whatever its key; None before the first."""
        return self._last[1] if self._last else None

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The last value if its key equals this one, else a new one; where `make` raises, the last stays."""
        if self._last is None or self._last[0] != key:
            self._last = (key, make())
        return self._last[1]
