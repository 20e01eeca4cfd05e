"""The user's own network on the Layers page, with a real process that runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.pages.batchnorm.opened_network import BATCHNORM
from convtui.pages.layers.model_view import ModelView
from convtui.pages.layers.page import LayersPage
from convtui.state.opened_norm import OPENED_NORM
from convtui.tracing.open_model import Opening, OpenModel
from convtui.training.trainer import Trainer
from tests.support import own_networks
from tests.support.driving import Driven, opened, until
from tests.support.example_sessions import session_on
from tests.support.small_runs import SMALL

FILE = Path(own_networks.__file__)


@asynccontextmanager
async def own(name: str, size: tuple[int, int] = (120, 40), file: Path = FILE) -> AsyncIterator[Driven]:
    """The app with a network of the user's, when its pass is over."""
    session = session_on("digit-8x8-3")
    async with opened(session, size, network=Opening(f"{file}:{name}")) as driven:
        await until(driven, lambda: driven.app.current_mode == "layers")
        await until(driven, lambda: model(driven).outcome is not None)
        await calm(driven)
        yield driven


def model(driven: Driven) -> OpenModel:
    assert driven.app.model is not None
    return driven.app.model


def view(driven: Driven) -> ModelView:
    page = driven.page
    assert isinstance(page, LayersPage)
    assert page.model is not None
    return page.model


async def calm(driven: Driven) -> None:
    """Wait until nothing is fetched any more."""
    await driven.pilot.pause()
    await until(driven, lambda: not model(driven).is_at_work)
    await driven.pilot.pause()


async def press(driven: Driven, *keys: str) -> None:
    await driven.press(*keys)
    await calm(driven)


async def test_the_operations_of_a_network_are_gone_through_and_opened() -> None:
    async with own("Branched") as driven:
        assert "own_networks.py:Branched" in driven.text
        assert "not normalised" in driven.text
        assert "13 operations on 1x1x8x8" in driven.text
        assert "0 input" in driven.text
        # The convolution, its line, its formulas and its output.
        await press(driven, "tab")
        assert "x = self.relu(self.norm(self.conv(x)))" in driven.text
        assert "⌊(8 + 2*1 − 1*(3 − 1) − 1)/1⌋ + 1 = 8" in driven.text
        assert "multiply-adds 8*8*36 = 2,304" in driven.text
        await press(driven, "pagedown", "down", "right", "right")
        assert "activation [1, 1, 2]" in driven.text
        assert "sees 3x3 of the image: rows 0-2, columns 1-3" in driven.text
        outline = driven.grid("image").outline
        assert outline is not None
        assert (outline.rows, outline.columns) == (range(3), range(1, 4))
        # A branch and a join.
        await press(driven, "tab", "tab")
        assert "branches to 4 side and 5 add" in driven.text
        await press(driven, "tab", "tab")
        assert "joins 1x4x8x8 from 3 relu and 1x4x8x8 from 4 side" in driven.text
        # What has no windows is not opened; what has is, with the numbers of the network itself.
        await press(driven, "enter")
        assert driven.said == "add has no windows to step through: choose a convolution, a pooling or a norm"
        await press(driven, "g")
        await driven.enter("1")
        await calm(driven)
        found = model(driven).output(1)
        assert found is not None
        await press(driven, "enter")
        await until(driven, lambda: driven.app.current_mode == "step")
        await driven.pilot.pause()
        assert driven.said.startswith("conv: its real input and weights; your network computes in float32")
        operation = driven.session.operation
        assert isinstance(operation, Convolution)
        assert driven.session.position == (1, 1, 2)
        assert driven.session.picture.name == "digit-8x8-3"
        np.testing.assert_allclose(operation.output, found.arrays["output"], rtol=1e-5, atol=1e-6)
        # Back, to a pooling.
        await driven.press("u", "3")
        assert driven.session.operation is not operation
        await press(driven, "g")
        await driven.enter("6")
        await press(driven, "enter")
        await until(driven, lambda: driven.app.current_mode == "step")
        assert isinstance(driven.session.operation, Pooling)
        assert driven.session.picture.name == "digit-8x8-3 · input of avg_pool2d 6"
        await driven.press("u", "3")
        # To the stack of layers that was there before, and back again.
        await press(driven, "y")
        assert "all layers" in driven.text
        assert "conv 3x3" in driven.text
        await press(driven, "tab", "y")
        assert "avg_pool2d 3x3" in driven.text
        await press(driven, "t")
        assert driven.said == "this key is for a stack of layers, which y shows"
        # The other panels.
        await press(driven, "V")
        assert "pixels are from 0 to 1; --mean and --std change that" in driven.text
        await press(driven, "V")
        assert "made with width 4" in driven.text
        await press(driven, "V", "end")
        assert "13 linear 48 →5" in driven.text
        assert "sees 8x8 of the image: rows 0-7, columns 0-7" in driven.text


