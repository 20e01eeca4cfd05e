"""The tracing process: takes one job, runs the user's code for it, tells what comes of it, and ends.

One whose job names a folder stays, and writes the tensors there that it is asked for.
It ends when its parent does, as the training process does. Events have a descriptor of their own; whatever
the user's code prints goes to standard error.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NoReturn

from convtui.engine.words import counted
from convtui.tracing.protocol import (
    Done,
    Event,
    Fetch,
    Finished,
    Forked,
    Job,
    Loaded,
    Ready,
    Refused,
    Settled,
    Sizes,
    Tensors,
    Traced,
    decode_asked,
    decode_job,
    encode,
)

if TYPE_CHECKING:
    import torch

    from convtui.engine.graph.operation import Graph

MOST_BYTES: Final = 2**28  # of a tensor that is fetched
EVEN_SO: Final = "the file holds the network in {} mode, in which it stays"
IMAGE_UNUSED: Final = "{} takes no argument: it makes all inputs, and the image is not used"
NO_TORCH: Final = "tracing needs PyTorch: pip install torch"


class Outbox:
    """The way to the parent. A process that their code has forked off has none."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=lambda: self.send(Forked()), after_in_child=self._close)

    def send(self, event: Event) -> None:
        """Write it at once, whole; lost if nobody reads."""
        data = memoryview(encode(event))
        with suppress(OSError):
            while data and self.descriptor >= 0:
                data = data[os.write(self.descriptor, data) :]

    def _close(self) -> None:
        with suppress(OSError):
            os.close(self.descriptor)
        self.descriptor = -1


def main() -> NoReturn:
    """Do the job that comes in, then what is asked for. The end of standard input ends it at any time."""
    sys.stdout.flush()
    outbox = Outbox(os.dup(1))
    faulthandler.enable(outbox.descriptor, all_threads=False)  # a crash tells where it was
    os.dup2(2, 1)
    job_in = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # their code reads nothing of ours
    process = os.getpid()
    try:
        _import_all()
        missing = ""
    except ImportError as error:
        missing = NO_TORCH if error.name == "torch" else f"{NO_TORCH} ({error})"
    outbox.send(Ready())
    lines: SimpleQueue[bytes] = SimpleQueue()
    written: set[str] = set()
    threading.Thread(target=_read, args=(job_in, lines, written), daemon=True).start()
    job = decode_job(lines.get())
    try:
        if missing:
            outbox.send(Refused(missing))
        else:
            _work(job, outbox, lines, written)
    except BaseException as error:  # a mistake of ours, which must not end without a word
        words = str(error).partition("\n")[0]
        outbox.send(Refused(f"{job.target}: cannot be traced ({type(error).__name__}: {words})"))
    finally:
        if os.getpid() == process:
            outbox.send(Finished())
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def _import_all() -> None:
    """What a job needs, so that it need not wait for it: modules, and PyTorch's names of its functions."""
    import torch

    import convtui.engine.graph.postmortem
    import convtui.tracing.process.exported
    import convtui.tracing.process.loading
    import convtui.tracing.process.sizes
    import convtui.tracing.process.weights  # noqa: F401
    from convtui.tracing.process.tracer import function_name

    function_name(torch.relu)


