"""API routes of training."""

urlpatterns: list = []
