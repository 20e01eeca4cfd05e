"""Every key and what the mouse does, from the table of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convtui.lessons.course import built_in_course, ideas
from convtui.pages.base.keys import EDIT_KEYS, MOUSE, PAGES, SECTIONS, Key, everywhere
from convtui.pages.base.modal import ClosesOnce
from convtui.paint.text_line import KEY_STYLE

TITLES: Final = {"matrix": "Matrix", "layers": "Layers", "batchnorm": "Norms", "train": "Train"}
INTRODUCTIONS: Final = {
    "step": """\
A kernel slides over an image. At each step it covers a window of the image: every pixel in the window \
is multiplied by the weight that covers it, the products are summed, and the bias is added. The result is \
one cell of the output. Deep learning calls this convolution, although it is cross-correlation: the kernel \
is not flipped. b goes on to its transpose, in which the arrows go from pixel to pixel, and to pooling.""",
    "matrix": """\
The same convolution as a matrix, with a row for every output cell and a column for every pixel. A row \
holds the kernel's weights at the pixels of its window and zeros everywhere else. Those are structural \
zeros: they are not parameters, and training never changes them. The matrix of a transposed convolution is \
the transpose of a convolution's, not its inverse. A row of an average pooling holds equal shares; one of a \
max pooling a 1 at the winner, so that another image has another matrix.""",
    "layers": """\
A stack of layers over the image, the feature maps they compute, and the receptive field: the rectangle of \
pixels that one activation sees through the layers before it. Dilation, strides and branches leave holes in \
it; where they do, the table also says how many pixels are read. The features view (v) shows the filters of \
a convolution: what their kernels resemble, and what of the validation set excites them. What PyTorch prints \
of an nn.Sequential can be pasted as layers; convtui layers writes the table as CSV, Markdown, LaTeX or \
JSON. With a network of yours (convtui net.py:Net photo.jpg, or net.pt2) the page shows its operations \
instead; tab, the arrows, g and enter do the same there (enter on a norm opens page 4), lanes lead from \
branches to joins, V also shows checks, notes and what your code has printed, ! marks the rows that \
checks are about, and v opens the filters of the newest run of it.""",
    "batchnorm": """\
Batch normalisation subtracts a channel's mean over the mini-batch and divides by its standard deviation, \
then scales by gamma and shifts by beta. Evaluation mode uses the running statistics gathered in training. \
Layer, group and instance norm take the mean over channels and cells of a single image; they have no running \
statistics and no second mode. A norm of your own network (enter on page 3) is shown with its real input \
and statistics, as a copy, until the page is left; of a run of it the page shows all batch norms.""",
    "train": """\
A small network learns. Each step computes the loss of one mini-batch and moves every weight against its \
gradient, or against a running average of its gradients. The one-cycle schedule raises the learning rate \
once and lowers it again. Every run is saved; convtui runs OUT.svg draws runs, OUT.csv has their figures. \
Opened as convtui net.py:Net photo.jpg --data DIR, convtui trains that network of yours: every module with \
weights is a layer here, and x ends your code also in the middle of a step.""",
}
READING: Final = (
    ("axes channels-last", "read the image's array as [rows, columns, channels]; also channels-first, auto"),
    ("white 4095", "the stored value that is white; also auto"),
    ("resize 64", "scale the shorter side, as torchvision's Resize; also 64x48 (rows x columns), auto"),
    ("crop 48", "keep the middle of it, as torchvision's CenterCrop; also auto"),
    ("gray on", "one channel; also off"),
    ("kernel w.npy hwio", "read weights as Keras's [rows, columns, in, out]; oihw as PyTorch's"),
    ("kernel [[1, 0], [0, -1]]", "a pasted array, also of numpy, PyTorch or MATLAB; o opens one as an image"),
)
_CONVOLUTION: Final = ("step", "matrix", "layers")


def help_text(page: str = "step", idle: frozenset[str] = frozenset()) -> Content:
    """All keys as aligned lines: the pages, then what this page has, then the rest.

    idle: actions of this page's keys that are left out.
    """
    own = {
        name: tuple(key for key in keys if key.action not in idle)
        for name, keys in PAGES.items()
        if name == page
    }
    others = {name: keys for name, keys in PAGES.items() if name != page}
    pages = {"Pages": SECTIONS["Pages"]}
    shown, hidden = {name: keys for name, keys in SECTIONS.items() if name not in pages}, {}
    if page not in _CONVOLUTION:
        here = {key for key in everywhere() if not _is_taken(key, PAGES[page])}
        hidden = {f"{name} (Step, Matrix and Layers pages)": keys for name, keys in shown.items()}
        shown = {name: tuple(key for key in keys if key in here) for name, keys in shown.items()}
        hidden = {name: tuple(key for key in keys if key not in here) for name, keys in hidden.items()}
    tables = {
        name: [(f"{key.written} {key.footer}" if name in pages else key.written, key.does) for key in keys]
        for name, keys in (pages | _titled(own) | shown | hidden | _titled(others)).items()
        if keys
    }
    tables["Editing (e)"] = list(EDIT_KEYS)
    tables["How files are read (typed after :)"] = list(READING)
    tables["Mouse"] = list(MOUSE)
    tables["Ideas (ctrl+p finds them, O opens the course)"] = _ideas()
    lines = [Content(INTRODUCTIONS[page])]
    for name, rows in tables.items():
        if not rows:
            continue
        wide = max(12, max(len(written) for written, _ in rows)) + 2
        lines += [Content(), Content.styled(name, "bold")]
        lines += [Content.assemble((written.ljust(wide), KEY_STYLE), does) for written, does in rows]
    end = Content(
        "Where the order of an array's axes is a guess, a line says how it was read.\n"
        "A sum has the digits that it takes to add up as it is shown; ≈ stands where it is rounded.\n"
        "ctrl+p finds every command, sample, kernel and theme by name."
    )
    return Content("\n").join([*lines, Content(), end])


def _is_taken(key: Key, page: tuple[Key, ...]) -> bool:
    """Whether all of its keys do something else on a page."""
    return {*key.names.split(",")} <= {name for own in page for name in own.names.split(",")}


def _ideas() -> list[tuple[str, str]]:
    """What the course explains, and in which chapter."""
    course = built_in_course()
    if course is None:
        return []
    return [
        (idea, f"lesson {place.chapter + 1}, {course.lesson(place).title}") for idea, place in ideas().items()
    ]


def _titled(pages: Mapping[str, tuple[Key, ...]]) -> dict[str, tuple[Key, ...]]:
    return {f"{TITLES[name]} page": keys for name, keys in pages.items()}


class HelpScreen(ClosesOnce[None]):
    """A page to scroll; escape, q or ? closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1,enter", "screen.dismiss", "Close")]

    def __init__(self, page: str, idle: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._page, self._idle = page, idle

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as page:
            page.border_title = "convtui · keys"
            page.border_subtitle = "escape closes"
            yield Static(help_text(self._page, self._idle))
