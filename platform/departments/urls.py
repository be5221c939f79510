"""Pages of departments."""

from django.urls import path

from departments import request_views, views

app_name = "departments"
urlpatterns = [
    path("department/switch/", views.switch, name="switch"),
    path("departments/<slug:slug>/", views.detail, name="detail"),
    path("departments/<slug:slug>/audit/", views.audit, name="audit"),
    path("departments/<slug:slug>/members/", views.member, name="member"),
    path("departments/<slug:slug>/members/<uuid:id>/remove/", views.remove, name="remove-member"),
    path("departments/<slug:slug>/grants/<uuid:id>/revoke/", views.revoke, name="revoke-grant"),
    path("access-requests/", request_views.index, name="requests"),
    path("access-requests/new/<slug:kind>/<uuid:id>/", request_views.new, name="request-access"),
    path("access-requests/<uuid:id>/", request_views.detail, name="request"),
    path("access-requests/<uuid:id>/approve/", request_views.approve, name="approve-request"),
    path("access-requests/<uuid:id>/refuse/", request_views.refuse, name="refuse-request"),
    path("access-requests/<uuid:id>/withdraw/", request_views.withdraw, name="withdraw-request"),
]
