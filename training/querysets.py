"""Who may see which run, study, model and model version."""

from departments.querysets import ProtectedQuerySet


class ModelQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "pk"


class ModelVersionQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "model_id"
