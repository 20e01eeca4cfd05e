"""A terminal that cannot write every character gets the rest of the line all the same."""

import os
import subprocess
import sys

from convtui.training.recipe import Recipe
from tests.support.train_page import keep


def test_what_an_encoding_cannot_say_is_replaced() -> None:
    keep(Recipe())
    result = subprocess.run(
        [sys.executable, "-m", "convtui", "train", "--list"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"one-cycle 0.06 ?" in result.stdout
