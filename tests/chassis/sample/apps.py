from django.apps import AppConfig


class SampleConfig(AppConfig):
    name = "tests.chassis.sample"
    label = "sample"
