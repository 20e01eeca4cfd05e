"""Attacks on the app: damaged files, random settings, random keys, signals, full disks, kills.

`make test` runs a short form, `make robustness` the long one, in at most ten minutes.
"""

import os
from typing import Final

IS_LONG: Final = os.environ.get("CONVTUI_ROBUSTNESS") == "long"


def rounds(short: int, long: int) -> int:
    """How often an attack is tried in this form."""
    return long if IS_LONG else short
