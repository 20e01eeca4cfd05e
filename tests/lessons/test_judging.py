"""An answer is read as it is meant, and a wrong one is met by the reason of that very error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.lessons.judging import UnreadableAnswer, Verdict, answer_text, judged, letter_of, noticed
from convtui.lessons.lesson import Question
from tests.support.lessons import question_of, seen_of

SEEN = seen_of("padding 1")
ROWS = question_of("""
answer = 5
figure = "output.rows"
wrong = [
  ["image.rows - kernel.rows + 1", "{image.rows - kernel.rows + 1} is without padding."],
  ["nothing", "Never said."],
  ["7", "You counted {it} twice."],
  ["image.rows + 4", "You counted the padding twice."],
]
hint = "Count the places: {image.rows} rows."
""")
RATE = question_of("answer = 0.28\nfigure = 'value'")
SHAPE = question_of("""
answer = [1, 5, 5]
figure = "output.shape"
wrong = [["[1, 3, 3]", "That is without padding."], ["kernel.name", "No shape."]]
""")
CHOICE = question_of("""
choices = ["it stays", "it halves, nearly", "a quarter", "it doubles"]
answer = "it halves, nearly"
wrong = [["it stays", "Only at stride {stride}."]]
hint = "Try it."
""")
NUMBERS = question_of('choices = ["2", "3 rows", "4", "1 row"]\nanswer = "4"')
DO = question_of("""
until = "stride == 2"
solution = ["stride 2", "at 1"]
wrong = [["padding == 2", "That is the padding."], ["nothing", "x"], ["at.row", "no condition"]]
""")


def is_right(question: str, text: str) -> bool:
    return judged(question_of(question), text, SEEN).is_right


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("14", 14),
        (" 14 ", 14),
        ("+14", 14),
        ("14.0", 14),
        ("−3", -3),
        ("-3", -3),
        ("1/9", 1 / 9),
        ("-1 / 9", -1 / 9),
        ("98%", 0.98),
        ("98.5 %", 0.985),
        ("1,437", 1437),
        ("1 437", 1437),
        ("1,234,567.5", 1234567.5),
        ("0,5", 0.5),
        ("0,125", 0.125),
        ("12,5", 12.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("14.", 14),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert is_right(f"answer = {value}\nfigure = 'value'\ntolerance = 1e-9", text)
    assert not is_right(f"answer = {value + 1}\nfigure = 'value'\ntolerance = 1e-9", text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "five",
            "5 rows",
            "1/0",
            "1//2",
            "nan",
            "inf",
            "-inf",
            "sNaN",
            "1e999",
            "5x5",
            "%",
            "/",
            "14 15",
        ),
        *("1,2,3", "1.2.3", "0x10", "٥ rows", "9" * 9999, "1/9/9", "--5"),
    ],
)
def test_no_numbers(text: str) -> None:
    with pytest.raises(UnreadableAnswer, match=r"answer with a number, such as 14 or 0\.5") as caught:
        judged(ROWS, text, SEEN)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[1, 5, 5]",
        "1x5x5",
        "1 x 5 x 5",
        "1X5X5",
        "1×5×5",
        "1*5*5",
        "1 5 5",
        "(1, 5, 5)",
        "1,5,5",
        " 1, 5 ,5 ",
    ],
)
def test_shapes(text: str) -> None:
    assert judged(SHAPE, text, SEEN) == Verdict(True)


@pytest.mark.parametrize(
    "text", ["", "5x5", "1x5x5x5", "25", "1x5x-5", "1x5x5.0", "1.5.5", "one", "1xx5x5", "1x5x" + "5" * 5000]
)
def test_no_shapes(text: str) -> None:
    with pytest.raises(UnreadableAnswer, match="answer with 3 numbers, such as 1x28x28"):
        judged(SHAPE, text, SEEN)


@pytest.mark.parametrize(("count", "example"), [(1, "28"), (2, "28x28"), (3, "1x28x28"), (4, "1x28x28x28")])
def test_examples_of_shapes_are_shapes(count: int, example: str) -> None:
    question = question_of(f"answer = {[3] * count}\nfigure = 'output.shape'")
    with pytest.raises(UnreadableAnswer, match=f"such as {example}$"):
        judged(question, "?", SEEN)
    assert not judged(question, example, SEEN).is_right


@pytest.mark.parametrize(
    "text", ["b", "B", "b)", "b.", "2", "it halves, nearly", "It Halves, nearly", "it h", "it ha"]
)
def test_choices(text: str) -> None:
    assert judged(CHOICE, text, SEEN) == Verdict(True)


@pytest.mark.parametrize(("text", "words"), [("a", "Only at stride 1."), ("it s", "Only at stride 1.")])
def test_known_wrong_choices(text: str, words: str) -> None:
    assert judged(CHOICE, text, SEEN) == Verdict(False, words)


@pytest.mark.parametrize("text", ["c", "a q", "4"])
def test_other_choices(text: str) -> None:
    assert judged(CHOICE, text, SEEN) == Verdict(False, "Try it.")


@pytest.mark.parametrize("text", ["", "e", "it", "5", "0", "ab", "halves"])
def test_no_choices(text: str) -> None:
    with pytest.raises(UnreadableAnswer, match="answer with a, b, c, d"):
        judged(CHOICE, text, SEEN)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [("4", True), ("c", True), ("2", False), ("3", False), ("1", False), ("3 rows", False)],
)
def test_choices_that_are_numbers_are_named_by_what_they_say(text: str, is_right: bool) -> None:
    assert judged(NUMBERS, text, SEEN).is_right is is_right


def test_the_reason_of_a_wrong_answer() -> None:
    assert judged(ROWS, "5", SEEN) == Verdict(True)
    assert judged(ROWS, "3", SEEN) == Verdict(False, "3 is without padding.")
    assert judged(ROWS, "9", SEEN) == Verdict(False, "You counted the padding twice.")
    assert judged(ROWS, "4", SEEN) == Verdict(False, "Count the places: 5 rows.")
    assert judged(SHAPE, "1x3x3", SEEN) == Verdict(False, "That is without padding.")
    assert judged(SHAPE, "1x4x4", SEEN) == Verdict(False)


def test_a_reason_that_cannot_be_worked_out_is_left_out() -> None:
    assert judged(ROWS, "7", SEEN) == Verdict(False, "Count the places: 5 rows.")
    question = question_of("answer = 5\nfigure = 'output.rows'\nhint = '{nothing}'")
    assert judged(question, "7", SEEN) == Verdict(False)


def test_rounded_answers_are_right() -> None:
    assert all(judged(RATE, text, SEEN).is_right for text in ("0.28", "0.284", "28%", "0.276"))
    assert not any(judged(RATE, text, SEEN).is_right for text in ("0.3", "0.286", "0.27"))


def test_what_the_user_does_is_noticed() -> None:
    assert noticed(DO, SEEN) is None
    assert noticed(DO, seen_of("stride 2")) == Verdict(True)
    assert noticed(DO, seen_of("padding 2")) == Verdict(False, "That is the padding.")
    assert noticed(DO, seen_of("padding 2", "stride 2")) == Verdict(True)


def test_the_answer_in_words() -> None:
    assert answer_text(ROWS) == "5"
    assert answer_text(SHAPE) == "[1, 5, 5]"
    assert answer_text(CHOICE) == "b it halves, nearly"
    assert answer_text(DO) == "stride 2 · at 1"
    assert answer_text(question_of("answer = -1437\nfigure = 'stride'")) == "−1,437"
    assert letter_of(0) == "a"


@given(
    st.sampled_from([ROWS, RATE, SHAPE, CHOICE, NUMBERS]),
    st.text(max_size=20) | st.text("0123456789.,/%x e-−abc[]", max_size=9),
)
def test_any_answer_is_judged_or_unreadable(question: Question, text: str) -> None:
    said = ""
    try:
        said = judged(question, text, SEEN).words
    except UnreadableAnswer as error:
        said = str(error)
    assert said.isprintable()
