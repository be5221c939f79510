"""`manage.py pseudonym_key DEPARTMENT`: the key with which an exported model makes a department's pseudonyms."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from datasets.steps import _keys
from departments.models import Department


class Command(BaseCommand):
    help = (
        "Prints the key of one department's pseudonyms, to be put into ATRIUM_PSEUDONYM_KEY beside an exported model."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("department", help="The department's short name in addresses.")

    def handle(self, *args: Any, department: str, **options: Any) -> None:
        found = Department.objects.filter(slug=department).first()
        if found is None:
            raise CommandError(f"There is no department called {department}.")
        self.stdout.write(_keys.scope_key(str(found.pk)).hex())
