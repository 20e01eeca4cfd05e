"""The filters of the user's own network, as the features view looks at them.

Which convolutions there are and what they make of an image is asked of the training process, which runs the
network; their kernels are those of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from convtui.inputs.images import Picture
from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.pages.layers.explorations import Explorations, Question, Weights, WhatItMakes, WhichConvolutions
from convtui.pages.layers.explored_figures import named_convolution, own_patches, without_pictures
from convtui.pages.layers.features_figures import Named, Patches
from convtui.pages.layers.features_labels import NO_PICTURES
from convtui.pages.layers.looked import Looked
from convtui.paint.colours import Array
from convtui.paint.controls import Control
from convtui.state.learned_weights import LearnedWeights, is_normalised
from convtui.state.opened_features import OPENED_FEATURES, OpenedFeatures, OwnWeights
from convtui.state.session import View
from convtui.training.datasets.open_any import DataSet
from convtui.training.exploring import Followed, NamedConvolution
from convtui.training.own_convolutions import RECTIFIERS
from convtui.training.runs import explored
from convtui.training.runs.convolved import Convolutions, Output

UNLIKE: Final = "the network was trained on normalised images, but this image is not normalised"


@dataclass(frozen=True, eq=False)
class LookedConvolution:
    """A convolution of the user's network; output: what it makes of the picture, as far as it is known."""

    opened: OpenedFeatures
    told: NamedConvolution
    notice: str
    output: Output | None

    @property
    def layer(self) -> int:
        return self.told.number

    @property
    def picture(self) -> Picture:
        return self.opened.picture

    @property
    def logits(self) -> Array | None:
        return self.output.logits if self.output else None

    @property
    def weights(self) -> Weights | None:
        return self.opened.weights

    @property
    def named(self) -> Named:
        unlike = "" if is_normalised(self.picture) else UNLIKE
        return named_convolution(self.told, self.opened.weights, self.notice or unlike)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.told.shape

    @property
    def map_size(self) -> tuple[int, int]:
        if self.output is None:
            return self.told.maps
        _, rows, columns = self.output.maps.shape
        return rows, columns

    @property
    def maps(self) -> Array | None:
        output = self.output
        return output.maps if output and output.known == len(output.maps) else None

    @property
    def selected(self) -> int:
        return min(self.opened.filter, self.told.shape[0] - 1)

    @property
    def key(self) -> Hashable:
        return self.opened.weights, self.told.number

    @property
    def is_rectified(self) -> bool:
        return self.told.activation.partition(" ")[0] in RECTIFIERS

    @property
    def questions(self) -> Sequence[Question]:
        return (WhatItMakes(self.opened.weights, self.opened.picture, self.told.number),)

    def weight(self) -> Array | None:
        kept = self.opened.weights.weights.get(self.told.weight)
        return kept if kept is not None else self.output.weight if self.output else None

    def weight_of(self, first: LearnedWeights | OwnWeights) -> Array | None:
        return first.weights.get(self.told.weight) if isinstance(first, OwnWeights) else None

    def patches(self, found: explored.Patches, filter: int, data: DataSet | None) -> Patches | None:
        return own_patches(found, self.told, filter, data)


