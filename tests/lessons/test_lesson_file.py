"""A lesson is read with all its keys; whatever is wrong in a file is one line that names the line."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.inputs import samples
from convtui.lessons.lesson import Lesson, WrongAnswer
from convtui.lessons.lesson_file import LARGEST_FILE, MOST_STEPS, LessonError, parse_lesson, read_lesson
from tests.support.lessons import HEAD, READ, lesson_of, question_of, refusal, step_of, text_of

WHOLE = '''\
# Why padding is there.
# A second comment.
lesson = 1  # the format
title = "Padding"

[[step]]  # the first
title = "A window at the edge"
page = "matrix"
image = "mnist-7"
settings = [
  "padding 1",  # as in the paper
  "at 0,  4,18",
]
multiply_adds = 4
zoom = "numbers"
view = ["transposed"]
slice = 0
highlight = ["image", "padding"]
words = """
The output has {output.rows} rows.
As many as the image."""
after = "So it is."
notes = """
Ask them first.
  - then wait
"""

[[step]]
recipe = ["batch_norm off"]
batchnorm = ["mode evaluation"]
finished = true
words = "Now a question."
ask = "How many columns?"
answer = 28
figure = "output.columns"
wrong = [
  ["26", "26 is without padding."],

  ["30",
   "You counted  it twice."],
]
hint = "Count."
reveal = "play"
masks = ["value", "size"]
'''


def test_every_key() -> None:
    lesson = parse_lesson(WHOLE, Path("course/02-padding.toml"))
    assert (lesson.title, lesson.about) == ("Padding", "Why padding is there.")
    assert lesson.path == Path("course/02-padding.toml")
    first, second = lesson.steps
    assert first.title == "A window at the edge"
    assert (first.page, first.image, first.settings) == ("matrix", "mnist-7", ("padding 1", "at 0, 4,18"))
    assert (first.multiply_adds, first.finished, first.zoom) == (4, False, "numbers")
    assert (first.view, first.slice, first.highlight) == (("transposed",), 0, ("image", "padding"))
    assert first.words == "The output has {output.rows} rows. As many as the image."
    assert (first.after, first.question, first.recipe) == ("So it is.", None, None)
    assert first.notes == "Ask them first.\n- then wait"
    assert (first.line, first.line_of("settings"), first.line_of("words")) == (6, 10, 19)
    assert first.line_of("hint") == first.line
    assert (second.page, second.image, second.recipe) == ("matrix", "", ("batch_norm off",))
    assert (second.batchnorm, second.finished, second.plays) == (("mode evaluation",), True, True)
    question = second.question
    assert question is not None
    assert (question.text, question.answer, question.figure) == ("How many columns?", 28, "output.columns")
    assert (question.tolerance, question.hint) == (0, "Count.")
    assert {*question.masks} == {"value", "size"}
    assert question.wrong == (
        WrongAnswer("26", "26 is without padding.", 37),
        WrongAnswer("30", "You counted it twice.", 39),
    )


def test_defaults() -> None:
    step = step_of(READ)
    assert (step.page, step.image, step.settings, step.recipe) == ("step", "", (), None)
    assert (step.question, step.after, step.notes, step.title) == (None, "", "", "")
    assert (step.plays, step.finished, step.multiply_adds) == (False, False, None)


def test_the_page_is_that_of_the_step_before() -> None:
    lesson = lesson_of(f"{READ}page = 'layers'", READ, f"{READ}page = 'train'", READ)
    assert [step.page for step in lesson.steps] == ["layers", "layers", "train", "train"]


@pytest.mark.parametrize(
    ("answer", "tolerance"), [("14", 0), ("14.0", 0), ("0.28", 0.005), ("98.6", 0.05), ("-0.125", 0.0005)]
)
def test_an_answer_may_be_rounded(answer: str, tolerance: float) -> None:
    assert question_of(f"answer = {answer}\nfigure = 'value'").tolerance == pytest.approx(tolerance)
    assert question_of(f"answer = {answer}\nfigure = 'value'\ntolerance = 2").tolerance == 2


@pytest.mark.parametrize(
    ("figure", "masks"),
    [
        ("output.rows", {"size"}),
        ("max(output.rows, 3)", {"size"}),
        ("output[0, 1, 2]", {"output"}),
        ("output.max", {"output"}),
        ("value", {"value"}),
        ("product[0, 1, 1]", {"products"}),
        ("slice[0].sum", {"products"}),
        ("unread.rows", {"size"}),
        ("matrix.places", {"matrix"}),
        ("layer.field", {"field"}),
        ("layer[2].field", {"layers"}),
        ("layer[2].shape", {"layers"}),
        ("network.parameters", {"layers"}),
        ("batchnorm.gamma", {"batchnorm"}),
        ("stride", set()),
    ],
)
def test_what_is_hidden_follows_the_figure(figure: str, masks: set[str]) -> None:
    assert question_of(f"answer = 1\nfigure = '{figure}'").masks == masks
    assert question_of(f"answer = 1\nfigure = '{figure}'\nmasks = []").masks == set()


def test_choices_and_conditions() -> None:
    question = question_of('answer = "it  halves"\nchoices = ["it halves", "it stays"]')
    assert (question.answer, question.choices) == ("it halves", ("it halves", "it stays"))
    assert question.is_typed
    question = question_of('until = "stride == 2"\nsolution = ["stride 2"]')
    assert (question.answer, question.until, question.solution) == (None, "stride == 2", ("stride 2",))
    assert not question.is_typed


@pytest.mark.parametrize(
    ("step", "line", "said"),
    [
        ("", 3, 'a step needs words = "…"'),
        ("words = '  '", 3, "a step needs words"),
        ("words = 3", 4, "words = 3: must be text in quotes"),
        (
            "words = 'a\\u001b[2J'\nnotes = \"\\u001b[2J\"",
            5,
            "notes: has the character '\\x1b', which cannot be shown",
        ),
        (f"{READ}word = 'x'", 5, "word: unknown name; did you mean words"),
        (f"{READ}page = 'stop'", 5, "stop: unknown name; did you mean step?"),
        (f"{READ}page = 'quite'", 5, "quite: unknown name; choose from step, matrix"),
        (f"{READ}page = []", 5, "page = []: must be text in quotes"),
        (f"{READ}settings = 'stride 2'", 5, "settings = 'stride 2': must be a list of texts"),
        (f"{READ}settings = [2]", 5, "settings = [2]: must be a list of texts"),
        (f"{READ}multiply_adds = -1", 5, "multiply_adds = -1: must be a whole number, 0 or more"),
        (f"{READ}multiply_adds = 1.5", 5, "must be a whole number"),
        (f"{READ}slice = true", 5, "must be a whole number"),
        (f"{READ}finished = 1", 5, "finished = 1: must be true or false"),
        (f"{READ}zoom = 'huge'", 5, "huge: unknown name; choose from numbers, blocks, half-blocks"),
        (f"{READ}view = ['transpose']", 5, "transpose: unknown name; did you mean transposed"),
        (f"{READ}reveal = 'stay'", 5, "stay: unknown name; did you mean play"),
        (f"{READ}answer = 3", 5, 'answer: needs a question: ask = "…"'),
        (f"{READ}hint = 'x'", 5, "hint: needs a question"),
        (f"{READ}ask = 'x'", 5, "ask: needs an answer, or a condition (until), and not both"),
        (f"{READ}ask = ''\nanswer = 3\nfigure = 'stride'", 5, "ask = '': must be the text of a question"),
        (f"{READ}ask = 'x'\nanswer = 3\nuntil = 'stride == 2'", 5, "not both"),
        (f"{READ}ask = 'x'\nanswer = 3", 6, 'answer: needs figure = "…"'),
        (f"{READ}ask = 'x'\nanswer = true", 6, "answer = True: must be a number, a shape"),
        (f"{READ}ask = 'x'\nanswer = []", 6, "answer = []: must be a number, a shape"),
        (f"{READ}ask = 'x'\nanswer = [1.5]", 6, "answer = [1.5]: must be a number, a shape"),
        (f"{READ}ask = 'x'\nanswer = nan", 6, "answer = nan: must be a number, a shape"),
        (f"{READ}ask = 'x'\nanswer = 'a'", 6, "answer: must be one of the choices: choices = [...]"),
        (f"{READ}ask = 'x'\nanswer = 'a'\nchoices = ['b', 'c']", 6, "must be one of the choices: b, c"),
        (f"{READ}ask = 'x'\nanswer = 'a'\nchoices = ['a']", 7, "must be 2 to 9 different texts"),
        (f"{READ}ask = 'x'\nanswer = 'a'\nchoices = ['a', 'A']", 7, "must be 2 to 9 different texts"),
        (f"{READ}ask = 'x'\nanswer = 'a'\nchoices = {[*'abcdefghij']}", 7, "must be 2 to 9 different texts"),
        (f"{READ}ask = 'x'\nanswer = 2\nchoices = ['a', 'b']", 6, "answer = 2: must be one of the choices"),
        (f"{READ}ask = 'x'\nuntil = 'stride == 2'", 6, "until: needs solution"),
        (f"{READ}ask = 'x'\nsolution = []\nanswer = 1\nfigure = 'stride'", 6, "solution: needs until"),
        (f"{READ}ask = 'x'\nuntil = 'a'\nsolution = []\nfigure = 'b'", 8, "figure: needs answer"),
        (
            f"{READ}ask = 'x'\nanswer = 1\nfigure = 'stride'\ntolerance = -1",
            8,
            "tolerance = -1: must be a number",
        ),
        (f"{READ}ask = 'x'\nanswer = 1\nfigure = 'stride'\nmasks = ['sizes']", 8, "did you mean size"),
        (f"{READ}ask = 'x'\nanswer = 1\nfigure = 'stride'\nwrong = ['27']", 8, "must be a list of pairs"),
        (f"{READ}ask = 'x'\nanswer = 1\nfigure = 'stride'\nwrong = [['27']]", 8, "must be a list of pairs"),
        (
            f"{READ}ask = 'x'\nanswer = 1\nfigure = 'stride'\nwrong = [[27, 'x']]",
            8,
            "must be a list of pairs",
        ),
        (f"{READ}{READ}", 5, "words is given twice"),
        (f"{READ}x = ", 5, "invalid TOML"),
        (f"{READ}a.b = 1", 5, "a: unknown name"),
    ],
)
def test_faults_of_a_step_have_their_line(step: str, line: int, said: str) -> None:
    assert refusal(text_of(step)).startswith(f"course/tried.toml, line {line}: ")
    assert said in refusal(text_of(step))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "not a convtui lesson; a lesson has the line lesson = 1"),
        ("convtui = 1", 1, "convtui: unknown name"),
        ("title = 'x'", 1, "not a convtui lesson"),
        ("title = 'x'\nlesson = 2", 2, "a lesson of another format; a lesson has the line lesson = 1"),
        ("title = 'x'\nlesson = true", 2, "a lesson of another format"),
        ("lesson = 1", 1, 'title: must be text in quotes, such as title = "Stride"'),
        ("lesson = 1\ntitle = ' '", 2, "title: must be text in quotes"),
        ("lesson = 1\ntitle = 3", 2, "title: must be text in quotes"),
        (HEAD, 1, "a lesson has 1 to 500 steps, each under a line [[step]]"),
        (f"{HEAD}step = 3", 3, "each under a line [[step]]"),
        (f"{HEAD}step = [{{words = 'a'}}]", 3, "each step is under a line [[step]]"),
        (f"{HEAD}[step]\nwords = 'a'", 3, "each under a line [[step]]"),
        (f"{HEAD}[[step]]\n{READ}[step.x]\ny = 1", 5, "[step.x]: a lesson has only [[step]]"),
        (f"{HEAD}[[steps]]\n{READ}", 3, "steps: unknown name; did you mean step"),
        (f"{HEAD}[[step]\n{READ}", 3, "invalid TOML"),
        (
            "lesson = 1\ntitle = 'x'\nauthor = 'me'",
            3,
            "author: unknown name; choose from lesson, title, step",
        ),
    ],
)
def test_faults_of_the_lesson_have_their_line(text: str, line: int, said: str) -> None:
    assert refusal(text).startswith(f"course/tried.toml, line {line}: ")
    assert said in refusal(text)


def test_most_steps_and_too_many() -> None:
    assert len(lesson_of(*[READ] * MOST_STEPS).steps) == MOST_STEPS
    assert "1 to 500 steps" in refusal(text_of(*[READ] * (MOST_STEPS + 1)))
    assert "1 to 500 steps" in refusal(HEAD + "[[step]]\n" * 15_000)


def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(WHOLE.encode())
    plain = read_lesson(file)
    for content in (WHOLE.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + WHOLE.encode()):
        file.write_bytes(content)
        lesson = read_lesson(file)
        assert lesson == plain
        assert [step.lines for step in lesson.steps] == [step.lines for step in plain.steps]


def test_a_header_in_words_is_no_header() -> None:
    (step,) = lesson_of('words = """\n[[step]]\n# no comment\n"""').steps
    assert step.words == "[[step]] # no comment"


