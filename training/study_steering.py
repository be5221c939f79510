"""What people do to a study after its start: stop, cancel, continue, and promote a trial."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from jobs import services as jobs
from rest.problems import Refused, invalid
from training import services
from training.models import LIVE, WITH_RESULT, ModelVersion, RunState, Study, Trial
from training.registration import register
from training.studies import best_trial, stored_of, top_up
from training.study_options import TRIALS, within

SIGNALS = ("stop", "cancel")


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


def resume_study(*, actor: Actor, study: Study, trials: int) -> Study:
    """Go on with an ended study: so many more trials, which learn from all that were made."""
    decision = require(actor, Verb.TRAIN, study)
    services.require_train(actor, study.dataset_version.dataset, study.department)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        if study.finished_at is None:
            raise Refused("study_running", _("This study has not ended yet. Wait for it, or stop it first."))
        if study.state == RunState.CANCELLED:
            raise Refused("study_cancelled", _("This study was cancelled and its work discarded. Start a new one."))
        made = study.trials.aggregate(last=Max("number"))["last"] or 0
        within("trials", trials, (TRIALS[0], TRIALS[1] - made))
        study.trial_count, study.state, study.error = made + trials, RunState.RUNNING, None
        study.began_at, study.finished_at, study.ended_by = timezone.now(), None, ""
        study.save()
        record("study.resume", study, rule=decision.rule, details={"trials": trials})
        top_up(study, actor)
    return study


def promote_trial(*, actor: Actor, study: Study, number: int | None = None, model_name: str = "") -> ModelVersion:
    """Make the model version of a trial, of the best one unless told otherwise. A second call returns the first one's."""
    decision = require(actor, Verb.TRAIN, study)
    services.require_train(actor, study.dataset_version.dataset, study.department)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        trial = best_trial(study) if number is None else _numbered(study, number)
        if trial is None:
            raise Refused(
                "no_best_trial", _("No trial has ended within the limits yet, so there is nothing to promote.")
            )
        run = trial.run
        known: ModelVersion | None = ModelVersion.objects.filter(run=run).select_related("model").first()
        if known is not None and model_name and model_name != known.model.name:
            detail = _("Trial %(number)d is already version %(version)d of “%(model)s”.")
            words = {"number": trial.number, "version": known.number, "model": known.model.name}
            raise Refused("already_promoted", detail % words)
        if known is not None:
            return known
        run.model_name = model_name or run.model_name
        run.save(update_fields=["model_name"])
        version = register(run=run, stored=stored_of(run))
        details = {"trial": trial.number, "model_version": str(version.pk)}
        record("study.promote", study, rule=decision.rule, version=version.number, details=details)
    return version


def _numbered(study: Study, number: int) -> Trial:
    trial: Trial | None = study.trials.filter(number=number).select_related("run").first()
    if trial is None:
        raise invalid("trial", _("this study has no trial %d") % number)
    if trial.value is None or trial.run.state not in WITH_RESULT:
        raise Refused("trial_without_model", _("Trial %d has no model: it did not train to its end.") % number)
    if not trial.feasible:
        raise Refused("limits_not_kept", _("Trial %d does not keep the study's limits.") % number)
    return trial