def _work(job: Job, outbox: Outbox, lines: SimpleQueue[bytes], written: set[str]) -> None:
    import torch

    from convtui.engine.graph.postmortem import post_mortem
    from convtui.inputs.names import printable
    from convtui.tracing.encoding import rest_to_json
    from convtui.tracing.process.loading import is_called, load_model
    from convtui.tracing.process.problems import LoadError
    from convtui.tracing.process.tracer import follow
    from convtui.tracing.process.weights import load_weights

    torch.manual_seed(0)
    try:
        model = load_model(job.target, job.arguments)
        makes = is_called(job.target)
        model.train(job.training)
        notices = load_weights(model, job.weights) if job.weights else ()
        if model.training != job.training:
            notices = (*notices, EVEN_SO.format("training" if model.training else "evaluation"))
        while True:
            args, kwargs, image, takes_image = _inputs(job, model)
            unused = () if takes_image else (IMAGE_UNUSED.format(printable(job.inputs)),)
            outbox.send(Loaded((*notices, *unused), image, takes_image, makes))
            graph = follow(
                *(model, args, kwargs, job.target, lambda op: outbox.send(Done(op))),
                input_name=_input_name(job),
                caught=(BaseException,),
            )
            outbox.send(Traced(rest_to_json(graph)))
            found = post_mortem(graph)
            is_wanted = found.size_helps if found else job.sizes
            if is_wanted and len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor):
                outbox.send(_searched(model, args[0]))
            if not job.folder:
                return
            if job.image:
                written.add(job.image)  # which was written for this process alone
            outbox.send(Settled())
            while isinstance(asked := decode_asked(lines.get()), Fetch):
                outbox.send(_fetched(asked, model, args, kwargs, graph, job.folder, written))
                outbox.send(Settled())
            job = replace(job, image=asked.image)
    except LoadError as error:
        outbox.send(Refused(str(error), error.details))


def _input_name(job: Job) -> str:
    """What the model is run on, in words."""
    if job.image and not job.inputs:
        return "this image"
    return "these random numbers" if job.shape and not job.inputs else "this input"


def _inputs(job: Job, model: torch.nn.Module) -> tuple[tuple[Any, ...], dict[str, Any], int | None, bool]:
    """What the model gets: theirs, the image, or random numbers; which is the image; whether that is used.

    Raises LoadError for what it cannot take.
    """
    from convtui.inputs.names import printable
    from convtui.tracing.process.exported import Exported
    from convtui.tracing.process.loading import load_inputs
    from convtui.tracing.process.problems import LoadError
    from convtui.tracing.process.tracer import which

    kwargs: dict[str, Any] = {}
    image = _image(job, model)
    at, takes_image = 0 if image is not None else None, True
    if job.inputs:
        args, kwargs, is_taken = load_inputs(job.inputs, image)
        at = which(image, (*args, *kwargs.values())) if image is not None else None
        takes_image = is_taken or image is None
    elif image is not None:
        args = (image,)
    else:
        assert isinstance(model, Exported)
        args, kwargs = model.inputs_like_sample()
    if isinstance(model, Exported) and (why := model.refusal(args, kwargs)):
        hint = model.hint(is_photo=bool(job.image)) if not job.inputs else ""
        raise LoadError(f"{printable(job.target)}: {why}{hint}")
    return args, kwargs, at, takes_image


def _image(job: Job, model: torch.nn.Module) -> torch.Tensor | None:
    """The image of a job, or random numbers of its shape, in the model's type; None if it names neither."""
    import torch

    from convtui.engine.graph.operation import shape_text
    from convtui.tracing.process.problems import LoadError

    if job.image:
        return _normalised(job).to(_dtype(model))
    if not job.shape:
        return None
    try:
        image = torch.randn(job.batch, *job.shape, generator=torch.Generator().manual_seed(0))
        return image.to(_dtype(model))
    except (RuntimeError, MemoryError):
        shape = shape_text(job.shape) + (f" --batch {job.batch}" if job.batch > 1 else "")
        raise LoadError(f"--input {shape}: so many random numbers do not fit into memory") from None


def _searched(model: torch.nn.Module, image: torch.Tensor) -> Sizes:
    from convtui.tracing.process.exported import Exported
    from convtui.tracing.process.sizes import search
    from convtui.tracing.process.their_code import silent

    if isinstance(model, Exported) and not model.varies:
        return Sizes(why="it was exported for one size, without dynamic_shapes")
    try:
        with silent():  # each size would print again
            return search(model, image)
    except BaseException as error:  # theirs, as KeyboardInterrupt
        return Sizes(why=f"a pass of another size ended with {type(error).__name__}")


