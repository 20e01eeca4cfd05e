"""Undo and redo obey their laws, whatever was done."""

from hypothesis import given
from hypothesis import strategies as st

from convtui.state.history import MOST_ENTRIES, History

_runs = st.sampled_from(["", "", "move", "look"])
_done = st.lists(st.one_of(_runs, st.sampled_from(["undo", "redo"])), max_size=20)


def grown(deeds: list[str]) -> History[int]:
    """A history in which each new value is a number not yet used."""
    history = History(0)
    for number, deed in enumerate(deeds, 1):
        match deed:
            case "undo":
                history = history.undone()
            case "redo":
                history = history.redone()
            case run:
                history = history.then(number, run)
    return history


def timeline(history: History[int]) -> tuple[int, ...]:
    return (*history.past, history.present, *history.future)


@given(_done)
def test_undo_and_redo_move_along_one_timeline(deeds: list[str]) -> None:
    history = grown(deeds)
    assert timeline(history.undone()) == timeline(history.redone()) == timeline(history)
    assert list(timeline(history)) == sorted(set(timeline(history)))


@given(_done)
def test_redo_takes_back_an_undo_and_undo_a_redo(deeds: list[str]) -> None:
    history = grown(deeds)
    if history.past:
        assert history.undone().redone().present == history.present
    if history.future:
        assert history.redone().undone().present == history.present


@given(_done)
def test_undo_returns_to_what_was_there_before_a_change(deeds: list[str]) -> None:
    history = grown(deeds)
    changed = history.then(99)
    assert changed.undone().present == history.present
    assert changed.future == ()


@given(_done, st.integers(1, 5))
def test_a_run_is_one_entry(deeds: list[str], length: int) -> None:
    history = grown([*deeds, ""])
    run = history
    for value in range(90, 90 + length):
        run = run.then(value, "move")
    assert run.present == 89 + length
    assert run.undone().present == history.present
    assert run.then(99, "look").undone().present == run.present
    assert run.then(99).undone().present == run.present


@given(_done)
def test_an_undo_ends_the_run(deeds: list[str]) -> None:
    undone = grown(deeds).then(90, "move").undone()
    assert undone.then(91, "move").undone().present == undone.present


@given(_done)
def test_what_is_told_of_all_values_is_no_entry(deeds: list[str]) -> None:
    history = grown(deeds)
    mapped = history.mapped(lambda value: value + 1000)
    assert timeline(mapped) == tuple(value + 1000 for value in timeline(history))
    assert len(mapped.past) == len(history.past)
    assert mapped.kind == history.kind


def test_at_the_ends_nothing_happens() -> None:
    history = History("only")
    assert history.undone() is history
    assert history.redone() is history


def test_the_oldest_entries_are_forgotten() -> None:
    history = grown([""] * (MOST_ENTRIES + 5))
    assert len(history.past) == MOST_ENTRIES
    assert history.past[0] == 5
