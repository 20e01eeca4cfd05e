"""The keys that change the convolution, the view and the files; they are the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import ClassVar, Final

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.kernels import NAMES
from convtui.engine.pool_layers import AvgPool, Pool
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.spec import PADDING_MODES, PADDING_WORDS, ConvSpec, Pair, Sides
from convtui.engine.transposed_spec import TransposedSpec
from convtui.pages.base.convolution_controls import controls
from convtui.pages.base.keys import Key, all_keys
from convtui.pages.base.page import Page
from convtui.pages.base.player import Player
from convtui.paint.controls import Control
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import EXAMPLES as OPERATIONS
from convtui.state.operation import GATHER, KINDS, SCATTER, WAYS
from convtui.state.session import Session, Zoom
from convtui.state.settings import EXAMPLES, canonical, parse_at, transition, with_size

WITH_PADDING: Final = ("conv", "convtranspose", "maxpool", "avgpool")


class ConvolutionPage(Page):
    """A page on which the session can be stepped through, played and changed by the common keys."""

    COMMON: ClassVar[tuple[Key, ...]] = all_keys()

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(self)

    def controls(self) -> list[Control]:
        return controls(self.session)

    def footer_words(self) -> Mapping[str, str]:
        return {"channel": ""}

    # -- stepping

    def action_cells(self, count: int) -> None:
        self.change(lambda session: session.moved(count), "move")

    def action_rows(self, count: int) -> None:
        self.change(lambda session: session.moved_rows(count), "move")

    def action_channels(self, count: int) -> None:
        """Through the output channels; while pixels scatter, all of which one lands on, the one on show."""
        session = self.session
        if session.way == SCATTER:
            chosen = min(max(session.slice + count, 0), session.slices - 1)
            self.change(lambda session: session.at(session.index).with_view(slice=chosen), "look")
        else:
            self.change(lambda session: session.moved_channels(count), "move")

    def action_ends(self, direction: int) -> None:
        self.change(lambda session: session.at(session.size - 1 if direction > 0 else 0), "jump")

    def action_multiply_add(self, count: int) -> None:
        self.change(lambda session: session.multiply_added(count), "move")

    def action_finish(self) -> None:
        self.change(Session.finished)

    def action_restart(self) -> None:
        self.change(Session.restarted)

    def action_go_to(self) -> None:
        self.prompt("go to (row,column or step)", "", self._go_to, "4,18 · 131")

    def _go_to(self, text: str) -> bool:
        return self.change(lambda session: session.at(parse_at(text, session)), "jump")

    def end_reached(self) -> str:
        if self.session.index + 1 == self.session.size and self.session.taps is None:
            return f"this is the last {'input' if self.session.way == SCATTER else 'output'} cell; r restarts"
        return ""

    def play_on(self, count: int) -> bool:
        inside = self.session.taps is not None
        self.change(lambda now: now.multiply_added(count) if inside else now.moved(count), "move")
        now = self.session
        return now.index + 1 < now.size or now.taps not in (None, now.products)

    # -- changing the convolution

    def action_operation(self, by: int) -> None:
        """The next operation that fits the image."""
        kinds = _after(KINDS, self.session.kind, by)
        self._change_to_first([partial(Session.with_kind, kind=kind) for kind in kinds])

    def action_way(self, by: int = 1) -> None:  # noqa: ARG002
        """Through a transposed convolution by its input cells, or by its output cells."""
        other = GATHER if self.session.way == SCATTER else SCATTER
        self.change(lambda session: session.with_way(other))

    def action_stride(self, by: int) -> None:
        self._step_pair("stride", by)

    def action_dilation(self, by: int) -> None:
        self._step_pair("dilation", by)

    def _step_pair(self, name: str, by: int) -> None:
        """Rows and columns of a parameter, one up or down; the session says why an operation has none."""
        rows, columns = getattr(self._own_spec, name, (1, 1))
        self.change(lambda session: session.with_parameters(**{name: (rows + by, columns + by)}))

    @property
    def _own_spec(self) -> ConvSpec | PoolSpec | AdaptiveSpec | TransposedSpec:
        """The parameters of the operation on show."""
        layer = self.session.layer
        return self.session.spec if layer is None else layer.spec

    def action_padding(self, by: int) -> None:
        pads = getattr(self._own_spec, "pads", ((0, 0), (0, 0)))
        if by < 0 and not any(chain(*pads)) and self.session.kind in WITH_PADDING:
            self.say("padding is already 0, which is the least", error=True)
            return
        (top, bottom), (left, right) = _grown(pads, by)
        is_alike = (top, left) == (bottom, right)
        grown = (top, left) if is_alike else ((top, bottom), (left, right))
        self.change(lambda session: session.with_parameters(padding=grown))

    def action_mode(self, by: int) -> None:
        """The next padding mode that can fill the padding; of others their ceil_mode or output_padding."""
        layer = self.session.layer
        if layer is None:
            modes = _after(PADDING_MODES, self.session.spec.padding_mode, by)
            self._change_to_first([partial(Session.with_spec, padding_mode=mode) for mode in modes])
        elif isinstance(layer.spec, TransposedSpec):
            spec = layer.spec
            most = [max(sides) for sides in zip(spec.stride, spec.dilation, strict=True)]
            rows, columns = ((at + by) % size for at, size in zip(spec.output_padding, most, strict=True))
            if most == [1, 1]:
                rows = columns = 1  # the session says why not
            self.change(lambda session: session.with_parameters(output_padding=(rows, columns)))
        else:
            is_on = not getattr(layer.spec, "ceil_mode", False)
            self.change(lambda session: session.with_parameters(ceil_mode=is_on))

    def action_divisor_override(self, by: int = 1) -> None:  # noqa: ARG002
        self.action_type("divisor_override")

    def action_size(self, by: int) -> None:
        layer = self.session.layer
        if layer is not None and not isinstance(layer.spec, TransposedSpec):
            rows, columns = _own_size(layer.spec)
            self.change(lambda session: with_size(session, (rows + by, columns + by)))
            return
        rows, columns = self.session.spec.kernel_size
        size: int | tuple[int, int] = (rows + by, columns + by)
        if self.session.kernel.named and rows == columns:
            sizes = self.session.kernel.sizes
            beyond = [legal for legal in sizes if (legal - rows) * by > 0]
            if not beyond:
                named = self.session.kernel.label
                self.say(f"{named} comes in sizes {sizes[0]} to {sizes[-1]}", error=True)
                return
            size = min(beyond, key=lambda legal: abs(legal - rows))
        self.change(lambda session: with_size(session, size))

    def action_groups(self, by: int) -> None:
        if self._has_no_weights():
            return
        channels = self.session.convolution.image_shape[0]
        legal = [groups for groups in range(1, channels + 1) if channels % groups == 0]
        if len(legal) == 1:
            self.say("groups must divide the image's channels, and this image has only one", error=True)
            return
        groups = legal[(legal.index(self.session.spec.groups) + by) % len(legal)]
        self.change(lambda session: session.with_groups(groups))

    def action_filters(self, by: int) -> None:
        """More filters or fewer; of an average pooling, whether padding counts."""
        layer = self.session.layer
        if isinstance(layer, Pool) and isinstance(layer.reduction, Average):
            counts = not layer.reduction.count_include_pad
            self.change(lambda session: session.with_parameters(count_include_pad=counts))
            return
        if self._has_no_weights():
            return
        filters = self.session.convolution.weight_shape[0] + by * self.session.spec.groups
        if filters < 1:
            self.say("at least one filter is needed", error=True)
            return
        self.change(lambda session: session.with_filters(filters))

    def action_kernel(self, by: int) -> None:
        """The next named kernel that fits the image."""
        if self._has_no_weights():
            return
        names = _after(NAMES, self.session.kernel.name, by)
        self._change_to_first([partial(Session.with_kernel, choice=KernelChoice(name)) for name in names])

    def _has_no_weights(self) -> bool:
        """Whether the operation has none; then that is said."""
        if isinstance(self.session.operation, Pooling):
            self.say("a pooling has no weights; b goes to an operation that has", error=True)
            return True
        return False

    def _change_to_first(self, candidates: Sequence[Callable[[Session], Session]]) -> None:
        """Change to the first that is accepted; if none is, the last says why."""
        session = self.session
        for make in candidates[:-1]:
            try:
                make(session)
            except ValueError:
                continue
            self.change(make)
            return
        self.change(candidates[-1])

    def action_type(self, name: str) -> None:
        """A setting typed in words, begun with the one that was clicked."""
        from textual.suggester import SuggestFromList

        start = f"{name} {self._value_of(name)}".strip() if name else ""
        values = {
            "kernel": NAMES,
            "mode": PADDING_MODES,
            "padding": PADDING_WORDS,
            "operation": OPERATIONS,
            "way": WAYS,
        }
        named = [f"{setting} {value}" for setting, names in values.items() for value in names]
        self.prompt(":", start, self._typed, suggester=SuggestFromList([*EXAMPLES.values(), *named]))

    def _typed(self, text: str) -> bool:
        from convtui.store.pictures import reopened

        return self.change(lambda session: transition(text, reopened)(session))

    def _value_of(self, name: str) -> str:
        session, spec = self.session, self._own_spec
        match name:
            case "operation":
                return "conv" if session.layer is None else str(session.layer)
            case "filters":
                return str(session.convolution.weight_shape[0])
            case "kernel":
                return session.kernel.name
            case "size":
                return canonical(_own_size(spec))
            case "divisor_override":
                assert isinstance(session.layer, AvgPool)
                return canonical(session.layer.reduction.divisor_override)
        return canonical(getattr(spec, name))

    # -- looking

    def action_slice(self, by: int) -> None:
        """Through the slices that the filter reads; a colour picture's own colours come first."""
        if self.session.way == SCATTER and self.session.shape[0] > 1:
            following = (self.session.position[0] + by) % self.session.shape[0]
            self.change(lambda session: session.moved_channels(following - session.position[0]), "move")
            return
        slices: Sequence[int | None] = range(1 if self.session.way == SCATTER else self.session.slices)
        if self.session.picture.colour:
            slices = [None, *slices]
        if len(slices) == 1:
            self.say("there is only one channel")
            return
        now = self.session.view.slice if self.session.picture.colour else self.session.slice
        at = slices.index(now) if now in slices else 0
        self.change(lambda session: session.with_view(slice=slices[(at + by) % len(slices)]), "look")

    def code_of_page(self) -> Callable[[], str]:
        from convtui.export.code import session_code

        return partial(session_code, self.session)

    def session_to_animate(self) -> Session:
        return self.session

    def action_fit(self) -> None:
        self.change(lambda session: session.with_view(zoom=None), "look")

    def action_zoom(self, by: int) -> None:
        zooms = list(Zoom)
        at = zooms.index(self.zoom) - by
        if 0 <= at < len(zooms):
            self.change(lambda session: session.with_view(zoom=zooms[at]), "look")

    @property
    def zoom(self) -> Zoom:
        """The zoom now on the screen."""
        raise NotImplementedError


def _own_size(spec: ConvSpec | PoolSpec | AdaptiveSpec | TransposedSpec) -> Pair:
    """That of the kernel or the window; of an adaptive pooling, that of the output."""
    return spec.output_size if isinstance(spec, AdaptiveSpec) else spec.kernel_size


def _after(names: Sequence[str], name: str, by: int) -> list[str]:
    """All the others in turn, from the next (or the one before) on."""
    at = names.index(name) if name in names else -max(by, 0)
    count = len(names)
    return [names[(at + by * further) % count] for further in range(1, count + (name not in names))]


def _grown(pads: Sides, by: int) -> Sides:
    (top, bottom), (left, right) = pads
    return (max(top + by, 0), max(bottom + by, 0)), (max(left + by, 0), max(right + by, 0))
