"""The panes of the Norms page: placed by its layout, showing its labels and plots of figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convtui.pages.base.memo import Memo
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import (
    difference_line,
    formula_lines,
    hint_line,
    modes_lines,
    norms_lines,
    rule_line,
    running_lines,
    shared_line,
    title_line,
)
from convtui.pages.batchnorm.layout import BatchNormView, Regions, regions_of
from convtui.pages.batchnorm.maps import SharedMaps, maps_lines
from convtui.pages.batchnorm.plots import (
    Statistic,
    after_histogram,
    batches_plot,
    before_histogram,
    spread_plot,
)
from convtui.pages.batchnorm.styled_text import StyledLines, Tone, draw_text
from convtui.paint.canvas import Canvas
from convtui.paint.colours import Palette
from convtui.paint.histogram import Histogram, histogram_lines
from convtui.paint.panes import DrawnPane
from convtui.paint.plots import Plot, plot_lines
from convtui.state.batch_measurement import SpreadBySize

_TEXTS: Final = (
    *("title", "hint", "formula", "running", "rule", "modes", "difference"),
    *("norms", "shared"),
)
_STATISTICS: Final = {"means": Statistic.MEAN, "variances": Statistic.VARIANCE}
_PLOTS: Final = tuple(f"{what} {name}" for name in _STATISTICS for what in ("batch", "spread of"))


class BatchNormPanes:
    """Shows figures on a canvas; what has not changed since the last time is not made again."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._texts: dict[str, DrawnPane[StyledLines]] = {name: DrawnPane(draw_text) for name in _TEXTS}
        self._before, self._after = DrawnPane(histogram_lines), DrawnPane(histogram_lines)
        self._plots = {name: DrawnPane(plot_lines) for name in _PLOTS}
        self._maps = DrawnPane(maps_lines)
        self._regions = Memo[Regions]()
        self._before_memo = Memo[Histogram]()
        self._maps_memo = Memo[SharedMaps]()
        self._plot_memos = {name: Memo[Plot]() for name in _PLOTS}

    def place(
        self, size: tuple[int, int], view: BatchNormView, hints: bool, has_running: bool, palette: Palette
    ) -> None:
        """Give every pane its region on a canvas of so many lines and columns."""
        key = size, view, hints, has_running
        self._regions.get((key, palette), lambda: self._placed(regions_of(*key), palette))

    def _placed(self, regions: Regions, palette: Palette) -> Regions:
        panes: dict[str, DrawnPane[Any]] = {
            **self._texts,
            "before": self._before,
            "after": self._after,
            **self._plots,
            "maps": self._maps,
        }
        for name, region in regions.items():
            panes[name].place(region, palette)
        self._canvas.place({name: panes[name] for name in regions}, palette)
        return regions

    def show_problem(self, problem: str, advice: str) -> None:
        """Why there is nothing to show, and what the user can do about it."""
        self._texts["title"].show((((problem, Tone.TEXT),),))
        self._texts["hint"].show((((advice, Tone.MUTED),),))

    def show(self, figures: Figures, spread: Callable[[], SpreadBySize | None]) -> None:
        """Show figures; the spread is asked for only where there is a plot of it."""
        regions = self._regions.value or {}
        texts: dict[str, Callable[[int], StyledLines]] = {
            "title": lambda width: (title_line(figures.session, width),),
            "hint": lambda width: (hint_line(figures.session, width),),
            "formula": lambda width: formula_lines(figures, width),
            "running": lambda width: running_lines(figures, width),
            "rule": lambda width: (rule_line(figures, width),),
            "modes": lambda _: modes_lines(figures),
            "difference": lambda width: (difference_line(figures, width),),
            "norms": lambda width: norms_lines(figures, width),
            "shared": lambda width: (shared_line(figures, width),),
        }
        for name in texts.keys() & regions:
            self._texts[name].show(texts[name](regions[name].width))
        if "before" in regions:
            self._show_histograms(figures, regions["before"].width, regions["after"].width)
        if "maps" in regions:
            of = figures.input, figures.session.choice, figures.chosen_index, figures.session.norm.training
            self._maps.show(self._maps_memo.get(of, lambda: figures.maps))
        for name, statistic in _STATISTICS.items():
            if f"batch {name}" in regions:
                width = regions[f"batch {name}"].width
                self._show_batches(f"batch {name}", figures, statistic, width)
                self._show_spread(f"spread of {name}", figures, spread(), statistic, width)

    def _show_histograms(self, figures: Figures, before: int, after: int) -> None:
        key = (figures.input, figures.channel, figures.session.choice, figures.members, before)
        self._before.show(self._before_memo.get(key, lambda: before_histogram(figures, before)))
        self._after.show(after_histogram(figures, after))

    def _show_batches(self, name: str, figures: Figures, statistic: Statistic, width: int) -> None:
        session, norm = figures.session, figures.session.norm
        key = (figures.input, figures.channel, width, session.past, norm.momentum, norm.training)
        plot = self._plot_memos[name].get(key, lambda: batches_plot(figures, statistic, width))
        self._plots[name].show(plot)

    def _show_spread(
        self, name: str, figures: Figures, spread: SpreadBySize | None, statistic: Statistic, width: int
    ) -> None:
        key = (spread, figures.channel, figures.session.batch_size, width)
        plot = self._plot_memos[name].get(key, lambda: spread_plot(figures, spread, statistic, width))
        self._plots[name].show(plot)
