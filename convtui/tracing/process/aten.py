"""ATen's operators, of which exported networks are made, by the names that torch.nn.functional has for them.

What such an operator reads and costs is then told by `calls`, as of the function that it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor
from torch._ops import OpOverload


@dataclass(frozen=True)
class Alias:
    """The function of an operator, its arguments of other names there, and those that its name tells."""

    kind: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)


def operator_name(operator: OpOverload) -> str:
    """As add of aten::add_.Tensor."""
    name = operator._schema.name.rpartition("::")[2]
    return name.strip("_") or name


def bind_operator(
    operator: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """What it is called elsewhere, and its arguments by name."""
    names = [each.name for each in operator._schema.arguments]
    alias = _ALIASES.get(operator_name(operator)) or Alias(operator_name(operator))
    told = {**dict(zip(names, args, strict=False)), **kwargs}
    renamed = {"self": "input", **alias.renamed}
    bound = {renamed.get(name, name): value for name, value in told.items()} | dict(alias.fixed)
    kind = alias.kind
    if kind == "conv":
        weight = bound["weight"]
        axes = weight.dim() - 2 if isinstance(weight, Tensor) else 2
        kind = f"conv_transpose{axes}d" if bound.pop("transposed", False) else f"conv{axes}d"
    scales = [bound.pop(name, None) for name in ("scales", "scales_d", "scales_h", "scales_w")]
    if any(each is not None for each in scales):
        bound["scale_factor"] = [each for each in scales if each is not None]
    return kind, bound


def _upsampling() -> dict[str, Alias]:
    made = {}
    renamed = {"output_size": "size", "scale_factors": "scale_factor"}
    for name, mode in (
        *((f"upsample_nearest{axes}d", "nearest") for axes in (1, 2, 3)),
        *((f"upsample_nearest_exact{axes}d", "nearest-exact") for axes in (1, 2, 3)),
        ("upsample_linear1d", "linear"),
        ("upsample_bilinear2d", "bilinear"),
        ("upsample_trilinear3d", "trilinear"),
        ("upsample_bicubic2d", "bicubic"),
    ):
        made[name] = Alias("interpolate", renamed, {"mode": mode})
        made[f"{name}_aa"] = Alias("interpolate", renamed, {"mode": mode, "antialias": True})
    return made


def _padding() -> dict[str, Alias]:
    made = {"constant_pad_nd": Alias("pad", fixed={"mode": "constant"})}
    for name, mode in (("reflection", "reflect"), ("replication", "replicate")):
        for axes in (1, 2, 3):
            made[f"{name}_pad{axes}d"] = Alias("pad", {"padding": "pad"}, {"mode": mode})
    return made


_ALIASES: Final[Mapping[str, Alias]] = {
    "convolution": Alias("conv"),
    **{name: Alias("batch_norm") for name in ("native_batch_norm", "native_batch_norm_legit")},
    "native_batch_norm_legit_no_training": Alias("batch_norm", fixed={"training": False}),
    "native_layer_norm": Alias("layer_norm"),
    "native_group_norm": Alias("group_norm", {"group": "num_groups"}),
    "native_dropout": Alias("dropout"),
    "embedding": Alias("embedding", {"indices": "input"}),
    "scaled_dot_product_flash_attention_for_cpu": Alias("scaled_dot_product_attention"),
    "unsafe_view": Alias("view"),
    "unsafe_chunk": Alias("chunk"),
    "unsafe_split": Alias("split"),
    "split_with_sizes": Alias("split"),
    "to_copy": Alias("to"),
    "im2col": Alias("unfold"),
    "col2im": Alias("fold"),
    "linalg_vector_norm": Alias("vector_norm"),
    **{f"grid_sampler{axes}": Alias("grid_sample") for axes in ("", "_2d", "_3d")},
    "native_channel_shuffle": Alias("channel_shuffle"),
    **_upsampling(),
    **_padding(),
}
