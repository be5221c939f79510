"""`manage.py reseal`: after the secret key was replaced, seal the secrets of sources with the new one."""

from typing import Any

from django.core.management.base import BaseCommand

from datasets.sources.services import reseal


class Command(BaseCommand):
    help = "Seals the secrets of sources with the present secret key; earlier keys are needed no more afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{reseal()} sources were sealed anew.")
