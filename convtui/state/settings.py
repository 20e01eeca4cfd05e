"""Read what a user types as values, so that the command line and the app's prompt accept the same text.

What PyTorch accepts is decided by the engine, whose SpecError passes through.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, Unpack

import numpy as np

from convtui.engine.array_text import bracketed, is_array_text, parse_real
from convtui.engine.kernel_layout import LAYOUTS
from convtui.engine.kernels import NAMES, RANDOM, KernelRead, read_kernel, read_kernel_text, require_size
from convtui.engine.pooling import Pooling
from convtui.engine.spec import LARGEST, LARGEST_VALUE, PADDING_WORDS, Pair, Sides, SpecError
from convtui.inputs import samples
from convtui.inputs.axes import AXES
from convtui.inputs.confinement import require_ours
from convtui.inputs.images import PASTED, How, Picture
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.inputs.scaling import LARGEST_SIDE as LARGEST_IMAGE
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import KINDS, SCATTER, no_operation, one_layer
from convtui.state.session import MOST_FILTERS, Session

if TYPE_CHECKING:
    from convtui.state.network import Stack

Change: TypeAlias = Callable[[Session], Session]


class Reopen(Protocol):
    """How an image is read again; what is not given stays as it was."""

    def __call__(self, picture: Picture, /, **changes: Unpack[How]) -> Picture:
        """Raises InputError."""


EXAMPLES = {
    "stride": "stride 2,1",
    "padding": "padding same",
    "padding_mode": "mode reflect",
    "dilation": "dilation 2",
    "groups": "groups 3",
    "kernel": "kernel gaussian-blur 5",
    "kernel_size": "size 3x5",
    "filters": "filters 4",
    "bias": "bias 0.5",
    "operation": "operation maxpool 2 s2",
    "way": "way gather",
    "output_padding": "output_padding 1",
    "ceil_mode": "ceil_mode on",
    "count_include_pad": "count_include_pad off",
    "divisor_override": "divisor_override 3",
    "output_size": "output_size 4",
    "seed": "seed 7",
    "at": "at 0,4,18",
    "layers": "layers conv 3x3 8 s2 p1, relu, maxpool 2",
    "layer": "layer 3",
    "weights": "weights 7",
    "resize": "resize 64",
    "crop": "crop 8",
    "gray": "gray on",
    "axes": "axes channels-last",
    "white": "white 4095",
}
_SHORT = {"mode": "padding_mode", "size": "kernel_size", "out_channels": "filters", "network": "layers"}
_OF_AN_IMAGE = {"resize", "crop", "gray", "axes", "white"}
_AUTO = "auto"  # what the image's file says
_OF_WEIGHTS = {"groups", "kernel", "filters", "bias", "seed"}
_OF_A_LAYER = {"stride", "padding", "padding_mode", "dilation", "groups", "kernel_size", "filters"}


def parse_pair(parameter: str, text: str) -> int | Pair:
    """One whole number, or the two of "2,1" or "2x1". Raises SpecError."""
    match _whole_numbers(text):
        case [number]:
            return number
        case [rows, columns]:
            return rows, columns
    raise SpecError(parameter, text, "must be a whole number, such as 2, or two, such as 2,1")


def parse_padding(text: str) -> int | Pair | Sides | str:
    """Padding as ConvSpec takes it: "1", "rows,columns", "top,bottom,left,right", "same", "valid", "same-tf".

    Raises SpecError.
    """
    match _whole_numbers(text):
        case [number]:
            return number
        case [rows, columns]:
            return rows, columns
        case [top, bottom, left, right]:
            return (top, bottom), (left, right)
    if text in PADDING_WORDS:
        return text
    words = "must be one number; rows,columns; top,bottom,left,right; same, valid or same-tf"
    raise SpecError("padding", text, words)


def parse_number(parameter: str, text: str) -> float:
    """A finite number, 1/9 among them, of at most 1e30. Raises SpecError."""
    try:
        numerator, slash, denominator = text.replace("−", "-").partition("/")
        value = parse_real(numerator) / (parse_real(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        raise SpecError(parameter, text, "must be a number, such as 0.5, -2 or 1/9") from None
    if not isfinite(value) or abs(value) > LARGEST_VALUE:
        raise SpecError(parameter, text, f"must be finite, at most {LARGEST_VALUE:g} in magnitude")
    return value


def parse_count(parameter: str, text: str, least: int = 1, most: int = LARGEST) -> int:
    """A whole number from `least` to `most`. Raises SpecError."""
    numbers = _whole_numbers(text)
    if len(numbers) != 1 or not least <= numbers[0] <= most:
        bounds = f", at least {least}" if most == LARGEST else f" from {least} to {most}"
        raise SpecError(parameter, text, f"must be a whole number{bounds}")
    return numbers[0]


def parse_at(text: str, session: Session) -> int:
    """The index of an output cell, from the text of its step or of its place.

    The step counts from 1 ("131"). The place counts from 0: row and column in the channel where the session
    is ("4,18"), or output channel, row and column ("0,4,18"). Raises SpecError that tells what there is.
    """
    numbers = _whole_numbers(text)
    match numbers:
        case [step]:
            _require("at", text, "step", step, 1, session.size)
            return step - 1
        case [_, _] | [_, _, _]:
            place = [session.position[0], *numbers][-3:]
            of = "input" if session.way == SCATTER else "output"
            axes = f"{of} channel", f"{of} row", f"{of} column"
            for axis, number, count in zip(axes, place, session.shape, strict=True):
                _require("at", text, axis, number, 0, count - 1)
            return session.operation.index(place[0], place[1], place[2])
    raise SpecError("at", text, "must be a step (131), row,column (4,18) or channel,row,column (0,4,18)")


def _require(parameter: str, text: str, what: str, number: int, first: int, last: int) -> None:
    """Raise SpecError unless there is a row, say, of that number."""
    if not first <= number <= last:
        legal = f"{what}s are {first} to {last}" if first < last else f"the only one is {first}"
        raise SpecError(parameter, text, f"no {what} {number}; {legal}")


def canonical(value: object) -> str:
    """The text that reads back as the value: (1, 1) as "1", ((0, 1), (0, 1)) as "0,1,0,1", 0.5 as "0.5"."""
    match value:
        case (tuple(rows), tuple(columns)) if len({*rows}) == len({*columns}) == 1:
            return canonical((rows[0], columns[0]))
        case (tuple(rows), tuple(columns)):
            return canonical((*rows, *columns))
        case (rows, columns) if rows == columns:
            return str(rows)
        case tuple(numbers):
            return ",".join(map(str, numbers))
        case float():
            return repr(value).removesuffix(".0")
    return str(value)


def transition(text: str, reopen: Reopen | None = None) -> Change:
    """The change that a line such as "stride 2,1" asks for: a setting's name, then its value.

    reopen: for the settings of how the image is read.
    EXAMPLES has a line for every setting. Raises ValueError for an unknown setting or value; the change
    itself raises it for what the session does not allow.
    """
    from convtui.engine.printed_model import is_printed

    if is_printed(text):
        return layers_change(text.strip())
    name, *value = re.split(r"\s*=\s*|\s+", text.strip(), maxsplit=1)
    return change(name, "".join(value), reopen)


def change(setting: str, text: str = "", reopen: Reopen | None = None) -> Change:
    """The change of one setting to the value in the text. Raises as `transition` does."""
    text = text.strip().strip("'\"")
    name = _named(setting)
    if not text:
        raise ValueError(f"{name} needs a value, for example: {EXAMPLES[name]}")
    if name in _OF_WEIGHTS:
        return _with_weights(name, text, _change(name, text, reopen))
    return _change(name, text, reopen)


def _with_weights(name: str, text: str, make: Change) -> Change:
    """The same change, refused where nothing of it would be seen."""

    def made(session: Session) -> Session:
        if isinstance(session.chosen_operation, Pooling):
            raise SpecError(name, text, "a pooling has no weights; operation conv has")
        return make(session)

    return made


def _change(name: str, text: str, reopen: Reopen | None) -> Change:
    if name in _OF_AN_IMAGE:
        return _image_change(name, text, reopen)
    match name:
        case "operation":
            return operation_change(text)
        case "way":
            return lambda session: session.with_way(text)
        case "stride" | "dilation" | "output_padding" | "output_size":
            pair = parse_pair(name, text)
            return lambda session: session.with_parameters(**{name: pair})
        case "padding":
            padding = parse_padding(text)
            return lambda session: session.with_parameters(padding=padding)
        case "padding_mode":
            return lambda session: session.with_parameters(padding_mode=text)
        case "ceil_mode" | "count_include_pad":
            is_on = parse_flag(name, text)
            return lambda session: session.with_parameters(**{name: is_on})
        case "divisor_override":
            divisor = None if text.lower() in ("none", "off") else parse_divisor(text)
            return lambda session: session.with_parameters(divisor_override=divisor)
        case "groups":
            groups = parse_count(name, text, most=MOST_FILTERS)
            return lambda session: session.with_groups(groups)
        case "kernel":
            return kernel_change(text)
        case "kernel_size":
            size = parse_pair("kernel_size", text)
            return lambda session: with_size(session, size)
        case "filters":
            filters = parse_count(name, text, most=MOST_FILTERS)
            return lambda session: session.with_filters(filters)
        case "bias":
            return _bias_change(text)
        case "seed":
            seed = parse_count(name, text, least=0)
            return lambda session: _with_seed(session, seed)
        case "layers":
            return layers_change(text)
        case "layer":
            number = parse_count(name, text, least=0)
            return lambda session: session.with_stack(parse_activation(str(number), session.stack))
        case "weights":
            drawn = parse_count(name, text, least=0)
            return lambda session: session.with_stack(session.stack.reseeded(drawn))
        case _:
            return lambda session: session.at(parse_at(text, session))


def operation_change(text: str) -> Change:
    """The change to the operation of a layer: "maxpool 2 s2", "adaptiveavgpool 4", "convtranspose 3x3 1 s2".

    "conv" alone is the convolution as it is, the name of a pooling alone one that fits the image; the kernel
    size and the filters that are left out are those of the present kernel. Raises ValueError for any other
    layer.
    """
    from convtui.engine.layer_names import THERE_ARE, kind_of
    from convtui.engine.printed_model import is_printed

    if is_printed(text):
        return _printed_operation(text)
    first, *words = text.split()
    try:
        kind = kind_of(first)
    except ValueError as error:
        if THERE_ARE in str(error) or "did you mean" in str(error):  # of layers, most of them no operations
            raise no_operation(text, did_you_mean(first, KINDS)) from None
        raise
    if kind in KINDS and not words and kind != "convtranspose":
        return lambda session: session.with_kind(kind)
    if kind in ("conv", "convtranspose", "conv1d", "convtranspose1d"):
        return lambda session: session.with_operation(one_layer(text, left_out=_left_out(text, session)))
    chosen = one_layer(text)
    return lambda session: session.with_operation(chosen)


def _printed_operation(text: str) -> Change:
    """The change to a module as PyTorch prints or makes it: "nn.MaxPool2d(3, stride=2)"."""
    from convtui.engine.printed_model import read_printed
    from convtui.engine.stack import summarize

    model = read_printed(text)
    if len(model.layers) != 1:
        raise SpecError("operation", text, "must be one module")

    def make(session: Session) -> Session:
        model.check(summarize(model.layers, session.picture.pixels.shape))
        return session.with_operation(model.layers[0])

    return make


def _left_out(text: str, session: Session) -> str:
    """The kernel size and the filters of a session, as far as a convolution is written without them."""
    rows, columns = session.spec.kernel_size
    size = str(columns) if "1d" in text.split()[0].lower() else f"{rows}x{columns}"
    own = {"kernel_size": size, "out_channels": str(session.convolution.weight_shape[0])}
    unnamed = sum(bool(re.fullmatch(r"\d+([x×]\d+)?", word)) for word in text.split())
    names = (name for name in list(own)[unnamed:] if f"{name}=" not in text)
    return " ".join(f"{name}={own[name]}" for name in names)


def with_size(session: Session, size: int | Pair) -> Session:
    """The kernel or the window at another size; of an adaptive pooling, that of its output."""
    layer = session.layer
    if layer is None:
        return session.with_kernel_size(size)
    if layer.kind.startswith("adaptive"):
        return session.with_parameters(output_size=size)
    return session.with_parameters(kernel_size=size)


def parse_flag(parameter: str, text: str) -> bool:
    """on or off, true or false. Raises SpecError."""
    flags = {"on": True, "true": True, "off": False, "false": False}
    if text.lower() not in flags:
        raise SpecError(parameter, text, "must be on or off")
    return flags[text.lower()]


def parse_divisor(text: str) -> int:
    """A whole number. Raises SpecError."""
    numbers = _whole_numbers(text.replace("−", "-"))
    if len(numbers) != 1:
        raise SpecError("divisor_override", text, "must be a whole number, or off")
    return numbers[0]


def kernel_change(text: str, size: int | Pair | None = None, layout: str = "") -> Change:
    """The change to a named kernel, a sample kernel, the kernel in a file, or a pasted one.

    The layout of an array, "oihw" or "hwio", may also stand behind it ("weights.npy hwio").
    A name may have a size behind it ("sobel-x 5"); else the kernel gets `size`, or one near the present.
    Raises ValueError where there is no such kernel.
    """
    name, _, rest = text.partition(" ")
    if name in NAMES:
        chosen = parse_pair("kernel_size", rest) if rest else size
        return lambda session: session.with_kernel(KernelChoice(name), chosen)
    text, layout = _with_layout(text, layout)
    if is_array_text(pasted := bracketed(text)) and not _is_file(text):
        return _weight_change(_pasted_kernel(pasted, layout), PASTED)
    path = _kernel_file(text)
    return _weight_change(read_kernel(path, layout), printable(path.name))


def _with_layout(text: str, layout: str) -> tuple[str, str]:
    """The text without the layout behind it, and that one, else the one given. Raises SpecError."""
    before, _, last = text.rpartition(" ")
    if before and last in LAYOUTS and not _is_file(text):
        return before.strip(), last
    if layout not in ("", *LAYOUTS):
        raise SpecError("kernel_layout", layout, f"must be {' or '.join(LAYOUTS)}")
    return text, layout


def _pasted_kernel(text: str, layout: str) -> KernelRead:
    try:
        read = read_kernel_text(text, layout)
        require_size(read)
    except ValueError as error:
        raise ValueError(f"pasted kernel: {error}") from None
    return read


def _weight_change(read: KernelRead, name: str) -> Change:
    """The change to this weight; the error of a session that refuses it has its name and shape."""
    told = read.notice or read.axes or f"weight of shape {read.weight.shape}"
    notice = read.notice and f"{name}: {read.notice}"

    def change(session: Session) -> Session:
        try:
            return session.with_weight(read.weight, name, notice)
        except SpecError as error:
            reason = f"{error.reason} ({name}: {told})"
            raise SpecError(error.parameter, error.value, reason, error.legal) from None

    return change


def parse_how(name: str, text: str) -> How:
    """How an image is read, as one of "resize 64", "crop 48", "gray on" and "white 4095" says.

    "auto" is what its file says. Raises SpecError.
    """
    if name == "gray":
        if text not in ("on", "off"):
            raise SpecError(name, text, "must be on or off")
        return How(gray=text == "on")
    if name == "axes":
        if text not in (*AXES, _AUTO):
            raise SpecError(name, text, f"must be {', '.join(AXES)} or {_AUTO}")
        return How(axes="" if text == _AUTO else text)
    if name == "white":
        white = None if text == _AUTO else parse_number(name, text)
        if white is not None and white <= 0:
            raise SpecError(name, text, "must be a positive number, such as 4095")
        return How(white=white)
    sides = None if text == _AUTO else parse_sides(name, text)
    return How(crop=sides) if name == "crop" else How(resize=sides)


def parse_sides(name: str, text: str) -> int | Pair:
    """One side, such as 224, or the rows and columns of "224x160". Raises SpecError."""
    numbers = _whole_numbers(text.replace("×", "x"))
    if len(numbers) not in (1, 2) or not all(1 <= each <= LARGEST_IMAGE for each in numbers):
        what = "must be a whole number from 1 to 4096, or rows x columns such as 224x160"
        raise SpecError(name, text, what)
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _image_change(name: str, text: str, reopen: Reopen | None) -> Change:
    if reopen is None:
        raise ValueError(f"{name}: can only be set when an image is opened")
    again, how = reopen, parse_how(name, text)
    return lambda session: session.with_picture(again(session.picture, **how))


def layers_change(text: str) -> Change:
    """The change to other layers: a named network, a sample, a file, or layers as choose_layers reads them.

    Raises ValueError where it is none of them.
    """
    from convtui.engine.presets import choose_layers
    from convtui.state.network import Stack, require_ours_of_layers

    bundled = {file.stem: str(file) for file in samples.layer_files()}
    choice = bundled.get(text, text)
    require_ours_of_layers(choice)
    choose_layers(choice)  # refuses now what no image makes legal

    def apply(session: Session) -> Session:
        stack = Stack.chosen(choice, session.picture.pixels.shape, session.stack.seed)
        return session.with_stack(replace(stack, name=text) if text in bundled else stack)

    return apply


def layer_transition(text: str, reopen: Reopen | None = None) -> Change:
    """As `transition`, but what a convolution has is changed in the selected layer."""
    from convtui.engine.printed_model import is_printed

    if is_printed(text):
        return layers_change(text.strip())
    setting, *value = re.split(r"\s*=\s*|\s+", text.strip(), maxsplit=1)
    name = _named(setting)
    if name not in _OF_A_LAYER or not value:
        return change(setting, "".join(value), reopen)
    written = value[0].strip("'\"")
    parameters: dict[str, object]
    match name:
        case "padding":
            parameters = {name: parse_padding(written)}
        case "padding_mode":
            parameters = {name: written}
        case "groups":
            parameters = {name: parse_count(name, written)}
        case "filters":
            parameters = {"out_channels": parse_count(name, written)}
        case _:
            parameters = {name: parse_pair(name, written)}
    return lambda session: session.with_stack(session.stack.changed(**parameters))


def parse_activation(text: str, stack: "Stack") -> "Stack":
    """The stack at a place: a layer's number ("5"), or an activation of the selected layer.

    That is row and column ("4,18") or channel, row and column ("0,4,18"), counted from 0; of features only
    the feature ("7,"). Raises SpecError that tells what there is.
    """
    numbers = _whole_numbers(text.strip().rstrip(","))
    if len(numbers) == 1 and not text.strip().endswith(","):
        last = len(stack.summary.rows) - 1
        _require("layer", text, "layer", numbers[0], 0, last)
        return stack.at(numbers[0])
    if len(numbers) == 1:
        place = [numbers[0], 0, 0]
    elif len(numbers) in (2, 3):
        place = [stack.activation[0], *numbers][-3:]
    else:
        reason = "must be a layer (5), row,column (4,18) or channel,row,column (0,4,18)"
        raise SpecError("go to", text, reason)
    for axis, number, count in zip(("channel", "row", "column"), place, stack.maps(), strict=True):
        _require("go to", text, axis, number, 0, count - 1)
    return stack.at(stack.layer, (place[0], place[1], place[2]))


def _is_file(text: str) -> bool:
    require_ours(text)
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _kernel_file(text: str) -> Path:
    bundled = {file.stem: file for file in samples.kernel_files()}
    require_ours(text)
    try:
        path = Path(text).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError):  # there, but not to be read: load_kernel says why
        return Path(text)
    name = text.removesuffix(".txt")
    if name not in bundled:
        close = did_you_mean(path.name, [*NAMES, *bundled, *neighbours(path)])
        raise ValueError(f"{printable(text)}: no such kernel or file{close}")
    return bundled[name]


def _named(setting: str) -> str:
    """The setting's name in full. Raises ValueError where there is no such setting."""
    name = setting.lower().replace("-", "_")
    name = _SHORT.get(name, name)
    if name not in EXAMPLES:
        from convtui.engine.layer_names import why_no_setting

        why = why_no_setting(name)
        if why:
            raise ValueError(f"{printable(setting)}: {why}")
        close = did_you_mean(name, [*EXAMPLES, *_SHORT]) or f"; choose from {', '.join(EXAMPLES)}"
        raise ValueError(f"{printable(setting)}: unknown setting{close}")
    return name


