"""The Step page goes through poolings and transposed convolutions as it does through convolutions."""

import pytest

from convtui.state.operation import KINDS
from convtui.state.settings import operation_change
from tests.support.driving import opened, until
from tests.support.example_sessions import session_on


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
async def test_every_operation_is_gone_through_by_keys(size: tuple[int, int]) -> None:
    """Every key that changes or steps does something or says why not; no key breaks the page."""
    async with opened(session_on("digit-8x8-3"), size=size) as driven:
        for kind in (*KINDS[1:], "conv"):
            await driven.press("b")
            assert driven.session.kind == kind
            await driven.press("right", "enter", "enter", "down", "backspace", "end", "left", "home")
            for key in ("t", "p", "z", "x", "d", "G", "i", "n", "w", "c", "e", "escape"):
                before = driven.session
                await driven.press(key)
                if driven.session is before and key not in ("e", "escape", "G", "c", "n", "i"):
                    assert driven.refused, (kind, key)
            await driven.press("f", "r", "Y")
            await until(driven, lambda: "copied" in driven.said)
            assert f"y = {driven.session.torch_call}\n" in driven.app.clipboard


async def test_a_maximum_shows_its_winner() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "b", "right", "right")
        assert "greatest of 1, 0.9375, 0.5, 1 = 1" in driven.text
        assert (
            "image[0, 0, 4] wins, the first of 2 that are equal; all of the gradient goes to it"
            in driven.text
        )
        await driven.press("enter", "enter")
        assert "entry 2 of 4:  0.9375 < 1, which stays the greatest" in driven.text
        assert "entry" in driven.bottom


async def test_pixels_land_and_the_output_is_the_sum() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "t", "right")
        assert "input cell 2 of 64" in driven.text
        assert "checkerboard: stride 2 does not divide kernel size 3" in driven.text
        assert "pixel" in driven.bottom
        await driven.press("w")
        assert "kernel, flipped" in driven.text
        assert "window over zeros (tinted)" in driven.text


async def test_a_click_on_the_output_goes_to_the_pixel_that_lands_there() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "t")
        await driven.click("output", (8, 8))
        assert driven.session.position == (0, 3, 3)


async def test_a_pooling_edits_only_the_image() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "b", "e")
        assert "image[0, 0, 0] = 0" in driven.text
        await driven.press("5", "enter", "escape")
        assert driven.session.operation.image[0, 0, 0] == 5
        assert driven.session.operation.output[0, 0, 0] == 5  # type: ignore[union-attr]


async def test_the_flipped_kernel_is_edited_where_it_is_seen() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "w", "e")
        assert "weight[0, 0, 0, 0] = -1" in driven.text
        await driven.press("7", "enter", "escape")
        assert driven.session.convolution.weight[0, 0, 0, 0] == 7


async def test_pixels_between_zeros_are_edited_where_they_are_seen() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "t", "w", "g")
        await driven.enter("9,10")
        await driven.press("e", "tab", "tab")
        assert "image[0, 4, 4] = " in driven.text  # rows 7 to 9 of the spread image, columns 8 to 10
        await driven.click("image", (2 + 2 * 3, 2 + 2 * 5))
        assert "image[0, 3, 5] = " in driven.text
        await driven.click("image", (2 + 2 * 3 + 1, 2 + 2 * 5))
        assert "image[0, 3, 5] = " in driven.text


async def test_an_output_padding_that_is_illegal_is_refused() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "x")
        assert "output_padding 1: must be smaller than the stride" in driven.said
        await driven.press("colon")
        await driven.enter("stride 2,1")
        await driven.press("x")
        assert driven.session.torch_call == "F.conv_transpose2d(x, w, stride=(2, 1), output_padding=(1, 0))"
        await driven.press("x")
        assert "output_padding" not in driven.session.torch_call


async def test_a_divisor_is_typed_and_a_call_that_there_is_not_is_not_copied() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("colon")
        await driven.enter("operation avgpool 2 p1:0x0:0 ceil div3")
        await driven.click_on("3", after="divisor")
        assert "divisor_override 3" in driven.text
        await driven.press("escape", "Y")
        await until(driven, lambda: driven.said != "")
        assert "no single PyTorch call" in driven.said
        assert "copied" not in driven.said


async def test_undo_brings_the_operation_back() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "b", "z", "u", "u")
        assert driven.session.kind == "convtranspose"
        await driven.press("u")
        assert driven.session.kind == "conv"


async def test_an_operation_is_typed() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("colon")
        await driven.enter("operation adaptiveavgpool 3x5")
        assert driven.session.operation.output_shape == (1, 3, 5)
        await driven.press("colon")
        await driven.enter("operation maxpool 3 p2")
        assert "at most half the kernel_size" in driven.said
        await driven.press("escape", "n")
        assert "a pooling has no weights" in driven.said


async def test_a_pixel_pointed_at_shows_where_it_goes() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "t")
        await driven.hover("image", (1, 1))
        assert "image[0, 1, 1] lands on rows 2-4, columns 2-4" in driven.text
        await driven.press("w")
        await driven.click("image", (4, 4))
        assert driven.grid("output").readers.count == 9


async def test_a_pixel_pointed_at_shows_which_window_reads_it() -> None:
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("b", "b")
        await driven.hover("image", (1, 1))
        assert "image[0, 1, 1] is read by row 0, column 0" in driven.text


async def test_an_entry_pointed_at_that_the_next_window_has_not_is_let_go() -> None:
    """Of 8 rows in three windows the middle one has 4, the others 3."""
    async with opened(session_on("digit-8x8-3")) as driven:
        await driven.press("colon")
        await driven.enter("operation adaptiveavgpool 3")
        await driven.press("down")
        await driven.hover("window", (3, 1))
        assert driven.grid("image").focus == (5, 1)
        await driven.press("up")
        assert driven.grid("image").focus is None


async def test_a_pooled_colour_image_has_its_colours() -> None:
    async with opened(session_on("colours-12x12", "edges")) as driven:
        await driven.press("b", "b", "pagedown")
        assert driven.grid("output").colour_channel == 1
        assert "▸green" in driven.text
        assert "window · green" in driven.text


async def test_page_keys_go_through_what_a_pixel_lands_on_and_c_through_its_channels() -> None:
    session = operation_change("convtranspose 3x3 4 s2")(session_on("colours-12x12", "edges"))
    async with opened(session) as driven:
        await driven.press("pagedown", "pagedown")
        assert driven.session.output_channel == 2
        assert driven.session.position == (0, 0, 0)
        assert "output[2] of 4x" in driven.text
        await driven.press("c")
        assert driven.session.position == (1, 0, 0)
        assert driven.session.output_channel == 2
