"""Attacks on the app: damaged files, random settings, random keys, signals, full disks, kills.

`make test` runs a short form, always the same; `make robustness` the long one, in at most ten minutes, and
`make robustness SEED=7` another of its kind.
"""

import os
from typing import Final

IS_LONG: Final = os.environ.get("CONVTUI_ROBUSTNESS") == "long"
SEED: Final = int(os.environ.get("CONVTUI_ROBUSTNESS_SEED") or 0)


def rounds(short: int, long: int) -> int:
    """How often an attack is tried in this form."""
    return long if IS_LONG else short
