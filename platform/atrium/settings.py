"""Settings of a running Atrium.

A few variables settle everything: ATRIUM_HOME, ATRIUM_PORT, DATABASE_URL, REDIS_URL, ATRIUM_SECRET_KEY (docs/operations.md).
Without DATABASE_URL and REDIS_URL the platform runs embedded: SQLite, a broker in a folder, files beside them.
"""

import os
import sys
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from atrium.home import embedded_secret, ensure_home

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parents[2]
HOME = ensure_home(Path(env("ATRIUM_HOME", default=str(BASE_DIR / "var"))).expanduser().resolve())
PORT = env.int("ATRIUM_PORT", default=8000)
EMBEDDED = "DATABASE_URL" not in env.ENVIRON
DEBUG = env.bool("ATRIUM_DEBUG", default=False)
# Whether a first start makes the sample departments, people and tables.
DEMO = env.bool("ATRIUM_DEMO", default=EMBEDDED)

SECRET_KEY = env("ATRIUM_SECRET_KEY", default="")
if not SECRET_KEY:
    if not EMBEDDED:
        raise ImproperlyConfigured(
            "ATRIUM_SECRET_KEY is required when DATABASE_URL is set. Make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    SECRET_KEY = embedded_secret(HOME)
# Earlier secret keys: they still open what they signed and sealed (rest/secrets.py).
# Pseudonyms must outlive a replaced secret key: then the old one goes here.
PSEUDONYM_SECRET = env("ATRIUM_PSEUDONYM_SECRET", default=SECRET_KEY)
SECRET_KEY_FALLBACKS = env.list("ATRIUM_SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ATRIUM_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
HTTPS = env.bool("ATRIUM_HTTPS", default=False)
CSRF_TRUSTED_ORIGINS = env.list("ATRIUM_TRUSTED_ORIGINS", default=[])

# Where people open the platform: links in mails start with it.
PUBLIC_URL = env("ATRIUM_URL", default=f"http://localhost:{PORT}").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "rest",
    "audit",
    "accounts",
    "departments",
    "jobs",
    "datasets",
    "webhooks",
    "training",
    "serving",
    "atrium",
]

MIDDLEWARE = [
    "rest.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "audit.middleware.AuditContextMiddleware",
    "departments.middleware.ActorMiddleware",
    "rest.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
    "rest.middleware.OneThreadMiddleware",
]

ROOT_URLCONF = "atrium.urls"
WSGI_APPLICATION = "atrium.wsgi.application"
ASGI_APPLICATION = "atrium.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "departments.context_processors.frame",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "rest.templatetags.atrium_ui",
                "django.templatetags.i18n",
            ],
        },
    }
]
COTTON_DIR = "cotton"

# SQLite: IMMEDIATE transactions and WAL let several writers wait instead of failing (docs/design.md, decision 2).
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{HOME / 'atrium.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # A file, not memory: live-server tests and worker processes must see the same database. One a process, so that
    # two test runs do not meet.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / f"test-{os.getpid()}.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Threads outlive requests (asgi.py), and so do their connections.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(HOME / "cache")}
    }

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(HOME / "files")}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files are found where they lie: nothing has to be collected before the first page is served.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "errors/429.html"
AXES_VERBOSE = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("ATRIUM_BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "rest.handlers.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# smtp://, smtp+tls:// or smtp+ssl://USER:PASSWORD@HOST:PORT; without it mails are written to the worker's output.
_mail = env.email_url("ATRIUM_EMAIL_URL", default="consolemail://")
EMAIL_BACKEND, EMAIL_FILE_PATH = _mail["EMAIL_BACKEND"], _mail["EMAIL_FILE_PATH"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"] or "localhost", _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("ATRIUM_EMAIL_FROM", default="Atrium <atrium@localhost>")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
FILE_UPLOAD_TEMP_DIR = str(HOME / "tmp")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.ScopePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "rest.schema.AtriumSchema",
    "EXCEPTION_HANDLER": "rest.handlers.exception_handler",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env("ATRIUM_RATE_LIMIT", default="6000/min")},
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Atrium",
    "DESCRIPTION": "Data and machine learning shared between the departments of one company.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "TokenState": ["active", "expired", "revoked"],
        "RequestState": "departments.models.RequestState",
        "GrantState": ["granted", "planned", "expired", "revoked"],
        "JobState": "jobs.models.JobState",
        "VersionState": "datasets.models.VersionState",
        "ErasureState": "datasets.models.ErasureState",
        "RunState": "training.models.RunState",
        "Pruner": "training.models.Pruner",
        "TrialOrigin": "training.models.Origin",
        "DeploymentState": "serving.models.DeploymentState",
        "RolloutState": "serving.rollouts.models.RolloutState",
        "SignOffState": "serving.rollouts.models.SignOffState",
        "SwitchWhy": "serving.rollouts.models.Why",
        "GrantEnd": "departments.models.Choice",
        "FeedMode": "datasets.sources.models.Mode",
        "FeedDeletes": "datasets.sources.models.Deletes",
        "FeedEvery": "datasets.sources.models.Every",
        "HealthStatus": ["ok", "degraded"],
        "DeliveryState": "webhooks.models.DeliveryState",
        "Task": ["regression", "binary", "multiclass"],
        "ColumnType": ["integer", "number", "boolean", "date", "datetime", "text"],
        "ReviewState": "serving.review.models.ReviewState",
        "TrafficMode": ["live", "shadow"],
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "rest.schema.add_problem_responses"],
}

