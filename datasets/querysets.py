"""Who may see which data set, version and recipe."""

from departments.querysets import ProtectedQuerySet


class DatasetQuerySet(ProtectedQuerySet):
    grant_kind = "dataset"
    grant_path = "pk"


class VersionQuerySet(ProtectedQuerySet):
    grant_kind = "dataset"
    grant_path = "dataset_id"
