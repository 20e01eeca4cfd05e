"""The figures of a sample model: those of its recorded trace, by the names that lessons use."""

import pytest

from convtui.lessons.expressions import ExpressionError, Value, evaluated
from convtui.lessons.figures import Seen
from convtui.lessons.lesson_file import LessonError
from convtui.lessons.trace_figures import OF_OPERATIONS, OF_TRACES
from convtui.tracing.recording import recorded
from tests.support.example_sessions import session_on
from tests.support.lessons import begun

FLAT = Seen(session_on("cat-64"), trace=recorded("shape_bug:Net", (3, 64, 64)).trace)
JOINED = Seen(session_on("cat-64"), trace=recorded("unet:Net", (3, 62, 62)).trace)
MENDED = Seen(session_on("cat-64"), trace=recorded("shape_bug:Mended", (3, 64, 64)).trace)
GROUPED = Seen(session_on("cat-64"), trace=recorded("channel_bug:Net", (3, 64, 64)).trace)


@pytest.mark.parametrize(
    ("seen", "text", "value"),
    [
        (FLAT, "[failed.gets, failed.expects]", (2704, 400)),
        (FLAT, "failed.kind + 0 == 0 or failed.path == 'fc1'", None),
        (FLAT, "failed.kind == 'linear' and failed.path == 'fc1' and failed.size_helps", True),
        (FLAT, "model.passes", False),
        (FLAT, "[model.operations, model.parameters, model.multiply_adds]", (7, 2872, 3242400)),
        (FLAT, "model.least_rows", 32),
        (FLAT, "row[6].shape", (16, 13, 13)),
        (FLAT, "[row[6].channels, row[6].rows, row[6].columns, row[6].count]", (16, 13, 13, 2704)),
        (FLAT, "[row[6].field, row[6].jump, row[4].parameters]", (16, 4, 2416)),
        (FLAT, "row[6].kind", "max_pool2d"),
        (FLAT, "failed[0].shape", (2704,)),
        (FLAT, "row[7].rows", None),
        (FLAT, "row[7].jump", None),
        (FLAT, "row[8].shape", None),
        (FLAT, "failed[0].rows", None),
        (JOINED, "[failed[0].rows, failed[1].rows]", (30, 31)),
        (JOINED, "failed.gets", None),
        (GROUPED, "[failed.gets, failed.expects]", (32, 16)),
        (GROUPED, "failed.size_helps", False),
        (GROUPED, "model.least_rows", None),
        (MENDED, "model.passes", True),
        (MENDED, "failed.kind", None),
        (Seen(session_on("cat-64")), "model.passes", None),
    ],
)
def test_figures(seen: Seen, text: str, value: Value | None) -> None:
    """None: there is no such figure, and a line says so."""
    if value is None:
        with pytest.raises(ExpressionError) as caught:
            evaluated(text, seen)
        assert str(caught.value).isprintable()
    else:
        assert evaluated(text, seen) == value


def test_every_one_is_tried_above() -> None:
    (marks,) = [each for each in test_figures.pytestmark if each.name == "parametrize"]  # type: ignore[attr-defined]
    tried = " ".join(text for _, text, _ in marks.args[1])
    for name in OF_TRACES:
        assert name in tried
    for name in OF_OPERATIONS:
        owner, _, rest = name.partition(".")
        assert f"{owner}[" in tried
        assert f"].{rest}" in tried


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('model = "shape_bug:Net"\npage = "step"', 'model: is shown on another page: page = "layers"'),
        ('page = "layers"\nrow = 3', 'row: needs a model, such as model = "shape_bug:Net"'),
        ('page = "layers"\nmodel = "shape_bug:Nte"', "shape_bug:Nte: no sample model; did you mean"),
        (
            'page = "layers"\nmodel = "unet:Net"\nimage = "cat-64"',
            "unet:Net: not recorded on an image of 3x64x64, but of 3x62x62",
        ),
        (
            'page = "layers"\nmodel = "shape_bug:Net"\nimage = "cat-64"\nrow = 8',
            "row 8: the last one is 7",
        ),
    ],
)
def test_what_a_step_cannot_show_is_refused_at_its_line(keys: str, said: str) -> None:
    with pytest.raises(LessonError, match=r"line \d+") as caught:
        begun(f'words = "…"\n{keys}')
    assert said in str(caught.value)
