"""API routes of departments."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from departments.api.audit import AuditViewSet
from departments.api.grants import GrantViewSet
from departments.api.notices import NoticeViewSet
from departments.api.quotas import QuotaView
from departments.api.requests import AccessRequestViewSet
from departments.api.views import DepartmentViewSet, Me, MemberViewSet

router = SimpleRouter(use_regex_path=False)
router.register("departments", DepartmentViewSet, basename="department")
router.register("departments/<slug:slug>/members", MemberViewSet, basename="member")
router.register("grants", GrantViewSet, basename="grant")
router.register("notices", NoticeViewSet, basename="notice")
router.register("access-requests", AccessRequestViewSet, basename="access-request")
router.register("audit", AuditViewSet, basename="audit")
urlpatterns = [
    path("me/", Me.as_view(), name="me"),
    path("departments/<slug:slug>/quota/", QuotaView.as_view(), name="quota"),
    *router.urls,
]
