"""What is typed: where to go, what to set, what to open."""

from tests.support.driving import opened
from tests.support.example_sessions import lesson, session_on


async def test_g_goes_to_a_cell() -> None:
    async with opened() as driven:
        await driven.press("g", "4", "comma", "1", "8")
        assert driven.typing
        assert "4,18" in driven.bottom
        await driven.press("enter")
        assert not driven.typing
        assert driven.session.position == (0, 4, 18)


async def test_g_goes_to_whatever_names_a_cell_or_a_step() -> None:
    async with opened() as driven:
        for text in ("0,4,18", "4 18", "(4, 18)", "131"):
            driven.app.change(lambda session: session.at(0))
            await driven.press("g")
            await driven.enter(text)
            assert driven.session.position == (0, 4, 18), text


async def test_g_refuses_where_there_is_no_cell() -> None:
    async with opened() as driven:
        for text in ("785", "0", "28,0", "1,0,0", "x", "1,2,3,4", "-1"):
            await driven.press("g")
            await driven.enter(text)
            assert driven.refused, text
            assert driven.session.index == 0, text


async def test_settings_are_typed() -> None:
    settings = {
        "stride 2,1": ("stride", (2, 1)),
        "padding 0,1,2,3": ("padding", ((0, 1), (2, 3))),
        "padding_mode circular": ("padding_mode", "circular"),
        "dilation=3": ("dilation", (3, 3)),
        "size 5": ("kernel_size", (5, 5)),
    }
    async with opened() as driven:
        for text, (setting, value) in settings.items():
            await driven.press("colon")
            await driven.enter(text)
            assert getattr(driven.session.spec, setting) == value, text
        await driven.press(*"u" * len(settings))
        assert driven.session.spec == lesson().spec


async def test_kernels_bias_and_filters_are_typed() -> None:
    async with opened() as driven:
        for text in ("kernel sobel-x 5", "filters 2", "bias 1 0.5"):
            await driven.press("colon")
            await driven.enter(text)
        assert driven.session.kernel.name == "sobel-x"
        assert driven.session.convolution.weight_shape == (2, 1, 5, 5)
        assert driven.session.convolution.bias is not None
        assert driven.session.convolution.bias.tolist() == [0, 0.5]


async def test_what_is_not_understood_or_refused_is_said() -> None:
    async with opened() as driven:
        before = driven.session
        for text in ("stride 0", "strid 2", "stride", "padding -1", "kernel nonesuch", "groups 2", "size 99"):
            await driven.press("colon")
            await driven.enter(text)
            assert driven.refused, text
            assert driven.session is before, text


async def test_escape_and_an_empty_line_leave_everything_as_it_was() -> None:
    async with opened() as driven:
        before = driven.session
        for key in ("g", "colon", "o", "S"):
            await driven.press(key)
            assert driven.typing, key
            await driven.press("escape")
            assert not driven.typing, key
        await driven.press("g", "enter")
        assert not driven.typing
        assert driven.session is before
        await driven.press("right")
        assert driven.session.index == 1


async def test_what_is_typed_stays_in_the_line() -> None:
    """No key that a line of text needs steps, changes or quits."""
    async with opened(lesson().at(100)) as driven:
        before = driven.session
        await driven.press("colon", "q", "t", "left", "right", "home", "end", "backspace")
        assert driven.typing
        assert driven.session is before
        assert driven.app.screen is driven.page
        await driven.press("escape", "right")
        assert driven.session.index == 101


async def test_a_second_question_takes_the_place_of_the_first() -> None:
    async with opened() as driven:
        await driven.press("g")
        driven.page.action_type("stride")
        await driven.pilot.pause()
        assert len(driven.page.query("Prompt")) == 1
        assert "stride 1" in driven.bottom
        await driven.enter("stride 3")
        assert driven.session.spec.stride == (3, 3)


async def test_o_opens_a_sample() -> None:
    async with opened() as driven:
        await driven.press("o")
        await driven.enter("digit-8x8-3")
        assert driven.session.picture.name == "digit-8x8-3"
        assert "digit-8x8-3" in driven.text
        await driven.press("u")
        assert driven.session.picture.name == "mnist-7"


async def test_o_refuses_what_is_not_there_and_suggests() -> None:
    async with opened() as driven:
        await driven.press("o")
        await driven.enter("cat-23")
        assert driven.refused
        assert "did you mean cat-32" in driven.said
        assert driven.session.picture.name == "mnist-7"


async def test_the_present_value_stands_ready_to_be_changed() -> None:
    start = session_on("cat-32", "edges", stride=2, padding=((0, 1), (0, 1)), groups=1)
    async with opened(start) as driven:
        for name in ("stride", "padding", "dilation", "size", "groups", "filters", "kernel"):
            driven.page.action_type(name)
            await driven.pilot.pause()
            assert f"{name} " in driven.bottom
            await driven.press("enter")
            assert not driven.refused, driven.said
            assert driven.session.spec == start.spec
            assert driven.session.convolution.weight_shape == start.convolution.weight_shape


async def test_what_is_refused_is_said_without_code() -> None:
    async with opened() as driven:
        await driven.press("D")
        assert driven.said == "dilation 0: must be at least 1"
        await driven.press("3", "g")
        await driven.enter("99,12")
        assert driven.said == "go to 99,12: no row 99; rows are 0 to 6"
