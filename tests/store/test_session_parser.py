"""Whatever is wrong in a session file is refused in one line that names the file and the line."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.kernels import kernel
from convtui.state.session import Session
from convtui.store.session_file import SessionFileError, dumps, loads
from tests.support.example_sessions import step_of
from tests.support.sessions import figures, sessions, top_edge

LESSON = """\
# A lesson.
convtui = 1

[image]
sample = "cat-32"
edits = [
    [0, 1, 2, 0.5],  # darker
    [1, 31, 31, 1],
]

[kernel]
name = "top-edge"
size = 3
filters = 3
bias = [0.5, 1, -0.5]

[convolution]
stride = 1
padding = [1, 2]
dilation = 1
groups = 3
padding_mode = "reflect"

[position]
output = [2, 1, 0]
multiply_adds = 4
filled = 2337

[view]
zoom = "blocks"
slice = 2
hints = false

[layers]
text = "conv 3x3 4 s2, relu, conv 3x3 8"
name = "mine.txt"
seed = 5
layer = 3
activation = [7, 2, 3]

[batchnorm]
norm = "group"
num_groups = 4
"""

OWN = '''\
convtui = 1
[image]
pixels = """
0 0.5 1
1 0.5 0
"""
[kernel]
weight = """
1 0

2 0
"""
bias = [1]
'''


def refusal(text: str) -> str:
    with pytest.raises(SessionFileError) as caught:
        loads(text, "lessons/lesson.toml")
    return str(caught.value)


def assert_refused(text: str, line: int, *words: str) -> None:
    message = refusal(text)
    assert message.startswith(f"lessons/lesson.toml, line {line}: "), message
    assert message.isprintable()
    for word in words:
        assert word in message


def test_the_lesson_itself_is_right() -> None:
    session = loads(LESSON, "lesson.toml")
    assert (session.position, session.taps, session.filled) == ((2, 1, 0), 4, 2337)
    assert session.picture.pixels[1, 31, 31] == 1
    assert session.spec.padding == ((1, 1), (2, 2))
    assert session.convolution.bias is not None
    assert session.convolution.bias.tolist() == [0.5, 1, -0.5]
    assert (session.stack.text, session.stack.name) == ("conv 3x3 4 s2, relu, conv 3x3 8", "mine.txt")
    assert (session.stack.seed, session.stack.layer, session.stack.activation) == (5, 3, (7, 2, 3))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("convtui = 1", "convtui = 2", ["newer", "format 1"]),
        ("convtui = 1", 'convtui = "1"', ["must be 1"]),
        ("convtui = 1", "convtui = 0", ["must be 1"]),
        ("convtui = 1", "convtui = true", ["must be 1"]),
        ("[view]", "[veiw]", ["veiw", "did you mean view"]),
        ("stride = 1", "strides = 1", ["convolution.strides", "did you mean stride"]),
        ("[view]", "[convolution.view]", ["convolution.view"]),
        ("[view]", "[[view]]", ["view", "must be a table"]),
        ("[view]", 'q."a\\nb\\u001b" = 1\n', ["q: unknown name"]),
        ('sample = "cat-32"', 'sample = "cat-33"', ["no such sample", "cat-32"]),
        ('sample = "cat-32"', "sample = 32", ["image.sample = 32", "text in quotes"]),
        ('sample = "cat-32"', 'path = "nowhere/cat.png"', ["image.path", "nowhere/cat.png", "no such file"]),
        ('sample = "cat-32"', 'path = ""', ["image.path", "folder"]),
        ('sample = "cat-32"', 'path = "a\\u0000b\\n.png"', ["image.path", "not a valid path"]),
        ('sample = "cat-32"', 'path = "~nobody-here/x.png"', ["image.path", "home"]),
        ("edits = [", 'path = "cat.png"\nedits = [', ["image.sample", "keep only one"]),
        ("edits = [", "resize = 0\nedits = [", ["image.resize = 0", "1 to 4096"]),
        ("edits = [", "resize = true\nedits = [", ["image.resize = True", "1 to 4096"]),
        ("edits = [", "resize = 8.0\nedits = [", ["image.resize = 8.0", "1 to 4096"]),
        ("edits = [", 'resize = "8x0"\nedits = [', ["image.resize = '8x0'", "1 to 4096"]),
        ("edits = [", "crop = 8\nedits = [", ["image.crop = 8", "in quotes"]),
        ("edits = [", 'gray = "yes"\nedits = [', ["image.gray = 'yes'", "true or false"]),
        ("edits = [", "digest = 1\nedits = [", ["image.digest = 1", "text in quotes"]),
        ("edits = [", "lowest = 1\nedits = [", ["image.lowest", "image.sample", "leave it out"]),
        ("[1, 31, 31, 1]", "[1, 31, 32, 1]", ["[1, 31, 32, 1]", "no such pixel", "[3, 32, 32]"]),
        ("[1, 31, 31, 1]", "[-1, 31, 31, 1]", ["no such pixel"]),
        ("[1, 31, 31, 1]", "[1, 31, 1]", ["[channel, row, column, value]"]),
        ("[1, 31, 31, 1]", "[1, 31.0, 31, 1]", ["[channel, row, column, value]"]),
        ("[1, 31, 31, 1]", "[1, true, 31, 1]", ["[channel, row, column, value]"]),
        ("[1, 31, 31, 1]", '[1, 31, 31, "1"]', ["finite number"]),
        ("[1, 31, 31, 1]", "[1, 31, 31, nan]", ["finite number"]),
        ("[1, 31, 31, 1]", "[1, 31, 31, 1e31]", ["at most 1e+30"]),
        ('name = "top-edge"', 'name = "topedge"', ["kernel.name", "topedge", "top-edge"]),
        ('name = "top-edge"', "name = 1", ["kernel.name = 1", "text in quotes"]),
        ("size = 3", "size = 12", ["kernel_size=12", "11"]),
        ("size = 3", "size = 0", ["kernel_size=0", "at least 1"]),
        ("size = 3", 'size = "3"', ["kernel_size='3'", "whole numbers"]),
        ("size = 3", "size = [3, 3, 3]", ["kernel_size", "pair"]),
        ("size = 3", "size = 40", ["kernel_size=40", "only 34"]),
        ("filters = 3", "filters = 0", ["kernel.filters = 0", "1 or more"]),
        ("filters = 3", "filters = 3000000", ["27,000,000 weights", "at most"]),
        ("filters = 3", "seed = -1", ["kernel.seed = -1", "0 or more"]),
        ("size = 3", "size = 3\nweight = '1 2'", ["kernel.size", "leave it out"]),
        ("bias = [0.5, 1, -0.5]", "bias = [0.5]", ["kernel.bias", "1 number,", "3 filters"]),
        ("bias = [0.5, 1, -0.5]", "bias = 0.5", ["kernel.bias = 0.5", "a list"]),
        ("bias = [0.5, 1, -0.5]", "bias = []", ["kernel.bias"]),
        ("bias = [0.5, 1, -0.5]", "bias = [1, 2, inf]", ["kernel.bias", "finite"]),
        ("bias = [0.5, 1, -0.5]", "bias = [1, 2, [3]]", ["kernel.bias", "a list of finite numbers"]),
        ("stride = 1", "stride = 0", ["stride=0", "at least 1"]),
        ("stride = 1", "stride = 1.5", ["stride=1.5", "whole numbers"]),
        ("stride = 1", "stride.rows = 1", ["stride={'rows': 1}", "whole numbers"]),
        ("stride = 1", "stride = 2026-01-01", ["stride=", "whole numbers"]),
        ("padding = [1, 2]", 'padding = "full"', ["padding='full'", "'same'"]),
        ("padding = [1, 2]", "padding = [[1, 2], 3]", ["padding", "((top, bottom), (left, right))"]),
        ("padding = [1, 2]", "padding = 40", ["padding", "reflect", "32 rows"]),
        ("dilation = 1", "dilation = -1", ["dilation=-1"]),
        ("groups = 3", "groups = 2", ["groups=2", "divide the 3 input channels", "1 or 3"]),
        ("groups = 3", "groups = 1000000000000", ["groups=1000000000000", "3"]),
        ("groups = 3", "groups = 0", ["groups=0", "at least 1"]),
        ('padding_mode = "reflect"', 'padding_mode = "mirror"', ["padding_mode='mirror'", "'reflect'"]),
        ('padding_mode = "reflect"', "padding_mode = [1]", ["padding_mode=[1]"]),
        ("output = [2, 1, 0]", "output = [3, 1, 0]", ["position.output = [3, 1, 0]", "there are 3"]),
        ("output = [2, 1, 0]", "output = [2, 1, 99]", ["column 99", "there are 34"]),
        ("output = [2, 1, 0]", "output = [2, -1, 0]", ["row -1"]),
        ("output = [2, 1, 0]", "output = [2, 1]", ["[filter, row, column]"]),
        ("output = [2, 1, 0]", "output = [2, 1, 0.0]", ["[filter, row, column]"]),
        ("output = [2, 1, 0]", "output = 7", ["[filter, row, column]"]),
        ("multiply_adds = 4", "multiply_adds = 10", ["position.multiply_adds = 10", "0 to 9"]),
        ("filled = 2337", "filled = 2", ["position.filled = 2", "2211 to 3264"]),
        ("filled = 2337", "filled = 99999", ["position.filled = 99999", "2211 to 3264"]),
        (
            'zoom = "blocks"',
            'zoom = "huge"',
            ["view.zoom = 'huge'", "auto or numbers or blocks or half-blocks"],
        ),
        ('zoom = "blocks"', 'zoom = ""', ["view.zoom = ''"]),
        ("slice = 2", "slice = 3", ["view.slice = 3", "0 to 2"]),
        ("hints = false", "hints = 0", ["view.hints = 0", "true or false"]),
        ("conv 3x3 8", "conv 3x3", ["layers.text", "layer 3 (conv 3x3)", "out_channels"]),
        ("conv 3x3 8", "conf 3x3 8", ["layers.text", "'conf'", "conv"]),
        ('"conv 3x3 4 s2, relu, conv 3x3 8"', "3", ["layers.text = 3", "text in quotes"]),
        ('"conv 3x3 4 s2, relu, conv 3x3 8"', '"/etc/hosts.txt"', ["layers.text", "/etc/hosts.txt"]),
        ('name = "mine.txt"', 'name = "lenet-5"', ["layers.name", "leave it out"]),
        ('name = "mine.txt"', "name = 3", ["layers.name = 3", "text in quotes"]),
        ("seed = 5", "seed = -5", ["layers.seed = -5", "0 or more"]),
        ("layer = 3", "layer = 4", ["layers.layer = 4", "0 to 3"]),
        ("layer = 3", "layer = true", ["layers.layer = True", "0 to 3"]),
        ("[7, 2, 3]", "[8, 2, 3]", ["layers.activation = [8, 2, 3]", "[8, 13, 13]"]),
        ("[7, 2, 3]", "[7, -1, 3]", ["layers.activation", "[8, 13, 13]"]),
        ("[7, 2, 3]", "[7, 2]", ["layers.activation = [7, 2]", "[channel, row, column]"]),
        ("[7, 2, 3]", "[7, 2, 3.0]", ["layers.activation", "[channel, row, column]"]),
        ('"group"', '"spectral"', ["batchnorm.norm = 'spectral'", "batch or layer or group or instance"]),
        ('"group"', "1", ["batchnorm.norm = 1", "text in quotes"]),
        ("num_groups = 4", "num_groups = 0", ["batchnorm.num_groups = 0", "1 to 65536"]),
        ("num_groups = 4", "num_groups = 2.0", ["batchnorm.num_groups = 2.0"]),
        ("num_groups = 4", "num_group = 4", ["batchnorm.num_group", "did you mean num_groups"]),
        ("seed = 5", "sead = 5", ["layers.sead", "did you mean seed"]),
        ("slice = 2", "slice = 0x" + "f" * 5000, ["view.slice", "64 bits"]),
        ("slice = 2", "slice = " + "1" * 5000, ["a number is too long"]),
        ("slice = 2", "slice = " + "[" * 5000 + "]" * 5000, ["too deep"]),
        ("slice = 2", "slice" + ".a" * 5000 + " = 1", ["a key of 5,001 parts"]),
        ("slice = 2", "slice = ", ["invalid TOML", "invalid value"]),
        ("slice = 2", "[image]", ["image", "given twice"]),
        ("slice = 2", "slice = 'a", ["invalid TOML"]),
        ("slice = 2", 'slice = """a', ["invalid TOML", "unterminated"]),
        ("slice = 2", "slice", ["invalid TOML"]),
        ("slice = 2", "sli\x1bce = 2", ["invalid TOML"]),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, words: list[str]) -> None:
    assert LESSON.count(old) == 1
    assert_refused(LESSON.replace(old, new), LESSON[: LESSON.index(old)].count("\n") + 1, *words)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, ["empty", "convtui = 1"]),
        ('convtui = 1\n\n[image]\nresize = 9\n[kernel]\nname = "x"', 3, ["needs sample, path or pixels"]),
        ("\n\n", 1, ["empty"]),
        ("# only a comment\n", 1, ["not a convtui session"]),
        ('[project]\nname = "mine"\n[tool.convtui]\nx = 1', 1, ["not a convtui session", "convtui = 1"]),
        ("convtui = 1\n", 1, ["[image] needs sample, path or pixels"]),
        ('convtui = 1\n[image]\nsample = "mnist-7"\n', 1, ["[kernel]"]),
        ('convtui = 1\n[image]\nsample = "mnist-7"\n[kernel]\nseed = 1\n', 4, ["[kernel] needs a name"]),
        ('convtui = 1\nimage = "mnist-7"\n', 2, ["image = 'mnist-7'", "[image]"]),
        ('convtui = 1\nimage = {sample = "mnist-8",\n', 2, ["invalid TOML"]),
        ('convtui = 1\nimage = {sample = "x"}\n', 2, ["no such sample"]),
        (LESSON.replace("slice = 2", "zoom = 'auto'"), 31, ["view.zoom", "given twice"]),
        (LESSON.replace("slice = 2", "slice = [1, 2"), 32, ["invalid TOML", "unclosed array"]),
        ("convtui = 1\r\n[image]\r\nsample = 1\r\n", 3, ["image.sample"]),
        ("convtui = 1\n[image]\npath = '''\nx''' # [\nwrong = 1", 5, ["image.wrong"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_whole_files_that_are_refused(text: str, line: int, words: list[str]) -> None:
    assert_refused(text, line, *words)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("0 0.5 1\n", "0 x 1\n", 4, ["image.pixels: 'x' is not a number"]),
        ("1 0.5 0\n", "1 0.5\n", 5, ["image.pixels: ", "2", "3"]),
        ("1 0.5 0\n", "---\n1 0.5 0\n", 3, ["image.pixels", "not ---"]),
        ("1 0.5 0\n", "1 0.5 1e40\n", 5, ["image.pixels", "1e+30"]),
        ('"""\n0 0.5 1\n1 0.5 0\n"""', '"0 1\\n0"', 3, ["image.pixels: line 2: "]),
        ('"""\n0 0.5 1\n1 0.5 0\n"""', '"""0 1\n0"""', 4, ["image.pixels: "]),
        ('"""\n0 0.5 1\n1 0.5 0\n"""', '"""\n"""', 3, ["image.pixels: ", "numbers"]),
        ('"""\n0 0.5 1\n1 0.5 0\n"""', '""', 3, ["image.pixels: ", "numbers"]),
        (
            '"""\n0 0.5 1\n1 0.5 0\n"""',
            "[[0, 1], [1, 0]]",
            3,
            ["image.pixels = [[0, 1], [1, 0]]", "text in quotes"],
        ),
        ("[kernel]", "lowest = 1\n[kernel]", 2, ["image.highest = 1.0: must be greater than lowest, 1.0"]),
        ("[kernel]", "highest = -1\n[kernel]", 7, ["image.highest = -1.0", "lowest, 0.0"]),
        ("[kernel]", "highest = inf\n[kernel]", 7, ["image.highest = inf", "finite"]),
        ("[kernel]", "colour = true\n[kernel]", 7, ["image.colour", "3 channels", "1"]),
        ("[kernel]", "gray = true\n[kernel]", 7, ["image.gray", "image.pixels", "leave it out"]),
        ("[kernel]", "edits = [[0, 0, 0, 1],\n\n[0,\n5, 0, 1]]\n[kernel]", 9, ["no such pixel"]),
        ("[kernel]", "edits = [[0, 0, 0, 1],\n5]\n[kernel]", 7, ["edit 5", "[channel, row, column, value]"]),
        ("2 0\n", "2 0 0\n", 11, ["kernel.weight: "]),
        ("2 0\n", "2 nan\n", 11, ["kernel.weight: 'nan' is not finite"]),
        ("2 0\n", "2 0\n", 8, ["groups=1", "1 slices", "not 2"]),
        ("2 0\n", "---\n---\n2 0\n", 12, ["kernel.weight: ", "numbers"]),
        ("\n2 0\n", "1 0\n1 0\n", 8, ["kernel_size=(3, 2)", "has only 2"]),
        ("\n2 0\n", "", 11, ["kernel.filters = 2", "leave it out"]),
    ],
)
def test_what_is_wrong_inside_a_block_of_numbers(old: str, new: str, line: int, words: list[str]) -> None:
    assert OWN.count(old) == 1
    text = OWN.replace(old, new)
    if "kernel.filters = 2" in words:
        text = text.replace("bias", "filters = 2\nbias")
    assert_refused(text, line, *words)


