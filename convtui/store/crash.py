"""Writes the details of an internal error to a file, so that the terminal shows one line."""

from __future__ import annotations

import traceback
from pathlib import Path


def report(error: BaseException) -> Path | str:
    """Write the traceback to the user's state folder and return its path, or the reason if that fails."""
    from platformdirs import user_state_path

    path = user_state_path("convtui", appauthor=False) / "last-error.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as failure:
        return f"could not be written ({failure})"
    return path
