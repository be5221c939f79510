"""`manage.py audit verify` · `manage.py audit head`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import chain


class Command(BaseCommand):
    help = "Verify the audit trail, or print its head to be kept elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="act", required=True)
        verify = verbs.add_parser("verify", help="check every event and every link; exit 1 when something does not fit")
        verify.add_argument("--head", default="", help="a head that `audit head` printed earlier, such as 812:9f2c…")
        verbs.add_parser("head", help="print the end of the chain: keep it where this database's admin cannot write")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["act"] == "head":
            self.stdout.write(str(chain.head()))
            return
        chain.link_waiting()
        found = chain.verify(known=_known(options["head"]))
        for fault in found.faults:
            where = f"event {fault.sequence:,}" if fault.sequence else "an event that is not linked yet"
            self.stdout.write(f"{fault.kind}: {where} {fault.event}: {fault.detail}".replace("  ", " "))
        if not found.intact:
            raise CommandError(f"The trail was changed: {len(found.faults):,} faults in {found.events:,} events.")
        self.stdout.write(f"The trail is intact: {found.events:,} events.")


def _known(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    sequence, _, link = text.partition(":")
    if not sequence.isdigit() or len(link) != 64:
        raise CommandError(f"--head: got {text[:80]!r}; expected what `audit head` prints, such as 812:9f2c…")
    return int(sequence), link
