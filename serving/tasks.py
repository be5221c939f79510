"""What beat asks of serving."""

from celery import shared_task

from serving.prediction_log import ship


@shared_task(name="serving.tasks.ship_predictions")
def ship_predictions() -> int:
    """Store what processes that are gone left in the spool."""
    return ship()
