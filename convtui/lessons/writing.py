"""A commented beginning of a lesson about an image or a session: `convtui learn --new`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.inputs.atomic import write_whole
from convtui.inputs.names import printable
from convtui.lessons.course import SUFFIX, expanded
from convtui.lessons.lesson_file import LessonError
from convtui.lessons.setting_up import DEFAULT_IMAGE
from convtui.state.session import Session
from convtui.state.settings import canonical

MOST_WEIGHTS: Final = 200  # that are written as numbers

_BEGINNING: Final = """\
# What this lesson is about, in one line.
lesson = 1  # the version of this format
title = "My lesson"

# A step is set up by the words that are typed in the app after a colon. Try it with
#   convtui learn {name}            which follows the file whenever you save it
#   convtui learn --check {name}    which finds every fault, with its line
[[step]]
page = "step"  # step, matrix, layers, batchnorm or train
image = {image}  # a sample, or a file or session beside this one
settings = {settings}  # such as ["kernel sobel-x 5", "stride 2", "at 0,4,18"]
highlight = ["window"]  # what is spoken of
words = \"\"\"
{words} A name in braces is a figure of the engine.\"\"\"

[[step]]
settings = {stride2}  # the rest is as in the step before
words = "Two or three short sentences, then a question. What would give it away is hidden."
ask = "How many rows does the output have at stride 2?"
answer = {answer}
figure = "output.rows"  # what the engine must say the answer is
wrong = [  # known wrong answers, and why each is wrong
{wrong}]
hint = "Count the places of the window along one column of the image."
after = "The output is {{output.shape}}."

[[step]]
words = "A question can ask for a cell or a setting instead: it is answered once the condition is true."
ask = "Make the output as large as the image."
until = "output.rows == image.rows and stride == 1"
solution = {solution}
after = "That is what padding is for."
notes = "What the presenter reads in a second terminal: convtui learn --notes"
"""


def write_new(path: Path, image: str | None, session: Session) -> None:
    """Write a commented lesson about an image, or a session, by its name; without one about the default.

    session: what `convtui` opens for it. Raises LessonError if the file exists or cannot be written.
    """
    settings = ["padding 1"] if image is None else []
    _write(path, _text(path, image or DEFAULT_IMAGE, settings, session))


def write_new_from(path: Path, session: Session) -> None:
    """Write a commented lesson that begins with a session at work.

    Raises LessonError as new_text_from does, and if the file exists or cannot be written.
    """
    _write(path, new_text_from(path, session))


def new_text_from(path: Path, session: Session) -> str:
    """The text of a commented lesson that begins with a session at work, for a file at that path.

    Raises LessonError for an image that is in no file.
    """
    picture, bias, weight = session.picture, session.convolution.bias, session.convolution.weight
    is_in_no_file = not picture.source or picture.original is not None
    is_sized = picture.resize or picture.crop
    is_read_otherwise = is_sized or picture.gray or picture.axes or picture.white is not None
    has_own_weights = weight.size > MOST_WEIGHTS or (bias is not None and (bias != bias[0]).any())
    if is_in_no_file or is_read_otherwise or has_own_weights:
        why = "a lesson cannot say all of it; save the session and name it: convtui learn --new FILE SESSION"
        raise LessonError(f"{printable(picture.name)}: {why}")
    return _text(path, picture.source, _settings(session), session)


def new_lesson_path(text: str) -> Path:
    """The file that the text names, which need not end in .toml."""
    path = Path(text if text.lower().endswith(SUFFIX) else f"{text}{SUFFIX}")
    return expanded(path)


def _write(path: Path, text: str) -> None:
    try:
        if path.exists():
            raise LessonError(f"{printable(str(path))}: already exists; choose another file name")
        write_whole(path, text.encode())
    except OSError as error:
        raise LessonError(f"{printable(str(path))}: cannot be written ({error.strerror or error})") from None


def _settings(session: Session) -> list[str]:
    """What makes the session out of its image, as it is typed."""
    spec, kernel = session.spec, session.kernel
    weight, bias = session.convolution.weight, session.convolution.bias
    settings = [
        f"{name} {canonical(value)}"
        for name, value, default in (
            ("padding", spec.padding if isinstance(spec.padding, str) else spec.pads, ((0, 0), (0, 0))),
            ("mode", spec.padding_mode, "zeros"),
        )
        if value != default
    ]
    rows, columns = spec.kernel_size
    if kernel.named and not kernel.kernels and not kernel.seed:
        settings.append(f"kernel {kernel.name} {rows}x{columns}")
        settings += [f"filters {kernel.filters}"] if kernel.filters else []
    else:
        settings.append(f"kernel {weight.tolist()}")
    settings += [
        f"{name} {canonical(value)}"
        for name, value, default in (
            ("groups", spec.groups, 1),
            ("stride", spec.stride, (1, 1)),
            ("dilation", spec.dilation, (1, 1)),
        )
        if value != default
    ]
    if bias is not None:
        settings.append(f"bias {bias[0]}")
    if session.layer is not None:
        settings += [f"operation {session.layer}", *([f"way {session.way}"] if session.way else [])]
    return [*settings, f"at {','.join(map(str, session.position))}"]


def _text(path: Path, image: str, settings: list[str], session: Session) -> str:
    spec = session.spec
    stride2 = ["stride 2"]
    if spec.padding == "same":  # PyTorch refuses it with a stride, and the same numbers not
        stride2 = [f"padding {canonical(spec.pads)}", *stride2]
    words = "The kernel covers {kernel.rows}x{kernel.columns} pixels."
    if session.layer is not None:
        stride2 = ["operation conv", *stride2]
        words = f"Here {session.layer} makes {{output.shape}} of the image."
    solution = ["stride 1", "padding same"]
    if spec.padding_mode != "zeros":  # whose padding may be too large for the image
        solution = ["mode zeros", *solution]
    before, answer = (_rows(session, stride) for stride in (1, 2))
    wrong = f'  ["{before}", "{before} is at stride 1."],\n' if before != answer else ""
    return _BEGINNING.format(
        name=printable(path.name),
        words=words,
        image=_quoted(_from(path.parent, image)),
        settings=_quoted(settings),
        stride2=_quoted(stride2),
        answer=answer,
        wrong=wrong,
        solution=_quoted(solution),
    )


def _rows(session: Session, stride: int) -> int:
    """Of the output of the convolution, at that stride."""
    convolution = session.convolution.replaced(stride=stride, padding=session.spec.pads)
    return convolution.output_shape[1]


def _from(folder: Path, image: str) -> str:
    """What names an image or a session, seen from a folder."""
    data, colon, rest = image.partition(":")
    for name, behind in ((image, ""), (data, colon + rest)):
        with suppress(OSError, ValueError):  # a pasted array is no name of a file
            if name and Path(name).exists():
                return f"{Path(os.path.relpath(name, folder)).as_posix()}{behind}"
    return image


def _quoted(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
