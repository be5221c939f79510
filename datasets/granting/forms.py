"""The form of a grant: who, what they may, which columns under which masks, which rows, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from datasets.granting.services import looks_personal
from datasets.masks._base import MASKS, Mask
from datasets.models import DatasetVersion
from departments.access import GRANTABLE, Verb
from departments.access_requests import MAX_ANSWER
from departments.models import AccessRequest, Choice, Department, Grant

VERB_LABELS = {
    Verb.DISCOVER: _("discover: see that it exists, its columns and their types"),
    Verb.PREVIEW: _("preview: read rows and figures"),
    Verb.TRAIN: _("train: fit models on it"),
    Verb.FEDERATE: _("federate: take part in training without handing rows over"),
    Verb.EXPORT: _("export: download the rows as a file"),
    Verb.PREDICT: _("predict: use models made from it"),
}
MOST_COLUMNS = 500  # what a page can offer to choose from; the API takes any number


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column of the table as the form offers it. Fields are named by its place: names may hold any sign."""

    place: int
    name: str
    type: str
    personal: str
    given: bool
    mask: str
    masks: list[Mask]
    params: list[tuple[str, str, Any]]


class GrantForm(forms.Form):
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), empty_label=None, to_field_name="slug"
    )
    verbs = forms.MultipleChoiceField(
        label=_("May"), choices=[(verb.value, VERB_LABELS[verb]) for verb in GRANTABLE],
        initial=["discover", "preview"], widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    later = forms.BooleanField(
        label=_("Also the columns that later versions add"), required=False,
        help_text=_("Without it, a new column stays yours until you give it."),
    )  # fmt: skip
    rows = forms.CharField(
        label=_("Only rows that fit"), max_length=5000, required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "form-control mono"}),
        help_text=_("One condition a line, all must hold: age>=30 · city=Oslo · note~late · income is present."),
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Purpose"), max_length=300, required=False,
        help_text=_("Shown to both sides and kept in the audit trail."),
    )  # fmt: skip
    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Left empty, it begins now."),
    )  # fmt: skip
    expires_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Access ends at the end of this day, UTC."),
    )  # fmt: skip
    may_extend = forms.BooleanField(label=_("They may move the last day themselves"), required=False)
    on_end = forms.ChoiceField(
        label=_("At the end, what they made from it"), choices=Choice.choices, initial=Choice.FREEZE, required=False,
        help_text=_("Their jobs stop; their models are frozen, or may answer for some days more."),
    )  # fmt: skip
    on_end_days = forms.IntegerField(
        label=_("Days more"),
        min_value=0,
        max_value=730,
        initial=30,
        required=False,
        help_text=_("For retraining and keeping."),
    )
    answer = forms.CharField(
        label=_("Note to the requester"),
        max_length=MAX_ANSWER,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self,
        *args: Any,
        version: DatasetVersion | None,
        owner_id: Any,
        grant: Grant | None = None,
        asked: AccessRequest | None = None,
        **kwargs: Any,
    ) -> None:
        """`grant` is the one to change; `asked` the request that a new one answers."""
        super().__init__(*args, **kwargs)
        self.version, self.grant, self.asked = version, grant, asked
        self.schema = version.schema[:MOST_COLUMNS] if version else []
        self.wide = version is not None and len(version.schema) > MOST_COLUMNS
        self.fields["department"].queryset = Department.objects.exclude(pk=owner_id)  # type: ignore[attr-defined]
        self.initial = {**(self._terms_of(grant) if grant else self._first()), **self.initial}
        if grant or asked:
            self.fields["department"].disabled = True
        if asked is None:
            del self.fields["answer"]

    def _first(self) -> dict[str, Any]:
        today, asked = timezone.now().date(), self.asked
        first = {"expires_on": today + timedelta(days=90), "later": not self.schema}
        if asked is None:
            return first
        return first | {
            "department": asked.department.slug, "verbs": asked.verbs, "purpose": asked.purpose,
            "expires_on": today + timedelta(days=asked.days),
        }  # fmt: skip

    def _terms_of(self, grant: Grant) -> dict[str, Any]:
        last = grant.expires_at and (grant.expires_at - timedelta(microseconds=1)).date()
        return {
            "department": grant.department.slug, "verbs": grant.verbs, "later": grant.columns is None,
            "rows": "\n".join(grant.rows), "purpose": grant.purpose, "starts_on": grant.starts_at.date(),
            "expires_on": last, "may_extend": grant.may_extend,
            "on_end": grant.on_end, "on_end_days": grant.on_end_days,
        }  # fmt: skip

    def columns(self) -> list[ColumnRow]:
        """The table's columns with what is chosen for each."""
        return [self._column(place, item["name"], item["type"]) for place, item in enumerate(self.schema)]

    def _column(self, place: int, name: str, type_: str) -> ColumnRow:
        kind, params = self._mask(place, name)
        offered = [mask for mask in MASKS if type_ in mask.applies_to and mask.name != "hide"]
        names = ("characters", "separator") if type_ == "text" else ("width", "edges")
        words = {p.name: p for mask in offered for p in mask.params if p.name in names}
        return ColumnRow(
            place, name, type_, looks_personal(self.version, name) if self.version else "",
            self._is_given(place, name), kind, offered,
            [(param.name, param.help, params.get(param.name)) for param in words.values()],
        )  # fmt: skip

    def _is_given(self, place: int, name: str) -> bool:
        if self.is_bound:
            return f"column-{place}" in self.data
        grant, asked = self.grant, self.asked
        if asked is not None and asked.columns:
            return name in asked.columns
        return grant is None or (
            (grant.columns is None or name in grant.columns) and grant.masks.get(name, {}).get("kind") != "hide"
        )

    def _mask(self, place: int, name: str) -> tuple[str, dict[str, Any]]:
        """The mask that is chosen for a column, and its parameters as they were typed."""
        if not self.is_bound:
            mask = self.grant.masks.get(name, {}) if self.grant else {}
            return mask.get("kind", ""), mask.get("params") or {}
        kind = str(self.data.get(f"mask-{place}", ""))
        typed = {key: self.data.get(f"{key}-{place}", "") for key in ("width", "edges", "characters", "separator")}
        return kind, {
            key: text if key in ("edges", "separator") else _number(text) for key, text in typed.items() if text
        } if kind == "bucket" else {}

    def terms(self) -> dict[str, Any]:
        """Columns, masks and conditions as a grant holds them. A column that is not ticked is given in no way."""
        later = bool(self.cleaned_data["later"])
        rows = [line.strip() for line in self.cleaned_data["rows"].splitlines() if line.strip()]
        given, masks = [], {}
        for column in self.columns():
            if column.given:
                given.append(column.name)
            if not column.given and later:
                masks[column.name] = {"kind": "hide"}
            elif column.given and column.mask:
                masks[column.name] = _mask_json(*self._mask(column.place, column.name))
        return {"columns": None if later else given, "masks": masks, "rows": rows}

    def given(self) -> dict[str, Any]:
        """Everything that a grant is made or changed with."""
        values = self.cleaned_data
        starts = {"starts_at": _moment(values["starts_on"])} if self._starts_anew() else {}
        return {
            **self.terms(), **starts, "verbs": values["verbs"], "purpose": values["purpose"],
            "expires_at": _moment(values["expires_on"] + timedelta(days=1)), "may_extend": values["may_extend"],
            **{name: values[name] for name in ("on_end", "on_end_days") if values[name] not in {None, ""}},
        }  # fmt: skip

    def _starts_anew(self) -> bool:
        return bool(self.cleaned_data["starts_on"]) and "starts_on" in self.changed_data


def _number(text: str) -> Any:
    """What was typed, as a number where it is a whole one: the mask judges the rest."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def _mask_json(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "params": params} if params else {"kind": kind}


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())
