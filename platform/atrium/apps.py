from django.apps import AppConfig


class AtriumConfig(AppConfig):
    name = "atrium"
