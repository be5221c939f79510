"""`manage.py sign_in_link --person alice`: print a link that signs one person in once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from accounts.models import User
from accounts.services import create_sign_in_link


class Command(BaseCommand):
    help = "Print a one-time sign-in link of a person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--person", required=True, help="user name")
        parser.add_argument("--hours", type=float, default=24, help="hours until it expires (default 24)")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["person"], is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active person {options['person']!r}.")
        path = reverse("accounts:sign-in-link", args=[create_sign_in_link(person=person, hours=options["hours"])])
        self.stdout.write(f"http://127.0.0.1:{settings.PORT}{path}")
