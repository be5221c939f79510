"""Forms of departments."""

from django import forms
from django.utils.translation import gettext_lazy as _

from departments.models import Role


class MemberForm(forms.Form):
    """Somebody's role; the username names a person who has an account."""

    username = forms.CharField(label=_("Username"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
