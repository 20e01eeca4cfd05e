"""TIFF files of any tags, which Pillow reads but cannot write."""

import struct

import numpy as np

BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, SAMPLE_FORMAT, EXTRA_SAMPLES = 258, 259, 262, 277, 339, 338
COLUMNS, ORIENTATION, COLOUR_MAP = 256, 274, 320
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED, CIELAB = 0, 1, 2, 5, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def tiff(array: np.ndarray, photometric: int, **tags: int | tuple[int, ...]) -> bytes:
    """An uncompressed file of [rows, columns] or [rows, columns, samples], in the array's byte order.

    tags: further ones by the names above, in small letters.
    """
    order = ">" if array.dtype.byteorder == ">" else "<"
    rows, columns, *samples = array.shape
    count = samples[0] if samples else 1
    pixels = array.tobytes()
    entries: dict[int, int | tuple[int, ...]] = {
        COLUMNS: columns,
        257: rows,
        BITS: (8 * array.dtype.itemsize,) * count,
        COMPRESSION: 1,
        PHOTOMETRIC: photometric,
        273: 8,  # where the pixels begin
        SAMPLES: count,
        278: rows,
        279: len(pixels),
        SAMPLE_FORMAT: ({"u": UNSIGNED, "i": SIGNED, "f": FLOAT}[array.dtype.kind],) * count,
    }
    entries |= {globals()[name.upper()]: value for name, value in tags.items()}
    directory = 8 + len(pixels)
    elsewhere = directory + 2 + 12 * len(entries) + 4
    body, extra = b"", b""
    for tag in sorted(entries):
        value = entries[tag]
        numbers = value if isinstance(value, tuple) else (value,)
        is_long = tag in (273, 279)
        packed = struct.pack(f"{order}{len(numbers)}{'I' if is_long else 'H'}", *numbers)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", elsewhere + len(extra)), extra + packed
        body += struct.pack(f"{order}HHI", tag, 4 if is_long else 3, len(numbers)) + packed.ljust(4, b"\0")
    mark = b"MM" if order == ">" else b"II"
    head = mark + struct.pack(f"{order}HI", 42, directory)
    return head + pixels + struct.pack(f"{order}H", len(entries)) + body + bytes(4) + extra
