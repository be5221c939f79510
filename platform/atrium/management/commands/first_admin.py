"""`manage.py first_admin`: make the first platform admin where there are no people yet."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import User
from accounts.people import create_person


class Command(BaseCommand):
    help = "Make the first platform admin, without a password: `sign_in_link` lets them in. Does nothing where there are people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", default="admin", help="user name (default: admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            self.stdout.write("There are people already; nobody was added.")
            return
        person = create_person(username=options["username"], is_platform_admin=True)
        self.stdout.write(
            f"Made the platform admin {person.username!r}. Let them in: manage.py sign_in_link --person {person}"
        )
