"""Whether convtui has been started before, so that the course is offered once and never again unasked."""

from pathlib import Path


def is_first_start() -> bool:
    """Tells it once: from then on a mark says that there was a start."""
    try:
        mark = _mark()
        if mark.exists():
            return False
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except (OSError, RuntimeError):  # what cannot be remembered would be offered at every start
        return False
    return True


def _mark() -> Path:
    from platformdirs import user_state_path

    return user_state_path("convtui", appauthor=False) / "started"
