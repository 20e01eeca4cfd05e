"""What to say of an .npz archive where an image is expected."""

from __future__ import annotations

from pathlib import Path

from convtui.inputs.names import printable

MOST_TOLD = 8


def npz_advice(file: Path) -> str:
    """What an archive holds and how one of its images is opened. Raises OSError."""
    from zipfile import BadZipFile, ZipFile  # only here: the first paint should not wait for it

    try:
        with ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except BadZipFile:
        return "is not a complete .npz archive of arrays"
    told = ", ".join(names[:MOST_TOLD]) + (", …" if len(names) > MOST_TOLD else "")
    path = printable(str(file))
    way = f"open an image of a data set by {path}:test:0 or {path}:train:0, and a single array as .npy"
    return f"is an archive of arrays ({printable(told or 'none')}); {way}"
