"""Sessions that step through another operation than the convolution."""

from hypothesis import strategies as st

from convtui.engine.spec import SpecError
from convtui.state.operation import WAYS
from convtui.state.session import Session
from convtui.state.settings import operation_change
from tests.support.example_sessions import sessions

LAYERS = (
    "maxpool 2 s2",
    "maxpool 3 s1 p1 dilation=2",
    "maxpool 2 s3 ceil_mode=true",
    "avgpool 2 s2",
    "avgpool 3 s2 p1",
    "avgpool 3 s2 p1 count_include_pad=false",
    "avgpool 2 s3 ceil_mode=true",
    "avgpool 2 s1 divisor_override=3",
    "adaptivemaxpool 3",
    "adaptiveavgpool 2",
    "adaptiveavgpool 4x3",
    "convtranspose",
    "convtranspose s2",
    "convtranspose s2 p1 output_padding=1",
    "convtranspose s3 dilation=2 p1",
)


def stepping(session: Session, layer: str, way: str = "") -> Session:
    """A session at the first cell of the operation of a layer, in one of the ways if it is transposed."""
    session = operation_change(layer)(session)
    return session.with_way(way) if way else session


@st.composite
def operation_sessions(draw: st.DrawFn) -> Session:
    """Any small session that steps through another operation, anywhere in it."""
    layer = draw(st.sampled_from(LAYERS))
    way = draw(st.sampled_from(WAYS)) if layer.startswith("convtranspose") else ""
    session = draw(sessions().filter(lambda session: fits(session, layer)))
    session = stepping(session, layer, way)
    return session.at(draw(st.integers(0, session.size - 1)))


def fits(session: Session, layer: str) -> bool:
    """Whether PyTorch computes the layer over the image."""
    try:
        return bool(stepping(session, layer))
    except SpecError:
        return False
