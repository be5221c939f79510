"""What beat does for departments."""

from __future__ import annotations

from celery import shared_task

from departments import clock, ending, mails


@shared_task(name="departments.tasks.watch_grants")
def watch_grants() -> None:
    """Carry out what follows from ended grants, warn of those that end soon, let unanswered requests lapse."""
    ending.end_expired()
    ending.close_kept()
    clock.warn_of_endings()
    clock.lapse_requests()


@shared_task(name="departments.tasks.send_mail")
def send_mail() -> None:
    """Send the notices whose mail is due."""
    mails.send_due()
