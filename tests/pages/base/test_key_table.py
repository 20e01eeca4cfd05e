"""The table of keys is one that the app can keep."""

import re

import pytest

from convtui.pages.base.keys import (
    EDIT_KEYS,
    MOUSE,
    PAGES,
    SECTIONS,
    Key,
    all_keys,
    footer_keys,
    line_length,
    page_keys,
)
from convtui.pages.base.page import Page
from convtui.pages.batchnorm.page import BatchNormPage
from convtui.pages.layers.page import LayersPage
from convtui.pages.matrix.page import MatrixPage
from convtui.pages.step.page import StepPage
from convtui.pages.train.page import TrainPage

KEYS = all_keys()


def test_no_key_does_two_things() -> None:
    names = [name for key in KEYS for name in key.names.split(",")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("key", KEYS, ids=[key.names for key in KEYS])
def test_every_key_has_an_action(key: Key) -> None:
    from convtui.app.app import ConvtuiApp

    match = re.fullmatch(r"(screen|app)\.(\w+)\((.*)\)", key.full_action)
    assert match
    owner = ConvtuiApp if match[1] == "app" else StepPage
    assert callable(getattr(owner, f"action_{match[2]}"))


@pytest.mark.parametrize("page", [BatchNormPage, LayersPage, MatrixPage, StepPage, TrainPage])
def test_every_page_acts_on_its_keys(page: type[Page]) -> None:
    for key in (*page.COMMON, *page.KEYS):
        owner, _, call = key.full_action.partition(".")
        assert owner == "app" or hasattr(page, f"action_{call.partition('(')[0]}"), key


@pytest.mark.parametrize("key", KEYS, ids=[key.names for key in KEYS])
def test_every_key_is_bound_as_it_is_listed(key: Key) -> None:
    bound = StepPage().actions
    for name in key.names.split(","):
        assert bound[name] == key.full_action


def test_every_key_is_explained() -> None:
    assert all(key.does and key.written for key in KEYS)


def test_actions_that_go_both_ways_have_keys_for_both() -> None:
    both = {key.action.partition("(")[0] for key in KEYS if key.action.endswith("(-1)")}
    for name in both:
        actions = {key.action for key in KEYS}
        assert {f"{name}(1)", f"{name}(-1)"} <= actions


def test_sections_and_tables_are_filled() -> None:
    assert list(SECTIONS) == ["Pages", "Step", "Change", "Look", "Lesson", "Files"]
    assert all(SECTIONS.values())
    assert all(shown and does for shown, does in (*MOUSE, *EDIT_KEYS))


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("page", ["step", *PAGES])
def test_the_footer_fits_and_always_shows_the_way_to_all_keys(page: str, width: int) -> None:
    pages = page_keys(width)
    keys = footer_keys(PAGES.get(page, ()), KEYS, width - line_length(pages))
    assert line_length(keys) + line_length(pages) <= width
    assert {"help", "quit"} <= {word for _, word, _ in keys}
    assert ("1-5", "pages") in {(key, word) for key, word, _ in pages} or len(pages) == 5


def test_a_wide_footer_leaves_nothing_out() -> None:
    worded = [key for key in KEYS if key.footer]
    assert len(footer_keys((), KEYS, 200)) + len(page_keys(200)) == len(worded)


def test_words_of_the_footer_are_those_of_the_present_state() -> None:
    words = [word for _, word, _ in footer_keys((), KEYS, 200, {"play": "pause 8/s", "finish": ""})]
    assert "pause 8/s" in words
    assert not {"play", "finish", ""} & set(words)
