from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class DatasetsConfig(AppConfig):
    name = "datasets"

    def ready(self) -> None:
        post_save.connect(_grant_changed, sender="departments.Grant")


def _grant_changed(instance: Any, created: bool, **_: Any) -> None:
    """What was written for a grant goes with its terms: departments know of grants, this app of what they gave."""
    from datasets.tables import forget_outdated

    if not created:
        forget_outdated(instance.pk)
