"""API routes of departments."""

urlpatterns: list = []
