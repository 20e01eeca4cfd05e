"""`convtui code`: what a page shows as PyTorch code that runs by itself and asserts it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell

if TYPE_CHECKING:
    from convtui.state.session import Session

STEP, LAYERS, NORMS, RUN = PAGES = ("step", "layers", "norms", "run")

ABOUT: Final = """\
Print PyTorch code that computes what a page shows, and asserts it: the output
cell of the convolution, an activation of the layers, what a norm makes of a
mini-batch, or the accuracy of a saved run. It runs by itself, in float64 (a
run in float32, as it was trained): the numbers are written out, or read from
their files to exactly the same numbers.
"""
EXAMPLES: Final = """\
examples:
  convtui code digit-8x8-3 --padding 1 --at 0,4,2
  convtui code photo.jpg --kernel sobel-x --stride 2 > photo.py
  convtui code cat-32 --kernel edges | python
  convtui code --page layers cat-64 --layers resnet-18 --layer 5
  convtui code --page norms --norm "norm group" --norm "channel 3"
  convtui code --page norms 12
  convtui code --page run 12 | python
"""


def code(
    arguments: Sequence[str],
    add_options: Callable[[argparse.ArgumentParser], None],
    build: Callable[[argparse.Namespace], Session],
) -> int:
    """Run the command; the options are those of the others, and what they build. Raises ValueError."""
    made = parser(add_options)
    options = made.parsed(arguments)
    if options.page in (NORMS, RUN):
        _require_alone(options, vars(made.parsed([])))
    elif options.norm:
        raise ValueError(f"--norm {options.norm[0]}: works only with --page norms")
    text, notice = _WRITTEN[options.page](options, build)
    with printing():
        print(text, end="")
    if notice:
        tell(notice)
    return 0


Build = Callable[[argparse.Namespace], "Session"]


def _of_step(options: argparse.Namespace, build: Build) -> tuple[str, str]:
    session = build(options)
    from convtui.export.code import session_code

    return session_code(session), session.notice


def _of_layers(options: argparse.Namespace, build: Build) -> tuple[str, str]:
    session = build(options)
    from convtui.engine.feature_maps import FeatureMaps
    from convtui.export.stack_code import stack_code

    stack = session.stack
    weights = stack.trained.within(stack.summary) if stack.trained else None
    maps = FeatureMaps(stack.layers, session.picture.pixels, stack.seed, weights)
    return stack_code(session.picture, stack, maps), session.notice


def _of_norms(options: argparse.Namespace, build: Build) -> tuple[str, str]:  # noqa: ARG001
    from convtui.engine.spec import SpecError
    from convtui.pages.batchnorm.code import code_of
    from convtui.pages.batchnorm.figures import Figures
    from convtui.pages.batchnorm.measurer import BatchMeasurer
    from convtui.pages.batchnorm.network_source import NetworkSource
    from convtui.pages.batchnorm.opened_network import OpenedNetwork
    from convtui.state.batchnorm import BatchNormSession
    from convtui.state.batchnorm_settings import parse_setting, transition
    from convtui.state.settings import parse_count
    from convtui.training.recipe import Recipe
    from convtui.training.runs.store import find_run

    settings = [parse_setting(text) for text in options.norm]
    try:
        seeds = [parse_count(name, value, least=0) for name, value in settings if name == "seed"]
    except SpecError as error:
        raise ValueError(f"--norm: {error.plain}") from None
    source = NetworkSource(Recipe(), seeds[-1] if seeds else 0)
    if options.image is not None:
        run = find_run(options.image)
        source = NetworkSource(run.recipe, run=str(run.path), step=run.latest_checkpoint().step)
    data, network = source.load()
    measurer = BatchMeasurer(data, source.recipe.seed)
    session = BatchNormSession.start(network, measurer.image_count, source.recipe.batch_size)
    for name, value in settings:
        try:
            session = session if name == "seed" else transition(name, value)(session)
        except SpecError as error:
            raise ValueError(f"--norm: {error.plain}") from None
    figures = Figures(session, measurer.measure(session))
    return code_of(OpenedNetwork(source, measurer, session), figures), ""


def _of_run(options: argparse.Namespace, build: Build) -> tuple[str, str]:  # noqa: ARG001
    from convtui.export.run_code import code_of_run
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.store import find_run

    if options.image is None:
        raise ValueError("--page run: name a run, as in: convtui code --page run 12")
    return code_of_run(RunHistory.of_run(find_run(options.image), outline=True)), ""


def _require_alone(options: argparse.Namespace, default: Mapping[str, object]) -> None:
    """Raises ValueError for options of an image, which these pages do not show."""
    for name, value in vars(options).items():
        if name not in ("page", "image", "norm") and value != default[name]:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"--page {options.page}: {option} is of an image, which that page does not show")
    if options.page == RUN and options.norm:
        raise ValueError(f"--norm {options.norm[0]}: works only with --page norms")


_WRITTEN: Final = {STEP: _of_step, LAYERS: _of_layers, NORMS: _of_norms, RUN: _of_run}


def parser(add_options: Callable[[argparse.ArgumentParser], None]) -> Parser:
    """The options of a session, and which page the code is of."""
    made = Parser(
        prog="convtui code",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui code [IMAGE] [options]\n"
        "       convtui code --page norms [RUN] [--norm SETTING]\n"
        "       convtui code --page run RUN",
    )
    add_options(made)
    group = made.add_argument_group("code")
    group.add_argument(
        "--page",
        choices=PAGES,
        default=STEP,
        help="what the code is of; norms and run take the number or folder of a saved run in the place of "
        "IMAGE (default: step)",
    )
    group.add_argument(
        "--norm",
        metavar="SETTING",
        action="append",
        default=[],
        help='a setting as it is typed on the Norms page, such as "norm layer" or "channel 3"; for each one '
        "--norm",
    )
    return made
