"""A graph as JSON and back, so that it can travel from the tracing process, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, get_args

from convtui.engine.graph import reads
from convtui.engine.graph.operation import (
    Argument,
    Cost,
    DeadFilters,
    Failure,
    Graph,
    Op,
    Parameter,
    Setting,
    Source,
    Tensor,
)

_READS: Final = {kind.__name__: kind for kind in get_args(reads.Read)}


def op_to_json(op: Op) -> dict[str, Any]:
    """What json.dumps takes."""
    values = op._asdict()  # tensors and sources are lists by themselves
    values["reads"] = [[[_read_to(read) for read in each] for each in output] for output in op.reads]
    values["parameters"] = [_parameter_to(each) for each in op.parameters]
    values["cost"] = None if op.cost is None else op.cost.terms
    if op.dead is None:  # as most are
        del values["dead"]
    else:
        values["dead"] = [op.dead.channels, op.dead.of, op.dead.largest]
    return values


def op_from_json(values: Mapping[str, Any]) -> Op:
    """The same operation. Raises KeyError, TypeError or ValueError for what is none."""
    rest = dict(values)
    cost, dead = rest.pop("cost"), rest.pop("dead", None)
    return Op(
        outputs=tuple([_tensor_from(each) for each in rest.pop("outputs")]),
        inputs=tuple([Source(*each) for each in rest.pop("inputs")]),
        reads=tuple(
            [
                tuple([tuple([_read_from(read) for read in each]) for each in output])
                for output in rest.pop("reads")
            ]
        ),
        parameters=tuple([_parameter_from(each) for each in rest.pop("parameters")]),
        cost=None if cost is None else Cost(tuple(map(tuple, cost))),
        settings=_settings(rest.pop("settings")),
        dead=None if dead is None else DeadFilters(tuple(dead[0]), dead[1], tuple(dead[2])),
        **rest,
    )


def rest_to_json(graph: Graph) -> dict[str, Any]:
    """All of a graph but its operations."""
    failure = graph.failure
    return {
        "name": graph.name,
        "outputs": [[each.op, each.output] for each in graph.outputs],
        "failure": None if failure is None else _failure_to(failure),
        "unused": [_parameter_to(each) for each in graph.unused],
        "training": graph.training,
        "traits": graph.traits,
        "input_name": graph.input_name,
        "returned": graph.returned,
        **({"names": graph.names} if graph.names else {}),
    }


def graph_from_json(ops: tuple[Op, ...], values: Mapping[str, Any]) -> Graph:
    """The graph of these operations."""
    failure = values["failure"]
    return Graph(
        ops=ops,
        name=values["name"],
        outputs=tuple(Source(*each) for each in values["outputs"]),
        failure=None if failure is None else _failure_from(failure),
        unused=tuple(_parameter_from(each) for each in values["unused"]),
        training=values["training"],
        traits=tuple(values["traits"]),
        **{name: values[name] for name in ("input_name", "returned") if name in values},
        names=tuple(values.get("names", ())),
    )


def _failure_to(failure: Failure) -> dict[str, Any]:
    arguments = [
        [
            each.role,
            _tensor_to(each.tensor),
            None if each.source is None else [each.source.op, each.source.output],
            each.name,
        ]
        for each in failure.arguments
    ]
    return {**vars(failure), "arguments": arguments}


def _failure_from(values: Mapping[str, Any]) -> Failure:
    rest = dict(values)
    arguments = tuple(
        Argument(role, _tensor_from(tensor), None if source is None else Source(*source), name)
        for role, tensor, source, name in rest.pop("arguments")
    )
    settings, frames = _settings(rest.pop("settings")), tuple(rest.pop("frames"))
    return Failure(arguments=arguments, settings=settings, frames=frames, **rest)


def _settings(values: Mapping[str, Any]) -> dict[str, Setting]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _tensor_to(tensor: Tensor) -> list[Any]:
    return [list(tensor.shape), tensor.dtype]


def _tensor_from(values: list[Any]) -> Tensor:
    return Tensor(tuple(values[0]), values[1])


def _parameter_to(parameter: Parameter) -> list[Any]:
    return [parameter.name, list(parameter.shape)]


def _parameter_from(values: list[Any]) -> Parameter:
    return Parameter(values[0], tuple(values[1]))


def _read_to(read: reads.Read) -> list[Any]:
    return [type(read).__name__, *vars(read).values()]


def _read_from(values: list[Any]) -> reads.Read:
    return _read(*[tuple(each) if isinstance(each, list) else each for each in values])


@lru_cache(maxsize=1024)
def _read(name: str, *given: Any) -> reads.Read:
    """The same one each time: networks repeat what they read."""
    kind: Any = _READS[name]
    read: reads.Read = kind(*given)
    return read
