"""The user's own network in a process that stays: its tensors, its prints, its end, its file run again."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from convtui.engine.graph.operation import Op
from convtui.inputs.images import Picture
from convtui.pages.layers.model_opened import STEPPED, operation_of
from convtui.tracing.open_model import Fetched, Opening, OpenModel
from convtui.tracing.protocol import without_batch
from convtui.tracing.traced import Trace
from tests.support import own_networks
from tests.support.processes import is_running

FILE = Path(own_networks.__file__)
PATIENCE = 120


def picture(side: int = 13) -> Picture:
    pixels = np.random.default_rng(3).random((1, side, side))
    return Picture(pixels, "image", "", False)


async def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def run(
    name: str, do: Callable[[OpenModel], Awaitable[None]], file: Path = FILE, **opening: object
) -> OpenModel:
    """Open a network, do something with it, and end it."""
    model = OpenModel(Opening(f"{file}:{name}", **opening), picture())  # type: ignore[arg-type]

    async def all_of_it() -> None:
        model.begin()
        try:
            await do(model)
        finally:
            await model.end()

    asyncio.run(all_of_it())
    assert not model._folder.exists()
    return model


def trace_of(model: OpenModel) -> Trace:
    assert model.trace is not None
    return model.trace


async def settled(model: OpenModel) -> None:
    await until(lambda: model.outcome is not None and not model.is_at_work)


async def tensors(model: OpenModel, op: int) -> Fetched:
    found: list[Fetched] = []
    model.open(op, found.append)
    await until(lambda: found)
    return found[0]


def test_tensors_are_those_of_the_module_and_open_to_the_same_output() -> None:
    mean, std = 0.25, 0.5
    network = own_networks.Branched(4).eval()
    hooked: dict[str, torch.Tensor] = {}
    for name, module in network.named_children():
        module.register_forward_hook(
            lambda _, __, output, name=name: hooked.__setitem__(name, output.clone())
        )
    image = ((torch.from_numpy(picture().pixels).float() - mean) / std)[None]
    with torch.no_grad():
        torch.manual_seed(0)
        network(image)
    stepped: list[str] = []

    async def do(model: OpenModel) -> None:
        await settled(model)
        graph = trace_of(model).graph
        before: Fetched | None = None
        for op in graph.ops:
            fetched = await tensors(model, op.number)
            assert not fetched.why
            output = fetched.arrays["output"]
            assert output.shape == without_batch(op.output.shape)
            if op.path in ("conv", "norm", "side"):  # before anything random
                np.testing.assert_array_equal(output, hooked[op.path][0].numpy())
            if op.kind == "max_pool2d":  # what is random is the same again
                assert before is not None
                np.testing.assert_array_equal(fetched.arrays["input"], before.arrays["output"])
            if op.kind in STEPPED:
                stepped.append(op.kind)
                opened = operation_of(op, fetched.arrays)
                assert opened.output_shape == output.shape
                np.testing.assert_allclose(opened.output, output, rtol=1e-5, atol=1e-6)
            before = fetched
        assert "made with width 4" in model.printed
        assert model.printed.count("made with") == 1

    run("Branched", do, mean=(mean,), std=(std,), arguments=("width=4",))
    assert set(stepped) == STEPPED


def test_a_hang_is_stopped_with_the_rows_before_it() -> None:
    async def do(model: OpenModel) -> None:
        await until(lambda: model.trace is not None and len(model.trace.rows) == 2)
        assert model.status.startswith("running ")
        process = model._process
        assert process is not None
        number = process._process.pid
        await model.stop()
        await until(lambda: model.trouble)
        assert not is_running(number)
        assert model.is_stopped
        assert model.status == "the process that runs your code was stopped; R runs your file again"
        found = model.output(1)
        assert found is not None
        assert found.why == model.status
        assert len(trace_of(model).rows) == 2

    run("Hanging", do)


def test_what_takes_longer_than_it_may_is_stopped() -> None:
    model = run("Hanging", settled, limit=1.0)
    assert model.outcome is not None
    assert model.trouble == "did not end within 1 seconds and was stopped; --limit gives it more"
    assert len(trace_of(model).rows) == 2


def test_another_image_goes_through_the_same_process() -> None:
    async def do(model: OpenModel) -> None:
        await settled(model)
        process = model._process
        failed = trace_of(model)
        assert failed.graph.failure is not None
        assert failed.graph.training
        assert "training" not in {each.name for each in failed.remarks}
        other = picture(5)
        await model.look_at(other)
        assert (model.trace, model.outcome) == (None, None)
        await settled(model)
        assert model._process is process
        assert model.picture is other
        assert trace_of(model).graph.ops[0].output.shape == (1, 1, 5, 5)
        assert model.changed is None
        found = await tensors(model, 0)
        np.testing.assert_allclose(found.arrays["output"], other.pixels, rtol=1e-6)
        assert model.printed.count("made with") == 0  # the model was not made anew
        await model.stop()
        await model.look_at(picture(7))  # whose process may be gone by now or not
        await settled(model)
        assert trace_of(model).graph.ops[0].output.shape == (1, 1, 7, 7)

    run("Misfit", do, training=True, silenced=frozenset(["training"]))


def test_an_exit_is_told() -> None:
    model = run("Exiting", settled)
    assert model.trouble == "ended with exit code 3"


def test_what_cannot_be_made_is_told_with_its_frames() -> None:
    model = run("Refusing", settled)
    assert model.outcome is not None
    assert model.outcome.refused is not None
    assert model.outcome.refused.reason.endswith("cannot be made: RuntimeError: no such luck")
    assert "raise RuntimeError" in model.outcome.refused.details[-1]


def test_a_mean_of_other_length_is_refused() -> None:
    model = run("Misfit", settled, mean=(0.1, 0.2))
    assert model.outcome is not None
    assert model.outcome.refused is not None
    wrong = "--mean: 2 numbers for an image of 1 channel; one number, or one for each"
    assert model.outcome.refused.reason == wrong


def test_a_mended_file_goes_through_when_it_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    shutil.copy(FILE, file)

    async def do(model: OpenModel) -> None:
        await settled(model)
        assert trace_of(model).graph.failure is not None
        assert trace_of(model).sizes is not None
        assert model.changed is None
        text = file.read_text("utf-8")
        file.write_text(f"# mended\n{text.replace('4 * 13 * 13', '4 * 5 * 5')}", "utf-8")
        await model.reload()
        await settled(model)
        assert trace_of(model).graph.failure is None
        assert model.changed is not None
        last: Op = trace_of(model).graph.ops[-1]
        assert model.changed.rows == {last.number}
        assert model.changed.told == f"the pass goes through now; 1 row differs: {last.number} fc"

    run("Misfit", do, file)


@pytest.mark.parametrize(
    ("shape", "without"), [((1, 3, 4), (3, 4)), ((2, 3), (2, 3)), ((1,), (1,)), ((), ())]
)
def test_the_axis_of_the_batch(shape: tuple[int, ...], without: tuple[int, ...]) -> None:
    assert without_batch(shape) == without


def test_a_killed_app_leaves_no_process_and_no_files(tmp_path: Path) -> None:
    script = f"""
import asyncio, numpy as np, sys
from convtui.inputs.images import Picture
from convtui.tracing.open_model import Opening, OpenModel

async def main():
    model = OpenModel(Opening({f"{FILE}:Misfit"!r}), Picture(np.zeros((1, 28, 28)), "", "", False))
    model.begin()
    while model.outcome is None or model.is_at_work or model.output(1) is None:
        await asyncio.sleep(0.01)
    print(model._process._process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    app = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    try:
        assert app.stdout is not None
        number = int(app.stdout.readline())
        assert is_running(number)
        assert any(tmp_path.glob("convtui-*"))
    finally:
        app.kill()
        app.wait()
        assert app.stdout is not None
        app.stdout.close()
    end = time.monotonic() + PATIENCE
    while is_running(number) or any(tmp_path.glob("convtui-*")):
        assert time.monotonic() < end
        time.sleep(0.01)
