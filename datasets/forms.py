"""Forms of the data set pages."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.access import GRANTABLE, ROLE_VERBS, Actor, Verb
from departments.forms import VERB_LABELS
from departments.models import Department


class UploadForm(forms.Form):
    """A file, and the department that will own what is made of it."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("A table as CSV or its relatives, Excel or OpenDocument; also packed with gzip or zip."),
    )
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), empty_label=None, to_field_name="slug"
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = [pk for pk, role in actor.roles.items() if Verb.CREATE in ROLE_VERBS[role]]
        self.fields["department"].queryset = Department.objects.filter(pk__in=able)  # type: ignore[attr-defined]


class VersionForm(forms.Form):
    """The next version of a data set."""

    file = forms.FileField(label=_("File"))


class EditForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class GrantForm(forms.Form):
    """What another department may do with a data set, and until when."""

    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), empty_label=None, to_field_name="slug"
    )
    verbs = forms.MultipleChoiceField(
        label=_("May"), choices=[(verb.value, VERB_LABELS[verb]) for verb in GRANTABLE], initial=["discover", "preview"],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=300,
        required=False,
        help_text=_("Shown to both sides and kept in the audit trail."),
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Access ends at the end of this day, UTC."),
    )

    def __init__(self, *args: Any, owner_id: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = Department.objects.exclude(pk=owner_id)  # type: ignore[attr-defined]
        self.fields["expires_on"].initial = lambda: timezone.now().date() + timedelta(days=90)

    @property
    def expires_at(self) -> datetime:
        """The first moment after the last day."""
        return datetime.combine(
            self.cleaned_data["expires_on"] + timedelta(days=1), time(), tzinfo=timezone.get_default_timezone()
        )
