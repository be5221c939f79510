"""Pages and endpoints that look across all apps."""

from tests.access_matrix import Row

ROWS = [
    Row("", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("search/", "GET", "200 200 200 200 200 200 200 200 302", query="?q=zq"),
    Row("livez", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("readyz", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("metrics", "GET", "403 403 403 403 403 403 200 403 401"),
    Row("i18n/setlang/", "POST", "302 302 302 302 302 302 302 302 302", body={"language": "en"}, form=True),
    Row("api/v1/", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("api/v1/schema/", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("api/v1/docs/", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("api/v1/health/", "GET", "200 200 200 200 200 200 200 200 200"),
    Row("api/v1/<path:rest>", "GET", "404 404 404 404 404 404 404 404 404", args={"rest": "=nothing/here/"}),
]
