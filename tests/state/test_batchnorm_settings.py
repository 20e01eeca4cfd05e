"""What is typed on the Norms page becomes a change, or a line that says what would be right."""

import pytest

from convtui.state.batchnorm_settings import EXAMPLES, parse_setting, transition, value_text
from convtui.state.norm_choice import NormChoice
from tests.state.test_batchnorm import started


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("channel 2", "channel", 2),
        ("size 4", "batch_size", 4),
        ("batch-size=4", "batch_size", 4),
        ("gamma 1/2", "gamma", 0.5),
        ("weight -2", "gamma", -2),
        ("beta 0.25", "beta", 0.25),
        ("norm layer", "choice", NormChoice("layer")),
        ("norm Instance norm", "choice", NormChoice("instance")),
        ("groups 4", "choice", NormChoice("group", 4)),
        ("num_groups 1", "choice", NormChoice("group", 1)),
        ("image 5", "image", 5),
    ],
)
def test_settings(text: str, attribute: str, value: object) -> None:
    assert getattr(transition(*parse_setting(text))(started()), attribute) == value


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("momentum None", "momentum", None),
        ("momentum 0.3", "momentum", 0.3),
        ("eps 1e-3", "eps", 1e-3),
        ("mode eval", "training", False),
        ("mode training", "training", True),
    ],
)
def test_settings_of_the_norm(text: str, attribute: str, value: object) -> None:
    assert getattr(transition(*parse_setting(text))(started()).norm, attribute) == value


def test_a_layer() -> None:
    assert transition(*parse_setting("layer 5"))(started()).layer.row == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gama 2", "gama: unknown setting; did you mean gamma?"),
        ("gamma", "gamma needs a value: gamma 2"),
        ("gamma two", "gamma='two': must be a number"),
        ("momentum 2", "momentum 2: must be from 0 to 1, or None"),
        ("eps 0", "eps 0: must be greater than 0"),
        ("mode both", "mode both: must be training or evaluation"),
        ("channel 9", "channel 9: must be from 0 to 3"),
        ("layer 2.5", "must be a whole number"),
        ("size 0", "size='0': must be a whole number from 1 to"),
        ("size 30", "size 30: must be from 1 to 20"),
        ("stride 2", "stride: unknown setting"),
        ("norm spectral", "norm spectral: must be batch, layer, group or instance"),
        ("groups 3", "num_groups=3: must divide the 4 channels; nearest legal: 2 or 4"),
        ("image 6", "image 6: must be from 0 to 5"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        transition(*parse_setting(text))(started())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_understood(name: str) -> None:
    setting, value = parse_setting(EXAMPLES[name].split(",")[0])
    assert setting == name
    if name != "seed":
        assert callable(transition(setting, value))


def test_the_present_values_can_be_typed() -> None:
    session = started().at_channel(2).with_gamma(0.5).with_norm(momentum=None)
    texts = {name: value_text(session, name) for name in EXAMPLES}
    assert texts == {
        "norm": "batch",
        "groups": "2",
        "image": "",
        "layer": "3",
        "channel": "2",
        "size": "6",
        "gamma": "0.5",
        "beta": "0",
        "momentum": "None",
        "eps": "",
        "mode": "",
        "seed": "",
    }
    others = {name: text for name, text in texts.items() if text and name not in ("layer", "groups")}
    again = [transition(name, text)(session) for name, text in others.items()]
    assert [{name: value_text(each, name) for name in EXAMPLES} for each in again] == [texts] * 6
