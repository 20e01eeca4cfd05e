"""convtui.trace in a script or a notebook."""

from io import StringIO

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

import convtui
from tests.support.shape_bugs import Channels, Flattened
from tests.support.traced_models import Named, Reused


def test_the_rows_of_a_pass() -> None:
    trace = convtui.trace(Reused().eval(), torch.rand(1, 2, 6, 6))
    assert [row.op.kind for row in trace.rows][:3] == ["input", "conv2d", "relu"]
    assert trace.rows[1].field == (3, 3)
    assert trace.rows[1].jump == (1, 1)
    assert trace.parameters == 42
    assert trace.failure is None
    assert str(trace).startswith("#  operation")


def test_inputs_by_name_and_in_a_tuple() -> None:
    inputs = {"image": torch.rand(1, 1, 6, 6), "words": torch.tensor([[1]])}
    assert convtui.trace(Named(), inputs).failure is None
    assert convtui.trace(nn.Bilinear(2, 3, 1), (torch.rand(1, 2), torch.rand(1, 3))).rows[1].field == ()


def test_a_failure_is_no_exception() -> None:
    trace = convtui.trace(Channels(), torch.rand(1, 3, 9, 9))
    assert trace.failure is not None
    assert trace.sizes is None  # no size would mend it
    assert "in_channels=32" in str(trace)


def test_sizes_and_silence() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1)).eval()
    trace = convtui.trace(model, torch.rand(1, 1, 5, 5), sizes=True, silence=["bias", "field"])
    assert trace.sizes is not None
    assert (2, 2) not in trace.sizes.work
    assert trace.remarks == ()


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model: must be a torch\.nn\.Module, not a int"):
        convtui.trace(3, torch.rand(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="inputs: must be a tensor, several, or a dict by name, not a int"):
        convtui.trace(nn.ReLU(), 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="silence=bios: no such check; did you mean bias"):
        convtui.trace(nn.ReLU(), torch.rand(1), silence="bios")


def test_how_it_is_shown() -> None:
    trace = convtui.trace(Flattened(), torch.rand(1, 3, 40, 40))
    console = Console(file=StringIO(), width=160)
    console.print(trace)
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "max_pool2d" in shown
    assert "linear expects 3,136 features" in shown
    html = trace._repr_html_()
    assert html.count("<tr>") == 1 + len(trace.rows) + 1
    assert "in_features=5184" in html
    assert "<script" not in html


class Counting(nn.Module):
    """Assigns its buffers anew, fills an empty one, and keeps a cache that grows with what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0
        self.count: Tensor
        self.first: Tensor | None
        self.scale: Tensor
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("first", None)
        self.register_buffer("scale", torch.ones(0))

    def forward(self, x: Tensor) -> Tensor:
        self.count = self.count + 1
        if self.first is None:
            self.first = x.mean()
        if x.shape[-1] > self.longest:
            self.longest = x.shape[-1]
            self.register_buffer("scale", torch.full((self.longest,), 2.0))
            self.register_buffer("later", torch.ones(1))
        return x * self.scale[: x.shape[-1]]


@pytest.mark.parametrize("sizes", [False, True])
def test_buffers_that_are_assigned_anew_are_put_back(sizes: bool) -> None:
    model = nn.Sequential(nn.BatchNorm2d(1), Counting()).train()
    counting = model[1]
    assert isinstance(counting, Counting)
    before, count = {name: each.clone() for name, each in model.state_dict().items()}, counting.count
    for _ in range(2):  # the second pass finds what the first one found
        assert convtui.trace(model, torch.rand(1, 1, 5, 5), sizes=sizes).failure is None
        after = model.state_dict()
        assert after.keys() == before.keys()
        assert all(torch.equal(each, after[name]) for name, each in before.items())
        assert counting.count is count
        assert counting.first is None
        assert counting.longest == 0
