"""Every trap on the way through a model that somebody else wrote."""

import gc
import warnings
import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, NotKnown, fields
from convtui.engine.graph.operation import Graph, Op, Source
from convtui.engine.graph.postmortem import post_mortem
from convtui.tracing.process.tracer import THROUGH, UNREGISTERED, Known, copied, follow, function_name
from convtui.tracing.protocol import Sizes
from convtui.tracing.traced import Trace
from tests.support.traced_models import (
    Attending,
    Halved,
    Hidden,
    Listed,
    Named,
    Own,
    ResNet,
    Reused,
    Written,
)


def traced(model: nn.Module, *shape: int) -> Graph:
    graph = follow(model.eval(), (torch.rand(shape),), {})
    assert graph.failure is None
    return graph


def kinds(graph: Graph) -> list[str]:
    return [op.kind for op in graph.ops[1:]]


def op_at(graph: Graph, kind: str, number: int = 0) -> Op:
    return [op for op in graph.ops if op.kind == kind][number]


def test_what_is_changed_in_place_is_read_from_where_it_was_changed() -> None:
    graph = traced(ResNet(2, 3), 1, 3, 32, 32)
    added = op_at(graph, "add", 1)
    assert [graph.ops[each.op].kind for each in added.inputs] == ["batch_norm", "relu"]
    assert graph.ops[added.inputs[1].op].inputs == (Source(op_at(graph, "add", 0).number),)
    assert added.memory == 0  # no new tensor
    assert added.parameters == ()


def test_a_scripted_module_is_one_row_and_those_after_it_go_on() -> None:
    scripted = _script(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    graph = traced(nn.Sequential(nn.Conv2d(1, 1, 3), scripted, nn.Conv2d(2, 1, 1)), 1, 1, 9, 9)
    assert kinds(graph) == ["conv2d", "Sequential", "conv2d"]
    hidden = op_at(graph, "Sequential")
    assert hidden.inputs == (Source(1),)
    assert hidden.note == "its inside cannot be followed"
    assert hidden.cost is None
    assert sum(each.count for each in hidden.parameters) == 2 * 9 + 2
    assert fields(graph)[graph.outputs[0]] == (NotKnown(hidden.number),) * 2


def _script(module: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted: nn.Module = torch.jit.script(module)
    return scripted


def test_what_is_written_into_a_tensor_is_followed() -> None:
    graph = traced(Written(), 1, 1, 8, 8)
    sets = [op for op in graph.ops if op.kind == "setitem"]
    assert [graph.ops[each.op].kind for each in sets[0].inputs] == ["getitem"]
    assert Source(sets[0].number) in sets[1].inputs
    fed = feeding(graph, Source(sets[0].number), (0, 0, 4, 4))[Source(0)]
    assert fed is not None
    assert fed.pixels == 9
    assert Source(0) not in feeding(graph, Source(sets[0].number), (0, 1, 4, 4))  # zeros
    rows = fields(graph)[Source(sets[0].number)][0]
    assert isinstance(rows, AxisField)
    assert rows.size == 3


def test_an_lstm_and_attention_are_a_row_each() -> None:
    graph = traced(Attending(), 1, 4, 3, 3)
    assert "multi_head_attention_forward" in kinds(graph)
    assert "lstm" in kinds(graph)
    assert [op.kind for op in graph.uncounted] == []
    attention = op_at(graph, "multi_head_attention_forward")
    assert attention.cost is not None
    assert attention.cost.multiply_adds == 9 * 12 * 4 + 2 * 9 * 9 * 4 + 9 * 4 * 4
    assert all(isinstance(each, AxisField) for each in fields(graph)[Source(attention.number)])
    used = {each for op in graph.ops for each in op.parameters}
    assert sum(each.count for each in used) == sum(each.numel() for each in Attending().parameters())


@pytest.mark.parametrize("settings", [{}, {"batch_first": True}, {"kdim": 6, "vdim": 6}])
def test_the_cost_of_attention_to_another_sequence(settings: dict[str, Any]) -> None:
    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, **settings)

        def forward(self, query: Tensor, key: Tensor) -> Tensor:
            found: Tensor = self.attention(query, key, key)[0]
            return found

    model = Crossed().eval()
    query = torch.rand(2, 5, 8)
    key = torch.rand(2, 7, 8) if "batch_first" in settings else torch.rand(7, 5, settings.get("kdim", 8))
    graph = follow(model, (query, key), {})
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(query, key)
    assert graph.multiply_adds * 2 == counter.get_total_flops() > 0


class Cached(nn.Module):
    """Makes its positions once for each size, as many transformers do."""

    def __init__(self, positions: Callable[[int], Tensor]) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)
        self.positions = positions

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        found: Tensor = self.last(x + self.positions(x.shape[-1]))
        return found


