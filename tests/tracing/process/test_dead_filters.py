"""Dead filters are those that are 0 everywhere in the network's own tensors, and no others."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.checks import remarks, unmade
from convtui.engine.graph.operation import DeadFilters
from convtui.tracing.process.tracer import follow

Shape = tuple[int, ...]


class Rectified(nn.Module):
    """A convolution of which some filters are made dead, what lies between, and a function after it."""

    def __init__(
        self,
        convolution: nn.Module,
        function: Callable[[Tensor], Tensor],
        dead: tuple[int, ...],
        between: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.convolution, self.between, self.function = convolution, between or nn.Identity(), function
        with torch.no_grad():
            bias = convolution.bias
            assert isinstance(bias, Tensor)
            bias.fill_(1)
            bias[list(dead)] = -50

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.between(self.convolution(x)))


def traced(model: nn.Module, x: Tensor) -> tuple[DeadFilters | None, list[str]]:
    """What the last operation counted, and what is remarked on."""
    graph = follow(model, (x,), {})
    assert graph.failure is None
    return graph.ops[-1].dead, [each.evidence for each in remarks(graph) if each.name == "dead"]


def dead_of(output: Tensor, axis: int = 1) -> tuple[int, ...]:
    """The channels that are 0 everywhere, one after another."""
    return tuple(c for c in range(output.shape[axis]) if not output.select(axis, c).ne(0).any())


RECTIFIERS: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "function": F.relu,
    "function in place": lambda x: F.relu(x, inplace=True),
    "method in place": lambda x: x.relu_(),
    "relu6": F.relu6,
    "relu6 module": nn.ReLU6(inplace=True),
    "hardtanh from 0": nn.Hardtanh(0, 2),
    "hardswish": nn.Hardswish(),
    "threshold": nn.Threshold(0.5, 0),
    "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: torch.clamp_min(x, 0),
    "clip": lambda x: x.clip(0, 6),
}


@pytest.mark.parametrize("name", RECTIFIERS)
def test_dead_filters_are_those_of_the_output(name: str) -> None:
    model = Rectified(nn.Conv2d(3, 6, 3), RECTIFIERS[name], (1, 4))
    x = torch.rand(2, 3, 8, 9)
    dead, told = traced(model, x)
    with torch.no_grad():
        before, output = model.convolution(x), model(x)
    assert dead is not None
    assert dead.channels == dead_of(output) == (1, 4)
    assert dead.of == 6
    assert dead.largest == pytest.approx([before[:, c].max().item() for c in (1, 4)], rel=5e-3)
    (evidence,) = told
    assert "2 of 6 filters are dead on this input, a batch of 2: channels 1, 4 are 0 everywhere" in evidence
    assert evidence.endswith(f"largest value before: {max(dead.largest):.3g}")


@pytest.mark.parametrize(
    "function",
    [
        *(nn.LeakyReLU(), nn.GELU(), nn.SiLU(), nn.ELU(), nn.Softplus(), nn.Hardtanh(), nn.PReLU()),
        *(nn.Threshold(0, -1), lambda x: x.clamp(max=0), lambda x: x.clamp(min=-1), torch.tanh),
    ],
)
def test_what_has_no_zeros_of_small_numbers_has_none_dead(
    function: Callable[[Tensor], Tensor],
) -> None:
    assert traced(Rectified(nn.Conv2d(1, 3, 3), function, (0, 1)), torch.rand(1, 1, 6, 6)) == (None, [])


@pytest.mark.parametrize(
    ("convolution", "between", "shape"),
    [
        (nn.Conv1d(2, 5, 3), None, (3, 2, 12)),
        (nn.Conv3d(2, 5, 3), None, (1, 2, 5, 6, 7)),
        (nn.ConvTranspose2d(2, 5, 3, stride=2), None, (1, 2, 5, 6)),
        (nn.Conv2d(4, 5, 3), None, (4, 8, 8)),
        (nn.Conv2d(5, 5, 3, groups=5), nn.BatchNorm2d(5).eval(), (2, 5, 8, 8)),
        (nn.Conv2d(2, 5, 3), nn.MaxPool2d(2), (1, 2, 8, 8)),
        (nn.ConvTranspose1d(2, 5, 3), nn.AdaptiveAvgPool1d(4), (1, 2, 8)),
    ],
)
def test_of_every_convolution_and_through_norms_and_poolings(
    convolution: nn.Module, between: nn.Module | None, shape: Shape
) -> None:
    model = Rectified(convolution, torch.relu, (0, 3), between)
    x = torch.rand(shape)
    dead, told = traced(model, x)
    with torch.no_grad():
        output = model(x)
    assert dead is not None
    assert dead.channels == dead_of(
        output, 0 if len(shape) == 3 and isinstance(convolution, nn.Conv2d) else 1
    )
    assert len(told) == 1


def test_a_filter_must_be_dead_on_every_image_of_a_batch() -> None:
    convolution = nn.Conv2d(1, 2, 1)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
        convolution.bias.zero_() if convolution.bias is not None else None
    model = nn.Sequential(convolution, nn.ReLU())
    light, dark = torch.ones(1, 1, 4, 4), -torch.ones(1, 1, 4, 4)
    assert traced(model, light)[0] == DeadFilters((1,), 2, (-1.0,))
    assert traced(model, dark)[0] == DeadFilters((0,), 2, (-1.0,))
    assert traced(model, torch.cat([light, dark])) == (DeadFilters((), 2), [])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_in_the_type_that_the_network_computes_in(dtype: torch.dtype) -> None:
    model = Rectified(nn.Conv2d(1, 3, 3), torch.relu, (2,)).to(dtype)
    dead, _ = traced(model, torch.rand(1, 1, 6, 6).to(dtype))
    assert dead is not None
    assert dead.channels == (2,)


def test_what_is_no_number_is_not_0() -> None:
    model = Rectified(nn.Conv2d(1, 3, 3), torch.relu, (0, 1))
    with torch.no_grad():
        assert isinstance(model.convolution.bias, Tensor)
        model.convolution.bias[1] = float("nan")
        model.convolution.bias[0] = float("-inf")
    dead, told = traced(model, torch.rand(1, 1, 6, 6))
    assert dead == DeadFilters((0,), 3, (float("-inf"),))
    assert told[0].endswith("largest value before: -inf")


def test_zeros_count_as_zeros_also_where_nothing_was_negative() -> None:
    convolution = nn.Conv2d(1, 2, 3, bias=False)
    nn.init.zeros_(convolution.weight)
    for function in (nn.ReLU(), nn.Hardswish()):
        assert traced(nn.Sequential(convolution, function), torch.rand(1, 1, 6, 6))[0] == DeadFilters(
            (0, 1), 2, (0.0, 0.0)
        )


def test_a_hardswish_is_0_only_from_3_below() -> None:
    model = Rectified(nn.Conv2d(1, 2, 1), F.hardswish, ())
    with torch.no_grad():
        model.convolution.weight.zero_()  # type: ignore[operator]
        model.convolution.bias.copy_(torch.tensor([-2.5, -3.5]))  # type: ignore[operator]
    assert traced(model, torch.rand(1, 1, 4, 4))[0] == DeadFilters((1,), 2, (-3.5,))


def test_one_value_a_channel_tells_nothing_of_a_filter() -> None:
    model = Rectified(nn.Conv2d(4, 5, 1), torch.relu, (0,))
    assert traced(model, torch.rand(1, 4, 1, 1)) == (None, [])
    assert traced(model, torch.rand(2, 4, 1, 1))[1]


class Twice(nn.Module):
    """A convolution that is run twice: on x with a ReLU after it, and on -x; perhaps without one there."""

    def __init__(self, is_rectified: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 1, bias=False)
        self.is_rectified = is_rectified
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([1.0, -1.0, 0.0, -2.0]).reshape(4, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        one, other = torch.relu(self.conv(x)), self.conv(-x)
        return one + (F.relu6(other) if self.is_rectified else other)


def test_a_filter_of_a_module_that_is_used_twice_is_dead_only_if_it_is_so_each_time() -> None:
    _, told = traced(Twice(), torch.rand(1, 1, 4, 4) + 0.1)
    (evidence,) = told
    assert "1 of 4 filters is dead in each of 2 calls on this input: channel 2 is 0 everywhere" in evidence
    assert evidence.endswith("largest value before: 0 (3 in call 1, 2 in call 2)")
    assert traced(Twice(is_rectified=False), torch.rand(1, 1, 4, 4) + 0.1)[1] == []


def test_a_convolution_whose_output_goes_elsewhere_too_has_no_dead_filters() -> None:
    class Beside(Rectified):
        def forward(self, x: Tensor) -> Tensor:
            x = self.convolution(x)
            return torch.cat([torch.relu(x), torch.relu(-x)], 1)

    assert traced(Beside(nn.Conv2d(1, 3, 3), torch.relu, (0,)), torch.rand(1, 1, 6, 6))[1] == []


@pytest.mark.parametrize(
    "between", [nn.Conv2d(3, 3, 1, bias=False), nn.ChannelShuffle(3), nn.Flatten(), nn.LeakyReLU()]
)
def test_of_the_last_convolution_alone_and_while_channels_keep_their_places(between: nn.Module) -> None:
    model = Rectified(nn.Conv2d(1, 3, 3), torch.relu, (0,), between)
    graph = follow(model, (torch.rand(1, 1, 6, 6),), {})
    named = [each for each in remarks(graph) if each.name == "dead" and each.op == 1]
    assert named == []


def test_counting_changes_nothing_that_the_network_sees() -> None:
    model = Rectified(nn.Conv2d(2, 4, 3), lambda x: x.relu_(), (1,), nn.BatchNorm2d(4))
    x = torch.rand(2, 2, 6, 6)
    state = torch.random.get_rng_state()
    follow(model, (x,), {})
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_pass_without_values_says_that_the_check_was_not_made() -> None:
    model = Rectified(nn.Conv2d(2, 4, 3), torch.relu, (1,)).to("meta")
    graph = follow(model, (torch.rand(1, 2, 6, 6, device="meta"),), {})
    assert unmade(graph) == {"dead": "no values are at hand"}
    assert unmade(graph, frozenset(["dead"])) == {}
