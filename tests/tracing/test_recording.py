"""The recorded traces of the sample models are what tracing them gives now."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.inputs import samples
from convtui.tracing.protocol import Sizes, Traced
from convtui.tracing.recording import SUFFIX, Recording, encoded, fresh, path_of, recorded
from tests.support.recordings import RECORDED


def comparable(recording: Recording) -> list[dict[str, object]]:
    """All of it but PyTorch's own words, and how many sizes there was time for."""
    events = []
    for event in recording.events:
        if isinstance(event, Sizes):
            continue
        if isinstance(event, Traced) and event.rest["failure"]:
            event = Traced({**event.rest, "failure": {**event.rest["failure"], "error": ""}})
        events.append(event)
    lines = encoded(replace(recording, events=tuple(events))).splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(("name", "shape"), RECORDED, ids=lambda each: str(each))
def test_a_recording_is_what_a_fresh_trace_tells(name: str, shape: tuple[int, ...]) -> None:
    kept, now = recorded(name, shape), fresh(name, shape)
    assert comparable(kept) == comparable(now)
    of_kept, of_now = kept.outcome.sizes, now.outcome.sizes
    if of_kept is None or of_now is None:  # a size is no help
        assert of_kept == of_now
        return
    both = {*of_kept.tried} & {*of_now.tried}
    assert both
    assert both & {*of_kept.work} == both & {*of_now.work}


def test_every_recording_is_tried_and_tells_no_path_of_a_machine() -> None:
    folder = samples.model_folder()
    assert {path_of(*each) for each in RECORDED} == {*(folder / "recorded").glob(f"*{SUFFIX}")}
    for path in (folder / "recorded").iterdir():
        assert str(folder.parent) not in path.read_text("utf-8")


def test_a_model_that_is_no_sample_is_refused_wherever_its_recording_lies(tmp_path: Path) -> None:
    (tmp_path / "evil-Net-1x8x8.jsonl").write_bytes(b"")
    with pytest.raises(ValueError, match="no sample model"):
        recorded(f"{tmp_path}/evil:Net", (1, 8, 8))
