"""Playing goes on by itself, as fast as is asked for, until the end or until it is paused."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.timer import Timer

from convtui.pages.base.player import MOST_TICKS, SPEEDS, Player
from convtui.pages.step.page import StepPage
from convtui.state.session import Session
from tests.support.driving import Driven, opened
from tests.support.example_sessions import counting, lesson, own, session_on


@pytest.fixture(autouse=True)
def _clock_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The player's timer never fires; the tests make its ticks."""
    set_interval = StepPage.set_interval

    def stand_still(screen: StepPage, every: float, callback: Callable[[], None], **given: Any) -> Timer:
        is_players = screen.player is not None and callback == screen.player.tick
        return set_interval(screen, 1e6 if is_players else every, callback, **given)

    monkeypatch.setattr(StepPage, "set_interval", stand_still)


def player_of(driven: Driven) -> Player:
    player = driven.page.player
    assert player is not None
    return player


def tick(driven: Driven, count: int = 1) -> None:
    for _ in range(count):
        player_of(driven).tick()


def short() -> Session:
    """Four cells of two multiply-adds."""
    return own([[[[1.0, 2.0]]]], counting(1, 2, 3))


async def test_space_plays_and_pauses() -> None:
    async with opened() as driven:
        await driven.press("space")
        assert driven.page.playing
        assert "space pause 8/s" in driven.bottom
        tick(driven, 3)
        assert driven.session.index == 3
        await driven.press("space")
        assert not driven.page.playing
        assert "▶" not in driven.bottom


async def test_it_plays_at_the_granularity_that_one_steps_with() -> None:
    async with opened(short()) as driven:
        await driven.press("enter", "space")
        tick(driven, 2)
        assert (driven.session.index, driven.session.taps) == (1, 1)


@pytest.mark.parametrize("inside", [False, True])
async def test_it_stops_at_the_end(inside: bool) -> None:
    async with opened(short()) as driven:
        if inside:
            await driven.press("enter")
        await driven.press("space")
        ticks = 0
        while driven.page.playing:
            tick(driven)
            ticks += 1
            assert ticks <= 8
        assert ticks == (7 if inside else 3)
        assert driven.session.index == 3
        assert driven.session.filled == 4
        await driven.press("end", "space")
        assert "r restarts" in driven.said
        assert not driven.page.playing


async def test_the_whole_play_is_undone_at_once() -> None:
    async with opened() as driven:
        await driven.press("t", "space")
        tick(driven, 20)
        await driven.press("u")
        assert driven.session.index == 0
        assert driven.session.spec.stride == (2, 2)


async def test_the_speed_is_changed_while_playing_and_before() -> None:
    async with opened() as driven:
        await driven.press("full_stop")
        assert "speed: 15 steps per second" in driven.said
        await driven.press("space", "greater_than_sign")
        assert "space pause 30/s" in driven.bottom
        assert driven.page.playing
        await driven.press("comma", "less_than_sign")
        assert "space pause 8/s" in driven.bottom


async def test_while_it_plays_the_footer_names_the_keys_for_the_speed() -> None:
    for size in ((80, 24), (120, 40)):
        async with opened(size=size) as driven:
            assert "speed" not in driven.bottom
            await driven.press("space")
            assert ". , speed" in driven.bottom
            await driven.press("space")
            assert "speed" not in driven.bottom


async def test_the_speed_stays_within_its_bounds() -> None:
    async with opened() as driven:
        for _ in range(12):
            driven.page.action_speed(1)
        assert f"{SPEEDS[-1]} steps" in driven.said
        for _ in range(12):
            driven.page.action_speed(-1)
        assert f"{SPEEDS[0]} step per second" in driven.said


async def test_a_second_has_as_many_steps_as_it_says() -> None:
    """High speeds take several steps a tick: more paints than that cannot be seen."""
    async with opened(session_on(counting(1, 60, 60))) as driven:
        for speed in SPEEDS:
            driven.app.change(lambda session: session.restarted())
            player_of(driven).speed = speed
            driven.page.action_play()
            tick(driven, min(speed, MOST_TICKS))
            assert driven.session.index == speed
            driven.page.pause()


async def test_a_second_inside_the_cells_has_as_many_multiply_adds_as_it_says() -> None:
    async with opened(session_on(counting(1, 60, 60))) as driven:
        for speed in (60, 480, 1920):
            driven.app.change(lambda session: session.at(0, 0))
            player_of(driven).speed = speed
            driven.page.action_play()
            tick(driven, MOST_TICKS)
            done = driven.session.index * driven.session.products + (driven.session.taps or 0)
            assert done == speed
            driven.page.pause()


async def test_changes_while_playing_go_on_from_the_window() -> None:
    async with opened() as driven:
        await driven.press("space")
        tick(driven, 40)
        await driven.press("t")
        assert driven.page.playing
        place = driven.session.index
        tick(driven)
        assert driven.session.index == place + 1


async def test_resizing_while_playing() -> None:
    async with opened() as driven:
        await driven.press("space")
        for width, height in ((80, 24), (60, 20), (30, 10), (150, 50)):
            await driven.resize(width, height)
            tick(driven)
            await driven.pilot.pause()
            assert len(driven.lines) == height
            assert {len(line) for line in driven.lines} == {width}
        assert driven.page.playing
        assert driven.session.index == 4
        assert "step 5 of 784" in driven.text


async def test_editing_pauses() -> None:
    async with opened() as driven:
        await driven.press("space", "e")
        assert not driven.page.playing


async def test_the_real_clock_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(StepPage, "set_interval")
    async with opened(short()) as driven:
        player_of(driven).speed = SPEEDS[-1]
        await driven.press("space")
        for _ in range(100):
            if not driven.page.playing:
                break
            await driven.pilot.pause(0.01)
        assert driven.session.index == 3


async def test_playing_what_is_finished_moves_the_window_only() -> None:
    async with opened(lesson().finished()) as driven:
        await driven.press("space")
        tick(driven, 5)
        assert (driven.session.index, driven.session.filled) == (5, 784)
