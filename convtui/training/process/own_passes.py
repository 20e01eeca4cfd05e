"""Passes through a network of the user's, in which the outputs of its convolutions are seen and hidden.

Modules alone do not tell where an activation is: F.relu is none. A mode for torch functions sees each call;
which one is meant is told by the module that makes it and by which of its calls of that function it is, so
that code which branches otherwise for other images is still understood, or said not to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from convtui.engine.graph.operation import Graph
from convtui.tracing.process.tracer import Tracer, function_name
from convtui.training.exploring import LeftOut
from convtui.training.own_convolutions import OwnConvolution, convolutions_of
from convtui.training.process.network import CONVOLUTIONS, seed_all
from convtui.training.process.own_network import TheirError
from convtui.training.process.restored import Restored

Given: TypeAlias = Mapping[str, Any] | None


@dataclass(frozen=True)
class At:
    """A call in a pass: the which-th of this function by the module of this path, or by none."""

    path: str
    function: str
    nth: int


class Places:
    """Tells of the calls of a pass, one after another, where they are."""

    def __init__(self, model: nn.Module) -> None:
        self._paths = {id(each): path for path, each in reversed([*model.named_modules()])}
        self._names: dict[Any, str] = {}
        self._stack: list[tuple[nn.Module, str]] = []
        self._counts: dict[tuple[str, str], int] = {}

    @contextmanager
    def following(self) -> Iterator[None]:
        """Around a pass."""
        self._stack, self._counts = [], {}
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, _: Any) -> None:
        above = self._stack[-1][1] if self._stack else ""
        self._stack.append((module, self._paths.get(id(module), above)))

    def _leave(self, module: nn.Module, _: Any, __: Any) -> None:
        while self._stack and self._stack.pop()[0] is not module:
            pass

    def next(self, function: Callable[..., Any]) -> At:
        """Where the call is that comes now."""
        try:
            name = self._names[function]
        except KeyError:
            name = self._names[function] = function_name(function)
        except TypeError:  # not hashable
            name = function_name(function)
        path = self._stack[-1][1] if self._stack else ""
        count = self._counts[path, name] = self._counts.get((path, name), 0) + 1
        return At(path, name, count)


class _Seeing(TorchFunctionMode):
    """Calls seen with where each call is, what it was given and what it gave, before anything follows it."""

    def __init__(self, places: Places, seen: Callable[[At, Any, Any], None]) -> None:
        super().__init__()
        self._places, self._seen = places, seen

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Given = None
    ) -> Any:
        del types
        at = self._places.next(func)
        result = func(*args, **(kwargs or {}))
        self._seen(at, (args, kwargs), result)
        return result


class _Recording(TorchFunctionMode):
    """Keeps what a pass computes up to an activation, so that it goes on from there with a filter hidden.

    It can go on only if all tensors that are read come from calls that are seen, and if nothing is written
    into what was computed before the activation.
    """

    def __init__(self, places: Places, at: At, known: Iterable[Tensor]) -> None:
        super().__init__()
        self._places, self._at = places, at
        self.results: list[Any] = []
        self.maps: Tensor | None = None
        self._alive = [*known]
        self._known = {id(each) for each in self._alive}
        self._read: set[int] = set()
        self._versions: list[tuple[Tensor, int]] = []
        self._is_seen = True

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Given = None
    ) -> Any:
        del types
        at = self._places.next(func)
        given = {id(each) for each in (*_tensors(args), *_tensors(kwargs))}
        result = func(*args, **(kwargs or {}))
        self._is_seen = self._is_seen and given <= self._known
        made = _tensors(result)
        self._alive += made  # so that no other tensor gets its number
        self._known |= {id(each) for each in made}
        if self.maps is not None:
            self._read |= given
            return result
        self.results.append(result)
        if at == self._at and isinstance(result, Tensor):
            self.maps, self._kept, self._random = result, result.clone(), torch.get_rng_state()
            own = result.untyped_storage().data_ptr()
            self._versions = [
                (each, each._version) for each in self._alive if each.untyped_storage().data_ptr() != own
            ]
        return result

    def ended(self, logits: Tensor) -> bool:
        """Whether it can go on from the activation; forgets what is not needed for that."""
        can_go_on = (
            self.maps is not None
            and self._is_seen
            and id(logits) in self._known
            and all(each._version == version for each, version in self._versions)
        )
        needed = self._read | {id(self.maps)}
        self.results = [_thinned(each, needed) for each in self.results] if can_go_on else []
        self._alive, self._versions = [], []
        return can_go_on

    def hide(self, filter: int) -> None:
        """Have the activation be as it was, but for this filter's channel, which is 0."""
        assert self.maps is not None
        self.maps.copy_(self._kept)
        self.maps[:, filter] = 0
        torch.set_rng_state(self._random)  # Python and NumPy draw again what they drew on the way there


