"""Serving tells data sets where cells are kept, and what hangs on a model."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        from serving import lineage, traces

        traces.register()
        lineage.register()
