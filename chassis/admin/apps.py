"""The theme as a Django app."""

from django.apps import AppConfig


class ThemeConfig(AppConfig):
    """Installs django-unfold's templates and static files.

    Its own configuration imports the whole admin at start, in workers and relays too.
    """

    name = "unfold"
