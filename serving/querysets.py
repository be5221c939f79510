"""Who may see which deployment."""

from departments.querysets import ProtectedQuerySet


class DeploymentQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "model_version__model_id"
