"""Pages of webhooks."""

from django.urls import path

from webhooks import views

app_name = "webhooks"
_ONE = "departments/<slug:slug>/webhooks/<uuid:id>/"
urlpatterns = [
    path("departments/<slug:slug>/webhooks/", views.index, name="list"),
    path(_ONE, views.detail, name="detail"),
    path(f"{_ONE}test/", views.test, name="test"),
    path(f"{_ONE}rotate/", views.rotate, name="rotate"),
    path(f"{_ONE}active/", views.active, name="active"),
    path(f"{_ONE}delete/", views.delete, name="delete"),
    path(f"{_ONE}deliveries/<uuid:delivery>/again/", views.send_again, name="send-again"),
]