def _normalised(job: Job) -> torch.Tensor:
    """The image of a job as a batch of one, to the bit as torchvision's ToTensor and Normalize make it.

    They work in float32. Raises LoadError for numbers that do not fit it.
    """
    import numpy as np
    import torch

    from convtui.tracing.process.problems import LoadError

    image = torch.from_numpy(np.load(job.image)).to(torch.float32)
    for name, numbers in (("mean", job.mean), ("std", job.std)):
        if len(numbers) not in (0, 1, len(image)):
            reason = f"{counted(len(numbers), 'number')} for an image of {counted(len(image), 'channel')}"
            raise LoadError(f"--{name}: {reason}; one number, or one for each")
    mean, std = (
        torch.tensor(numbers or (default,), dtype=torch.float32)[:, None, None]
        for numbers, default in ((job.mean, 0.0), (job.std, 1.0))
    )
    return ((image - mean) / std)[None]


def _fetched(
    asked: Fetch,
    model: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    graph: Graph,
    folder: str,
    written: set[str],
) -> Tensors:
    """The tensors of an operation as files, from one more pass through the model."""
    from convtui.tracing.process.their_code import silent
    from convtui.tracing.process.tracer import copied

    def refused(why: str) -> Tensors:
        return Tensors(asked.op, asked.inputs, asked.output, why=why)

    with silent():
        found = copied(model, args, kwargs, asked.op, (BaseException,))
    traced = graph.ops[asked.op]
    if found is None or any(
        getattr(found.op, name) != getattr(traced, name) for name in ("kind", "path", "inputs", "outputs")
    ):
        return refused("your network did something else when it ran again")
    named = {"output": found.gave[asked.output], **(found.given if asked.inputs else {})}
    files: dict[str, str] = {}
    for role, tensor in named.items():
        is_whole = role in ("weight", "bias")
        path = str(Path(folder) / f"{asked.op}-{role}.npy")
        if (why := _write(tensor, path, is_whole)) and role in ("input", "output", "weight", "bias"):
            return refused(f"the {role} {why}")
        if not why:
            written.add(path)
            files[role] = path
    return Tensors(asked.op, asked.inputs, asked.output, files)


def _write(tensor: torch.Tensor, path: str, is_whole: bool) -> str:
    """Write a tensor, without the axis of the batch unless it is whole; why not, else ""."""
    import numpy as np
    import torch

    from convtui.tracing.protocol import without_batch

    try:
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        if plain.is_complex():
            return "has complex numbers, which are not drawn"
        if plain.is_sparse or plain.is_quantized:
            return "is no plain tensor, so that it is not drawn"
        shape = tuple(plain.shape) if is_whole else without_batch(tuple(plain.shape))
        if plain.numel() * 4 > MOST_BYTES:
            return f"has {plain.numel():,} numbers, which are too many to draw"
        wide = torch.float64 if plain.dtype in (torch.float64, torch.int64) else torch.float32
        np.save(path, plain.to(wide).reshape(shape).numpy())
    except (OSError, RuntimeError, NotImplementedError) as error:
        return f"cannot be had: {str(error).splitlines()[0]}"
    return ""


def _dtype(model: torch.nn.Module) -> torch.dtype:
    """The type of the model's own numbers, which its images are to have."""
    import torch

    floating = [each.dtype for each in model.parameters() if each.is_floating_point()]
    return floating[0] if floating else torch.float32


def _read(descriptor: int, lines: SimpleQueue[bytes], written: set[str]) -> None:
    """Hand on each line; when there are no more, the parent is gone: delete what was written, and end."""
    with suppress(OSError), os.fdopen(descriptor, "rb") as reader:
        for line in reader:
            if line.endswith(b"\n"):
                lines.put(line)
    for path in written:
        with suppress(OSError):
            Path(path).unlink()
    for folder in {Path(path).parent for path in written}:
        with suppress(OSError):
            folder.rmdir()
    os._exit(0)
