"""From a run that is kept to the other pages: its kernels to step through, its layers to look into.

Whoever opens them gives a normalised picture (data.picture(..., normalised=True)): it is what the network
saw, so that the figures on the other pages are the network's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layer_text import parse_layers
from convtui.inputs.images import InputError, Picture
from convtui.state.layer_opening import layer_opened
from convtui.state.learned_weights import LearnedWeights
from convtui.state.network import Stack
from convtui.state.opened_features import OwnWeights
from convtui.state.session import Session
from convtui.training.architecture import layers_text
from convtui.training.runs.store import Run


def trained_stack(run: Run, picture: Picture, step: int | None = None) -> Stack:
    """The run's layers over the picture, with the weights of its last checkpoint at or before a step, if any.

    Raises ValueError for a run of the user's own network, without a checkpoint or that has diverged, and for
    a picture with other channels than the run's images.
    """
    if run.recipe.network:
        of = f"a run of your own network ({run.recipe.network.name})"
        raise InputError(f"run {run.number}: {of} cannot be opened on other pages yet; P shows its filters")
    last = run.latest_checkpoint() if step is None else run.checkpoint_near(step)
    if last is None:
        raise InputError(f"run {run.number}: no complete checkpoint of step {step} or before is kept")
    trained = LearnedWeights.from_state_dict(run.path, last.step, last.weights, last.digest)
    run.keep_for_good(trained.step)
    found = (arrays.get("weight") for arrays in trained.weights.values())
    weights = [weight for weight in found if weight is not None and weight.ndim == 4]
    if not weights:
        raise InputError(f"{trained}: its checkpoint has no convolution's weights")
    shape = picture.pixels.shape
    channels, classes = weights[0].shape[1], len(weights[-1])
    if shape[0] != channels:
        why = f"learned from {channels}-channel images; {picture.name} has {shape[0]}"
        raise InputError(f"{trained.run_name}: {why}")
    layers = parse_layers(layers_text(run.recipe, shape, classes))
    return Stack.laid(layers, shape, name=trained.run_name).with_trained(trained)


def trained_layers(session: Session, run: Run, picture: Picture, step: int | None = None) -> Session:
    """The run's layers over the picture for the Layers page, its first kernels for the Step page.

    Raises as trained_stack does.
    """
    return trained_step(session, run, picture, step).with_stack(trained_stack(run, picture, step))


def trained_step(session: Session, run: Run, picture: Picture, step: int | None = None) -> Session:
    """The first layer's kernels, stride, padding and bias over the picture, from its first output cell.

    Raises as trained_stack does.
    """
    stack = trained_stack(run, picture, step).at(1, (0, 0, 0))
    assert stack.trained is not None
    maps = FeatureMaps(stack.layers, picture.pixels, weights=stack.trained.within(stack.summary))
    return layer_opened(replace(session, picture=picture, chosen_stack=stack), maps)


def own_weights(run: Run, step: int | None = None) -> OwnWeights:
    """What the user's network has learned, by the last checkpoint at or before a step, if any.

    Raises ValueError for a run without a checkpoint, and for one that has diverged.
    """
    last = run.latest_checkpoint() if step is None else run.checkpoint_near(step)
    if last is None:
        raise InputError(f"run {run.number}: no complete checkpoint of step {step} or before is kept")
    name = run.recipe.network.name if run.recipe.network else ""
    found = OwnWeights.from_state_dict(run.path, last.step, last.digest, name, last.weights)
    run.keep_for_good(last.step)
    return found


def weights_of(folder: Path, step: int, digest: str | None = None) -> LearnedWeights:
    """What the run in a folder had learned after a step, by the checkpoint of that digest if one is given.

    Raises ValueError if that is not kept any more: the folder may be that of another run by now.
    """
    run = Run(folder)
    checkpoint = run.checkpoint_after(step, digest)
    if checkpoint is None:
        raise InputError(f"run {run.number}: its weights after step {step} are no longer kept")
    return LearnedWeights.from_state_dict(run.path, step, checkpoint.weights, checkpoint.digest)
