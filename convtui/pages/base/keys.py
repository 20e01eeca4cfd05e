"""Every key in one place: what keys do, the footer and the help are made from this table."""

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
        Key("4", "4", "page('batchnorm')", "what batch norm and other norms do", "norms", True),
        Key("5", "5", "page('train')", "train a small CNN and watch it live", "train", True),
    ),
    "Step": (
        Key("right,l", "→ l", "cells(1)", "next output cell", "cell"),
        Key("left,h", "← h", "cells(-1)", "previous output cell"),
        Key("down,j", "↓ j", "rows(1)", "one row down", "row"),
        Key("up,k", "↑ k", "rows(-1)", "one row up"),
        Key("enter,m", "enter m", "multiply_add(1)", "next multiply-add of this output cell", "multiply-add"),
        Key("backspace", "backspace", "multiply_add(-1)", "previous multiply-add"),
        Key(
            "space",
            "space",
            "play",
            "play or pause; repeats the kind of step you took last",
            "play",
            everywhere=True,
        ),
        Key("full_stop,greater_than_sign", ". >", "speed(1)", "play faster", "speed", everywhere=True),
        Key("comma,less_than_sign", ", <", "speed(-1)", "play slower", everywhere=True),
        Key("g", "g", "go_to", "go to an output cell (4,18 or 0,4,18) or a step (131)", "go to"),
        Key("home", "home", "ends(-1)", "first output cell"),
        Key("end", "end", "ends(1)", "last output cell"),
        Key("pagedown", "page down", "channels(1)", "next output channel (filter)"),
        Key("pageup", "page up", "channels(-1)", "previous output channel (filter)"),
        Key("f", "f", "finish", "finish the output: compute every cell", "finish"),
        Key("r", "r", "restart", "restart from the first cell", "restart"),
    ),
    "Change": (
        Key(
            "b",
            "b",
            "operation(1)",
            "next operation: transposed convolution, max pooling and others",
        ),
        Key("B", "B", "operation(-1)", "previous operation"),
        Key("w", "w", "way(1)", "transposed convolution: scatter its pixels, or gather output cells"),
        Key("t", "t", "stride(1)", "stride up"),
        Key("T", "T", "stride(-1)", "stride down"),
        Key("p", "p", "padding(1)", "padding up on all sides"),
        Key("P", "P", "padding(-1)", "padding down on all sides"),
        Key("d", "d", "dilation(1)", "dilation up"),
        Key("D", "D", "dilation(-1)", "dilation down"),
        Key("z", "z", "size(1)", "kernel size up; adaptive pooling: output size"),
        Key("Z", "Z", "size(-1)", "kernel size down"),
        Key("G", "G", "groups(1)", "next number of groups that divides the channels"),
        Key(
            "x",
            "x",
            "mode(1)",
            "padding mode; of other operations ceil_mode or output_padding",
        ),
        Key(
            "i",
            "i",
            "filters(1)",
            "add another filter; average pooling: count_include_pad on or off",
        ),
        Key("I", "I", "filters(-1)", "remove the last filter"),
        Key("n", "n", "kernel(1)", "next named kernel"),
        Key("N", "N", "kernel(-1)", "previous named kernel"),
        Key("e", "e", "edit", "edit the kernel, bias or image; tab switches between them", "edit"),
        Key(
            "colon",
            ":",
            "type('')",
            "type a setting: stride 2,1 · kernel sobel-x 5 · operation maxpool 3 s2",
            everywhere=True,
        ),
        Key("u", "u", "undo", "undo", "undo", everywhere=True),
        Key("ctrl+r", "ctrl+r", "redo", "redo", everywhere=True),
    ),
    "Look": (
        Key("c", "c", "slice(1)", "next channel of the image", "channel"),
        Key("C", "C", "slice(-1)", "previous channel of the image"),
        Key("plus,equals_sign", "+", "zoom(1)", "larger cells"),
        Key("minus", "-", "zoom(-1)", "smaller cells"),
        Key("0", "0", "fit", "largest cells that fit"),
        Key("escape", "escape", "unpoint", "deselect the clicked pixel or cell"),
        Key("Y", "Y", "copy_code", "copy PyTorch code that runs and asserts what is shown", everywhere=True),
        Key(
            "ctrl+y",
            "ctrl+y",
            "show_code",
            "show that code, to copy it or write it to a file",
            everywhere=True,
        ),
        Key("H", "H", "hints", "show or hide the hints under the titles", everywhere=True),
        Key("question_mark,f1", "?", "help", "this help", "help", everywhere=True),
    ),
    "Lesson": (
        Key(
            "O",
            "O",
            "outline",
            "open the course that explains all this; in a lesson, its outline",
            "course",
            everywhere=True,
        ),
        Key(
            "A",
            "A",
            "lesson_go_on",
            "lesson: answer the question, or go on to the next step",
            everywhere=True,
        ),
        Key("U", "U", "lesson_back", "lesson: one step back", everywhere=True),
        Key("F", "F", "lesson_show", "lesson: show the answer", everywhere=True),
        Key("J", "J", "lesson_restore", "lesson: back to the step as it begins", everywhere=True),
    ),
    "Files": (
        Key("s", "s", "save", "save the session", "save", everywhere=True),
        Key("S", "S", "save_as", "save the session under another name", everywhere=True),
        Key("o", "o", "open", "open an image or a session", "open", everywhere=True),
        Key(
            "ctrl+g",
            "ctrl+g",
            "animate",
            "animate to a file: the window sliding, as .gif or .svg",
            everywhere=True,
        ),
        Key(
            "ctrl+f",
            "ctrl+f",
            "picture",
            "picture to a file: the step as .png or .svg, else the screen as .svg",
            everywhere=True,
        ),
        Key(
            "ctrl+z",
            "ctrl+z",
            "app.suspend_process",
            "suspend convtui; fg in the shell resumes it",
            everywhere=True,
        ),
        Key(
            "q,ctrl+c",
            "q",
            "app.quit",
            "quit; asks first if there are unsaved changes",
            "quit",
            everywhere=True,
        ),
    ),
}

