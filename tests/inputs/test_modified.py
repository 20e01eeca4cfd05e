"""When a file was last written, which tells whether another program has changed it."""

from pathlib import Path

from convtui.inputs.atomic import modified


def test_a_file_has_a_time_and_a_missing_one_none(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert modified(file) is None
    file.write_text("one")
    assert modified(file) == file.stat().st_mtime_ns
    assert modified(Path("~nobody-of-this-name/mine.toml")) is None
