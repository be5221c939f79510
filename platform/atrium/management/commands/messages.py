"""`manage.py messages`: collect the words that people read, and compile the translations. Needs gettext."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from atrium.declared import as_module

SKIPPED = [".venv", "var", "node_modules", "tests", "bench"]


class Command(BaseCommand):
    help = "Collect what pages and plug-ins say into locale/, and compile what is translated."

    def handle(self, *args: Any, **options: Any) -> None:
        (settings.BASE_DIR / "platform" / "atrium" / "declared_words.py").write_text(as_module())
        call_command("makemessages", locale=["zh_Hans"], ignore_patterns=SKIPPED, no_location=True, no_wrap=True)
        call_command("compilemessages", locale=["zh_Hans"], ignore_patterns=SKIPPED)
