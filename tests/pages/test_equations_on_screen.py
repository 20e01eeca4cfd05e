"""Whatever stands on the Step and Matrix pages as a sum or a product is read back and computed again."""

import asyncio
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.state.session import Session
from tests.support.driving import Driven, opened
from tests.support.equations_read import NUMBER, SIGNED, assert_product, hard_sessions, read_sum
from tests.support.example_sessions import session_on

SUM = re.compile(r"^ ?(?:sum of products|sum|slice \d|red|green|blue|output\[[\d, ]+\] =) {1,2}(.*?) *$")
ROW = re.compile(r"row \d+ · x \+ b = output\[[\d, ]+\] = ([-\de. +]+ [=≈] \S+(?: \(rounded\))?)")
PRODUCT = re.compile(rf"({SIGNED} [×·] {SIGNED} [=≈] {SIGNED})(?:,|\s|$)")
RUNNING = re.compile(rf"running sum ({SIGNED} [-+] {NUMBER} [=≈] {SIGNED}(?: \(rounded\))?)")


def checked(driven: Driven) -> int:
    """How many equations are seen; every one of them adds up."""
    found = 0
    for line in driven.lines:
        matches = (SUM.match(line), *RUNNING.finditer(line), *ROW.finditer(line))
        for text in (match[1] for match in matches if match):
            if " = " in text or " ≈ " in text:
                assert read_sum(text).adds_up, line
                found += 1
        for match in PRODUCT.finditer(line):
            assert_product(match[1])
            found += 1
    return found


def _instead(session: Session, _: Session) -> Session:
    return session


async def seen(sessions: list[Session], size: tuple[int, int]) -> int:
    """How many equations there are for all of these sessions, on both pages."""
    found = 0
    async with opened(sessions[0], size=size) as driven:
        for page in ("1", "2"):
            await driven.press(page)
            for session in sessions:
                driven.app.change(partial(_instead, session))
                await driven.pilot.pause()
                found += checked(driven)
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@settings(max_examples=4, deadline=None)
@given(sessions=st.lists(hard_sessions(), min_size=12, max_size=12))
def test_every_equation_on_the_screen_adds_up(size: tuple[int, int], sessions: list[Session]) -> None:
    assert asyncio.run(seen(sessions, size)) >= len(sessions)


async def test_the_lesson_adds_up_on_the_screen() -> None:
    start = session_on("mnist-7")
    async with opened(start.at(start.convolution.index(0, 7, 6)), size=(80, 24)) as driven:
        assert "sum  -1 - 1 - 0.698 + 0 + 0 + 0 + 0.992 + 0.992 + 0.992 = 0.278" in driven.text
        for _ in range(8):
            await driven.press("enter")
            assert checked(driven) >= 1
