"""Each fault of a lesson is found at its line; a lesson that claims a wrong number does not pass."""

from pathlib import Path

import pytest

from convtui.inputs import samples
from convtui.lessons.checking import LONGEST_QUESTION, LONGEST_WORDS, faults, solved
from convtui.lessons.setting_up import SetUps
from tests.support.lessons import READ, lesson_of, written

ASKED = f"{READ}settings = ['padding 1']\nask = 'How many rows?'\n"
ROWS = f"{ASKED}answer = 28\nfigure = 'output.rows'\n"
CHOICE = f"{ASKED}choices = ['it stays', 'it halves']\nanswer = 'it stays'\n"
DO = f"{ASKED}until = 'stride == 2'\nsolution = ['stride 2']\n"
GOOD = [
    f"{READ}page = 'layers'\nsettings = ['layers lenet-5', 'layer 3']\nhighlight = ['table']",
    f"{READ}page = 'step'\nimage = 'mnist-7'\nhighlight = ['window']\nafter = '{{output.rows}} rows'",
    f"{ROWS}wrong = [['26', 'no'], ['output.rows - 1', 'no'], ['run.steps', 'no']]\nhint = '{{stride}}'",
    f"{ASKED}answer = [1, 28, 28]\nfigure = 'output.shape'\nwrong = [['[1, 26, 26]', 'no']]",
    f"{ASKED}answer = 0.11\nfigure = '1/9'",
    f"{CHOICE}figure = 'output.rows == image.rows'\nwrong = [['it halves', 'no']]",
    CHOICE,
    f"{DO}wrong = [['stride == 3', 'no']]\nafter = '{{output.rows}} rows'",
    f"{READ}page = 'train'\nafter = '{{run.accuracy|.1%}}'\nrecipe = ['epochs 1']",
    f"{ASKED}until = 'run.steps > 10 and stride == 1'\nsolution = []",
    f"{READ}page = 'batchnorm'\nbatchnorm = ['mode evaluation', 'size 32']",
    f"{READ}page = 'batchnorm'\nbatchnorm = ['norm layer', 'groups 4']\nhighlight = ['norms', 'maps']",
]


def found(tmp_path: Path, *steps: str) -> list[str]:
    file = written(tmp_path / "tried.toml", *steps)
    lines = [str(fault) for fault in faults(file)]
    assert all(line.isprintable() for line in lines)
    return [line.removeprefix(f"{file}, ") for line in lines]


