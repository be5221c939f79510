"""Settings of the worker processes that tests start: the platform's, and the kinds of job of the tests."""

from atrium.settings import *  # noqa: F403
from atrium.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobs.workload"]
