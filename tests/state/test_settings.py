"""Text and value are each other's inverse, and what is not understood is told in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.kernels import kernel, load_kernel
from convtui.engine.spec import LARGEST_VALUE, PADDING_MODES, ConvSpec, SpecError
from convtui.inputs import samples
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.state.settings import (
    EXAMPLES,
    canonical,
    parse_at,
    parse_count,
    parse_number,
    parse_padding,
    parse_pair,
    transition,
)
from convtui.store.pictures import reopened
from tests.support.sessions import bits

SESSION = Session.start(
    samples.open_image("colours-12x12"), KernelChoice("random", filters=3), size=(3, 2), stride=(2, 1)
)
INDICES = st.integers(0, SESSION.size - 1)
POSITIVE = st.integers(1, 1000)
NOT_NEGATIVE = st.integers(0, 1000)


@given(st.tuples(POSITIVE, POSITIVE))
def test_pairs_come_back(pair: tuple[int, int]) -> None:
    assert ConvSpec(1, stride=parse_pair("stride", canonical(pair))).stride == pair


SIDES = st.tuples(NOT_NEGATIVE, NOT_NEGATIVE)


@given(NOT_NEGATIVE | SIDES | st.tuples(SIDES, SIDES) | st.sampled_from(["same", "valid"]))
def test_padding_comes_back(padding: Any) -> None:
    spec = ConvSpec((3, 2), padding=padding)
    for value in (padding, spec.padding):
        assert ConvSpec((3, 2), padding=parse_padding(canonical(value))) == spec


@given(st.floats(-LARGEST_VALUE, LARGEST_VALUE))
def test_numbers_come_back(number: float) -> None:
    assert parse_number("bias", canonical(number)) == number


@given(st.integers(-99, 99), POSITIVE)
def test_fractions(numerator: int, denominator: int) -> None:
    assert parse_number("bias", f"{numerator}/{denominator}") == numerator / denominator


@given(INDICES, INDICES)
def test_cells_come_back(index: int, here: int) -> None:
    session = SESSION.at(here)
    assert parse_at(str(index + 1), session) == index
    channel, row, column = session.convolution.position(index)
    assert parse_at(canonical((channel, row, column)), session) == index
    assert parse_at(f"{row},{column}", session.at(index)) == index


@pytest.mark.parametrize("text", ["2,1", "2x1", "2 1", " 2 , 1 ", "2×1", "(2, 1)", "[2,1]"])
def test_pairs_are_written_in_many_ways(text: str) -> None:
    assert parse_pair("stride", text) == (2, 1)


def test_padding_has_one_two_or_four_numbers() -> None:
    assert parse_padding("1") == 1
    assert parse_padding("1,2") == (1, 2)
    assert parse_padding("0,1,2,3") == parse_padding("((0, 1), (2, 3))") == ((0, 1), (2, 3))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 1), "1"),
        ((2, 1), "2,1"),
        (((0, 1), (0, 1)), "0,1,0,1"),
        (((1, 1), (2, 2)), "1,2"),
        ("same", "same"),
    ],
)
def test_the_shortest_text(value: object, text: str) -> None:
    assert canonical(value) == text


@pytest.mark.parametrize(
    "text", ["", "a", "1.5", "1,2,3", "2,,1", "2,", ",", "١", "1_0", "9" * 400, "2;1", "1 - 2"]
)
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(ValueError, match=r"stride=.*whole number"):
        parse_pair("stride", text)


@pytest.mark.parametrize("text", ["", "sam", "1,2,3", "1,2,3,4,5", "1.5", "none"])
def test_what_is_no_padding(text: str) -> None:
    with pytest.raises(ValueError, match=r"padding=.*top,bottom,left,right; same, valid or same-tf"):
        parse_padding(text)


@pytest.mark.parametrize(
    "text", ["", "x", "1/0", "1/", "nan", "inf", "-inf", "1e31", "1e999", "1/2/3", "1,5"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"bias=.*must be"):
        parse_number("bias", text)


def test_counts_name_their_bounds() -> None:
    assert parse_count("filters", "1", most=9) == 1
    assert parse_count("filters", "9", most=9) == 9
    for text in ("0", "10", "-1", "a", "1,2"):
        with pytest.raises(ValueError, match=f"filters='{text}': must be a whole number from 1 to 9"):
            parse_count("filters", text, most=9)


def _beyond() -> list[tuple[str, str]]:
    channels, rows, columns = SESSION.convolution.output_shape
    return [
        ("0", f"1 to {SESSION.size}"),
        (f"{SESSION.size + 1}", f"1 to {SESSION.size}"),
        (f"{rows},0", f"output row {rows}; output rows are 0 to {rows - 1}"),
        (f"0,{columns}", f"output column {columns}; output columns are 0 to {columns - 1}"),
        ("0,-1", f"output column -1; output columns are 0 to {columns - 1}"),
        (f"{channels},0,0", f"output channel {channels}; output channels are 0 to {channels - 1}"),
        ("0,0,0,0", "channel,row,column"),
        ("middle", "channel,row,column"),
    ]


@pytest.mark.parametrize(("text", "legal"), _beyond())
def test_cells_that_are_not_there(text: str, legal: str) -> None:
    with pytest.raises(ValueError, match=f"at='{text}'.*{legal}"):
        parse_at(text, SESSION)


# -- transitions


def _same(one: Session, other: Session) -> bool:
    return (
        one.spec == other.spec
        and np.array_equal(one.convolution.weight, other.convolution.weight)
        and bits(one.convolution.bias) == bits(other.convolution.bias)
        and (one.kernel, one.index) == (other.kernel, other.index)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stride 2,3", SESSION.with_spec(stride=(2, 3))),
        ("stride=(2, 3)", SESSION.with_spec(stride=(2, 3))),
        ("  STRIDE  2x3 ", SESSION.with_spec(stride=(2, 3))),
        ("padding 0,1,2,3", SESSION.with_spec(padding=((0, 1), (2, 3)))),
        ("padding valid", SESSION.with_spec(padding="valid")),
        ("dilation 2", SESSION.with_spec(dilation=2)),
        ("mode reflect", SESSION.with_spec(padding_mode="reflect")),
        ("padding_mode 'circular'", SESSION.with_spec(padding_mode="circular")),
        ("size 5", SESSION.with_kernel_size(5)),
        ("size 3x5", SESSION.with_kernel_size((3, 5))),
        ("kernel-size 3 5", SESSION.with_kernel_size((3, 5))),
        ("groups 3", SESSION.with_groups(3)),
        ("filters 4", SESSION.with_filters(4)),
        ("kernel sobel-x", SESSION.with_kernel(KernelChoice("sobel-x"))),
        ("kernel gaussian-blur 5", SESSION.with_kernel(KernelChoice("gaussian-blur"), 5)),
        ("seed 7", SESSION.with_kernel(KernelChoice("random", seed=7, filters=3), (3, 2))),
        ("bias 1 0.5", SESSION.with_bias_value(1, 0.5)),
        ("bias -1/4", SESSION.with_bias_value(0, -0.25).with_bias_value(1, -0.25).with_bias_value(2, -0.25)),
        ("at 131", SESSION.at(130)),
        ("at 2,4,5", SESSION.at(SESSION.convolution.index(2, 4, 5))),
    ],
)
def test_a_line_does_what_it_says(text: str, expected: Session) -> None:
    assert _same(transition(text)(SESSION), expected)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_every_padding_mode_can_be_typed(mode: str) -> None:
    assert transition(f"mode {mode}")(SESSION).spec.padding_mode == mode


def test_kernels_from_files(tmp_path: Path) -> None:
    file = tmp_path / "my kernel.txt"
    file.write_text("1 2\n3 1/4\n")
    session = transition(f"kernel {file}")(SESSION)
    assert np.array_equal(session.convolution.weight, np.tile([[1, 2], [3, 0.25]], (1, 3, 1, 1)))
    assert session.kernel.name == "my kernel.txt"


@pytest.mark.parametrize("file", samples.kernel_files(), ids=lambda file: file.stem)
def test_sample_kernels_by_name(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (file.stem, file.name):
        weight = transition(f"kernel {name}")(SESSION).convolution.weight
        assert np.array_equal(weight, np.broadcast_to(load_kernel(file), weight.shape))


def test_a_named_kernel_wins_over_a_file_of_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("identity").write_text("5 5\n5 5\n")
    assert np.array_equal(
        transition("kernel identity 3")(SESSION).convolution.weight, kernel("identity", 3, in_channels=3)
    )
    assert (transition("kernel ./identity")(SESSION).convolution.weight == 5).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown setting; choose from stride, padding"),
        ("strid 2", "strid: unknown setting; did you mean stride"),
        ("\x1b[2J 2", r"'\\x1b\[2J': unknown setting"),
        ("stride", "stride needs a value, for example: stride 2,1"),
        ("size =", "kernel_size needs a value, for example: size 3x5"),
        ("stride 0", "stride=0: must be at least 1"),
        ("size 65", "kernel_size=65: .*nearest legal"),
        ("mode mirror", "padding_mode='mirror': .*'zeros', 'reflect', 'replicate' or 'circular'"),
        ("kernel sobelx", "sobelx: no such kernel or file; did you mean sobel"),
        ("kernel lumma", "did you mean luma"),
        ("kernel sobel-x big", "kernel_size='big'"),
        ("kernel ~nobody-at-all/k", "no-at-all|no such file"),
        ("groups 2", "groups=2: must divide the 3 input channels"),
        ("filters 0", "filters='0': must be a whole number from 1 to 4096"),
        ("bias 3 0.5", "bias='3 0.5': no output channel 3; output channels are 0 to 2"),
        ("bias a 0.5", "output channel='a': must be a whole number"),
        ("seed -1", "seed='-1': must be a whole number, at least 0"),
    ],
)
def test_what_cannot_be_done_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transition(text)(SESSION)


def test_a_seed_draws_random_filters_again_and_keeps_the_others() -> None:
    session = SESSION.with_kernel(KernelChoice("top-edge"), 3).with_filters(20)
    names, before = session.filter_names, session.convolution.weight
    seeded = transition("seed 7")(session)
    assert (seeded.filter_names, seeded.kernel.seed) == (names, 7)
    for name, old, new in zip(names, before, seeded.convolution.weight, strict=True):
        assert (old != new).any() == (name == "random")


def test_filters_typed_are_different_ones() -> None:
    session = transition("filters 4")(SESSION.with_kernel(KernelChoice("top-edge"), 3))
    assert session.filter_names == ("top-edge", "bottom-edge", "left-edge", "right-edge")


def test_only_the_random_kernel_has_a_seed() -> None:
    for session in (SESSION.with_kernel(KernelChoice("sobel-x")), SESSION.with_weight_value(0, 0, 0, 0, 1.0)):
        with pytest.raises(ValueError, match="seed=7: only the kernel called random"):
            transition("seed 7")(session)


def test_a_file_that_is_no_kernel_is_named(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("one two\n")
    with pytest.raises(ValueError, match=r"words.txt: line 1: 'one' is not a number"):
        transition(f"kernel {file}")
    with pytest.raises(ValueError, match=r"no such kernel or file; did you mean words.txt"):
        transition(f"kernel {tmp_path / 'word.txt'}")


OF_OPERATIONS = {
    "way": "convtranspose 3x3 1 s2",
    "output_padding": "convtranspose 3x3 1 s2",
    "ceil_mode": "maxpool 2",
    "count_include_pad": "avgpool 3 p1",
    "divisor_override": "avgpool 2",
    "output_size": "adaptivemaxpool 3",
}


@pytest.mark.parametrize("setting", EXAMPLES)
def test_every_setting_has_an_example_that_works(setting: str) -> None:
    reopen = None if setting not in ("resize", "crop", "gray", "axes", "white") else reopened
    before = SESSION.with_spec(padding=8, stride=1)
    if setting in OF_OPERATIONS:
        before = transition(f"operation {OF_OPERATIONS[setting]}")(before)
    changed = transition(EXAMPLES[setting], reopen)(before)
    if setting == "axes":  # which a table does not have
        return
    assert not _same(changed, SESSION)


@pytest.mark.parametrize("setting", OF_OPERATIONS)
def test_a_parameter_that_an_operation_has_not_names_one_that_has_it(setting: str) -> None:
    refusal = _refusal(EXAMPLES[setting])
    if setting != "way":
        assert "conv has none; operation " in refusal
    example = refusal.split("operation ")[1].removesuffix(" has")
    transition(EXAMPLES[setting])(transition(f"operation {example}")(SESSION))


@pytest.mark.parametrize("setting", ["groups", "kernel", "filters", "bias", "seed"])
def test_a_pooling_has_no_weights_to_set(setting: str) -> None:
    with pytest.raises(SpecError, match="a pooling has no weights; operation conv has"):
        transition(EXAMPLES[setting])(transition("operation maxpool 2")(SESSION))


NUMBERS = st.lists(st.integers(-3, 9), min_size=1, max_size=4).map(
    lambda numbers: ",".join(map(str, numbers))
)


def _refusal(text: str) -> str:
    try:
        transition(text)(SESSION)
    except ValueError as error:
        return str(error)
    return "done"


@given(st.sampled_from(sorted(EXAMPLES.keys() - {"kernel"})), NUMBERS | st.text(max_size=40))
def test_whatever_is_typed_is_done_or_refused_in_one_line(setting: str, text: str) -> None:
    assert _refusal(f"{setting} {text}").isprintable()
