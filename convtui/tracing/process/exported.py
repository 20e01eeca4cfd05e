"""Networks that torch.export.save has written: opened without their code, and without any of the file's.

torch.export.load trusts a file: it unpickles what is in it, evaluates its expressions as Python, calls
whatever function of PyTorch's modules it names, and loads compiled libraries. So the file is read before it:
only what is known to be data, and PyTorch's own operators, is let through.
"""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from convtui.engine.graph.operation import shape_text
from convtui.engine.words import counted
from convtui.inputs.names import printable
from convtui.tracing.process.problems import LoadError, code_words
from convtui.tracing.process.their_code import Place, line_of_theirs

SAVE_AGAIN: Final = 'torch.export.save(torch.export.export(model, (image,)), "net.pt2")'
MOST_BYTES: Final = 2**28  # of its description

_OLD: Final = frozenset(("version", "serialized_exported_program.json"))
_NAME: Final = re.compile(r"[\w.@\[\]-]*")
_CLASS: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_OPERATOR: Final = re.compile(r"torch\.ops\.(aten|prims)\.(?!from_file\b)\w+\.[A-Za-z]\w*")
_ARITHMETIC: Final = re.compile(
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|getitem|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc|sqrt|pow)|torch\.sym_(int|float|not|ite|max|min|sum|sqrt)"
    r"|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
)
_INERT: Final = frozenset(("metadata", "guards_code", "as_string", "torch_version", "verifiers"))
_PLAIN_TREES: Final = frozenset(
    (
        None,
        "builtins.tuple",
        "builtins.list",
        "builtins.dict",
        "torch.fx.immutable_collections.immutable_list",
        "torch.fx.immutable_collections.immutable_dict",
    )
)
_SYMPY: Final = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Max|Min|Mod|Abs|And|Or|Not|Eq|Ne|Lt|Le|Gt|Ge|(Une|E)quality"
    r"|(Strict)?(Less|Greater)Than|Piecewise|ExprCondPair|FloorDiv|ModularIndexing|Where|PythonMod|CleanDiv"
    r"|CeilToInt|FloorToInt|CeilDiv|[LR]Shift|PowByNatural|FloatPow|(Float|Int)TrueDiv|TruncTo(Float|Int)"
    r"|IsNonOverlappingAndDenseIndicator|RoundToInt|RoundDecimal|ToFloat|Identity|[Tt]rue|[Ff]alse|oo|zoo|nan"
    r"|int_oo|[a-z]{1,3}[0-9]+"
)
_EXPRESSION: Final = (
    *(ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.Tuple),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)


@dataclass(frozen=True)
class Given:
    """An input as the file describes it: its name, its axes (a name for one that may vary), its type."""

    name: str
    shape: tuple[int | str, ...]
    dtype: torch.dtype

    @property
    def text(self) -> str:
        """As 1x3x224x224; [any, 3, any, any] where axes may vary."""
        fixed = tuple(each for each in self.shape if isinstance(each, int))
        if len(fixed) == len(self.shape):
            return shape_text(fixed)
        return f"[{', '.join('any' if isinstance(each, str) else str(each) for each in self.shape)}]"


