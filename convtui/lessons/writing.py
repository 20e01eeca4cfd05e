"""A commented beginning of a lesson about an image or a session: `convtui learn --new`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.inputs.atomic import write_whole
from convtui.inputs.names import printable
from convtui.lessons.lesson_file import LessonError
from convtui.lessons.setting_up import DEFAULT_IMAGE
from convtui.state.session import Session
from convtui.state.settings import canonical

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
The kernel covers {{kernel.rows}}x{{kernel.columns}} pixels. A name in braces is a figure of the engine.\"\"\"

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
    if path.exists():
        raise LessonError(f"{printable(str(path))}: already exists; choose another file name")
    try:
        write_whole(path, _text(path, image, session).encode())
    except OSError as error:
        raise LessonError(f"{printable(str(path))}: cannot be written ({error.strerror or error})") from None


def _text(path: Path, image: str | None, session: Session) -> str:
    spec = session.spec
    stride2 = ["stride 2"]
    if spec.padding == "same":  # PyTorch refuses it with a stride, and the same numbers not
        stride2 = [f"padding {canonical(spec.pads)}", *stride2]
    solution = ["stride 1", "padding same"]
    if spec.padding_mode != "zeros":  # whose padding may be too large for the image
        solution = ["mode zeros", *solution]
    before, answer = (_rows(session, stride) for stride in (1, 2))
    wrong = f'  ["{before}", "{before} is at stride 1."],\n' if before != answer else ""
    return _BEGINNING.format(
        name=printable(path.name),
        image=_quoted(_from(path.parent, image or DEFAULT_IMAGE)),
        settings=_quoted(["padding 1"] if image is None else []),
        stride2=_quoted(stride2),
        answer=answer,
        wrong=wrong,
        solution=_quoted(solution),
    )


def _rows(session: Session, stride: int) -> int:
    """Of the output, at that stride."""
    return session.with_spec(stride=stride, padding=session.spec.pads).convolution.output_shape[1]


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
