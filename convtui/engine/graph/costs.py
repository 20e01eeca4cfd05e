"""Multiply-adds of operations, as factors: positions times weights, as they are counted by hand.

Biases, norms, poolings and activations count nothing, as in the tables of papers. A number that is not known
is None, never 0.
"""

from collections.abc import Iterable
from math import prod

from convtui.engine.graph.operation import Cost, Shape


def convolution(weight: Shape, output: Shape) -> Cost:
    """Output positions times weights [out, in/groups, ...]; for each image of the batch."""
    return _cost(*_batch(output, weight), *output[-(len(weight) - 2) :], prod(weight))


def transposed_convolution(weight: Shape, image: Shape) -> Cost:
    """Input positions, each of which lays the whole kernel down, times weights [in, out/groups, ...]."""
    return _cost(*_batch(image, weight), *image[-(len(weight) - 2) :], prod(weight))


def linear(weight: Shape, output: Shape) -> Cost:
    """Rows of features times weights [out, in]."""
    return _cost(*(n for n in output[:-1] if n > 1), *weight)


def recurrent(steps: Shape, weights: Iterable[Shape]) -> Cost:
    """Steps, of (length, batch), times every weight matrix [out, in]; biases are no matrices."""
    positions = tuple(n for n in steps if n > 1)
    return Cost(tuple((*positions, *weight) for weight in weights if len(weight) == 2))


def matrix_product(one: Shape, output: Shape) -> Cost:
    """Each number of the output is a sum over the last axis of the first factor."""
    return _cost(*(n for n in output if n > 1), one[-1])


def attention(query: Shape, key: Shape, value: Shape) -> Cost:
    """Queries by keys, and the weights that come of it by values: [..., length, width] each."""
    *batch, length, width = query
    positions = tuple(n for n in (*batch, length, key[-2]) if n > 1)
    return Cost(((*positions, width), (*positions, value[-1])))


def _batch(shape: Shape, weight: Shape) -> Shape:
    return shape[:1] if len(shape) == len(weight) and shape[0] > 1 else ()


def _cost(*factors: int) -> Cost:
    return Cost((factors,))
