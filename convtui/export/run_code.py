"""A run as a training loop in plain PyTorch, which ends at the same accuracy.

It draws what the training process draws, in the same order: the first weights from PyTorch's generator, the
order of the images from numpy's. So it ends with the same weights, on the same machine and PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from convtui.engine.module_text import module_text
from convtui.engine.snippet import number
from convtui.engine.stack import Row
from convtui.engine.window_layers import Conv
from convtui.engine.words import counted
from convtui.export.data_code import data_code, normalised
from convtui.export.stack_code import imports
from convtui.inputs.names import run_name
from convtui.training.architecture import network
from convtui.training.datasets.minibatches import lowered, may_lower
from convtui.training.datasets.open_any import DataSet, fingerprint, load
from convtui.training.devices import CPU
from convtui.training.protocol import Rate
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run

_DEVICES: Final = {
    "cuda": '"cuda"',
    "mps": '"mps"',
    "auto": '"cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"',
}
EVALUATED: Final = 500  # images at once: how many there are decides how sums round


@dataclass(frozen=True)
class Ending:
    """What is asserted of a run: its name, and its accuracy on the validation set after so many epochs.

    rates: the peak (or constant) rates that were set while it ran.
    """

    name: str
    epochs: int
    accuracy: float
    rates: Sequence[Rate] = ()


def run_code(recipe: Recipe, data: DataSet, ending: Ending | None) -> str:
    """The loop of a recipe on its data; without an ending it is that of a run still to come.

    Raises ValueError for layers that do not fit the images, and for a network of the user's own.
    """
    _require_bundled(recipe)
    summary = network(recipe, data.shape, len(data.classes))
    if summary.error:
        raise summary.error
    steps = len(data.train_images) // recipe.batch_size
    read = data_code(data)
    rates = [*_changes(recipe, ending.rates)] if ending else []
    epochs = ending.epochs if ending else recipe.epochs
    on_cpu = recipe.device == CPU
    on = "" if on_cpu else ".to(device)"
    lines = [
        *_title(ending, recipe),
        *imports(*read.imports),
        "",
        *read.lines,
        "",
        "def batch(images, labels):  # mean 0 and standard deviation 1 over all training images",
        f"    x = {normalised('images', data)}",
        "    x = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)",
        f"    return x{on}, torch.from_numpy(labels){on}",
        "",
        *([] if on_cpu else [f"device = {_DEVICES[recipe.device]}"]),
        f"torch.set_num_threads({recipe.threads})",
        f"torch.manual_seed({recipe.seed})",
        "model = nn.Sequential(",
        *_model(summary.rows[1:]),
        f").to(memory_format=torch.channels_last){on}",
        *_optimizer(recipe, bool(rates)),
        *_scheduler(recipe, steps),
        *_loop(recipe, steps, epochs, rates),
        "model.eval()",
        "correct = 0",
        "with torch.no_grad():",
        f"    for i in range(0, len(test_images), {EVALUATED}):",
        f"        x, y = batch(test_images[i : i + {EVALUATED}], test_labels[i : i + {EVALUATED}])",
        "        correct += (model(x).argmax(1) == y).sum().item()",
        "accuracy = correct / len(test_images)",
        'print(f"accuracy {accuracy:.2%}")',
        *_ended(ending, on_cpu),
    ]
    return "\n".join(lines) + "\n"


def _ended(ending: Ending | None, on_cpu: bool) -> Iterator[str]:
    if ending is None:
        return
    if not on_cpu:
        yield f"# The run ended at {ending.accuracy:.2%}; the same is promised of a run on the cpu alone."
        return
    yield f"assert accuracy == {number(ending.accuracy)}"


def _title(ending: Ending | None, recipe: Recipe) -> Iterator[str]:
    if ending is None:
        yield "# The next run of convtui, as it is set up; nothing of it is asserted yet."
        return
    name = ending.name[:1].upper() + ending.name[1:]
    epochs = f"epoch {ending.epochs} of {recipe.epochs}"
    yield f"# {name} of convtui, to the end of {epochs}: the same accuracy on the same machine and PyTorch"


def _model(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each convolution and what follows it."""
    line = ""
    for row in rows:
        call = f"{module_text(row.layer, row.input_shape).call},"
        if isinstance(row.layer, Conv) and line:
            yield f"    {line}"
            line = ""
        line = f"{line} {call}".lstrip()
    yield f"    {line}"


