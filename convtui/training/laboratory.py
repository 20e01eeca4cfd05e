"""What the laboratory compares: recipes, each trained with several seeds, and what their runs come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from itertools import combinations
from math import floor, isfinite, log10, sqrt
from pathlib import Path
from typing import Any, Final

from convtui.inputs.names import printable
from convtui.training.devices import AUTO
from convtui.training.own_network import OwnNetwork
from convtui.training.rank_test import CLEAR, LEAST_VALUES, least_p, rank_p
from convtui.training.recipe import SETTINGS, Recipe
from convtui.training.recipe_words import OF_BUNDLED, value_text

MOST_ARMS: Final = 4
FEWEST_SEEDS, MOST_SEEDS = 1, 10
DECAYS: Final = (0.0, 0.3)
MOMENTA: Final = (0.85, 0.9, 0.95)  # low, constant and high
RATES: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TARGETS: Final = (0.90, 0.95, 0.97, 0.98)  # accuracies that a rate is to reach

_MOMENTUM: Final = ("momentum", "low_momentum", "high_momentum")
_IS_NO_ARM: Final = ("seed", "threads")


class Comparison(Enum):
    """What is compared: each a sentence of what its arms are."""

    DECAY = "weight decay 0 and 0.3"
    SCHEDULE = "constant and one-cycle"
    NORM = "batch norm or none"
    MOMENTUM = "momentum or none, with SGD"
    MARKED = "the marked runs"
    RATES = "super-convergence"

    def next(self, by: int = 1) -> Comparison:
        """The comparison so many further, counted round."""
        found = list(Comparison)
        return found[(found.index(self) + by) % len(found)]


def arms_of(comparison: Comparison, recipe: Recipe, marked: Sequence[Recipe] = ()) -> tuple[Recipe, ...]:
    """The recipes that are compared, of seed 0: made from the next run's, or those of the marked runs.

    Marked runs of one recipe are one arm; there may be fewer than two. There are none of what cannot be
    compared, as refusal says.
    """
    if refusal(comparison, recipe):
        return ()
    changes: list[dict[str, Any]]
    match comparison:
        case Comparison.MARKED:
            return tuple(dict.fromkeys(as_arm(each) for each in marked))[:MOST_ARMS]
        case Comparison.DECAY:
            changes = [{"weight_decay": decay} for decay in DECAYS]
        case Comparison.SCHEDULE:
            changes = [{"schedule": schedule} for schedule in ("constant", "one-cycle")]
        case Comparison.NORM:
            changes = [{"batch_norm": has_norm} for has_norm in (False, True)]
        case Comparison.MOMENTUM:
            low, constant, high = MOMENTA
            kept = dict(zip(_MOMENTUM, (constant, low, high), strict=True))
            changes = [{"optimizer": "sgd", **momenta} for momenta in (dict.fromkeys(_MOMENTUM, 0.0), kept)]
        case Comparison.RATES:
            changes = [
                {"schedule": schedule, "max_lr": rate}
                for schedule in ("constant", "one-cycle")
                for rate in rates_of(recipe)
            ]
    return tuple(as_arm(replace(recipe, **change)) for change in changes)


def refusal(comparison: Comparison, recipe: Recipe) -> str:
    """Why that cannot be compared of the recipe's network, and what can; "" if it can."""
    if comparison is Comparison.NORM and recipe.network:
        return (
            f"{recipe.network.name} has the norms of its code: convtui neither adds nor removes one; train a "
            "version of it with them and one without, and compare the marked runs"
        )
    return ""


