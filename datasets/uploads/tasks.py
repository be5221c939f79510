"""What beat asks of uploads."""

from celery import shared_task

from datasets.uploads import services as upload_services


@shared_task(name="datasets.tasks.purge_uploads")
def purge_uploads() -> int:
    """Delete uploads that nobody went on with."""
    return upload_services.purge()
