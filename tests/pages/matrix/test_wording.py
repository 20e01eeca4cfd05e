"""Sentences fit into their panes."""

from convtui.pages.matrix.shown import shown_in
from convtui.pages.matrix.wording import fitting, shape_words, share_of, without_values, wrapped
from tests.support.example_sessions import lesson


def test_what_is_longer_than_its_lines_ends_in_dots() -> None:
    assert wrapped(["one two three four"], 9, 1) == ["one two …"]
    assert wrapped(["one two three four"], 9, 3) == ["one two", "three", "four"]


def test_of_several_sentences_the_first_that_fits_is_taken() -> None:
    assert wrapped(["one two three", "one two", "one"], 9, 1) == ["one two"]
    assert wrapped(["one two three", "one two three"], 9, 1) == ["one two …"]


def test_the_last_sentence_is_taken_where_none_fits() -> None:
    assert fitting(7, "one two three", "one two", "one") == "one two"
    assert fitting(2, "one two three", "one") == "one"


def test_words_about_any_matrix() -> None:
    shown = shown_in(lesson())
    assert shape_words(shown) == ("784 rows (output cells) x 784 columns (pixels)", "784 x 784")
    assert share_of(shown.matrix, 6147) == "1%"
    assert without_values(shown, 40) == "every pixel is read by a window"