class Positions(nn.Module):
    def forward(self, size: int) -> Tensor:
        return position(size)


@lru_cache(maxsize=4)
def position(size: int) -> Tensor:
    return torch.arange(size, dtype=torch.float32) / size


@pytest.mark.parametrize("is_filled", [False, True])
def test_what_a_cache_of_theirs_keeps_is_no_row_in_any_pass(is_filled: bool) -> None:
    position.cache_clear()
    model, image = Cached(position if is_filled else Positions()), torch.rand(1, 1, 8, 8)
    if is_filled:  # before it is looked at, as by a factory that tries it
        model(image)
    graphs = [follow(model, (image,), {}) for _ in range(3)]
    assert all(kinds(graph) == ["conv2d", "add", "conv2d"] for graph in graphs)
    found = copied(model, (image,), {}, 3)
    assert found is not None
    assert found.op == graphs[0].ops[3]


def test_a_variable_of_old_code_is_what_it_is_made_of() -> None:
    class Old(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3)
            self.index: Tensor
            self.register_buffer("index", torch.tensor([1, 0]))

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(torch.autograd.Variable(x))
            return torch.index_select(x, 1, torch.autograd.Variable(self.index))

    graph = traced(Old(), 1, 2, 6, 6)
    assert kinds(graph) == ["conv2d", "index_select"]
    assert [op.inputs for op in graph.ops[1:]] == [(Source(0),), (Source(1),)]
    assert not any(op.note for op in graph.ops)


def test_what_is_not_known_of_an_operation_and_what_is() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 3))

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            best = x.flatten(1).topk(3).values
            near = torch.cdist(best[None], best[None])
            return near.sum() + F.mse_loss(x, x * 2)

    graph = traced(Mixed(), 1, 1, 6, 6)
    assert {op.kind for op in graph.ops if op.note} == {"topk", "cdist"}
    assert [op.kind for op in graph.uncounted] == ["cdist"]
    assert op_at(graph, "weight_norm").note == ""
    loss = fields(graph)[Source(op_at(graph, "mse_loss").number)][0]
    assert isinstance(loss, AxisField)
    assert (loss.axes, loss.size) == ((), 6)


def test_a_plain_list_of_modules_has_no_path_and_says_so() -> None:
    graph = traced(Listed(), 1, 1, 9, 9)
    assert [op.path for op in graph.ops[1:]] == ["blocks.0", "blocks.1", "(Conv2d)"]
    assert graph.ops[-1].note == UNREGISTERED


