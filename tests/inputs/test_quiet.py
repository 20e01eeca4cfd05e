"""What C libraries write on standard error does not reach the terminal; what others write comes back."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psutil import Process

from convtui.inputs.images import InputError, read_picture
from convtui.inputs.quiet import silent_stderr

READ = """\
import os, sys
from PIL import Image
from psutil import Process
from convtui.inputs.images import InputError, read_picture
def say(text): os.write(2, text.encode())
say("before,")
for path in sys.argv[2:]:
    try:
        if sys.argv[1] == "convtui":
            read_picture(path)
        else:
            Image.open(path).load()
    except (InputError, OSError):
        say("refused,")
say("after")
"""


def damaged(folder: Path) -> list[str]:
    """Compressed TIFF files whose data were overwritten in the middle."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    paths = []
    for compression in "tiff_deflate", "tiff_lzw", "jpeg", "packbits":
        path = folder / f"{compression}.tif"
        Image.fromarray(noise).save(path, compression=compression)
        content = bytearray(path.read_bytes())
        content[len(content) // 3 : len(content) // 2] = b"\xa5" * (len(content) // 2 - len(content) // 3)
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def heard(reader: str, paths: list[str]) -> str:
    done = subprocess.run([sys.executable, "-c", READ, reader, *paths], capture_output=True, check=True)
    assert done.stdout == b""
    return done.stderr.decode()


def test_libtiff_is_not_heard(tmp_path: Path) -> None:
    paths = damaged(tmp_path)
    words = heard("convtui", paths)
    assert words.startswith("before,refused,")
    assert words.replace("refused,", "") == "before,after"
    assert "ecod" in heard("pillow", paths)  # it would be: "Decoding error at scanline"


def test_damaged_files_are_refused_in_a_line(tmp_path: Path) -> None:
    for path in damaged(tmp_path)[:2]:
        with pytest.raises(InputError, match="the image is damaged"):
            read_picture(path)


def test_it_comes_back_whatever_happens(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with silent_stderr():
            os.write(2, b"lost")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_threads_may_want_it_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    def work(_: int) -> None:
        with silent_stderr():
            os.write(2, b"lost")

    before = Process().num_fds()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(400)))
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    assert Process().num_fds() == before


def test_a_closed_stderr_stays_closed() -> None:
    script = (
        "import os\nfrom convtui.inputs.quiet import silent_stderr\nos.close(2)\n"
        "with silent_stderr(): pass\n"
        "try: os.fstat(2)\nexcept OSError: print('closed')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "closed\n"
