"""Sign-off: a model that learned from another department's data answers callers when that department says so.

It is asked of the managers of every department whose data the version learned from. Own data needs a sign-off where a rule
of the deployment, or else of the department, says so; then another manager than who asked gives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.models import Dataset, DatasetVersion
from datasets.preparation.around import REFERENCE
from datasets.recipes.plan import tables_named
from departments.access import Actor, Verb, require_in
from departments.models import Department
from departments.notices import managers_of
from rest.problems import Refused, invalid
from serving.models import Deployment
from serving.rollouts.models import SignOff, SignOffRule, SignOffState
from serving.rollouts.notices import tell_sign_off
from training.models import ModelVersion

LONGEST = 500
DEPTH = 50  # of data sets prepared from others: longer chains are not followed


@dataclass(frozen=True, slots=True)
class Needed:
    """A sign-off that a version needs: whose, and for which data sets."""

    owner: Department
    datasets: tuple[str, ...]


def learned_from(version: ModelVersion) -> list[Dataset]:
    """The data sets that the version learned from: its own, those joined to it, and what they were prepared from."""
    run = version.run
    if run is None:
        return []
    found: dict[UUID, Dataset] = {}
    waiting: list[DatasetVersion] = [run.dataset_version, *_joined(run.steps)]
    for _level in range(DEPTH):
        if not waiting:
            break
        found |= {each.dataset_id: each.dataset for each in waiting}
        waiting = [
            part
            for each in waiting
            for part in (each.derived_from, *_joined(each.origin.get("steps", [])))
            if part is not None and part.dataset_id not in found
        ]
    return list(found.values())


def _joined(steps: Any) -> Iterable[DatasetVersion]:
    """The versions of other data sets that the steps bring in."""
    for named in filter(None, map(REFERENCE.fullmatch, tables_named(steps))):
        found = DatasetVersion.objects.filter(dataset_id=named[1], number=int(named[2])).select_related("dataset")
        yield from found.defer("profile")


def needed_for(version: ModelVersion, deployment: Deployment | None = None) -> list[Needed]:
    """The sign-offs without which the version may not answer callers of that name, given or not."""
    by_owner: dict[UUID, list[Dataset]] = {}
    for dataset in learned_from(version):
        by_owner.setdefault(dataset.department_id, []).append(dataset)
    always = own_needs_one(version.department_id, deployment)
    if always:
        by_owner.setdefault(version.department_id, [])
    else:
        by_owner.pop(version.department_id, None)
    owners = Department.objects.in_bulk(by_owner)
    return [Needed(owners[pk], tuple(sorted(d.name for d in sets))) for pk, sets in by_owner.items()]


def own_needs_one(department_id: UUID, deployment: Deployment | None) -> bool:
    """Whether a model of the department's own data needs a sign-off: the deployment's rule counts before the department's."""
    rules = SignOffRule.objects.filter(department_id=department_id)
    own = rules.filter(deployment=deployment).first() if deployment is not None else None
    found = own or rules.filter(deployment=None).first()
    return found is not None and found.always


def rule_of(deployment: Deployment) -> str:
    """always, never, or department where the deployment has no rule of its own."""
    rule = SignOffRule.objects.filter(deployment=deployment).first()
    return "department" if rule is None else ("always" if rule.always else "never")


def missing_for(version: ModelVersion, deployment: Deployment | None = None) -> list[Needed]:
    """The sign-offs that are needed and were not given. A refusal stands until a later approval."""
    needed = needed_for(version, deployment)
    given = SignOff.objects.filter(model_version=version, state=SignOffState.APPROVED).values_list(
        "owner_id", flat=True
    )
    return [each for each in needed if each.owner.pk not in set(given)]


