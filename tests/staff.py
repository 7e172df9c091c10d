"""A member of staff with a browser, for the tests of every admin."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import Client
from django.urls import reverse

from chassis.ids import uuid7
from tests.conftest import SigningKey, claims

# Addresses of a namespace name nothing that a browser loads.
_FOREIGN = re.compile(
    r"""(?:href|src|action|srcset)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]*)|url\(\s*["']?((?:https?:)?//[^"')]*)"""
)


class Staff(Client):
    """A browser that is signed on; pages without a form's token are refused, as in real ones."""

    user_id: UUID

    def press(self, url: str, **data: Any) -> Any:
        """Open a page with a form and send it."""
        page = self.get(url)
        assert page.status_code == 200, page.content
        return self.post(url, {"csrfmiddlewaretoken": token_of(page), **data})


def token_of(page: Any) -> str:
    """Return the CSRF token of a page's form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


def sign_on(signing_key: SigningKey) -> Callable[..., Staff]:
    """Return a function that makes a browser of a role."""

    def make(role: str = "staff", user_id: UUID | None = None) -> Staff:
        browser = Staff(enforce_csrf_checks=True, raise_request_exception=True)
        browser.user_id = user_id or uuid7()
        browser.cookies[f"souk_{settings.SERVICE}_token"] = signing_key.sign(
            claims(
                aud=f"souk-admin-{settings.SERVICE}",
                role=role,
                user_id=browser.user_id,
                iat=int(time.time()) - 60,
            )
        )
        return browser

    return make


def lists(site: Any) -> Iterator[tuple[type[Any], str]]:
    """Yield each model of a site and the path of its list."""
    for model in site._registry:
        options = model._meta
        yield model, reverse(f"admin:{options.app_label}_{options.model_name}_changelist")


def change_url(row: Any) -> str:
    """Return the path of a row's page."""
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])


def foreign_urls(content: str) -> list[str]:
    """Return the addresses of other hosts that a page or a style sheet loads or leads to."""
    return [one or other for one, other in _FOREIGN.findall(content)]


def messages_of(answer: Any) -> list[str]:
    """Return what the next page tells."""
    from django.contrib.messages import get_messages

    return [str(message) for message in get_messages(answer.wsgi_request)]
