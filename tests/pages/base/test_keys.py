"""Every key does what it says."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from convtui.pages.base.keys import all_keys
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import SESSION, Session, Zoom
from tests.state.test_session import fingerprint
from tests.support.driving import opened
from tests.support.example_sessions import Change, lesson, session_on


@dataclass(frozen=True)
class Effect:
    """What a key makes of a session."""

    start: Callable[[], Session]
    change: Change


def middle() -> Session:
    return lesson().at(28 * 10 + 12)


def colour() -> Session:
    return session_on("cat-32", "edges").at(40)


def settled() -> Session:
    """Every number can be made smaller."""
    return session_on("cat-32", "edges", padding=2, stride=2, dilation=2).at(100)


def to(session: Session) -> Change:
    return lambda _: session


def spec(**given: object) -> Change:
    return lambda session: session.with_spec(**given)


MOVES = {
    "right": Effect(middle, lambda s: s.moved(1)),
    "l": Effect(middle, lambda s: s.moved(1)),
    "left": Effect(middle, lambda s: s.moved(-1)),
    "h": Effect(middle, lambda s: s.moved(-1)),
    "down": Effect(middle, lambda s: s.moved_rows(1)),
    "j": Effect(middle, lambda s: s.moved_rows(1)),
    "up": Effect(middle, lambda s: s.moved_rows(-1)),
    "k": Effect(middle, lambda s: s.moved_rows(-1)),
    "enter": Effect(middle, lambda s: s.multiply_added()),
    "m": Effect(middle, lambda s: s.multiply_added()),
    "backspace": Effect(lambda: middle().multiply_added(4), lambda s: s.multiply_added(-1)),
    "home": Effect(middle, lambda s: s.at(0)),
    "end": Effect(middle, lambda s: s.at(s.size - 1)),
    "pagedown": Effect(colour, lambda s: s.moved_channels(1)),
    "pageup": Effect(lambda: colour().moved_channels(2), lambda s: s.moved_channels(-1)),
    "f": Effect(middle, lambda s: s.finished()),
    "r": Effect(middle, lambda s: s.restarted()),
}
CHANGES = {
    "t": Effect(middle, spec(stride=2)),
    "T": Effect(settled, spec(stride=1)),
    "p": Effect(middle, spec(padding=2)),
    "P": Effect(settled, spec(padding=1)),
    "d": Effect(middle, spec(dilation=2)),
    "D": Effect(settled, spec(dilation=1)),
    "z": Effect(middle, lambda s: s.with_kernel_size(4)),
    "Z": Effect(settled, lambda s: s.with_kernel_size(2)),
    "G": Effect(colour, lambda s: s.with_groups(3)),
    "x": Effect(middle, spec(padding_mode="reflect")),
    "i": Effect(middle, lambda s: s.with_filters(2)),
    "I": Effect(settled, lambda s: s.with_filters(3)),
    "n": Effect(middle, lambda s: s.with_kernel(KernelChoice("bottom-edge"))),
    "b": Effect(middle, lambda s: s.with_kind("convtranspose")),
    "B": Effect(middle, lambda s: s.with_kind("adaptiveavgpool")),
    "w": Effect(lambda: middle().with_kind("convtranspose"), lambda s: s.with_way("gather")),
    "N": Effect(middle, lambda s: s.with_kernel(KernelChoice("random"))),
}
LOOKS = {
    "c": Effect(colour, lambda s: s.with_view(slice=0)),
    "C": Effect(colour, lambda s: s.with_view(slice=2)),
    "plus": Effect(middle, lambda s: s.with_view(zoom=Zoom.NUMBERS)),
    "equals_sign": Effect(middle, lambda s: s.with_view(zoom=Zoom.NUMBERS)),
    "minus": Effect(middle, lambda s: s.with_view(zoom=Zoom.HALF_BLOCKS)),
    "0": Effect(lambda: middle().with_view(zoom=Zoom.NUMBERS), lambda s: s.with_view(zoom=None)),
    "H": Effect(middle, lambda s: s.with_view(hints=False)),
}
PLAYING = {"space", "full_stop", "greater_than_sign", "comma", "less_than_sign"}  # in test_playing.py
ASKING = {"g", "colon", "s", "S", "o", "e"}  # in test_typing.py, test_editing.py and test_app.py
HELPING = {"question_mark", "f1"}  # in test_help.py
LEARNING = {"A", "F", "J", "O", "U"}  # in test_tutor.py
POINTING = {"escape"}  # in test_step.py
COPYING = {"Y", "ctrl+y", "ctrl+g", "ctrl+f"}  # in test_carrying_away.py
UNDOING = {"u", "ctrl+r"}  # below, and in test_app.py
QUITTING = {"q", "ctrl+c", "ctrl+z"}  # in test_app.py; to the background only a real terminal can go
SUSPENDING = {"ctrl+z"}  # Textual's own
PAGES = {"1", "2", "3", "4", "5"}  # the pages have tests of their own


def test_no_key_is_left_out() -> None:
    listed = {name for key in all_keys() for name in key.names.split(",")}
    tested = (
        PLAYING | ASKING | HELPING | POINTING | COPYING | UNDOING | QUITTING | SUSPENDING | PAGES | LEARNING
    )
    assert listed == {*MOVES, *CHANGES, *LOOKS, *tested}


@pytest.mark.parametrize("table", [MOVES, CHANGES, LOOKS], ids=["moves", "changes", "looks"])
async def test_keys_do_what_they_say(table: dict[str, Effect]) -> None:
    async with opened() as driven:
        for key, effect in table.items():
            start = effect.start()
            driven.app.timelines.begin(SESSION, start)
            await driven.press(key)
            assert fingerprint(driven.session) == fingerprint(effect.change(start)), key
            assert fingerprint(driven.session) != fingerprint(start), key
            assert driven.said == driven.session.went, key


async def test_every_key_can_be_undone_and_done_again() -> None:
    actions = {name: key.full_action for key in all_keys() for name in key.names.split(",")}
    async with opened() as driven:
        app = driven.app
        for key, effect in {**MOVES, **CHANGES, **LOOKS}.items():
            start = effect.start()
            app.change(to(start))
            await app.run_action(actions[key])
            after = app.session
            app.page.action_undo()
            assert app.session is start, key
            app.page.action_redo()
            assert app.session is after is not start, key


async def test_a_refusal_says_why_and_keeps_the_session() -> None:
    async with opened() as driven:
        for start, key, words in (
            (lesson(), "T", "stride 0: must be at least 1"),
            (lesson(padding=0), "P", "padding is already 0"),
            (lesson(), "D", "dilation 0: must be at least 1"),
            (lesson(size=2), "Z", "top-edge comes in sizes 2 to 11"),
            (lesson(), "G", "this image has only one"),
            (lesson(), "I", "at least one filter is needed"),
            (session_on("count-5x5", dilation=2), "d", "spans 7 rows but the padded image has only 5"),
            (session_on("count-5x5", padding="same"), "t", "needs stride 1"),
        ):
            driven.app.timelines.begin(SESSION, start)
            await driven.press(key)
            assert words in driven.said
            assert driven.refused
            assert driven.session is start
            await driven.pilot.pause()
            assert driven.said in " ".join(driven.text.split())
            await driven.press("right")
            assert driven.said == ""


async def test_sizes_go_on_to_those_in_which_all_filters_come() -> None:
    async with opened(session_on("mnist-7", "gaussian-blur").with_filters(2)) as driven:
        assert driven.session.filter_names == ("gaussian-blur", "sharpen")
        await driven.press("z")
        assert driven.session.spec.kernel_size == (5, 5)
        await driven.press("Z", "Z")
        assert driven.session.spec.kernel_size == (3, 3)
        assert "comes in sizes 3 to 11" in driven.said


async def test_padding_modes_that_cannot_fill_the_padding_are_passed_over() -> None:
    """reflect needs less padding than there are pixels; the next mode that can be had is replicate."""
    async with opened(session_on("count-5x5", padding=5)) as driven:
        await driven.press("x")
        assert driven.session.spec.padding_mode == "replicate"


async def test_modes_go_round() -> None:
    async with opened() as driven:
        modes = []
        for _ in range(4):
            await driven.press("x")
            modes.append(driven.session.spec.padding_mode)
        assert modes == ["reflect", "replicate", "circular", "zeros"]


async def test_groups_go_round() -> None:
    async with opened(session_on("cat-32", "edges")) as driven:
        await driven.press("G")
        assert driven.session.convolution.weight_shape == (6, 1, 3, 3)
        await driven.press("G")
        assert driven.session.convolution.weight_shape == (4, 3, 3, 3)


async def test_channels_go_round_and_a_grey_picture_has_only_one() -> None:
    async with opened(session_on("cat-32")) as driven:
        slices = []
        for _ in range(4):
            await driven.press("c")
            slices.append(driven.session.view.slice)
        assert slices == [0, 1, 2, None]
        driven.app.timelines.begin(SESSION, lesson())
        await driven.press("c")
        assert "only one channel" in driven.said


async def test_zooming_stops_at_the_largest_and_the_smallest() -> None:
    async with opened() as driven:
        for key, last in (("plus", Zoom.NUMBERS), ("minus", Zoom.HALF_BLOCKS)):
            await driven.press(*[key] * 3)
            assert driven.session.view.zoom is last
            assert driven.zoom() is last


async def test_uneven_padding_grows_and_shrinks_on_every_side() -> None:
    async with opened(lesson(padding=((0, 1), (2, 0)))) as driven:
        await driven.press("p")
        assert driven.session.spec.pads == ((1, 2), (3, 1))
        await driven.press("P", "P")
        assert driven.session.spec.pads == ((0, 0), (1, 0))


async def test_own_weights_keep_their_numbers_when_they_grow() -> None:
    start = lesson().with_weight_value(0, 0, 0, 0, 7.0)
    async with opened(start) as driven:
        await driven.press("z")
        assert driven.session.spec.kernel_size == (4, 4)
        assert driven.session.convolution.weight[0, 0, 0, 0] == 7
        await driven.press("n")
        assert driven.session.kernel == KernelChoice("bottom-edge")


async def test_moves_in_a_row_are_undone_at_once_and_changes_one_by_one() -> None:
    async with opened() as driven:
        await driven.press("right", "right", "down", "enter", "t", "t")
        assert driven.session.spec.stride == (3, 3)
        await driven.press("u")
        assert driven.session.spec.stride == (2, 2)
        await driven.press("u")
        assert (driven.session.spec.stride, driven.session.index, driven.session.taps) == ((1, 1), 30, 1)
        await driven.press("u")
        assert (driven.session.index, driven.session.taps) == (0, None)
        await driven.press("u")
        assert driven.said == "nothing to undo"
        await driven.press("ctrl+r", "ctrl+r", "ctrl+r")
        assert driven.session.spec.stride == (3, 3)
        await driven.press("ctrl+r")
        assert driven.said == "nothing to redo"