# The keys that one page alone has; they come before those of the same name above.
PAGES: Final[dict[str, tuple[Key, ...]]] = {
    "matrix": (
        Key("shift+right", "⇧→", "cursor(0, 1)", "matrix cursor: one column right", "cursor"),
        Key("shift+left", "⇧←", "cursor(0, -1)", "matrix cursor: one column left"),
        Key("shift+down", "⇧↓", "cursor(1, 0)", "matrix cursor: one row down"),
        Key("shift+up", "⇧↑", "cursor(-1, 0)", "matrix cursor: one row up"),
        Key("v", "v", "colour", "colour by value or by kernel entry", "colour"),
        Key(
            "w",
            "w",
            "padding_columns",
            "the padding as columns, or not; transposed convolution: scatter or gather",
            "padding",
        ),
        Key("y", "y", "transpose", "transpose: the matrix that gradients are multiplied by", "transpose"),
        Key("a", "a", "letters", "algebra: the equations in letters (small images only)", "letters"),
    ),
    "layers": (
        Key(
            "right,l",
            "→ l",
            "cells(1)",
            "next activation of the layer; features: next filter",
            "activation",
        ),
        Key(
            "left,h",
            "← h",
            "cells(-1)",
            "previous activation of the layer; features: previous filter",
        ),
        Key("down,j", "↓ j", "rows(1)", "one row of activations (features: of tiles) down", "row"),
        Key("up,k", "↑ k", "rows(-1)", "one row of activations (features: of tiles) up"),
        Key("pagedown", "page down", "channels(1)", "next channel of the layer; features: next tiles"),
        Key(
            "pageup",
            "page up",
            "channels(-1)",
            "previous channel of the layer; features: previous tiles",
        ),
        Key("tab,right_square_bracket,shift+down", "tab ]", "layer(1)", "next layer"),
        Key("shift+tab,left_square_bracket,shift+up", "⇧tab [", "layer(-1)", "previous layer"),
        Key("home", "home", "ends(-1)", "the image (layer 0)"),
        Key("end", "end", "ends(1)", "last layer"),
        Key("g", "g", "go_to", "go to a layer (5) or an activation (4,18 or 0,4,18)", "go to"),
        Key(
            "enter,m",
            "enter m",
            "open_layer",
            "open the layer's windows on the Step page",
            "open",
        ),
        Key("y", "y", "own_network", "your own network, or the stack of layers", "own network"),
        Key(
            "v",
            "v",
            "features",
            "other view: the table of layers or operations, or the filters of one",
            "features",
        ),
        Key(
            "V",
            "V",
            "panel(1)",
            "what the checks find; features: next panel: kernel, patches, accuracy without a filter, class",
            "panel",
        ),
        Key("b", "b", "panel_alone", "features: the panel alone, or beside all filters"),
        Key("X", "X", "hide_filter", "features: hide the selected filter, or show it again", "hide"),
        Key("M", "M", "overlay(1)", "features: the image, its gradient or its occlusion map"),
        Key("c", "c", "slice(1)", "next channel of the image; features: next class"),
        Key("C", "C", "slice(-1)", "previous channel of the image; features: previous class"),
        Key(
            "escape",
            "escape",
            "stop_measuring",
            "features: stop measuring, or resume it; your network: stop it",
        ),
        Key("space", "space", "play", "play through the activations, or pause", "play"),
        Key("r", "r", "restart", "first activation of the layer"),
        Key("n", "n", "network(1)", "next named network"),
        Key("N", "N", "network(-1)", "previous named network"),
        Key(
            "R",
            "R",
            "scale",
            "scale the image so that all layers fit; your network: run it again",
            "run again",
        ),
        Key("i", "i", "filters(1)", "add another filter; your network: draw the next of its inputs", "input"),
        Key("I", "I", "filters(-1)", "remove the last filter; your network: the input before"),
        Key("w", "w", "weights(1)", "other random weights: next seed"),
        Key("W", "W", "weights(-1)", "other random weights: previous seed"),
        Key("e", "e", "edit", "edit the layers as text: conv 3x3 8 s2 p1, relu, maxpool 2", "edit"),
        Key("colon", ":", "type('')", "type a setting: stride 2 · padding same · filters 16"),
    ),
    "batchnorm": (
        Key("n", "n", "norm(1)", "next norm: batch, layer, group, instance"),
        Key("N", "N", "norm(-1)", "previous norm"),
        Key("d", "d", "groups(1)", "group norm; next number of groups"),
        Key("D", "D", "groups(-1)", "group norm; previous number of groups"),
        Key("right,l", "→ l", "batch(1)", "next mini-batch", "mini-batch"),
        Key("left,h", "← h", "batch(-1)", "previous mini-batch; undoes the update of the running statistics"),
        Key("t", "t", "mode(1)", "training or evaluation mode"),
        Key("g", "g", "gamma(1)", "gamma (weight) up"),
        Key("G", "G", "gamma(-1)", "gamma down"),
        Key("b", "b", "beta(1)", "beta (bias) up"),
        Key("B", "B", "beta(-1)", "beta down"),
        Key("x", "x", "identity", "gamma and beta that undo the normalisation; again to restore them"),
        Key("tab,right_square_bracket", "tab ]", "layer(1)", "next batch norm"),
        Key("shift+tab,left_square_bracket", "⇧tab [", "layer(-1)", "previous batch norm"),
        Key("c", "c", "channel(1)", "next channel (same as page down)"),
        Key("C", "C", "channel(-1)", "previous channel (same as page up)"),
        Key("pagedown", "page down", "channel(1)", "next channel"),
        Key("pageup", "page up", "channel(-1)", "previous channel"),
        Key("down,j", "↓ j", "activation(-1)", "select a smaller activation", "activation"),
        Key("up,k", "↑ k", "activation(1)", "select a larger activation"),
        Key("i", "i", "image(1)", "select an activation in the next image"),
        Key("I", "I", "image(-1)", "select an activation in the previous image"),
        Key("z", "z", "size(1)", "double the mini-batch size"),
        Key("Z", "Z", "size(-1)", "halve the mini-batch size"),
        Key("m", "m", "momentum(1)", "next momentum value; None: cumulative average"),
        Key("M", "M", "momentum(-1)", "previous momentum value"),
        Key("v", "v", "view", "other view: values, all mini-batches so far, norms", "view"),
        Key("w", "w", "weights(1)", "weights of the run, or random weights"),
        Key("colon", ":", "type('')", "type a setting: gamma 2 · beta -0.5 · norm layer · groups 4"),
        Key("r,home", "r home", "ends(-1)", "first mini-batch; resets the running statistics"),
        Key("end", "end", "ends(1)", "go through the rest of the epoch"),
    ),
    "train": (
        Key("space", "space", "play", "start, pause or resume a run", "run"),
        Key(
            "enter",
            "enter",
            "one_step",
            "train a single step; in the table of runs: show the run; in the laboratory: train and measure",
            "step",
        ),
        Key("x", "x", "stop", "stop the run; it is saved and can be resumed", "stop"),
        Key(
            "tab,v",
            "tab v",
            "view(1)",
            "next view: curves, layers, one weight, laboratory, all runs, rate finder",
            "view",
        ),
        Key("shift+tab,V", "⇧tab V", "view(-1)", "previous view"),
        Key("c", "c", "compare", "compare: train the lecture's four runs one after another", "compare"),
        Key("f", "f", "find", "find a learning rate", "rate finder"),
        Key("C", "C", "comparison(1)", "open the laboratory; in it, compare something else"),
        Key("plus,equals_sign", "+", "seeds(1)", "laboratory: one more seed"),
        Key("minus", "-", "seeds(-1)", "laboratory: one seed fewer"),
        Key("T", "T", "target", "laboratory: the accuracy that rates are to reach: 90, 95, 97 or 98%"),
        Key("t", "t", "take", "use the learning rate that was found, or the recipe of the selected run"),
        Key("g", "g", "resume", "resume a stopped or interrupted run"),
        Key("b", "b", "batch_norm(1)", "batch norm on or off"),
        Key("p", "p", "schedule(1)", "schedule: one-cycle or constant"),
        Key("r", "r", "lr(1)", "learning rate up, also while a run is running"),
        Key("R", "R", "lr(-1)", "learning rate down"),
        Key("e", "e", "epochs(1)", "more epochs"),
        Key("E", "E", "epochs(-1)", "fewer epochs"),
        Key("z", "z", "batch(1)", "double the mini-batch size"),
        Key("Z", "Z", "batch(-1)", "halve the mini-batch size"),
        Key("a", "a", "optimizer(1)", "optimiser: AdamW or SGD"),
        Key("w", "w", "decay(1)", "weight decay up"),
        Key("W", "W", "decay(-1)", "weight decay down"),
        Key("n", "n", "seed(1)", "next seed"),
        Key("N", "N", "seed(-1)", "previous seed"),
        Key("d", "d", "data(1)", "data set: a bundled name, an .npz file or a folder"),
        Key(
            "colon",
            ":",
            "type('')",
            "type any setting of the recipe, or a step: max_lr 0.03 · batch_norm off · step 100",
        ),
        Key("down,j", "↓ j", "move(1, 0)", "next layer or run, or one row down in the kernel"),
        Key("up,k", "↑ k", "move(-1, 0)", "previous layer or run, or one row up"),
        Key("right,l", "→ l", "move(0, 1)", "next layer, or one column right in the kernel"),
        Key("left,h", "← h", "move(0, -1)", "previous layer, or one column left"),
        Key("right_square_bracket", "]", "layer(1)", "next layer"),
        Key("left_square_bracket", "[", "layer(-1)", "previous layer"),
        Key("pagedown", "page down", "channel(1, 0)", "same weight in the next filter"),
        Key("pageup", "page up", "channel(-1, 0)", "same weight in the previous filter"),
        Key("end", "end", "channel(0, 1)", "same weight in the next slice (input channel)"),
        Key("home", "home", "channel(0, -1)", "same weight in the previous slice (input channel)"),
        Key("comma", ",", "look(-1)", "look back: the step before, in every view"),
        Key("full_stop", ".", "look(1)", "the next step; past the last one, the newest again"),
        Key("less_than_sign", "<", "stride(-1)", "look back further: ten steps of a run of 400"),
        Key("greater_than_sign", ">", "stride(1)", "ten steps on"),
        Key("escape", "escape", "newest", "stop looking back: the newest step"),
        Key("y", "y", "log", "loss axis: linear or logarithmic scale"),
        Key("m", "m", "mark", "show or hide the curves of the selected run"),
        Key("delete", "delete", "delete", "delete the selected run; asks first"),
        Key("i", "i", "open_image", "open an image of the data set on the Step page: test:17"),
        Key("K", "K", "open_kernels", "open the learned kernels, of the step on show, on the Step page"),
        Key("L", "L", "open_layers", "open the trained layers, of the step on show, on the Layers page"),
        Key("P", "P", "open_features", "open the filters, of the step on show, on the Layers page"),
    ),
}