def refused(path: Path) -> str:
    with pytest.raises(LessonError) as caught:
        read_lesson(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert refused(file) == f"{file}: no such file"
    (tmp_path / "mime.toml").touch()
    assert refused(file).endswith("no such file; did you mean mime.toml?")
    assert refused(tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"
    os.mkfifo(tmp_path / "pipe.toml")
    assert refused(tmp_path / "pipe.toml").endswith("cannot be read (not a regular file)")
    assert "cannot be read" in refused(Path("a\0b.toml"))
    assert "cannot be read" in refused(Path("a" * 5000))
    file.write_bytes(b"lesson = 1\ntitle = '\xff'")
    assert refused(file) == f"{file}, line 2: not UTF-8 text; save it as UTF-8"
    with file.open("wb") as written:
        written.truncate(LARGEST_FILE + 1)
    assert refused(file) == f"{file}: a lesson may have at most 1 MiB"
    (tmp_path / "odd\n.toml").touch()
    refused(tmp_path / "odd\n.toml")


def test_the_bundled_lessons_are_lessons() -> None:
    for file in sorted(samples.lesson_folder().glob("*.toml")):
        assert read_lesson(file).about


def read_or_refused(text: str) -> Lesson | None:
    said = ""
    lesson = None
    try:
        lesson = parse_lesson(text, Path("damaged.toml"))
    except LessonError as error:
        said = str(error)
    assert said.isprintable()
    assert not said or re.match(r"damaged\.toml, line [0-9]+: .", said)
    return lesson


@given(st.data())
def test_a_damaged_lesson_is_refused_or_read(data: st.DataObject) -> None:
    at = st.integers(0, len(WHOLE))
    begin, end = sorted((data.draw(at), data.draw(at)))
    new = data.draw(
        st.one_of(st.just(""), st.text(max_size=9), st.sampled_from(["[[step]]\n", '"""', "[", "= 9e999"]))
    )
    read_or_refused(WHOLE[:begin] + new + WHOLE[min(end, begin + 40) :])


_values = st.recursive(
    st.sampled_from(
        ["1", "-2", "0.5", "nan", "true", "''", "'a'", "'stride'", '"\\u0000"', "1979-05-27", "9" * 30]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | inner.map(lambda each: f"{{x = {each}}}")
    ),
    max_leaves=4,
)
_KEYS = "answer ask figure choices until solution wrong masks tolerance settings words x.y"
_keys = st.sampled_from(_KEYS.split(" "))


@given(st.dictionaries(_keys, _values, max_size=6))
def test_any_values_are_refused_or_read(values: dict[str, str]) -> None:
    step = "".join(f"{key} = {value}\n" for key, value in values.items())
    read_or_refused(text_of(step if "words" in values else READ + step))


@given(st.text(max_size=80))
def test_any_text_is_refused(text: str) -> None:
    assert read_or_refused(text) is None


def test_a_lesson_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command menu reads the whole course; reading each step and each key again costs it three times."""
    texts: list[str] = []
    loads = tomllib.loads

    def counted(text: str) -> dict[str, object]:
        texts.append(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counted)
    parse_lesson(WHOLE, Path("lesson.toml"))
    headers = WHOLE.count("[[step]]")
    assert texts[0] == WHOLE
    assert len(texts) == 1 + headers
    assert all(text.startswith("[[step]]") for text in texts[1:])


def test_a_number_too_large_for_a_step_is_told_with_its_line() -> None:
    text = f"{HEAD}[[step]]\nwords = 'one'\n\n[[step]]\nwords = 'two'\nslice = {2**63}\n"
    line = text.split("\n").index(f"slice = {2**63}") + 1
    with pytest.raises(LessonError, match=rf"line {line}: slice: numbers must fit in 64 bits"):
        parse_lesson(text, Path("lesson.toml"))
