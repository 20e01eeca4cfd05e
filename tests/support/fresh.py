"""Code run as a user runs it: in an interpreter that knows nothing of the tests."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_RUNNER = """\
import json, sys, warnings
warnings.simplefilter("error")
ends = []
for code in json.load(sys.stdin):
    try:
        exec(compile(code, "code", "exec"), {"__name__": "__main__"})
    except BaseException as error:
        ends.append(f"{type(error).__name__} {error}".strip())
    else:
        ends.append("")
json.dump(ends, open("ends", "w"))
"""


def run_apart(codes: Sequence[str], folder: Path) -> list[str]:
    """How each ends, "" where nothing is raised: all in one interpreter, as torch takes long to load."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _RUNNER],
        cwd=folder,
        input=json.dumps(codes),
        text=True,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    ends: list[str] = json.loads((folder / "ends").read_text())
    return ends
