"""Forms of the data set pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from departments.access import ROLE_VERBS, Actor, Verb
from departments.models import Department


class UploadForm(forms.Form):
    """A file, and the department that will own what is made of it."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A table as CSV or its relatives, Excel, OpenDocument, Parquet, Arrow or JSON; also packed with gzip or zip."
        ),
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
