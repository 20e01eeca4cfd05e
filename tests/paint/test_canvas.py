"""The canvas keeps the lines it has drawn, and never one that is no longer true."""

import random

import pytest
from textual.geometry import Region

from convtui.pages.base.step_grids import Pointer
from convtui.pages.step.page import StepPage
from convtui.paint.canvas import Canvas
from convtui.state.session import Session
from tests.support.driving import opened
from tests.support.example_sessions import Change, lesson, session_on


def changes(chance: random.Random) -> list[Change]:
    """Steps and changes of every kind in some order."""
    each: list[Change] = [
        lambda s: s.moved(1),
        lambda s: s.moved(-3),
        lambda s: s.moved_rows(1),
        lambda s: s.moved_channels(1),
        lambda s: s.multiply_added(),
        lambda s: s.multiply_added(7),
        lambda s: s.at(chance.randrange(400)),
        lambda s: s.finished(),
        lambda s: s.restarted(),
        lambda s: s.with_spec(stride=chance.randint(1, 3)),
        lambda s: s.with_spec(padding=chance.randint(0, 2)),
        lambda s: s.with_weight_value(0, 0, 1, 1, chance.random()),
        lambda s: s.with_bias_value(0, chance.random()),
        lambda s: s.with_pixel_value(0, 3, 3, chance.random()),
        lambda s: s.with_view(hints=not s.view.hints),
    ]
    return chance.choices(each, k=60)


@pytest.mark.parametrize(
    ("session", "size"),
    [(lesson(), (120, 40)), (session_on("cat-32", "edges"), (80, 24)), (session_on("count-5x5"), (60, 20))],
    ids=["lesson", "colour", "small"],
)
async def test_what_it_has_kept_is_what_it_would_draw_now(session: Session, size: tuple[int, int]) -> None:
    chance = random.Random(7)
    async with opened(session, size=size) as driven:
        page = driven.page
        assert isinstance(page, StepPage)
        canvas = page.query_one(Canvas)
        everything = Region(0, 0, canvas.size.width, canvas.size.height)
        for change in changes(chance):
            driven.app.change(change)
            page._pointer = Pointer(pixel=chance.choice([None, (1, 1)]))
            page.show_again()
            kept = canvas.render_lines(everything)
            canvas.place(canvas._panes, canvas.palette)
            assert kept == canvas.render_lines(everything)
            assert {strip.cell_length for strip in kept} == {canvas.size.width}


async def test_a_crop_is_a_part_of_the_whole() -> None:
    async with opened() as driven:
        canvas = driven.page.query_one(Canvas)
        whole = canvas.render_lines(Region(0, 0, canvas.size.width, canvas.size.height))
        part = canvas.render_lines(Region(10, 5, 30, 8))
        assert [strip.text for strip in part] == [strip.text[10:40] for strip in whole[5:13]]


async def test_without_colour_the_canvas_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(lesson().at(300)) as driven:
        canvas = driven.page.query_one(Canvas)
        for strip in canvas.render_lines(Region(0, 0, canvas.size.width, canvas.size.height)):
            for _, style, _ in strip:
                for colour in (style and style.color, style and style.bgcolor):
                    assert not colour or not colour.triplet or len(set(colour.triplet)) == 1
