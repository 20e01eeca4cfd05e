"""A session as a TOML file that people read, edit and share; written as a whole or not at all.

Names in the file are those of PyTorch.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from convtui.engine.kernels import format_kernel, parse_kernel
from convtui.engine.spec import ConvSpec, Padding, Pair
from convtui.inputs.atomic import write_whole
from convtui.inputs.confinement import ConfinedError, require_ours
from convtui.inputs.images import Floats, InputError, Picture
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.inputs.scaling import Longer, side_text
from convtui.state.norm_choice import BATCH_NORM, NormChoice
from convtui.state.operation import GATHER, SCATTER
from convtui.state.session import Session, View
from convtui.store.pictures import is_sample
from convtui.store.session_parser import FORMAT, VIEW_FLAGS, digest, parse, restored
from convtui.store.toml_document import Keys, SessionFileError, TomlDocument, rewritten

__all__ = ["SessionFileError", "dumps", "is_session_file", "load", "loads", "read", "save", "write"]

LARGEST_FILE = 2**24

_BLOCKS = (("image", "pixels"), ("kernel", "weight"))

_BEGINNING = f"""\
# A convtui session: open it with convtui, edit it with any text editor.
convtui = {FORMAT}  # the version of this format
"""


def is_session_file(path: str | Path) -> bool:
    """Whether the file name is that of a session."""
    return Path(path).suffix.lower() == ".toml"


def save(session: Session, path: Path) -> None:
    """Write a session file, or leave an existing one unchanged; comments in a replaced file are kept.

    Raises SessionFileError if it cannot be written, or if an existing file is not a session.
    """
    require_ours(path)
    if not is_session_file(path):
        raise SessionFileError(f"{printable(str(path))}: the name of a session file must end in .toml")
    with _one_line(path, "written"):
        file = _followed(path)
        is_there = file.exists() and file.stat().st_size > 0
    text = dumps(session, file.parent)
    write(rewritten(read(path).text, text, _is_same) if is_there else text, path)


def load(path: Path) -> Session:
    """The session in a file. Raises SessionFileError for whatever is wrong with it, at its line."""
    return restored(read(path), _followed(path).parent)


def loads(text: str, name: str, folder: Path | None = None) -> Session:
    """The session in a text from the file of that name; relative paths in it start from the folder.

    Raises SessionFileError for whatever is wrong, at its line.
    """
    return restored(parse(text, name), folder)


def dumps(session: Session, folder: Path | None = None) -> str:
    """The session as text for a file in that folder; without one, image paths are absolute."""
    tables = {
        "image": _written_image(session.picture, folder),
        "kernel": _written_kernel(session),
        "convolution": _written_convolution(session.spec),
        "operation": _written_operation(session),
        "position": _written_position(session),
        "view": _written_view(session),
        "layers": _written_layers(session, folder),
        "batchnorm": _written_norm(session.norm),
    }
    return _BEGINNING + "".join(
        f"\n[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for table, keys in tables.items()
        if keys
    )


def read(path: Path) -> TomlDocument:
    """The document in a session file, its values not yet looked at. Raises SessionFileError if it is none."""
    require_ours(path)
    with _one_line(path, "read"):
        file = path.expanduser()
        try:
            status = file.stat()
        except FileNotFoundError:
            close = did_you_mean(path.name, neighbours(file))
            raise SessionFileError(f"{printable(str(path))}: no such file{close}") from None
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, a pipe or a socket"
            raise SessionFileError(f"{printable(str(path))}: is {kind}; name a session file")
        if status.st_size > LARGEST_FILE:
            raise _too_large(path, status.st_size)
        content = file.read_bytes()
    try:
        return parse(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        why = f"not UTF-8 text (byte 0x{error.object[error.start]:02x}); save it as UTF-8"
        raise SessionFileError.at(str(path), line, why) from None


def write(text: str, path: Path) -> None:
    """Replace the file, or the one that it links to, at once and with its permissions, or leave it as it was.

    Raises SessionFileError if it cannot be written.
    """
    content = text.encode()
    if len(content) > LARGEST_FILE:
        raise _too_large(path, len(content))
    with _one_line(path, "written"):
        write_whole(path.expanduser(), content)


def _followed(path: Path) -> Path:
    path = path.expanduser()
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def _one_line(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except (InputError, ConfinedError):
        raise
    except OSError as error:
        why = f"cannot be {done} ({error.strerror or error})"
        raise SessionFileError(f"{printable(str(path))}: {why}") from None
    except (ValueError, RuntimeError):  # a NUL in the path; no home to expand ~ to
        raise SessionFileError(f"{printable(str(path))}: not a valid path") from None


def _too_large(path: Path, size: int) -> SessionFileError:
    most = f"a session file may have at most {LARGEST_FILE >> 20} MiB"
    return SessionFileError(f"{printable(str(path))}: {-(-size >> 20)} MiB is too large; {most}")


def _is_same(keys: Keys, old: object, new: object) -> bool:
    """Whether both stand for the same value: a block of numbers may have comments and fractions."""
    if keys in _BLOCKS and isinstance(old, str) and isinstance(new, str):
        with suppress(ValueError):
            blocks = parse_kernel(old), parse_kernel(new)
            return blocks[0].shape == blocks[1].shape and blocks[0].tobytes() == blocks[1].tobytes()
    return repr(old) == repr(new)


def _written_image(picture: Picture, folder: Path | None) -> dict[str, str]:
    original = picture.original or picture
    keys: dict[str, str] = {}
    if not picture.source:
        keys["name"] = _quoted(picture.name)
        keys["pixels"] = _written_pixels(original)
        if len(picture.pixels) == 3:
            keys["colour"] = _flag(picture.colour)
        keys |= {"lowest": repr(float(picture.lowest)), "highest": repr(float(picture.highest))}
    elif is_sample(picture.source) and not Path(picture.source).is_file():
        keys["sample"] = _quoted(picture.source)
    else:
        keys["path"] = _quoted(_referred(picture.source, folder))
        keys["digest"] = f"{_quoted(digest(original))}  # of its pixels, to detect changes"
    if picture.source and picture.resize is not None:
        side = side_text(picture.resize)
        keys["resize"] = side if isinstance(picture.resize, Longer) else _quoted(side)
    if picture.source and picture.crop is not None:
        keys["crop"] = _quoted(side_text(picture.crop))
    if picture.source and picture.gray:
        keys["gray"] = "true"
    if picture.source and picture.axes:
        keys["axes"] = f"{_quoted(picture.axes)}  # of the array"
    if picture.source and picture.white is not None:
        keys["white"] = f"{float(picture.white)!r}  # the stored value that is white"
    if edits := _edits(picture):
        rows = "".join(f"    [{c}, {r}, {q}, {value!r}],\n" for c, r, q, value in edits)
        keys["edits"] = f"[  # channel, row, column, value\n{rows}]"
    return keys


def _edits(picture: Picture) -> list[tuple[int, int, int, float]]:
    if picture.original is None:
        return []
    # Compared as bits, so that 0.0 edited to -0.0 is an edit.
    edited = picture.pixels.view(np.int64) != picture.original.pixels.view(np.int64)
    places = np.argwhere(edited).tolist()
    return [(c, r, q, float(picture.pixels[c, r, q])) for c, r, q in places]


def _referred(source: str, folder: Path | None) -> str:
    """The path from the folder; the absolute one where they have nothing in common."""
    path = Path(source).expanduser().absolute()
    if folder is None:
        return str(path)
    path, folder = path.parent.resolve() / path.name, folder.resolve()
    with suppress(ValueError):  # different drives
        if os.path.commonpath([path, folder]) != path.anchor:
            return Path(os.path.relpath(path, folder)).as_posix()
    return str(path)


@lru_cache(maxsize=1)
def _written_pixels(picture: Picture) -> str:
    return _block(picture.pixels[np.newaxis])


def _written_kernel(session: Session) -> dict[str, str]:
    choice, bias = session.kernel, session.convolution.bias
    keys = {"name": _quoted(choice.name)}
    if choice.named:
        keys["size"] = _pair(session.spec.kernel_size)
    if choice.seed:
        keys["seed"] = f"{choice.seed}"
    if choice.kernels:
        names = "".join(f"    {_quoted(name)},\n" for name in choice.kernels)
        keys["kernels"] = f"[  # one for each filter\n{names}]"
    if choice.filters is not None:
        keys["filters"] = f"{choice.filters}"
    if not choice.named:
        keys["weight"] = _block(session.convolution.weight)
    if bias is not None:
        keys["bias"] = repr(bias.tolist())
    return keys


def _written_convolution(spec: ConvSpec) -> dict[str, str]:
    return {
        "stride": _pair(spec.stride),
        "padding": _padding(spec.padding),
        "dilation": _pair(spec.dilation),
        "groups": f"{spec.groups}",
        "padding_mode": _quoted(spec.padding_mode),
    }


def _written_operation(session: Session) -> dict[str, str]:
    """What is stepped through, if that is not the convolution."""
    if session.layer is None:
        return {}
    keys = {"layer": _quoted(str(session.layer))}
    return keys | ({"way": _quoted(session.way)} if session.way == GATHER else {})


def _written_position(session: Session) -> dict[str, str]:
    of = "input channel" if session.way == SCATTER else "filter"
    keys = {"output": f"{list(session.position)}  # {of}, row, column"}
    if session.taps is not None:
        keys["multiply_adds"] = f"{session.taps}"
    return keys | {"filled": f"{session.filled}  # output cells computed so far"}


def _written_view(session: Session) -> dict[str, str]:
    view = session.view
    keys = {"zoom": _quoted(view.zoom.value if view.zoom else "auto")}
    if view.slice is not None:
        keys["slice"] = f"{min(view.slice, session.last_slice)}"
    if view.panel is not View.panel:
        keys["panel"] = _quoted(view.panel.value)
    if view.overlay is not View.overlay:
        keys["overlay"] = _quoted(view.overlay.value)
    if view.explained is not None:
        keys["explained"] = f"{view.explained}"
    flags = {name: _flag(True) for name in VIEW_FLAGS if getattr(view, name)}
    return keys | {"hints": _flag(view.hints)} | flags


def _written_layers(session: Session, folder: Path | None) -> dict[str, str]:
    """What differs from the default layers and from where one starts in a stack."""
    stack = session.chosen_stack
    if stack is None:
        return {}
    from convtui.state.network import Stack, default_stack

    default = default_stack(stack.input_shape)
    keys: dict[str, str] = {}
    if (stack.layers, stack.name) != (default.layers, default.name):
        keys["text"] = _quoted(stack.text)
        if stack.name and stack.name != stack.text:
            keys["name"] = _quoted(stack.name)
    if stack.seed:
        keys["seed"] = f"{stack.seed}"
    if stack.trained:
        keys["run"] = _quoted(_referred(str(stack.trained.run), folder))
        keys["step"] = f"{stack.trained.step}  # the training step after which the weights were saved"
    if stack.trained and stack.trained.digest:
        keys["digest"] = f"{_quoted(stack.trained.digest)}  # of its checkpoint, to detect changes"
    start = Stack.laid(stack.layers, stack.input_shape)
    if (stack.layer, stack.activation) != (start.layer, start.activation):
        keys["layer"] = f"{stack.layer}"
        keys["activation"] = f"{list(stack.activation)}  # channel, row, column"
    return keys


def _written_norm(choice: NormChoice) -> dict[str, str]:
    """What differs from the norm that one starts with."""
    keys = {} if choice.is_batch else {"norm": _quoted(choice.kind)}
    if choice.num_groups != BATCH_NORM.num_groups:
        keys["num_groups"] = f"{choice.num_groups}"
    return keys


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    try:
        escaped.encode()
    except UnicodeEncodeError:
        raise SessionFileError(
            f"{printable(text)}: not valid Unicode, so a session cannot refer to it; rename it"
        ) from None
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _block(numbers: Floats) -> str:
    return f'"""\n{format_kernel(numbers)}"""'


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _pair(pair: Pair) -> str:
    return f"{pair[0]}" if pair[0] == pair[1] else f"{list(pair)}"


def _padding(padding: Padding) -> str:
    if isinstance(padding, str):
        return _quoted(padding)
    (top, bottom), (left, right) = padding
    if (top, left) == (bottom, right):
        return _pair((top, left))
    return f"{[[top, bottom], [left, right]]}"