async def test_another_image_is_opened_and_no_file_is_run() -> None:
    async with own("Branched") as driven:
        await press(driven, "o")
        await driven.enter("cat-32")
        await until(driven, lambda: model(driven).outcome is not None)
        await calm(driven)
        assert model(driven).picture.name == "cat-32"
        assert "conv2d expects 1 channel" in driven.text  # the cat is coloured
        await press(driven, "o")
        await driven.enter(f"{FILE}:Branched")
        assert "no such file or sample" in driven.said
        assert model(driven).picture.name == "cat-32"
        await press(driven, "escape")
        await press(driven, "o")
        await driven.enter("digit-8x8-3")
        await until(driven, lambda: model(driven).outcome is not None)
        await calm(driven)
        assert "13 operations on 1x1x8x8" in driven.text
        assert driven.session.picture is model(driven).picture


async def test_a_failing_pass_shows_its_rows_and_why_and_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(FILE.read_text("utf-8"), "utf-8")
    async with own("Misfit", (80, 24), file) as driven:
        assert "6 linear fc" in driven.text
        assert "failed" in driven.text
        assert "linear expects 676 features, gets 36 = 4*3*3" in driven.text
        await press(driven, "enter")
        assert driven.said == "this operation failed, so that there is nothing to step through"
        await press(driven, "pagedown")
        assert "in_features=36" in driven.text
        assert "an image of 28x28" in driven.text
        await press(driven, "tab", "shift+tab")
        assert "max_pool2d 2x2" in driven.text
        file.write_text(FILE.read_text("utf-8").replace("4 * 13 * 13", "4 * 3 * 3"), "utf-8")
        await driven.press("R")
        await until(driven, lambda: model(driven).changed is not None)
        await calm(driven)
        assert driven.said == "the pass goes through now; 1 row differs: 6 fc"
        await press(driven, "end")
        assert "▸ ≠6 linear 36 →10" in driven.text


async def test_a_hang_is_stopped_by_a_key() -> None:
    session = session_on("digit-8x8-3")
    async with opened(session, network=Opening(f"{FILE}:Hanging")) as driven:
        await until(driven, lambda: "running " in driven.text and "conv2d" in driven.text)
        await driven.press("escape")
        await until(driven, lambda: model(driven).trouble != "")
        await calm(driven)
        assert driven.said == "the process that runs your code was stopped; R runs your file again"
        assert not driven.refused


async def test_without_a_network_the_key_says_how_to_open_one() -> None:
    async with opened() as driven:
        await driven.press("3", "y")
        assert driven.said == "no network of yours is open: convtui net.py:Net photo.jpg opens one"


async def test_what_cannot_be_made_is_shown_with_its_frames() -> None:
    async with own("Refusing") as driven:
        assert "cannot be made: RuntimeError: no such luck" in driven.text
        assert 'raise RuntimeError("no such luck")' in driven.text
        assert "R runs your file again" in driven.text


@pytest.mark.parametrize(
    ("text", "why"),
    [("99", "99: the last operation is 6"), ("9,9", "the output has 1x8x8 activations"), ("a", "must be an")],
)
async def test_places_that_there_are_not_are_refused(text: str, why: str) -> None:
    async with own("Misfit") as driven:
        view(driven).select(0)
        await calm(driven)
        await driven.press("g")
        await driven.enter(text)
        assert why in driven.said
        assert driven.typing


async def test_a_norm_is_opened_on_its_page_and_the_one_that_was_there_comes_back() -> None:
    session = session_on("digit-8x8-3")
    opening = Opening(f"{FILE}:Branched")
    async with opened(session, network=opening, recipe=SMALL, trainer=Trainer(start=None)) as driven:
        await until(driven, lambda: model(driven).outcome is not None)
        await calm(driven)
        timelines = driven.app.timelines
        await driven.press("4")
        await until(driven, lambda: timelines.get(BATCHNORM) is not None)
        before = timelines.all()[BATCHNORM]
        await press(driven, "3", "tab", "tab", "pagedown", "enter")
        await until(driven, lambda: driven.app.current_mode == "batchnorm")
        await driven.pilot.pause()
        assert driven.said == "norm: its real input, weights and statistics, as a copy · 3: back"
        assert "norm (BatchNorm2d) · input 1x4x8x8 of digit-8x8-3" in driven.text
        assert "your module was in evaluation mode" in driven.text
        assert "Here float64, there float32" in driven.text
        norm = timelines.present(OPENED_NORM).session
        assert norm.channel == 1
        found = model(driven).output(2)
        assert found is not None
        values = timelines.present(OPENED_NORM).values[0]
        np.testing.assert_allclose(norm.norm(values[None])[0], found.arrays["output"], rtol=1e-5, atol=1e-6)
        # What is tried is undone here, and is gone with the page; help does not leave it.
        await driven.press("g", "t", "right", "w")
        assert driven.said == "the weights are those of your module; 3 goes back to your network"
        assert "mini-batch 2, always this input" in driven.text
        await driven.press("tab", "v", "v", "u", "u", "u")
        assert timelines.present(OPENED_NORM).session is norm
        await driven.press("question_mark", "escape")
        assert timelines.get(OPENED_NORM) is not None
        await press(driven, "3")
        assert timelines.get(OPENED_NORM) is None
        assert timelines.all()[BATCHNORM] is before
        await driven.press("4")
        assert "norm (BatchNorm2d)" not in driven.text
