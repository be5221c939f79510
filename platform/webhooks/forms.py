"""The form of an endpoint."""

from django import forms
from django.utils.translation import gettext_lazy as _

from webhooks.events import EVENTS


class EndpointForm(forms.Form):
    """Who is told, where, and of what."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Which system it is, such as “on-call” or “ticketing”.")
    )
    target = forms.CharField(
        label=_("Address"), max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://example.com/hooks/atrium"}),
        help_text=_("Events are sent there as POST with a JSON body. Use https: the body is signed, not encrypted."),
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        label=_("Events"), widget=forms.CheckboxSelectMultiple,
        choices=[(type, type) for type in EVENTS], initial=["alert.opened", "alert.closed"],
    )  # fmt: skip
