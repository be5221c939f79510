"""Pages of training."""

app_name = "training"
urlpatterns: list = []
