"""What is said of a layer's filters: what was measured, never what is hoped."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from convtui.engine.words import counted
from convtui.pages.layers.features_figures import (
    Accuracies,
    Explained,
    Filters,
    Named,
    Patches,
    ShownPatch,
)
from convtui.paint.text import cut_to
from convtui.state.network import Stack

NOW = "now"
BEFORE = "step 0"
ABOVE = "*"  # behind the similarity of a kernel that is nearer to a named one than 95 of 100 random kernels
TRAIN_A_RUN = "random weights: train a run (page 5), then L there, to see patches, accuracies and classes"
NO_PICTURES = "no convolution of this network has pictures; v goes back"
NO_CONVOLUTION = "these layers have no convolution, so there are no filters to see; v goes back to the table"
COMPUTING = "computing what the kernels resemble …"


def first_fitting(texts: Sequence[str], width: int) -> str:
    """The first that fits, or as much as fits of the last."""
    return next((text for text in texts if len(text) <= width), cut_to(texts[-1], width))


def head_lines(
    filters: Filters, named: Named, in_view: range, status: str, size: tuple[int, int]
) -> list[str]:
    """The layer, what was measured of its kernels, and what is going on or else what a tile is."""
    width, height = size
    lines = [title_line(filters, named, in_view, width), measured_line(filters, width)]
    if height > len(lines):
        lines.append(status or cut_to(named.notice, width) or tiles_hint(filters, width))
    elif status:
        lines[-1] = status
    return lines


def title_line(filters: Filters, named: Named, in_view: range, width: int) -> str:
    """The layer and where its weights come from."""
    name, source = named.name, named.source
    count = counted(filters.count, "filter")
    if 0 < len(in_view) < filters.count:
        count = f"filters {in_view[0]}-{in_view[-1]} of {filters.count:,}"
    slices = f" of {counted(filters.slices, 'slice')}" if filters.slices > 1 else ""
    return first_fitting(
        [f"{name} · {count}{slices} · {source}", f"{name} · {count} · {source}", f"{name} · {count}", name],
        width,
    )


def named_layer(stack: Stack, layer: int) -> Named:
    """A convolution of a stack; where another layer is selected, which has no filters, that is told."""
    name = f"layer {layer}: {stack.summary.rows[layer].layer.title}"
    if layer != stack.layer:
        other = f"layer {stack.layer}: {stack.row.layer.kind}" if stack.layer else "the image"
        which = "before it" if layer < stack.layer else "after it"
        name = f"{other} has no filters; {which} {name}"
    return Named(name, f"trained: {stack.trained}" if stack.trained else f"random weights, seed {stack.seed}")


def measured_line(filters: Filters, width: int) -> str:
    """How many of the kernels are nearer to a named kernel than chance has it, before training and now."""
    above, count = filters.now.count_above, filters.count
    if filters.now.chance is None:
        rows, columns = filters.now.weight.shape[2:]
        return f"no named kernel has {rows}x{columns} weights to compare with"
    are = "is" if above == 1 else "are"
    said = f"{above} of {count} kernels {are} nearer to a named kernel than 95 of 100 random ones"
    short = f"nearer to a named kernel than 95% of random ones: {above} of {count}"
    if filters.before is None:
        return first_fitting([said, short], width)
    before = f"{filters.before.count_above} of {count}"
    candidates = [f"{said}; {before} at {BEFORE}", f"{short}; at {BEFORE}: {before}", short]
    return first_fitting(candidates, width)


def tiles_hint(filters: Filters, width: int) -> str:
    """What a tile is."""
    slice = "[strongest slice]" if filters.slices > 1 else ""
    tile = f"tile: filter{slice}, nearest named kernel, cosine similarity"
    chance = filters.now.chance
    scale = f"{ABOVE} above 95 of 100 random ones ({similarity_text(chance or 0)})"
    if chance is None:
        return "tile: kernel and feature map; no named kernel has this size"
    return first_fitting([f"{tile}; {scale}", tile], width)


def filter_label(filters: Filters, at: int) -> str:
    """The filter's number, and that of its strongest slice if it has several, as weight has them."""
    return f"{at}[{filters.now.strongest[at]}]" if filters.slices > 1 else f"{at}"


