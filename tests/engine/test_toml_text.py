"""What would take Python's parser minutes is refused before it sees it, and nothing else is."""

import tomllib
from pathlib import Path

import pytest

from convtui.engine.layer_text import load_layers, parse_layers_toml
from convtui.engine.toml_text import MOST_PARTS, MOST_STATEMENTS, TomlBoundError, require_bounded
from convtui.store import session_file

LONG = ".".join(["a"] * 50_000)
LONGEST = ".".join(["a"] * MOST_PARTS)


@pytest.fixture
def never_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_: str) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(tomllib, "loads", parse)


@pytest.mark.usefixtures("never_parsed")
@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[{LONG}]]",
        f"x = {{b = 1, {LONG} = 1}}",
        f'{LONG.replace("a", chr(34) + "a.b" + chr(34))} = """\n"""',
        f"{LONG.replace('.', ' . ')} = 1",
        f"{LONG.replace('a', chr(39) * 2)} = 1",
        LONG,
    ],
    ids=["key", "header", "array-of-tables", "inline", "quoted", "spaced", "empty-parts", "no-value"],
)
def test_a_long_key_is_refused_before_it_is_parsed(text: str) -> None:
    """Parsed, each takes 40 s and 8 GB."""
    why = "line 3: a key of 50,000 parts; the longest has 16"
    with pytest.raises(TomlBoundError) as refused:
        parse_layers_toml(f"# a.b\n\n{text}\n")
    assert str(refused.value) == why
    with pytest.raises(session_file.SessionFileError) as also:
        session_file.loads(f"convtui = 1\n\n{text}\n", "mine.toml")
    assert str(also.value) == f"mine.toml, {why}"


@pytest.mark.usefixtures("never_parsed")
def test_the_line_is_counted_over_texts_of_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "stack.toml"
    file.write_text(f'x = """\n1.2.3\n"""\ny = [\n1.5,\n2.5]\n{LONG} = 1')
    with pytest.raises(ValueError, match=r"stack\.toml: line 7: a key of 50,000 parts") as refused:
        load_layers(file)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("never_parsed")
def test_too_many_keys_are_refused_before_they_are_parsed() -> None:
    text = "".join(f"x{number} = 1\n" for number in range(MOST_STATEMENTS + 1))
    with pytest.raises(TomlBoundError, match=r"^line 20001: there are more than 20,000 lines of keys"):
        require_bounded(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONGEST} = 1",
        f"[{LONGEST}]\n{LONGEST} = 1",
        f"x = [{'1.5, ' * 100}]",
        f"x = [{'[0.5, 1.5], ' * 100}]",
        f'x = """\n{"0.5 " * 100}\n"""',
        f"x = '''\n{'0.5 ' * 100}\n'''",
        f'x = "{"a.b" * 100}"  # {"a.b" * 100}',
        f"x = {{{'y.z = 1.5, ' * 100}}}",
        f"x = [\n{'1.5,' * 2}\n]\n" * 100,
        f"x = [\n{'1,' * 100}\n" + "1,\n" * (MOST_STATEMENTS + 1) + "]",
        'x = """\n' + "1\n" * (MOST_STATEMENTS + 1) + '"""',
        "x = 1\n" * (MOST_STATEMENTS - 1),
        f"{'x.' * 9}y = {'1.' * 9}",
    ],
    ids=range(13),
)
def test_what_is_long_in_another_way_is_not_refused(text: str) -> None:
    require_bounded(text)
