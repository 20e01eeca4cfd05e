"""`convtui layers` prints the table of a network, and each format says the same."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from convtui.cli.main import main
from convtui.engine.layer_names import KINDS, example
from convtui.engine.layer_text import parse_layers
from convtui.engine.memory import memory_text
from convtui.engine.presets import NAMES, preset
from convtui.engine.stack import summarize


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["layers", *arguments]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["layers", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("convtui: ")
    assert output.err.count("\n") == 1
    return output.err.removeprefix("convtui: ").strip()


SUMMARY = summarize(preset("resnet-18").layers, (3, 224, 224))


def test_table_is_aligned_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    header, rule, *rows, _, total = printed(capsys, "resnet-18").partition("\n\n")[0].splitlines()
    assert header.split() == ["#", "layer", "output", "parameters", "multiply-adds", "memory", "field"]
    assert len(rows) == len(SUMMARY.rows)
    assert {len(row) for row in rows[1:]} == {len(header)} == {len(rule)}
    assert total.split()[:4] == ["all", "layers", "11,689,512", "1,814,073,344"]
    assert memory_text(SUMMARY.memory) in total
    assert "residual 9 + 4" in rows[10]
    assert rows[5].split()[1:3] == ["│", "conv"]


def test_csv_is_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    records = list(csv.DictReader(StringIO(printed(capsys, "resnet-18", "--format", "csv"))))
    assert [int(each["parameters"]) for each in records] == [row.parameters for row in SUMMARY.rows]
    assert [int(each["multiply_adds"]) for each in records] == [row.multiply_adds for row in SUMMARY.rows]
    assert [int(each["memory"]) for each in records] == [row.memory for row in SUMMARY.rows]
    assert records[1]["output"] == "64x112x112"
    assert records[10] | {"layer": "residual", "inputs": "9x4", "field": "27x27"} == records[10]


def test_json_is_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, "resnet-18", "--json"))
    assert json.loads(printed(capsys, "resnet-18", "--format", "json")) == document
    assert (document["name"], document["input"]) == ("resnet-18", [3, 224, 224])
    total = {
        "parameters": SUMMARY.parameters,
        "multiply_adds": SUMMARY.multiply_adds,
        "memory": SUMMARY.memory,
    }
    assert document["total"] == total
    assert [layer["number"] for layer in document["layers"]] == list(range(1, len(SUMMARY.rows)))
    for key, whole in total.items():
        assert sum(layer[key] for layer in document["layers"]) == whole
    assert document["layers"][0]["parameter_shapes"] == {"weight": [64, 3, 7, 7]}


TEXT = "conv 3x3 2 p1, residual(bn | conv 1x1 2), relu"
IMAGE = ("--input", "1x4x5")


def test_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    table, _, notes = printed(capsys, TEXT, *IMAGE, "--format", "markdown").partition("\n\n")
    assert notes.startswith("- image sizes that go through: any")
    assert table.splitlines() == [
        "| # | layer | output | parameters | multiply-adds | memory | field |",
        "| --: | :-- | :-- | --: | --: | --: | --: |",
        "| 0 | image | 1x4x5 |  |  |  |  |",
        "| 1 | conv 3x3 2 p1 | 2x4x5 | 20 | 360 | 160 B | 3x3 |",
        "| 2 | │ bn | 2x4x5 | 4 | 0 | 160 B | 3x3 |",
        "| 3 | ╎ conv 1x1 2 | 2x4x5 | 6 | 80 | 160 B | 3x3 |",
        "| 4 | residual 2 + 3 | 2x4x5 | 0 | 0 | 160 B | 3x3 |",
        "| 5 | relu | 2x4x5 | 0 | 0 | 160 B | 3x3 |",
        "|  | all layers |  | 30 | 440 | 800 B |  |",
    ]


def test_latex(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, f"{TEXT}, layernorm elementwise_affine=false", *IMAGE, "--format", "latex")
    begin, rule, header, *body, total, bottom, end = lines.splitlines()
    assert (begin, end) == ("\\begin{tabular}{rllrrrr}", "\\end{tabular}")
    assert header == "  \\# & layer & output & parameters & multiply-adds & memory & field \\\\"
    assert body[2] == "  1 & conv 3x3 2 p1 & 2x4x5 & 20 & 360 & 160 B & 3x3 \\\\"
    assert "  6 & layernorm elementwise\\_affine=false & 2x4x5 &" in lines
    assert "│" not in lines
    assert [rule, body[0], bottom] == ["  \\toprule", "  \\midrule", "  \\bottomrule"]
    assert total.startswith("   & all layers")


def test_a_print_in_a_file_is_checked_against_the_image(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "model.txt"
    file.write_text("Sequential(\n  (0): Conv2d(1, 8, kernel_size=(5, 5), stride=(2, 2))\n  (1): ReLU()\n)\n")
    assert "8x12x12" in printed(capsys, str(file), "--input", "1x28x28")
    assert refused(capsys, str(file), "--input", "3x28x28") == (
        f"{file}: line 2: Conv2d(1, 8, kernel_size=(5, 5), stride=(2, 2)): "
        "in_channels is 1, but the image has 3"
    )


def test_networks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = printed(capsys, "--list")
    assert [
        line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "
    ] == list(NAMES)


def test_help_has_an_example_of_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "--help")
    assert max(map(len, shown.splitlines())) <= 80
    for kind in KINDS:
        assert f"  {example(kind)}\n" in shown
        assert parse_layers(example(kind))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a network, a file or layers, such as resnet-18; --list lists the networks"),
        (["relu"], "--input: needed for your own layers, such as --input 3x224x224"),
        (["relu", "--input", "3x4"], "--input 3x4: must be channels x rows x columns, such as 3x224x224"),
        (["relu", "--input", "0x4x4"], "--input 0x4x4: must be channels x rows x columns"),
        (["resnet-19"], "convtui has no network 'resnet-19'; it has"),
        (["rleu"], "layer 1 (rleu): unknown layer type 'rleu'; did you mean relu?"),
        (["relu", "--json", "--format", "csv"], "--json, --format csv: use one at a time"),
        (["resnet-18", "--list"], "--list: lists all networks; leave the layers out"),
        (["resnet-18", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["none.txt", "--input", "1x4x4"], "none.txt: no such file"),
    ],
)
def test_what_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert refused(capsys, *arguments).startswith(message)


def test_image_sizes_and_checks_are_told_under_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    layers = "conv 3x3 8 s2, bn, relu, convtranspose 3x3 4 s2, maxpool 3"
    _, sizes, checks = printed(capsys, layers, "--input", "3x30x31").split("\n\n")
    assert sizes == "image sizes that go through: 3x4 and larger (of 120 tried, 2x3 to 262x262)"
    assert [line.split()[0] for line in checks.splitlines()] == ["bias", "unread", "checkerboard"]
    assert "31 of 930 pixels are read by no window: row 29" in checks
    told = json.loads(printed(capsys, layers, "--input", "3x30x31", "--json"))["remarks"]
    assert [(each["name"], each["op"]) for each in told] == [("bias", 1), ("unread", 0), ("checkerboard", 4)]


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ("maxpool 30, flatten, linear 2", "30x30 and larger"),
        ("residual(maxpool 2, upsample 2), conv 1x1 2", "multiples of 2, from 2x2"),
        ("conv 3x3 4 s2 same-tf, conv 1x1 2", "any of 120 tried"),
    ],
)
def test_sizes_that_go_through_are_those_that_lay_the_layers(
    layers: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = printed(capsys, layers, "--input", "1x32x32").split("\n\n")[1]
    assert sizes.startswith(f"image sizes that go through: {told}")


MISFITS = {
    "conv 3x3 8 s2, maxpool 2, conv 5x5 16": (
        "layer 3 (conv 5x5 16): kernel_size=5: the window spans 5 rows but the padded image has only 2",
        ["conv2d failed at layer 3", "operation 2: max_pool2d 2x2 s2 (layer 2)", "the kernel spans 5"],
        ["kernel_size 2, or padding 2", "21x21 and larger"],
    ),
    "conv 3x3 8, maxpool 9": (
        "layer 2 (maxpool 9): kernel_size=9",
        ["max_pool2d failed at layer 2", "⌊(8 + 2·0 − 1·(9 − 1) − 1) / 9⌋ + 1 = 0"],
        ["kernel_size 8", "11x11 and larger"],
    ),
    "conv 3x3 8, linear 10": (
        "layer 2 (linear 10): input=[8, 8, 8]: linear takes features",
        ["linear failed at layer 2", "1x8x8x8  float32  operation 1: conv2d 3x3 (layer 1)"],
        ["flatten before it", "no image size that was tried mends this"],
    ),
    "conv 3x3 9, residual(conv 3x3 16 s2 p1 | conv 1x1 8)": (
        "layer 4 (residual): paths=[[16, 4, 4], [8, 8, 8]]",
        ["add failed at layer 4", "axis 1 (channels) must be alike, or 1: 16 and 8", "path 2  1x8x8x8"],
        ["a 1x1 convolution on path 2, from 8 to 16 channels, with stride 2"],
    ),
    "concat(conv 3x3 4 s2 p1 | conv 3x3 4 p1)": (
        "layer 3 (concat): paths=[[4, 5, 5], [4, 10, 10]]",
        ["cat failed at layer 3", "path 1  1x4x5x5"],
        ["an image of 1x1"],
    ),
    "conv 3x3 8, groupnorm 3": (
        "layer 2 (groupnorm 3): num_groups=3",
        ["must divide"],
        ["num_groups 2 or 4"],
    ),
    "conv 3x3 9 g3, conv 3x3 8 g4": ("layer 1 (conv 3x3 9 g3): groups=3", ["must divide"], ["groups 1"]),
    "convtranspose 3x3 8 p9": (
        "layer 1 (convtranspose 3x3 8 p9): padding=9",
        ["(10 − 1)·1 − 2·9 + 1·(3 − 1) + 1 + 0 = -6: no cell is left"],
        ["padding 5"],
    ),
    "conv 3x3 8 p19 reflect": (
        "layer 1 (conv 3x3 8 p19 reflect): padding=19",
        ["less than"],
        ["padding 9, or"],
    ),
    "conv 30x3 8": ("layer 1", ["the kernel spans 30, the padded input 10"], ["kernel_size"]),
}


@pytest.mark.parametrize("layers", MISFITS)
def test_layers_that_do_not_fit_are_told_up_to_there_with_why(
    capsys: pytest.CaptureFixture[str], layers: str
) -> None:
    line, told, fixes = MISFITS[layers]
    number = int(line.split()[1].strip(":"))
    assert main(["layers", layers, "--input", "1x10x10"]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"convtui: {line}")
    assert output.err.count("\n") == 1
    table, _, rest = output.out.partition("\n\n")
    assert [row.split()[0] for row in table.splitlines() if row[0].isdigit()] == [*map(str, range(number))]
    assert table.splitlines()[-1].split()[:3] == ["up", "to", "there"]
    why, _, fix = rest.partition("  fix     ")
    assert [text for text in told if text not in why] == []
    assert [text for text in fixes if text not in fix] == []


@pytest.mark.parametrize("form", ["csv", "latex", "markdown", "json"])
def test_the_post_mortem_is_in_every_format(capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert main(["layers", "conv 3x3 8, maxpool 9", "--input", "1x10x10", "--format", form]) == 2
    output = capsys.readouterr()
    *told, line = output.err.splitlines()
    assert line.startswith("convtui: layer 2 (maxpool 9)")
    assert "8x8x8" in output.out or json.loads(output.out)["layers"][0]["output"] == [8, 8, 8]
    if form == "json":
        failure = json.loads(output.out)["failure"]
        assert failure["title"] == "max_pool2d failed at layer 2"
        assert len(failure["fixes"]) == 2
    else:
        assert ("max_pool2d failed at layer 2" in output.out) == (form == "markdown")
        assert ("max_pool2d failed at layer 2" in told) == (form in ("csv", "latex"))


def test_what_fits_has_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, TEXT, *IMAGE, "--json"))["failure"] is None
