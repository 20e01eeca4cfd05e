"""Exported networks have the rows of their code, and run none of what may be in the file."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import fields, told
from convtui.engine.graph.operation import Graph, Source
from convtui.tracing.process.exported import Exported, is_arithmetic, load_exported
from convtui.tracing.process.problems import LoadError
from convtui.tracing.process.tracer import follow
from tests.support.traced_models import ResNet


def saved(folder: Path) -> Path:
    path = folder / "net.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(ResNet(2, 3).eval(), (torch.rand(1, 3, 16, 24),)), path)
    return path


def figures(graph: Graph) -> list[tuple[object, ...]]:
    seen = fields(graph)
    return [
        (op.kind, op.path, op.line, op.outputs, op.inputs, op.reads, op.parameters, op.cost, op.call, words)
        for op in graph.ops
        for words in [[told(field) for field in seen[Source(op.number)]]]
    ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("exported"))


def changed(file: Path, folder: Path, change: Callable[[str], str], of: str = "models/model.json") -> Path:
    path = folder / "net.pt2"
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            data = before.read(name)
            is_it = name.endswith(of)
            after.writestr(name, change(data.decode()).encode() if is_it else data)
    return path


def test_rows_are_those_of_the_code(file: Path) -> None:
    exported = load_exported(file)
    image, model = torch.rand(1, 3, 16, 24), ResNet(2, 3).eval()
    from_file, from_code = follow(exported, (image,), {}), follow(model, (image,), {})
    assert figures(from_file) == figures(from_code)
    assert set(exported.state_dict()) == set(model.state_dict())


def test_an_image_of_another_size_is_told_what_it_was_exported_for(file: Path) -> None:
    exported = load_exported(file)
    assert isinstance(exported, Exported)
    assert exported.refusal((torch.rand(1, 3, 16, 24),), {}) == ""
    why = exported.refusal((torch.rand(1, 3, 16, 16),), {})
    assert why == "was exported for an input of 1x3x16x24, gets 1x3x16x16"
    assert exported.hint(is_photo=False).startswith("; --input 3x16x24")


def output_in(kind: str, context: object) -> Callable[[str], str]:
    """The description of a program whose output is held by an object of that class."""
    leaf: dict[str, object] = {"type": None, "context": None, "children_spec": []}
    tree = [1, {"type": kind, "context": json.dumps(context), "children_spec": [leaf]}]

    def change(text: str) -> str:
        program = json.loads(text)
        for each in program["graph_module"]["module_call_graph"]:
            if each["signature"]:
                each["signature"]["out_spec"] = json.dumps(tree)
        return json.dumps(program)

    return change


def test_an_output_of_a_class_of_theirs_needs_no_class(file: Path, tmp_path: Path) -> None:
    path = changed(file, tmp_path, output_in("not_installed.outputs.Classified", ["logits"]))
    image = torch.rand(1, 3, 16, 24)
    graph = follow(load_exported(path), (image,), {})
    assert figures(graph) == figures(follow(load_exported(file), (image,), {}))
    assert "not_installed.outputs.Classified" not in pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE
    for kind, context in (
        ("collections.defaultdict", {"default_factory_module": "os"}),  # which would be imported
        ("collections.OrderedDict", ["logits"]),
        ("not_installed.outputs.Classified", {"__enum__": True, "fqn": "os:system"}),
        ("not installed", ["logits"]),
    ):
        with pytest.raises(LoadError, match="would run code of its own"):
            load_exported(changed(file, tmp_path, output_in(kind, context)))


class Moving(nn.Module):
    """Functions that operators have other names for, or other arguments."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).mT
        x = x / torch.linalg.vector_norm(x, 2, 1, keepdim=True)
        x = x + tokens.mean(1)[:, :, None, None].expand_as(x)
        columns = F.fold(F.unfold(x, 2, stride=2) * 2, (8, 12), 2, stride=2)
        return F.pixel_shuffle(columns.roll((1, 2), (2, 3)).flip(2), 2).repeat(1, 2, 1, 1)


def test_operators_read_what_their_functions_do(tmp_path: Path) -> None:
    path, image = tmp_path / "net.pt2", torch.rand(1, 4, 8, 12)
    torch.export.save(torch.export.export(Moving(), (image,)), path)
    graphs = [follow(model, (image,), {}) for model in (load_exported(path), Moving())]
    assert [op for graph in graphs for op in graph.ops if op.note] == []
    from_file, from_code = (feeding(graph, graph.outputs[0], (0, 1, 5, 7))[Source(0)] for graph in graphs)
    assert from_file is not None
    assert from_code is not None
    assert np.array_equal(from_file.is_fed(), from_code.is_fed())
    seen = [[told(field) for field in fields(graph)[graph.outputs[0]]] for graph in graphs]
    assert seen[0] == seen[1]


def test_what_would_run_is_refused(file: Path, tmp_path: Path) -> None:
    flag = tmp_path / "ran"

    def calls(text: str) -> str:
        program = json.loads(text)
        program["graph_module"]["graph"]["nodes"][0]["target"] = "torch.os.system"
        return json.dumps(program)

    def evaluates(text: str) -> str:
        code = f"__import__('pathlib').Path({str(flag)!r}).touch()"
        return text.replace('{"as_int": 16}', json.dumps({"as_expr": {"expr_str": code, "hint": None}}))

    for change in (calls, evaluates):
        with pytest.raises(LoadError, match="would run code of its own"):
            load_exported(changed(file, tmp_path, change))
    assert not flag.exists()


def test_a_pickle_among_the_inputs_does_not_run(file: Path, tmp_path: Path) -> None:
    flag = tmp_path / "ran"

    class Bad:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (flag,)

    torch.save(((Bad(),), {}), tmp_path / "inputs.pt")
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            is_it = name.endswith("sample_inputs/model.pt")
            after.writestr(name, (tmp_path / "inputs.pt").read_bytes() if is_it else before.read(name))
    with pytest.raises(LoadError):
        load_exported(path)
    assert not flag.exists()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Add(Mul(Integer(2), Symbol('s0', positive=True)), Integer(-1))", True),
        ("__import__('os')", False),
        ("(1).__class__", False),
        ("Symbol('a b')", False),
    ],
)
def test_expressions(text: str, is_one: bool) -> None:
    assert is_arithmetic(text) is is_one


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(LoadError, match=r"torch\.export\.save"):
        load_exported(path)
