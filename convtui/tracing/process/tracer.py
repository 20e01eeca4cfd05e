"""Follows a pass through a model, operation by operation, whatever the model's code does.

A mode for torch functions sees every call, hooks on all modules tell which module made it, the stack which
line of whose file. It holds no tensor that the pass itself lets go of.
"""

from __future__ import annotations

import gc
import inspect
import linecache
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from types import FrameType
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

import torch
from torch import nn
from torch._ops import OpOverload
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_map
from torch.utils.weak import TensorWeakRef

from convtui.engine.graph.dead_filters import RECTIFIERS, axis_of_filters
from convtui.engine.graph.operation import (
    INPUT,
    Argument,
    DeadFilters,
    Failure,
    Graph,
    Op,
    Parameter,
    Setting,
    Source,
    Tensor,
)
from convtui.engine.graph.reads import Nothing
from convtui.tracing.process.alike import REPEATS, Alike, signature, tensor_of
from convtui.tracing.process.aten import operator_name
from convtui.tracing.process.calls import (
    Call,
    bind,
    is_plain,
    settings_of,
    unknown,
    unread,
)
from convtui.tracing.process.members import Members, members_of
from convtui.tracing.process.problems import bytes_asked, error_words, first_line
from convtui.tracing.process.rectified import Before, before_rectifier, dead_filters
from convtui.tracing.process.their_code import Place, file_name, frames_of, is_of_theirs, last_of_theirs
from convtui.tracing.process.unchanged import unchanged

T = TypeVar("T")
Caught: TypeAlias = tuple[type[BaseException], ...]

NOT_FOLLOWED: Final = "not followed"
THROUGH: Final = "through numpy or Python, where it cannot be followed"
UNREGISTERED: Final = "a parameter that the model does not know: keep modules in an nn.ModuleList"
MOST_BEFORE: Final = 3  # operations that one call may add before its own, for what was hidden
DEPTH: Final = 4  # of lists and dicts in which a module may keep tensors

_LEAVING: Final = frozenset(("numpy", "tolist", "array", "dlpack"))
_ROWS_EVEN_IF: Final = frozenset(("dropout", "dropout1d", "dropout2d", "dropout3d"))  # nothing was done
_NO_CHANGE: Final = frozenset(
    ("contiguous", "to", "float", "double", "half", "bfloat16", "type", "type_as", "cpu", "cuda", "dropout")
)
_ASKED: Final = frozenset((torch.Tensor.dim, torch.Tensor.size, torch.Tensor.numel))  # give no tensors
_IN_PLACE: Final = frozenset(("setitem", "iadd", "isub", "imul", "itruediv", "ipow", "iand", "ior", "ixor"))


@dataclass
class Inside:
    """A module that is being run: its path, its class, which call of it, and what it was given."""

    module: nn.Module
    path: str
    kind: str
    call: int
    given: tuple[Any, ...]


