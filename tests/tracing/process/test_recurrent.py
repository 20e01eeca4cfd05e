"""Recurrent layers: what a step reads, held to gradients, and their multiply-adds, counted cell by cell."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.operation import Source
from convtui.tracing.process.tracer import follow

LAYERS: dict[str, Callable[[], nn.RNNBase]] = {
    "lstm": lambda: nn.LSTM(3, 5),
    "two layers": lambda: nn.LSTM(3, 5, 2, batch_first=True),
    "both directions": lambda: nn.GRU(3, 5, bidirectional=True),
    "projected": lambda: nn.LSTM(3, 5, proj_size=2),
    "relu": lambda: nn.RNN(3, 5, nonlinearity="relu", batch_first=True),
}
CELLS: dict[str, Callable[[], nn.RNNCellBase]] = {
    "lstm_cell": lambda: nn.LSTMCell(3, 5),
    "gru_cell": lambda: nn.GRUCell(3, 5),
    "rnn_tanh_cell": lambda: nn.RNNCell(3, 5),
}


class Columns(nn.Module):
    """An image whose columns are the steps, and its rows the features, after a layer over them."""

    def __init__(self, layer: nn.RNNBase, state: bool) -> None:
        super().__init__()
        self.layer, self.state = layer, state

    def forward(self, image: Tensor) -> Tensor:
        """[batch, 1, 3, columns] to [batch, columns, features], or to the last state."""
        steps = image[:, 0].permute(0, 2, 1)
        steps = steps if self.layer.batch_first else steps.transpose(0, 1)
        output, state = self.layer(steps)
        if self.state:
            last: Tensor = state[0] if isinstance(state, tuple) else state
            return last
        each: Tensor = output if self.layer.batch_first else output.transpose(0, 1)
        return each


@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_step_reads_what_it_has_gradients_of(name: str, state: bool) -> None:
    torch.manual_seed(2)
    model = Columns(LAYERS[name](), state).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.abs_()  # lets no ReLU die
    image = torch.rand(2, 1, 3, 4, dtype=torch.float64)
    graph = follow(model, (image,), {})
    output = model(image)
    for place in np.ndindex(*output.shape[:-1]):
        seen = image.clone().requires_grad_()
        model(seen)[place].sum().backward()
        assert seen.grad is not None
        for feature in range(output.shape[-1]):
            fed = feeding(graph, graph.outputs[0], (*place, feature))[Source(0)]
            assert fed is not None
            assert np.array_equal(fed.is_fed(0, 1, 2, 3), (seen.grad != 0).numpy())


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_each_step_of_each_sequence_is_multiplied_by_every_matrix(name: str) -> None:
    layer = LAYERS[name]()
    graph = follow(Columns(layer, False), (torch.rand(2, 1, 3, 4),), {})
    (op,) = [op for op in graph.ops if op.parameters]
    assert op.cost is not None
    matrices = [weight for weight in layer.parameters() if weight.dim() == 2]
    with FlopCounterMode(display=False) as counter:
        for weight in matrices:
            torch.rand(2 * 4, weight.shape[1]) @ weight.T
    assert op.cost.multiply_adds * 2 == counter.get_total_flops()


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_goes_on_from_its_state(kind: str) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = CELLS[kind]()

        def forward(self, steps: Tensor) -> Tensor:
            """[2, batch, 3] to [batch, 5]."""
            state = self.cell(steps[1], self.cell(steps[0]))
            last: Tensor = state[0] if isinstance(state, tuple) else state
            return last

    graph = follow(Twice(), (torch.rand(2, 4, 3),), {})
    first, second = (op for op in graph.ops if op.kind == kind)
    assert first.cost == second.cost
    assert first.cost is not None
    gates = {"lstm_cell": 4, "gru_cell": 3}.get(kind, 1)
    assert first.cost.multiply_adds == 4 * gates * 5 * (3 + 5)
    fed = feeding(graph, graph.outputs[0], (1, 0))[Source(0)]
    expected = np.zeros((2, 4, 3), dtype=bool)
    expected[:, 1] = True
    assert fed is not None
    assert np.array_equal(fed.is_fed(0, 1, 2), expected)


def test_of_a_packed_sequence_the_cost_is_known_and_the_rows_are_not() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.GRU(3, 5)

        def forward(self, steps: Tensor) -> Tensor:
            """[4, 2, 3] to the last states [1, 2, 5]."""
            last: Tensor = self.layer(pack_padded_sequence(steps, torch.tensor([4, 3])))[1]
            return last

    graph = follow(Packed(), (torch.rand(4, 2, 3),), {})
    (op,) = [op for op in graph.ops if op.kind == "gru"]
    assert op.cost is not None
    assert op.cost.multiply_adds == (4 + 3) * 3 * 5 * (3 + 5)
    assert feeding(graph, graph.outputs[0], (0, 0, 0))[Source(0)] is None
