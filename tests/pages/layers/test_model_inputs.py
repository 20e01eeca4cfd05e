"""A network of the user's with inputs that a function of theirs makes, on the Layers page."""

from pathlib import Path

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.tracing.open_model import Opening
from tests.pages.layers.test_model_view import FILE, calm, model, press, view
from tests.support.driving import Driven, opened, until
from tests.support.example_sessions import session_on


def opening(name: str, inputs: str, file: Path = FILE) -> Opening:
    return Opening(f"{file}:{name}", inputs=f"{file}:{inputs}", mean=(0.5,))


async def traced(driven: Driven) -> None:
    await until(driven, lambda: driven.app.current_mode == "layers")
    await until(driven, lambda: model(driven).outcome is not None)
    await calm(driven)


async def test_what_is_seen_is_traced_to_the_input_that_is_drawn() -> None:
    session = session_on("digit-8x8-3")
    async with opened(session, network=opening("Paired", "photo_and_depth")) as driven:
        await traced(driven)
        assert "4 operations on 1x1x8x8 and 1x1x8x8 and 1" in driven.text
        # The image is one of them, and is drawn first; the other convolution sees none of it.
        assert driven.grid("image").title.startswith("digit-8x8-3 1x8x8")
        await press(driven, "tab", "down", "down")
        assert "sees 3x2 of input 1 (photo): rows 1-3, columns 0-1" in driven.text
        await press(driven, "tab")
        assert "sees none of input 1 (photo)" in driven.text
        # The other input: its own numbers, its own fields.
        await press(driven, "i")
        assert driven.said == "input 2 (depth): fields are of this input now"
        assert "sees 5x3 of input 2 (depth): rows 0-4, columns 0-2" in driven.text
        assert driven.grid("image").title.startswith("input 2 (depth) 1x8x8")
        outline = driven.grid("image").outline
        assert outline is not None
        assert (outline.rows, outline.columns) == (range(5), range(3))
        given = model(driven).input(1)
        assert given is not None
        photo = session.picture.pixels.astype(np.float32)
        np.testing.assert_allclose(given.arrays["output"], 1 - ((photo - 0.5)[..., ::-1]), atol=1e-6)
        await press(driven, "home")
        assert "pixel [0, 2, 0]" in driven.text
        assert driven.grid("mosaic").title == "1 channel of input"
        # Both join; the number is not drawn.
        await press(driven, "g")
        await driven.enter("3")
        await calm(driven)
        assert "sees 5x3 of input 2 (depth)" in driven.text
        await press(driven, "i")
        assert "sees 3x2 of input 1 (photo)" in driven.text
        # Run again: the function is called again, too, and so for another image.
        await press(driven, "R")
        await until(driven, lambda: model(driven).changed is not None)
        await calm(driven)
        assert "of input 1 (photo)" in driven.text
        await press(driven, "o")
        await driven.enter("mnist-7")
        await until(driven, lambda: "1x1x28x28 and 1x1x28x28 and 1:" in driven.text)
        await calm(driven)
        await press(driven, "g")
        await driven.enter("2")
        await press(driven, "enter")
        await until(driven, lambda: driven.app.current_mode == "step")
        operation = driven.session.operation
        assert isinstance(operation, Convolution)
        seven = model(driven).picture.pixels
        np.testing.assert_allclose(operation.image, 1 - (seven - 0.5)[..., ::-1], atol=1e-6)


async def test_samples_along_one_axis() -> None:
    async with opened(session_on("digit-8x8-3"), network=opening("Samples", "two_rows")) as driven:
        await traced(driven)
        assert "2 operations on 1x2x16" in driven.text
        assert driven.grid("image").title.startswith("input 1x2x16")
        await press(driven, "V")
        assert "takes no argument: it makes all inputs" in driven.text
        assert "normalised" not in driven.text
        await press(driven, "V", "V", "tab", "right", "right")
        assert "sees 4 of the input: 4-7" in driven.text
        outline = driven.grid("image").outline
        assert outline is not None
        assert (outline.rows, outline.columns) == (range(2), range(4, 8))
        await press(driven, "i")
        assert driven.said.startswith("the network has one input; --inputs names a function")


