"""What a notebook shows of an operation or a step is true, small, and has no style sheet."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui import (
    Convolution,
    TransposedConvolution,
    adaptive_avg_pool2d,
    avg_pool2d,
    kernel,
    max_pool2d,
)
from convtui.export.files import is_drawn
from tests.engine.cases import Case, legal_cases

IMAGE = np.arange(25.0).reshape(1, 5, 5)
RANDOM = np.random.default_rng(0)
CONVOLUTION = Convolution(IMAGE, kernel("top-edge"), stride=2, padding=1)
LARGE = Convolution(RANDOM.random((5, 300, 40)), RANDOM.random((4, 5, 30, 20)), np.ones(4), padding=3)
SHOWN = {
    "convolution": CONVOLUTION,
    "its step": CONVOLUTION.step(0, 1, 1),
    "large": LARGE,
    "step of large": LARGE.step(9),
    "transposed": TransposedConvolution(IMAGE, kernel("top-edge"), stride=2, padding=1),
    "gathers nothing": TransposedConvolution(IMAGE, np.ones((1, 1, 1, 1)), stride=3).step(0, 1, 1),
    "maximum": max_pool2d(IMAGE, 2, ceil_mode=True),
    "its step too": max_pool2d(IMAGE, 2, padding=1).step(0),
    "average": avg_pool2d(-IMAGE, 3, padding=1),
    "adaptive": adaptive_avg_pool2d(IMAGE, 3).step(4),
}


def bundle(shown: Any) -> dict[str, str]:
    shows: dict[str, str] = shown._repr_mimebundle_()
    return shows


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", SHOWN)
def test_text_and_a_small_svg_with_attributes_alone(name: str) -> None:
    shows = bundle(SHOWN[name])
    assert {*shows} == {"text/plain", "image/svg+xml"}
    svg = shows["image/svg+xml"]
    assert texts(svg)
    assert "style" not in svg
    assert len(svg) < 60_000
    assert max(map(len, shows["text/plain"].splitlines())) <= 130


def test_the_text_tells_shapes_formula_and_settings() -> None:
    assert (
        bundle(CONVOLUTION)["text/plain"]
        == """\
Convolution
  image    [1, 5, 5]
  weight   [1, 1, 3, 3]
  bias     none
  output   [1, 3, 3]
  rows     (5 + 1 + 1 − 1·(3 − 1) − 1) / 2 + 1 = 4 / 2 + 1 = 2 + 1 = 3
  columns  (5 + 1 + 1 − 1·(3 − 1) − 1) / 2 + 1 = 4 / 2 + 1 = 2 + 1 = 3
  F.conv2d(x, w, stride=2, padding=1)"""
    )
    assert (
        bundle(CONVOLUTION.step(0, 1, 1))["text/plain"]
        == """\
Step 5
  channels [0]
  rows     [1, 2, 3]
  columns  [1, 2, 3]
  output[0, 1, 1] = -6 - 7 - 8 + 0 + 0 + 0 + 16 + 17 + 18 = 30"""
    )
    assert "output[0, 0, 0] = greatest of 0 = 0" in bundle(SHOWN["its step too"])["text/plain"]


def test_the_picture_shows_the_output() -> None:
    shown = texts(bundle(CONVOLUTION)["image/svg+xml"])
    assert {"image 1x5x5", "kernel 3x3", "output 1x3x3", "∗", "="} <= {*shown}
    for value in CONVOLUTION.output.ravel().tolist():
        assert f"{value:.0f}" in shown


def test_what_is_no_equation_has_no_signs_of_one() -> None:
    shown = texts(bundle(LARGE)["image/svg+xml"])
    assert not {"∗", "="} & {*shown}
    assert "image[0] of 5x300x40: first 16x16" in shown
    assert "output[0] of 4x277x27: first 16x16" in shown


def test_a_step_shows_window_kernel_and_products() -> None:
    shown = texts(bundle(CONVOLUTION.step(0, 1, 1))["image/svg+xml"])
    assert {"window", "kernel", "products", "×", "="} <= {*shown}
    assert "3 of 5 slices" in texts(bundle(LARGE.step(9))["image/svg+xml"])


@settings(max_examples=25)
@given(legal_cases(), st.data())
def test_any_convolution_and_any_step(case: Case, data: st.DataObject) -> None:
    convolution = case.convolution
    step = convolution.step(data.draw(st.integers(0, convolution.size - 1)))
    for shown in (convolution, step):
        ElementTree.fromstring(bundle(shown)["image/svg+xml"])


def test_animate_writes_a_gif_or_an_svg(tmp_path: Path) -> None:
    CONVOLUTION.animate(tmp_path / "out.gif", fps=8, theme="light")
    CONVOLUTION.animate(str(tmp_path / "out.svg"), steps=range(5), panes=["image", "output"])
    assert is_drawn(tmp_path / "out.gif")
    assert "prefers-reduced-motion" in (tmp_path / "out.svg").read_text("utf-8")


def test_poolings_and_transposed_convolutions_are_animated(tmp_path: Path) -> None:
    max_pool2d(IMAGE, 2).animate(tmp_path / "max.svg")
    TransposedConvolution(IMAGE, kernel("top-edge"), stride=2).animate(
        tmp_path / "transposed.svg", steps=[1, 2]
    )
    assert "output[0, 1, 1] = greatest of 12, 13, 17, 18 = 18" in (tmp_path / "max.svg").read_text("utf-8")
    assert "step 2 of 121" in (tmp_path / "transposed.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"theme": "blue"}, "theme 'blue': must be 'dark' or 'light'"),
        ({"fps": 0}, "fps 0: must be above 0 and at most 50"),
        ({"panes": ["imge"]}, "there is no 'imge'; they are image, kernel, output, sum"),
        ({"steps": [10]}, "steps 10-10: there are 9 steps; choose from 0-9"),
        ({"steps": []}, "steps: name at least one"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CONVOLUTION.animate(tmp_path / "out.gif", **how)
    assert not [*tmp_path.iterdir()]
