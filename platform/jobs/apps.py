"""Jobs tell departments what they cost."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from departments.quotas.kinds import count_live, recompute
        from jobs import accounts

        count_live("cpu", accounts.running_ms)
        recompute("cpu", accounts.recomputed)