def test_no_tensor_is_held_that_the_pass_lets_go_of() -> None:
    alive: list[weakref.ref[Tensor]] = []

    class Watched(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            for _ in range(6):
                x = x * 2
                alive.append(weakref.ref(x))
                gc.collect(0)
            assert sum(each() is not None for each in alive) <= 2
            return x

    assert kinds(traced(Watched(), 2, 2)) == ["mul"] * 6


def test_what_is_known_of_a_tensor_is_not_of_the_next_in_its_place() -> None:
    known: Known[int] = Known()
    for number in range(2000):
        tensor = torch.zeros(1)
        assert known.get(tensor) is None
        known[tensor] = number
        assert known[tensor] == number
    known.forget(tensor)
    assert tensor not in known
    with pytest.raises(KeyError):
        known[tensor]


def test_a_module_that_is_used_twice_counts_its_parameters_once_and_its_work_twice() -> None:
    graph = traced(Reused(), 1, 2, 6, 6)
    calls = [op for op in graph.ops if op.path == "conv"]
    assert [op.call for op in calls if op.kind == "conv2d"] == [1, 2]
    assert graph.parameters == 2 * 2 * 9 + 2 + 4
    assert graph.multiply_adds == 2 * 36 * 36 + 36 * 4
    assert kinds(graph) == ["conv2d", "relu", "conv2d", "mean", "conv2d", "sub"]


def test_several_inputs_have_names() -> None:
    class Several(nn.Module):
        def forward(self, photo: Tensor, *more: Tensor, batch: dict[str, Tensor], **rest: Tensor) -> Tensor:
            return photo + more[0] + batch["mask"] + rest["last"]

    one = torch.ones(1, 1, 2, 2)
    named = {"last": one, "batch": {"ids": one, "mask": one}}
    assert follow(Several(), (one, one.clone()), named).names == (
        *("photo", "more.0", "last", "batch.ids", "batch.mask"),
    )
    assert follow(nn.Flatten(), (one,), {}).names == ()


def test_fields_of_any_of_several_inputs_against_gradients() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 5, stride=2, padding=2)

        def forward(self, one: Tensor, other: Tensor) -> Tensor:
            joined: Tensor = F.max_pool2d(self.one(one), 2) + self.other(other)
            return joined

    model = Two()
    given = [torch.rand(1, 1, 12, 10, requires_grad=True) for _ in range(2)]
    graph = follow(model, tuple(given), {})
    output = model(*given)
    for row, column in ((0, 0), (2, 1), (5, 4)):
        grads = torch.autograd.grad(output[0, 0, row, column], given, retain_graph=True)
        for number, grad in enumerate(grads):
            seen = fields(graph, Source(0, number))[graph.outputs[0]]
            spans = [each.span((0, 0, row, column)) for each in seen if isinstance(each, AxisField)]
            reached = fed(graph, (0, 0, row, column), number)
            assert spans == [
                (int(along[0]), int(along[-1]))
                for along in map(np.flatnonzero, (reached.any(1), reached.any(0)))
            ]
            assert not (grad[0, 0] != 0)[~torch.from_numpy(reached)].any()
            if number:  # of a maximum only the winner has a gradient
                np.testing.assert_array_equal(reached, grad[0, 0] != 0)


def fed(graph: Graph, cell: tuple[int, ...], number: int) -> np.ndarray:
    found = feeding(graph, graph.outputs[0], cell)[Source(0, number)]
    assert found
    return found.is_fed(-2, -1)


def test_inputs_by_name_and_outputs_in_a_dict() -> None:
    inputs = {"image": torch.rand(1, 1, 6, 6), "words": torch.tensor([[1, 2, 3]])}
    graph = follow(Named().eval(), (), inputs)
    assert graph.failure is None
    assert [each.dtype for each in graph.ops[0].outputs] == ["float32", "int64"]
    assert op_at(graph, "embedding").inputs == (Source(0, 1),)
    assert [graph.tensor(each).shape for each in graph.outputs] == [(1, 2, 4, 4), (1, 2), (1, 4, 4)]
    assert op_at(graph, "embedding").cost is not None
    rows = fields(graph)[Source(op_at(graph, "embedding").number)]
    assert rows == (None, None)  # of no image


def test_a_part_that_is_changed_makes_the_whole_unknown() -> None:
    graph = traced(Halved(), 1, 1, 6, 6)
    changed = op_at(graph, "relu")
    assert len(changed.outputs) == 2
    assert op_at(graph, "add").inputs == (Source(changed.number, 1),)
    assert all(isinstance(each, NotKnown) for each in fields(graph)[graph.outputs[0]])


