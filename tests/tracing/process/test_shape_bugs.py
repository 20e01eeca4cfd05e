"""Ten shape bugs: the operation, the line, where the shapes came from, and fixes that do mend it."""

import ast
from pathlib import Path

import pytest
import torch
from torch import nn

from convtui.engine.graph.postmortem import PostMortem, post_mortem
from convtui.tracing.process.sizes import search
from convtui.tracing.process.tracer import follow
from convtui.tracing.traced import Trace
from tests.support import shape_bugs
from tests.support.shape_bugs import BUGS


def failed(name: str) -> tuple[nn.Module, torch.Tensor, PostMortem]:
    make, shape, *_ = BUGS[name]
    model, image = make().eval(), torch.rand(shape)
    found = post_mortem(follow(model, (image,), {}))
    assert found is not None
    return model, image, found


@pytest.mark.parametrize("name", BUGS)
def test_the_reason_and_the_fix(name: str) -> None:
    _, _, kind, why, fix, size_helps = BUGS[name]
    _, _, found = failed(name)
    assert found.title.startswith(kind or "norm")
    assert "shape_bugs.py:" in found.title
    assert found.code in Path(shape_bugs.__file__).read_text("utf-8")
    assert why in found.why
    assert fix in found.fixes
    assert found.size_helps == size_helps
    assert all(origin for *_, origin in found.tensors)


@pytest.mark.parametrize("name", [name for name, bug in BUGS.items() if bug[-1]])
def test_the_sizes_that_are_told_do_go_through(name: str) -> None:
    model, image, _ = failed(name)
    sizes = search(model, image, seconds=60)
    assert not sizes.why
    assert tuple(image.shape[2:]) in sizes.tried
    for size in sizes.tried[:: max(1, len(sizes.tried) // 12)] + sizes.work[:3]:
        graph = follow(model, (torch.rand(*image.shape[:2], *size),), {})
        assert (graph.failure is None) == (size in sizes.work)


def test_no_size_mends_an_addition_of_unlike_paths() -> None:
    model, image, _ = failed("add of unlike shapes")
    sizes = search(model, image)
    assert sizes.work
    assert max(sizes.work) <= (2, 2)  # where a path ends in one pixel, which is added to all of the other


def mended(name: str, change: str) -> nn.Module:
    """The network with what the fix says, as far as that is a setting of a module."""
    model, image, found = failed(name)
    setting = next(fix for fix in found.fixes if fix.startswith(change))
    value = ast.literal_eval(setting.partition("=")[2])
    path = {"in_features": "fc", "in_channels": "second", "num_features": "norm", "padding": "conv"}[change]
    old = getattr(model, path)
    names = {
        nn.Linear: ("in_features", "out_features"),
        nn.Conv2d: ("in_channels", "out_channels", "kernel_size"),
        nn.BatchNorm2d: ("num_features",),
    }[type(old)]
    settings = {each: getattr(old, each) for each in names} | {change: value}
    setattr(model, path, type(old)(**settings))
    model.eval()
    model(image)
    return model


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("linear after flatten", "in_features"),
        ("channel mismatch", "in_channels"),
        ("norm of the wrong width", "num_features"),
        ("kernel larger than the input", "padding"),
    ],
)
def test_the_fix_does_mend_it(name: str, change: str) -> None:
    assert follow(mended(name, change), (torch.rand(BUGS[name][1]),), {}).failure is None


def test_where_each_tensor_came_from() -> None:
    _, _, found = failed("linear after flatten")
    role, shape, kind, origin = found.tensors[0]
    assert (role, shape, kind) == ("input", "1x33856", "float32")
    assert origin.startswith("operation 4: flatten (")
    assert ", of 1x16x46x46 from operation 3: max_pool2d 2x2 s2 (" in origin
    assert found.tensors[1][3] == "parameter fc.weight"


def test_the_words_of_a_post_mortem() -> None:
    model, image, _ = failed("linear after flatten")
    lines = Trace(follow(model, (image,), {}), search(model, image, 60)).failure_lines()
    assert any(
        line.startswith("          an image of 32x32; what goes through: 32x32 to 33x33 (") for line in lines
    )
    model, image, _ = failed("channel mismatch")
    lines = Trace(follow(model, (image,), {})).failure_lines()
    assert lines[-1].endswith("no size of the image mends this")


def test_a_failure_of_their_own_code_shows_their_frames_alone() -> None:
    class Wrong(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.helper(x)
            return x

        def helper(self, x: torch.Tensor) -> None:
            raise KeyError(f"no such thing as {x.dim()}")

    found = post_mortem(follow(nn.Sequential(Wrong()), (torch.rand(1, 2),), {}))
    assert found is not None
    assert found.error == "KeyError: 'no such thing as 2'"
    assert [frame.partition(" in ")[2].partition(":")[0] for frame in found.frames][-2:] == [
        "forward",
        "helper",
    ]
    assert not any("torch/nn" in frame for frame in found.frames)


def test_a_forward_that_takes_more_says_how_to_give_it() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    graph = follow(Two(), (torch.rand(1, 3),), {})
    found = post_mortem(graph)
    assert found is not None
    assert found.title == "Two failed"
    assert found.why == ("Two is called with 1 tensor",)
    assert found.fixes == (
        "a function of yours that gives all that forward takes: --inputs net.py:make_inputs",
    )
    assert "size" not in "".join(Trace(graph).failure_lines())
