"""What beat does for the trail."""

from celery import shared_task

from audit import chain


@shared_task(name="audit.tasks.link")
def link() -> None:
    """Link what a process that died between two transactions left unlinked."""
    chain.link_waiting()


@shared_task(name="audit.tasks.check")
def check() -> None:
    """Verify the whole trail; the result stands on the audit and health pages."""
    chain.check()
