"""Reads the text of a session file, or reports in one line what is wrong and where.

Reading trusts nothing: the file may be typed by hand or come from anyone. Nothing in it is ever executed.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from convtui.engine.kernels import NAMES, describe, own_filters, parse_kernel
from convtui.engine.norms import NORM_KINDS
from convtui.engine.spec import LARGEST_VALUE, ConvSpec, SpecError
from convtui.inputs.axes import AXES
from convtui.inputs.images import Floats, How, InputError, Picture
from convtui.inputs.names import printable
from convtui.inputs.scaling import LARGEST_SIDE, Longer, Pair, Resize
from convtui.state.kernel_choice import KernelChoice
from convtui.state.norm_choice import BATCH_NORM, MOST_GROUPS, NormChoice
from convtui.state.operation import one_layer
from convtui.state.session import MOST_FILTERS, Overlay, Panel, Session, View, Zoom
from convtui.state.settings import parse_sides
from convtui.store.pictures import open_path, open_sample
from convtui.store.toml_document import SessionFileError, TomlDocument, is_number, is_whole

if TYPE_CHECKING:
    from convtui.state.network import Stack

T = TypeVar("T")

FORMAT = 1
VIEW_FLAGS = (  # those that a file may leave out: false
    *("by_entry", "with_padding", "transposed", "letters"),
    *("features", "panel_alone"),
)
MOST_WEIGHTS = 2**24

_SOURCES = ("sample", "path", "pixels")
_OF_SOURCES = ("resize", "crop", "gray", "axes", "white", "digest")
_OF_PIXELS = ("name", "colour", "lowest", "highest")
_KEYS = {
    "convtui": (),
    "image": (*_SOURCES, *_OF_SOURCES, *_OF_PIXELS, "edits"),
    "kernel": ("name", "size", "seed", "filters", "kernels", "weight", "bias"),
    "convolution": ("stride", "padding", "dilation", "groups", "padding_mode"),
    "operation": ("layer", "way"),
    "position": ("output", "multiply_adds", "filled"),
    "layers": ("text", "name", "seed", "run", "step", "digest", "layer", "activation"),
    "batchnorm": ("norm", "num_groups"),
    "view": ("zoom", "slice", "hints", "panel", "overlay", "explained", *VIEW_FLAGS),
}


def parse(text: str, name: str) -> TomlDocument:
    """The text as a document whose keys are those of a session; their values are not yet looked at.

    Raises SessionFileError if it is none.
    """
    document = TomlDocument.parse(text, name)
    version = document.data.get("convtui")
    if version is None:
        what = "not a convtui session" if text.strip() else "the file is empty"
        raise document.error((), f"{what}; a session has the line convtui = {FORMAT}")
    if is_whole(version) and version > FORMAT:
        newer = f"written by a newer convtui, in format {version}; this version reads format {FORMAT}"
        raise document.error(("convtui",), newer)
    if not is_whole(version) or version != FORMAT:
        raise document.error(("convtui",), f"convtui = {short_repr(version)}: must be {FORMAT}")
    document.require_known(_KEYS)
    return document


def restored(document: TomlDocument, folder: Path | None = None) -> Session:
    """The session in a document. Raises SessionFileError for whatever is wrong with its values."""
    picture = _picture(document, folder)
    changed = _changed(document, picture)
    if changed:
        picture = replace(picture, notice="; ".join(filter(None, (picture.notice, changed))))
    try:
        convolved = _convolved(document, _edited(document, picture))
        return _placed(document, _operated(document, convolved), folder)
    except SessionFileError as error:
        raise SessionFileError(f"{error} ({changed})" if changed else str(error)) from None


@lru_cache(maxsize=1)
def digest(picture: Picture) -> str:
    """A short digest of the pixels; computed once for an image that is saved repeatedly."""
    hashed = sha256(repr(picture.pixels.shape).encode())
    hashed.update(picture.pixels.astype("<f8", order="C", copy=False).data)
    return hashed.hexdigest()[:16]


def _picture(document: TomlDocument, folder: Path | None) -> Picture:
    given = [key for key in _SOURCES if document.value("image", key) is not None]
    if not given:
        raise document.error(("image",), f"[image] needs {', '.join(_SOURCES[:-1])} or {_SOURCES[-1]}")
    if len(given) > 1:
        raise document.error(("image", given[1]), f"image.{given[0]} is also given; keep only one of them")
    (source,) = given
    for key in _OF_SOURCES if source == "pixels" else _OF_PIXELS:
        if document.value("image", key) is not None:
            raise document.error(
                ("image", key), f"image.{key} cannot be combined with image.{source}; leave it out"
            )
    return _embedded(document) if source == "pixels" else _opened(document, source, folder)


def _opened(document: TomlDocument, source: str, folder: Path | None) -> Picture:
    axes = document.string("image", "axes") or ""
    if axes not in ("", *AXES):
        raise document.must_be("image", "axes", " or ".join(AXES))
    white = document.number("image", "white")
    if white is not None and not 0 < white <= LARGEST_VALUE:
        raise document.must_be("image", "white", "a positive number")
    how = How(
        resize=_resize(document),
        crop=_sides(document, "crop"),
        gray=document.flag("image", "gray") or False,
        axes=axes,
        white=white,
    )
    name = document.string("image", source) or ""
    try:
        if source == "sample":
            return open_sample(name, **how)
        return open_path((folder or Path()) / Path(name).expanduser(), **how)
    except (InputError, RuntimeError) as error:  # RuntimeError: no home to expand ~ to
        raise document.error(("image", source), f"image.{source}: {error}") from None


def _resize(document: TomlDocument) -> Resize | None:
    """As it is typed, in quotes; a number is the longer side, as convtui 0.1 wrote it."""
    if is_whole(document.value("image", "resize")):
        side = document.whole("image", "resize", 1, LARGEST_SIDE)
        return None if side is None else Longer(side)
    return _sides(document, "resize")


def _sides(document: TomlDocument, key: str) -> int | Pair | None:
    text = document.value("image", key)
    if text is None:
        return None
    try:
        return parse_sides(key, text if isinstance(text, str) else "")
    except SpecError:
        what = 'sides from 1 to 4096 in quotes, such as "224" or "224x160"'
        raise document.must_be("image", key, what) from None


def _embedded(document: TomlDocument) -> Picture:
    block = _numbers(document, "image", "pixels")
    if len(block) > 1:
        raise document.error(("image", "pixels"), "image.pixels: a blank line separates channels, not ---")
    pixels = block[0]
    if np.abs(pixels).max() > LARGEST_VALUE:
        raise document.error(
            ("image", "pixels"), f"image.pixels: values must be at most {LARGEST_VALUE:g} in magnitude"
        )
    pixels.setflags(write=False)
    lowest = document.number("image", "lowest")
    lowest = min(0.0, float(pixels.min())) if lowest is None else lowest
    highest = document.number("image", "highest")
    highest = max(1.0, float(pixels.max())) if highest is None else highest
    if lowest >= highest:
        raise document.error(
            ("image", "highest"), f"image.highest = {highest}: must be greater than lowest, {lowest}"
        )
    colour = document.flag("image", "colour")
    if colour and len(pixels) != 3:
        why = f"image.colour = true: needs 3 channels (red, green, blue), got {len(pixels)}"
        raise document.error(("image", "colour"), why)
    if colour is None:
        colour = len(pixels) == 3 and bool(pixels.min() >= 0 and pixels.max() <= 1)
    name = printable(document.string("image", "name") or "pixels")
    return Picture(pixels, name, source="", colour=colour, lowest=lowest, highest=highest)


def _changed(document: TomlDocument, picture: Picture) -> str:
    saved = document.string("image", "digest")
    if saved is None or saved == digest(picture):
        return ""
    return f"{picture.name}: the image has changed since the session was saved"


def _edited(document: TomlDocument, picture: Picture) -> Picture:
    edits = document.value("image", "edits")
    if edits is None:
        return picture
    if not isinstance(edits, list):
        raise document.must_be("image", "edits", "a list of [channel, row, column, value]")
    pixels = picture.pixels.copy()
    for number, edit in enumerate(edits):
        if wrong := _wrong_edit(edit, pixels.shape):
            line = document.element_line("image", "edits", element=number) if isinstance(edit, list) else None
            raise document.error(("image", "edits"), f"edit {short_repr(edit)}: {wrong}", line)
        pixels[tuple(edit[:3])] = edit[3]
    pixels.setflags(write=False)
    return replace(picture, pixels=pixels, original=picture)


def _wrong_edit(edit: Any, shape: tuple[int, ...]) -> str:
    if not isinstance(edit, list) or len(edit) != 4 or not all(map(is_whole, edit[:3])):
        return "must be [channel, row, column, value]"
    if not is_number(edit[3]) or abs(edit[3]) > LARGEST_VALUE:
        return f"the value must be a finite number, at most {LARGEST_VALUE:g} in magnitude"
    if not all(0 <= at < size for at, size in zip(edit, shape, strict=False)):
        return f"no such pixel; channel, row and column count from 0, and the image is {list(shape)}"
    return ""


def _convolved(document: TomlDocument, picture: Picture) -> Session:
    weight = None if document.value("kernel", "weight") is None else _numbers(document, "kernel", "weight")
    choice = KernelChoice(
        name=_kernel_name(document, has_weight=weight is not None),
        seed=document.whole("kernel", "seed", 0) or 0,
        filters=document.whole("kernel", "filters", 1),
        named=weight is None,
        kernels=_kernels(document, has_weight=weight is not None),
    )
    size: Any = document.data["kernel"].get("size", 3) if weight is None else weight.shape[2:]
    settings = document.data.get("convolution", {})
    try:
        _require_legal(document, picture, choice, weight, ConvSpec(size, **settings))
        return _biased(document, Session.start(picture, choice, weight, size=size, **settings))
    except SpecError as error:
        raise document.error(_home(document, error.parameter), str(error)) from None


def _kernel_name(document: TomlDocument, has_weight: bool) -> str:
    name = document.string("kernel", "name")
    if has_weight:
        if document.value("kernel", "size") is not None:
            raise document.error(("kernel", "size"), "kernel.size follows from kernel.weight; leave it out")
        return printable(name or "kernel")
    if name is None:
        raise document.error(("kernel",), "[kernel] needs a name or a weight")
    try:
        describe(name)
    except ValueError as error:
        raise document.error(("kernel", "name"), f"kernel.name: {error}") from None
    return name


def _kernels(document: TomlDocument, has_weight: bool) -> tuple[str, ...]:
    """The kernel of each filter, where the file names them one by one."""
    names = document.value("kernel", "kernels")
    if names is None:
        return ()
    for key, is_given in (
        ("weight", has_weight),
        ("filters", document.value("kernel", "filters") is not None),
    ):
        if is_given:
            why = f"kernel.{key} is also given; keep only one of them"
            raise document.error(("kernel", "kernels"), why)
    if not isinstance(names, list) or not names or len(names) > MOST_FILTERS:
        raise document.must_be(
            "kernel", "kernels", f"a list of 1 to {MOST_FILTERS} names, one for each filter"
        )
    for number, name in enumerate(names):
        if not isinstance(name, str) or name not in NAMES or own_filters(name) != (name,):
            line = document.element_line("kernel", "kernels", element=number)
            why = f"{short_repr(name)}: must be the name of a kernel with one filter, such as top-edge"
            raise document.error(("kernel", "kernels"), f"kernel.kernels: {why}", line)
    return tuple(names)


def _require_legal(
    document: TomlDocument, picture: Picture, choice: KernelChoice, weight: Floats | None, spec: ConvSpec
) -> None:
    """What PyTorch refuses, and weights too many to hold, are refused before any weight is made."""
    channels, groups = len(picture.pixels), spec.groups
    slices = channels // groups or 1
    if weight is None:
        filters = choice.filters or len(choice.kernels or own_filters(choice.name))
        spec.check(picture.pixels.shape, (groups * channels, slices, *spec.kernel_size))
    else:
        filters = len(weight)
        own = weight.shape[1] if weight.shape[1] > 1 else slices
        spec.check(picture.pixels.shape, (filters, own, *spec.kernel_size))
        if choice.filters and -(-choice.filters // groups) * groups != filters:
            why = f"kernel.filters = {choice.filters}: kernel.weight has {filters}; leave it out"
            raise document.error(("kernel", "filters"), why)
    count = filters * slices * math.prod(spec.kernel_size)
    if count > MOST_WEIGHTS:
        why = f"{count:,} weights are too many; a session may have at most {MOST_WEIGHTS:,}"
        raise document.error(("kernel", "filters"), why)


def _home(document: TomlDocument, parameter: str) -> tuple[str, str]:
    """The key to correct where PyTorch refuses a parameter."""
    weight = [("kernel", key) for key in ("weight", "size", "name")]
    return next(keys for keys in (("convolution", parameter), *weight) if document.value(*keys) is not None)


def _biased(document: TomlDocument, session: Session) -> Session:
    bias = document.value("kernel", "bias")
    if bias is None:
        return session
    if not isinstance(bias, list) or not all(map(is_number, bias)):
        raise document.must_be("kernel", "bias", "a list of finite numbers, one for each filter")
    try:
        return replace(session, convolution=session.convolution.replaced(bias=[float(each) for each in bias]))
    except ValueError as error:
        raise document.error(("kernel", "bias"), f"kernel.bias: {error}") from None


def _numbers(document: TomlDocument, table: str, key: str) -> Floats:
    """[filters, slices, rows, columns] a block of numbers; what is wrong in it is told with its own line."""
    text = document.string(table, key) or ""
    with suppress(ValueError):
        return parse_kernel(text)
    above = document.lines_above(table, key)
    try:
        return parse_kernel("\n" * (above or 0) + text)
    except ValueError as error:
        line, _, why = str(error).removeprefix("line ").partition(": ")
        if above is None:
            raise document.error((table, key), f"{table}.{key}: {error}") from None
        line_at_least = max(int(line), document.line(table, key))
        raise document.error((table, key), f"{table}.{key}: {why}", line_at_least) from None


def _operated(document: TomlDocument, session: Session) -> Session:
    """With the operation that is stepped through instead of the convolution, if one is named."""
    text, way = document.string("operation", "layer"), document.string("operation", "way")
    if text is None:
        if way is not None:
            raise document.error(("operation", "way"), "operation.way needs operation.layer; give both")
        return session
    try:
        session = session.with_operation(one_layer(text, "operation.layer"))
    except SpecError as error:
        in_layer = "" if error.parameter == "operation.layer" else "operation.layer: "
        raise document.error(("operation", "layer"), f"{in_layer}{error}") from None
    if way is None:
        return session
    try:
        return session.with_way(way)
    except SpecError as error:
        raise document.error(("operation", "way"), f"operation.{error}") from None


def _placed(document: TomlDocument, session: Session, folder: Path | None) -> Session:
    at = document.value("position", "output")
    index = 0
    if at is not None:
        if not isinstance(at, list) or len(at) != 3 or not all(map(is_whole, at)):
            raise document.must_be("position", "output", "[filter, row, column]")
        try:
            index = session.operation.index(*at)
        except IndexError as error:
            raise document.error(
                ("position", "output"), f"position.output = {short_repr(at)}: {error}"
            ) from None
    taps = document.whole("position", "multiply_adds", 0, session.operation.entries(index))
    filled = document.whole("position", "filled", index + 1, session.size) or index + 1
    view, stack = _view(document, session), _stack(document, session, folder)
    norm = _norm(document)
    return replace(session, index=index, taps=taps, filled=filled, view=view, chosen_stack=stack, norm=norm)


def _stack(document: TomlDocument, session: Session, folder: Path | None) -> "Stack | None":
    if "layers" not in document.data:
        return None
    stack = _trained(document, _layers(document, session), folder)
    layer = document.whole("layers", "layer", 0, len(stack.summary.rows) - 1)
    if layer is not None:
        stack = stack.at(layer)
    at = document.value("layers", "activation")
    if at is None:
        return stack
    if not isinstance(at, list) or len(at) != 3 or not all(map(is_whole, at)):
        raise document.must_be("layers", "activation", "[channel, row, column]")
    if not all(0 <= each < size for each, size in zip(at, stack.maps(), strict=True)):
        why = f"layer {stack.layer} has no such activation; its feature maps are {list(stack.maps())}"
        raise document.error(
            ("layers", "activation"), f"layers.activation = {short_repr(at)}: {why}, counted from 0"
        )
    return stack.at(stack.layer, (at[0], at[1], at[2]))


def _layers(document: TomlDocument, session: Session) -> "Stack":
    """The stack at its first selection. The text is never taken for the name of a file."""
    from convtui.engine.layer_text import parse_layers
    from convtui.engine.presets import NAMES, preset
    from convtui.state.network import Stack

    text, seed = document.string("layers", "text"), document.whole("layers", "seed", 0) or 0
    if text is None:
        if document.value("layers", "name") is not None:
            raise document.error(("layers", "name"), "layers.name needs layers.text; leave it out")
        return session.stack.reseeded(seed)
    try:
        layers = preset(text).layers if text in NAMES else parse_layers(text)
    except ValueError as error:
        raise document.error(("layers", "text"), f"layers.text: {error}") from None
    name = document.string("layers", "name")
    if text in NAMES:
        name = name or text
    elif name in NAMES:
        why = f"layers.name = {name!r}: is a network with other layers; leave it out"
        raise document.error(("layers", "name"), why)
    return Stack.laid(layers, session.picture.pixels.shape, seed, printable(name) if name else "")


def _trained(document: TomlDocument, stack: "Stack", folder: Path | None) -> "Stack":
    """The stack with the weights of the run that is named; without that run the figures would be others."""
    name, step = document.string("layers", "run"), document.whole("layers", "step", 0)
    digest = document.string("layers", "digest")
    if name is None or step is None:
        for key, other in ("run", "step"), ("step", "run"), ("digest", "run"):
            if document.value("layers", key) is not None:
                raise document.error(("layers", key), f"layers.{key} needs layers.{other}; give both")
        return stack
    from convtui.training.runs.learned_layers import weights_of

    try:
        return stack.with_trained(weights_of((folder or Path()) / Path(name).expanduser(), step, digest))
    except (ValueError, RuntimeError, OSError) as error:  # no home to expand ~ to
        advice = "leave out run, step and digest for random weights"
        raise document.error(("layers", "run"), f"layers.run: {error}; {advice}") from None


def _norm(document: TomlDocument) -> NormChoice:
    kind = document.string("batchnorm", "norm")
    known = next((each for each in NORM_KINDS if each == kind), None)
    if kind is not None and known is None:
        raise document.must_be("batchnorm", "norm", " or ".join(NORM_KINDS))
    groups = document.whole("batchnorm", "num_groups", 1, MOST_GROUPS)
    return NormChoice(known or BATCH_NORM.kind, groups or BATCH_NORM.num_groups)


def _view(document: TomlDocument, session: Session) -> View:
    zoom = _one_of(document, "zoom", {None: None, "auto": None} | {each.value: each for each in Zoom})
    hints = document.flag("view", "hints")
    default = View()
    return View(
        zoom=zoom,
        panel=_one_of(document, "panel", {None: default.panel} | {each.value: each for each in Panel}),
        overlay=_one_of(
            document, "overlay", {None: default.overlay} | {each.value: each for each in Overlay}
        ),
        explained=document.whole("view", "explained", 0),
        slice=document.whole("view", "slice", 0, session.last_slice),
        hints=True if hints is None else hints,
        **{name: bool(document.flag("view", name)) for name in VIEW_FLAGS},
    )


def _one_of(document: TomlDocument, key: str, named: Mapping[str | None, T]) -> T:
    """What a word in the view's table stands for."""
    word = document.string("view", key)
    if word not in named:
        raise document.must_be("view", key, " or ".join(filter(None, named)))
    return named[word]
