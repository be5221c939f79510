"""ASGI entry point: uvicorn serves the pages, the API and live events from here."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atrium.settings")
application = get_asgi_application()
