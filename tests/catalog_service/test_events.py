"""This service's events, held against the contracts by whatever Hypothesis makes of them."""

from tests.wire import TestPublished, TestView

__all__ = ["TestPublished", "TestView"]