class OwnFeatures:
    """What is opened of the user's network, and what its keys choose."""

    def __init__(self, page: PageServices, explorations: Explorations) -> None:
        self._page, self._explorations = page, explorations

    @property
    def opened(self) -> OpenedFeatures | None:
        """What is looked at; None before a run was opened."""
        return self._page.host.timelines.get(OPENED_FEATURES)

    @property
    def _opened(self) -> OpenedFeatures:
        return self._page.host.timelines.present(OPENED_FEATURES)

    @property
    def _told(self) -> Followed | None:
        found = self._explorations.found(WhichConvolutions(self._opened.weights))
        return found.told if isinstance(found, Convolutions) else None

    @property
    def looked(self) -> Looked | str:
        """What is looked at, or the line that stands instead."""
        opened, told = self._opened, self._told
        if told is None:
            self._explorations.want([WhichConvolutions(opened.weights)])
            return self._explorations.status or "reading what is kept of this run …"
        if not told.convolutions and not told.left_out:
            return NO_PICTURES
        at = self._number(opened, told)
        if at >= len(told.convolutions):
            return without_pictures(told.left_out[at - len(told.convolutions)])
        named = told.convolutions[at]
        output = self._explorations.found(WhatItMakes(opened.weights, opened.picture, named.number))
        return LookedConvolution(opened, named, told.notice, output if isinstance(output, Output) else None)

    @property
    def view(self) -> View:
        return replace(self._opened.view, hints=self._page.host.session.view.hints)

    @staticmethod
    def _number(opened: OpenedFeatures, told: Followed) -> int:
        return min(opened.convolution, len(told.convolutions) + len(told.left_out) - 1)

    def controls(self) -> list[Control]:
        """What is open."""
        opened, told = self._opened, self._told
        items = [
            Control("", "network", printable(opened.weights.network), stepped=False, is_plain=True),
            Control("", "weights", str(opened.weights), stepped=False, is_plain=True),
            Control("o", "image", printable(opened.picture.name), stepped=False, is_plain=True, spare=1),
        ]
        if told is not None and (count := len(told.convolutions) + len(told.left_out)):
            at = f"{self._number(opened, told) + 1} of {count}"
            items.insert(2, Control("tab", "convolution", at, stepped=False, label="convolution"))
        return items

    # -- choosing

    def _change(self, opened: OpenedFeatures, kind: str) -> None:
        self._page.host.timelines.change(OPENED_FEATURES, opened, kind)

    def select(self, choose: Callable[[int], int]) -> None:
        """Select another filter of the convolution on show."""
        looked, opened = self.looked, self._opened
        if not isinstance(looked, str):
            at = min(max(choose(looked.selected), 0), looked.shape[0] - 1)
            self._change(opened.at(opened.convolution, at), "filter")

    def look(self, changes: Callable[[View], Mapping[str, object]]) -> None:
        """Show something else of it."""
        self._change(self._opened.with_view(**changes(self.view)), "look")

    def move_convolutions(self, by: int) -> None:
        """Go so many convolutions further; those without pictures come last."""
        told = self._told
        if told is not None:
            self.go_to(self._number(self._opened, told) + by)

    def go_to_end(self, direction: int) -> None:
        """Go to the first or the last convolution."""
        told = self._told
        if told is not None:
            self.go_to(len(told.convolutions) + len(told.left_out) - 1 if direction > 0 else 0)

    def go_to(self, convolution: int) -> None:
        """Go to a convolution, counted from 0; beyond an end, to that at this end."""
        told, opened = self._told, self._opened
        if told is None:
            return
        last = len(told.convolutions) + len(told.left_out) - 1
        at = min(max(convolution, 0), max(last, 0))
        if at != self._number(opened, told):
            self._change(opened.at(at, opened.filter), "convolution")

    def ask_where(self) -> None:
        """Go to what is typed."""
        self._page.prompt("go to (convolution or convolution,filter)", "", self._gone_to, "2 · 2,5")

    def _gone_to(self, text: str) -> bool:
        parts = [each.strip() for each in text.split(",")]
        told = self._told
        if told is None or not 1 <= len(parts) <= 2 or not all(each.isdecimal() for each in parts):
            self._page.say(
                f"{printable(text)}: must be a convolution's number, or with a filter as 2,5", True
            )
            return False
        count = len(told.convolutions) + len(told.left_out)
        number, filter = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
        if not 1 <= number <= count:
            self._page.say(f"{number}: the convolutions are 1 to {count}", error=True)
            return False
        self._change(self._opened.at(number - 1, filter), "jump")
        return True

    def look_at(self, picture: Picture) -> bool:
        """Another image; tells whether the network takes it."""
        try:
            self._change(self._opened.with_picture(picture), "picture")
        except ValueError as error:
            self._page.say(str(error), error=True)
            return False
        return True
