"""The SVG is small, the same each time, complete in itself, and its frames follow one another."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from convtui.export.diagram import Box, Diagram, Frame, Label, Mover, Outline
from convtui.export.svg import animated_svg, still_svg
from tests.export.subjects import swept

BLACK, RED = (0, 0, 0), (255, 0, 0)
COMMANDS = ("count-5x5", "mnist-7 --padding 1", "cat-32 --kernel edges --stride 2")


def moving() -> Diagram:
    """Three frames: of one second, one second and two."""
    frames = tuple(
        Frame(seconds, (Box(at, 0, 1, 1, RED),), (Label(0, 9, f"at {at} & <x>", 9, BLACK),))
        for at, seconds in enumerate((1.0, 1.0, 2.0))
    )
    mover = Mover((Outline(0, 0, 4, 4, RED),), ((0, 0), (5, 0), (5, 7)))
    return Diagram(20, 10, BLACK, "a & b", (Box(0, 0, 20, 10, BLACK),), frames, (mover,))


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_well_formed_the_same_twice_and_complete_in_itself(command: str) -> None:
    for write in (still_svg, animated_svg):
        text = write(swept(command))
        assert text == write(swept(command))
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert re.findall(r"https?://[^\"']*", text) == ["http://www.w3.org/2000/svg"]
        assert not re.search(r"@import|@font-face|url\(|href|<script", text)


def test_a_still_has_attributes_alone() -> None:
    text = still_svg(swept("count-5x5"))
    assert "style" not in text
    assert "animation" not in text
    assert "visibility" not in text


def test_a_sweep_over_5x5_pixels_is_small() -> None:
    assert len(animated_svg(swept("count-5x5 --padding 1")).encode()) < 20_000
    assert len(animated_svg(swept("count-5x5")).encode()) < 10_000


def test_ligatures_are_off_and_motion_is_only_where_it_is_welcome() -> None:
    text = animated_svg(swept("count-5x5"))
    (style,) = re.findall(r"<style>(.*)</style>", text)
    assert style.startswith("text{font-variant-ligatures:none}@media (prefers-reduced-motion:no-preference){")
    assert style.count("@media") == 1
    assert style.endswith("}}}")


def test_without_animation_it_is_its_last_frame() -> None:
    root = ElementTree.fromstring(animated_svg(moving()))
    groups = {group.get("class"): group for group in root.iter() if group.get("class")}
    assert groups["p"].get("visibility") == "hidden"
    assert [group.get("visibility") for group in groups["p"]] == [None, None, "visible"]
    assert groups["m"].get("transform") == "translate(5 7)"
    assert "visibility" not in ElementTree.tostring(groups["s"], "unicode")


def test_each_frame_begins_when_the_one_before_ends() -> None:
    text = animated_svg(moving())
    assert "animation:4s infinite" in text
    assert re.findall(r"animation-delay:(-[\d.]+)s", text) == ["-4", "-3", "-2"]  # of four seconds
    assert dict(re.findall(r"@keyframes (p\d)\{0%\{visibility:visible\}([\d.]+)%", text)) == {
        "p0": "25",
        "p1": "50",
    }
    assert dict(re.findall(r"@keyframes (s\d)\{([\d.]+)%\{visibility:hidden\}\}", text)) == {
        "s1": "25",
        "s2": "50",
    }
    assert (
        "@keyframes m0{0%,17.5%{transform:translate(0px,0px)}25%,42.5%{transform:translate(5px,0px)}" in text
    )
    assert "50%,100%{transform:translate(5px,7px)}}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_no_frame_is_still_seen_when_the_next_one_begins(command: str) -> None:
    diagram = swept(command)
    shares = re.findall(r"@keyframes p\d\{0%\{visibility:visible\}([\d.]+)%", animated_svg(diagram))
    lengths = [*dict.fromkeys(frame.seconds for frame in diagram.frames)]
    for share, length in zip(shares, lengths, strict=True):
        assert length - 1e-3 < float(share) / 100 * diagram.seconds <= length * (1 + 1e-9)


@pytest.mark.parametrize("command", COMMANDS)
def test_keyframes_ascend(command: str) -> None:
    rules = re.findall(r"@keyframes \w+\{((?:[^{}]*\{[^{}]*\})*)\}", animated_svg(swept(command)))
    assert len(rules) > 10
    for rule in rules:
        percents = [float(each) for each in re.findall(r"([\d.]+)%", rule)]
        assert all(first < second for first, second in pairwise(percents))
        assert percents[-1] <= 100


def test_text_is_escaped() -> None:
    root = ElementTree.fromstring(animated_svg(moving()))
    assert "at 0 & <x>" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_neighbours_of_one_colour_are_drawn_as_one() -> None:
    boxes = (*(Box(x, 0, 2, 2, RED) for x in (0, 2, 4, 7)), Box(0, 2, 2, 2, RED))
    text = still_svg(Diagram(9, 9, BLACK, "", boxes, (Frame(1.0),)))
    assert 'd="M0 0h6v2h-6zM7 0h2v2h-2zM0 2h2v2h-2z"' in text
