"""Forms of accounts."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import Scope, User


class SignInForm(AuthenticationForm):
    """Username and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs["autofocus"] = True


class TokenForm(forms.Form):
    """A new API token: what uses it, what it may do, for how long, and where."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What will use it, for example “nightly scoring”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.READ]
    )
    department = forms.ChoiceField(
        label=_("Department"), required=False, help_text=_("Limits the token to one department.")
    )
    days = forms.TypedChoiceField(
        label=_("Lives for"),
        coerce=int,
        initial=90,
        choices=[(1, _("1 day")), (7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("1 year"))],
    )

    def __init__(self, *args: Any, departments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["department"]
        field.choices = [("", _("All my departments"))] + [(d.slug, d.name) for d in departments]  # type: ignore[attr-defined]


class MailForm(forms.ModelForm):
    """Where notices go to."""

    class Meta:
        model = User
        fields = ("email", "wants_mail")
        labels = {"email": _("E-mail address"), "wants_mail": _("Send me notices by e-mail")}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("wants_mail") and not given.get("email"):
            self.add_error("email", _("An address is needed to send mail to, or switch the mails off."))
        return given
