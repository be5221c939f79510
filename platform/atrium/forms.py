"""Forms of the platform admin."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class DepartmentForm(forms.Form):
    """A new department."""

    name = forms.CharField(label=_("Name"), max_length=100)
    slug = forms.SlugField(
        label=_("Short name"),
        max_length=60,
        required=False,
        help_text=_("Letters, digits and hyphens, for URLs. Made from the name when empty."),
    )
    description = forms.CharField(label=_("Description"), max_length=300, required=False)


class PersonForm(forms.Form):
    """A new account."""

    username = forms.CharField(label=_("Username"), max_length=150, validators=[User.username_validator])
    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    is_platform_admin = forms.BooleanField(
        label=_("Platform admin: manages departments and people, sees health and audit, no rows"), required=False
    )
