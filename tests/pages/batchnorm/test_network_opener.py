"""Which network is opened, without a screen: work is done at once, the app is timelines and a trainer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from convtui.pages.base.host import Host
from convtui.pages.batchnorm.network_opener import NetworkOpener
from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.pages.batchnorm.opened_network import BATCHNORM, OpenedNetwork
from convtui.state.history import Timelines
from convtui.training.next_run import NEXT_RUN, NextRun
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from tests.support.example_sessions import lesson
from tests.support.kept_runs import kept_run
from tests.support.small_runs import SMALL


@dataclass
class FakePage:
    """Does in order what a page has another thread do, and notes what is said."""

    host: Host
    said: list[str] = field(default_factory=list)
    held: list[Callable[[], Callable[[], None]]] = field(default_factory=list)
    is_slow: bool = False
    is_current: bool = True

    def in_thread(self, work: Callable[[], Callable[[], None]]) -> None:
        if self.is_slow:
            self.held.append(work)
        else:
            work()()

    def in_app_thread(self, then: Callable[[], None]) -> None:
        then()

    def say(self, text: str, error: bool = False) -> None:  # noqa: ARG002
        self.said.append(text)

    def quieten(self) -> None:
        """What was said stays noted."""

    def prompt(self, *_: Any, **__: Any) -> None:
        """Nothing is asked for."""

    def show_again(self) -> None:
        """There is nothing to draw."""


class Opening:
    """An opener with the app around it."""

    def __init__(self, recipe: Recipe = SMALL, shown: RunHistory | None = None) -> None:
        self.timelines = Timelines()
        self.timelines.begin(NEXT_RUN, NextRun(recipe))
        self.trainer = SimpleNamespace(shown=shown)
        host = cast(Host, SimpleNamespace(timelines=self.timelines, trainer=self.trainer, session=lesson()))
        self.page = FakePage(host)
        self.opener = NetworkOpener(self.page)

    @property
    def opened(self) -> OpenedNetwork:
        return self.timelines.present(BATCHNORM)


def record_of_a_run() -> RunHistory:
    run, training = kept_run()
    record = RunHistory(run.recipe, str(run.path))
    record.saved = training.step
    return record


def test_random_weights_are_opened_where_no_run_is_shown() -> None:
    opening = Opening()
    opening.opener.open_wanted()
    assert opening.opened.source == NetworkSource(SMALL)
    assert opening.opener.source_text(opening.opened) == "seed 0"


def test_while_one_is_opened_no_other_is() -> None:
    opening = Opening()
    opening.page.is_slow = True
    for _ in range(3):
        opening.opener.open_wanted()
    assert len(opening.page.held) == 1
    assert opening.opener.is_opening
    assert opening.opener.problem == "reading the images …"
    opening.page.held[0]()()
    assert not opening.opener.is_opening
    assert opening.opened.source.recipe == SMALL


def test_what_was_refused_is_tried_again_only_when_asked() -> None:
    opening = Opening(Recipe(data="/nowhere/digits"))
    for _ in range(3):
        opening.opener.open_wanted()
    assert len(opening.page.said) == 1
    assert opening.opener.problem == opening.page.said[0]
    assert "/nowhere/digits: no such data set" in opening.opener.problem
    opening.opener.forget_refusals()
    opening.opener.open_wanted()
    assert len(opening.page.said) == 2


def test_a_network_whose_session_cannot_start_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(*_: Any) -> None:
        raise ValueError("size 1: layer 3 gets one value per channel")

    monkeypatch.setattr("convtui.pages.batchnorm.network_opener.BatchNormSession.start", start)
    opening = Opening()
    for _ in range(2):
        opening.opener.open_wanted()
    assert opening.page.said == ["size 1: layer 3 gets one value per channel"]


def test_a_run_is_followed_until_something_is_done_or_random_weights_are_asked_for() -> None:
    record = record_of_a_run()
    opening = Opening(shown=record)
    opening.opener.open_wanted()
    first = opening.opened.source
    assert (first.run, first.step) == (record.run, record.saved)
    record.saved += 1
    opening.opener.open_wanted()
    assert opening.opened.source.step == record.saved
    touched = opening.opened.with_session(opening.opened.session.with_gamma(3))
    opening.timelines.change(BATCHNORM, touched)
    record.saved += 1
    opening.opener.open_wanted()
    assert opening.opened is touched
    assert opening.opener.source_text(touched) == f"run 1 (newer: step {record.saved})"
    opening.opener.open_seeded(4)
    assert opening.opened.source.seed == 4
    opening.opener.open_wanted()
    assert opening.opened.source.seed == 4


def test_what_undo_brings_back_is_not_followed_until_it_is_redone() -> None:
    record = record_of_a_run()
    opening = Opening(shown=record)
    opening.opener.open_wanted()
    first = opening.opened.source
    opening.timelines.change(BATCHNORM, opening.opened.with_session(opening.opened.session.at_channel(1)))
    record.saved += 1
    opening.opener.open_wanted()
    assert opening.opened.source.step == record.saved
    opening.timelines.undo(BATCHNORM)
    opening.opener.open_wanted()
    assert opening.opened.source == first
    assert opening.opener.source_text(opening.opened) == f"run 1 (newer: step {record.saved})"
    record.saved += 1
    opening.opener.open_wanted()
    assert opening.opened.source == first
    opening.timelines.redo(BATCHNORM)
    opening.opener.open_wanted()
    assert opening.opened.source.step == record.saved


def test_random_weights_that_undo_brings_back_stay() -> None:
    opening = Opening(shown=(record := record_of_a_run()))
    opening.opener.open_wanted()
    opening.opener.open_seeded(4)
    opening.timelines.change(BATCHNORM, opening.opened.with_session(opening.opened.session.at_channel(1)))
    opening.opener.switch_weights()
    assert opening.opened.source.run == record.run
    opening.timelines.undo(BATCHNORM)
    opening.opener.open_wanted()
    assert opening.opened.source.seed == 4


def test_news_are_another_run_or_another_checkpoint() -> None:
    record = record_of_a_run()
    opening = Opening()
    assert not opening.opener.has_news()
    opening.trainer.shown = record
    assert [opening.opener.has_news(), opening.opener.has_news()] == [True, False]
    record.saved += 1
    assert [opening.opener.has_news(), opening.opener.has_news()] == [True, False]


def test_settings_stay_for_other_weights_of_the_same_layers() -> None:
    opening = Opening()
    opening.opener.open_wanted()
    session = opening.opened.session.with_norm(momentum=None).at_channel(1)
    opening.timelines.change(BATCHNORM, opening.opened.with_session(session))
    measurer = opening.opened.measurer
    opening.opener.open_seeded(4)
    assert opening.opened.measurer is measurer
    assert (opening.opened.session.norm.momentum, opening.opened.session.channel) == (None, 1)
    assert opening.timelines.undo(BATCHNORM)
    assert opening.opened.source.seed == 0
