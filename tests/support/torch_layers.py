"""The parts of PyTorch's layers, whose types say only that a module may have some."""

from torch import Tensor, nn


def running(module: nn.Module) -> tuple[Tensor, Tensor]:
    """The running mean and variance of a batch norm."""
    assert isinstance(module, nn.BatchNorm2d)
    mean, variance = module.running_mean, module.running_var
    assert mean is not None
    assert variance is not None
    return mean, variance


def weight(module: nn.Module) -> Tensor:
    """The weights of a convolution."""
    assert isinstance(module, nn.Conv2d)
    return module.weight.detach()
