"""Training tells data sets what was made from them."""

from django.apps import AppConfig
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from datasets.erasure import traces
        from datasets.used_by import contribute
        from departments.quotas import stored
        from training import backgrounds, effects, lineage, scored, uses
        from training import holdings as artifacts
        from training.models import ScoredRows

        contribute("runs", _("Training runs"), uses.runs)
        contribute("studies", _("Studies"), uses.studies)
        contribute("models", _("Model versions"), uses.model_versions)
        traces.witness("models", uses.witnesses)
        traces.follow("scored_rows", scored.forget_rows)
        traces.follow("backgrounds", backgrounds.forget_rows)
        traces.follow("effects", effects.forget_rows)
        post_delete.connect(scored.follow_deletion, sender=ScoredRows)
        lineage.register()
        stored.contribute("models", artifacts.size_of)
        self._follow_ends()

    def _follow_ends(self) -> None:
        """The ends of grants reach jobs first, then models."""
        from departments.consequences import Contributor, contribute
        from training import ends

        contribute("jobs", Contributor(_("Running and queued"), ends.find_jobs, ("stop", "keep"), ends.stop_jobs))
        contribute("runs", Contributor(_("Training runs"), ends.find_runs))
        contribute("studies", Contributor(_("Studies"), ends.find_studies))
        choices = ("freeze", "retrain", "keep")
        models = Contributor(_("Model versions"), ends.find_models, choices, ends.mark_models, ends.unmark_models)
        contribute("models", models)