def test_numbers_that_leave_for_numpy_are_told() -> None:
    graph = traced(Hidden(), 1, 1, 9, 9)
    assert kinds(graph) == ["sub", "conv2d", "not followed", "conv2d"]
    assert op_at(graph, "not followed").note == THROUGH
    assert all(isinstance(each, NotKnown) for each in fields(graph)[graph.outputs[0]])


def test_an_operation_of_theirs_is_a_row_or_what_is_in_it() -> None:
    class Theirs(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = Own.apply(x + 1) * 3  # type: ignore[no-untyped-call]
            return out

    graph = traced(Theirs(), 1, 1, 4, 4)
    assert kinds(graph)[0] == "add"
    assert kinds(graph)[-1] == "mul"
    assert all(isinstance(each, NotKnown) for each in fields(graph)[graph.outputs[0]])


def test_hooks_of_theirs_run_as_ever() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    seen: list[tuple[int, ...]] = []

    def after(_: nn.Module, __: object, output: Tensor) -> Tensor:
        seen.append(tuple(output.shape))
        return output * 2

    model[0].register_forward_hook(after)
    model[1].register_forward_pre_hook(lambda _, given: (given[0] + 1,))
    assert kinds(traced(model, 1, 1, 5, 5)) == ["conv2d", "mul", "add", "relu"]
    assert seen == [(1, 1, 3, 3)]


def test_half_precision_is_told() -> None:
    graph = follow(nn.Conv2d(1, 1, 3).to(torch.bfloat16), (torch.rand(1, 1, 5, 5, dtype=torch.bfloat16),), {})
    assert graph.ops[1].output.dtype == "bfloat16"
    assert graph.ops[1].memory == 9 * 2


def test_looking_changes_nothing() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)).train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    image = torch.rand(2, 1, 5, 5)
    random = torch.get_rng_state()
    graph = follow(model, (image,), {})
    assert graph.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert model.training


def test_what_is_changed_in_place_in_inference_mode() -> None:
    class Inferring(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with torch.inference_mode():
                x = x * 2
                return x.relu_().contiguous() + 1

    graph = traced(Inferring(), 1, 4)
    assert kinds(graph) == ["mul", "relu", "add"]
    assert [op.inputs[0].op for op in graph.ops[1:]] == [0, 1, 2]


def test_what_is_computed_into_a_tensor_is_followed() -> None:
    class Into(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            torch.add(x, 1, out=y)
            return y.relu()

    graph = traced(Into(), 1, 4)
    assert kinds(graph) == ["mul", "add", "relu"]
    assert [op.inputs for op in graph.ops[2:]] == [(Source(0),), (Source(2),)]


def test_the_line_is_theirs_however_deep_the_call_is() -> None:
    op = op_at(traced(nn.Sequential(nn.Sequential(nn.ReLU())), 1, 4), "relu")
    assert op.line.split(":")[0].endswith("test_tracer.py")
    assert op.path == "0.0"


def test_an_exception_that_they_catch_is_no_failure() -> None:
    class Careful(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            try:
                x = x + torch.zeros(3)
            except RuntimeError:
                x = x + 1
            return x

    assert kinds(traced(Careful(), 1, 4)) == ["add"]


def test_parameters_that_no_operation_used_are_told() -> None:
    model = nn.Linear(2, 2)
    model.extra = nn.Linear(3, 1)
    assert [each.name for each in traced(model, 1, 2).unused] == ["extra.weight", "extra.bias"]


def test_a_failure_keeps_the_rows_before_it() -> None:
    graph = follow(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(3, 1, 3)), (torch.rand(1, 1, 8, 8),), {})
    assert kinds(graph) == ["conv2d"]
    assert graph.failure is not None
    assert (graph.failure.kind, graph.failure.path) == ("conv2d", "1")
    assert graph.failure.arguments[0].source == Source(1)
    assert graph.failure.arguments[1].name == "parameter 1.weight"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.add, "add"),
        (Tensor.add_, "add"),
        (Tensor.__rsub__, "rsub"),
        (Tensor.__setitem__, "setitem"),
        (F.relu, "relu"),
        (F.conv2d, "conv2d"),
        (torch.conv2d, "conv2d"),
        (Tensor.T.__get__, "T"),  # type: ignore[attr-defined]
        (Tensor.__iadd__, "add"),
        (Tensor.__matmul__, "matmul"),
    ],
)
def test_names(function: object, name: str) -> None:
    assert function_name(function) == name  # type: ignore[arg-type]