def test_numbers_by_hand_are_an_image_and_a_kernel() -> None:
    session = loads(OWN.replace("\n2 0\n", ""), "lesson.toml")
    assert session.convolution.output.tolist() == [[[1.0, 1.5], [2.0, 1.5]]]
    assert (session.picture.lowest, session.picture.highest) == (0, 1)
    assert session.kernel.label == "kernel (custom)"


def test_hand_written_counts_are_drawn_from_their_least_to_their_largest() -> None:
    picture = loads(OWN.replace("\n2 0\n", "").replace("0.5 1", "9 -4"), "lesson.toml").picture
    assert (picture.lowest, picture.highest) == (-4, 9)


def test_one_slice_by_hand_serves_all_channels() -> None:
    text = OWN.replace("\n2 0\n", "").replace("1 0.5 0\n", "1 0.5 0\n\n1 1 1\n1 1 1\n\n2 2 2\n0 0 0\n")
    session = loads(text, "lesson.toml")
    assert session.convolution.weight_shape == (1, 3, 1, 2)
    assert step_of(session).slice_sums.tolist() == [0, 1, 2]


def test_names_cannot_smuggle_control_characters() -> None:
    session = loads(OWN.replace("\n2 0\n", "").replace("bias", 'name = "\\u001b[31m"\nbias'), "lesson.toml")
    assert session.kernel.label.isprintable()


