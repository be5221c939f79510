"""Tuning: a study's trials are runs with their own jobs; when one ends, the next is suggested from all that ended.

The table of trials is the whole state: a study has no process of its own that could die.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.models import DatasetVersion, Recipe
from departments.access import Actor
from departments.models import Department
from departments.quotas import services as quotas
from jobs import services as jobs
from jobs.models import Job
from rest.problems import Refused, invalid
from training import services, warm_start
from training.artifacts import Stored, open_file
from training.configuration import Configuration, Request, check
from training.engine.family import FAMILIES
from training.engine.metrics import primary
from training.engine.search import Tried, default_search, suggest
from training.models import LIVE, WITH_RESULT, Origin, RunState, Study, TrainingRun, Trial
from training.registration import register
from training.study_options import MEGABYTE, Options, check_options, check_search
from training.study_results import space_of


def start_study(
    *,
    actor: Actor,
    department: Department,
    version: DatasetVersion,
    request: Request,
    trials: int,
    search: Mapping[str, Any] | None = None,
    options: Options | None = None,
    recipe: Recipe | None = None,
    name: str = "",
) -> Study:
    """Check the shared configuration and the ranges, and queue the first trials.

    Without `search` the parameters are searched that the family declares to be worth it.
    """
    decision = services.require_train(actor, version.dataset, department)
    services.require_recipe(actor, recipe, department)
    quotas.require(department, "cpu")
    quotas.require(department, "storage")
    if not request.family:
        raise invalid("family", _("a study tunes the parameters of one family: name it"))
    asked = options or Options()
    if request.latency_ms is not None:
        # A trial over the limit is told to the search; a run over it would have failed.
        asked = replace(asked, limits={"latency_ms": request.latency_ms, **asked.limits})
        request = replace(request, latency_ms=None)
    others = services.around_for(actor, department, recipe.steps if recipe else [])
    table = services.table_for(actor, version, decision)
    configuration = check(table, recipe, request, others)
    ranges = default_search(FAMILIES[configuration.family].params) if search is None else dict(search)
    check_search(configuration.family, ranges, trials)
    check_options(asked, configuration, ranges)
    with transaction.atomic():
        study = Study.objects.create(
            department=department,
            name=name or f"{services.default_name(configuration)} · {department.studies.count() + 1}",
            dataset_version=version,
            configuration={**configuration.columns(), "recipe": str(recipe.pk) if recipe else None},
            search=ranges,
            metric=primary(configuration.task),
            direction="minimise",
            trial_count=trials,
            meta=warm_start.figures_of(table, configuration),
            state=RunState.RUNNING,
            created_by_id=actor.person_id,
            **asked.columns(),
        )
        if asked.warm_start:
            study.borrowed = warm_start.borrowed(study, space_of(study))
            study.save(update_fields=["borrowed"])
        details = {
            "dataset": str(version.dataset_id), "family": configuration.family, "trials": trials,
            "pruner": asked.pruner, "borrowed": len(study.borrowed),
        }  # fmt: skip
        record("study.create", study, rule=decision.rule, version=version.number, details=details)
        top_up(study, actor)
    return study


def top_up(study: Study, actor: Actor) -> None:
    """Queue trials until enough are in flight, all are made, or the time is up."""
    made = list(study.trials.select_related("run"))
    flying = sum(not trial.run.is_finished for trial in made)
    if time_is_up(study):
        study.ended_by = "time limit"
        study.save(update_fields=["ended_by"])
        return
    for _turn in range(min(study.trial_count - len(made), study.parallel - flying)):
        made.append(_next_trial(study, made, actor))


def time_is_up(study: Study) -> bool:
    limit = study.total_time_limit
    return limit is not None and timezone.now() >= study.began_at + timedelta(seconds=limit)


def _next_trial(study: Study, made: list[Trial], actor: Actor) -> Trial:
    shared = study.configuration
    origin, drawn = _params_for(study, made)
    number = len(made) + 1
    run = services.create_run(
        actor=actor,
        department=study.department,
        version=study.dataset_version,
        recipe=Recipe.objects.filter(pk=shared["recipe"]).first() if shared["recipe"] else None,
        configuration=_with_params(shared, drawn),
        name=f"{study.name[:150]} #{number}",
        model_name=study.model_name,
    )
    return Trial.objects.create(study=study, number=number, params=drawn, origin=origin, run=run)


def _params_for(study: Study, made: list[Trial]) -> tuple[str, dict[str, Any]]:
    """What was asked for, what did best on similar tables, and then what the search suggests."""
    where, shared = space_of(study), study.configuration
    rows = max(1, round(10 ** float(study.meta.get("rows") or 0.0)))
    asked = FAMILIES[shared["family"]].settled(shared["params"], rows, shared["task"])
    fixed = {one.name: asked[one.name] for one in where}
    first = [(Origin.DEFAULT, fixed)] if all(one.holds(fixed) for one in where) else []
    first += [(Origin.SIMILAR, params) for params in study.borrowed if params != fixed]
    if len(made) < len(first):
        return first[len(made)]
    seed = shared["seed"]
    return Origin.SEARCH, suggest(
        where, [tried(trial) for trial in made], seed=seed, direction=study.direction, number=len(made)
    )


def tried(trial: Trial) -> Tried:
    """The trial as the search sees it."""
    if not trial.run.is_finished:
        return Tried(trial.params, running=True)
    pruned = (int(trial.pruned["unit"]), float(trial.pruned["value"])) if trial.pruned else None
    return Tried(trial.params, score_of(trial), pruned, trial.excess)


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
    trial.excess = _excess(study, trial)
    trial.feasible = all(share <= 0 for share in trial.excess.values())
    trial.save(update_fields=["value", "excess", "feasible"])
    if study.state == RunState.RUNNING and not study.is_finished:
        _go_on(study, job)
    if not study.trials.filter(run__state__in=LIVE).exists():
        _close(study)


def _excess(study: Study, trial: Trial) -> dict[str, float]:
    """By how much the trial's model is over each limit, as a share of it."""
    size = None if trial.size_bytes is None else trial.size_bytes / MEGABYTE
    measured = {"latency_ms": trial.latency_ms, "size_mb": size}
    return {name: value / limit - 1.0 for name, limit in study.limits.items() if (value := measured[name]) is not None}


