"""Every key in one place: the bindings, the footer and the help are made from this table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Key:
    """Keys (Textual's names, comma separated), how they are written, the action, and what it does."""

    names: str
    written: str
    action: str
    does: str
    footer: str = ""  # its word in the footer; "" where it is only in the help
    everywhere: bool = False  # also on a page that shows no convolution

    @property
    def full_action(self) -> str:
        """The action as seen from anywhere."""
        call = self.action if self.action.endswith(")") else f"{self.action}()"
        return call if call.startswith("app.") else f"screen.{call}"


LEAST_FOR_TABS: Final = 110  # columns from which the footer names the pages

SECTIONS: Final[dict[str, tuple[Key, ...]]] = {
    "Pages": (
        Key("1", "1", "page('step')", "the window slides over the image, cell by cell", "step", True),
        Key("2", "2", "page('matrix')", "the same convolution as a weight matrix", "matrix", True),
        Key("3", "3", "page('layers')", "a stack of layers and what an activation sees", "layers", True),
        Key("4", "4", "page('batchnorm')", "what batch normalisation does", "batchnorm", True),
        Key("5", "5", "page('train')", "a small CNN is trained live", "train", True),
    ),
    "Step": (
        Key("right,l", "→ l", "cells(1)", "the next output cell", "cell"),
        Key("left,h", "← h", "cells(-1)", "the previous output cell"),
        Key("down,j", "↓ j", "rows(1)", "a row down", "row"),
        Key("up,k", "↑ k", "rows(-1)", "a row up"),
        Key("enter,m", "enter m", "multiply_add(1)", "one multiply-add inside the cell", "multiply-add"),
        Key("backspace", "backspace", "multiply_add(-1)", "one multiply-add back"),
        Key(
            "space",
            "space",
            "play",
            "play and pause, at the granularity you step with",
            "play",
            everywhere=True,
        ),
        Key("full_stop,greater_than_sign", ". >", "speed(1)", "play faster", "speed", everywhere=True),
        Key("comma,less_than_sign", ", <", "speed(-1)", "play slower", everywhere=True),
        Key("g", "g", "go_to", "go to a cell: 4,18 or 0,4,18 — or to a step: 131", "go to"),
        Key("home", "home", "ends(-1)", "the first output cell"),
        Key("end", "end", "ends(1)", "the last output cell"),
        Key("pagedown", "page down", "channels(1)", "the next output channel (filter)"),
        Key("pageup", "page up", "channels(-1)", "the previous output channel (filter)"),
        Key("f", "f", "finish", "finish the whole output", "finish"),
        Key("r", "r", "restart", "restart from the first cell", "restart"),
    ),
    "Change": (
        Key("t", "t", "stride(1)", "stride up"),
        Key("T", "T", "stride(-1)", "stride down"),
        Key("p", "p", "padding(1)", "padding up on every side"),
        Key("P", "P", "padding(-1)", "padding down"),
        Key("d", "d", "dilation(1)", "dilation up"),
        Key("D", "D", "dilation(-1)", "dilation down"),
        Key("z", "z", "size(1)", "kernel size up"),
        Key("Z", "Z", "size(-1)", "kernel size down"),
        Key("G", "G", "groups(1)", "the next number of groups that fits the channels"),
        Key("x", "x", "mode(1)", "padding mode: zeros, reflect, replicate, circular"),
        Key("i", "i", "filters(1)", "one filter (output channel) more"),
        Key("I", "I", "filters(-1)", "one filter less"),
        Key("n", "n", "kernel(1)", "the next named kernel"),
        Key("N", "N", "kernel(-1)", "the named kernel before"),
        Key(
            "e", "e", "edit", "edit the kernel, the bias and the image: tab goes from one to the next", "edit"
        ),
        Key(
            "colon",
            ":",
            "type('')",
            "type a setting: stride 2,1 · padding same · kernel sobel-x 5 · bias 0.5",
            everywhere=True,
        ),
        Key("u", "u", "undo", "undo", "undo", everywhere=True),
        Key("ctrl+r", "ctrl+r", "redo", "redo what was undone", everywhere=True),
    ),
    "Look": (
        Key("c", "c", "slice(1)", "the next channel of the image", "channel"),
        Key("C", "C", "slice(-1)", "the channel before"),
        Key("plus,equals_sign", "+", "zoom(1)", "larger cells"),
        Key("minus", "-", "zoom(-1)", "smaller cells"),
        Key("0", "0", "fit", "cells as large as fit"),
        Key("escape", "escape", "unpoint", "forget the pixel that was clicked"),
        Key("H", "H", "hints", "show or hide the sentences under the titles", everywhere=True),
        Key("question_mark,f1", "?", "help", "this page", "help", everywhere=True),
    ),
    "Files": (
        Key("s", "s", "save", "save the session", "save", everywhere=True),
        Key("S", "S", "save_as", "save it under another name", everywhere=True),
        Key("o", "o", "open", "open an image, a sample or a session", "open", everywhere=True),
        Key(
            "ctrl+z",
            "ctrl+z",
            "app.suspend_process",
            "into the background; fg brings it back",
            everywhere=True,
        ),
        Key("q,ctrl+c", "q", "app.quit", "quit; asks if there are unsaved changes", "quit", everywhere=True),
    ),
}

# The keys that one page alone has; they come before those of the same name above.
PAGES: Final[dict[str, tuple[Key, ...]]] = {
    "matrix": (
        Key("shift+right", "⇧→", "cursor(0, 1)", "the cursor in the matrix: a column right", "cursor"),
        Key("shift+left", "⇧←", "cursor(0, -1)", "a column left"),
        Key("shift+down", "⇧↓", "cursor(1, 0)", "a row down"),
        Key("shift+up", "⇧↑", "cursor(-1, 0)", "a row up"),
        Key("v", "v", "colour", "colour by value, or by kernel entry", "colour"),
        Key("w", "w", "padding_columns", "with the padding as columns, or without", "padding"),
        Key("y", "y", "transpose", "transpose: what a gradient multiplies by", "transpose"),
        Key("a", "a", "letters", "algebra: the equations in letters, for a small image", "letters"),
    ),
    "layers": (
        Key("right,l", "→ l", "cells(1)", "the next activation of the selected layer", "activation"),
        Key("left,h", "← h", "cells(-1)", "the activation before"),
        Key("down,j", "↓ j", "rows(1)", "a row of activations down", "row"),
        Key("up,k", "↑ k", "rows(-1)", "a row of activations up"),
        Key("pagedown", "page down", "channels(1)", "the next channel of the layer"),
        Key("pageup", "page up", "channels(-1)", "the channel before it"),
        Key("tab,right_square_bracket,shift+down", "tab ]", "layer(1)", "the next layer"),
        Key("shift+tab,left_square_bracket,shift+up", "⇧tab [", "layer(-1)", "the layer before"),
        Key("home", "home", "ends(-1)", "the image, from which all layers are computed"),
        Key("end", "end", "ends(1)", "the last layer"),
        Key("g", "g", "go_to", "go to a layer: 5 — or to an activation: 4,18 or 0,4,18", "go to"),
        Key("enter,m", "enter m", "open_layer", "the layer's convolution on the Step page", "open"),
        Key("space", "space", "play", "play through the activations, and pause", "play"),
        Key("r", "r", "restart", "the first activation of the layer"),
        Key("n", "n", "network(1)", "the next named network"),
        Key("N", "N", "network(-1)", "the named network before"),
        Key("w", "w", "weights(1)", "other random weights: the next seed"),
        Key("W", "W", "weights(-1)", "the seed before"),
        Key("e", "e", "edit", "type other layers: conv 3x3 8 s2 p1, relu, maxpool 2", "edit"),
        Key("colon", ":", "type('')", "type a setting: stride 2 · padding same · filters 16"),
    ),
    "batchnorm": (
        Key("right,l", "→ l", "batch(1)", "the next mini-batch", "batch"),
        Key("left,h", "← h", "batch(-1)", "back before the mini-batch before"),
        Key("t", "t", "mode(1)", "training mode or evaluation mode"),
        Key("g", "g", "gamma(1)", "gamma (weight) up"),
        Key("G", "G", "gamma(-1)", "gamma down"),
        Key("b", "b", "beta(1)", "beta (bias) up"),
        Key("B", "B", "beta(-1)", "beta down"),
        Key("x", "x", "identity", "gamma and beta that undo the normalisation, and back"),
        Key("tab,right_square_bracket", "tab ]", "layer(1)", "the next batch norm"),
        Key("shift+tab,left_square_bracket", "⇧tab [", "layer(-1)", "the batch norm before"),
        Key("c", "c", "channel(1)", "the next channel, as page down"),
        Key("C", "C", "channel(-1)", "the channel before, as page up"),
        Key("pagedown", "page down", "channel(1)", "the next channel"),
        Key("pageup", "page up", "channel(-1)", "the channel before"),
        Key("down,j", "↓ j", "activation(-1)", "look at a lesser activation", "activation"),
        Key("up,k", "↑ k", "activation(1)", "look at a greater activation"),
        Key("z", "z", "size(1)", "mini-batches of twice the size"),
        Key("Z", "Z", "size(-1)", "mini-batches of half the size"),
        Key("m", "m", "momentum(1)", "the next momentum; None is a cumulative average"),
        Key("M", "M", "momentum(-1)", "the momentum before"),
        Key("v", "v", "view", "the mini-batches so far, or the values of this one", "view"),
        Key("w", "w", "weights(1)", "the weights of the run, or seeded ones"),
        Key("colon", ":", "type('')", "type a setting: gamma 2 · beta -0.5 · size 64 · momentum 0.1"),
        Key("r,home", "r home", "ends(-1)", "the first mini-batch, running statistics as at first"),
        Key("end", "end", "ends(1)", "through all mini-batches to the end of the epoch"),
    ),
    "train": (
        Key("space", "space", "play", "start a run, pause it, go on with it", "run"),
        Key("enter", "enter", "one_step", "one single step; in the table of runs: show the run", "step"),
        Key("x", "x", "stop", "stop: the run is saved and can be gone on with", "stop"),
        Key("tab,v", "tab v", "view(1)", "curves, layers, one weight, all runs, rate finder", "view"),
        Key("shift+tab,V", "⇧tab V", "view(-1)", "the view before"),
        Key("c", "c", "compare", "train the lecture's four runs one after another, to compare", "compare"),
        Key("f", "f", "find", "search for a learning rate", "rate finder"),
        Key("t", "t", "take", "take the rate that was found, or the recipe of the selected run"),
        Key("g", "g", "resume", "go on with a run that was stopped or lost"),
        Key("b", "b", "batch_norm(1)", "batch norm on or off"),
        Key("p", "p", "schedule(1)", "the policy: one-cycle or a constant rate"),
        Key("r", "r", "lr(1)", "learning rate up; of the run that is on, if there is one"),
        Key("R", "R", "lr(-1)", "learning rate down"),
        Key("e", "e", "epochs(1)", "more epochs"),
        Key("E", "E", "epochs(-1)", "fewer epochs"),
        Key("z", "z", "batch(1)", "mini-batches of twice the size"),
        Key("Z", "Z", "batch(-1)", "mini-batches of half the size"),
        Key("a", "a", "optimizer(1)", "AdamW or SGD"),
        Key("w", "w", "decay(1)", "weight decay up"),
        Key("W", "W", "decay(-1)", "weight decay down"),
        Key("n", "n", "seed(1)", "the next seed"),
        Key("N", "N", "seed(-1)", "the seed before"),
        Key("d", "d", "data(1)", "other images: a bundled name, an .npz file or a folder"),
        Key(
            "colon",
            ":",
            "type('')",
            "type any setting of the recipe: max_lr 0.03 · channels 8,16 · batch_norm off",
        ),
        Key("down,j", "↓ j", "move(1, 0)", "the next layer or run, or a row of the kernel down"),
        Key("up,k", "↑ k", "move(-1, 0)", "the layer or run before, or a row up"),
        Key("right,l", "→ l", "move(0, 1)", "the next layer, or a column of the kernel right"),
        Key("left,h", "← h", "move(0, -1)", "the layer before, or a column left"),
        Key("right_square_bracket", "]", "layer(1)", "the next layer"),
        Key("left_square_bracket", "[", "layer(-1)", "the layer before"),
        Key("pagedown", "page down", "channel(1, 0)", "the weight in the next filter"),
        Key("pageup", "page up", "channel(-1, 0)", "the weight in the filter before"),
        Key("end", "end", "channel(0, 1)", "the weight in the next slice (input channel)"),
        Key("home", "home", "channel(0, -1)", "the weight in the slice before"),
        Key("y", "y", "log", "the losses' axis: linear or logarithmic"),
        Key("m", "m", "mark", "show or hide the curves of the selected run"),
        Key("delete", "delete", "delete", "delete the selected run, once that is confirmed"),
        Key("i", "i", "open_image", "an image of the data set on the Step page: test:17"),
        Key("K", "K", "open_kernels", "the learnt kernels on the Step page"),
        Key("L", "L", "open_layers", "the trained layers on the Layers page"),
    ),
}

MOUSE: Final[tuple[tuple[str, str], ...]] = (
    ("click an output cell", "go there"),
    ("hover or click a pixel", "see the output cells that read it"),
    ("hover a weight", "see the pixel that it multiplies in this step"),
    ("hover or click the matrix", "its cell's weight, pixel and output cell (Matrix page)"),
    ("click ‹ › or a value above", "change it, or type it"),
    ("wheel, shift + wheel", "scroll a pane"),
)

EDIT_KEYS: Final[tuple[tuple[str, str], ...]] = (
    ("arrows", "move"),
    ("a number", "sets"),
    ("enter", "takes"),
    ("tab", "kernel · bias · image"),
    ("escape", "leaves"),
)

_NOTHING_ELSE: Final[Mapping[str, str]] = {}

# What the footer does without where there is no room, the most dispensable first.
_DISPENSABLE: Final = (
    *("restart", "open", "finish", "row", "undo", "rate finder", "go to", "save", "edit"),
    *("multiply-add", "cell", "channel", "speed", "play", "activation", "letters", "compare"),
    *("transpose", "step"),
)
_BOTH_WAYS: Final = {"→ l": "←→", "↓ j": "↑↓", "enter m": "enter", "tab v": "tab", ". >": ". ,"}

FooterKey = tuple[str, str, str]  # the key, its word, its action


def all_keys() -> tuple[Key, ...]:
    return tuple(key for keys in SECTIONS.values() for key in keys)


def everywhere() -> tuple[Key, ...]:
    """The keys of a page that shows no convolution."""
    return tuple(key for key in all_keys() if key.everywhere)


def page_keys(width: int) -> list[FooterKey]:
    """The pages' part of a footer of that width: all by name, or one item that stands for all."""
    if width < LEAST_FOR_TABS:
        return [("1-5", "pages", "screen.help()")]
    return [(key.written, key.footer, key.full_action) for key in SECTIONS["Pages"]]


def footer_keys(
    page: tuple[Key, ...], common: tuple[Key, ...], width: int, now: Mapping[str, str] = _NOTHING_ELSE
) -> list[FooterKey]:
    """What the footer has beside the pages: as many keys as fit, the page's own and the help among them.

    now: what some of the words are in the present state; a key whose word is "" is left out.
    """
    taken = {key.names for key in page}
    others = [key for key in common if key.names not in taken and key not in SECTIONS["Pages"]]
    items = [
        (_BOTH_WAYS.get(key.written, key.written), key.footer, key.full_action)
        for key in (*page, *others)
        if now.get(key.footer, key.footer)
    ]
    for word in _DISPENSABLE:
        if line_length(_worded(items, now)) <= width:
            break
        items = [item for item in items if item[1] != word]
    return _worded(items, now)


def line_length(items: Sequence[FooterKey]) -> int:
    """Columns that so many keys and words take, with their gaps."""
    return sum(len(key) + len(word) + 3 for key, word, _ in items)


def _worded(items: Sequence[FooterKey], now: Mapping[str, str]) -> list[FooterKey]:
    return [(key, now.get(word, word), action) for key, word, action in items]