def test_what_is_right_has_no_fault(tmp_path: Path) -> None:
    assert found(tmp_path, *GOOD) == []


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (ROWS.replace("28", "27"), "line 7: step 1: the answer is 27, but output.rows is 28"),
        (f"{ASKED}answer = 28\nfigure = 'output.row'", "line 8: step 1: figure: output.row: no such figure"),
        (
            f"{ASKED}answer = 28\nfigure = 'output.shape'",
            "line 7: step 1: the answer is 28, but output.shape is",
        ),
        (
            f"{ASKED}answer = 1\nfigure = 'stride == 1'",
            "line 7: step 1: the answer is 1, but stride == 1 is yes",
        ),
        (f"{ASKED}answer = [1, 28]\nfigure = 'output.shape'", "line 7: step 1: the answer is [1, 28], but"),
        (f"{ASKED}answer = 0.12\nfigure = '1/9'", "line 7: step 1: the answer is 0.12, but 1/9 is 0.1111"),
        (f"{ASKED}answer = 1\nfigure = 'run.loss'", "line 8: step 1: run.loss: is measured by a run"),
        (
            CHOICE.replace("Read.", "word " * 40).replace(
                "'it halves'", f"'{'wide ' * 14}', '{'more ' * 14}'"
            ),
            "line 4: step 1: words: 3 lines; above these choices an 80x24 terminal has room for 1",
        ),
        (f"{CHOICE}figure = 'stride == 2'", "line 9: step 1: stride == 2: is not true here"),
        (
            f"{CHOICE}figure = 'stride'",
            "line 9: step 1: stride: of a choice it must be a condition, and it is 1",
        ),
        (f"{CHOICE}wrong = [['it stays', 'no']]", "line 9: step 1: it stays: is the right answer"),
        (f"{CHOICE}wrong = [['b', 'no']]", "line 9: step 1: b: is none of the choices a, b; write the words"),
        (
            f"{ROWS}wrong = [\n  ['26', 'no'],\n  ['image.rows', 'no'],\n]",
            "line 11: step 1: image.rows: is 28, the right answer",
        ),
        (f"{ROWS}wrong = [\n['27',\n'{{nothing}}']]", "line 10: step 1: wrong: nothing: no such figure"),
        (f"{ROWS}wrong = [\n['nothing', 'x']]", "line 10: step 1: wrong: nothing: no such figure"),
        (f"{ROWS}hint = '{{nothing}}'", "line 9: step 1: hint: nothing: no such figure"),
        (f"{ROWS}after = '{{nothing}}'", "line 9: step 1: after: nothing: no such figure"),
        (f"{READ}after = '{{'", "line 5: step 1: after: {…: a brace without its end"),
        (
            "words = '{layer[9].shape}'\nsettings = ['layers conv 3x3 4']",
            "line 4: step 1: words: layer.shape: there",
        ),
        (
            f"{READ}highlight = ['table']",
            "line 5: step 1: table: nothing on page step; choose from image, output",
        ),
        (
            f"{DO.replace('== 2', '== 1')}",
            "line 7: step 1: stride == 1: is already true when the step begins",
        ),
        (
            f"{DO.replace('stride 2', 'stride 3')}",
            "line 8: step 1: after stride 3 it is not true that stride == 2",
        ),
        (f"{DO.replace('stride 2', 'stride 0')}", "line 8: step 1: solution: stride"),
        (f"{DO.replace('stride == 2', 'strides == 2')}", "line 7: step 1: until: strides: no such figure"),
        (
            f"{DO.replace('stride == 2', 'output.rows')}",
            "line 7: step 1: output.rows: must be a condition, and it is 28",
        ),
        (
            f"{DO}wrong = [['padding == 1', 'no']]",
            "line 9: step 1: padding == 1: is already true when the step",
        ),
        (f"{READ}page = 'batchnorm'\nbatchnorm = ['seed 3']", "line 6: step 1: seed 3: a step cannot choose"),
        (f"{READ}page = 'batchnorm'\nbatchnorm = ['moode evaluation']", "line 6: step 1: moode"),
        (
            f"words = '{'x' * (LONGEST_WORDS + 1)}'",
            f"line 4: step 1: words: {LONGEST_WORDS + 1} characters; an 80x24",
        ),
        (
            ROWS.replace("How many rows?", "x" * (LONGEST_QUESTION + 1)),
            f"line 6: step 1: ask: {LONGEST_QUESTION + 1} characters",
        ),
        (f"{READ}settings = ['layers lenet-5', 'layer 99']", "line 5: "),
    ],
)
def test_faults(tmp_path: Path, step: str, fault: str) -> None:
    (line,) = found(tmp_path, step)
    assert line.startswith(fault)


def test_a_layer_that_is_not_there(tmp_path: Path) -> None:
    step = f"{ASKED}answer = 5\nfigure = 'layer[90].field'"
    assert found(tmp_path, step) == [
        "line 8: step 1: figure: layer.field: there is no [90] here; written as layer[3].field"
    ]


def test_all_faults_are_found_in_their_order(tmp_path: Path) -> None:
    lines = found(tmp_path, f"{READ}highlight = ['a', 'b']", READ, ROWS.replace("28", "27") + "hint = '{x}'")
    assert [line.split(": ")[1] for line in lines] == ["step 1", "step 1", "step 3", "step 3"]


def test_what_cannot_be_opened_is_one_fault(tmp_path: Path) -> None:
    (line,) = found(tmp_path, READ, f"{READ}image = 'nowhere'", ROWS.replace("28", "27"))
    assert line.startswith("line 7: ")
    assert len(faults(tmp_path / "missing.toml")) == 1
    (tmp_path / "bad.toml").write_text("lesson = ")
    assert len(faults(tmp_path / "bad.toml")) == 1


def test_the_words_of_an_answer_are_those_once_it_is_done() -> None:
    lesson = lesson_of(f"{DO}")
    begun = SetUps(lesson).of(0)
    question = lesson.steps[0].question
    assert question is not None
    done = solved(begun, question, Path())
    assert begun.session.spec.stride == (1, 1)
    assert done.session.spec.stride == (2, 2)
    assert done.session.convolution.output_shape == (1, 14, 14)


def test_the_bundled_lessons_have_no_fault() -> None:
    for file in sorted(samples.lesson_folder().glob("*.toml")):
        assert faults(file) == []
