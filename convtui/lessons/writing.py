"""A commented beginning of a lesson from a session: `convtui learn --new`."""

from __future__ import annotations

import json
from pathlib import Path

from convtui.engine.kernels import NAMES
from convtui.inputs.atomic import write_whole
from convtui.inputs.names import printable
from convtui.lessons.lesson_file import LessonError
from convtui.state.session import Session
from convtui.state.settings import canonical

_BEGINNING = """\
# What this lesson is about, in one line.
lesson = 1  # the version of this format
title = "My lesson"

# A step is set up by the words that are typed in the app after a colon. Try it with
#   convtui learn {name}            which follows the file whenever you save it
#   convtui learn --check {name}    which finds every fault, with its line
[[step]]
page = "step"  # step, matrix, layers, batchnorm or train
image = {image}  # a sample, a file beside this one, or a session
settings = {settings}
highlight = ["window"]  # what is spoken of
words = \"\"\"
The kernel covers {{kernel.rows}}x{{kernel.columns}} pixels. A name in braces is a figure of the engine.\"\"\"

[[step]]
settings = ["stride 2"]  # the rest is as in the step before
words = "Two or three short sentences, then a question. What would give it away is hidden."
ask = "How many rows does the output have at stride 2?"
answer = {answer}
figure = "output.rows"  # what the engine must say the answer is
wrong = [
  ["(image.rows - kernel.rows) + 1", "That is at stride 1."],
]
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


def write_new(path: Path, session: Session) -> None:
    """Write a commented lesson about the session. Raises LessonError if that cannot be done."""
    if path.exists():
        raise LessonError(f"{printable(str(path))}: already exists; choose another file name")
    try:
        write_whole(path, new_lesson(session, path.name).encode())
    except OSError as error:
        raise LessonError(f"{printable(str(path))}: cannot be written ({error.strerror or error})") from None


def new_lesson(session: Session, name: str) -> str:
    """The text of that lesson. Raises LessonError for an image that no name stands for."""
    picture = session.picture
    if not picture.source or picture.original is not None:
        raise LessonError(
            f"{printable(picture.name)}: its pixels are in no file; save the session and name that"
        )
    stride2 = session.with_spec(stride=2)
    size = max(session.spec.kernel_size)
    return _BEGINNING.format(
        name=printable(name),
        image=json.dumps(picture.source, ensure_ascii=False),
        settings=json.dumps(_settings(session), ensure_ascii=False),
        answer=stride2.convolution.output_shape[1],
        solution=json.dumps(["stride 1", f"padding {(size - 1) // 2}"]),
    )


def _settings(session: Session) -> list[str]:
    """What makes the session out of its image, as it is typed."""
    spec, kernel = session.spec, session.kernel
    rows, columns = spec.kernel_size
    if kernel.named and kernel.name in NAMES:
        settings = [f"kernel {kernel.name} {rows}x{columns}"]
    else:
        settings = [f"kernel {session.convolution.weight.tolist()}"]
    settings += [
        f"{name} {canonical(value)}"
        for name, value, default in (
            ("stride", spec.stride, (1, 1)),
            ("padding", spec.padding if isinstance(spec.padding, str) else spec.pads, ((0, 0), (0, 0))),
            ("dilation", spec.dilation, (1, 1)),
            ("groups", spec.groups, 1),
            ("mode", spec.padding_mode, "zeros"),
        )
        if value != default
    ]
    channel, row, column = session.position
    return [*settings, f"at {channel},{row},{column}"]
