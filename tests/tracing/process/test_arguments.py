"""Arguments as they are typed, and why a class or function does not take them."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from convtui.tracing.process.arguments import parse_arguments, why_not_taken


def by_place_and_name(width: int, depth: int = 1, *, name: str = "net") -> None: ...


def two_needed(width: int, *, name: str) -> None: ...


def anything(*args: object, **kwargs: object) -> None: ...


def nothing() -> None: ...


def test_they_are_read_as_python_writes_them() -> None:
    assert parse_arguments(["1", "[2, 3]", "resnet", "a=None", "b=x=y", "-1"]) == (
        [1, [2, 3], "resnet", -1],
        {"a": None, "b": "x=y"},
    )


@pytest.mark.parametrize(
    ("made", "positional", "named", "words"),
    [
        (by_place_and_name, [1], {}, ""),
        (by_place_and_name, ["wrong, but taken"], {"depth": None}, ""),
        (anything, [1, 2, 3], {"x": 4}, ""),
        (by_place_and_name, [], {}, "needs its argument width; arguments follow after --: -- width=…"),
        (
            two_needed,
            [],
            {},
            "needs its arguments width and name; arguments follow after --: -- width=… name=…",
        ),
        (two_needed, [1], {}, "needs its argument name; arguments follow after --: -- name=…"),
        (by_place_and_name, [1], {"deep": 2}, "takes no argument deep; did you mean depth?"),
        (
            by_place_and_name,
            [1],
            {"x": 2},
            "takes no argument x; it takes width, depth=1, name='net'",
        ),
        (
            by_place_and_name,
            [1, 2, 3],
            {},
            "takes 2 arguments by place, and gets 3; it takes width, depth=1, name='net'",
        ),
        (by_place_and_name, [1], {"width": 2}, "gets its argument width twice; it takes width, depth=1, "),
        (nothing, [1], {}, "takes no arguments, and gets 1"),
        (nothing, [], {"x": 1}, "takes no argument x"),
        (
            nn.Flatten,
            [1, 2, 3],
            {},
            "takes 2 arguments by place, and gets 3; it takes start_dim=1, ",
        ),
    ],
)
def test_what_is_not_taken(
    made: Callable[..., object], positional: list[Any], named: dict[str, Any], words: str
) -> None:
    told = why_not_taken(made, positional, named)
    assert told.startswith(words) if words else not told


def test_what_has_no_signature_is_called_to_see() -> None:
    assert why_not_taken(type, [1, 2, 3, 4, 5], {}) == ""
