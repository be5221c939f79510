"""Every route of the platform: pages at the root, the API under /api/v1/."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from atrium import administration, connections, pages, views
from rest.handlers import not_found
from serving.core.views import Metrics

api: list[URLPattern | URLResolver] = [
    path("", views.ApiRoot.as_view(), name="root"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    path("health/", views.Health.as_view(), name="health"),
    path("", include("accounts.api.urls")),
    path("", include("departments.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("datasets.api.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("training.api.urls")),
    path("", include("serving.api.urls")),
    path("<path:rest>", not_found, name="not-found"),
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("search/", pages.search, name="search"),
    path("admin/", administration.state, name="admin"),
    path("admin/departments/", administration.departments, name="admin-departments"),
    path("admin/people/", administration.people, name="admin-people"),
    path("admin/people/<uuid:id>/link/", administration.person_link, name="admin-person-link"),
    path("admin/people/<uuid:id>/active/", administration.person_active, name="admin-person-active"),
    path("admin/connections/", connections.connections, name="admin-connections"),
    path("admin/connections/<int:id>/remove/", connections.remove, name="admin-connection-remove"),
    path("admin/audit/", administration.audit, name="admin-audit"),
    path("admin/audit/check/", administration.check_audit, name="admin-audit-check"),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("api/v1/", include((api, "api"))),
    path("", include("serving.oip.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("accounts.urls")),
    path("", include("departments.urls")),
    path("", include("webhooks.urls")),
    path("datasets/", include("datasets.urls")),
    path("", include("training.urls")),
    path("", include("serving.urls")),
    path("jobs/", include("jobs.urls")),
]

handler400 = "rest.handlers.page_400"
handler403 = "rest.handlers.page_403"
handler404 = "rest.handlers.page_404"
handler500 = "rest.handlers.page_500"
