"""More shape bugs: the reason is told, and the network with the told fix goes through."""

import runpy

import pytest
import torch

from convtui.engine.graph.postmortem import post_mortem
from convtui.inputs.samples import model_folder
from convtui.tracing.process.sizes import search
from convtui.tracing.process.tracer import follow
from convtui.tracing.traced import Trace
from tests.support.more_shape_bugs import BUGS, Chain


@pytest.mark.parametrize("name", BUGS)
def test_the_reason_and_the_fix(name: str) -> None:
    bug = BUGS[name]
    image = torch.rand(bug.shape)
    found = post_mortem(follow(bug.make(False).eval(), (image,), {}))
    assert found is not None
    assert bug.why in found.why
    assert bug.fix in found.fixes
    assert found.size_helps == bug.size_helps
    assert follow(bug.make(True).eval(), (image,), {}).failure is None


@pytest.mark.parametrize("name", [name for name, bug in BUGS.items() if bug.size_helps])
def test_the_sizes_that_are_told_do_go_through(name: str) -> None:
    bug = BUGS[name]
    model = bug.make(False).eval()
    sizes = search(model, torch.rand(bug.shape), seconds=60)
    for size in (*sizes.work[:2], *sizes.work[-1:]):
        assert follow(model, (torch.rand(*bug.shape[:2], *size),), {}).failure is None


def test_sizes_are_not_told_where_shapes_do_not_show_the_failure() -> None:
    def on_the_cpu_alone(x: torch.Tensor) -> torch.Tensor:
        if x.device.type == "cpu":
            raise ValueError("not here")
        return x

    model, image = Chain(on_the_cpu_alone), torch.rand(1, 3, 8, 8)
    lines = Trace(follow(model, (image,), {}), search(model, image)).failure_lines()
    assert "image sizes were not searched: shapes alone do not show this failure" in "\n".join(lines)
    assert "what goes through" not in "\n".join(lines)


@pytest.mark.parametrize(("file", "name"), [("shape_bug", "Mended"), ("unet", "Net")])
def test_a_network_that_works_takes_the_sizes_that_are_told(file: str, name: str) -> None:
    model = runpy.run_path(str(model_folder() / f"{file}.py"))[name]().eval()
    sizes = search(model, torch.rand(1, 3, 64, 64), seconds=60)
    tried = [size for size in sizes.tried if max(size) <= 100]
    assert len(tried) > 50
    for size in tried:
        graph = follow(model, (torch.rand(1, 3, *size),), {})
        assert (graph.failure is None) == (size in sizes.work), size


@pytest.mark.parametrize(
    ("sizes", "fixes"),
    [
        (
            (30, 31, 31),
            ("pad tensors[0]: F.pad(x, (0, 1, 0, 1))", "cut tensors[1] and tensors[2]: x[..., :30, :30]"),
        ),
        (
            (30, 30, 31),
            ("pad tensors[0] and tensors[1]: F.pad(x, (0, 1, 0, 1))", "cut tensors[2]: x[..., :30, :30]"),
        ),
        ((29, 30, 31), ()),
    ],
)
def test_several_are_padded_or_cut_together(sizes: tuple[int, ...], fixes: tuple[str, ...]) -> None:
    def joined(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[..., :size, :size] for size in sizes], dim=1)

    found = post_mortem(follow(Chain(joined), (torch.rand(1, 2, 32, 32),), {}))
    assert found is not None
    assert found.fixes == fixes