async def test_a_function_that_takes_more_than_the_image_is_refused() -> None:
    async with opened(session_on("digit-8x8-3"), network=opening("Paired", "of_two")) as driven:
        await traced(driven)
        assert "takes image, other; it is given the image alone" in " ".join(driven.text.split())


async def test_the_network_follows_the_image_of_the_session() -> None:
    """Opened with o anywhere, edited, and brought back by undo; not the input of an opened operation."""
    session = session_on("digit-8x8-3")
    async with opened(session, network=Opening(f"{FILE}:Branched")) as driven:
        await traced(driven)
        await press(driven, "o")
        await driven.enter("ramp-6x11")
        await until(driven, lambda: "13 operations on 1x1x6x11" in driven.text or "failed" in driven.text)
        await calm(driven)
        await press(driven, "u")
        await until(driven, lambda: "13 operations on 1x1x8x8" in driven.text)
        assert view(driven).model.picture.name == "digit-8x8-3"
        await press(driven, "ctrl+r")
        await until(driven, lambda: "1x1x6x11" in driven.text)
        await press(driven, "u", "1", "o")
        await driven.enter("digit-8x8-4")
        await press(driven, "3")
        await until(driven, lambda: view(driven).model.picture.name == "digit-8x8-4")
        await traced(driven)
        # What an operation reads is on the session, and yet no image.
        before = view(driven).model.picture
        await press(driven, "g")
        await driven.enter("6")
        await press(driven, "enter")
        await until(driven, lambda: driven.app.current_mode == "step")
        assert driven.session.picture is not before
        await press(driven, "3")
        assert view(driven).model.picture is before
        # Its four channels fit no image with one: a kernel that does stands for it.
        await press(driven, "g")
        await driven.enter("4")
        await press(driven, "enter")
        await until(driven, lambda: driven.app.current_mode == "step")
        assert len(driven.session.picture.pixels) == 4
        await press(driven, "3", "o")
        await driven.enter("digit-8x8-0")
        await until(driven, lambda: view(driven).model.picture.name == "digit-8x8-0")
        await traced(driven)
        # How it is read is typed here.
        await press(driven, "colon")
        await driven.enter("resize 16x12")
        await until(driven, lambda: view(driven).model.picture.resize == (16, 12))
        await until(driven, lambda: "1x1x16x12" in driven.text)
        await calm(driven)
        await press(driven, "colon")
        await driven.enter("stride 2")
        assert driven.said.startswith("stride 2: of your network's image can be set: resize 64")
        await press(driven, "colon")
        await driven.enter("size\u200b 2")
        assert driven.said.startswith("'size\\u200b 2': of your network's image can be set: resize 64")


async def test_a_page_that_was_left_meanwhile_is_not_left_for_another() -> None:
    async with opened(session_on("digit-8x8-3"), network=Opening(f"{FILE}:Branched")) as driven:
        await traced(driven)
        operation = driven.session.operation
        await press(driven, "tab")
        view(driven).open_selected()  # and, before its tensors are there:
        driven.app.open_page("batchnorm")
        await until(driven, lambda: driven.app.current_mode == "batchnorm")
        await calm(driven)
        await driven.pilot.pause()
        assert driven.app.current_mode == "batchnorm"
        assert driven.session.operation is operation
        await press(driven, "3", "enter")
        await until(driven, lambda: driven.app.current_mode == "step")


async def test_the_code_of_an_operation_takes_the_model_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("from torch import nn\n\nnet: nn.Module = nn.Sequential(nn.Conv2d(1, 2, 3))\n", "utf-8")
    async with opened(session_on("digit-8x8-3"), network=Opening(f"{file}:net")) as driven:
        await traced(driven)
        await press(driven, "g")
        await driven.enter("1")
        await calm(driven)
        assert "model = code.net.eval()" in view(driven).code_of_page()()
