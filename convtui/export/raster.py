"""A diagram as pixels: PNG and GIF by Pillow, with a font that travels with convtui.

The same diagram gives the same pixels on every machine, and with the same Pillow the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from convtui.export.diagram import Box, Diagram, Label, Shape
from convtui.paint.colours import RGB

MARK: Final = "convtui diagram"  # in the file, from which it is known again
FONT: Final = Path(__file__).parent / "font" / "mono.ttf"
SHARP: Final = 2  # pixels a unit of a still

_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}
_SHADES: Final = 24  # colours of text, where they are not many with those of the cells
_MOST: Final = 255  # colours; the last place of a GIF's palette is for what is not drawn again


def still_png(diagram: Diagram) -> bytes:
    """The last frame."""
    image = _canvas(diagram, SHARP)
    _draw(ImageDraw.Draw(image), diagram.still().base, SHARP)
    content = BytesIO()
    told = PngInfo()
    told.add_text("Software", MARK)
    image.save(content, "PNG", optimize=True, pnginfo=told)
    return content.getvalue()


def animated_gif(diagram: Diagram) -> bytes:
    """All frames, over and over; a frame holds only what differs from the one before."""
    drawn = [*_frames(diagram)]
    palette = _palette(diagram, drawn)
    unused = next((each,) * 3 for each in range(256) if (each,) * 3 not in palette)
    colours = bytes(part for colour in (*palette, unused) for part in colour)
    frames = [_indexed(each, colours) for each in _in_palette(drawn, palette)]
    content = BytesIO()
    frames[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        palette=colours,  # without it Pillow writes one for every frame
        duration=[max(round(frame.seconds * 100), 2) * 10 for frame in diagram.frames],
        loop=0,
        comment=MARK,
        disposal=1,
        transparency=len(palette),
        optimize=True,  # what is as before is transparent
    )
    return content.getvalue()


def _frames(diagram: Diagram) -> Iterator[Image.Image]:
    """Each frame as it is seen."""
    settled = _canvas(diagram, 1)
    _draw(ImageDraw.Draw(settled), diagram.base, 1)
    for at, frame in enumerate(diagram.frames):
        _draw(ImageDraw.Draw(settled), frame.staying, 1)
        image = settled.copy()
        draw = ImageDraw.Draw(image)
        for mover in diagram.movers:
            _draw(draw, mover.shapes, 1, mover.places[at])
        _draw(draw, frame.passing, 1)
        yield image


def _palette(diagram: Diagram, drawn: Sequence[Image.Image]) -> list[RGB]:
    """The colours of all frames, or those that stand for them: first those of the cells."""
    counts: Counter[RGB] = Counter()
    for image in drawn:
        for count, colour in image.getcolors(image.width * image.height) or []:
            assert isinstance(colour, tuple)
            counts[colour[0], colour[1], colour[2]] += count
    cells = {shape.fill for shape in diagram.still().base if isinstance(shape, Box)}
    most = min(len(cells) + _SHADES, _MOST)
    if len(cells) <= most * 2 // 3:
        return sorted(counts, key=lambda colour: (colour not in cells, -counts[colour], colour))[:most]
    tall = Image.new("RGB", (drawn[0].width, drawn[0].height * 2))
    for place, image in enumerate((drawn[len(drawn) // 2], drawn[-1])):
        tall.paste(image, (0, place * image.height))
    colours = tall.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette() or []
    return [*dict.fromkeys((r, g, b) for r, g, b in zip(*[iter(colours)] * 3, strict=True))]


def _in_palette(drawn: Sequence[Image.Image], palette: Sequence[RGB]) -> Iterator[NDArray[np.uint8]]:
    """The places in the palette [rows, columns] of each frame's pixels, of the nearest colour."""
    known = np.zeros(1 << 24, np.bool_)
    place_of = np.zeros(1 << 24, np.uint8)
    colours = np.array(palette, np.int32)
    for image in drawn:
        red, green, blue = np.moveaxis(np.asarray(image).astype(np.int32), -1, 0)
        packed = red << 16 | green << 8 | blue
        fresh = np.unique(packed[~known[packed]])
        for each in np.array_split(fresh, len(fresh) // 4096 + 1):
            parts = np.stack((each >> 16, each >> 8 & 255, each & 255), axis=-1)
            place_of[each] = ((parts[:, None] - colours) ** 2).sum(axis=-1).argmin(axis=-1)
        known[fresh] = True
        yield place_of[packed]


def _indexed(places: NDArray[np.uint8], colours: bytes) -> Image.Image:
    image = Image.fromarray(places)
    image.putpalette(colours)
    return image


def _canvas(diagram: Diagram, zoom: int) -> Image.Image:
    return Image.new("RGB", (diagram.width * zoom, diagram.height * zoom), diagram.background)


def _draw(
    draw: ImageDraw.ImageDraw, shapes: Sequence[Shape], zoom: int, place: tuple[int, int] = (0, 0)
) -> None:
    right, down = place
    for shape in shapes:
        x, y = (shape.x + right) * zoom, (shape.y + down) * zoom
        if isinstance(shape, Label):
            font = _font(round(shape.size * zoom))
            draw.text((round(x), round(y)), shape.text, shape.colour, font, _ANCHORS[shape.anchor])
            continue
        corner = (x + shape.width * zoom - 1, y + shape.height * zoom - 1)
        if isinstance(shape, Box):
            draw.rectangle((x, y, *corner), fill=shape.fill)
        else:
            draw.rectangle((x, y, *corner), outline=shape.colour, width=shape.thickness * zoom)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size, layout_engine=ImageFont.Layout.BASIC)
