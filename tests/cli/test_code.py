"""`convtui code` prints code that runs and asserts the cell that was asked for."""

import numpy as np
import pytest

from convtui.cli.code import parser as code_parser
from convtui.cli.main import WRONG, _add_options, build, main
from tests.engine.test_snippet import run


@pytest.mark.parametrize(
    "command",
    [
        "",
        "count-5x5 --kernel sobel-x --at 1,2",
        "cat-32 --kernel edges --bias 0.5 --padding 0,1,2,3 --padding-mode reflect --stride 2,1 --at 2,4,18",
        "cat-32 --kernel gaussian-blur --groups 3 --dilation 2 --padding same-tf --at 2,4,18",
    ],
)
def test_what_is_printed_computes_the_cell_on_show(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", *command.split()]) == 0
    printed = capsys.readouterr().out
    session = build(code_parser(_add_options).parsed(command.split()))
    y = run(printed)["y"]
    np.testing.assert_allclose(y.numpy(), session.convolution.output, rtol=0, atol=1e-9)
    assert f"y{[*session.position]}" in printed.splitlines()[-1]


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", "count-5x5", "--stride", "0"]) == WRONG
    assert capsys.readouterr().err == "convtui: --stride 0: must be at least 1\n"


def test_weights_too_many_to_be_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["code", "count-5x5", "--kernel", "random", "--filters", "4096", "--kernel-size", "5"]) == WRONG
    )
    told = "convtui: w has 102,400 numbers, too many to be written out; at most 65,536\n"
    assert capsys.readouterr().err == told
