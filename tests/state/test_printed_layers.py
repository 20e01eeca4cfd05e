"""A printed nn.Sequential is typed as layers are, over the image of the session."""

import pytest

from convtui.inputs.samples import open_image
from convtui.pages.base.typed_line import one_line
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.state.settings import layer_transition, transition

PRINT = """\
Sequential(
  (0): Conv2d(1, 8, kernel_size=(5, 5), stride=(2, 2), padding=(2, 2))
  (1): Sequential(
    (0): ReLU()
    (1): Flatten(start_dim=1, end_dim=-1)
  )
  (2): Linear(in_features=1568, out_features=10, bias=True)
)
"""


@pytest.fixture
def session() -> Session:
    return Session.start(open_image("mnist-7"), KernelChoice("identity"), size=1)


@pytest.mark.parametrize("before", ["", "layers ", "model = "])
@pytest.mark.parametrize("text", [PRINT, one_line(PRINT)])
def test_a_print_is_typed_or_pasted(session: Session, text: str, before: str) -> None:
    for typed in transition, layer_transition:
        stack = typed(before + text)(session).stack
        assert stack.text == "conv 5x5 8 s2 p2, relu, flatten, linear 10"
        assert stack.summary.error is None


def test_what_does_not_fit_the_image_is_refused_with_its_line(session: Session) -> None:
    change = transition(one_line(PRINT.replace("1568", "1000")))
    with pytest.raises(ValueError, match=r"line 7: Linear\(.*in_features is 1000, but the layer before it"):
        change(session)
