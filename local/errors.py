"""What can go wrong for the person at the keyboard."""


class PlatformError(Exception):
    """A failure told in one sentence, without a traceback; the command exits 1."""
