from django.apps import AppConfig


class AtriumConfig(AppConfig):
    name = "atrium"

    def ready(self) -> None:
        """Make the Celery application the one that tasks are sent through, in web processes too."""
        import atrium.celery  # noqa: F401
