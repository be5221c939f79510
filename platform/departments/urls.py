"""Pages of departments."""

from django.urls import path

from departments import views

app_name = "departments"
urlpatterns = [
    path("department/switch/", views.switch, name="switch"),
    path("departments/<slug:slug>/", views.detail, name="detail"),
    path("departments/<slug:slug>/audit/", views.audit, name="audit"),
    path("departments/<slug:slug>/members/", views.member, name="member"),
    path("departments/<slug:slug>/members/<uuid:id>/remove/", views.remove, name="remove-member"),
    path("departments/<slug:slug>/grants/<uuid:id>/revoke/", views.revoke, name="revoke-grant"),
]
