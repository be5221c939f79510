"""Starting and steering training runs: typed verbs, one transaction each, recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.models import Dataset, DatasetVersion, Recipe, VersionState
from datasets.preparation.around import around, digests
from datasets.recipe import Around
from datasets.tables import Described, described
from departments.access import Actor, Decision, Verb, decide, require, require_in
from departments.models import Department, Grant
from departments.quotas import services as quotas
from jobs import services as jobs
from jobs.models import Job, JobState
from rest.problems import Refused, invalid
from training.configuration import Configuration, Request, check
from training.models import WITH_RESULT, RunState, TrainingRun
from training.states import REFUSALS, SIGNALS, TABLE, situation_of
from webhooks.events import emit

# What of a run says what it does.
REPEATED = (
    "dataset_version", "recipe", "steps", "features", "target", "task", "preset", "family", "params", "candidates", "seed",
    "split", "weight", "class_weight", "monotone", "latency_ms", "time_limit", "estimate_seconds", "projection",
)  # fmt: skip


def department_for(actor: Actor, dataset: Dataset, preferred: Department | None = None) -> Department:
    """The department in which `actor` trains on `dataset`: the preferred one if it may, the owner, one with a grant."""
    require(actor, Verb.TRAIN, dataset)
    able = set(actor.departments_with(Verb.TRAIN))
    granted = {
        g.department_id: g.department for g in _train_grants(able).filter(object_id=dataset.pk) if Verb.TRAIN in g.verbs
    }
    fitting = {**({dataset.department_id: dataset.department} if dataset.department_id in able else {}), **granted}
    if not fitting:
        raise Refused("no-grant", _("None of your departments may train on this data set now."), status=403)
    if preferred is not None and preferred.pk in fitting:
        return preferred
    return next(iter(fitting.values()))


def trainable(actor: Actor) -> QuerySet[Dataset]:
    """The data sets that `actor` may train on: own departments' and granted ones."""
    able = set(actor.departments_with(Verb.TRAIN))
    granted = [g.object_id for g in _train_grants(able) if Verb.TRAIN in g.verbs]
    visible: QuerySet[Dataset] = Dataset.objects.visible_to(actor)
    return visible.filter(Q(department__in=able) | Q(pk__in=granted)).select_related("department")


def _train_grants(able: set[UUID]) -> QuerySet[Grant]:
    return Grant.objects.live().filter(object_kind="dataset", department__in=able).select_related("department")


def require_train(actor: Actor, dataset: Dataset, department: Department) -> Decision:
    """Raise unless `actor` may train on `dataset` as a member of `department`.

    The right is asked of that department alone: otherwise a member of two would carry one's data into the other.
    """
    require(actor, Verb.DISCOVER, dataset)
    require_in(actor, Verb.TRAIN, department)
    decision = decide(actor.within(department.pk), Verb.TRAIN, dataset)
    if not decision.allowed:
        detail = decision.detail or _("%s holds no grant to train on this data set.") % department.name
        raise Refused(decision.rule, detail, status=403)
    return decision


def joined_digests(actor: Actor, department: Department, steps: Any) -> list[str]:
    """What `department` gets of the tables that the steps join; see recipe_around.digests."""
    return digests(actor=actor, department=department, steps=steps, verbs=(Verb.TRAIN, Verb.PREVIEW))


def table_for(actor: Actor, version: DatasetVersion, decision: Decision) -> Described:
    """The table that the decision lets the actor train on, as it is described before anything is started."""
    require_ready(version)
    return described(version, decision, actor=actor)


def around_for(actor: Actor, department: Department, steps: Any, folder: Path | None = None) -> Around:
    """What the steps reach outside of their table. A joined table's rows go into the model: reading them is asked for too."""
    return around(actor=actor, department=department, steps=steps, folder=folder, verbs=(Verb.TRAIN, Verb.PREVIEW))


def start_run(
    *,
    actor: Actor,
    department: Department,
    version: DatasetVersion,
    request: Request,
    recipe: Recipe | None = None,
    name: str = "",
    model_name: str = "",
    like: TrainingRun | None = None,
    starting_point: dict[str, Any] | None = None,
) -> TrainingRun:
    """Check, make the run with everything it needs settled, and queue its job."""
    decision = require_train(actor, version.dataset, department)
    require_recipe(actor, recipe, department)
    quotas.require(department, "cpu")
    quotas.require(department, "storage")
    others = around_for(actor, department, recipe.steps if recipe else [])
    configuration = check(table_for(actor, version, decision), recipe, request, others)
    with transaction.atomic():
        run = create_run(
            actor=actor,
            department=department,
            version=version,
            recipe=recipe,
            configuration=configuration,
            name=name or f"{default_name(configuration)} · {department.runs.filter(trial=None).count() + 1}",
            model_name=model_name,
            like=like,
            starting_point=starting_point,
        )
        details = {"dataset": str(version.dataset_id), "target": run.target, "preset": run.preset, "family": run.family}
        record("run.create", run, rule=decision.rule, version=version.number, details=details)
    return run


def create_run(
    *,
    actor: Actor,
    department: Department,
    version: DatasetVersion,
    recipe: Recipe | None,
    configuration: Configuration,
    name: str,
    model_name: str = "",
    like: TrainingRun | None = None,
    starting_point: dict[str, Any] | None = None,
) -> TrainingRun:
    """The row and its job, within the caller's transaction."""
    run = TrainingRun.objects.create(
        department=department,
        name=name[:160],
        dataset_version=version,
        recipe=recipe,
        model_name=model_name,
        like=like,
        starting_point=starting_point or {},
        created_by_id=actor.person_id,
        **configuration.columns(),
    )
    run.job = enqueue(actor, run)
    run.save(update_fields=["job"])
    return run


