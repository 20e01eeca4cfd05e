"""A session at work becomes the beginning of a lesson."""

from pathlib import Path

import numpy as np
import pytest

from convtui.cli.main import _open_parser, build
from convtui.lessons.checking import faults
from convtui.lessons.course import Place, find_course
from convtui.lessons.lesson_file import LessonError
from convtui.lessons.writing import write_new_from


@pytest.mark.parametrize(
    "arguments",
    [
        ["mnist-7", "--stride", "2", "--padding", "1", "--at", "0,3,4"],
        ["cat-32", "--kernel", "edges", "--padding-mode", "reflect", "--padding", "2"],
        ["cat-32", "--kernel", "[[1, 0], [0, -1]]", "--bias=-0.5", "--groups", "3", "--filters", "6"],
        ["count-5x5", "--kernel", "random", "--seed", "7", "--dilation", "2"],
    ],
)
def test_a_session_at_work_is_written_as_it_is_typed(arguments: list[str], tmp_path: Path) -> None:
    session = build(_open_parser().parsed(arguments))
    path = tmp_path / "mine.toml"
    write_new_from(path, session)
    assert faults(path) == []
    begun = find_course(str(path)).set_up(Place()).session
    assert (begun.spec, begun.position) == (session.spec, session.position)
    np.testing.assert_array_equal(begun.convolution.output, session.convolution.output)


def test_a_session_that_cannot_be_typed_is_refused(tmp_path: Path) -> None:
    session = build(_open_parser().parsed(["mnist-7"])).with_pixel_value(0, 1, 1, 0.5)
    with pytest.raises(LessonError, match="save the session and name it"):
        write_new_from(tmp_path / "mine.toml", session)
