"""What the benchmarks report: figures of convtui's beside a reference, as an aligned table or JSON."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One line of the report: a value of convtui's beside a reference, and the bounds of their ratio."""

    name: str
    unit: str
    value: float | None
    against: str
    reference: float | None
    target: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.value is not None and self.reference else None

    @property
    def verdict(self) -> str:
        if self.target is None and self.least is None:
            return ""
        low = 0.0 if self.least is None else self.least
        high = float("inf") if self.target is None else self.target
        return "met" if self.ratio is not None and low <= self.ratio <= high else "MISSED"


def compared(
    name: str,
    unit: str,
    both: Mapping[str, T],
    measure: Callable[[T], float | None],
    target: float | None = None,
    least: float | None = None,
) -> Figure:
    """The same measure of two samples, the second of which is the reference."""
    ours, reference = both.values()
    return Figure(name, unit, measure(ours), list(both)[1], measure(reference), target, least)


def machine(*packages: str) -> dict[str, object]:
    """What the figures were measured on, with the versions of these packages."""
    facts: dict[str, object] = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return facts | {package: version(package) for package in packages}


def show(figures: Sequence[Figure], on: Mapping[str, object], as_json: bool) -> None:
    """Print the figures and the machine they were measured on."""
    if as_json:
        lines = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        print(json.dumps({"figures": lines, "machine": on}, indent=2))
    else:
        print(table(figures))
        print(", ".join(f"{name} {value}" for name, value in on.items()))


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned lines."""
    lines = [f"{'':<36}{'convtui':>12}{'against':>12}{'':>22}{'ratio':>9}{'target':>10}"]
    for figure in figures:
        values = "".join(f"{_quantity(value, figure.unit):>12}" for value in (figure.value, figure.reference))
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}x"
        line = f"{figure.name:<36}{values}  {figure.against:<20}{ratio:>9}{_target(figure):>10}"
        lines.append(f"{line}  {figure.verdict}".rstrip())
    return "\n".join(lines)


def _target(figure: Figure) -> str:
    if figure.least is not None:
        return f">= {figure.least:g}x"
    return "" if figure.target is None else f"<= {figure.target:g}x"


def _quantity(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} {unit:<2}" if value < 10 else f"{value:.1f} {unit:<2}"
