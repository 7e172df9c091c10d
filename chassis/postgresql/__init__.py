"""Django's PostgreSQL backend with one change (Django finds it by `base`)."""
