"""Every document is undone by itself, and whoever watches one is told of each change of it."""

import pytest

from convtui.state.history import Document, Timelines

NUMBER = Document[int]("number")
WORD = Document[str]("word")


def test_documents_are_undone_each_by_itself() -> None:
    timelines = Timelines()
    timelines.begin(NUMBER, 0)
    timelines.begin(WORD, "a")
    timelines.change(NUMBER, 1)
    timelines.change(WORD, "b")
    timelines.change(NUMBER, 2)
    assert timelines.undo(WORD)
    assert (timelines.present(NUMBER), timelines.present(WORD)) == (2, "a")
    assert timelines.undo(NUMBER)
    assert timelines.present(NUMBER) == 1
    assert timelines.redo(NUMBER)
    assert (timelines.present(NUMBER), timelines.present(WORD)) == (2, "a")


def test_it_is_told_whether_there_was_something_to_undo() -> None:
    timelines = Timelines()
    assert not timelines.undo(NUMBER)
    assert not timelines.redo(NUMBER)
    timelines.begin(NUMBER, 0)
    assert not timelines.undo(NUMBER)
    timelines.change(NUMBER, 1)
    assert timelines.undo(NUMBER)
    assert timelines.redo(NUMBER)
    assert not timelines.redo(NUMBER)


def test_changes_of_one_kind_are_one_entry() -> None:
    timelines = Timelines()
    timelines.begin(NUMBER, 0)
    for value in (1, 2, 3):
        timelines.change(NUMBER, value, "move")
    assert timelines.undo(NUMBER)
    assert timelines.present(NUMBER) == 0


def test_a_document_that_has_not_begun_has_no_present() -> None:
    timelines = Timelines()
    assert timelines.get(NUMBER) is None
    with pytest.raises(KeyError):
        timelines.present(NUMBER)
    with pytest.raises(KeyError):
        timelines.change(NUMBER, 1)
    timelines.begin(NUMBER, 0)
    assert timelines.get(NUMBER) == 0


def test_beginning_anew_forgets_what_was() -> None:
    timelines = Timelines()
    timelines.begin(NUMBER, 0)
    timelines.change(NUMBER, 1)
    timelines.begin(NUMBER, 5)
    assert not timelines.undo(NUMBER)
    assert timelines.present(NUMBER) == 5


def test_all_values_of_a_document_can_be_changed_alike() -> None:
    timelines = Timelines()
    timelines.begin(NUMBER, 0)
    timelines.change(NUMBER, 1)
    timelines.undo(NUMBER)
    timelines.map(NUMBER, lambda value: value + 10)
    assert timelines.present(NUMBER) == 10
    assert timelines.redo(NUMBER)
    assert timelines.present(NUMBER) == 11


def test_watchers_are_told_of_changes_of_their_document_alone() -> None:
    timelines = Timelines()
    seen: list[int] = []
    timelines.watch(NUMBER, lambda: seen.append(timelines.present(NUMBER)))
    timelines.begin(NUMBER, 0)
    timelines.begin(WORD, "a")
    timelines.change(WORD, "b")
    timelines.change(NUMBER, 1)
    timelines.undo(NUMBER)
    timelines.undo(NUMBER)  # there is nothing more
    assert seen == [0, 1, 0]
