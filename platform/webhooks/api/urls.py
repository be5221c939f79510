"""API routes of webhooks."""

from rest_framework.routers import SimpleRouter

from webhooks.api.views import WebhookViewSet

router = SimpleRouter(use_regex_path=False)
router.register("departments/<slug:slug>/webhooks", WebhookViewSet, basename="webhook")
urlpatterns = router.urls
