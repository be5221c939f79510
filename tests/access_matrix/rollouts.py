"""Traffic, rollouts and sign-offs: pages and API."""

from tests.access_matrix import Row

NAME = {"name": "deployment.name"}
ROLLOUT = {**NAME, "id": "rollout.pk"}
SIGN_OFF = {"id": "sign_off.pk"}
SLUG = {"slug": "=credit-risk"}

ROWS = [
    # Who answers, and how much, is a matter of the owning department.
    Row("deployments/<slug:name>/traffic/", "GET", "200 200 200 200 404 403 403 404 302", args=NAME),
    Row("deployments/<slug:name>/traffic/live/", "GET", "200 200 200 200 404 403 403 404 302", args=NAME),
    Row("deployments/<slug:name>/rollouts/", "POST", "403 403 422 422 404 403 403 404 302", args=NAME, body={}, form=True),
    Row("deployments/<slug:name>/rollback/", "POST", "403 403 302 302 404 403 403 404 302", args=NAME, form=True),
    Row(
        "deployments/<slug:name>/sign-off/", "POST", "403 403 403 302 404 403 403 404 302",
        args=NAME, body={"deployment": "always", "department": "never"}, form=True,
    ),
    *(
        Row(
            f"deployments/<slug:name>/rollouts/<uuid:id>/{act}/", "POST", "403 403 302 302 404 403 403 404 302",
            args=ROLLOUT, body={"share": "10"}, form=True,
        )
        for act in ("advance", "pause", "resume", "share")
    ),
    # Managers of the department whose data it is answer; the asking department follows.
    Row("sign-offs/<uuid:id>/", "GET", "404 404 404 200 404 200 200 404 302", args=SIGN_OFF),
    Row(
        "sign-offs/<uuid:id>/answer/", "POST", "404 404 404 302 404 403 403 404 302",
        args=SIGN_OFF, body={"answer": "approve", "reason": "checked"}, form=True,
    ),
    Row("api/v1/deployments/<slug:name>/rollouts/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    Row(
        "api/v1/deployments/<slug:name>/rollouts/", "POST", "403 403 422 422 404 403 403 404 401",
        args=NAME, body={"model_version": "$model_version.pk"},
    ),
    Row("api/v1/deployments/<slug:name>/rollouts/<uuid:id>/", "GET", "200 200 200 200 404 403 403 404 401", args=ROLLOUT),
    Row(
        "api/v1/deployments/<slug:name>/rollouts/<uuid:id>/figures/", "GET", "200 200 200 200 404 403 403 404 401",
        args=ROLLOUT,
    ),
    *(
        Row(
            f"api/v1/deployments/<slug:name>/rollouts/<uuid:id>/{act}/", "POST", "403 403 200 200 404 403 403 404 401",
            args=ROLLOUT, body={},
        )
        for act in ("advance", "pause", "resume", "rollback")
    ),
    Row("api/v1/deployments/<slug:name>/rollback/", "POST", "403 403 200 200 404 403 403 404 401", args=NAME, body={}),
    Row("api/v1/deployments/<slug:name>/switches/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    Row("api/v1/sign-offs/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/sign-offs/<uuid:id>/", "GET", "404 404 404 200 404 200 200 404 401", args=SIGN_OFF),
    *(
        Row(
            f"api/v1/sign-offs/<uuid:id>/{act}/", "POST", "404 404 404 200 404 403 403 404 401",
            args=SIGN_OFF, body={"reason": "checked"},
        )
        for act in ("approve", "refuse")
    ),
    Row("api/v1/departments/<slug:slug>/sign-off/", "GET", "200 200 200 200 404 404 200 404 401", args=SLUG),
    Row(
        "api/v1/departments/<slug:slug>/sign-off/", "PUT", "403 403 403 200 404 404 200 404 401",
        args=SLUG, body={"own_data": "always"},
    ),
]  # fmt: skip
