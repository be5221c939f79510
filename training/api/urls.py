"""API routes of training."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from training.api.compare import CompareRuns
from training.api.events import RunEvents
from training.api.models import ModelVersionViewSet, ModelViewSet
from training.api.runs import FamilyViewSet, RunViewSet
from training.api.starting import StartingPointViewSet
from training.api.studies import StudyViewSet

router = SimpleRouter(use_regex_path=False)
router.register("families", FamilyViewSet, basename="family")
router.register("starting-points", StartingPointViewSet, basename="starting-point")
router.register("runs", RunViewSet, basename="run")
router.register("studies", StudyViewSet, basename="study")
router.register("models", ModelViewSet, basename="model")
router.register("models/<uuid:model_id>/versions", ModelVersionViewSet, basename="model-version")
urlpatterns = [
    path("runs/compare/", CompareRuns.as_view(), name="run-compare"),
    path("runs/<uuid:id>/events/", RunEvents.as_view(), name="run-events"),
    *router.urls,
]