MOUSE: Final[tuple[tuple[str, str], ...]] = (
    ("click an output cell", "go there"),
    ("click a small output", "go to its filter (Step page)"),
    ("hover over or click a pixel", "see the output cells that read it"),
    ("hover over a weight", "see the pixel that it multiplies in this step"),
    ("hover over or click the matrix", "see a cell's weight, pixel and output cell (Matrix page)"),
    ("click ‹ › or a value at the top", "change the setting, or type a value"),
    ("click the bar of progress", "look back at that step (Train page)"),
    ("wheel, shift+wheel", "scroll a pane up and down, left and right"),
)

EDIT_KEYS: Final[tuple[tuple[str, str], ...]] = (
    ("arrows", "move to the next cell"),
    ("a number", "the new value of the cell"),
    ("enter", "set the value"),
    ("tab", "switch between kernel, bias and image"),
    ("escape", "stop editing"),
)

_NOTHING_ELSE: Final[Mapping[str, str]] = {}

# What the footer does without where there is no room, the most dispensable first.
_DISPENSABLE: Final = (
    *("course", "restart", "open", "finish", "row", "undo", "rate finder", "go to", "save", "edit"),
    *("multiply-add", "cell", "channel", "speed", "play", "activation", "letters", "compare"),
    *("transpose", "step", "input", "run again", "own network"),
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
