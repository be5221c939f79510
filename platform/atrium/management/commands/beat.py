"""`manage.py beat`: the clock that sends the reaper round. One per platform."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Send what is due by the clock."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        from atrium.celery import app

        app.start(["beat", "--loglevel=INFO", f"--schedule={settings.CELERY_BEAT_SCHEDULE_FILENAME}", "--pidfile="])
