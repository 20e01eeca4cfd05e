"""The command palette finds everything, and everything it finds works."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.style import Style
from textual import events
from textual.command import CommandList
from textual.widgets import Input, OptionList

from convtui.app.command_menu import OPERATIONS, CommandMenu, commands
from convtui.engine import presets
from convtui.engine.kernels import NAMES
from convtui.engine.pool_layers import MaxPool
from convtui.engine.spec import PADDING_MODES
from convtui.engine.window_layers import ConvTranspose
from convtui.inputs import samples
from convtui.pages.base.keys import SECTIONS, all_keys
from convtui.pages.layers.page import LayersPage
from convtui.state import settings
from convtui.state.operation import KINDS
from convtui.store import session_file
from tests.support.driving import Driven, opened, until


async def test_every_command_sample_kernel_and_theme_is_found() -> None:
    async with opened() as driven:
        found = {command.title: command.help for command in commands(driven.app, driven.page)}
        titles = list(found)
        assert len(titles) == len(list(commands(driven.app, driven.page)))
        pages = SECTIONS["Pages"]
        for key in pages:
            assert found[f"Page: {key.footer}"] == f"{key.does} (key {key.written})"
        for key in (key for key in all_keys() if key not in pages):
            assert found[key.does[:1].upper() + key.does[1:]] == f"key {key.written}"
        assert {f"Image: {name}" for name in samples.image_names()} <= set(titles)
        assert {f"Session: {path.stem}" for path in samples.session_files()} <= set(titles)
        assert {f"Kernel: {name}" for name in NAMES} <= set(titles)
        assert {f"Kernel file: {path.stem}" for path in samples.kernel_files()} <= set(titles)
        assert {f"Padding mode: {mode}" for mode in PADDING_MODES} <= set(titles)
        assert sum(title.startswith("Operation: ") for title in titles) == len(KINDS)
        assert {"Theme: dark", "Theme: light"} <= set(titles)
        assert all(command.help for command in commands(driven.app, driven.page))


async def test_the_palette_begins_with_the_pages_and_ends_with_the_keys() -> None:
    async with opened() as driven:
        await driven.press("ctrl+p")
        await driven.app.workers.wait_for_complete()
        listed = driven.app.screen.query_one(OptionList)
        titles = [command.title for command in commands(driven.app, driven.page)]
        shown = [str(listed.get_option_at_index(at).prompt).split("\n")[0] for at in range(len(titles))]
        assert shown == titles
    kinds = list(dict.fromkeys(title.partition(":")[0] for title in titles if ":" in title))
    assert kinds[:6] == ["Page", "Lesson", "Idea", "Image", "Image of a data set", "Session"]
    assert titles.index("One row down") > titles.index("Theme: light")


async def test_an_image_of_a_data_set_is_asked_for_by_its_number() -> None:
    async with opened() as driven:
        found = {command.title: command.callback for command in commands(driven.app, driven.page)}
        for name in samples.data_names():
            found[f"Image of a data set: {name} …"]()
            await driven.pilot.pause()
            assert f"{name}:test:17" in driven.bottom
            await driven.press("enter")
            assert driven.session.picture.name.startswith(f"{name} test 17")


async def test_images_kernels_sessions_and_themes_are_taken() -> None:
    async with opened() as driven:
        found = {command.title: command.callback for command in commands(driven.app, driven.page)}
        for path in samples.session_files():
            found[f"Session: {path.stem}"]()
            assert driven.session.spec == session_file.load(path).spec, driven.said
            assert driven.session.path is None, "the lesson itself is not saved to"
        for name in samples.image_names():
            found[f"Image: {name}"]()
            assert driven.session.picture.name == name, driven.said
        for name in NAMES:
            found[f"Kernel: {name}"]()
            assert driven.session.kernel.name == name, driven.said
        for mode in PADDING_MODES:
            found[f"Padding mode: {mode}"]()
            assert driven.session.spec.padding_mode == mode, driven.said
        driven.app.change(lambda session: session.with_spec(stride=1))
        for name in presets.NAMES:
            found[f"Layers: {name}"]()
            assert driven.session.stack.name == name, driven.said
        for path in samples.layer_files():
            found[f"Layers: {path.stem}"]()
            assert driven.session.stack.name == path.stem, driven.said
        await driven.pilot.pause()
        assert isinstance(driven.page, LayersPage)
        driven.app.switch_mode("step")
        for padding in ("valid", "same"):
            found[f"Padding: {padding}"]()
            assert driven.session.spec.padding == padding, driven.said
        found["Theme: light"]()
        assert driven.app.theme == "convtui-light"


async def test_operations_are_taken() -> None:
    assert list(OPERATIONS) == list(KINDS)
    async with opened() as driven:
        found = {each.title: each.callback for each in commands(driven.app, driven.page)}
        for kind, about in OPERATIONS.items():
            found[f"Operation: {about.partition(':')[0]}"]()
            assert driven.session.kind == kind


async def test_padding_is_that_of_the_operation_on_show() -> None:
    async with opened() as driven:
        found = {command.title: command.callback for command in commands(driven.app, driven.page)}
        driven.app.change(settings.transition("operation convtranspose s2"))
        found["Padding: same-tf"]()
        assert isinstance(driven.session.layer, ConvTranspose), driven.said
        assert driven.session.layer.spec.padding == ((0, 1), (0, 1))
        driven.app.change(settings.transition("operation maxpool 3 s2"))
        found["Padding: same-tf"]()
        assert isinstance(driven.session.layer, MaxPool), driven.said
        assert driven.session.layer.spec.padding == ((0, 1), (0, 1))
        found["Padding mode: reflect"]()
        assert driven.refused
        assert "maxpool has none" in driven.said


async def test_kernel_files_are_taken_where_they_fit() -> None:
    async with opened() as driven:
        found = {command.title: command.callback for command in commands(driven.app, driven.page)}
        for path in samples.kernel_files():
            for name in ("mnist-7", "cat-32"):
                driven.app.open(name)
                found[f"Kernel file: {path.stem}"]()
                taken = driven.session.kernel.name == path.name
                assert taken or (driven.refused and "slices" in driven.said)
                if taken:
                    break
            else:
                raise AssertionError(f"{path.name} fits neither a grey nor a colour image")


async def test_the_palette_runs_what_one_types() -> None:
    async with opened() as driven:
        await driven.press("ctrl+p")
        await driven.press(*"kernel")
        driven.app.screen.query_one("Input").value = "Kernel: laplacian"  # type: ignore[attr-defined]
        await driven.app.workers.wait_for_complete()
        await driven.press("enter", "enter")
        await driven.pilot.pause()
        assert driven.session.kernel.name == "laplacian"
        assert driven.app.screen is driven.page


async def test_the_palette_runs_keys() -> None:
    async with opened() as driven:
        stride = next(
            command for command in commands(driven.app, driven.page) if command.title.startswith("Stride up")
        )
        result = stride.callback()
        assert result is not None
        await result
        assert driven.session.spec.stride == (2, 2)


@asynccontextmanager
async def found(text: str) -> AsyncIterator[tuple[Driven, CommandMenu, CommandList]]:
    """The palette after something was typed into it, and its list."""
    async with opened() as driven:
        await driven.press("ctrl+p")
        menu = driven.app.screen
        assert isinstance(menu, CommandMenu)
        menu.query_one(Input).value = text
        listed = menu.query_one(CommandList)
        await until(driven, lambda: listed.option_count > 0 and "-ready" in menu.classes)
        await driven.app.workers.wait_for_complete()
        yield driven, menu, listed


async def test_a_second_click_on_what_the_first_has_emptied() -> None:
    async with found("kernel") as (driven, _, listed):
        click = events.Click(listed, 1, 1, 0, 0, 1, False, False, False, style=Style(meta={"option": 2}))
        listed.clear_options()
        listed.post_message(click)
        await driven.pilot.pause()
        await driven.press("escape", "right")
        assert driven.session.index == 1


async def test_a_command_chosen_twice_runs_once() -> None:
    async with found("Stride up") as (driven, menu, listed):
        option = next(each for each in listed.options if "Stride up" in str(each.prompt))
        for _ in range(2):
            menu.post_message(OptionList.OptionSelected(listed, option, 0))
        await until(driven, lambda: driven.app.screen is driven.page)
        await driven.pilot.pause(0.1)
        assert driven.session.spec.stride == (2, 2)


async def test_the_palette_is_opened_while_it_is_being_closed() -> None:
    async with found("kernel") as (driven, menu, _):
        menu.dismiss()
        driven.app.action_command_palette()
        await driven.pilot.pause()
        assert driven.app.screen is not menu
        await driven.press("escape")
        assert driven.app.screen is driven.page


async def test_what_was_typed_before_the_palette_closed_looks_for_no_list() -> None:
    async with found("kernel") as (driven, menu, _):
        await menu.remove_children()
        menu.dismiss()
        menu._gather_commands("stride")
        await driven.pilot.pause()
        assert driven.app.screen is driven.page


async def test_a_mouse_that_is_drawn_over_a_page_selects_nothing() -> None:
    """Textual would remember the widget under it, which may be gone by then."""
    async with opened() as driven:
        await driven.pilot.mouse_down(offset=(5, 0))
        assert driven.app.screen._select_state is None
