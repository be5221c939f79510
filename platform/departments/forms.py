"""Forms of departments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.access import GRANTABLE, Verb
from departments.access_requests import MAX_ANSWER, MAX_PURPOSE, MOST_DAYS
from departments.consequences import kinds_to_choose
from departments.ending import MOST_EXTENSION
from departments.models import Choice, Department, Role

VERB_LABELS = {
    Verb.DISCOVER: _("discover: see that it exists, its columns and their types"),
    Verb.PREVIEW: _("preview: read rows and figures"),
    Verb.TRAIN: _("train: fit models on it"),
    Verb.FEDERATE: _("federate: take part in training without handing rows over"),
    Verb.EXPORT: _("export: download the rows as a file"),
    Verb.PREDICT: _("predict: use models made from it"),
}


def end_of(day: date) -> datetime:
    """The first moment after a day."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=timezone.get_default_timezone())


class MemberForm(forms.Form):
    """Somebody's role; the username names a person who has an account."""

    username = forms.CharField(label=_("Username"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class AccessRequestForm(forms.Form):
    """What is wanted, for whom, what for and how long."""

    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("For"), empty_label=None, to_field_name="slug",
        help_text=_("All its members may use what is granted, as far as their role allows."),
    )  # fmt: skip
    verbs = forms.MultipleChoiceField(
        label=_("To"), choices=[(verb.value, VERB_LABELS[verb]) for verb in GRANTABLE if verb != Verb.DISCOVER],
        initial=["preview"], widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    columns = forms.MultipleChoiceField(
        label=_("Columns"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none to ask for all. Asking for what you need is granted sooner."),
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Purpose"), max_length=MAX_PURPOSE, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What it is for. The owner decides by it; it stays with the grant and in the audit trail."),
    )  # fmt: skip
    days = forms.IntegerField(
        label=_("Days"), min_value=1, max_value=MOST_DAYS, initial=90, help_text=_("Counted from the answer.")
    )

    def __init__(self, *args: Any, departments: Iterable[Department], columns: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = Department.objects.filter(pk__in=[d.pk for d in departments])  # type: ignore[attr-defined]
        _choose_columns(self, columns)


def _choose_columns(form: forms.Form, columns: list[str]) -> None:
    """A model has none: then there is nothing to choose."""
    form.fields["columns"].choices = [(name, name) for name in columns]  # type: ignore[attr-defined]
    if not columns:
        del form.fields["columns"]


class ApproveForm(forms.Form):
    """What the owner grants where it is other than asked; data sets have a form of their own, with columns and rows."""

    verbs = forms.MultipleChoiceField(
        label=_("May"), choices=[(verb.value, VERB_LABELS[verb]) for verb in GRANTABLE],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    expires_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Access ends at the end of this day, UTC."),
    )  # fmt: skip
    answer = forms.CharField(
        label=_("Note to the requester"),
        max_length=MAX_ANSWER,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def terms(self) -> dict[str, Any]:
        """What the service is told."""
        given = self.cleaned_data
        return {
            "verbs": given["verbs"], "answer": given["answer"], "expires_at": self.expires_at,
        }  # fmt: skip

    @property
    def expires_at(self) -> datetime:
        return end_of(self.cleaned_data["expires_on"])


class RefuseForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_ANSWER, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The requester reads it, and can ask for something else."),
    )  # fmt: skip


CHOICE_LABELS = {
    Choice.STOP: _("Stop: jobs are cancelled, deployments paused, models answer no more"),
    Choice.FREEZE: _("Freeze: jobs are cancelled; models stay, but answer no more and cannot be deployed"),
    Choice.RETRAIN: _("Retrain: models answer until the date below, to be trained again without the data; then frozen"),
    Choice.KEEP: _("Keep: everything goes on until the date below; then frozen"),
}
AS_ABOVE = ("", _("as chosen above"))


class RevokeForm(forms.Form):
    """What becomes of what was made from the data; by kind where that is to differ."""

    choice = forms.ChoiceField(label=_("What was made"), choices=list(CHOICE_LABELS.items()), widget=forms.RadioSelect)
    until = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("For “retrain” and “keep”; the day's end, UTC."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, contributor in kinds_to_choose().items():
            words = [AS_ABOVE, *((choice, Choice(choice).label) for choice in contributor.choices)]
            self.fields[f"kind.{kind}"] = forms.ChoiceField(label=str(contributor.label), choices=words, required=False)

    @property
    def kind_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("kind.")]

    def decision(self) -> dict[str, Any]:
        """What the service is told."""
        given = self.cleaned_data
        kinds = {
            name.removeprefix("kind."): value for name, value in given.items() if name.startswith("kind.") and value
        }
        return {
            "choice": given["choice"],
            "choices": kinds,
            "until": end_of(given["until"]) if given["until"] else None,
        }


class ExtendForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days"), min_value=1, max_value=MOST_EXTENSION, initial=30, help_text=_("Counted from today.")
    )
