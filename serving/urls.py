"""Pages of serving."""

from django.urls import path

from serving import views
from serving.batch import views as batches
from serving.explaining import views as explaining
from serving.fairness import views as fairness
from serving.monitoring import views as monitoring
from serving.outcomes import views as outcomes
from serving.policies import views as policies
from serving.reporting import views as reporting
from serving.review import views as review
from serving.rollouts import views as rollouts
from serving.versus import views as versus

app_name = "serving"
urlpatterns = [
    path("deployments/", views.index, name="list"),
    path("deployments/new/", views.new, name="new"),
    path("deployments/<slug:name>/", views.detail, name="detail"),
    path("deployments/<slug:name>/repoint/", views.repoint, name="repoint"),
    path("deployments/<slug:name>/pause/", views.pause, name="pause"),
    path("deployments/<slug:name>/resume/", views.resume, name="resume"),
    path("deployments/<slug:name>/delete/", views.delete, name="delete"),
    path("deployments/<slug:name>/monitoring/", monitoring.page, name="monitoring"),
    path("deployments/<slug:name>/monitoring/rules/", monitoring.rule, name="alert-rule"),
    path("deployments/<slug:name>/monitoring/alerts/<uuid:id>/", monitoring.alert, name="alert"),
    path("reviews/", review.index, name="reviews"),
    path("reviews/<uuid:id>/", review.detail, name="review"),
    path("reviews/<uuid:id>/assign/", review.assign, name="review-assign"),
    path("reviews/<uuid:id>/decide/", review.settle, name="review-decide"),
    path("deployments/<slug:name>/policy/", policies.page, name="policy"),
    path("deployments/<slug:name>/policy/use/", policies.use, name="policy-use"),
    path("deployments/<slug:name>/outcomes/", outcomes.page, name="outcomes"),
    path("deployments/<slug:name>/batches/", batches.page, name="batches"),
    path("deployments/<slug:name>/traffic/", rollouts.traffic, name="traffic"),
    path("deployments/<slug:name>/traffic/live/", rollouts.live, name="traffic-live"),
    path("deployments/<slug:name>/rollback/", rollouts.rollback, name="rollback"),
    path("deployments/<slug:name>/sign-off/", rollouts.rule, name="sign-off-rule"),
    path("deployments/<slug:name>/rollouts/", rollouts.start, name="rollout-start"),
    path("deployments/<slug:name>/rollouts/<uuid:id>/advance/", rollouts.advance, name="rollout-advance"),
    path("deployments/<slug:name>/rollouts/<uuid:id>/pause/", rollouts.pause, name="rollout-pause"),
    path("deployments/<slug:name>/rollouts/<uuid:id>/resume/", rollouts.resume, name="rollout-resume"),
    path("deployments/<slug:name>/rollouts/<uuid:id>/share/", rollouts.share, name="rollout-share"),
    path("sign-offs/<uuid:id>/", rollouts.sign_off, name="sign-off"),
    path("sign-offs/<uuid:id>/answer/", rollouts.answer, name="sign-off-answer"),
    path("models/compare/", versus.page, name="compare"),
    path("models/<uuid:model_id>/versions/<int:number>/fairness/", fairness.page, name="fairness"),
    path("models/<uuid:model_id>/versions/<int:number>/report/", reporting.page, name="report"),
    path("models/<uuid:model_id>/versions/<int:number>/try/", views.try_version, name="try"),
    path("models/<uuid:model_id>/versions/<int:number>/why/", explaining.why, name="why"),
    path("models/<uuid:model_id>/versions/<int:number>/change/", explaining.change, name="change"),
]
