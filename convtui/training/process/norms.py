"""What goes into the batch norms of a network of the user's, mini-batch by mini-batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convtui.training.datasets.minibatches import normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.norm_looks import FeedNorm, NormFed, NormPlace, NormsListed, Running
from convtui.training.process.network import CONVOLUTIONS
from convtui.training.process.restored import Restored, at_once
from convtui.training.process.trial import TRIED

MOST_IMAGES: Final = 1024
MOST_VALUES: Final = 2**27  # of all tensors that a pass makes: 512 MB


class _ReachedError(BaseException):
    """The place is reached: the pass need not go on. No code of theirs takes it for an error."""


class NormPasses:
    """Passes of training images through a run's network up to one of its batch norms.

    Those count that are in training mode when the network is, and keep running statistics; without any, the
    convolutions. Raises ValueError where there are neither.
    """

    def __init__(self, subject: Restored, data: DataSet) -> None:
        self._subject, self._data = subject, data
        self._first = self._images(range(min(TRIED, len(data.train_images))))
        self._most = at_once(subject, self._first, MOST_IMAGES, 10**12, MOST_VALUES)
        norms, convolutions = self._seen()
        found = norms or convolutions
        if not found:
            name = subject.network.name if subject.network else "it"
            raise ValueError(f"{name}: has neither a batch norm that its runs train nor a convolution")
        self._modules = [module for module, _ in found]
        self.places = tuple(place for _, place in found)

    def listed(self) -> NormsListed:
        """What there is to look at."""
        return NormsListed(self.places, self._most, self._subject.notice)

    def fed(self, job: FeedNorm) -> NormFed:
        """What goes into the place of a job, in a file. Raises ValueError for a place that there is not.

        Raises OSError for a file that cannot be written.
        """
        if not 0 <= job.place < len(self.places):
            raise ValueError(f"place {job.place}: must be from 0 to {len(self.places) - 1}")
        images = self._images(job.images)
        before = [module for module in self._modules[: job.place] if isinstance(module, _BatchNorm)]
        with self._subject.unchanged(), self._in_training():
            values, statistics = self._through(images, job.place, before)
        arrays = {
            "training": values,
            "means": np.concatenate([mean for mean, _ in statistics] or [np.zeros(0)]),
            "variances": np.concatenate([var for _, var in statistics] or [np.zeros(0)]),
        }
        if job.in_both:
            with self._subject.unchanged():
                _set_running(before, job.running)
                arrays["evaluation"], _ = self._through(images, job.place, ())
        handle, file = mkstemp(".npz", "norm-", job.folder)
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, **arrays)  # type: ignore[arg-type]
        except BaseException:
            Path(file).unlink(missing_ok=True)
            raise
        return NormFed(file)

    def _images(self, chosen: Sequence[int]) -> Tensor:
        return self._subject.to_tensor(normalised(self._data.train_images[np.array(chosen)], self._data))

    @contextmanager
    def _in_training(self) -> Iterator[None]:
        model = self._subject.model
        with self._subject.theirs("cannot be put into training mode"):
            model.train()
        try:
            yield
        finally:
            with self._subject.theirs("cannot be put into evaluation mode"):
                model.eval()

    def _through(
        self, images: Tensor, place: int, before: Sequence[nn.Module]
    ) -> tuple[NDArray[np.float32], list[tuple[NDArray[np.float64], NDArray[np.float64]]]]:
        """What goes into the place, and mean and biased variance of what goes into those before it."""
        found: list[NDArray[np.float32]] = []
        statistics: dict[nn.Module, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

        def reach(values: Tensor) -> None:
            found.append(_laid_out(values.detach().cpu().float().numpy().copy()))
            raise _ReachedError

        def measure(module: nn.Module) -> Callable[..., None]:
            def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
                if module not in statistics:
                    values = given[0].detach().cpu().double().transpose(0, 1).flatten(1)
                    statistics[module] = values.mean(1).numpy(), values.var(1, correction=0).numpy()

            return hook

        wanted = self._modules[place]
        if self.places[place].is_norm:
            handles = [wanted.register_forward_pre_hook(lambda _, given: reach(given[0]))]
        else:
            handles = [wanted.register_forward_hook(lambda _, __, output: reach(output))]
        handles += [each.register_forward_pre_hook(measure(each)) for each in before]
        try:
            way = self._subject.theirs("failed on its way to a norm")
            with torch.no_grad(), way, suppress(_ReachedError):
                self._subject.model(images)
        finally:
            for handle in handles:
                handle.remove()
        if not found or len(statistics) < len(before):
            raise ValueError(f"{self.places[place].path}: not every pass goes through it")
        return found[0], [statistics[each] for each in before]

    def _seen(self) -> tuple[list[tuple[nn.Module, NormPlace]], list[tuple[nn.Module, NormPlace]]]:
        """The batch norms, and the convolutions, that a pass in training mode calls."""
        calls: dict[nn.Module, int] = {}
        shapes: dict[nn.Module, tuple[int, ...]] = {}

        def note(module: nn.Module, values: Any) -> None:
            calls[module] = calls.get(module, 0) + 1
            if isinstance(values, Tensor):
                shapes.setdefault(module, _shape(tuple(values.shape[1:])))

        handles: list[Any] = []
        paths = {module: path for path, module in self._subject.model.named_modules()}
        for module in paths:
            if isinstance(module, _BatchNorm):
                handles.append(module.register_forward_pre_hook(lambda each, given: note(each, given[0])))
            elif isinstance(module, CONVOLUTIONS):
                handles.append(module.register_forward_hook(lambda each, _, output: note(each, output)))
        trained: set[nn.Module] = set()
        try:
            with self._subject.unchanged(), self._in_training():
                trained = {each for each in paths if each.training}
                with torch.no_grad(), self._subject.theirs("failed in training mode"):
                    self._subject.model(self._first.clone())
        finally:
            for handle in handles:
                handle.remove()
        norms: list[tuple[nn.Module, NormPlace]] = []
        convolutions: list[tuple[nn.Module, NormPlace]] = []
        for module, shape in shapes.items():
            place = NormPlace(paths[module], type(module).__name__, shape, calls=calls[module])
            if not isinstance(module, _BatchNorm):
                place = NormPlace(place.path, place.title, shape, False, calls=place.calls)
                convolutions.append((module, place))
            elif module in trained and module.running_mean is not None:
                momentum = None if module.momentum is None else float(module.momentum)
                place = NormPlace(place.path, place.title, shape, True, module.eps, momentum, place.calls)
                norms.append((module, place))
        return norms, convolutions


def _set_running(modules: Sequence[nn.Module], running: Sequence[Running]) -> None:
    if not running:
        return
    with torch.no_grad():
        for module, given in zip(modules, running, strict=True):
            assert isinstance(module, _BatchNorm)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.copy_(torch.tensor(given.mean))
            module.running_var.copy_(torch.tensor(given.var))


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """[features], or [channels, rows, columns] with all axes between as rows."""
    if len(shape) < 2:
        return shape
    channels, *places = shape
    rows = int(np.prod(places[:-1])) if places[:-1] else 1
    return channels, rows, places[-1]


def _laid_out(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.reshape(len(values), *_shape(values.shape[1:]))
