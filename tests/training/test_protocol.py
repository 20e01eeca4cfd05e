"""What is sent arrives, whatever it holds; what is no message is said to be none."""

from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.training.exploring import FINDINGS
from convtui.training.messages import Message, decode, encode
from convtui.training.protocol import COMMANDS, EVENTS, JOBS, Stepped
from convtui.training.recipe import Recipe
from tests.training.test_recipe import recipes

KINDS = (*EVENTS, *FINDINGS, *JOBS, *COMMANDS)

st.register_type_strategy(Recipe, recipes)


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: st.from_type(hints[field.name]) for field in fields(kind)})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@settings(max_examples=25)
@given(data=st.data())
def test_a_message_arrives(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    line = encode(message)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert repr(decode(line)) == repr(message)  # NaN is not equal to itself


def test_a_line_is_plain_json() -> None:
    step = Stepped(step=3, epoch=1, loss=float("nan"), lr=0.06, momentum=0.9, seconds=float("inf"))
    assert encode(step) == (
        '{"event":"step","step":3,"epoch":1,"loss":"NaN","lr":0.06,"momentum":0.9,"seconds":"Infinity",'
        '"watched":null}'
    )
    assert encode(Stepped(1, 1, 2.5, 0.1, 0.9, 0.0)).startswith(
        '{"event":"step","step":1,"epoch":1,"loss":2.5,'
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "5",
        "{}",
        '{"event":"leap"}',
        '{"event":["step"]}',
        '{"event":"watched"}',
        '{"event":"saved"}',
        '{"event":"saved","step":"1"}',
        '{"event":"saved","step":1.0}',
        '{"event":"saved","step":1,"more":2}',
        '{"event":"failed","reason":5}',
        '{"event":"train","recipe":{"epochs":0}}',
        '{"event":"train","recipe":{},"paused":"no"}',
        '{"event":"watch","layer":1,"index":[0,0,0]}',
        '{"event":"watch","layer":1,"index":7}',
        '{"event":"setrate","max_lr":[1]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_message(line: str) -> None:
    with pytest.raises(ValueError, match=r"^not a message: "):
        decode(line)


@given(st.binary())
def test_rubbish_is_no_message(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        decode(line)


def test_what_may_be_left_out() -> None:
    values: Any = decode('{"event":"train","recipe":{"epochs":3}}')
    assert (values.recipe, values.paused) == (Recipe(epochs=3), False)