def _optimizer(recipe: Recipe, has_rates: bool) -> Iterator[str]:
    """Weights of two dimensions and more decay; biases and norms do not."""
    fused = ", fused=True" if recipe.device == CPU else ', fused=device == "cpu"'
    peak = f', "max_lr": {recipe.max_lr!r}' if has_rates else ""
    decay = f', "weight_decay": {recipe.weight_decay!r}'
    yield "parameters = list(model.parameters())  # biases and norms, of one dimension, do not decay"
    yield "groups = ["
    yield f'    {{"params": [p for p in parameters if p.dim() >= 2]{decay}{peak}}},'
    yield f'    {{"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0{peak}}},'
    yield "]"
    if recipe.optimizer == "sgd":
        yield f"optimizer = torch.optim.SGD(groups, {recipe.max_lr!r}, {recipe.momentum!r}{fused})"
        return
    betas = f"({recipe.momentum!r}, {recipe.beta2!r})"
    yield f"optimizer = torch.optim.AdamW(groups, {recipe.max_lr!r}, {betas}, {recipe.eps!r}{fused})"


def _scheduler(recipe: Recipe, steps: int) -> Iterator[str]:
    if recipe.schedule == "constant":
        return
    total, pct_start = recipe.epochs * steps, recipe.pct_start
    if pct_start * total == 1:  # a rise of no steps, by whose length OneCycleLR divides
        pct_start = math.nextafter(pct_start, 0)
    momenta = f"base_momentum={recipe.low_momentum!r}, max_momentum={recipe.high_momentum!r}"
    factors = f"div_factor={recipe.div_factor!r}, final_div_factor={recipe.final_div_factor!r}"
    yield "schedule = torch.optim.lr_scheduler.OneCycleLR("
    yield f"    optimizer, {recipe.max_lr!r}, total_steps={total}, pct_start={pct_start!r},"
    yield f"    {momenta}, {factors},"
    yield ")"


def _changes(recipe: Recipe, rates: Sequence[Rate]) -> Iterator[Rate]:
    """The rates that differ from the one before; what begins or resumes a run tells its own again."""
    now = recipe.max_lr
    for each in rates:
        if each.max_lr != now:
            yield each
            now = each.max_lr


def _loop(recipe: Recipe, steps: int, epochs: int, rates: Sequence[Rate]) -> Iterator[str]:
    size = recipe.batch_size
    if rates:
        yield f"rates = {[(each.step, each.max_lr) for each in rates]}  # set by hand, after so many steps"
        yield "step = 0"
        yield from _setting("")
    yield f"for epoch in range({epochs}):"
    yield f"    order = np.random.default_rng((epoch + 1, {recipe.seed})).permutation(len(train_images))"
    yield f"    for chosen in order[: {steps * size}].reshape({steps}, {size}):"
    yield "        x, y = batch(train_images[chosen], train_labels[chosen])"
    yield "        loss = nn.functional.cross_entropy(model(x), y)"
    yield "        optimizer.zero_grad()"
    yield "        loss.backward()"
    yield "        optimizer.step()"
    if recipe.schedule != "constant":
        yield "        schedule.step()"
    if rates:
        yield "        step += 1"
        yield from _setting("        ")


def _setting(indent: str) -> Iterator[str]:
    """What remains of the schedule is scaled to a rate that was set after this step."""
    yield f"{indent}for group in optimizer.param_groups:"
    yield f"{indent}    for rate in [rate for at, rate in rates if at == step]:"
    yield f'{indent}        for name in {{"lr", "initial_lr", "min_lr"}} & group.keys():'
    yield f'{indent}            group[name] *= rate / group["max_lr"]'
    yield f'{indent}        group["max_lr"] = rate'


def _require_bundled(recipe: Recipe) -> None:
    if recipe.network:
        raise ValueError(f"{recipe.network.name}: there is no code for a run of a network of your own yet")


def code_of_run(history: RunHistory, step: int | None = None, data: DataSet | None = None) -> str:
    """The loop of a run as far as its accuracy is known, or as it was known after a step.

    data: that of the run, if it is read already. Raises ValueError for a run without an accuracy, and where
    its data cannot be read or is another by now.
    """
    recipe, name = history.recipe, run_name(history.run)
    _require_bundled(recipe)
    epochs = [each for each in history.epochs if step is None or each.step <= step]
    if not epochs:
        raise ValueError(f"{name}: there is no code before the end of its first epoch")
    data = data or load(recipe.data, recipe.image_size, recipe.data_axes)
    Run(Path(history.run)).check_data(fingerprint(data))
    ending = Ending(name, epochs[-1].epoch, epochs[-1].accuracy, history.rates)
    return run_code(recipe, data, ending)


def code_of_next(recipe: Recipe) -> str:
    """The loop of a run that is still to come. Raises ValueError where its data cannot be read."""
    _require_bundled(recipe)
    data = load(recipe.data, recipe.image_size, recipe.data_axes)
    fitting, _ = lowered(recipe, len(data.train_images)) if may_lower(recipe) else (recipe, "")
    if fitting.batch_size > len(data.train_images):
        images = counted(len(data.train_images), "training image")
        raise ValueError(f"batch_size {recipe.batch_size}: {data.name} has {images}")
    return run_code(fitting, data, None)
