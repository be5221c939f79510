"""Tuning: a study's trials are runs with their own jobs; when one ends, the next is suggested from all that ended.

The table of trials is the whole state: a study has no process of its own that could die.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.models import DatasetVersion, Recipe
from departments.access import Actor, Verb, require
from departments.models import Department
from jobs import services as jobs
from jobs.models import Job
from rest.problems import Refused, invalid
from training import services
from training.artifacts import Stored, open_file
from training.configuration import Configuration, Request, check
from training.engine.errors import TrainError
from training.engine.family import FAMILIES
from training.engine.metrics import primary
from training.engine.search import space, suggest
from training.models import LIVE, WITH_RESULT, RunState, Study, TrainingRun, Trial
from training.registration import register

IN_FLIGHT = 2  # trials at a time: more would only learn less from each other on a small machine
TRIALS = (1, 200)
SIGNALS = ("stop", "cancel")


def start_study(
    *,
    actor: Actor,
    department: Department,
    version: DatasetVersion,
    request: Request,
    search: Mapping[str, Any],
    trials: int,
    recipe: Recipe | None = None,
    name: str = "",
) -> Study:
    """Check the shared configuration and the ranges, and queue the first trials."""
    decision = services.require_train(actor, version.dataset, department)
    services.require_recipe(actor, recipe, department)
    if not request.family:
        raise invalid("family", _("a study tunes the parameters of one family: name it"))
    others = services.around_for(actor, department, recipe.steps if recipe else [])
    configuration = check(services.table_for(actor, version, decision), recipe, request, others)
    check_search(configuration.family, search, trials)
    with transaction.atomic():
        study = Study.objects.create(
            department=department,
            name=name or f"{services.default_name(configuration)} · {department.studies.count() + 1}",
            dataset_version=version,
            configuration={**configuration.columns(), "recipe": str(recipe.pk) if recipe else None},
            search=dict(search),
            metric=primary(configuration.task),
            direction="minimise",
            trial_count=trials,
            state=RunState.RUNNING,
            created_by_id=actor.person_id,
        )
        details = {"dataset": str(version.dataset_id), "family": configuration.family, "trials": trials}
        record("study.create", study, rule=decision.rule, version=version.number, details=details)
        _top_up(study, actor)
    return study


def check_search(family: str, search: Mapping[str, Any], trials: int) -> None:
    """Raise 422 for ranges that the family's declarations do not allow, and for too many trials."""
    if not TRIALS[0] <= trials <= TRIALS[1]:
        words = {"got": trials, "low": TRIALS[0], "high": TRIALS[1]}
        raise invalid("trials", _("got %(got)s; expected a whole number from %(low)s to %(high)s") % words)
    try:
        space(FAMILIES[family].params, search)
    except TrainError as error:
        raise invalid(error.field, f"{error.detail} {error.hint}".strip()) from error


def _top_up(study: Study, actor: Actor) -> None:
    """Queue trials until enough are in flight or all are made."""
    made = list(study.trials.select_related("run"))
    while len(made) < study.trial_count and sum(not trial.run.is_finished for trial in made) < IN_FLIGHT:
        made.append(_next_trial(study, made, actor))


def _next_trial(study: Study, made: list[Trial], actor: Actor) -> Trial:
    shared = study.configuration
    ranges = space(FAMILIES[shared["family"]].params, study.search)
    drawn = suggest(
        ranges,
        [(trial.params, value) for trial in made if (value := score_of(trial)) is not None],
        seed=shared["seed"],
        direction=study.direction,
        running=[trial.params for trial in made if not trial.run.is_finished],
        number=len(made),
    )
    number = len(made) + 1
    run = services.create_run(
        actor=actor,
        department=study.department,
        version=study.dataset_version,
        recipe=Recipe.objects.filter(pk=shared["recipe"]).first() if shared["recipe"] else None,
        configuration=_with_params(shared, drawn),
        name=f"{study.name[:150]} #{number}",
    )
    return Trial.objects.create(study=study, number=number, params=drawn, run=run)


