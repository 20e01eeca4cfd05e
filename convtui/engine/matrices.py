"""The matrix of whichever operation is stepped through."""

from typing import TypeAlias

from convtui.engine.convolution import Convolution
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.pooling import Pooling
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering

Multiplied: TypeAlias = Convolution | Pooling | TransposedConvolution


def multiplied(operation: Multiplied | Gathering | Scattering) -> Multiplied:
    """The operation whose image the matrix multiplies, whichever way it is stepped through."""
    return operation.transposed if isinstance(operation, Gathering | Scattering) else operation


def matrix_of(operation: Multiplied | Gathering | Scattering) -> OperationMatrix:
    """The matrix M with M @ flattened image + bias = flattened output."""
    operation = multiplied(operation)
    return operation.matrix if isinstance(operation, Pooling) else operation.weight_matrix
