"""The Train page's form: what is typed there, as the request that services take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from datasets.models import Recipe
from datasets.schema import NUMERIC, Schema
from plugins.params import Param
from rest.problems import Refused
from training.configuration import MAX_SEED, Request
from training.drawer import grouped
from training.engine.demands import BALANCED, LATENCY_MS, NONE
from training.engine.family import FAMILIES
from training.engine.presets import DEFAULT, PRESETS
from training.engine.search import default_search
from training.engine.split import DEFAULT as SPLIT
from training.engine.split import GROUPED, RANDOM, TIMED
from training.models import Pruner, TrainingRun
from training.study_options import Options
from training.suitability import TASK_WORDS

# A parameter's field is named after its family too: every family's stand on the page, one is shown.
_TASKS = [("", _("Follows from the target")), *TASK_WORDS.items()]


class TrainForm(forms.Form):
    """Everything but the families' parameters, which are read beside it from their declarations."""

    target = forms.CharField(max_length=200, strip=False, error_messages={"required": _("Choose what to predict.")})
    task = forms.ChoiceField(choices=_TASKS, required=False, label=_("Kind of task"))
    preset = forms.ChoiceField(
        choices=[(p.name, _(p.label)) for p in PRESETS.values()], required=False, initial=DEFAULT
    )
    time_limit = forms.FloatField(
        required=False, min_value=1, max_value=86_400, label=_("Time limit in seconds"),
        help_text=_("Empty takes the preset's own limit."),
    )  # fmt: skip
    name = forms.CharField(max_length=160, required=False, label=_("Name of the run"))
    model_name = forms.CharField(
        max_length=160, required=False, label=_("Name of the model"),
        help_text=_("Empty continues the model of this data set and target."),
    )  # fmt: skip
    recipe = forms.ModelChoiceField(
        queryset=Recipe.objects.none(),
        required=False,
        label=_("Recipe"),
        empty_label=_("None: only what the model needs"),
    )
    family = forms.ChoiceField(
        required=False, label=_("Model family"), help_text=_("A family that you choose replaces the preset.")
    )
    test = forms.FloatField(
        required=False, min_value=0, max_value=0.5, label=_("Share kept for the test"), initial=SPLIT["test"]
    )
    validation = forms.FloatField(
        required=False, min_value=0, max_value=0.5, label=_("Share kept for validation"), initial=SPLIT["validation"]
    )
    kind = forms.ChoiceField(
        required=False, label=_("Rows are held out"), choices=[
            (RANDOM, _("at random")), (GROUPED, _("in whole groups of a column")), (TIMED, _("the latest, by a column")),
        ],
        help_text=_("Groups keep one customer or machine on one side; by time, the model is judged on what came later."),
    )  # fmt: skip
    by = forms.ChoiceField(required=False, label=_("Column of the groups or times"))
    weight = forms.ChoiceField(
        required=False, label=_("Row weights"), help_text=_("A column of numbers: how much each row counts.")
    )
    class_weight = forms.ChoiceField(
        required=False, label=_("Class weights"), choices=[(NONE, _("None")), (BALANCED, _("Balanced"))],
        help_text=_("Balanced: every class counts the same, however rare it is."),
    )  # fmt: skip
    latency_ms = forms.FloatField(
        required=False, min_value=LATENCY_MS[0], max_value=LATENCY_MS[1], label=_("Latency budget for a row, in ms"),
        help_text=_("The longest that one answer may take; what is slower is not kept."),
    )  # fmt: skip
    like = forms.UUIDField(required=False, widget=forms.HiddenInput)
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=MAX_SEED, label=_("Seed"), initial=0,
        help_text=_("The same data, recipe and seed give the same model, byte for byte."),
    )  # fmt: skip
    trials = forms.IntegerField(
        required=False, min_value=1, max_value=200, label=_("Trials"),
        help_text=_("Empty trains once. A number makes a study that searches the parameters chosen below."),
    )  # fmt: skip
    pruner = forms.ChoiceField(
        choices=Pruner.choices, required=False, initial=Pruner.ASHA, label=_("Poor trials"),
        help_text=_("Successive halving ends a trial that is not among the best third at the same point."),
    )  # fmt: skip
    parallel = forms.IntegerField(required=False, min_value=1, max_value=16, initial=2, label=_("Trials at a time"))
    total_time_limit = forms.FloatField(
        required=False, min_value=1, max_value=86_400, label=_("Seconds of the whole study"),
        help_text=_("Then the best trial so far is kept."),
    )  # fmt: skip
    size_mb = forms.FloatField(required=False, min_value=0.001, label=_("Megabytes, at most"))
    warm_start = forms.BooleanField(
        required=False, initial=True, label=_("Begin with what did best on similar tables"),
    )  # fmt: skip
    tune = forms.MultipleChoiceField(required=False, label=_("Parameters to search"))
    without = forms.MultipleChoiceField(required=False, label=_("Leave these columns out"))

    def __init__(self, *args: Any, schema: Schema, recipes: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = columns = schema.names
        self.numbers = [column.name for column in schema if column.type in NUMERIC]
        self.fields["by"].choices = [("", "–"), *((name, name) for name in columns)]  # type: ignore[attr-defined]
        self.fields["weight"].choices = [("", _("Every row counts the same")), *((n, n) for n in self.numbers)]  # type: ignore[attr-defined]
        self.param_errors: dict[str, str] = {}
        self.fields["recipe"].queryset = recipes  # type: ignore[attr-defined]
        chosen = [("", _("The preset chooses")), *((family.name, _(family.label)) for family in FAMILIES)]
        self.fields["family"].choices = chosen  # type: ignore[attr-defined]
        self.fields["without"].choices = [(name, name) for name in columns]  # type: ignore[attr-defined]
        self.fields["tune"].choices = [  # type: ignore[attr-defined]
            (f"{family.name}.{param.name}", _(param.title))
            for family in FAMILIES
            for param in family.params
            if searchable(param)
        ]

    def request(self) -> Request:
        """What is asked for. Call it after `is_valid`."""
        values = self.cleaned_data
        family = values["family"] or None
        shares = {part: values[part] for part in ("test", "validation") if values[part] is not None}
        if values["kind"] and values["kind"] != RANDOM:
            shares |= {"kind": values["kind"], "by": values["by"] or None}
        return Request(
            target=values["target"],
            task=values["task"] or None,
            preset=None if family else values["preset"] or None,
            family=family,
            params=self._params(family) if family else {},
            features=self._features(),
            time_limit=values["time_limit"],
            seed=values["seed"] or 0,
            split=shares,
            weight=values["weight"] or None,
            class_weight=values["class_weight"] or NONE,
            monotone={name: int(way) for name, way in self._ways().items() if way in ("1", "-1")},
            latency_ms=values["latency_ms"],
        )

    def _ways(self) -> Mapping[str, Any]:
        """What stands in the fields of monotone columns; one is named after its column."""
        given = {name: self.data.get(f"monotone.{name}", "") for name in self.numbers} if self.is_bound else None
        return given if given is not None else self.initial.get("monotone", {})

    def ways(self) -> list[dict[str, Any]]:
        """The numeric columns, each with the way that the answer must go with it."""
        found, target = self._ways(), self["target"].value()
        return [{"name": name, "way": found.get(name, "")} for name in self.numbers if name != target]

    def _params(self, family: str) -> dict[str, Any]:
        """What stands in the family's fields; a field that was not sent keeps its default."""
        names = [param.name for param in FAMILIES[family].params]
        # A checkbox sends a hidden "false" before its "true": the last value counts.
        return {name: self.data[f"{family}.{name}"] for name in names if f"{family}.{name}" in self.data}

    def _features(self) -> list[str] | None:
        """All columns but those that are left out; None where none is."""
        out = set(self.cleaned_data["without"])
        return (
            [name for name in self.columns if name not in out and name != self.cleaned_data["target"]] if out else None
        )

    def search(self) -> dict[str, Any]:
        """The declared ranges of the parameters that were ticked."""
        prefix = f"{self.cleaned_data['family']}."
        return {name.removeprefix(prefix): {} for name in self.cleaned_data["tune"] if name.startswith(prefix)}

    def options(self) -> Options:
        """How a study goes about it."""
        values = self.cleaned_data
        limits = {} if values["size_mb"] is None else {"size_mb": values["size_mb"]}
        return Options(
            pruner=values["pruner"] or Pruner.NONE,
            limits=limits,
            parallel=values["parallel"] or 2,
            total_time_limit=values["total_time_limit"],
            warm_start=values["warm_start"],
            model_name=values["model_name"],
        )

    def take(self, refused: Refused) -> None:
        """Show a refusal where its fields stand."""
        for error in refused.errors:
            field, _dot, rest = error["field"].partition(".")
            if field == "params":
                self.param_errors[rest] = error["message"]
                self.add_error(None, f"{rest}: {error['message']}")
            elif field == "split":
                self.add_error(rest if rest in self.fields else None, error["message"])
            elif field == "monotone":
                self.add_error(None, f"{rest or _('Monotone')}: {error['message']}")
            else:
                self.add_error(
                    {"search": "tune"}.get(field, field) if field in (*self.fields, "search") else None,
                    error["message"],
                )
        if not refused.errors:
            self.add_error(None, refused.detail)

    def families(self) -> list[dict[str, Any]]:
        """The drawer's parts: each family with its parameters in their groups, their values and errors."""
        chosen = self["family"].value()
        return [
            {
                "family": family,
                "matters": [f"{family.name}.{name}" for name in default_search(family.params)],
                "groups": [
                    (title, [self._field(family.name, param, chosen == family.name) for param in params])
                    for title, params in grouped(family.params)
                ],
            }
            for family in FAMILIES
        ]

    def _field(self, family: str, param: Param, chosen: bool) -> dict[str, Any]:
        given: Mapping[str, Any] = self.data if self.is_bound else self.initial.get("params", {})
        name = f"{family}.{param.name}"
        value = given.get(name, param.default)
        # An empty field, not the default: the run that the form was filled from had none.
        value = "" if value is None and name in given else value
        ticked = name in (self["tune"].value() or [])
        error = self.param_errors.get(param.name, "") if chosen else ""
        return {"param": param, "value": value, "error": error, "searchable": searchable(param), "ticked": ticked}


def searchable(param: Param) -> bool:
    """Whether the declaration alone says what to search: a list of numbers without usual values has no range."""
    return param.tunable and (param.kind != "ints" or bool(param.search))


def initial_of(run: TrainingRun, columns: list[str]) -> dict[str, Any]:
    """The form's first values for a run like `run`, on a table of these columns."""
    family = "" if run.preset else run.family
    return {
        "target": run.target,
        "task": run.task,
        "preset": run.preset or DEFAULT,
        "time_limit": run.time_limit,
        "recipe": run.recipe_id,
        "family": family,
        "model_name": run.model_name,
        "test": run.split.get("test"),
        "validation": run.split.get("validation"),
        "seed": run.seed,
        "kind": run.split.get("kind", RANDOM),
        "by": run.split.get("by"),
        "weight": run.weight,
        "class_weight": run.class_weight,
        "monotone": {name: str(way) for name, way in run.monotone.items()},
        "latency_ms": run.latency_ms,
        "like": run.pk,
        "without": [name for name in columns if name not in (*run.features, run.target)],
        "params": {f"{family}.{name}": value for name, value in run.params.items()} if family else {},
    }
