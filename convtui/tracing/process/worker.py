"""The tracing process: takes one job, runs the user's code for it, tells what comes of it, and ends.

It ends when its parent does, as the training process does. Events have a descriptor of their own; whatever
the user's code prints goes to standard error.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from convtui.tracing.protocol import (
    Done,
    Event,
    Finished,
    Forked,
    Job,
    Loaded,
    Ready,
    Refused,
    Traced,
    decode_job,
    encode,
)

if TYPE_CHECKING:
    import torch

NO_TORCH: Final = "tracing needs PyTorch: pip install torch"


class Outbox:
    """The way to the parent. A process that their code has forked off has none."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=lambda: self.send(Forked()), after_in_child=self._close)

    def send(self, event: Event) -> None:
        """Write it at once, whole; lost if nobody reads."""
        data = memoryview(encode(event))
        with suppress(OSError):
            while data and self._descriptor >= 0:
                data = data[os.write(self._descriptor, data) :]

    def _close(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1


def main() -> NoReturn:
    """Do the job that comes in, then end. The end of standard input ends it at any time."""
    sys.stdout.flush()
    outbox = Outbox(os.dup(1))
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
    reader = os.fdopen(job_in, "rb", buffering=0)
    line = _line_from(reader.fileno())
    if not line:
        os._exit(0)
    threading.Thread(target=_end_with_parent, args=(reader.fileno(),), daemon=True).start()
    try:
        job = decode_job(line)
        if missing:
            outbox.send(Refused(missing))
        else:
            _work(job, outbox)
    finally:
        if os.getpid() == process:
            outbox.send(Finished())
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def _import_all() -> None:
    """What a job needs, so that it need not wait for it."""
    import convtui.tracing.process.loading
    import convtui.tracing.process.sizes
    import convtui.tracing.process.weights  # noqa: F401


def _work(job: Job, outbox: Outbox) -> None:
    import torch

    from convtui.engine.graph.postmortem import post_mortem
    from convtui.tracing.encoding import rest_to_json
    from convtui.tracing.process.loading import LoadError, load_inputs, load_model
    from convtui.tracing.process.sizes import search
    from convtui.tracing.process.tracer import follow
    from convtui.tracing.process.weights import load_weights

    torch.manual_seed(0)
    try:
        model = load_model(job.target, job.arguments)
        model.train(job.training)
        notices = load_weights(model, job.weights) if job.weights else ()
        if job.inputs:
            args, kwargs = load_inputs(job.inputs)
        else:
            image = torch.randn(job.batch, *job.shape, generator=torch.Generator().manual_seed(0))
            args, kwargs = (image.to(_dtype(model)),), {}
    except LoadError as error:
        outbox.send(Refused(str(error), error.details))
        return
    outbox.send(Loaded(notices))
    try:
        graph = follow(model, args, kwargs, job.target, lambda op: outbox.send(Done(op)))
    except SystemExit as error:
        outbox.send(Refused(f"{job.target}: the pass ended the process with sys.exit({error.code!r})"))
        return
    outbox.send(Traced(rest_to_json(graph)))
    found = post_mortem(graph)
    is_wanted = found.size_helps if found else job.sizes
    if is_wanted and len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor):
        outbox.send(search(model, args[0]))


def _dtype(model: torch.nn.Module) -> torch.dtype:
    """The type of the model's own numbers, which its images are to have."""
    import torch

    floating = [each.dtype for each in model.parameters() if each.is_floating_point()]
    return floating[0] if floating else torch.float32


def _line_from(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(descriptor, 2**16)
        if not part:
            return b""
        line += part
    return line


def _end_with_parent(descriptor: int) -> None:
    with suppress(OSError):
        while os.read(descriptor, 1024):
            pass
    os._exit(0)
