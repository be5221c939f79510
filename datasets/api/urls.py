"""API routes of datasets."""

from rest_framework.routers import SimpleRouter

from datasets.api.views import DatasetGrantViewSet, DatasetViewSet, VersionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("datasets/<uuid:id>/versions", VersionViewSet, basename="dataset-version")
router.register("datasets/<uuid:id>/grants", DatasetGrantViewSet, basename="dataset-grant")
urlpatterns = router.urls
