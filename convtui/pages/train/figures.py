"""What the Train page shows, as plain figures: the page fills these in, the panes draw them.

One class for each view of the page. All are made anew when something changes; a part that has not changed
since (kernels, predictions, a band) is best the very same object, which then is not drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from convtui.pages.train.laboratory_figures import Told
from convtui.pages.train.laboratory_plots import Captioned
from convtui.paint.band import Band
from convtui.paint.colours import Array


@dataclass(frozen=True)
class Status:
    """How far a run is: the line at the top of every view.

    state is a word: ready, starting, training, paused, stopped, finished, failed, elsewhere. run names it
    ("run 12"), or is "". words say in a line what is happening, why it failed, or what to do next; trouble is
    said in their place, and stands out. "diverged" stands for any state of a run whose loss is not finite.
    """

    state: str
    run: str = ""
    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    epochs: int = 0
    speed: float | None = None  # steps a second
    seconds: float = 0.0
    seconds_left: float | None = None
    words: str = ""
    trouble: str = ""
    looked: int | None = None  # the step that is looked back at


@dataclass(frozen=True)
class Times:
    """What is marked on every axis of steps.

    peak is where one-cycle's warm-up ends and its annealing begins, looked the step that is looked back at,
    None where there is none. An axis of epochs has steps_per_epoch in each.
    """

    peak: float | None = None
    looked: int | None = None
    steps_per_epoch: int = 1


@dataclass(frozen=True, eq=False)
class Curves:
    """A run's losses: of every step, [steps], and on the validation set at the end of every epoch, [epochs].

    name stands in legends; colour is a number of the palette's series, None if all are those of others.
    guessing is the loss of an even guess, log(classes). Epochs count from 1.
    """

    name: str
    colour: int | None
    guessing: float
    total_steps: int
    total_epochs: int
    steps: Array
    losses: Array
    smooth: Array
    epochs: Array
    epoch_steps: Array
    validation_losses: Array
    accuracies: Array  # from 0 to 1
    train_accuracies: Array = field(default_factory=lambda: np.zeros(0))  # NaN where it was not measured


@dataclass(frozen=True, eq=False)
class Schedule:
    """Learning rate and momentum of all steps [total_steps], and the last step made, 0 before the first.

    momentum_name is "momentum" for SGD and "beta1" for AdamW.
    """

    lrs: Array
    momenta: Array
    step: int
    momentum_name: str = "momentum"


@dataclass(frozen=True, eq=False)
class Kernels:
    """The first convolution's weights [out, in, rows, columns]; step is theirs if it is looked back at.

    A network of the user's may have none, or other layers before it; place says what is known.
    """

    values: Array
    step: int | None = None
    place: str = "first layer"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Validation images [n, channels, rows, columns] from 0 to 1, their labels, and what the network says.

    The images are best the very same array as long as they are the same: then they are not drawn again.

    Before a run `predicted` is empty, and the images are shown with their labels alone. A probability that is
    NaN is no answer.
    """

    images: Array
    labels: tuple[str, ...]
    predicted: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    step: int | None = None  # of what is said, if it is looked back at


@dataclass(frozen=True)
class LayerFigures:
    """A convolution as it was measured last: `number` and `layer` are those of its row on the Layers page.

    place tells where the activations were measured ("after its ReLU"); near_zero is the share with
    |value| <= 0.05.
    """

    number: int
    layer: str
    place: str
    mean: float
    std: float
    near_zero: float
    weight_norm: float


@dataclass(frozen=True, eq=False)
class LayerHistory:
    """Figures of every layer after the steps [times]: all the others are [times, layers]."""

    steps: Array
    means: Array
    stds: Array
    near_zeros: Array
    weight_norms: Array


@dataclass(frozen=True)
class WeightStep:
    """One weight in one step, with all that its update is computed from.

    Names are those of training.protocol.Watched. momentum is SGD's, or AdamW's beta1, in this step;
    buffer_before is the buffer of the step before, None if that was not seen.
    """

    optimizer: str  # sgd or adamw
    step: int
    lr: float
    momentum: float
    beta2: float
    eps: float
    weight_decay: float
    before: float
    gradient: float
    buffer: float
    squares: float | None
    decay: float
    update: float
    after: float
    buffer_before: float | None = None


