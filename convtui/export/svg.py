"""A diagram as SVG: a still with attributes alone, or an animation by CSS keyframes.

An animation is its own last frame to whoever prefers reduced motion, and to a viewer that knows no keyframes.
The same diagram gives the same bytes. Nothing is fetched: the fonts are those that a reader has.
Source: https://www.w3.org/TR/css-animations-1/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from math import floor
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

from convtui.export.diagram import Anchor, Box, Diagram, Label, Line, Mover, Outline, Shape
from convtui.paint.colours import RGB

FONT: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
GLIDE: Final = 0.3  # the share of a frame in which what moves goes to its next place

START: Final = '<svg class="convtui-diagram" xmlns="http://www.w3.org/2000/svg"'


def still_svg(diagram: Diagram) -> str:
    """The last frame, without a style sheet, which some notebook viewers remove."""
    return "".join(_document(diagram, [*_shapes(diagram.still().base)]))


def animated_svg(diagram: Diagram) -> str:
    """All frames, over and over."""
    if len(diagram.frames) == 1:
        return still_svg(diagram)
    clock = _Clock(diagram)
    rules: list[str] = []
    body = [*_shapes(diagram.base)]
    body += _staying(diagram, clock, rules)
    body += _moving(diagram, clock, rules)
    body += _passing(diagram, clock, rules)
    return "".join(_document(diagram, body, _style(rules, clock.total)))


class _Clock:
    """When each frame begins and ends, in seconds and as a share of the whole."""

    def __init__(self, diagram: Diagram) -> None:
        self.lengths = [frame.seconds for frame in diagram.frames]
        self.ends = [*accumulate(self.lengths)]
        self.starts = [0.0, *self.ends[:-1]]
        self.total = self.ends[-1]

    def percent(self, seconds: float, decimals: int = 2) -> str:
        """The share, rounded down: no frame is still seen when the next one begins."""
        unit = 10.0**-decimals
        return f"{_exact(floor(seconds / self.total * 100 / unit + 1e-9) * unit, decimals)}%"


def _staying(diagram: Diagram, clock: _Clock, rules: list[str]) -> Iterator[str]:
    """What each frame adds: hidden until then."""
    usual = _usual(frame.staying for frame in diagram.frames)
    yield f'<g class="s"{_attributes(usual) if usual else ""}>'
    for at, (frame, start) in enumerate(zip(diagram.frames, clock.starts, strict=True)):
        drawn = "".join(_shapes(frame.staying, usual))
        if drawn and at:
            rules.append(f"@keyframes s{at}{{{clock.percent(start)}{_HIDDEN}}}")
            drawn = f'<g style="animation-name:s{at}">{drawn}</g>'
        yield drawn
    yield "</g>"


def _moving(diagram: Diagram, clock: _Clock, rules: list[str]) -> Iterator[str]:
    """Each mover, drawn at its last place."""
    for number, mover in enumerate(diagram.movers):
        rules.append(f"@keyframes m{number}{{{''.join(_movement(mover, clock))}}}")
        right, down = mover.places[-1]
        style = f'style="animation-name:m{number}" transform="translate({right} {down})"'
        yield f'<g class="m" {style}>{"".join(_shapes(mover.shapes))}</g>'


def _movement(mover: Mover, clock: _Clock) -> Iterator[str]:
    """The place of each frame from its begin until shortly before its end: then it glides to the next."""
    frames = zip(mover.places, clock.starts, clock.ends, clock.lengths, strict=True)
    for (right, down), run in groupby(frames, key=lambda frame: frame[0]):
        during = [*run]
        _, begin, *_ = during[0]
        _, _, end, length = during[-1]
        leave = end if end == clock.total else end - GLIDE * length
        selector = f"{clock.percent(begin)},{clock.percent(leave)}"
        yield f"{selector}{{transform:translate({right}px,{down}px)}}"


def _passing(diagram: Diagram, clock: _Clock, rules: list[str]) -> Iterator[str]:
    """What only one frame shows: visible for as long as that is, begun so much later."""
    usual = _usual(frame.passing for frame in diagram.frames)
    lengths = sorted({*clock.lengths}, key=clock.lengths.index)
    for number, length in enumerate(lengths):
        rules.append(f"@keyframes p{number}{{0%{_VISIBLE}{clock.percent(length, 4)}{_HIDDEN}}}")
    yield f'<g class="p" visibility="hidden"{_attributes(usual) if usual else ""}>'
    for at, frame in enumerate(diagram.frames):
        if drawn := "".join(_shapes(frame.passing, usual)):
            number = lengths.index(frame.seconds)
            name = f"animation-name:p{number};" if number else ""
            style = f'style="{name}animation-delay:{_exact(clock.starts[at] - clock.total)}s"'
            shown = ' visibility="visible"' if at == len(diagram.frames) - 1 else ""
            yield f"<g {style}{shown}>{drawn}</g>"
    yield "</g>"


_HIDDEN: Final = "{visibility:hidden}"
_VISIBLE: Final = "{visibility:visible}"


def _style(rules: Sequence[str], total: float) -> str:
    """The style sheet: what moves does so only where motion is welcome."""
    timing = f"animation:{_exact(total)}s infinite"
    classes = f".s>g{{{timing} step-start}}.p>g{{{timing} step-end p0}}.m{{{timing}}}"
    return (
        f"<style>text{{font-variant-ligatures:none}}"
        f"@media (prefers-reduced-motion:no-preference){{{classes}{''.join(rules)}}}</style>"
    )


def _document(diagram: Diagram, body: Sequence[str], style: str = "") -> Iterator[str]:
    width, height = diagram.width, diagram.height
    yield f'{START} viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    yield f' font-family="{FONT}" shape-rendering="crispEdges">\n'
    yield f"<title>{escape(diagram.title)}</title>{style}"
    yield f'<path fill="{_hex(diagram.background)}" d="M0 0h{width}v{height}H0z"/>'
    yield from body
    yield "</svg>\n"


# -- shapes

_Style: TypeAlias = tuple[float, RGB, Anchor]  # of text: its size, its colour, and what its place means


def _usual(frames: Iterable[Sequence[Shape]]) -> _Style | None:
    """The style that most labels have."""
    counts = Counter(_style_of(shape) for shapes in frames for shape in shapes if isinstance(shape, Label))
    return max(counts, key=lambda style: counts[style], default=None)


def _style_of(label: Label) -> _Style:
    return label.size, label.colour, label.anchor


def _attributes(style: _Style, usual: _Style | None = None) -> str:
    """Those by which a style differs from that of what is around."""
    size, colour, anchor = style
    told = {"font-size": _plain(size), "fill": _hex(colour), "text-anchor": anchor}
    around = dict(zip(told, (_plain(usual[0]), _hex(usual[1]), usual[2]), strict=True)) if usual else _DEFAULT
    return "".join(f' {name}="{value}"' for name, value in told.items() if around.get(name) != value)


_DEFAULT: Final = {"text-anchor": "start"}


def _shapes(shapes: Sequence[Shape], usual: _Style | None = None) -> Iterator[str]:
    """Neighbours of one kind together, in the order in which they are drawn."""
    for kind, run in groupby(shapes, type):
        if kind is Box:
            yield from _boxes([each for each in run if isinstance(each, Box)])
        elif kind is Outline:
            yield from (_outline(each) for each in run if isinstance(each, Outline))
        elif kind is Line:
            yield from (_line(each) for each in run if isinstance(each, Line))
        else:
            yield from _labels([each for each in run if isinstance(each, Label)], usual)


def _boxes(boxes: Sequence[Box]) -> Iterator[str]:
    """A path for each colour: those of one run lie apart, or in the same place, where the last is seen."""
    paths: dict[RGB, list[str]] = {}
    seen = {(box.x, box.y, box.width, box.height): box for box in boxes}
    for box in _merged([*seen.values()]):
        path = f"M{box.x} {box.y}h{box.width}v{box.height}h-{box.width}z"
        paths.setdefault(box.fill, []).append(path)
    for fill, parts in paths.items():
        yield f'<path fill="{_hex(fill)}" d="{"".join(parts)}"/>'


def _merged(boxes: Sequence[Box]) -> Iterator[Box]:
    """Neighbours without a gap, of one colour, as one."""
    last: Box | None = None
    for box in boxes:
        if last and (box.x, box.y, box.height, box.fill) == (
            last.x + last.width,
            last.y,
            last.height,
            last.fill,
        ):
            last = replace(last, width=last.width + box.width)
            continue
        if last:
            yield last
        last = box
    if last:
        yield last


def _outline(outline: Outline) -> str:
    half = outline.thickness / 2
    x, y = _plain(outline.x + half), _plain(outline.y + half)
    width, height = _plain(outline.width - 2 * half), _plain(outline.height - 2 * half)
    stroke = f'stroke="{_hex(outline.colour)}" stroke-width="{outline.thickness}"'
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" {stroke}/>'


def _line(line: Line) -> str:
    """Smooth, unlike what has only upright edges."""
    places = [f"{_plain(line.x + x)} {_plain(line.y + y)}" for x, y in line.points]
    path = f'<path d="M{"L".join(places)}{"z" * line.is_filled}" shape-rendering="auto"'
    if line.is_filled:
        return f'{path} fill="{_hex(line.colour)}"/>'
    dashes = f' stroke-dasharray="{line.dashes[0]} {line.dashes[1]}"' if line.dashes else ""
    stroke = f'stroke="{_hex(line.colour)}" stroke-width="{_plain(line.thickness)}"'
    return f'{path} fill="none" {stroke} stroke-linejoin="round"{dashes}/>'


def _labels(labels: Sequence[Label], usual: _Style | None) -> Iterator[str]:
    for style, run in groupby(labels, _style_of):
        told = _attributes(style, usual)
        texts = [(f'x="{_plain(each.x)}" y="{_plain(each.y)}"', escape(each.text)) for each in run]
        if len(texts) == 1 or not told:
            yield from (f"<text {place}{told}>{text}</text>" for place, text in texts)
        else:
            yield f"<g{told}>{''.join(f'<text {place}>{text}</text>' for place, text in texts)}</g>"


def _plain(value: float) -> str:
    """A number as shortly as it can be written, to a tenth."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _exact(value: float, decimals: int = 2) -> str:
    """A number of seconds or a percentage."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _hex(colour: RGB) -> str:
    pairs = [f"{part:02x}" for part in colour]
    is_short = all(pair[0] == pair[1] for pair in pairs)
    return "#" + "".join(pair[0] if is_short else pair for pair in pairs)
