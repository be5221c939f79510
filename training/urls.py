"""Pages of training."""

from django.urls import path

from training.views import models, run_views, runs, starting, studies, train

app_name = "training"
urlpatterns = [
    path("runs/", runs.index, name="runs"),
    path("runs/new/", train.new, name="new"),
    path("runs/plan/", train.plan, name="plan"),
    path("runs/checks/", train.data_checks, name="data-checks"),
    path("runs/mend/", train.mend, name="mend"),
    path("runs/compare/", runs.compare, name="compare"),
    path("runs/views/", run_views.save, name="view-save"),
    path("runs/views/<uuid:id>/remove/", run_views.remove, name="view-remove"),
    path("runs/<uuid:id>/", runs.detail, name="run"),
    path("runs/<uuid:id>/head/", runs.head, name="run-head"),
    path("runs/<uuid:id>/leaderboard/", runs.leaderboard, name="run-leaderboard"),
    path("runs/<uuid:id>/reproduce/", runs.reproduce, name="run-reproduce"),
    path("runs/<uuid:id>/<str:signal>/", runs.signal, name="run-signal"),
    path("start/", starting.index, name="starts"),
    path("start/<slug:name>/", starting.detail, name="start"),
    path("start/<slug:name>/example/", starting.example, name="start-example"),
    path("studies/", studies.index, name="studies"),
    path("studies/<uuid:id>/", studies.detail, name="study"),
    path("studies/<uuid:id>/resume/", studies.resume, name="study-resume"),
    path("studies/<uuid:id>/promote/", studies.promote, name="study-promote"),
    path("studies/<uuid:id>/<str:signal>/", studies.signal, name="study-signal"),
    path("models/", models.index, name="models"),
    path("models/<uuid:id>/", models.detail, name="model"),
    path("models/<uuid:id>/versions/<int:number>/", models.version, name="model-version"),
    path("models/<uuid:id>/versions/<int:number>/override/", models.override_finding, name="override"),
    path("models/<uuid:id>/versions/<int:number>/effects/", models.work_out_effects, name="effects"),
    path("models/<uuid:id>/versions/<int:number>/download/", models.file, name="model-download"),
]
