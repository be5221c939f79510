"""Tokens: everybody has their own; Alice's is nobody else's."""

from tests.access_matrix import Row

TOKEN = {"id": "token.pk"}

ROWS = [
    Row("api/v1/tokens/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/tokens/", "POST", "201 201 201 201 201 201 201 201 401", body={"name": "t", "scopes": ["read"]}),
    Row("api/v1/tokens/<uuid:id>/", "GET", "200 404 404 404 404 404 404 404 401", args=TOKEN),
    Row("api/v1/tokens/<uuid:id>/", "DELETE", "204 404 404 404 404 404 404 404 401", args=TOKEN),
]
