"""`manage.py demo`: walk the whole way over the REST API of the running platform."""

from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import create_token, revoke_token
from atrium.demo import Demo, DemoError


class Command(BaseCommand):
    help = "Upload, profile, prepare, train, tune, deploy and predict over REST, and print what happens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="where the platform runs")
        parser.add_argument("--person", default="emil", help="an engineer of the department")
        parser.add_argument("--department", default="credit-risk", help="slug")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(f"There is no person {options['person']!r}. Start the platform first: make run.")
        token, secret = create_token(person=person, name="demo", scopes=["read", "write"], days=1)
        try:
            Demo(options["url"], secret, options["department"]).run()
        except httpx.TransportError as error:
            raise CommandError(
                f"No platform answers at {options['url']} ({error}). Start it first: make run."
            ) from None
        except DemoError as error:
            raise CommandError(str(error)) from None
        finally:
            revoke_token(token=token)
