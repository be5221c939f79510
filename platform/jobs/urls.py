"""Pages of jobs."""

from django.urls import path

from jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.index, name="index"),
    path("<uuid:id>/", views.detail, name="detail"),
    path("<uuid:id>/head/", views.head, name="head"),
    path("<uuid:id>/waiting/", views.why, name="waiting"),
    path("<uuid:id>/lines/", views.lines, name="lines"),
    path("<uuid:id>/<str:name>/", views.signal, name="signal"),
]
