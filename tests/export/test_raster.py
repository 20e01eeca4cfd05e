"""The pixels are those of the diagram, the same each time; a GIF plays what its frames show."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from convtui.export.diagram import Box, Diagram, Frame, Label, Mover, Outline
from convtui.export.raster import FONT, animated_gif, still_png
from tests.export.subjects import swept

BLACK, RED, GREEN, BLUE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)
COMMANDS = ("count-5x5", "mnist-7 --padding 1", "cat-32 --kernel edges --stride 2")


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def frames_of(content: bytes) -> list[Image.Image]:
    return [frame.convert("RGB") for frame in ImageSequence.Iterator(opened(content))]


def moving(count: int = 3) -> Diagram:
    frames = tuple(Frame(0.25 * (at + 1), (Box(4 * at, 0, 3, 3, RED),)) for at in range(count))
    mover = Mover((Outline(0, 5, 3, 3, GREEN, 1),), tuple((4 * at, 0) for at in range(count)))
    return Diagram(20, 10, BLACK, "", (Box(16, 8, 2, 2, BLUE),), frames, (mover,))


def test_each_frame_shows_what_it_should() -> None:
    content = animated_gif(moving())
    frames = frames_of(content)
    assert len(frames) == 3
    for at, frame in enumerate(frames):
        assert [frame.getpixel((4 * x + 1, 1)) for x in range(3)] == [
            RED if x <= at else BLACK for x in range(3)
        ]
        assert [frame.getpixel((4 * x, 5)) for x in range(3)] == [
            GREEN if x == at else BLACK for x in range(3)
        ]
        assert frame.getpixel((4 * at + 1, 6)) == BLACK  # inside the outline
        assert frame.getpixel((17, 9)) == BLUE
        assert frame.size == (20, 10)


def test_it_lasts_as_long_as_the_diagram_and_begins_again() -> None:
    image = opened(animated_gif(moving()))
    assert image.info["loop"] == 0
    assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [250, 500, 750]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_gif_ends_as_the_still(command: str) -> None:
    diagram = swept(command, every=8)
    content = animated_gif(diagram)
    frames = frames_of(content)
    assert len(frames) == len(diagram.frames)
    still = (
        opened(still_png(diagram))
        .convert("RGB")
        .resize((diagram.width, diagram.height), Image.Resampling.BOX)
    )
    difference = np.abs(np.asarray(frames[-1]).astype(int) - np.asarray(still)).max(axis=-1)
    assert (difference > 32).mean() < 0.03  # edges of letters
    for shape in diagram.still().base:
        if isinstance(shape, Box):
            assert difference[shape.y, shape.x] <= 32


def test_the_same_bytes_twice() -> None:
    for write in (animated_gif, still_png):
        assert write(swept("count-5x5 --padding 1")) == write(swept("count-5x5 --padding 1"))


def test_a_sweep_over_5x5_pixels_is_small() -> None:
    assert len(animated_gif(swept("count-5x5 --padding 1"))) < 100_000


def test_a_still_is_twice_as_sharp() -> None:
    image = opened(still_png(moving()))
    assert image.size == (40, 20)
    assert image.convert("RGB").getpixel((17, 3)) == RED


def test_the_font_has_every_character_that_is_written() -> None:
    from PIL import ImageFont

    font = ImageFont.truetype(str(FONT), 20)
    missing = font.getmask("\uffff")
    words = {
        character
        for command in COMMANDS
        for frame in swept(command, every=8).frames
        for shape in (*swept(command, every=8).base, *frame.passing)
        if isinstance(shape, Label)
        for character in shape.text
    } | set("≈…×∗=→·−")
    for character in words - {" "}:
        mask = font.getmask(character)
        assert (mask.size, bytes(mask)) != (missing.size, bytes(missing)), character
        assert font.getlength(character) == font.getlength("0")
