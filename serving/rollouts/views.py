"""Pages of traffic and of sign-offs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb
from rest.forms import refusals_into
from rest.problems import Refused
from serving.frame import deployment_for, draw
from serving.models import Deployment
from serving.ownership import require_own
from serving.rollouts import pages, services, sign_offs
from serving.rollouts.forms import AnswerForm, RuleForm, ShareForm, StartForm
from serving.rollouts.models import Rollout, SignOff
from serving.rollouts.steps import CANARY, SHADOW


@login_required
@require_GET
def traffic(request: HttpRequest, name: str) -> HttpResponse:
    """Who answers now, the rollout that is on its way, and who pointed the name where."""
    deployment = _own(request, name, Verb.DISCOVER)
    return _page(request, deployment, StartForm(actor=request.actor, deployment=deployment))  # type: ignore[attr-defined]


@login_required
@require_GET
def live(request: HttpRequest, name: str) -> HttpResponse:
    """The part that changes while one looks at it."""
    deployment = _own(request, name, Verb.DISCOVER)
    return draw(request, deployment, "traffic", "serving/_traffic.html", pages.traffic_page(deployment))


def _own(request: HttpRequest, name: str, verb: Verb) -> Deployment:
    deployment = deployment_for(request, name, verb)
    require_own(request.actor, deployment)  # type: ignore[attr-defined]
    return deployment


def _page(request: HttpRequest, deployment: Deployment, form: StartForm) -> HttpResponse:
    context = {**pages.traffic_page(deployment), "form": form, "rule_form": pages.rule_form(deployment)}
    status = 422 if form.errors else 200
    return draw(request, deployment, "traffic", "serving/traffic.html", context, status=status)


@login_required
@require_POST
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Begin to bring another version in."""
    deployment = _own(request, name, Verb.DEPLOY)
    form = StartForm(request.POST, actor=request.actor, deployment=deployment)  # type: ignore[attr-defined]
    if form.is_valid():
        with refusals_into(form):
            services.start(
                actor=request.actor,  # type: ignore[attr-defined]
                deployment=deployment,
                challenger=form.cleaned_data["model_version"],
                steps=form.plan,
                alarms=form.alarms,
                override_reason=form.cleaned_data["override_reason"],
            )
            messages.success(request, _("The rollout has begun."))
            return redirect("serving:traffic", name)
    return _page(request, deployment, form)


def _rollout(request: HttpRequest, name: str, id: UUID) -> Rollout:
    deployment = _own(request, name, Verb.DEPLOY)
    related = ("deployment__department", "champion__model", "challenger__model", "challenger__run")
    found: Rollout = get_object_or_404(deployment.rollouts.select_related(*related), pk=id)
    return found


def _back(request: HttpRequest, name: str, act: Any, done: str) -> HttpResponse:
    """Do it and go back to the page, with what was done or why it was refused."""
    try:
        act()
    except Refused as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, done)
    return redirect("serving:traffic", name)


@login_required
@require_POST
def advance(request: HttpRequest, name: str, id: UUID) -> HttpResponse:
    """Take the next step now. The form says which step the person saw."""
    rollout, seen = _rollout(request, name, id), request.POST.get("step", "")
    who: Any = request.actor  # type: ignore[attr-defined]
    from_step = int(seen) if seen.isdecimal() else None
    return _back(
        request, name, lambda: services.advance(actor=who, rollout=rollout, from_step=from_step), _("One step on.")
    )


@login_required
@require_POST
def pause(request: HttpRequest, name: str, id: UUID) -> HttpResponse:
    rollout, who = _rollout(request, name, id), request.actor  # type: ignore[attr-defined]
    return _back(request, name, lambda: services.hold(actor=who, rollout=rollout), _("The rollout stays at this step."))


@login_required
@require_POST
def resume(request: HttpRequest, name: str, id: UUID) -> HttpResponse:
    rollout, who = _rollout(request, name, id), request.actor  # type: ignore[attr-defined]
    return _back(request, name, lambda: services.resume(actor=who, rollout=rollout), _("The rollout goes on."))


@login_required
@require_POST
def share(request: HttpRequest, name: str, id: UUID) -> HttpResponse:
    """The slider was moved and confirmed."""
    rollout, who = _rollout(request, name, id), request.actor  # type: ignore[attr-defined]
    form = ShareForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A share is 0 to 100 %."))
        return redirect("serving:traffic", name)
    wanted = form.cleaned_data["share"] / 100
    mode: Any = CANARY if wanted else SHADOW
    done = _("The challenger answers %s %% of the callers now.") % f"{100 * wanted:g}"
    return _back(request, name, lambda: services.reshare(actor=who, rollout=rollout, mode=mode, share=wanted), done)


@login_required
@require_POST
def rollback(request: HttpRequest, name: str) -> HttpResponse:
    """Out of the rollout, or back to what answered before."""
    deployment, who = _own(request, name, Verb.DEPLOY), request.actor  # type: ignore[attr-defined]
    said = request.POST.get("reason", "").strip()
    done = _("Rolled back: the version before answers.")
    return _back(request, name, lambda: services.go_back(actor=who, deployment=deployment, said=said), done)


@login_required
@require_POST
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """Whether models of own data need a sign-off."""
    deployment, form = _own(request, name, Verb.MANAGE), RuleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one of the offered rules."))
        return redirect("serving:traffic", name)
    who = {"actor": request.actor, "department": deployment.department}  # type: ignore[attr-defined]
    said = {"always": True, "never": False, "department": None}
    sign_offs.set_rule(**who, deployment=deployment, always=said[form.cleaned_data["deployment"]])
    sign_offs.set_rule(**who, deployment=None, always=said[form.cleaned_data["department"]])
    messages.success(request, _("Kept."))
    return redirect("serving:traffic", name)


@login_required
@require_GET
def sign_off(request: HttpRequest, id: UUID) -> HttpResponse:
    """One request to sign a version off."""
    return _sign_off_page(request, _asked(request, id), AnswerForm())


def _asked(request: HttpRequest, id: UUID) -> SignOff:
    visible = SignOff.objects.visible_to(request.actor).with_names()  # type: ignore[attr-defined]
    found: SignOff = get_object_or_404(visible, pk=id)
    return found


def _sign_off_page(request: HttpRequest, asked: SignOff, form: AnswerForm) -> HttpResponse:
    may_decide = asked.is_open and sign_offs.may_decide(request.actor, asked)  # type: ignore[attr-defined]
    context = {"asked": asked, "form": form, "may_decide": may_decide}
    return render(request, "serving/sign_off.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def answer(request: HttpRequest, id: UUID) -> HttpResponse:
    """Sign off or refuse, with the reason."""
    asked, form = _asked(request, id), AnswerForm(request.POST)
    if not sign_offs.may_decide(request.actor, asked):  # type: ignore[attr-defined]
        detail = _("Managers of %s sign this off, and not who asked for it.") % asked.owner.name
        raise Refused("not-signer", detail, status=403)
    if form.is_valid():
        act = sign_offs.approve if form.cleaned_data["answer"] == "approve" else sign_offs.refuse
        with refusals_into(form):
            act(actor=request.actor, sign_off=asked, reason=form.cleaned_data["reason"])  # type: ignore[attr-defined]
            messages.success(request, _("%s has your answer.") % asked.department.name)
            return redirect("serving:sign-off", asked.pk)
    return _sign_off_page(request, asked, form)
