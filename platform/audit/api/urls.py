"""API routes of audit."""

urlpatterns: list = []
