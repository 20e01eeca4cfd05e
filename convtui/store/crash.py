"""Where the details of an error of convtui's own go, so that the terminal gets one line."""

from __future__ import annotations

import traceback
from pathlib import Path


def report(error: BaseException) -> Path | str:
    """Write the traceback to the user's state folder and tell where; where that fails, tell why."""
    from platformdirs import user_state_path

    path = user_state_path("convtui", appauthor=False) / "last-error.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as failure:
        return f"could not be written ({failure})"
    return path
