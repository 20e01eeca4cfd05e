"""The public Python API, loaded only when asked for so that `import convtui` is instant."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convtui.engine.convolution import Convolution, Step
    from convtui.engine.kernels import kernel
    from convtui.engine.pooling import (
        Pooling,
        adaptive_avg_pool2d,
        adaptive_max_pool2d,
        avg_pool2d,
        max_pool2d,
    )
    from convtui.engine.spec import ConvSpec, SpecError
    from convtui.engine.stack import receptive_field
    from convtui.engine.transposed import TransposedConvolution
    from convtui.tracing.in_python import trace

__all__ = [
    "ConvSpec",
    "Convolution",
    "Pooling",
    "SpecError",
    "Step",
    "TransposedConvolution",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "kernel",
    "max_pool2d",
    "receptive_field",
    "trace",
]

_HOMES = {
    "ConvSpec": "convtui.engine.spec",
    "Convolution": "convtui.engine.convolution",
    "Pooling": "convtui.engine.pooling",
    "SpecError": "convtui.engine.spec",
    "Step": "convtui.engine.convolution",
    "TransposedConvolution": "convtui.engine.transposed",
    "adaptive_avg_pool2d": "convtui.engine.pooling",
    "adaptive_max_pool2d": "convtui.engine.pooling",
    "avg_pool2d": "convtui.engine.pooling",
    "kernel": "convtui.engine.kernels",
    "max_pool2d": "convtui.engine.pooling",
    "receptive_field": "convtui.engine.stack",
    "trace": "convtui.tracing.in_python",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convtui' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