def _with_params(shared: Mapping[str, Any], drawn: Mapping[str, Any]) -> Configuration:
    params = {**shared["params"], **drawn}
    own = {name: value for name, value in shared.items() if name != "recipe"}
    candidates = [{"family": shared["family"], "params": params}]
    return Configuration(**{**own, "params": params, "candidates": candidates, "explanation": []})


def score_of(trial: Trial) -> float | None:
    """What the trial's run scored; known as soon as the run has a result, a moment before the trial keeps it."""
    score = trial.run.report.get("score") if trial.run.state in WITH_RESULT else None
    return score["value"] if score else None


def trial_ended(*, trial: Trial, job: Job) -> None:
    """Keep the trial's score and go on: with the next trial, or, after the last, with the best one's model."""
    study = Study.objects.select_for_update().select_related("department").get(pk=trial.study_id)
    trial.value = score_of(trial)
    trial.save(update_fields=["value"])
    if study.state == RunState.RUNNING and not study.is_finished:
        _go_on(study, job)
    if not study.trials.filter(run__state__in=LIVE).exists():
        _close(study)


def _go_on(study: Study, job: Job) -> None:
    try:
        _top_up(study, jobs.requester(job))
    except Refused as refused:
        study.error = refused.as_problem()
        study.save(update_fields=["error"])


def best_trial(study: Study) -> Trial | None:
    """The trial with the best score so far; of equals, the first."""
    scored = study.trials.filter(value__isnull=False, run__state__in=WITH_RESULT).select_related("run")
    return scored.order_by("value" if study.direction == "minimise" else "-value", "number").first()


def _close(study: Study) -> None:
    """No trial is left: the best one's artifact becomes a model version, unless the study was cancelled."""
    if study.finished_at is not None:
        return
    best = best_trial(study)
    if study.state == RunState.RUNNING:
        study.state = RunState.SUCCEEDED if best else RunState.FAILED
        study.error = study.error if best else study.error or _last_error(study)
    if best and study.state != RunState.CANCELLED:
        register(run=best.run, stored=_stored(best.run))
    study.finished_at = timezone.now()
    study.save(update_fields=["state", "error", "finished_at"])
    record(f"study.{study.state}", study, details={"trials": study.trials.count()})


def _last_error(study: Study) -> dict[str, Any] | None:
    failed = study.trials.filter(run__state=RunState.FAILED).select_related("run").order_by("-number").first()
    return failed.run.error if failed else None


def _stored(run: TrainingRun) -> Stored:
    """The artifact that a run left in the storage."""
    import hashlib

    import orjson

    kept = run.report["artifact"]
    with open_file(kept["storage_key"], "manifest.json") as stream:
        content = stream.read()
    return Stored(kept["storage_key"], hashlib.sha256(content).hexdigest(), kept["size_bytes"], orjson.loads(content))


def signal_study(*, actor: Actor, study: Study, signal: str) -> Study:
    """Stop (and keep the best trial so far) or cancel: no further trial begins, and the running ones are told.

    The study's row is released before its jobs are touched: a trial that ends at this moment takes them the other way
    round, and the two must not wait for each other.
    """
    if signal not in SIGNALS:
        raise invalid("signal", _("choose from %s") % ", ".join(SIGNALS))
    decision = require(actor, Verb.TRAIN, study)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        if study.is_finished:
            raise Refused("study_ended", _("This study has ended (%s).") % study.get_state_display())
        study.state = RunState.STOPPED if signal == "stop" else RunState.CANCELLED
        study.save(update_fields=["state"])
        record(f"study.{signal}", study, rule=decision.rule)
    for trial in study.trials.filter(run__state__in=LIVE).select_related("run__job"):
        _signal_trial(trial, signal)
    study.refresh_from_db()
    return study


def _signal_trial(trial: Trial, signal: str) -> None:
    """A trial that has not begun has nothing to keep, and one that has just ended needs no signal."""
    job = trial.run.job
    if job is None:
        return
    for word in dict.fromkeys((signal, "cancel")):
        try:
            jobs.signal(job, word)
        except Refused as refused:
            if refused.code == "job_ended":
                return
        else:
            return
