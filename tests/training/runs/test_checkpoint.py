"""A checkpoint is a safetensors file that anybody can read; what is none is told from one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from convtui.training.runs.checkpoint import Checkpoint
from tests.support.small_runs import trained


def made() -> Checkpoint:
    weights: dict[str, Any] = {"0.weight": np.ones((2, 1, 3, 3), np.float32), "1.count": np.array(7)}
    optimizer: dict[str, Any] = {"0.exp_avg": np.full((2, 1, 3, 3), np.nan, np.float32)}
    return Checkpoint(
        5, weights, optimizer, np.arange(9, dtype=np.uint8), {"seconds": 1.5, "epoch_loss": 0.1}
    )


def test_what_is_kept_comes_back() -> None:
    for checkpoint in (made(), trained(steps=3).checkpoint()):
        kept = Checkpoint.from_bytes(checkpoint.to_bytes())
        assert (kept.step, list(kept.about)) == (checkpoint.step, list(checkpoint.about))
        for name in ("weights", "optimizer"):
            ours, theirs = getattr(checkpoint, name), getattr(kept, name)
            assert ours.keys() == theirs.keys()
            for key, array in ours.items():
                assert (array.tobytes(), array.shape, array.dtype) == (
                    theirs[key].tobytes(),
                    theirs[key].shape,
                    theirs[key].dtype,
                )
        assert kept.random_state.tobytes() == checkpoint.random_state.tobytes()
        assert kept.to_bytes() == checkpoint.to_bytes()


def test_others_find_the_weights_under_pytorch_s_names() -> None:
    training = trained(steps=1)
    arrays = load(training.checkpoint().to_bytes())
    for name, tensor in training.model.state_dict().items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04}.",
        b"\xff" * 64,
        made().to_bytes()[:-1],
        made().to_bytes()[:100],
        save({"0.weight": np.ones(3)}),
        save({"0.weight": np.ones(3)}, {"convtui": "{}"}),
        save({"random_state": np.ones(3)}, {"convtui": "{}"}),
        save({"random_state": np.ones(3)}, {"convtui": "[]"}),
        save({"random_state": np.ones(3)}, {"convtui": '{"step": null}'}),
    ],
)
def test_what_is_no_checkpoint(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not a checkpoint: "):
        Checkpoint.from_bytes(data)


@given(st.binary(max_size=200))
def test_rubbish_is_no_checkpoint(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not a checkpoint: "):
        Checkpoint.from_bytes(data)
