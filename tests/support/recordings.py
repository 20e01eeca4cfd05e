"""The recorded traces of the sample models: `make recordings` takes them again when tracing has changed."""

from typing import Final

from convtui.tracing.recording import encoded, fresh, path_of

RECORDED: Final = (
    ("channel_bug:Net", (3, 64, 64)),
    ("shape_bug:Mended", (3, 64, 64)),
    ("shape_bug:Net", (3, 32, 32)),
    ("shape_bug:Net", (3, 64, 64)),
    ("unet:Net", (3, 62, 62)),
)

if __name__ == "__main__":
    for name, shape in RECORDED:
        path_of(name, shape).write_bytes(encoded(fresh(name, shape)))
