"""What beat and jobs ask of serving."""

from celery import shared_task

from serving.alerts.watch import watch
from serving.batch import tasks as batch_tasks
from serving.monitoring.counting import forget_old
from serving.prediction_log import ship
from serving.rollouts import watching

__all__ = ["batch_tasks", "ship_predictions"]


@shared_task(name="serving.tasks.ship_predictions")
def ship_predictions() -> int:
    """Store what processes that are gone left in the spool."""
    return ship()


@shared_task(name="serving.tasks.watch_deployments")
def watch_deployments() -> int:
    """Open and close alerts."""
    return watch()


@shared_task(name="serving.tasks.forget_traffic")
def forget_traffic() -> None:
    """Drop counts that no page shows any more."""
    forget_old()


@shared_task(name="serving.tasks.watch_rollouts")
def watch_rollouts() -> int:
    """Roll back what an alarm speaks against, take the steps that are due, and fold past counts together."""
    watching.fold()
    return watching.watch()
