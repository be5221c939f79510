"""API routes of datasets."""

urlpatterns: list = []
