"""Pages of datasets."""

from django.urls import path

from datasets import views
from datasets.diffs import views as diff_views
from datasets.erasure import views as erasure_views
from datasets.granting import views as grant_views
from datasets.imports import views as import_views
from datasets.preparation import views as recipe_views
from datasets.sources import views as source_views

app_name = "datasets"
urlpatterns = [
    path("", views.catalogue, name="list"),
    path("new/", import_views.new, name="new"),
    path("import/<uuid:id>/", import_views.import_upload, name="import"),
    path("import/<uuid:id>/delete/", import_views.give_up, name="give-up"),
    path("forget/<slug:slug>/", erasure_views.erasures, name="erasures"),
    path("erasures/<uuid:id>/", erasure_views.erasure, name="erasure"),
    path("erasures/<uuid:id>/erase/", erasure_views.erase, name="erase"),
    path("erasures/<uuid:id>/drop/", erasure_views.drop, name="erasure-drop"),
    path("erasures/<uuid:id>/report/", erasure_views.report, name="erasure-report"),
    path("sources/", source_views.sources, name="sources"),
    path("sources/new/", source_views.new, name="source-new"),
    path("sources/<uuid:id>/", source_views.source, name="source"),
    path("sources/<uuid:id>/state/", source_views.state, name="source-state"),
    path("sources/<uuid:id>/check/", source_views.check, name="source-check"),
    path("sources/<uuid:id>/edit/", source_views.edit, name="source-edit"),
    path("sources/<uuid:id>/delete/", source_views.delete, name="source-delete"),
    path("sources/<uuid:id>/import/", source_views.import_table, name="source-import"),
    path("<uuid:id>/schedule/", source_views.schedule, name="schedule"),
    path("<uuid:id>/refresh/", source_views.refresh, name="refresh"),
    path("<uuid:id>/pause/", source_views.pause, name="pause"),
    path("<uuid:id>/detach/", source_views.detach, name="detach"),
    path("<uuid:id>/", views.detail, name="detail"),
    path("<uuid:id>/recipe/", recipe_views.recipe, name="recipe"),
    path("<uuid:id>/compare/", diff_views.compare, name="compare"),
    path("<uuid:id>/progress/", views.progress, name="progress"),
    path("<uuid:id>/edit/", views.edit, name="edit"),
    path("<uuid:id>/catalogue/", views.catalogued, name="catalogue"),
    path("<uuid:id>/delete/", views.delete, name="delete"),
    path("<uuid:id>/versions/", views.add_version, name="add-version"),
    path("<uuid:id>/versions/<int:number>/again/", import_views.import_again, name="import-again"),
    path("<uuid:id>/grants/", grant_views.new, name="grant"),
    path("<uuid:id>/grants/draft/", grant_views.draft, name="grant-draft"),
    path("<uuid:id>/grants/<uuid:grant>/", grant_views.change, name="change-grant"),
]
