"""Routes of the Open Inference Protocol: no slash at their ends, as its clients ask."""

from django.urls import path

from serving.oip import views

urlpatterns = [
    path("v2", views.server),
    path("v2/health/live", views.live),
    path("v2/health/ready", views.ready),
    *(
        path(f"v2/models/<slug:name>{version}{end}", view.as_view())
        for version in ("", "/versions/<str:number>")
        for end, view in (("", views.Metadata), ("/ready", views.ModelReady), ("/infer", views.Infer))
    ),
    path("v2/<path:rest>", views.nothing),
]
