"""API routes of datasets."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from datasets.api.erasures import ErasureViewSet
from datasets.api.lineage import Lineage
from datasets.api.recipes import DeclaredSteps, RecipeViewSet
from datasets.api.sources import DeclaredConnectors, FeedViewSet, SourceViewSet
from datasets.api.uploads import UploadViewSet
from datasets.api.views import DatasetGrantViewSet, DatasetViewSet, VersionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("datasets/<uuid:id>/versions", VersionViewSet, basename="dataset-version")
router.register("datasets/<uuid:id>/grants", DatasetGrantViewSet, basename="dataset-grant")
router.register("erasures", ErasureViewSet, basename="erasure")
router.register("uploads", UploadViewSet, basename="upload")
router.register("recipes", RecipeViewSet, basename="recipe")
router.register("sources", SourceViewSet, basename="source")
router.register("feeds", FeedViewSet, basename="feed")
urlpatterns = [
    path("connectors/", DeclaredConnectors.as_view(), name="connectors"),
    path("lineage/", Lineage.as_view(), name="lineage"),
    path("steps/", DeclaredSteps.as_view(), name="steps"),
    *router.urls,
]
