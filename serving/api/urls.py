"""API routes of serving."""

urlpatterns: list = []