def _bias_change(text: str) -> Change:
    """For "0.5" the same bias in every output channel, for "2 0.5" that of output channel 2."""
    channel, _, number = text.rpartition(" ")
    value = parse_number("bias", number)
    chosen = parse_count("output channel", channel, least=0) if channel else None

    def make(session: Session) -> Session:
        filters = session.convolution.weight_shape[0]
        if chosen is None:
            return session.with_bias(np.full(filters, value))
        _require("bias", text, "output channel", chosen, 0, filters - 1)
        return session.with_bias_value(chosen, value)

    return make


def _with_seed(session: Session, seed: int) -> Session:
    choice = session.kernel
    if not choice.named or RANDOM not in (choice.name, *choice.kernels):
        raise SpecError("seed", seed, "only the kernel called random has a seed")
    return session.with_kernel(replace(choice, seed=seed), session.spec.kernel_size)


def _whole_numbers(text: str) -> Sequence[int]:
    """The whole numbers between commas, x or spaces, in brackets or not; none if there is anything else."""
    tokens = re.split(r"\s*[,x×]\s*|\s+", re.sub(r"[()\[\]]", " ", text).strip())
    if not all(re.fullmatch(r"[+-]?[0-9]{1,30}", token) for token in tokens):
        return []
    return [int(token) for token in tokens]