def similarity_text(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def caption(filters: Filters, at: int, width: int) -> str:
    """A tile's line: number, what is to be known of it, the named kernel, its similarity at the right."""
    nearest = filters.now.nearest[at]
    similarity = similarity_text(nearest.similarity) if nearest else ""
    right = similarity + (ABOVE if filters.now.is_above(at) else " ")
    note = "hidden " if at == filters.hidden else "dead " if at in filters.dead else ""
    left = f"{filter_label(filters, at)} {note}{nearest.name if nearest else ''}"
    return cut_to(left, width - len(right) - 1).ljust(width - len(right)) + right


def filter_title(filters: Filters, at: int) -> str:
    """The selected filter, as PyTorch indexes it."""
    shape = "x".join(map(str, filters.now.weight.shape[1:]))
    return f"filter {at} of {filters.count}: weight[{at}], {shape}"


def filter_words(filters: Filters, at: int, note: str, width: int) -> list[str]:
    """What the filter's kernel resembles, now and before, what chance gives, and what else is known of it."""
    resembled = [(NOW, filters.now.nearest[at])]
    if filters.before:
        resembled.append((BEFORE, filters.before.nearest[at]))
    named = [(when, nearest) for when, nearest in resembled if nearest is not None]
    wide = max((len(nearest.name) for _, nearest in named), default=0)
    when_wide = max((len(when) for when, _ in named), default=0)
    lines = [
        f"{when:<{when_wide}}  {nearest.name:<{wide}} {similarity_text(nearest.similarity):>5}"
        for when, nearest in named
    ]
    if filters.now.chance is not None:
        chance = similarity_text(filters.now.chance)
        said = f"95 of 100 random kernels stay below {chance}"
        lines.append(first_fitting([said, f"random: {chance}"], width))
    return [*lines, cut_to(note, width)] if note else lines


def filter_note(filters: Filters, at: int, accuracies: Accuracies | None, images: int, width: int) -> str:
    """That a filter is hidden, and what that does, or that it is dead; "" of any other."""
    if at == filters.hidden:
        told = hidden_line(accuracies, at, width) if accuracies and not accuracies.instead else ""
        return told or "hidden: its output counts as 0"
    if at in filters.dead:
        never = "dead: never above 0 on"
        said = [f"{never} {counted(images, each)}" for each in ("validation image", "image")]
        return first_fitting([*said, "dead"], width)
    return ""


# -- patches


def patches_title(patches: Patches, every: int, width: int) -> str:
    """How many patches of which size are shown."""
    thinned = f" ÷{every}" if every > 1 else ""
    field = f"{patches.field[0]}x{patches.field[1]}{thinned}"
    count = counted(len(patches.patches), "patch").replace("patchs", "patches")
    of = counted(patches.images, "validation image")
    return first_fitting(
        [
            f"{count} of {field} that excite filter {patches.filter} most · {of}",
            f"{count} of {field} that excite it most · {of}",
            f"{count} of {field} that excite it most",
            f"{count} of {field}",
        ],
        width,
    )


def patch_words(patch: ShownPatch, words: int, width: int) -> list[str]:
    """The activation, the image, and the rows and columns that the patch has there."""
    value = f"{patch.value:.2f}".replace("-", "−")
    image = f"{value} #{patch.image}"
    rows, columns = (f"{axis[0]}-{axis[-1]}" for axis in (patch.rows, patch.columns))
    place = first_fitting([f"r{rows} c{columns}", f"{rows},{columns}"], width)
    return [cut_to(image, width), place][:words]


# -- accuracies


def accuracy_title(accuracies: Accuracies, width: int) -> str:
    """The accuracy of all filters together, which every line is compared with."""
    whole, images = percent(accuracies.whole), counted(accuracies.images, "validation image")
    return first_fitting(
        [
            f"accuracy without each filter · with all {whole} of {images}",
            f"accuracy without each filter · all: {whole}",
            f"accuracy · all: {whole}",
        ],
        width,
    )


def hidden_line(accuracies: Accuracies, at: int, width: int) -> str:
    """What hiding one filter does to the accuracy."""
    without = float(accuracies.without[at])
    if isnan(without) or isnan(accuracies.whole):
        return ""
    change = without - accuracies.whole
    verb = "falls" if change < 0 else "rises" if change > 0 else "stays"
    told = f"without filter {at} accuracy {verb}"
    if not change:
        stays = f"{verb} at {percent(accuracies.whole)}"
        return first_fitting([f"without filter {at} accuracy {stays}", f"accuracy {stays}"], width)
    numbers = f"from {percent(accuracies.whole)} to {percent(without)}"
    return first_fitting([f"{told} {numbers}", f"accuracy {verb} {numbers}"], width)


def percent(share: float) -> str:
    return "–" if isnan(share) else f"{share:.1%}"


# -- a class


def class_title(explained: Explained, width: int) -> str:
    """The class that is explained, and whether it is the one that the network predicts."""
    name = explained.classes[explained.target]
    said = f"class {name}: {explained.probabilities[explained.target]:.1%}"
    predicted = explained.classes[explained.predicted]
    is_it = "the predicted one" if explained.target == explained.predicted else f"predicted is {predicted}"
    return first_fitting([f"what class {name} depends on · {said}, {is_it}", f"{said}, {is_it}", said], width)
