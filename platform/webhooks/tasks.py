"""What beat does for webhooks."""

from __future__ import annotations

from celery import shared_task

from webhooks import delivering


@shared_task(name="webhooks.tasks.deliver")
def deliver() -> None:
    """Send the events that are due."""
    delivering.deliver_due()


@shared_task(name="webhooks.tasks.forget")
def forget() -> None:
    """Drop the delivery log's oldest entries."""
    delivering.forget_old()
