"""API routes of serving."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from serving.api.views import DeploymentViewSet, Predict
from serving.explaining.api import Counterfactuals
from serving.outcomes.api import Outcomes

router = SimpleRouter(use_regex_path=False)
router.register("deployments", DeploymentViewSet, basename="deployment")
urlpatterns = [
    path("deployments/<slug:name>/predict/", Predict.as_view(), name="deployment-predict"),
    path("deployments/<slug:name>/outcomes/", Outcomes.as_view(), name="deployment-outcomes"),
    path("deployments/<slug:name>/counterfactuals/", Counterfactuals.as_view(), name="deployment-counterfactuals"),
    *router.urls,
]
