"""Webhooks turn what is recorded in the audit trail into events."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from audit.services import listen
        from webhooks.events import from_audit

        listen(from_audit)
