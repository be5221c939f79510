"""API routes of jobs."""

urlpatterns: list = []