# Celery only rings the bell; the Job row is the truth (docs/design.md, decision 3).
CELERY_BROKER_URL = REDIS_URL or "folder://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3600, "socket_connect_timeout": 2, "socket_timeout": 10, "socket_keepalive": True}
    if REDIS_URL
    else {
        "data_folder_in": str(HOME / "broker" / "queue"),
        "data_folder_out": str(HOME / "broker" / "queue"),
        "control_folder": str(HOME / "broker" / "control"),
        "polling_interval": 0.1,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Jobs are steered by their rows; nothing listens for remote control or events, and nothing waits for messages about them.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# After a lost connection a worker goes on with all its slots.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False

# Jobs (seconds). A lease is renewed by every heartbeat; what outlives it is dispatched again by the reaper.
JOB_LEASE = env.float("ATRIUM_JOB_LEASE", default=30)
JOB_HEARTBEAT = env.float("ATRIUM_JOB_HEARTBEAT", default=5)
JOB_REAP_EVERY = env.float("ATRIUM_JOB_REAP_EVERY", default=15)
JOB_MAX_ATTEMPTS = 3
# Fair share: how long a department that has nothing running waits for a slot before another's run makes room, and for
# how long the only run of a department is left alone.
JOB_YIELD_AFTER = env.float("ATRIUM_JOB_YIELD_AFTER", default=10)
JOB_TURN = env.float("ATRIUM_JOB_TURN", default=40)
# A queued job whose message may be lost is announced again after this long.
JOB_RING_AGAIN_AFTER = env.float("ATRIUM_JOB_RING_AGAIN_AFTER", default=30)
# Imported by a worker before it forks (in 3 s), so that a job starts with them in milliseconds. They start no threads.
JOB_PRELOAD = env.list("ATRIUM_JOB_PRELOAD", default=["numpy", "torch", "torch._dynamo"])
CELERY_BEAT_SCHEDULE = {
    "reap-jobs": {"task": "jobs.tasks.reap", "schedule": JOB_REAP_EVERY, "options": {"expires": 30}},
    "link-audit": {"task": "audit.tasks.link", "schedule": 60, "options": {"expires": 60}},
    "check-audit": {"task": "audit.tasks.check", "schedule": 24 * 3600, "options": {"expires": 3600}},
    "purge-uploads": {"task": "datasets.tasks.purge_uploads", "schedule": 3600, "options": {"expires": 3600}},
    "watch-grants": {"task": "departments.tasks.watch_grants", "schedule": 10, "options": {"expires": 10}},
    "send-mail": {"task": "departments.tasks.send_mail", "schedule": 15, "options": {"expires": 15}},
    "deliver-webhooks": {"task": "webhooks.tasks.deliver", "schedule": 5, "options": {"expires": 5}},
    "forget-webhooks": {"task": "webhooks.tasks.forget", "schedule": 24 * 3600, "options": {"expires": 3600}},
    # Data sets whose next refresh from their source has come.
    "refresh-due": {"task": "datasets.tasks.refresh_due", "schedule": 30, "options": {"expires": 30}},
    # What a web process that is gone left in the spool; living ones ship their own.
    "ship-predictions": {"task": "serving.tasks.ship_predictions", "schedule": 15, "options": {"expires": 15}},
    "watch-deployments": {"task": "serving.tasks.watch_deployments", "schedule": 60, "options": {"expires": 60}},
    "forget-traffic": {"task": "serving.tasks.forget_traffic", "schedule": 24 * 3600, "options": {"expires": 3600}},
    # Steps of rollouts whose time has come; alarms are looked at with every shipment too.
    "watch-rollouts": {"task": "serving.tasks.watch_rollouts", "schedule": 5, "options": {"expires": 5}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat-schedule")

# Hosts and networks that are not public and that sources may reach all the same; the platform admin adds others.
CONNECT_ALLOW = env.list("ATRIUM_CONNECT_ALLOW", default=[])
# Folders on the workers whose files a source may read, such as SQLite databases.
CONNECT_FOLDERS = env.list("ATRIUM_CONNECT_FOLDERS", default=[])
# How long one statement of a source, or one file, may take.
CONNECT_SECONDS = env.int("ATRIUM_CONNECT_SECONDS", default=1800)

UPLOAD_MAX_BYTES = env.int("ATRIUM_UPLOAD_MAX_BYTES", default=10 * 2**30)
# How long a page waits for the preview of a file.
PREVIEW_SECONDS = env.float("ATRIUM_PREVIEW_SECONDS", default=20)
# An upload that nobody goes on with is deleted after this many hours.
UPLOAD_KEPT_HOURS = env.float("ATRIUM_UPLOAD_KEPT_HOURS", default=168)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": env("ATRIUM_LOG_LEVEL", default="WARNING")},
    "loggers": {"axes": {"level": "ERROR"}},
}

# Predictions for callers with a token are answered ahead of Django (docs/predicting.md); without it, by a plain view.
PREDICTION_CORE = env.bool("ATRIUM_PREDICTION_CORE", default=True)
# Predict requests that one person may send in a minute; 0 is no limit.
PREDICTION_RATE_LIMIT = env.int("ATRIUM_PREDICTION_RATE_LIMIT", default=1_200_000)
# Whether /metrics answers without the token of a platform admin.
METRICS_OPEN = env.bool("ATRIUM_METRICS_OPEN", default=False)
# Seconds between two shipments of the prediction log to the database; 0 leaves it to beat.
PREDICTION_SHIP_EVERY = env.float("ATRIUM_PREDICTION_SHIP_EVERY", default=1)

TESTING = "pytest" in sys.modules or os.environ.get("PYTEST_VERSION") is not None
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    AXES_ENABLED = False
    PREDICTION_SHIP_EVERY = 0
    CELERY_BROKER_URL = "memory://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {}