def require_signed(*, actor: Actor, version: ModelVersion, name: str, deployment: Deployment | None = None) -> None:
    """Raise Refused (409, `sign-off`) that names who can sign, and ask them; do not call it within a transaction, whose
    rollback would take the request back."""
    missing = missing_for(version, deployment)
    if not missing:
        return
    ask(actor=actor, version=version, name=name, missing=missing)
    detail = _(
        "This model may answer callers when %(owners)s signed it off. Its managers have been asked: %(people)s. Their answer "
        "stands among your notices."
    )
    errors = [
        {"field": "sign_off", "message": f"{each.owner.name}: {', '.join(_signers(each, actor)) or '–'}"}
        for each in missing
    ]
    people = [person for each in missing for person in _signers(each, actor)]
    owners = ", ".join(each.owner.name for each in missing)
    raise Refused("sign-off", detail % {"owners": owners, "people": ", ".join(people) or "–"}, errors=errors)


def _signers(needed: Needed, actor: Actor) -> list[str]:
    """The names of those who can sign: nobody signs what they asked for."""
    return [person.get_full_name() for person in managers_of(needed.owner.pk).exclude(pk__in=[actor.person_id])]


@transaction.atomic
def ask(*, actor: Actor, version: ModelVersion, name: str, missing: Iterable[Needed]) -> list[SignOff]:
    """Put the request into the inboxes of those who can sign; one that waits already is not made twice."""
    made = []
    for each in missing:
        asked, is_new = SignOff.objects.get_or_create(
            model_version=version, owner=each.owner, state=SignOffState.OPEN,
            defaults={
                "department_id": version.department_id, "name": name, "datasets": list(each.datasets),
                "created_by_id": actor.person_id,
            },
        )  # fmt: skip
        if is_new:
            record("sign_off.ask", asked, department_id=each.owner.pk, details={"model_version": str(version.pk)})
            tell_sign_off(asked, managers_of(each.owner.pk).exclude(pk__in=[actor.person_id]))
        made.append(asked)
    return made


def approve(*, actor: Actor, sign_off: SignOff, reason: str) -> SignOff:
    """Let the version answer callers."""
    return _decide(actor, sign_off, SignOffState.APPROVED, reason)


def refuse(*, actor: Actor, sign_off: SignOff, reason: str) -> SignOff:
    """Say that it may not, and why. Asking again is possible."""
    return _decide(actor, sign_off, SignOffState.REFUSED, reason)


def may_decide(actor: Actor, sign_off: SignOff) -> bool:
    manages = sign_off.owner_id in actor.departments_with(Verb.MANAGE) and actor.has_scope(Verb.MANAGE)
    return manages and sign_off.created_by_id != actor.person_id


@transaction.atomic
def _decide(actor: Actor, sign_off: SignOff, state: SignOffState, reason: str) -> SignOff:
    if not may_decide(actor, sign_off):
        detail = _("Managers of %s sign this off, and not who asked for it.") % sign_off.owner.name
        raise Refused("not-signer", detail, status=403)
    if not 0 < len(reason.strip()) <= LONGEST:
        raise invalid("reason", _("say why, in 1 to %d characters: it is kept with the model") % LONGEST)
    locked: SignOff = SignOff.objects.select_for_update().get(pk=sign_off.pk)
    if not locked.is_open:
        raise Refused("sign-off-closed", _("This was answered already: %s.") % locked.get_state_display())
    locked.state, locked.reason = state, reason.strip()
    locked.decided_at, locked.decided_by_id = timezone.now(), actor.person_id
    locked.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    record(
        f"sign_off.{state}",
        locked,
        department_id=locked.owner_id,
        details={"model_version": str(locked.model_version_id)},
    )
    people = [*managers_of(locked.department_id), *([locked.created_by] if locked.created_by else [])]
    tell_sign_off(locked, people)
    return locked


@transaction.atomic
def set_rule(*, actor: Actor, department: Department, deployment: Deployment | None, always: bool | None) -> None:
    """Whether models of the department's own data need a sign-off: always, never, or (None) as the department says."""
    require_in(actor, Verb.MANAGE, department)
    rules = SignOffRule.objects.filter(department=department, deployment=deployment)
    if always is None:
        rules.delete()
    else:
        SignOffRule.objects.update_or_create(department=department, deployment=deployment, defaults={"always": always})
    said = {None: "as the department", True: "always", False: "never"}[always]
    record("sign_off.rule", deployment or department, department_id=department.pk, details={"own_data": said})
