"""The first start is told from the others."""

from pathlib import Path

from convtui.store.first_start import is_first_start


def test_only_the_first_start_is_the_first(home: Path) -> None:  # noqa: ARG001
    assert is_first_start()
    assert not is_first_start()


def test_what_cannot_be_remembered_is_not_offered(home: Path) -> None:
    (home / "state").write_text("in the way of the folder")
    assert not is_first_start()
