"""Every setting of the convolution is named truly."""

import pytest

from convtui.pages.base.convolution_controls import controls, padding, pair, sides
from convtui.pages.base.keys import all_keys
from convtui.state.session import Session
from convtui.state.settings import operation_change
from tests.support.example_sessions import counting, lesson, own, session_on


def values(session: Session) -> dict[str, str]:
    return {item.name: item.value for item in controls(session)}


def test_the_controls_of_the_lesson() -> None:
    assert values(lesson()) == {
        "operation": "conv",
        "stride": "1",
        "padding": "1",
        "dilation": "1",
        "size": "3x3",
        "groups": "1",
        "mode": "zeros",
        "filters": "1",
        "kernel": "top-edge",
    }


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (2, "2"),
        ((1, 2), "1,2"),
        (((0, 1), (2, 3)), "0,1,2,3"),
        ("same", "same (1)"),
        ("valid", "valid (0)"),
    ],
)
def test_padding_is_shown_as_asked_with_what_it_comes_to(asked: object, shown: str) -> None:
    assert padding(session_on("count-5x5", padding=asked).spec) == shown


def test_uneven_same_padding_shows_its_four_sides() -> None:
    assert padding(session_on("count-5x5", size=2, padding="same").spec) == "same (0,1,0,1)"


def test_a_pair_is_one_number_where_both_agree() -> None:
    assert (pair((2, 2)), pair((2, 1))) == ("2", "2,1")


def test_every_control_has_its_key() -> None:
    keys = {key.written: key.full_action for key in all_keys()}
    for item in controls(lesson()):
        assert keys[item.key] == f"screen.{item.name}(1)"


def test_own_weights_are_said_to_be_ones_own() -> None:
    assert values(own([[[[1.0]]]], counting()))["kernel"] == "mine (custom)"


def test_sides_are_one_number_for_each_axis_where_both_agree() -> None:
    assert sides(((1, 1), (1, 1))) == "1"
    assert sides(((1, 1), (2, 2))) == "1,2"
    assert sides(((0, 1), (2, 2))) == "0,1,2,2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("maxpool 3 s2 p1 ceil", ["max pool", "2", "1", "3x3", "on", "1"]),
        ("avgpool 2 p0:1x1:0 nopadcount div3", ["avg pool", "2", "0,1,1,0", "2x2", "off", "off", "3"]),
        ("adaptiveavgpool 3x5", ["adaptive avg", "3x5"]),
        (
            "convtranspose 3x3 2 s2 op1",
            ["transposed", "scatter", "2", "0", "1", "3x3", "2", "top-edge + bottom-edge", "1", "1"],
        ),
    ],
)
def test_the_controls_of_other_operations(text: str, shown: list[str]) -> None:
    assert [item.value for item in controls(operation_change(text)(lesson()))] == shown
