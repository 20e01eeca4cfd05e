"""Runs of networks of a user's: one that is made up, of which everything is known, without PyTorch."""

from dataclasses import replace

import numpy as np

from convtui.engine.kernels import filters_of
from convtui.inputs.images import Picture
from convtui.state.opened_features import OpenedFeatures
from convtui.training.datasets.open_any import fingerprint, load, picture
from convtui.training.exploring import (
    Ablate,
    Ablating,
    Convolve,
    Convolved,
    Convolving,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Exploring,
    Follow,
    Followed,
    Hidden,
    LeftOut,
    NamedConvolution,
    Occluded,
)
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.runs.convolved import text_of
from convtui.training.runs.explored import keeping
from convtui.training.runs.learned_layers import own_weights
from convtui.training.runs.store import Run, new_run

SHAPES = {"stem.conv": (8, 1, 5, 5), "body.0.conv1": (16, 8, 3, 3), "body.0.conv2": (16, 16, 3, 3)}
SIDES = (28, 14, 14)
IMAGES = 2000
LABEL = 4


def made_up_own_run(step: int = 390) -> Run:
    """A run on MNIST that no machine makes otherwise: its first kernels are named ones with noise."""
    recipe = replace(Recipe(), network=OwnNetwork("/home/me/net.py:Net", digest="00"))
    random = np.random.default_rng(0)
    first = {f"{name}.weight": random.normal(size=shape) / 4 for name, shape in SHAPES.items()}
    first["fc.weight"] = random.normal(size=(10, 16)) / 4
    names = ("sobel-x", "sobel-y", "left-edge", "top-edge", "gaussian-blur", "identity", "diag1-edge")
    named = filters_of((*names, "emboss"), 5)
    scale = np.abs(named).max(axis=(1, 2, 3), keepdims=True)
    last = first | {"stem.conv.weight": first["stem.conv.weight"] + named / scale}
    run = new_run(recipe, fingerprint(load(recipe.data)))
    with run.locked():
        for at, arrays in ((0, first), (step, last)):
            weights = {name: each.astype(np.float32) for name, each in arrays.items()}
            run.save(Checkpoint(at, weights, {}, np.zeros(8, np.uint8), {}))
    return run


def image_of(run: Run) -> Picture:
    return picture(load(run.recipe.data), "test", 7, normalised=True)


def opened(run: Run) -> OpenedFeatures:
    """As the Train page opens it."""
    return OpenedFeatures(own_weights(run), image_of(run))


def followed(run: Run, notice: str = "") -> Followed:
    """Three convolutions of a network with a shortcut, the last of which sees what cannot be told."""
    checkpoint = run.latest_checkpoint()
    activations = "relu (stem.act, net.py:12)", "relu (net.py:31)", "batch_norm (body.0.norm2, net.py:32)"
    titles = "conv2d 5x5 p2", "conv2d 3x3 s2 p1", "conv2d 3x3 p1"
    fields = tuple(spans(28, 5, 1)), tuple(spans(14, 7, 2)), ()
    convolutions = tuple(
        NamedConvolution(
            number=number,
            path=path,
            title=title,
            line=f"net.py:{30 + number}",
            weight=f"{path}.weight",
            shape=shape,
            maps=(side, side),
            activation=activation,
            rows=field,
            columns=field,
            unseen="" if field else "what it sees of an image is not known because of roll (net.py:33)",
        )
        for number, ((path, shape), title, side, activation, field) in enumerate(
            zip(SHAPES.items(), titles, SIDES, activations, fields, strict=True), 1
        )
    )
    twice = "its filters are used 2 times in a pass, so that each has 2 outputs"
    left_out = (LeftOut("head.mix", "conv2d 1x1", twice),)
    return Followed(checkpoint.step, checkpoint.digest, "00", convolutions, left_out, notice)


def spans(count: int, size: int, jump: int) -> list[tuple[int, int]]:
    """Of so many windows of that size, centred, over 28 pixels."""
    return [(max(at * jump - size // 2, 0), min(at * jump + size // 2, 27)) for at in range(count)]


def keep_all(run: Run, notice: str = "") -> None:
    """Keep what the training process would tell of everything."""
    random, image = np.random.default_rng(3), image_of(run).pixels.astype(np.float32)
    told = followed(run, notice)
    path, step, digest = str(run.path), told.step, told.digest
    _keep(run, Follow(path, step), [told])
    filters = tuple(each.shape[0] for each in told.convolutions)
    numbers = tuple(each.number for each in told.convolutions)
    exploring = Exploring(step, digest, IMAGES, IMAGES, numbers, (3, 7, 9), filters, "00")
    excited = tuple(_excited(*each, random) for each in zip(filters, SIDES, strict=True))
    _keep(run, Explore(path, step), [exploring, Excited(IMAGES, excited)])
    logits = np.where(np.arange(10) == LABEL, 6.0, 0.0)
    for each, side in zip(told.convolutions, SIDES, strict=True):
        count = each.shape[0]
        hidden = tuple((1972 - random.integers(0, 300, count)).tolist())
        ablating = Ablating(step, digest, IMAGES, each.number, each.number + 1, count, "00")
        _keep(run, Ablate(path, step, each.number), [ablating, Hidden(IMAGES, 1972, hidden)])
        shape = count, side, side
        convolving = Convolving(step, digest, each.number, shape, tuple(logits.tolist()), "", (), "00")
        rows, columns = np.mgrid[:side, :side] / side
        turns = np.arange(count)[:, None, None]
        maps = np.sin(6 * rows + turns) * np.cos(5 * columns - turns)
        job = Convolve(path, step, each.number, "")
        _keep(run, job, [convolving, Convolved(text_of(maps))], image)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    y, x = np.mgrid[:28, :28]
    bump = np.exp(-((y - 12) ** 2 + (x - 14) ** 2) / 30)
    gradient = (tuple(map(tuple, (bump * np.sin(x / 2)).round(4).tolist())),)
    explaining = Explaining(
        *(step, digest, LABEL, (1, 28, 28), 5, 1),
        *(tuple(logits.tolist()), tuple(probabilities.tolist()), gradient, "00"),
    )
    rows = [Occluded(tuple(row)) for row in (0.97 - 0.7 * bump).round(4).tolist()]
    _keep(run, Explain(path, step, LABEL), [explaining, *rows], image)


def _excited(filters: int, side: int, random: np.random.Generator) -> ExcitedLayer:
    """Nine places of every filter but the last."""
    count = (filters - 1) * 9
    values = -np.sort(-random.uniform(2, 9, (filters - 1, 9)), axis=1)
    return ExcitedLayer(
        means=(0.2,) * filters,
        positive=(IMAGES,) * (filters - 1) + (0,),
        filters=tuple(at // 9 for at in range(count)),
        images=tuple(random.integers(0, IMAGES, count).tolist()),
        rows=tuple(random.integers(side // 4, side - side // 4, count).tolist()),
        columns=tuple(random.integers(side // 4, side - side // 4, count).tolist()),
        values=tuple(values.ravel().round(3).tolist()),
    )


def _keep(run: Run, job: Message, events: list[Message], pixels: np.ndarray | None = None) -> None:
    with keeping(run.path, job, events[0], pixels) as keeper:
        for each in events[1:]:
            keeper.add(each)
