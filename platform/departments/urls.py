"""Pages of departments."""

from django.urls import path

from departments import grant_views, notice_views, request_views, views
from departments.quotas import pages

app_name = "departments"
urlpatterns = [
    path("department/switch/", views.switch, name="switch"),
    path("departments/<slug:slug>/", views.detail, name="detail"),
    path("departments/<slug:slug>/audit/", views.audit, name="audit"),
    path("departments/<slug:slug>/quota/", pages.change, name="quota"),
    path("departments/<slug:slug>/tuning/", views.tuning, name="tuning"),
    path("departments/<slug:slug>/members/", views.member, name="member"),
    path("departments/<slug:slug>/members/<uuid:id>/remove/", views.remove, name="remove-member"),
    path("grants/<uuid:id>/", grant_views.detail, name="grant"),
    path("grants/<uuid:id>/revoke/", grant_views.revoke, name="revoke"),
    path("grants/<uuid:id>/extend/", grant_views.extend, name="extend-grant"),
    path("grants/<uuid:id>/lift/", grant_views.lift, name="lift-grant"),
    path("notices/", notice_views.index, name="notices"),
    path("notices/read/", notice_views.read_all, name="read-notices"),
    path("notices/<uuid:id>/", notice_views.follow, name="notice"),
    path("access-requests/", request_views.index, name="requests"),
    path("access-requests/new/<slug:kind>/<uuid:id>/", request_views.new, name="request-access"),
    path("access-requests/<uuid:id>/", request_views.detail, name="request"),
    path("access-requests/<uuid:id>/approve/", request_views.approve, name="approve-request"),
    path("access-requests/<uuid:id>/refuse/", request_views.refuse, name="refuse-request"),
    path("access-requests/<uuid:id>/withdraw/", request_views.withdraw, name="withdraw-request"),
]
