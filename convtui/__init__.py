"""The public Python API, loaded only when asked for so that `import convtui` is instant."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convtui.engine.convolution import Convolution, Step
    from convtui.engine.kernels import kernel
    from convtui.engine.spec import ConvSpec, SpecError
    from convtui.engine.stack import receptive_field

__all__ = ["ConvSpec", "Convolution", "SpecError", "Step", "kernel", "receptive_field"]

_HOMES = {
    "ConvSpec": "convtui.engine.spec",
    "Convolution": "convtui.engine.convolution",
    "SpecError": "convtui.engine.spec",
    "Step": "convtui.engine.convolution",
    "kernel": "convtui.engine.kernels",
    "receptive_field": "convtui.engine.stack",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convtui' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
