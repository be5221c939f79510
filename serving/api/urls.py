"""API routes of serving."""

from django.urls import path
from rest_framework.renderers import JSONRenderer
from rest_framework.routers import SimpleRouter

from serving.api.views import DeploymentViewSet, Predict
from serving.batch.api import BatchPredictionDetail, BatchPredictions
from serving.explaining.api import Counterfactuals
from serving.fairness.api import FairnessView
from serving.monitoring.api import AlertRules, AlertViewSet, Monitoring
from serving.outcomes.api import Outcomes
from serving.policies.api import PolicyDetail, PolicyList, PolicyPreview, UsePolicy
from serving.reporting.views import Report
from serving.review.api import ReviewViewSet
from serving.rollouts.api import RolloutViewSet, SignOffRuleView, SignOffViewSet, SwitchViewSet
from serving.uncertainty.api import RealisedCoverage, Uncertainty

VERSION = "models/<uuid:model_id>/versions/<int:number>"

router = SimpleRouter(use_regex_path=False)
router.register("deployments", DeploymentViewSet, basename="deployment")
router.register("deployments/<slug:name>/rollouts", RolloutViewSet, basename="rollout")
router.register("deployments/<slug:name>/switches", SwitchViewSet, basename="switch")
router.register("sign-offs", SignOffViewSet, basename="sign-off")
router.register("alerts", AlertViewSet, basename="alert")
router.register("reviews", ReviewViewSet, basename="review")
urlpatterns = [
    path("deployments/<slug:name>/monitoring/", Monitoring.as_view(), name="deployment-monitoring"),
    path("deployments/<slug:name>/alert-rules/", AlertRules.as_view(), name="deployment-alert-rules"),
    path("deployments/<slug:name>/predict/", Predict.as_view(), name="deployment-predict"),
    path("deployments/<slug:name>/outcomes/", Outcomes.as_view(), name="deployment-outcomes"),
    path("deployments/<slug:name>/counterfactuals/", Counterfactuals.as_view(), name="deployment-counterfactuals"),
    path("deployments/<slug:name>/policy/", UsePolicy.as_view(), name="deployment-policy"),
    path("models/<uuid:id>/policies/", PolicyList.as_view(), name="model-policies"),
    path("models/<uuid:id>/policies/<int:number>/", PolicyDetail.as_view(), name="model-policy"),
    path(
        "models/<uuid:id>/versions/<int:number>/policy-preview/", PolicyPreview.as_view(), name="model-policy-preview"
    ),
    path("deployments/<slug:name>/coverage/", RealisedCoverage.as_view(), name="deployment-coverage"),
    path(f"{VERSION}/fairness/", FairnessView.as_view(), name="model-version-fairness"),
    path(f"{VERSION}/report/", Report.as_view(), name="model-version-report"),
    path(f"{VERSION}/uncertainty/", Uncertainty.as_view(), name="model-version-uncertainty"),
    path("deployments/<slug:name>/batch-predictions/", BatchPredictions.as_view(), name="deployment-batches"),
    path(
        "deployments/<slug:name>/batch-predictions/<uuid:id>/", BatchPredictionDetail.as_view(), name="deployment-batch"
    ),
    path("departments/<slug:slug>/sign-off/", SignOffRuleView.as_view(), name="sign-off-rule"),
    path(
        "deployments/<slug:name>/openapi.json",
        DeploymentViewSet.as_view({"get": "openapi"}, detail=True, renderer_classes=[JSONRenderer]),
        name="deployment-openapi",
    ),
    *router.urls,
]