def test_lazy_modules_have_parameters_once_they_have_run() -> None:
    graph = traced(
        nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3)), 1, 1, 5, 5
    )
    assert graph.parameters == 20 + 4 + 18 * 3 + 3
    assert [op.note for op in graph.ops if op.note] == []
    assert graph.unused == ()


class Large(nn.Module):
    """Wants more memory than any machine has, for an output or for what it makes itself."""

    def __init__(self, makes: bool) -> None:
        super().__init__()
        self.makes = makes
        self.up = nn.Upsample(scale_factor=2**22)

    def forward(self, x: Tensor) -> Tensor:
        if self.makes:
            return x + torch.zeros(10**7, 10**7)
        done: Tensor = self.up(x)
        return done


@pytest.mark.parametrize(
    ("makes", "title", "asked", "why", "fixes"),
    [
        (
            False,
            "interpolate up failed",
            "844 TB",
            "its output 1x3x16777216x4194304 takes 844 TB: "
            "1*3*16777216*4194304 = 211,106,232,532,992 numbers of float32",
            ("an input of fewer rows and columns, or a smaller batch",),
        ),
        (
            True,
            "zeros (Large) failed",
            "400 TB",
            "its output 10000000x10000000 takes 400 TB: "
            "10000000*10000000 = 100,000,000,000,000 numbers of float32",
            (),
        ),
    ],
)
def test_memory_that_there_is_not_is_told_in_bytes_and_shapes(
    makes: bool, title: str, asked: str, why: str, fixes: tuple[str, ...]
) -> None:
    graph = follow(Large(makes), (torch.zeros(1, 3, 4, 1),), {})
    found = post_mortem(graph)
    assert found is not None
    assert found.title.startswith(title)
    assert found.error == f"not enough memory: {asked} were asked for at once"
    assert found.why == (why,)
    assert found.fixes == fixes
    assert "sizes" not in "".join(Trace(graph, Sizes(((4, 1),), ((4, 1),))).failure_lines())


def test_memory_of_numpy_that_there_is_not() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.from_numpy(np.zeros((10**7, 10**7)))

    failure = follow(Net(), (torch.zeros(1),), {}).failure
    assert failure is not None
    assert failure.error.startswith("not enough memory: Unable to allocate 728. TiB for an array with shape")


def test_an_exit_is_a_failure_but_ctrl_c_is_not_caught() -> None:
    class Net(nn.Module):
        def __init__(self, error: BaseException) -> None:
            super().__init__()
            self.error = error

        def forward(self, _: Tensor) -> Tensor:
            raise self.error

    failure = follow(Net(SystemExit("no")), (torch.zeros(1),), {}).failure
    assert failure is not None
    assert failure.error == "it ended the process with sys.exit('no')"
    assert copied(Net(SystemExit(1)), (torch.zeros(1),), {}, 1) is None
    with pytest.raises(KeyboardInterrupt):
        follow(Net(KeyboardInterrupt()), (torch.zeros(1),), {})


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((1, 224), "an input of 3 axes: --input 3x224x224"),
        ((1, 1, 3, 8, 9), "an input without the batch: --input 3x8x9"),
        ((1, 2, 3, 8, 9), "an input without the batch: --input 3x8x9 --batch 2"),
    ],
)
def test_an_input_of_too_few_or_too_many_axes(shape: tuple[int, ...], fix: str) -> None:
    found = post_mortem(follow(nn.Conv2d(3, 4, 3), (torch.zeros(shape),), {}))
    assert found is not None
    assert found.fixes == (fix,)