class Known(Generic[T]):
    """What is known of tensors, none of which it holds: a number that is used again is another tensor's."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[TensorWeakRef, T]] = {}

    def __setitem__(self, tensor: torch.Tensor, value: T) -> None:
        self._kept[id(tensor)] = TensorWeakRef(tensor), value

    def __getitem__(self, tensor: torch.Tensor) -> T:
        value = self.get(tensor)
        if value is None:
            raise KeyError
        return value

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return self.get(tensor) is not None

    def get(self, tensor: torch.Tensor) -> T | None:
        """What is known of a tensor; None if nothing is."""
        found = self._kept.get(id(tensor))
        # Whoever asks holds the tensor, so that its reference need not be mended.
        return found[1] if found is not None and found[0].ref() is tensor else None

    def forget(self, tensor: torch.Tensor) -> None:
        """Know nothing of a tensor any longer."""
        self._kept.pop(id(tensor), None)

    def living(self) -> list[tuple[torch.Tensor, T]]:
        """The tensors that are still there, and what is known of them."""
        every = [(reference(), value) for reference, value in self._kept.values()]
        return [(tensor, value) for tensor, value in every if tensor is not None]

    def add(self, other: Known[T]) -> None:
        """Know what another knows, and no longer what has gone."""
        everything = {**self._kept, **other._kept}
        self._kept = {number: each for number, each in everything.items() if each[0]() is not None}


class Tracer(TorchFunctionMode):
    """Records the operations of one pass. tell is called with each of them as soon as it is done.

    wanted: the number of an operation whose tensors are copied, into `given` by role and `gave`.
    """

    _made_before: ClassVar[Known[str]] = Known()  # in another pass, and kept since by a cache of theirs

    def __init__(
        self,
        model: nn.Module,
        inputs: Sequence[torch.Tensor],
        tell: Callable[[Op], None],
        wanted: int | None = None,
    ) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.given: dict[str, torch.Tensor] = {}
        self.gave: list[torch.Tensor] = [*inputs] if wanted == 0 else []
        self._wanted = -1 if wanted is None else wanted
        self.failures: list[tuple[BaseException, Failure]] = []
        self._tell = tell
        self._sources: Known[Source] = Known()
        self._made: Known[str] = Known()  # tensors that depend on no input, and by what they were made
        self._members = members = members_of(model)
        self._paths, self._parameters, self._buffers = members.paths, members.parameters, members.buffers
        self._constants = {*self._parameters, *self._buffers}  # until something is written into them
        self._model = model
        self._tells_place = "place" in vars(model)
        self._kept: dict[int, str] | None = None
        self._stack: list[Inside] = []
        self._broken: list[tuple[BaseException, Inside]] = []  # the innermost module that each went through
        self._calls: dict[int, int] = {}
        self._left: Source | None = None  # where numbers have left for numpy or Python
        self._files: dict[str, bool] = {}
        self._lines: dict[tuple[str, int], tuple[str, str]] = {}
        self._names: dict[Any, str] = {}
        self._add(Op(0, INPUT, tuple(map(tensor_of, inputs))))
        for number, each in enumerate(inputs):
            self._sources[each] = Source(0, number)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Everything that runs inside is recorded."""
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()
            self._made_before.add(self._made)

    @property
    def members(self) -> Members:
        """What the model consists of now."""
        if self._members.have_changed:
            self._members = members_of(self._model)
        return self._members

    def sources_of(self, tensors: Iterable[torch.Tensor]) -> tuple[Source, ...]:
        """Where tensors came from, as far as they did come from an operation."""
        found = (self._sources.get(each) for each in tensors)
        return tuple(each for each in found if each is not None)

    def words_for(self, result: object, tensors: Sequence[torch.Tensor]) -> str:
        """What the model has returned in place of tensors that came from its input; "" if some did."""
        if result is None:
            return "None"
        if not tensors:
            return f"{type(result).__name__}, in which no tensor is found"
        if all(each in self._made or id(each) in self._constants for each in tensors):
            return "what does not depend on its input"
        return ""

    @property
    def used(self) -> set[Parameter]:
        """The parameters that the pass has used."""
        return {each for op in self.ops for each in op.parameters}

    # -- modules

    def _enter(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        call = self._calls[id(module)] = self._calls.get(id(module), 0) + 1
        path = self._paths.get(id(module))
        if path is None:
            above = next((each.path for each in reversed(self._stack)), "")
            path = f"{above}.({type(module).__name__})".lstrip(".")
        self._stack.append(Inside(module, path, _class_of(module), call, given))

    def _leave(self, module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and self._stack and all(error is not each for each, _ in self._broken):
            self._broken.append((error, self._stack[-1]))
        while self._stack and self._stack.pop().module is not module:
            pass
        hidden = [
            each for each in _flat(result) if not self._is_known(each) and each not in self._made_before
        ]
        if hidden:  # its code is hidden: TorchScript, or compiled
            inputs = [each for each in _flat(given) if each in self._sources]
            parameters = self._counted(module.parameters())
            self._record_unknown(
                _class_of(module), hidden, inputs, self._paths.get(id(module), ""), parameters, module
            )

    def _is_known(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._constants or tensor in self._sources or tensor in self._made

    # -- operations

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do what was called, and record it if tensors came of it."""
        kwargs = kwargs or {}
        if func in _ASKED:
            return func(*args, **kwargs)
        given = _flat(args)
        if types and any(map(nn.parameter.is_lazy, given)):  # a lazy module makes its parameters
            return func(*args, **kwargs)
        versions = _versions(given)
        kind = self._name(func)
        was = self._before_rectifier(args, kwargs) if kind in RECTIFIERS else None
        before = {}
        if 0 <= self._wanted - len(self.ops) <= MOST_BEFORE:  # in place it would be overwritten
            before = {id(each): each.detach().clone() for each in (*given, *_flat(kwargs))}
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self._fail(func, args, kwargs, error)
            raise
        result_tensors = [args[0]] if kind == "setitem" else _flat(result)
        if result_tensors:
            now = _versions(given)
            changed: set[int] = set()
            if now != versions:
                pairs = zip(given, now, versions, strict=True)
                changed = {id(each) for each, new, old in pairs if new != old}
            if None in now and kind not in _NO_CHANGE:  # of tensors in inference mode no versions are kept
                ids = {id(each) for each in given}
                changed |= {id(each) for each in result_tensors if each.is_inference() and id(each) in ids}
            is_before = len(self.ops) <= self._wanted
            roles = self._record(kind, func, args, kwargs, given, result_tensors, changed, was)
            if is_before and self._wanted == len(self.ops) - 1:
                self.given = {role: before.get(id(each), each) for role, each in roles}
                self.given |= self._tracked(kind)
        elif kind in _LEAVING:
            self._left = next(iter(self.sources_of(_flat(args))), self._left)
        return result

    def _tracked(self, kind: str) -> dict[str, torch.Tensor]:
        """The mini-batches that the batch norm which is run has seen before this one, if it counts them."""
        module = self._stack[-1].module if self._stack else None
        count = getattr(module, "num_batches_tracked", None)
        if kind != "batch_norm" or not isinstance(count, torch.Tensor):
            return {}
        with torch._C.DisableTorchFunction():
            before = count.detach() - (1 if self.ops[-1].settings["training"] else 0)
            return {"num_batches_tracked": before}

    def _before_rectifier(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Before | None:
        """What tells dead filters afterwards, of the channels of a convolution; None of all else."""
        tensor = args[0] if args else kwargs.get("input")
        if not isinstance(tensor, torch.Tensor) or self._wanted >= 0:
            return None
        source = self._sources.get(tensor)
        axis = None if source is None else axis_of_filters(self.ops, source)
        return None if axis is None else before_rectifier(tensor, axis)

    def _record(
        self,
        kind: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        given: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
        changed: set[int],
        was: Before | None,
    ) -> Sequence[tuple[str, torch.Tensor]]:
        """An operation that has given tensors; what it was given, by role, if it is a row of the graph."""
        is_done = changed or kind in _ROWS_EVEN_IF
        if not is_done and set(map(id, given)).issuperset(map(id, outputs)):
            return ()  # nothing was done: contiguous, to, float, and the like
        key = signature(kind, func, args, kwargs, outputs)
        alike, call = REPEATS.of(key), None
        tensors = [*given, *_flat(kwargs)] if kwargs else given
        if alike is None:
            call = Call(*bind(kind, func, args, kwargs), func, args, kwargs, outputs)
            if [id(each) for _, each in call.tensors] != list(map(id, tensors)):
                key, tensors = None, [each for _, each in call.tensors]
            kind, roles = call.kind, tuple([role for role, _ in call.tensors])
        else:
            kind, roles = alike.kind, alike.roles
        overwritten = unread(kind), "out"
        read: list[int] = []
        sources: list[Source] = []
        unfollowed, parameters = [], []
        for at, each in enumerate(tensors):
            number = id(each)
            if number not in self._constants:
                source = self._sources.get(each) or self._source(each)
                if source is None:
                    unfollowed.append(each)
                elif roles[at] not in overwritten:
                    read.append(at)
                    sources.append(source)
            if number in self._parameters:
                parameters.append(self._parameters[number])
        if not read and all(isinstance(each, nn.Parameter) for each in outputs):
            return ()  # a parameter is set
        if not read and not parameters:
            if self._left and kind in ("from_numpy", "tensor", "as_tensor", "asarray", "from_dlpack"):
                self._add_op(kind, outputs, [self._left], None, (), {}, None, THROUGH)
                return ()
            for each in outputs:
                self._made[each] = kind
                self._sources.forget(each)
            return ()
        if alike is None:
            assert call is not None
            call.followed = frozenset([roles[at] for at in read])
            alike = Alike(call)
            REPEATS.add(key, alike)
        described = alike.described
        settings = dict(described.settings)
        if changed or _are_views_of(outputs, given):
            settings["shares_memory"] = True
        inside = self._stack[-1].module if self._stack else None
        if kind == "batch_norm" and isinstance(inside, nn.modules.batchnorm._BatchNorm):
            settings["momentum"] = inside.momentum  # what the function is given for None is a share
        note = described.note if read else ""
        reads, shown = alike.reads(tuple(read), tensors), alike.outputs
        if unfollowed and not note and any(self._made.get(each) == UNREGISTERED for each in unfollowed):
            note = UNREGISTERED
        if kind == "setitem" and any(roles[at] == "input" for at in read):
            note = "some cells of a tensor are replaced, so that its fields are not known"
        # The tensor of which a part was written; one that no code has seen is PyTorch's own affair.
        written = [each._base for each in outputs if id(each) in changed] if changed else []
        bases = [base for base in written if base is not None and self._is_known(base)]
        if bases:
            for base in bases:
                if base in self._sources and self._sources[base] not in sources:
                    sources.append(self._sources[base])
                    reads = tuple((*each, (Nothing(),) * base.dim()) for each in reads)
            outputs, shown = [*outputs, *bases], (*shown, *map(tensor_of, bases))
            reads = (*reads, *[tuple(unknown(self._shape(source)) for source in sources)] * len(bases))
            note = "a part of a tensor is written, so that the fields of the whole are not known"
        dead = dead_filters(kind, bind(kind, func, args, kwargs)[1], was, outputs[0]) if was else None
        self._add_op(
            *(kind, outputs, sources, reads, tuple(parameters), settings, described.cost, note),
            shown=shown,
            dead=dead,
        )
        return list(zip(roles, tensors, strict=True)) if len(self.ops) - 1 == self._wanted else ()

    def _source(self, tensor: torch.Tensor) -> Source | None:
        """Where a tensor came from; None of one that depends on no input."""
        source = self._sources.get(tensor)
        if source is None and not self._is_known(tensor):
            self._look_at(tensor)
            source = self._sources.get(tensor)
        return source

    def _shape(self, source: Source) -> tuple[int, ...]:
        return self.ops[source.op].outputs[source.output].shape

    def _look_at(self, tensor: torch.Tensor) -> None:
        """A tensor that nothing seen has made: one that the model keeps, or what hidden code has made."""
        if self._kept is None:
            self._kept = _kept_tensors(self._model)
        if isinstance(tensor, nn.Parameter):
            made = members_of(self._model)
            if id(tensor) in made.parameters:  # of a lazy module, which has made it just now
                self._members = made
                self._parameters |= made.parameters
                self._constants.add(id(tensor))
            else:
                self._made[tensor] = UNREGISTERED
            return
        for other, source in self._sources.living():
            if _is_same(tensor, other):
                self._sources[tensor] = source
                return
        name = self._kept.get(id(tensor)) or self._made_before.get(tensor) or _global_name(tensor)
        if name is None:  # a Variable of old code shows the numbers of what it is made of
            name = next(
                (each for each, other in self._model.named_buffers() if _is_same(tensor, other)), None
            )
        if name is not None:
            self._made[tensor] = name
            return
        self._record_unknown(NOT_FOLLOWED, [tensor], [], "", (), None)

    def _record_unknown(
        self,
        kind: str,
        outputs: Sequence[torch.Tensor],
        inputs: Sequence[torch.Tensor],
        path: str,
        parameters: tuple[Parameter, ...],
        module: nn.Module | None,
    ) -> None:
        """A row for what cannot be followed; without inputs it is taken to read all that came before."""
        sources = [self._sources[each] for each in inputs]
        note = "its inside cannot be followed" if module else "made by code that cannot be followed"
        if not sources and module is None:
            sources = [self._left or Source(self.ops[-1].number)]
            note = THROUGH if self._left else note
        self._add_op(kind, outputs, sources, None, parameters, {}, None, note, path or None)

    def _add_op(
        self,
        kind: str,
        outputs: Sequence[torch.Tensor],
        sources: Sequence[Source],
        reads: Sequence[tuple[Any, ...]] | None,
        parameters: tuple[Parameter, ...],
        settings: Mapping[str, Any],
        cost: Any,
        note: str = "",
        path: str | None = None,
        shown: tuple[Tensor, ...] | None = None,
        dead: DeadFilters | None = None,
    ) -> None:
        if reads is None:
            reads = [tuple(unknown(self._shape(source)) for source in sources)] * len(outputs)
        place = self._place(path)
        number = len(self.ops)
        op = Op(
            number=number,
            kind=kind,
            outputs=tuple(map(tensor_of, outputs)) if shown is None else shown,
            inputs=tuple(sources),
            reads=tuple(reads),
            path=place.path,
            module=place.module,
            line=place.line,
            code=place.code,
            call=place.call,
            settings=settings,
            parameters=parameters,
            cost=cost,
            note=note,
            dead=dead,
        )
        for output, each in enumerate(outputs):
            self._sources[each] = Source(number, output)
            self._constants.discard(id(each))
        if number == self._wanted:
            with torch._C.DisableTorchFunction():
                self.gave = [each.detach().clone() for each in outputs]
        self._add(op)

    def _place(self, path: str | None = None) -> Place:
        """Where what runs now stands: as the model itself tells, else as the modules and the stack do."""
        told = self._model.place if self._tells_place else None
        if isinstance(told, Place):
            return told
        inside = self._stack[-1] if self._stack else None
        line, code = self._line(sys._getframe(2))
        if inside is None:
            return Place(path or "", line=line, code=code)
        call = inside.call if inside.path else 1
        return Place(inside.path if path is None else path, inside.kind, call, line, code)

    def _add(self, op: Op) -> None:
        self.ops.append(op)
        self._tell(op)

    def _counted(self, tensors: Iterable[torch.Tensor]) -> tuple[Parameter, ...]:
        return tuple(self._parameters[id(each)] for each in tensors if id(each) in self._parameters)

    def _name(self, func: Callable[..., Any]) -> str:
        try:
            return self._names[func]
        except KeyError:
            name = self._names[func] = function_name(func)
            return name
        except TypeError:  # not hashable
            return function_name(func)

    # -- failures

    def _fail(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception
    ) -> None:
        kind, bound = bind(self._name(func), func, args, kwargs)
        call = Call(kind, bound, func, args, kwargs)
        try:
            settings: Mapping[str, Any] = settings_of(call)
        except (LookupError, TypeError, ValueError, RuntimeError):
            settings = {}
        asked = bytes_asked(error)
        if asked:
            settings = {**settings, "asked_bytes": asked, **_would_give(func, args, kwargs)}
        place = self._place()
        failure = Failure(
            error=error_words(error) if asked else first_line(error) or type(error).__name__,
            kind=kind,
            path=place.path,
            module=place.module,
            line=place.line,
            code=place.code,
            settings=settings,
            arguments=tuple(self.argument(role, each) for role, each in call.tensors),
            frames=frames_of(error.__traceback__),
        )
        self.failures.append((error, failure))

    def failure_of(self, error: BaseException) -> Failure:
        """What is known of the exception that ended the pass."""
        frames = frames_of(error.__traceback__)
        cause: BaseException | None = error
        while cause is not None:
            for failed, failure in self.failures:
                if failed is cause:
                    return Failure(**{**vars(failure), "frames": frames})
            cause = cause.__cause__ or cause.__context__
        inside = next((inside for broken, inside in self._broken if broken is error), None)
        if inside is None and self._stack and not isinstance(error, Exception):
            inside = self._stack[-1]  # PyTorch calls its hooks for exceptions alone
        line, code = last_of_theirs(error.__traceback__)
        given = list(bind("", None, inside.given, {})[1].items()) if inside else []
        arguments = [self.argument(role, each) for role, value in given for each in _flat(value)]
        return Failure(
            error=error_words(error),
            path=inside.path if inside else "",
            module=inside.kind if inside else "",
            line=line,
            code=code,
            settings=_module_settings(inside.module) if inside else {},
            arguments=tuple(arguments),
            frames=frames,
        )

    def argument(self, role: str, tensor: torch.Tensor) -> Argument:
        """A tensor and where it came from."""
        name = ""
        if tensor not in self._sources:
            if id(tensor) in self._parameters:
                name = f"parameter {self._parameters[id(tensor)].name}"
            elif id(tensor) in self._buffers:
                name = f"buffer {self._buffers[id(tensor)][0]}"
            elif tensor in self._made:
                name = f"made by {self._made[tensor]}"
        return Argument(role, tensor_of(tensor), self._sources.get(tensor), name)

    # -- their files

    def _line(self, frame: FrameType | None) -> tuple[str, str]:
        """The innermost line that is theirs, as net.py:23, and what stands there."""
        files = self._files
        while frame is not None:
            file = frame.f_code.co_filename
            is_theirs = files.get(file)
            if is_theirs is None:
                is_theirs = files[file] = is_of_theirs(file)
            if is_theirs:
                at = file, frame.f_lineno
                if at not in self._lines:
                    code = linecache.getline(*at, frame.f_globals).strip()
                    self._lines[at] = f"{file_name(file)}:{frame.f_lineno}", code
                return self._lines[at]
            frame = frame.f_back
        return "", ""


def follow(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    name: str = "",
    tell: Callable[[Op], None] = lambda _: None,
    input_name: str = "this input",
    caught: Caught = (Exception, SystemExit),
) -> Graph:
    """Run the model once and return the graph of the pass, up to where it fails if it does.

    input_name: what the inputs are, in words.
    caught: the exceptions with which a pass fails; others pass through.

    What the pass changes and what is seen to be so is put back: buffers (running statistics) and the states
    of the random numbers. Gradients are not recorded.
    """
    inputs = [*_flat(args), *_flat(kwargs)]
    tracer = Tracer(model, inputs, tell)
    failure: Failure | None = None
    outputs: list[torch.Tensor] = []
    returned = ""
    with torch.no_grad(), torch.random.fork_rng(devices=[]), unchanged(model):
        try:
            with tracer.following():
                result = model(*args, **kwargs)
            outputs = _flat(result)
            returned = tracer.words_for(result, outputs)
        except caught as error:
            failure = tracer.failure_of(error)
    used, members = tracer.used, tracer.members
    return Graph(
        ops=tuple(tracer.ops),
        name=name or type(model).__name__,
        outputs=tracer.sources_of(outputs),
        failure=failure,
        unused=() if failure else tuple(each for each in members.parameters.values() if each not in used),
        training=model.training,
        traits=tuple(sorted(members.kinds & {"CrossEntropyLoss"})),
        input_name=input_name,
        returned=returned,
        names=tuple(names) if len(names := input_names(model, args, kwargs)) == len(inputs) > 1 else (),
    )


def input_names(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[str]:
    """The names of the tensors that a model gets, by the arguments of its forward: `image`, `pair.1`."""
    try:
        positional = inspect.signature(model.forward).bind_partial(*args).arguments
    except (TypeError, ValueError):
        return []
    return [
        each
        for given in (positional, kwargs)
        for name, value in given.items()
        for each in _names(value, name)
    ]


def _names(value: Any, name: str, depth: int = 0) -> list[str]:
    """A name for each tensor that `_flat` finds."""
    if isinstance(value, torch.Tensor):
        return [name]
    if depth > DEPTH:
        return []
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, list | tuple):
        parts = enumerate(value)
    elif isinstance(value, dict):
        parts = value.items()
    elif hasattr(value, "__dataclass_fields__") and hasattr(value, "__dict__"):
        parts = vars(value).items()
    return [each for key, part in parts for each in _names(part, f"{name}.{key}", depth + 1)]


def which(image: torch.Tensor, given: Any) -> int | None:
    """Which of the tensors in what is given to a model is the image; None if none is."""
    tensors = _flat(given)
    same = (at for at, each in enumerate(tensors) if each is image)
    alike = (at for at, each in enumerate(tensors) if each.shape == image.shape and torch.equal(each, image))
    return next(same, next(alike, None))


@dataclass(frozen=True)
class Copied:
    """The tensors of one operation: what it was given, by role, and what it gave."""

    op: Op
    given: Mapping[str, torch.Tensor]
    gave: Sequence[torch.Tensor]


def copied(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    number: int,
    caught: Caught = (Exception, SystemExit),
) -> Copied | None:
    """Run the model once more for the tensors of one operation; None if the pass does not come to it.

    What the pass changes is put back, and what ends it is caught, as by `follow`.
    """
    tracer = Tracer(model, [*_flat(args), *_flat(kwargs)], lambda _: None, number)
    with ExitStack() as inside:
        inside.enter_context(torch.no_grad())
        inside.enter_context(torch.random.fork_rng(devices=[]))
        inside.enter_context(unchanged(model))
        inside.enter_context(suppress(*caught))  # where the pass fails it has failed before
        inside.enter_context(tracer.following())
        model(*args, **kwargs)
    if number >= len(tracer.ops) or not tracer.gave:
        return None
    return Copied(tracer.ops[number], tracer.given, tracer.gave)


def function_name(func: Callable[..., Any]) -> str:
    """PyTorch's name of a function without how it is spelt: add of add_, __add__ and torch.add."""
    if isinstance(func, OpOverload):
        return operator_name(func)
    try:
        name = resolve_name(func) or getattr(func, "__name__", "") or "call"
    except (TypeError, AttributeError, RuntimeError):
        name = getattr(func, "__name__", "") or "call"
    last = name.removesuffix(".__get__").rpartition(".")[2]
    plain = last.strip("_") or last
    if last.startswith("__i") and plain in _IN_PLACE:
        plain = plain[1:]
    return plain


def _is_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether they are two names of the same numbers."""
    with torch._C.DisableTorchFunction():
        is_alike = one.shape == other.shape and one.dtype == other.dtype and one.layout == other.layout
        if not is_alike or one.layout != torch.strided or not one.numel():
            return False
        return one.data_ptr() == other.data_ptr() and one.stride() == other.stride()


def _are_views_of(tensors: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> bool:
    """Whether they show numbers of what was given; some functions give views of what they have made."""
    for tensor in tensors:
        base = tensor._base
        if base is None or not any(each is base or each._base is base for each in given):
            return False
    return True


def _would_give(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Setting]:
    """The shape and the type of what a call gives for which there is no memory, as far as shapes tell it."""

    def without_numbers(value: Any) -> Any:
        return torch.empty_like(value, device="meta") if isinstance(value, torch.Tensor) else value

    with suppress(Exception), torch.no_grad(), torch.device("meta"):
        args, kwargs = tree_map(without_numbers, (args, dict(kwargs)))
        given = _flat(func(*args, **kwargs))
        if given:
            made = tensor_of(given[0])
            return {"made_shape": made.shape, "made_type": made.dtype, "made_bytes": made.memory}
    return {}


def _class_of(module: nn.Module) -> str:
    name = type(module).__name__
    return str(getattr(module, "original_name", name)) if isinstance(module, torch.jit.ScriptModule) else name


def _module_settings(module: nn.Module) -> dict[str, Any]:
    names = (
        *("num_features", "in_channels", "out_channels", "in_features", "out_features", "num_channels"),
        *("input_size", "batch_first"),
    )
    found = {name: getattr(module, name, None) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, int)}


def _versions(tensors: Sequence[torch.Tensor]) -> list[int | None]:
    """How often each was written to; None in inference mode, where it is not counted."""
    try:
        return [each._version for each in tensors]
    except RuntimeError:
        return [None if each.is_inference() else each._version for each in tensors]


def _flat(value: Any, depth: int = 0) -> list[torch.Tensor]:
    """The tensors in lists, tuples, dicts and data classes."""
    if type(value) is torch.Tensor or isinstance(value, torch.Tensor):  # asked at length only if need be
        return [value]
    if depth > DEPTH or is_plain(value):
        return []
    if isinstance(value, list | tuple | dict):
        found: list[torch.Tensor] = []
        for each in value.values() if isinstance(value, dict) else value:
            kind = type(each)
            if kind is torch.Tensor or kind is nn.Parameter:
                found.append(each)
            elif not is_plain(each):
                found += _flat(each, depth + 1)
        return found
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return _flat(vars(value) if hasattr(value, "__dict__") else {}, depth + 1)
    return []


def _kept_tensors(model: nn.Module) -> dict[int, str]:
    """Tensors that modules keep beside parameters and buffers, by where."""
    kept: dict[int, str] = {}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") and name in ("_parameters", "_buffers", "_modules"):
                continue
            for each in _flat(value):
                kept[id(each)] = f"{path}.{name}".lstrip(".")
    return kept


def _global_name(tensor: torch.Tensor) -> str | None:
    """The name of a tensor that stands in a module's globals, or what keeps one from before the pass."""
    for holder in gc.get_referrers(tensor):
        if isinstance(holder, _lru_cache_wrapper):
            return getattr(holder, "__name__", "lru_cache")
        if isinstance(holder, dict) and "__name__" in holder and "__builtins__" in holder:
            return next((name for name, value in holder.items() if value is tensor), None)
    return None
