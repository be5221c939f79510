"""`manage.py token --person alice --scopes read,write --days 1`: print a token for scripts on this machine."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Scope, User
from accounts.services import create_token, department_of
from rest.problems import Refused


class Command(BaseCommand):
    help = "Print a new API token of a person. It is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--person", required=True, help="user name")
        parser.add_argument("--scopes", default="read", help=f"comma-separated: {', '.join(Scope.values)}")
        parser.add_argument("--days", type=float, default=1, help="days until it expires (default 1)")
        parser.add_argument("--department", help="slug: limit the token to one department")
        parser.add_argument("--name", default="command line", help="what uses it")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["person"]).first()
        if person is None:
            known = ", ".join(User.objects.values_list("username", flat=True)[:20])
            raise CommandError(f"There is no person {options['person']!r}. Known are: {known or 'none yet'}.")
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        try:
            department_id = department_of(person, options["department"])
            _token, secret = create_token(
                person=person, name=options["name"], scopes=scopes, days=options["days"], department_id=department_id
            )
        except Refused as refused:
            raise CommandError("; ".join(f"{e['field']}: {e['message']}" for e in refused.errors)) from None
        self.stdout.write(secret)
