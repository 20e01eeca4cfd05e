"""What is told of a network, inputs or weights that cannot be had."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

SAVE_WEIGHTS: Final = 'the weights alone: torch.save(model.state_dict(), "weights.pth")'


class LoadError(ValueError):
    """One line for the user, and the frames of theirs that led there."""

    def __init__(self, reason: str, details: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.details = tuple(details)


def code_words(error: str, saved: str = SAVE_WEIGHTS) -> str:
    """What is told of a pickle that names a function, from PyTorch's error; saved: what to save instead."""
    named = re.search(r"GLOBAL ([\w.]+)", error)
    what = f" ({named[1].rstrip('.')})" if named else ""
    return f"would run code of its own when opened{what}, so it is not; where it was made, save {saved}"
