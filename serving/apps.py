"""Serving tells data sets where cells are kept, and what hangs on a model."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        from departments.consequences import Contributor, contribute
        from departments.quotas.kinds import recompute
        from serving import ends, lineage, prediction_log, traces
        from serving.alerts.kinds import register_notices
        from serving.exporting import scorer
        from serving.rollouts import notices
        from training import artifacts

        register_notices()
        notices.register()
        traces.register()
        artifacts.accompany(scorer.files)
        lineage.register()
        recompute("predictions", prediction_log.recomputed)
        choices = ("stop", "freeze", "retrain", "keep")
        contribute("deployments", Contributor(_("Deployments"), ends.find_deployments, choices, ends.pause_deployments))
