"""Pages of accounts: coming in, going out, tokens, the password."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import MailForm, SignInForm, TokenForm
from accounts.models import User
from accounts.services import create_token, peek_sign_in_link, revoke_token, use_sign_in_link
from audit.context import current
from audit.middleware import complete
from audit.services import record
from rest.forms import refusals_into

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(LoginView):
    """Username and password; too many wrong ones lock the account for a while."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        complete(current(), self.request.user)
        record("person.sign_in", form.get_user())
        return response


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link. Opening it asks; only the button uses it, so mail scanners and prefetchers cannot."""
    link = peek_sign_in_link(token)
    if request.method == "POST":
        if link:
            complete(current(), link.person)
        person = use_sign_in_link(token)
        login(request, person, backend=BACKEND)
        return redirect("home")
    return render(request, "accounts/sign_in_link.html", {"link": link}, status=200 if link else 410)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("accounts:sign-in")


@login_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's API tokens; a new one's secret is shown in the answer to the form, and never again."""
    own = {d.slug: d for d in request.departments}  # type: ignore[attr-defined]
    form = TokenForm(request.POST or None, departments=own.values())
    made, secret = None, ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        department = own.get(given["department"])
        with refusals_into(form):
            made, secret = create_token(
                person=request.user,  # type: ignore[arg-type]
                name=given["name"],
                scopes=given["scopes"],
                days=given["days"],
                department_id=department.pk if department else None,
            )
    page = {"form": form, "made": made, "secret": secret, "tokens": _tokens_of(request.user)}  # type: ignore[arg-type]
    return render(request, "accounts/tokens.html", page, status=422 if form.errors else 200)


def _tokens_of(person: User) -> list[object]:
    return list(person.tokens.select_related("department").order_by("revoked_at", "-created_at")[:100])


@login_required
@require_POST
def revoke(request: HttpRequest, id: UUID) -> HttpResponse:
    token = revoke_token(token=get_object_or_404(request.user.tokens, pk=id))  # type: ignore[union-attr]
    messages.success(
        request, _("The token “%s” is revoked. Programs that use it are refused from now on.") % token.name
    )
    return redirect("accounts:tokens")


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set or change one's own password; who came by a link has none yet."""
    person = cast(User, request.user)
    kind = PasswordChangeForm if person.has_usable_password() else SetPasswordForm
    form = kind(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        record("person.set_password", person)
        messages.success(request, _("Your password is set. Use it with your username from now on."))
        return redirect("home")
    return render(request, "accounts/password.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """Whether notices also come by mail, and where to."""
    person = cast(User, request.user)
    form = MailForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        record("person.set_mail", person, details={"wants_mail": person.wants_mail})
        messages.success(request, _("Saved."))
        return redirect("accounts:notices")
    return render(request, "accounts/notices.html", {"form": form}, status=422 if form.errors else 200)