def _go_on(study: Study, job: Job) -> None:
    try:
        top_up(study, jobs.requester(job))
    except Refused as refused:
        study.error = refused.as_problem()
        study.save(update_fields=["error"])


def best_trial(study: Study) -> Trial | None:
    """The trial with the best score so far among those within the limits; of equals, the first."""
    scored = study.trials.filter(value__isnull=False, feasible=True, run__state__in=WITH_RESULT)
    return (
        scored.select_related("run").order_by("value" if study.direction == "minimise" else "-value", "number").first()
    )


def _close(study: Study) -> None:
    """No trial is left: the best one's artifact becomes a model version, unless the study was cancelled."""
    if study.finished_at is not None:
        return
    best = best_trial(study)
    if study.state == RunState.RUNNING:
        study.state = RunState.SUCCEEDED if best else RunState.FAILED
        study.error = study.error if best else study.error or _why_nothing(study)
    if best and study.promote_best and study.state != RunState.CANCELLED:
        register(run=best.run, stored=stored_of(best.run))
    study.finished_at = timezone.now()
    study.save(update_fields=["state", "error", "finished_at"])
    record(f"study.{study.state}", study, details={"trials": study.trials.count()})


def _why_nothing(study: Study) -> dict[str, Any] | None:
    over = list(study.trials.filter(feasible=False))
    if over:
        nearest = min(over, key=lambda trial: max(trial.excess.values()))
        detail = _("No trial keeps the limits. The nearest, trial %(number)d, is over by %(share).0f %%.")
        share = 100 * max(nearest.excess.values())
        found = Refused("limits_not_kept", detail % {"number": nearest.number, "share": share}, status=422)
        return found.as_problem() | {"hint": _("Allow more, or search smaller models, and start the study again.")}
    failed = study.trials.filter(run__state=RunState.FAILED).select_related("run").order_by("-number").first()
    return failed.run.error if failed else None


def stored_of(run: TrainingRun) -> Stored:
    """The artifact that a run left in the storage."""
    import hashlib

    import orjson

    kept = run.report["artifact"]
    with open_file(kept["storage_key"], "manifest.json") as stream:
        content = stream.read()
    return Stored(kept["storage_key"], hashlib.sha256(content).hexdigest(), kept["size_bytes"], orjson.loads(content))
