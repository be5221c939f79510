"""Training tells data sets what was made from them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from datasets import traces
        from datasets.used_by import contribute
        from training import lineage, uses

        contribute("runs", _("Training runs"), uses.runs)
        contribute("studies", _("Studies"), uses.studies)
        contribute("models", _("Model versions"), uses.model_versions)
        traces.witness("models", uses.witnesses)
        lineage.register()