class Exported(nn.Module):
    """The network in a file, which runs the operators of its graph one after another.

    place: where in the code that it was made from the operator stands that runs. given: its inputs, None for
    one that is no tensor. sample: those that it was exported with, None where the file has none.
    """

    def __init__(self, program: Any) -> None:
        super().__init__()
        made = program.module(check_guards=False)
        for name, parameter in made.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in made.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        for name, child in made.named_children():
            self.add_module(name, child)
        for name, value in vars(made).items():
            if isinstance(value, torch.Tensor):  # constants
                setattr(self, name, value)
        self.place: Place | None = None
        self.sample: tuple[tuple[Any, ...], dict[str, Any]] | None = program.example_inputs
        self._steps = _Steps(self, made.graph)
        self._spec = program.call_spec.in_spec
        signature = program.module_call_graph[0].signature
        self._names: list[str] = list(getattr(signature, "forward_arg_names", None) or [])
        inputs = [each for each in made.graph.nodes if each.op == "placeholder"]
        self._guards = list(getattr(program, "_guards_code", None) or [])
        self.given = [_given(each) for each in inputs]
        self._ranges = {
            str(symbol): (_bound(each.lower, 0), _bound(each.upper, 2**62))
            for symbol, each in program.range_constraints.items()
        }
        super().train(_is_training(made.graph))

    @property
    def varies(self) -> bool:
        """Whether it takes inputs of several sizes."""
        return any(isinstance(n, str) for each in self.given if each for n in each.shape)

    def train(self, mode: bool = True) -> Exported:
        """Its mode is in its operators: another is not to be had."""
        del mode
        return self

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph on inputs that it takes: those that refusal says nothing of."""
        flat = self._flat(args, kwargs)
        try:
            found = self._steps.run(*flat, enable_io_processing=False)
        finally:
            self.place = None
        return found[0] if isinstance(found, tuple | list) and len(found) == 1 else found

    def _flat(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The inputs in the order of the graph. Raises TypeError for others than it takes."""
        kwargs = dict(kwargs)
        for name in self._names[len(args) : len(self._spec.children()[0].children())]:
            if name in kwargs:
                args = (*args, kwargs.pop(name))
        named = {name: kwargs.pop(name) for name in self._spec.children()[1].context or () if name in kwargs}
        flat, spec = pytree.tree_flatten((args, named))
        if spec != self._spec or kwargs:
            takes = ", ".join(each.text if each else "no tensor" for each in self.given)
            count = len(flat) + len(kwargs)
            raise TypeError(f"was exported for {counted(len(self.given), 'input')} ({takes}), gets {count}")
        return flat

    def refusal(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Why these inputs cannot go through it, as far as the file says; "" if nothing speaks against."""
        try:
            flat = self._flat(args, kwargs)
        except TypeError as error:
            return str(error)
        sizes: dict[str, int] = {}
        for given, each in zip(self.given, flat, strict=True):
            if given is None or not isinstance(each, torch.Tensor):
                continue
            wrong = self._unfit(given, tuple(each.shape), sizes)
            if wrong:
                return wrong
            if each.dtype != given.dtype:
                wanted, got = (str(dtype).removeprefix("torch.") for dtype in (given.dtype, each.dtype))
                return f"was exported for an input of {wanted}, gets {got}"
        broken = next((guard for guard in self._guards if _is_broken(guard, self._named(args, kwargs))), None)
        return f"was exported for inputs of which {broken}" if broken else ""

    def hint(self, is_photo: bool) -> str:
        """What input would be right, for somebody who gave a photo, or the shape of one."""
        given = self.given[0] if len(self.given) == 1 else None
        if given is None or len(given.shape) < 2:
            return "; a function that makes its inputs: --inputs net.py:make_inputs"
        if self.varies:
            return ""
        batch, *each = (n for n in given.shape if isinstance(n, int))
        again = ", or export it with dynamic_shapes"
        if not is_photo:
            return f"; --input {'x'.join(map(str, each))}{f' --batch {batch}' if batch > 1 else ''}{again}"
        size = f"a photo of {shape_text(tuple(each[1:]))}" if batch == 1 else "export it for one image"
        return f"; {size}{again}"

    def _named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return {**dict(zip(self._names, args, strict=False)), **kwargs}

    def _unfit(self, given: Given, shape: tuple[int, ...], sizes: dict[str, int]) -> str:
        exported = f"was exported for an input of {given.text}, gets {shape_text(shape)}"
        if len(shape) != len(given.shape):
            return exported
        for axis, (wanted, size) in enumerate(zip(given.shape, shape, strict=True)):
            if isinstance(wanted, int):
                if wanted != size:
                    return exported
                continue
            least, most = self._ranges.get(wanted, (0, 2**62))
            if not least <= size <= most:
                bounds = f"{least} to {most}" if most < 2**62 else f"at least {least}"
                return f"{exported}: axis {axis} may be {bounds}"
            if sizes.setdefault(wanted, size) != size:
                return f"{exported}: axis {axis} must be {sizes[wanted]}, as another axis is"
        return ""

    def inputs_like_sample(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What it was exported with; else random numbers of those shapes. Raises LoadError without either."""
        if self.sample and (self.sample[0] or self.sample[1]):
            return self.sample
        made = []
        for each in self.given:
            if each is None:
                raise LoadError("the file has no inputs; give --inputs, a function that makes them")
            shape = [2 if isinstance(n, str) else n for n in each.shape]
            generator = torch.Generator().manual_seed(0)
            made.append(torch.randn(shape, generator=generator).to(each.dtype))
        args, kwargs = pytree.tree_unflatten(made, self._spec)
        return args, kwargs


class _Steps(fx.Interpreter):
    """Runs a graph, and says of each node where it stands."""

    def __init__(self, module: Exported, graph: fx.Graph) -> None:
        super().__init__(module, graph=graph)
        self.extra_traceback = False
        self._exported = module
        calls: dict[str, list[str]] = {}
        self._places: dict[fx.Node, Place] = {}
        for node in graph.nodes:
            if node.op != "call_function":
                continue
            stack = list((node.meta.get("nn_module_stack") or {}).items())
            key, (path, kind) = stack[-1] if stack else ("", ("", ""))
            keys = calls.setdefault(path, [])
            if key not in keys:
                keys.append(key)
            line, code = line_of_theirs(node.meta.get("stack_trace") or "")
            kind = kind if isinstance(kind, str) else kind.__name__
            self._places[node] = Place(path, kind.rpartition(".")[2], keys.index(key) + 1, line, code)

    def run_node(self, n: fx.Node) -> Any:
        """The same, with its place told."""
        self._exported.place = self._places.get(n)
        return super().run_node(n)


def load_exported(path: Path) -> Exported:
    """The network in a .pt2 file. Raises LoadError for one that would run code or cannot be read."""
    name = printable(str(path))
    classes = screen(path)
    try:
        with _weights_alone(), _stand_ins(classes), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Exported(torch.export.load(path))
    except LoadError:
        raise
    except Exception as error:
        line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        if "weights_only" in str(error).lower() or "Weights only" in str(error):
            raise LoadError(f"{name}: {code_words(str(error), SAVE_AGAIN)}") from None
        raise LoadError(
            f"{name}: this PyTorch ({torch.__version__}) cannot read it ({type(error).__name__}: {line})"
        ) from None


@contextmanager
def _weights_alone() -> Iterator[None]:
    """torch.load runs no pickled code, whatever it is asked for."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _stand_ins(names: Iterable[str]) -> Iterator[None]:
    """Classes that hold outputs are known by their names, with nothing of them imported."""
    made = [type(name.rpartition(".")[2], (list,), {}) for name in sorted(names)]
    try:
        for name, each in zip(sorted(names), made, strict=True):
            pytree._private_register_pytree_node(
                each,
                lambda outputs: (list(outputs), None),
                lambda outputs, _: list(outputs),
                serialized_type_name=name,
                to_dumpable_context=json.dumps,
                from_dumpable_context=json.loads,
            )
        yield
    finally:
        for each in made:
            pytree._deregister_pytree_node(each)


# -- what is in the file, before PyTorch opens it


def screen(path: Path) -> frozenset[str]:
    """Read what torch.export.load would run of a file. Raises LoadError for what is not known to be data.

    Gives the names of the classes that hold its outputs, where PyTorch does not know these itself.
    """
    name = printable(str(path))
    classes: set[str] = set()
    try:
        from torch.export.pt2_archive import PT2ArchiveReader
    except ImportError:
        raise LoadError(f"{name}: needs PyTorch 2.8 or newer; this is {torch.__version__}") from None
    try:
        with zipfile.ZipFile(path) as archive:
            if _OLD & {each.filename.rpartition("/")[2] for each in archive.infolist()} - {"version"} or (
                "version" in archive.namelist()
            ):
                raise LoadError(f"{name}: was saved by a PyTorch before 2.8; save it again: {SAVE_AGAIN}")
        with PT2ArchiveReader(str(path)) as reader:
            names = list(reader.get_file_names())
            _screen_names(names, name)
            for each in names:
                if each.startswith("models/"):
                    _screen_program(json.loads(reader.read_string(each)), name, classes)
                elif each.endswith("_config.json"):
                    _screen_config(json.loads(reader.read_string(each)), name)
    except LoadError:
        raise
    except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, AttributeError, TypeError):
        raise LoadError(
            f"{name}: torch.export.save did not write it, or it is damaged; save it again: {SAVE_AGAIN}"
        ) from None
    return frozenset(classes)


def _refused(name: str, what: str) -> LoadError:
    return LoadError(
        f"{name}: would run code of its own when opened ({printable(what)}), so it is not; "
        "name the class instead: net.py:Net"
    )


def _screen_names(names: Sequence[str], name: str) -> None:
    of_machines = ("data/aotinductor/", "data/executorch")
    compiled = next((each for each in names if each.startswith(of_machines)), None)
    if compiled:
        raise LoadError(
            f"{name}: holds compiled code ({printable(compiled)}), whose operations cannot be followed; "
            f"save it as it is exported: {SAVE_AGAIN}"
        )
    if "models/model.json" not in names:
        raise LoadError(f"{name}: has no graph in it (models/model.json); save it again: {SAVE_AGAIN}")


def _screen_config(found: Any, name: str) -> None:
    """Weights and constants: all but tensors is a pickle of its own."""
    for key, each in found.get("config", {}).items():
        where = str(each.get("path_name", ""))
        if not re.fullmatch(r"(weight|tensor)_\d+", where):
            raise _refused(name, f"constant {key} in {where}")


def _screen_program(found: Any, name: str, classes: set[str], key: str = "") -> None:
    """Every text in the description of a program: where it would be run, it must be known to do no harm."""
    if key in _INERT:
        return
    if isinstance(found, dict):
        for inner, value in found.items():
            if not _NAME.fullmatch(inner):
                raise _refused(name, inner)
            if inner == "as_custom_obj" or (inner == "custom_obj_name" and value):
                raise _refused(name, f"an object of its own: {value}")
            _screen_program(value, name, classes, inner)
    elif isinstance(found, list):
        for each in found:
            _screen_program(each, name, classes, key)
    elif isinstance(found, str) and not _is_harmless(found, key, classes):
        raise _refused(name, f"{key}: {found}"[:120])


def _is_harmless(text: str, key: str, classes: set[str]) -> bool:
    match key:
        case "target" | "as_operator":
            return bool(_OPERATOR.fullmatch(text) or _ARITHMETIC.fullmatch(text))
        case "expr_str":
            return is_arithmetic(text)
        case "out_spec":
            return _is_plain_tree(text, classes)
        case "in_spec" | "treespec" | "treespec_str":
            return _is_plain_tree(text)
        case _:
            return bool(_NAME.fullmatch(text))


def is_arithmetic(text: str) -> bool:
    """Whether an expression of sizes is one: sympy evaluates it as Python, whatever it is."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, _EXPRESSION):
            return False
        if isinstance(node, ast.Name) and not _SYMPY.fullmatch(node.id):
            return False
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            return False
        if isinstance(node, ast.Constant) and not (
            isinstance(node.value, int | float)
            or (isinstance(node.value, str) and re.fullmatch(r"\w+", node.value))
        ):
            return False
    return True


def _is_plain_tree(text: str, classes: set[str] | None = None) -> bool:
    """Whether inputs or outputs are in tuples, lists and dicts: others may name a class to be imported.

    classes: takes the names of those that PyTorch does not know, where they may hold outputs.
    """
    if not text:
        return True
    _, found = json.loads(text)
    waiting = [found]
    while waiting:
        node = waiting.pop()
        context = node.get("context")
        known = json.loads(context) if isinstance(context, str) else context
        is_of_keys = isinstance(known, list) and all(isinstance(key, str | int) for key in known)
        kind = node.get("type")
        if not (known is None or is_of_keys):
            return False
        if kind not in _PLAIN_TREES:
            if classes is None or kind in pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE:
                return False
            if not (isinstance(kind, str) and _CLASS.fullmatch(kind)):
                return False
            classes.add(kind)
        waiting += node.get("children_spec", [])
    return True


# -- inputs


def _given(node: fx.Node) -> Given | None:
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor):
        return None
    shape = tuple(n if isinstance(n, int) else str(n.node.expr) for n in value.shape)
    return Given(str(node.target), shape, value.dtype)


def _bound(value: Any, without: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError, AttributeError):  # infinity
        return without


def _is_training(graph: fx.Graph) -> bool:
    """Whether it was exported in training mode, as its norms and dropouts say."""
    for node in graph.nodes:
        function = node.target
        if node.op != "call_function" or not isinstance(function, torch._ops.OpOverload):
            continue
        names = [each.name for each in function._schema.arguments]
        told = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        if told.get("training") is True or told.get("train") is True:
            return True
    return False


_GUARD: Final = (*_EXPRESSION, ast.Subscript, ast.Attribute)


def _is_broken(guard: str, named: Mapping[str, Any]) -> bool:
    """Whether inputs break what held when it was exported; what is not arithmetic is passed over."""
    try:
        tree = ast.parse(guard, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, _GUARD):
            return False
        if isinstance(node, ast.Attribute) and node.attr not in ("size", "shape"):
            return False
        if isinstance(node, ast.Name) and node.id not in ("L", "min", "max"):
            return False
    with suppress(Exception):
        known = {"__builtins__": {}, "L": named, "min": min, "max": max}
        return not eval(compile(tree, "guard", "eval"), known)
    return False
