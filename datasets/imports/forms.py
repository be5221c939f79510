"""Where an import goes: the name, department and description of a new data set; nothing for the next version of one."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from datasets.imports.source import Source
from departments.access import Verb
from departments.models import Department


class ImportForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), empty_label=None, to_field_name="slug"
    )
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What one row is, where the data comes from, whom to ask."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, source: Source, initial: dict[str, Any] | None = None) -> None:
        upload = source.upload
        named = {"name": PurePath(source.filename).stem, "department": upload.department.slug if upload else ""}
        super().__init__(data, initial={**named, **(initial or {})})
        if source.dataset is not None:
            self.fields.clear()
            return
        able = Department.objects.filter(pk__in=source.actor.departments_with(Verb.CREATE))
        self.fields["department"].queryset = able  # type: ignore[attr-defined]
