"""Serving tells data sets where cells are kept."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        from serving import traces

        traces.register()
