"""The form that asks for a person to be found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from datasets.erasure.services import MAX_SUBJECT


class ErasureForm(forms.Form):
    subject = forms.CharField(
        label=_("Key"), max_length=MAX_SUBJECT, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("What names the person in your data: an e-mail address, a customer number. Case does not matter."),
    )  # fmt: skip
    columns = forms.CharField(
        label=_("Only in these columns"), max_length=2000, required=False,
        help_text=_("Names separated by commas. Name them when the key is a plain number; left empty, all are searched."),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        required=False,
        help_text=_("Such as the request's number. No personal data."),
    )

    def given(self) -> dict[str, Any]:
        """The service's arguments."""
        columns = [name.strip() for name in self.cleaned_data["columns"].split(",") if name.strip()]
        return {**self.cleaned_data, "columns": columns}