def test_a_session_is_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "image.npy").write_bytes(b"\x80\x04cbuiltins\neval\n.")
    with pytest.raises(SessionFileError, match=r"line 3: image\.path: .*image\.npy: is not a complete \.npy"):
        loads('convtui = 1\n[image]\npath = "image.npy"\n[kernel]\nname = "top-edge"\n', "l.toml", tmp_path)


@given(sessions(), st.data())
def test_a_damaged_file_is_refused_in_one_line_or_read(session: Session, data: st.DataObject) -> None:
    text = dumps(session)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    damaged = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    message = ""
    try:
        loads(damaged, "lesson.toml")
    except SessionFileError as error:
        message = str(error)
    found = re.match(r"lesson\.toml, line (\d+): [^\n]+$", message or "lesson.toml, line 1: right")
    assert found
    assert 1 <= int(found[1]) <= damaged.count("\n") + 1


def test_a_bare_lesson_has_every_default() -> None:
    text = 'convtui = 1\n[image]\nsample = "mnist-7"\n[kernel]\nname = "top-edge"\n'
    assert figures(loads(text, "lesson.toml")) == figures(top_edge())
    assert figures(loads(f"{text}[convolution]\n[position]\n[view]\n", "lesson.toml")) == figures(top_edge())


# -- filters that are named one by one


