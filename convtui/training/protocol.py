"""What the training process tells and is told, as JSON lines: events out, jobs and commands in.

The same lines are the log of a run, so what was seen live can be seen again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from convtui.training.exploring import EXPLORATIONS
from convtui.training.measuring import Measure
from convtui.training.messages import Message
from convtui.training.norm_looks import LOOKS
from convtui.training.recipe import Recipe

ALL_LOST: Final = "none of its checkpoints is complete: it starts again from step 0"
BINS: Final = 40  # of a histogram of activations

Kernels: TypeAlias = tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]


# -- jobs and commands, to the worker


@dataclass(frozen=True)
class Train(Message):
    """Begin a run by this recipe; paused: hold before its first step.

    A default batch size larger than the data set is lowered, unless keep_batch_size: it was asked for.
    """

    recipe: Recipe
    paused: bool = False
    keep_batch_size: bool = False


@dataclass(frozen=True)
class Continue(Message):
    """Go on with the run in this folder from its last good checkpoint."""

    run: str


@dataclass(frozen=True)
class Find(Message):
    """Try higher and higher learning rates on this recipe's network; keep_batch_size is as in Train."""

    recipe: Recipe
    keep_batch_size: bool = False


@dataclass(frozen=True)
class Replay(Message):
    """Train again from where the run in this folder was before step `first`, up to step `last`.

    Steps are told with this weight watched, by the same bits as in the run, into which nothing is written.
    """

    run: str
    first: int
    last: int
    layer: int
    index: tuple[int, int, int, int]


@dataclass(frozen=True)
class Pause(Message):
    """Hold after the present step."""


@dataclass(frozen=True)
class Go(Message):
    """Go on after a pause."""


@dataclass(frozen=True)
class OneStep(Message):
    """One more step (mini-batch), then hold."""


@dataclass(frozen=True)
class Stop(Message):
    """Save a checkpoint and end the job; the run can be continued."""


@dataclass(frozen=True)
class SetRate(Message):
    """From now on the schedule has this peak (or constant) rate."""

    max_lr: float


@dataclass(frozen=True)
class Watch(Message):
    """Tell of this weight at every step: a convolution's number in the stack and [out, in, row, column]."""

    layer: int
    index: tuple[int, int, int, int]


# -- events, from the worker


@dataclass(frozen=True)
class Ready(Message):
    """The worker has imported what it needs and waits for a job."""


@dataclass(frozen=True)
class NamedModule(Message):
    """A module with weights of an own network, in the order of the first pass, counted from 1.

    path is as in named_modules, title its class. name is that of its weight, weight the shape of that; shape
    is the same as [out, in, row, column], that of a Linear [out, in, 1, 1], with the planes of a volume below
    one another.
    """

    number: int
    path: str
    title: str
    shape: tuple[int, int, int, int]
    name: str = "weight"
    weight: tuple[int, ...] = ()


@dataclass(frozen=True)
class Begun(Message):
    """A job has begun. For a run that goes on, `step` is that of the checkpoint: later events are void.

    layers is the network's text, as the Layers page reads it; shape is that of an image [C, H, W].
    run is the run's folder, "" for a learning-rate search. lost: the run has checkpoints, of which none is
    whole, so that it begins again. notice: what the user should know about how the data was read. Of an own
    network layers is "" and modules are those that are measured; filters is the shape of the filters that
    snapshots show, () if it has no convolution.
    """

    recipe: Recipe
    run: str
    step: int
    steps_per_epoch: int
    total_steps: int
    layers: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train_count: int
    test_count: int
    parameters: int
    lost: bool = False
    notice: str = ""
    modules: tuple[NamedModule, ...] = ()
    filters: tuple[int, ...] = ()


