"""`manage.py quotas recount`: make the books of use again from the rows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datasets.holdings import weigh_parts
from departments.models import Department
from departments.quotas.ledger import recount


class Command(BaseCommand):
    help = "Count again what departments have used: CPU time, storage, predictions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["recount"])
        parser.add_argument("--check", action="store_true", help="only compare; exit with an error where they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        weigh_parts()
        names = dict(Department.objects.values_list("pk", "slug"))
        differing = recount(write=not options["check"])
        for department, kind, period, before, after in differing:
            self.stdout.write(f"{names.get(department, department)} {kind} {period or 'now'}: {before} → {after}")
        if differing and options["check"]:
            raise CommandError(f"{len(differing)} entries differ from the rows; run `manage.py quotas recount`.")
        self.stdout.write(
            f"{len(differing)} entries were corrected." if differing else "The books agree with the rows."
        )
