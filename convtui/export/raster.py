"""A diagram as pixels: PNG and GIF by Pillow, with a font that travels with convtui.

The same diagram gives the same pixels on every machine, and with the same Pillow the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import pairwise
from math import ceil, floor, hypot
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from convtui.export.diagram import MARK, Box, Diagram, Label, Line, Shape
from convtui.paint.colours import RGB

FONT: Final = Path(__file__).parent / "font" / "mono.ttf"
SHARP: Final = 2  # pixels a unit of a still
FINER: Final = 4  # times as fine a line is drawn before it is made as coarse as the rest, with smooth edges

_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}
_EDGES: Final = 24  # colours of the edges of letters
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
    palette = _palette(diagram)
    unused = next((each,) * 3 for each in range(256) if (each,) * 3 not in palette)
    colours = bytes(part for colour in (*palette, unused) for part in colour)
    frames = (_indexed(each, colours) for each in _in_palette(_frames(diagram), palette))
    content = BytesIO()
    next(frames).save(
        content,
        "GIF",
        save_all=True,
        append_images=frames,  # one after another: all of them at once would need much memory
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


def _palette(diagram: Diagram) -> list[RGB]:
    """Colours that stand for all in the frames: of words and lines, of cells, and of the edges of letters."""
    shapes = {
        *diagram.base,
        *(shape for frame in diagram.frames for shape in (*frame.staying, *frame.passing)),
        *(shape for mover in diagram.movers for shape in mover.shapes),
    }
    cells = sorted({shape.fill for shape in shapes if isinstance(shape, Box)})
    others = sorted({shape.colour for shape in shapes if not isinstance(shape, Box)} | {diagram.background})
    counts: Counter[RGB] = Counter()
    for image in _frames(diagram):
        for count, colour in image.getcolors(image.width * image.height) or []:
            assert isinstance(colour, tuple)
            counts[colour[0], colour[1], colour[2]] += count
    edges = sorted(counts.keys() - {*cells, *others}, key=lambda colour: (-counts[colour], colour))
    chosen = dict.fromkeys((*others, *_fewer(cells, _MOST - len(others) - _EDGES), *edges[:_EDGES]))
    return [*chosen][:_MOST]


def _fewer(colours: Sequence[RGB], most: int) -> list[RGB]:
    """The colours, or so many that stand for them, a rare one as well as a frequent one."""
    if len(colours) <= most:
        return [*colours]
    image = Image.new("RGB", (len(colours), 1))
    image.putdata(colours)
    found = image.quantize(most, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
    return [(red, green, blue) for red, green, blue in zip(*[iter(found)] * 3, strict=True)]


def _in_palette(drawn: Iterable[Image.Image], palette: Sequence[RGB]) -> Iterator[NDArray[np.uint8]]:
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
        if isinstance(shape, Line):
            _draw_line(draw, shape, zoom, (x, y))
            continue
        corner = (x + shape.width * zoom - 1, y + shape.height * zoom - 1)
        if isinstance(shape, Box):
            draw.rectangle((x, y, *corner), fill=shape.fill)
        else:
            draw.rectangle((x, y, *corner), outline=shape.colour, width=shape.thickness * zoom)


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, zoom: int, origin: tuple[float, float]) -> None:
    """With smooth edges: drawn finer on a mask of its own."""
    points = np.array(line.points) * zoom + origin
    margin = ceil(line.thickness * zoom) + 1
    left, top = (floor(each) - margin for each in points.min(axis=0))
    right, bottom = (ceil(each) + margin for each in points.max(axis=0))
    size = (right - left, bottom - top)
    mask = Image.new("L", (size[0] * FINER, size[1] * FINER))
    pen, fine = ImageDraw.Draw(mask), [(x, y) for x, y in ((points - (left, top)) * FINER).tolist()]
    if line.is_filled:
        pen.polygon(fine, fill=255)
    else:
        thickness = max(round(line.thickness * zoom * FINER), 1)
        dashes = [length * zoom * FINER for length in line.dashes or ()]
        for part in _dashed(fine, *dashes) if dashes else (fine,):
            pen.line(part, fill=255, width=thickness, joint="curve")
    draw.bitmap((left, top), mask.resize(size, Image.Resampling.BOX), fill=line.colour)


def _dashed(
    points: Sequence[tuple[float, float]], drawn: float, left_out: float
) -> Iterator[list[tuple[float, float]]]:
    """The parts of a line that are drawn."""
    part, is_drawn, rest = [points[0]], True, drawn
    for (x, y), (to_x, to_y) in pairwise(points):
        length, gone = hypot(to_x - x, to_y - y), 0.0
        while length - gone > rest:
            gone += rest
            place = x + (to_x - x) * gone / length, y + (to_y - y) * gone / length
            if is_drawn:
                yield [*part, place]
            part, is_drawn = [place], not is_drawn
            rest = drawn if is_drawn else left_out
        rest -= length - gone
        part.append((to_x, to_y))
    if is_drawn and len(part) > 1:
        yield part


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size, layout_engine=ImageFont.Layout.BASIC)