NAMED = LESSON.replace("filters = 3", 'kernels = ["top-edge", "sobel-x", "random"]')


def test_filters_are_read_by_their_names() -> None:
    session = loads(NAMED, "lesson.toml")
    assert session.filter_names == ("top-edge", "sobel-x", "random")
    assert figures(loads(dumps(session), "lesson.toml")) == figures(session)


def test_a_number_of_filters_repeats_the_kernel_as_it_did() -> None:
    session = loads(LESSON, "lesson.toml")
    assert session.kernel.kernels == ()
    np.testing.assert_array_equal(session.convolution.weight, kernel("top-edge", filters=3))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["top-edge"', '["edges"', ["'edges'", "a kernel with one filter"]),
        ('"sobel-x"', '"sobel"', ["'sobel'", "a kernel with one filter"]),
        ('"sobel-x"', "7", ["7", "a kernel with one filter"]),
        ('["top-edge", "sobel-x", "random"]', "[]", ["a list of 1 to 4096 names"]),
        ('["top-edge", "sobel-x", "random"]', '"top-edge"', ["a list of 1 to 4096 names"]),
        ("size = 3", "size = 3\nfilters = 3", ["kernel.filters is also given"]),
    ],
)
def test_wrong_names_of_filters(old: str, new: str, words: list[str]) -> None:
    with pytest.raises(SessionFileError, match=r"line \d+") as caught:
        loads(NAMED.replace(old, new), "lesson.toml")
    for word in words:
        assert word in str(caught.value)