@dataclass(frozen=True)
class Watched(Message):
    """One weight in one step; after = before + update, and decay is the share of weight decay in update.

    gradient is that of the loss. buffer is Adam's exp_avg, or SGD's momentum buffer v = momentum v + g, where
    g is the gradient with weight decay. squares is Adam's exp_avg_sq, None for SGD.
    """

    layer: int
    index: tuple[int, int, int, int]
    before: float
    gradient: float
    buffer: float
    squares: float | None
    decay: float
    update: float
    after: float


@dataclass(frozen=True)
class Stepped(Message, kind="step"):
    """A mini-batch was trained on; steps count from 1, lr and momentum are those used.

    loss is the mean cross entropy of the mini-batch before the step; seconds are those of training since the
    run began, without pauses.
    """

    step: int
    epoch: int
    loss: float
    lr: float
    momentum: float
    seconds: float
    watched: Watched | None = None


@dataclass(frozen=True)
class LayerStatistics(Message):
    """Activations of a layer over a mini-batch.

    layer is the number in the stack of the layer whose output was measured: a convolution's ReLU, or the last
    convolution itself. near_zero is the share with |value| <= 0.05. counts are of `low` to `high` in even
    bins, of 16 images; the outer bins hold what lies beyond. weight_norm is the L2 norm of the convolution's
    weights.
    """

    layer: int
    mean: float
    std: float
    near_zero: float
    weight_norm: float
    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Prediction(Message):
    """What the network in evaluation mode says of a validation image: class numbers, its probability."""

    image: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Snapshot(Message):
    """What the network looks like after a step; kernels are the first convolution's [out, in, kH, kW]."""

    step: int
    statistics: tuple[LayerStatistics, ...]
    kernels: Kernels
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Epoch(Message):
    """An epoch has ended: the mean of its training losses, and loss and accuracy on the validation set.

    train_accuracy is measured as accuracy is, in evaluation mode after the epoch's last step, on as many
    training images as there are validation images; None in logs from before it was.
    """

    epoch: int
    step: int
    train_loss: float
    validation_loss: float
    accuracy: float
    seconds: float
    train_accuracy: float | None = None


@dataclass(frozen=True)
class Saved(Message):
    """A checkpoint of this step is on disk."""

    step: int


@dataclass(frozen=True)
class Rate(Message):
    """The peak (or constant) rate from the step after this one on: told at the start, and when it is set."""

    step: int
    max_lr: float


@dataclass(frozen=True)
class Paused(Message):
    """The job holds after this step."""

    step: int


@dataclass(frozen=True)
class Going(Message):
    """The job goes on after this step."""

    step: int


@dataclass(frozen=True)
class Stopped(Message):
    """The job was ended after this step, before its end; a run can be continued."""

    step: int


@dataclass(frozen=True)
class Finished(Message):
    """The run is over."""

    step: int
    validation_loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Replayed(Message):
    """The replay has ended after this step."""

    step: int


@dataclass(frozen=True)
class Tried(Message):
    """The learning-rate search took a step; smooth is the loss's bias-corrected moving average."""

    lr: float
    loss: float
    smooth: float


@dataclass(frozen=True)
class Suggested(Message):
    """The search is over. All rates are None if the loss was least among the first tenth of the rates.

    steepest is where the smoothed loss falls fastest, tenth a tenth of the rate at which it is least, valley
    lies in the middle of its longest fall.
    """

    steepest: float | None
    tenth: float | None
    valley: float | None


@dataclass(frozen=True)
class Failed(Message):
    """The job cannot go on; one line that says why. Its run, if it had begun, keeps its checkpoints."""

    reason: str


EVENTS: Final = (
    *(Ready, Begun, Stepped, Snapshot, Epoch, Saved, Rate),
    *(Paused, Going, Stopped, Finished, Tried, Suggested, Replayed, Failed),
)
JOBS: Final = (Train, Continue, Find, Replay, Measure, *EXPLORATIONS, *LOOKS)
COMMANDS: Final = (Pause, Go, OneStep, Stop, SetRate, Watch)
