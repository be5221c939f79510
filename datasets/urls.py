"""Pages of datasets."""

from django.urls import path

from datasets import diff_views, erasure_views, recipe_views, views

app_name = "datasets"
urlpatterns = [
    path("", views.catalogue, name="list"),
    path("new/", views.new, name="new"),
    path("forget/<slug:slug>/", erasure_views.erasures, name="erasures"),
    path("erasures/<uuid:id>/", erasure_views.erasure, name="erasure"),
    path("erasures/<uuid:id>/erase/", erasure_views.erase, name="erase"),
    path("erasures/<uuid:id>/drop/", erasure_views.drop, name="erasure-drop"),
    path("erasures/<uuid:id>/report/", erasure_views.report, name="erasure-report"),
    path("<uuid:id>/", views.detail, name="detail"),
    path("<uuid:id>/recipe/", recipe_views.recipe, name="recipe"),
    path("<uuid:id>/compare/", diff_views.compare, name="compare"),
    path("<uuid:id>/progress/", views.progress, name="progress"),
    path("<uuid:id>/edit/", views.edit, name="edit"),
    path("<uuid:id>/catalogue/", views.catalogued, name="catalogue"),
    path("<uuid:id>/delete/", views.delete, name="delete"),
    path("<uuid:id>/versions/", views.add_version, name="add-version"),
    path("<uuid:id>/versions/<int:number>/again/", views.import_again, name="import-again"),
    path("<uuid:id>/grants/", views.grant, name="grant"),
]
