"""What libtiff has to say of a damaged file is not written into the screen, and no frame is lost for it."""

import sys
from pathlib import Path

from tests.benchmarks.terminal import plain, running
from tests.inputs.test_quiet import damaged


def test_a_damaged_tiff_is_refused_in_a_line_and_no_other_word(tmp_path: Path) -> None:
    paths = damaged(tmp_path)[:2]
    with running([sys.executable, "-m", "convtui"]) as terminal:
        terminal.first_screen(200)
        for path in paths:
            terminal.press_until(b"o", "open an image or a session")
            written = terminal.press(path.encode() + b"\r", quiet=0.5).data
            assert "the image is damaged" in plain(written)
            assert b"Decode" not in written
            assert b"scanline" not in written
            terminal.press_until(b"\x1b", "quit")
        terminal.press_until(b"2", "weight matrix")
