"""The kernel, the bias and the image are edited in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.step.editing import TARGETS, Editing
from convtui.state.session import Session
from tests.support.driving import opened
from tests.support.example_sessions import counting, lesson, own, picture_of, session_on, sessions

# -- where the cursor is


@given(sessions(), st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=5), st.integers(0, 5))
def test_the_cursor_stays_on_what_is_edited(
    session: Session, moves: list[tuple[int, int]], tabs: int
) -> None:
    editing = Editing.begun(session)
    for _ in range(tabs):
        editing = editing.switched(session)
    for rows, columns in moves:
        editing = editing.moved(rows, columns, session)
    shapes = {
        "kernel": session.spec.kernel_size,
        "bias": (1, 1),
        "image": session.convolution.image_shape[1:],
    }
    rows, columns = shapes[editing.target]
    assert editing.target == TARGETS[tabs % 3]
    assert 0 <= editing.row < rows
    assert 0 <= editing.column < columns


@given(sessions(), st.integers(0, 2), st.data())
def test_a_number_sets_the_cell_that_was_named_and_no_other(
    session: Session, tabs: int, data: st.DataObject
) -> None:
    session = session.at(data.draw(st.integers(0, session.size)))
    editing = Editing.begun(session)
    for _ in range(tabs):
        editing = editing.switched(session)
    editing = editing.moved(data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9)), session)
    changed = editing.transition("77.25")(session)
    assert editing.question(changed).endswith(" = 77.25")
    before, after = session.convolution, changed.convolution
    different = int((before.weight != after.weight).sum() + (before.image != after.image).sum())
    old_bias = [0.0] * len(before.weight) if before.bias is None else before.bias.tolist()
    new_bias = old_bias if after.bias is None else after.bias.tolist()
    different += sum(a != b for a, b in zip(old_bias, new_bias, strict=True))
    assert different == 1


def test_cells_are_named_in_pytorchs_terms() -> None:
    session = session_on("cat-32", "edges", padding=1).with_view(slice=2).moved_channels(3)
    editing = Editing("kernel", 1, 2)
    value = f"{session.convolution.weight[3, 2, 1, 2]:g}"
    assert editing.question(session) == f"weight[3, 2, 1, 2] = {value}"
    assert editing.switched(session).question(session) == "bias[3] = 0"
    assert Editing("image", 4, 5).question(session).startswith("image[2, 4, 5] = ")


def test_a_click_moves_the_cursor_to_the_cell_or_the_nearest_that_can_be_edited() -> None:
    session = lesson()
    editing = Editing.begun(session)
    assert editing.clicked(False, (1, 2), session) == Editing("kernel", 1, 2)
    assert editing.clicked(True, (5, 19), session) == Editing("image", 4, 18)
    assert editing.clicked(True, (0, 29), session) == Editing("image", 0, 27)


# -- with the keyboard


async def test_arrows_move_a_number_sets_and_enter_takes() -> None:
    async with opened(own([[[[1.0, 2.0], [3.0, 4.0]]]], counting())) as driven:
        await driven.press("e")
        assert driven.editing
        assert "weight[0, 0, 0, 0] = 1" in driven.bottom
        await driven.press("down", "right")
        assert "weight[0, 0, 1, 1] = 4" in driven.bottom
        await driven.press("minus", "2", "full_stop", "5", "enter")
        assert driven.session.convolution.weight.tolist() == [[[[1, 2], [3, -2.5]]]]
        assert "weight[0, 0, 1, 1] = -2.5" in driven.bottom
        assert driven.editing


async def test_an_arrow_takes_the_number_and_moves() -> None:
    async with opened(own([[[[1.0, 2.0], [3.0, 4.0]]]], counting())) as driven:
        await driven.press("e", "9", "right", "8", "down", "7", "left", "6", "up")
        assert driven.session.convolution.weight.tolist() == [[[[9, 8], [6, 7]]]]
        assert driven.session.kernel.label == "mine (custom)"


async def test_fractions_can_be_typed() -> None:
    async with opened() as driven:
        await driven.press("e", "1", "slash", "9", "enter")
        assert driven.session.convolution.weight[0, 0, 0, 0] == 1 / 9


async def test_tab_goes_to_the_bias_the_image_and_back() -> None:
    async with opened(lesson().at(28 * 9 + 12)) as driven:
        await driven.press("e", "tab")
        assert "bias[0] = 0" in driven.bottom
        await driven.press("2", "tab")
        assert "image[0, 8, 11] = " in driven.bottom
        await driven.press("3", "tab")
        assert "weight[0, 0, 0, 0]" in driven.bottom
        assert driven.session.convolution.bias is not None
        assert driven.session.convolution.bias.tolist() == [2]
        assert driven.session.picture.pixels[0, 8, 11] == 3


async def test_escape_leaves_without_taking() -> None:
    async with opened() as driven:
        before = driven.session
        await driven.press("e", "5", "escape")
        assert not driven.editing
        assert driven.session is before
        assert "quit" in driven.bottom
        await driven.press("right")
        assert driven.session.index == 1


@pytest.mark.parametrize("keys", [["1", "e"], ["minus"], ["1", "slash", "0"]])
async def test_a_wrong_number_says_so_and_can_be_corrected(keys: list[str]) -> None:
    async with opened() as driven:
        before = driven.session
        await driven.press("e", *keys, "enter")
        assert driven.refused
        assert "must be a number, such as 0.5" in driven.said
        assert driven.session is before
        assert driven.editing
        await driven.press(*["backspace"] * len(keys), "8", "enter")
        assert driven.said == ""
        assert driven.session.convolution.weight[0, 0, 0, 0] == 8


async def test_letters_are_no_commands_while_editing() -> None:
    async with opened() as driven:
        before = driven.session
        await driven.press("e", "q", "t", "u", "space", "s", "question_mark")
        assert driven.editing
        assert driven.app.screen is driven.page
        assert driven.session is before


async def test_the_cell_under_the_cursor_is_marked() -> None:
    async with opened() as driven:
        await driven.press("e", "down")
        grid = driven.pane("kernel").grid
        assert grid is not None
        assert grid.focus == (1, 0)
        await driven.press("tab", "tab", "right")
        grid = driven.pane("image").grid
        assert grid is not None
        assert grid.focus == (1, 2)


async def test_the_cursor_goes_where_one_clicks() -> None:
    async with opened() as driven:
        await driven.press("e")
        await driven.click("kernel", (2, 1))
        assert "weight[0, 0, 2, 1] = 1" in driven.bottom
        await driven.press("5", "enter")
        assert driven.session.convolution.weight[0, 0, 2, 1] == 5
        await driven.click("image", (5, 19))
        assert "image[0, 4, 18]" in driven.bottom
        await driven.press("0", "full_stop", "5", "enter")
        assert driven.session.picture.pixels[0, 4, 18] == 0.5


async def test_every_edit_is_undone_by_itself() -> None:
    async with opened() as driven:
        await driven.press("e", "5", "right", "6", "enter", "escape", "u")
        assert driven.session.convolution.weight[0, 0, 0].tolist() == [5, -1, -1]
        await driven.press("u")
        assert driven.session.convolution.weight[0, 0, 0].tolist() == [-1, -1, -1]
        await driven.press("ctrl+r", "ctrl+r")
        assert driven.session.convolution.weight[0, 0, 0].tolist() == [5, 6, -1]


async def test_what_is_named_is_what_will_be_set_whatever_changes_meanwhile() -> None:
    async with opened(session_on("cat-32", "edges")) as driven:
        await driven.press("e", "down", "down", "right", "right")
        assert "weight[0, 0, 2, 2]" in driven.bottom
        await driven.press("pagedown")
        place = f"weight[{driven.session.position[0]}, 0, 2, 2]"
        assert place in driven.bottom
        await driven.click_on("‹", "size")
        assert f"weight[{driven.session.position[0]}, 0, 1, 1]" in driven.bottom


async def test_after_a_typed_setting_editing_goes_on() -> None:
    async with opened() as driven:
        await driven.press("e")
        await driven.click_on("1", "stride")
        await driven.enter("stride 2")
        assert driven.session.spec.stride == (2, 2)
        assert driven.editing
        await driven.press("4", "enter")
        assert driven.session.convolution.weight[0, 0, 0, 0] == 4


async def test_a_large_image_is_not_edited_and_says_why() -> None:
    async with opened(session_on(picture_of(np.zeros((1, 1001, 1000)), "wide"))) as driven:
        await driven.press("e", "tab", "tab", "1", "enter")
        assert "too large to edit" in driven.said
        assert driven.editing


async def test_the_way_out_is_always_in_sight() -> None:
    for size in ((120, 40), (80, 24), (60, 20)):
        async with opened(size=size) as driven:
            await driven.press("e")
            assert "esc ends" in driven.bottom