class _GoingOn(TorchFunctionMode):
    """Gives what was recorded instead of computing it, up to the activation."""

    def __init__(self, recorded: _Recording) -> None:
        super().__init__()
        self._results = iter(recorded.results)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Given = None
    ) -> Any:
        del types
        for result in self._results:
            return result
        return func(*args, **(kwargs or {}))


class OwnPasses:
    """The user's network in evaluation mode, and the passes that its convolutions are measured in.

    Each pass begins with the same random numbers, so that one with a filter hidden differs by that alone.
    """

    def __init__(self, subject: Restored, seed: int, classes: int, sample: Tensor) -> None:
        """sample: some images, by a pass of which the convolutions are found; two at least."""
        assert subject.network
        self._subject, self._model, self._name = subject, subject.model, subject.network.name
        self._seed, self._classes, self._sample = seed, classes, sample
        self._places = Places(self._model)

    # -- what there is

    @cached_property
    def _traced(self) -> tuple[Graph, dict[int, At]]:
        """The graph of a pass, and where its operations are."""
        tracer = Tracer(self._model, [self._sample], lambda _: None)
        at: dict[int, At] = {}

        def see(where: At, _: Any, __: Any) -> None:
            at.setdefault(len(tracer.ops) - 1, where)

        with torch.no_grad(), self._following(), tracer.following(), _Seeing(self._places, see):
            logits = self._model(self._sample)
        outputs = tracer.sources_of([logits])
        return Graph(tuple(tracer.ops), outputs=outputs), at

    @cached_property
    def _found(self) -> tuple[dict[int, OwnConvolution], tuple[LeftOut, ...]]:
        graph, _ = self._traced
        modules = [
            (path, type(each).__name__)
            for path, each in self._model.named_modules()
            if isinstance(each, CONVOLUTIONS)
        ]
        found, left_out = convolutions_of(graph, self._model.state_dict().keys(), modules)
        return {each.named.number: each for each in found}, left_out

    @property
    def convolutions(self) -> Mapping[int, OwnConvolution]:
        """Those that are measured, by number."""
        return self._found[0]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Those that cannot be."""
        return self._found[1]

    # -- passes

    def logits(self, images: Tensor) -> Tensor:
        """[images, classes]; gradients are recorded where the images require them."""
        with self._following():
            logits = self._model(self._several(images))
        return self._checked(logits, images)

    def see_activations(self, images: Tensor, see: Callable[[int, Tensor], None]) -> None:
        """Calls see with the number and the activation [images, filters, rows, columns] of each convolution.

        Raises TheirError where the pass does not come to one of them.
        """
        _, at = self._traced
        numbers = {at[each.measured]: number for number, each in self.convolutions.items()}
        self._see(images, numbers, see)

    def output(self, images: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """The logits for the images, and a convolution's own output and filters. Raises TheirError."""
        _, at = self._traced
        found: list[Tensor] = []

        def see(where: At, given: Any, result: Any) -> None:
            if where == at[self.convolutions[layer].op]:
                args, kwargs = given
                weight = args[1] if len(args) > 1 else kwargs["weight"]
                found.extend((result.detach().float().clone(), weight.detach().float().clone()))

        with torch.no_grad(), self._following(), _Seeing(self._places, see):
            logits = self._model(self._several(images))
        if not found:
            raise self._otherwise(layer)
        maps, weight = found[:2]
        return self._checked(logits, images), maps[: len(images)], weight

    def without_each(self, images: Tensor, layer: int) -> Iterator[Tensor]:
        """The logits as they are, and then with each filter of a convolution hidden. Raises TheirError."""
        _, at = self._traced
        given, where = self._several(images), at[self.convolutions[layer].measured]
        state = (*self._model.parameters(), *self._model.buffers(), given)
        recording = _Recording(self._places, where, state)
        with torch.no_grad(), self._following(), recording:
            logits = self._model(given)
        if recording.maps is None:
            raise self._otherwise(layer)
        can_go_on = recording.ended(logits) if isinstance(logits, Tensor) else False
        yield self._checked(logits, images)
        for each in range(self.convolutions[layer].named.shape[0]):
            if not can_go_on:
                yield self._hidden(images, layer, each)
                continue
            with torch.no_grad(), self._following():
                recording.hide(each)
                with _GoingOn(recording):
                    logits = self._model(given)
            yield self._checked(logits, images)

    def _hidden(self, images: Tensor, layer: int, filter: int) -> Tensor:
        """The logits of a whole pass with a filter hidden."""
        _, at = self._traced
        where = at[self.convolutions[layer].measured]

        def see(here: At, _: Any, result: Any) -> None:
            if here == where:
                result[:, filter] = 0

        with torch.no_grad(), self._following(), _Seeing(self._places, see):
            logits = self._model(self._several(images))
        return self._checked(logits, images)

    def _see(self, images: Tensor, numbers: Mapping[At, int], see: Callable[[int, Tensor], None]) -> None:
        missing = set(numbers.values())

        def seen(where: At, _: Any, result: Any) -> None:
            number = numbers.get(where, 0)
            if number not in missing:
                return
            filters = self.convolutions[number].named.shape[0]
            if tuple(result.shape[:2]) == (count, filters):
                missing.discard(number)
                see(number, result.detach()[: len(images)].float())

        given = self._several(images)
        count = len(given)
        with torch.no_grad(), self._following(), _Seeing(self._places, seen):
            logits = self._model(given)
        self._checked(logits, images)
        if missing:
            raise self._otherwise(min(missing))

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Around a pass."""
        seed_all(self._seed)
        with self._subject.theirs("failed"), self._places.following():
            yield

    @staticmethod
    def _several(images: Tensor) -> Tensor:
        """A copy, into which their code may write; of a single image two, as their code may squeeze."""
        return torch.cat([images, images]) if len(images) == 1 else images.clone()

    def _checked(self, logits: Any, images: Tensor) -> Tensor:
        wanted = max(len(images), 2), self._classes
        if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
            shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise TheirError(f"{self._name}: gives {shape} for {wanted[0]} images, not {list(wanted)}")
        return logits[: len(images)].float()

    def _otherwise(self, number: int) -> TheirError:
        named = self.convolutions[number].named
        name = named.path or named.line
        return TheirError(
            f"{self._name}: took another way for these images than for others, past {name}: its "
            "filters cannot be compared over them"
        )


def _tensors(value: Any) -> Sequence[Tensor]:
    """Those in lists, tuples and dicts."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for each in value for tensor in _tensors(each)]
    if isinstance(value, dict):
        return [tensor for each in value.values() for tensor in _tensors(each)]
    return []


def _thinned(result: Any, needed: set[int]) -> Any:
    """A result without the numbers of a tensor that nobody reads."""
    if isinstance(result, Tensor) and id(result) not in needed:
        return torch.empty(0)
    return result
