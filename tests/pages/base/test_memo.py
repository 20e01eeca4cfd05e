"""A memo makes a value once for every change of its key."""

import pytest

from convtui.pages.base.memo import Memo


def test_the_value_is_made_once_while_the_key_stays() -> None:
    memo, made = Memo[str](), []

    def get(*key: object) -> str:
        def make() -> str:
            made.append(key)
            return f"made for {key}"

        return memo.get(key, make)

    values = [get(1, "a"), get(1, "a"), get(2, "a"), get(2, "a"), get(1, "a")]
    assert made == [(1, "a"), (2, "a"), (1, "a")]
    assert values == [f"made for {key}" for key in ((1, "a"), (1, "a"), (2, "a"), (2, "a"), (1, "a"))]
    assert values[1] is values[0] is not values[4]


def test_keys_that_compare_by_identity_are_told_apart() -> None:
    memo, one, other = Memo[object](), object(), object()
    first = memo.get((one,), object)
    assert memo.get((one,), object) is first
    assert memo.get((other,), object) is not first


def test_nothing_and_none_are_values_too() -> None:
    memo, made = Memo[None](), []
    for _ in range(2):
        assert memo.get("key", lambda: made.append(1)) is None
    assert made == [1]


def test_the_last_value_without_its_key() -> None:
    memo = Memo[int]()
    assert memo.value is None
    memo.get("key", lambda: 7)
    assert memo.value == 7


def test_a_value_that_cannot_be_made_leaves_the_last() -> None:
    memo = Memo[float]()
    memo.get(1, lambda: 2.0)
    with pytest.raises(ZeroDivisionError):
        memo.get(0, lambda: 1 / 0)
    assert memo.value == 2.0
    assert memo.get(1, lambda: 3.0) == 2.0
    assert memo.get(0, lambda: 4.0) == 4.0
