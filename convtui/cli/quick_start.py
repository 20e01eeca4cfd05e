"""What `convtui` and `convtui learn` do for a quick first screen."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_no_garbage() -> Iterator[None]:
    """What is imported and built for the first screen stays, so looking for garbage in it would be in vain.

    It takes a tenth of the start. The app collects from its first screen on.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