def enqueue(actor: Actor, run: TrainingRun) -> Job:
    payload = {"run": str(run.pk)}
    return jobs.enqueue(
        "training.run", actor=actor, department=run.department, payload=payload, about=run,
        estimate_seconds=run.estimate_seconds,
    )  # fmt: skip


def require_ready(version: DatasetVersion) -> None:
    if version.state != VersionState.READY:
        detail = _("Version %(n)s is not ready (%(state)s). Wait for its import to finish, or choose another version.")
        raise Refused("version_not_ready", detail % {"n": version.number, "state": version.get_state_display()})


def require_recipe(actor: Actor, recipe: Recipe | None, department: Department) -> None:
    """A recipe is its department's own work and is not carried into another's runs."""
    if recipe is None:
        return
    require(actor, Verb.DISCOVER, recipe)
    if recipe.department_id != department.pk:
        raise invalid("recipe", _("this recipe belongs to another department than the run"))


def latest_ready(dataset: Dataset) -> DatasetVersion:
    """The newest version that can be trained on."""
    found: DatasetVersion | None = dataset.versions.filter(state=VersionState.READY).order_by("-number").first()
    if found is None:
        raise Refused("no_version", _("This data set has no version that is ready to train on."))
    return found


def default_name(configuration: Configuration) -> str:
    return f"{configuration.target[:100]} · {configuration.family or configuration.preset}"


def request_of(run: TrainingRun) -> Request:
    """What would have to be asked for to get this run again."""
    return Request(
        target=run.target,
        task=run.task or None,
        preset=run.preset or None,
        family=None if run.preset else run.candidates[0]["family"],
        params={} if run.preset else run.params,
        features=run.features,
        time_limit=run.time_limit,
        seed=run.seed,
        split=run.split,
        weight=run.weight or None,
        class_weight=run.class_weight,
        monotone=run.monotone,
        latency_ms=run.latency_ms,
    )


def clone_run(*, actor: Actor, run: TrainingRun, changes: dict[str, Any]) -> TrainingRun:
    """Start a run like `run` with some fields of its request changed."""
    require(actor, Verb.DISCOVER, run)
    asked = request_of(run)
    if changes.get("family") and "preset" not in changes:
        asked = replace(asked, preset=None, params={})
    elif changes.get("preset"):
        asked = replace(asked, family=None, params={})
    return start_run(
        actor=actor,
        department=run.department,
        version=run.dataset_version,
        recipe=run.recipe,
        request=replace(asked, **changes),
        model_name=run.model_name,
        like=run,
        starting_point=run.starting_point,
    )


@transaction.atomic
def reproduce_run(*, actor: Actor, run: TrainingRun) -> TrainingRun:
    """Start a run that repeats `run` exactly: same rows, seeds and steps, and no clock. Its end says whether it did."""
    decision = require_train(actor, run.dataset_version.dataset, run.department)
    if run.state not in WITH_RESULT or not hasattr(run, "model_version"):
        detail = _("Only a run that ended with a model can be reproduced; this one is %s.") % run.get_state_display()
        raise Refused("nothing_to_reproduce", detail)
    settled = {field: getattr(run, field) for field in REPEATED}
    name = (_("%s, reproduced") % run.name)[:160]
    again: TrainingRun = TrainingRun.objects.create(
        **settled, name=name, reproduces=run, created_by_id=actor.person_id, department=run.department
    )
    again.job = enqueue(actor, again)
    again.save(update_fields=["job"])
    record("run.reproduce", again, rule=decision.rule, details={"of": str(run.pk)})
    return again


@transaction.atomic
def signal_run(*, actor: Actor, run: TrainingRun, signal: str) -> TrainingRun:
    """Pause, resume, stop (and keep the best) or cancel, as `states.TABLE` has it. What runs follows within seconds."""
    if signal not in SIGNALS:
        raise invalid("signal", _("choose from %s") % ", ".join(SIGNALS))
    decision = require(actor, Verb.TRAIN, run)
    # The job's row is held from here: what the table is asked about does not change before the signal is given.
    run.job = Job.objects.select_for_update().filter(pk=run.job_id).first()
    code = TABLE[situation_of(run), signal].code
    if code:
        raise Refused(code, str(REFUSALS[code]))
    if run.job is not None:
        run.job = jobs.signal(run.job, signal)
    run.refresh_from_db()
    record(f"run.{signal}", run, rule=decision.rule)
    return run


def follow_job(job: Job) -> TrainingRun | None:
    """The job has ended: what ended it without a result is the run's end too."""
    run: TrainingRun | None = TrainingRun.objects.select_for_update().filter(job=job).first()
    if run is None or run.is_finished:
        return run
    run.state = RunState.CANCELLED if job.state == JobState.CANCELLED else RunState.FAILED
    run.error = job.error
    run.progress = job.progress
    run.finished_at = timezone.now()
    run.save(update_fields=["state", "error", "progress", "finished_at"])
    tell_finished(run)
    return run


def tell_finished(run: TrainingRun) -> None:
    """Webhooks hear of a run's end; of the many trials of a study they do not."""
    if hasattr(run, "trial"):
        return
    code = (run.error or {}).get("code")
    told = {"run": {"id": str(run.pk), "name": run.name, "state": run.state, "target": run.target}}
    emit(run.department_id, "run.finished", {**told, "error": code} if code else told)