def rates_of(recipe: Recipe) -> tuple[float, ...]:
    """The rates of super-convergence: of a network of the user's, about as far around the recipe's own."""
    if recipe.network is None:
        return RATES
    middle = round(2 * log10(recipe.max_lr))  # in half decades, of 1 or about 3
    least, most = 2 * -12, 2 * 3 + 1 - len(RATES)  # all that a recipe can have
    first = min(max(middle - len(RATES) // 2, least), most)
    halves = range(first, first + len(RATES))
    return tuple(float(f"{3 if half % 2 else 1}e{floor(half / 2)}") for half in halves)


@lru_cache(maxsize=1024)
def as_arm(recipe: Recipe) -> Recipe:
    """The recipe without its seed, and without what decides nothing but the time."""
    return replace(recipe, seed=0, threads=1)


@lru_cache(maxsize=1024)
def arms_of_run(recipe: Recipe) -> tuple[Recipe, ...]:
    """The arms that a run by this recipe is one of: its own, and that which leaves the device open."""
    arm = as_arm(recipe)
    return tuple(dict.fromkeys((arm, replace(arm, device=AUTO))))


def arm_names(arms: Sequence[Recipe]) -> tuple[str, ...]:
    """Each arm by what differs between their recipes, and nothing else."""
    differing = [
        name for name in SETTINGS if name not in _IS_NO_ARM and len({getattr(arm, name) for arm in arms}) > 1
    ]
    names = []
    for arm, network in zip(arms, network_words([each.network for each in arms]), strict=True):
        of_arm = [name for name in differing if not (arm.network and name in OF_BUNDLED)]
        words = dict.fromkeys(filter(None, (network, *(_word(arm, name) for name in of_arm))))
        names.append(", ".join(words) or "the recipe")
    return tuple(names)


def network_words(networks: Sequence[OwnNetwork | None]) -> tuple[str, ...]:
    """What tells each network from the others; "" each if all are the same one."""
    if len(set(networks)) < 2:
        return ("",) * len(networks)
    return tuple(_network_word(each, networks) for each in networks)


def _network_word(network: OwnNetwork | None, among: Sequence[OwnNetwork | None]) -> str:
    if network is None:
        return "the bundled network"
    alike = [each for each in among if each and each.name == network.name and each != network]
    words = [network.name]
    if any(each.target != network.target for each in alike):
        words = [printable(network.target)]
    if any(each.arguments != network.arguments for each in alike):
        words.append(printable(" ".join(network.arguments)) if network.arguments else "without arguments")
    if any(each.weights != network.weights for each in alike):
        words.append(f"from {printable(Path(network.weights).name)}" if network.weights else "from no file")
    if any(each.digest != network.digest for each in alike):
        words.append(f"code {network.digest[:4]}")
    return " ".join(words)


def _word(arm: Recipe, name: str) -> str:
    match name:
        case "schedule":
            return arm.schedule
        case "batch_norm":
            return "batch norm" if arm.batch_norm else "no batch norm"
        case "optimizer":
            return "SGD" if arm.optimizer == "sgd" else "AdamW"
        case "weight_decay":
            return f"decay {arm.weight_decay:g}"
        case "max_lr":
            return f"rate {arm.max_lr:g}"
        case "momentum" | "low_momentum" | "high_momentum":
            return _momentum_word(arm)
    return f"{name} {value_text(arm, name)}"


def _momentum_word(arm: Recipe) -> str:
    is_cycle = arm.schedule == "one-cycle"
    low, high = (arm.low_momentum, arm.high_momentum) if is_cycle else (arm.momentum, arm.momentum)
    if high == 0:
        return "no momentum"
    return f"momentum {low:g}" if low == high else f"momentum {low:g} to {high:g}"


# -- figures of a run


@dataclass(frozen=True)
class Outcome:
    """What a finished run came to, as far as it is measured.

    Accuracies, from 0 to 1, are those after each epoch, which ended with the step of epoch_steps; None where
    there is none, as of a run that diverged.
    Losses are at measuring.NOISES, and at measuring.ALPHAS as the mean over the directions; empty until all
    are measured. Slope and sharpness are as runs.measurements defines them. no_eigenvalue: why PyTorch
    cannot have one.
    """

    seed: int
    accuracies: tuple[float | None, ...]
    train_accuracies: tuple[float | None, ...]
    epoch_steps: tuple[int, ...] = ()
    noise_losses: tuple[float, ...] = ()
    direction_losses: tuple[float, ...] = ()
    slope: float | None = None
    sharpness: float | None = None
    eigenvalue: float | None = None
    no_eigenvalue: str = ""
    norm: float | None = None
    is_measured: bool = False

    def figure(self, key: str) -> float | None:
        """The figure of that key of FIGURES; accuracy and gap in percent and points."""
        match key:
            case "accuracy":
                return _percent(self.accuracies[-1:])
            case "gap":
                training, validation = _percent(self.train_accuracies[-1:]), self.figure("accuracy")
                return None if training is None or validation is None else training - validation
            case "slope":
                return self.slope
            case "sharpness":
                return self.sharpness
            case "eigenvalue":
                return self.eigenvalue
        return self.norm

    def first_step(self, target: float) -> int | None:
        """The step that ended the first epoch with at least this accuracy; None if there was none."""
        ended = zip(self.accuracies, self.epoch_steps, strict=True)
        return next((step for each, step in ended if each is not None and each >= target), None)


def _percent(last: Sequence[float | None]) -> float | None:
    return 100 * last[0] if last and last[0] is not None else None


# -- figures over the seeds


@dataclass(frozen=True)
class Figure:
    """A figure of a run: its key, its name, what stands after its number, and how many decimals it has."""

    key: str
    name: str
    unit: str = ""
    decimals: int | None = None  # None: as many as three digits need


FIGURES: Final = (
    Figure("accuracy", "validation accuracy", "%", 2),
    Figure("gap", "gap", " points", 2),
    Figure("slope", "noise slope"),
    Figure("sharpness", "sharpness"),
    Figure("eigenvalue", "eigenvalue λ"),
    Figure("norm", "weight norm"),
)


@dataclass(frozen=True)
class Sample:
    """The values of a figure over the runs of an arm that have it; finite all."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Sample:
        """Those that are known and finite."""
        return cls(tuple(value for value in values if value is not None and isfinite(value)))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def scatter(self) -> float | None:
        """The sample deviation, dividing by n - 1; None of fewer than two."""
        if len(self) < 2:
            return None
        mean = self.mean
        return sqrt(sum((value - mean) ** 2 for value in self.values) / (len(self) - 1))


@dataclass(frozen=True)
class Difference:
    """Two arms compared in one figure, by their places; p is times the number of pairs that were compared.

    Source of the factor: Bonferroni's bound, https://doi.org/10.1080/01621459.1961.10482090 (Dunn 1961)
    """

    first: int
    second: int
    p: float

    @property
    def is_clear(self) -> bool:
        return self.p <= CLEAR


def differences(samples: Sequence[Sample]) -> list[Difference]:
    """All pairs of arms with enough seeds each to tell, those that differ most surely first."""
    pairs = [
        (one, two)
        for one, two in combinations(range(len(samples)), 2)
        if min(len(samples[one]), len(samples[two])) >= LEAST_VALUES
    ]
    found = [
        Difference(one, two, min(1.0, len(pairs) * rank_p(samples[one].values, samples[two].values)))
        for one, two in pairs
        if len(pairs) * least_p(len(samples[one]), len(samples[two])) <= CLEAR
    ]
    return sorted(found, key=lambda each: each.p)


def _is_one_way(some: Sample, others: Sample) -> bool:
    """Whether the means differ in the direction of the ranks: one run far off can turn a mean round."""
    wins = sum((one > other) - (one < other) for one in some.values for other in others.values)
    return wins * (some.mean - others.mean) > 0


def verdict(figure: Figure, names: Sequence[str], samples: Sequence[Sample]) -> str:
    """One sentence on a figure of the arms, from its values over the seeds alone."""
    known = [len(sample) for sample in samples]
    if min(known, default=0) == 0:
        return f"{figure.name}: not measured yet"
    found = differences(samples)
    if not found:
        shown = " · ".join(
            f"{name} {spread(figure, sample)}" for name, sample in zip(names, samples, strict=True)
        )
        return f"{figure.name}: too few seeds to tell ({_count(known)}): {shown}"
    clear = [
        each for each in found if each.is_clear and _is_one_way(samples[each.first], samples[each.second])
    ]
    if not clear:
        return f"no clear difference in {figure.name} over {_count(known)} seeds (p = {found[0].p:.2g})"
    first, pairs = clear[0], len(found)
    one, two = sorted((first.first, first.second), key=lambda at: samples[at].mean)
    word = "lower" if figure.key == "eigenvalue" else "smaller"
    if figure.key == "accuracy":
        one, two, word = two, one, "higher"
    against = f"{spread(figure, samples[one], False)} against {spread(figure, samples[two])}"
    others = f", clear in {len(clear)} of {pairs} pairs" if pairs > 1 else ""
    return (
        f"{names[one]} has a {word} {figure.name} than {names[two]}: {against}, "
        f"p = {first.p:.2g} over {_count([known[one], known[two]])} seeds{others}"
    )


def _count(known: Sequence[int]) -> str:
    """The number of seeds, or of each arm its own."""
    return str(known[0]) if len(set(known)) == 1 else " and ".join(map(str, known))


def spread(figure: Figure, sample: Sample, has_unit: bool = True) -> str:
    """Mean and scatter of a figure: "0.42 ± 0.11 points"."""
    unit = figure.unit if has_unit else ""
    if not len(sample):
        return "–"
    mean, scatter = sample.mean, sample.scatter
    decimals = figure.decimals if figure.decimals is not None else _decimals(mean)
    rounded = round(mean, decimals) + 0.0  # no minus before a zero
    shown = f"{rounded:.{decimals}f}" + ("" if scatter is None else f" ± {scatter:.{decimals}f}")
    return f"{shown}{unit}".replace("-", "−")


def _decimals(value: float) -> int:
    """So many that three digits are shown, none of them before the point left out."""
    size = abs(value)
    return next((count for count, least in enumerate((100, 10, 1, 0.1)) if size >= least), 4)
