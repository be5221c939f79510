"""Pages of accounts."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/link/<str:token>/", views.sign_in_link, name="sign-in-link"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("settings/tokens/", views.tokens, name="tokens"),
    path("settings/tokens/<uuid:id>/revoke/", views.revoke, name="revoke-token"),
    path("settings/notices/", views.notices, name="notices"),
    path("settings/password/", views.password, name="password"),
]
