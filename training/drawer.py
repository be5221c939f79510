"""The Train page's drawer: a family's declared parameters in the groups that people look for them in."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from plugins.params import Param

GROUPS: dict[str, str | Promise] = {
    "structure": _("Structure"),
    "loss": _("Loss"),
    "optimiser": _("Optimiser"),
    "schedule": _("Schedule and stopping"),
    "regularisation": _("Regularisation"),
}
# Where the names that families share belong; any other stands with the structure unless its declaration says more.
_KNOWN = {
    "loss": (
        "loss", "quantile", "power", "gamma", "class_weights", "class_weight", "label_smoothing",
        "quantile_level", "tweedie_power", "focal_gamma",
    ),
    "optimiser": (
        "optimiser", "learning_rate", "momentum", "batch_size", "clip", "precision",
        "processes",
    ),
    "schedule": (
        "schedule", "decay", "drops", "warmup", "epochs", "steps", "rounds", "patience", "keep_best", "plateau_patience",
        "averaging", "averaging_decay",
    ),
    "regularisation": (
        "dropout", "weight_decay", "l1", "l2", "min_gain", "min_rows_leaf", "path_smooth", "feature_fraction",
        "feature_fraction_split", "row_fraction", "extra_trees", "noise", "mixup",
    ),
}  # fmt: skip
_GROUP_OF = {name: group for group, names in _KNOWN.items() for name in names}


def group_of(param: Param) -> str:
    return param.group or _GROUP_OF.get(param.name, "structure")


def grouped(params: Sequence[Param]) -> list[tuple[str | Promise, list[Param]]]:
    """(title, parameters) of each group that has any, in the order of GROUPS; within one, as they were declared."""
    found = {group: [param for param in params if group_of(param) == group] for group in GROUPS}
    return [(GROUPS[group], members) for group, members in found.items() if members]
