"""`convtui train --list`: every run in a line, whatever is wrong with others."""

from dataclasses import replace

import pytest

from convtui.cli import main as cli
from convtui.cli import train_report
from convtui.training.protocol import Rate, Stepped
from convtui.training.recipe import Recipe
from convtui.training.runs.store import Run, all_runs, new_run
from tests.support import events as made


def listed(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """What is printed, with single spaces in a line, and what is said of errors."""
    assert cli.main(["train", "--list"]) == 0
    out, err = capsys.readouterr()
    return [" ".join(line.split()) for line in out.splitlines()], err


def keep(recipe: Recipe, until: int | None = None, lost_at: float = float("inf")) -> Run:
    """A run whose loss is no number from that step on."""
    run = new_run(recipe, "")
    with run.locked():
        for event in made.events(recipe, until, str(run.path)):
            if isinstance(event, Stepped) and event.step >= lost_at:
                event = replace(event, loss=float("nan"))
            run.append(event)
    return run


def began(run: Run) -> str:
    return f"{run.number} {run.began:%Y-%m-%d %H:%M}"


def test_before_any_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == (["no run is saved yet; convtui train starts one"], "")


def test_how_runs_stand(capsys: pytest.CaptureFixture[str]) -> None:
    first = keep(Recipe(epochs=2))
    second = keep(replace(Recipe(), batch_norm=False, schedule="constant"), until=50)
    third = new_run(Recipe(data="digits-8x8", pct_start=0.3), "")
    lines, err = listed(capsys)
    assert err == ""
    assert f"{began(first)} one-cycle 0.06 · batch norm 2/2 finished 98.50%" in lines
    (line,) = (line for line in lines if line.startswith(began(second)))
    assert line.startswith(f"{began(second)} constant 0.06 · no batch norm 2/5 stopped ")
    assert (
        f"{began(third)} one-cycle 0.06 · batch norm · data digits-8x8 · pct_start 0.3 0/5 stopped" in lines
    )
    with second.locked():
        assert "elsewhere" in " ".join(listed(capsys)[0])


def test_a_rate_that_was_set_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    run = keep(Recipe(), until=30)
    with run.locked():
        for rate in (Rate(30, 0.5), Rate(30, 0.01), Rate(40, 0.01)):
            run.append(rate)
    assert any("one-cycle 0.06 → 0.01 · batch norm" in line for line in listed(capsys)[0])


def test_a_run_that_diverged(capsys: pytest.CaptureFixture[str]) -> None:
    keep(Recipe(), lost_at=3)
    assert any("5/5 diverged at step 3" in line for line in listed(capsys)[0])


def test_a_line_for_each_run_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_report, "_is_on_a_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    other = Recipe(data="digits-8x8", channels=(4, 8, 16), batch_size=64, optimizer="sgd", seed=5)
    keep(Recipe())
    keep(other, lost_at=3)
    lines, _ = listed(capsys)
    whole, cut = (line for line in lines if line.startswith(("1 ", "2 ")))
    assert "one-cycle 0.06 · BN 5/5 finished 98.50%" in whole
    assert "…" in cut
    assert "5/5 diverged at 3" in cut


@pytest.mark.parametrize("columns", [40, 20, 10])
def test_the_number_is_the_last_to_go(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_report, "_is_on_a_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    for _ in range(11):
        new_run(Recipe(), "")
    keep(Recipe(), lost_at=3)
    *_, first, _, last, _ = listed(capsys)[0]
    assert first == ("10 stopped" if columns > 10 else "10 st…")
    assert last == {40: "12 diverged at 3", 20: "12 diverged at 3", 10: "12 di…"}[columns]


def test_a_damaged_run_is_listed_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    whole, damaged = (new_run(Recipe(), "") for _ in range(2))
    (damaged.path / "recipe.json").write_text("{")
    lines, err = listed(capsys)
    assert any(line.startswith(began(whole)) for line in lines)
    assert err.startswith(f"convtui: {damaged.path / 'recipe.json'}: ")
    assert err.count("\n") == 1


def test_a_log_that_cannot_be_read_hides_no_other_run(capsys: pytest.CaptureFixture[str]) -> None:
    whole, damaged = (new_run(Recipe(), "") for _ in range(2))
    (damaged.path / "events.jsonl").mkdir()
    lines, err = listed(capsys)
    assert any(line.startswith(began(whole)) for line in lines)
    assert err == f"convtui: {damaged.path / 'events.jsonl'}: Is a directory\n"
    assert len(all_runs()) == 2