@dataclass(frozen=True, eq=False)
class WeightCurves:
    """One weight's figures over the steps [steps] in which it was watched; momenta are those of the steps."""

    steps: Array
    after: Array
    gradients: Array
    buffers: Array
    updates: Array
    momenta: Array


@dataclass(frozen=True)
class RunRow:
    """A run in the table of runs; colour is that of its curves, None while they are not shown."""

    number: str
    words: str  # its recipe
    state: str
    epochs: int  # completed
    total_epochs: int
    accuracy: float | None
    loss: float | None  # on the validation set
    seconds: float
    colour: int | None = None
    short: str = ""  # the recipe for a narrow table
    train_accuracy: float | None = None


@dataclass(frozen=True)
class Arm:
    """One of the four runs of the comparison, as far as it has come.

    Accuracy and loss are those on the validation set; colour is that of its curves, None while none are
    shown; rate tells its peak (or constant) rate, "" if it is the comparison's.
    """

    schedule: str  # constant or one-cycle
    batch_norm: bool
    accuracy: float | None = None
    is_finished: bool = False
    loss: float | None = None
    colour: int | None = None
    rate: str = ""


# -- the views


@dataclass(frozen=True, eq=False)
class CurvesView:
    """The run's curves: `curves` has the present run last, those it is compared with before it.

    Before the first run an invitation stands in the curves' place.
    """

    status: Status
    curves: tuple[Curves, ...]
    schedule: Schedule
    kernels: Kernels | None = None
    predictions: Predictions | None = None
    invitation: tuple[str, ...] = ()
    log_loss: bool = False  # whether the losses' axis is logarithmic
    times: Times = Times()


@dataclass(frozen=True, eq=False)
class LayersView:
    """The layers' activations; `selected` is the place in `layers` of the one whose band is shown."""

    status: Status
    layers: tuple[LayerFigures, ...]
    selected: int
    band: Band
    history: LayerHistory
    times: Times = Times()


@dataclass(frozen=True, eq=False)
class WeightView:
    """One chosen weight: name tells its place, as "layer 1, weight [3, 0, 2, 2]".

    steps are the ends of its plots. missing says why there is no weight, or when there will be.
    """

    status: Status
    name: str
    weight: WeightStep | None
    trace: WeightCurves
    history: LayerHistory
    layers: tuple[LayerFigures, ...]  # whose norms the history has
    selected: int  # the chosen weight's layer among them
    steps: tuple[float, float]
    times: Times = Times()
    missing: str = ""


@dataclass(frozen=True, eq=False)
class RunsView:
    """All runs, the curves of those chosen, and, of a comparison, its arms, peak rate and classes.

    is_usual: the comparison's recipe is the one of which it is known what usually comes out.
    """

    status: Status
    rows: tuple[RunRow, ...]
    selected: int
    curves: tuple[Curves, ...]
    arms: tuple[Arm, ...] = ()
    peak: float = 0.0
    classes: int = 1
    log_loss: bool = False
    is_usual: bool = False
    times: Times = Times()


@dataclass(frozen=True, eq=False)
class FinderView:
    """The learning-rate search: losses [tries] at the rates lrs [tries].

    steepest is the rate at which the smoothed loss falls fastest, valley the middle of its longest fall,
    suggestion a tenth of the rate at which it is least; present is the recipe's own peak rate.
    """

    status: Status
    lrs: Array
    losses: Array
    smooth: Array
    present: float
    steepest: float | None = None
    suggestion: float | None = None
    valley: float | None = None


@dataclass(frozen=True, eq=False)
class LaboratoryView:
    """The pictures of a comparison that are shown, by name, and the sentences that follow from their figures.

    Without pictures the explanation of what will be done stands in their place.
    """

    status: Status
    pictures: Mapping[str, Captioned]
    told: tuple[Told, ...] = ()
    explanation: tuple[str, ...] = ()


TrainView = CurvesView | LayersView | WeightView | RunsView | FinderView | LaboratoryView
