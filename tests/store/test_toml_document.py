"""The document finds the line of every key, and a rewritten text keeps what was not changed."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.store.toml_document import Keys, SessionFileError, TomlDocument, rewritten

TEXT = '''\
one = 1  # "not a [string
[table]  # [[
"quoted key" = "a # b ["
  indented = [  # ]
    [1, 2],

    [3,
     4],
]
text = """
one
"two" [ \\"""
three"""
literal = \'\'\'
# '' {
\'\'\'  # after
inline = {a = 1, b = {c = 2}}
dotted.key.here = 1

["other table".sub]
last = 2026-01-01'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("one",), 1),
        (("table",), 2),
        (("table", "quoted key"), 3),
        (("table", "indented"), 4),
        (("table", "text"), 10),
        (("table", "literal"), 14),
        (("table", "inline", "a"), 17),
        (("table", "inline", "b", "c"), 17),
        (("table", "dotted", "key", "here"), 18),
        (("table", "missing"), 2),
        (("missing",), 1),
        (("other table",), 20),
        (("other table", "sub", "last"), 21),
    ],
)
def test_the_line_of_a_key(keys: Keys, line: int) -> None:
    assert TomlDocument.parse(TEXT, "file.toml").line(*keys) == line


def test_the_line_of_a_list_in_a_list() -> None:
    document = TomlDocument.parse(TEXT, "file.toml")
    assert [document.element_line("table", "indented", element=element) for element in (0, 1)] == [5, 7]


def test_lines_above_a_text() -> None:
    document = TomlDocument.parse(TEXT.replace('\\\\"', "'"), "file.toml")
    assert document.lines_above("table", "literal") == 14
    assert document.lines_above("table", "quoted key") is None


@pytest.mark.parametrize("text", ['"""\na\\n\nb"""', '"""a \\\n  b"""', '"""\na\u2028b"""', '"a"'])
def test_lines_of_a_text_that_are_not_lines_of_the_file(text: str) -> None:
    assert TomlDocument.parse(f"[table]\nkey = {text}\n", "file.toml").lines_above("table", "key") is None


_keys = st.text(min_size=1, max_size=3) | st.sampled_from(["a", "b", "c"])
_strings = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc"]))
_leaf = st.integers(-5, 5).map(str) | _strings.map(lambda text: f"'''\n{text.replace(chr(39), '')}'''")


def _quoted(key: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in key) + '"'


_tables = st.dictionaries(_keys, st.dictionaries(_keys, _leaf, max_size=4), max_size=4)


def _toml(tables: dict[str, dict[str, str]], comment: str = "") -> str:
    return "".join(
        f"[{_quoted(table)}]{comment}\n"
        + "".join(f"{_quoted(key)} = {value}{comment}\n" for key, value in keys.items())
        for table, keys in tables.items()
    )


@given(_tables, _tables)
def test_a_rewritten_text_has_the_new_values(
    old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]
) -> None:
    text = rewritten(_toml(old, comment="  # old"), _toml(new), lambda _, one, other: one == other)
    assert tomllib.loads(text) == tomllib.loads(_toml(new))


@given(_tables)
def test_a_text_rewritten_to_itself_stays_to_the_letter(tables: dict[str, dict[str, str]]) -> None:
    text = "# first\n\n" + _toml(tables, comment="  # c '[") + "\n# last\n"
    assert rewritten(text, _toml(tables), lambda _, one, other: one == other) == text


@given(_tables)
def test_every_key_is_found_on_its_line(tables: dict[str, dict[str, str]]) -> None:
    document = TomlDocument.parse(_toml(tables), "file.toml")
    lines = document.text.split("\n")
    for table, keys in tables.items():
        assert lines[document.line(table) - 1].startswith(f"[{_quoted(table)}]")
        for key in keys:
            assert lines[document.line(table, key) - 1].startswith(f"{_quoted(key)} = ")


@given(st.text(st.sampled_from("a1 =.[]{}\"'#\n\\,"), max_size=30))
def test_any_text_is_read_or_refused_at_one_of_its_lines(text: str) -> None:
    try:
        assert TomlDocument.parse(text, "file.toml").data == tomllib.loads(text)
    except SessionFileError as error:
        refusal = str(error)
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)
        line = int(refusal.removeprefix("file.toml, line ").partition(":")[0])
        assert 1 <= line <= text.count("\n") + 1
