"""A member of staff in the admin of a running platform, without a browser: forms are posted as one would."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

import httpx

from tests.system.platform import Platform, wait_until

LOG_IN: Final = "/admin/auth/log-in"
TRANSFERS: Final = "/admin/catalog/catalog/transfer/"
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@contextlib.contextmanager
def logged_in(platform: Platform) -> Iterator[httpx.Client]:
    """Give a client that keeps the cookies of the demo member of staff."""
    with httpx.Client(
        base_url=platform.url, follow_redirects=True, timeout=30, trust_env=False
    ) as client:
        password = platform.plan.secrets["demo_password"]
        answer = post(client, LOG_IN, {"email": "staff@souk.example", "password": password})
        assert answer.status_code == 200, answer.text
        yield client


def post(
    client: httpx.Client, path: str, data: dict[str, str], files: Any = None
) -> httpx.Response:
    """Open a page with a form and send it, as a browser does."""
    page = client.get(path)
    found = _TOKEN.search(page.text)
    assert found, page.text
    return client.post(
        str(page.url),
        data={"csrfmiddlewaretoken": found[1], **data},
        files=files,
        headers={"Origin": str(page.url.copy_with(path="/", query=None)).rstrip("/")},
    )


def begin_import(client: httpx.Client, content: str) -> httpx.URL:
    """Upload a CSV of products; return the address of the transfer's page."""
    file = {"file": ("many.csv", content, "text/csv")}
    answer = post(client, f"{TRANSFERS}import-products/", {"on_hand": "0"}, file)
    assert answer.url.path.endswith("/change/"), answer.text
    return answer.url


def begin_export(client: httpx.Client, **chosen: str) -> httpx.URL:
    """Ask for an export; return the address of the transfer's page."""
    answer = post(client, f"{TRANSFERS}export-products/", chosen)
    assert answer.url.path.endswith("/change/"), answer.text
    return answer.url


def wait_for_end(client: httpx.Client, page: httpx.URL, *, seconds: float = 60) -> str:
    """Watch a transfer's page until it asks no more for being looked at again; return its text."""
    wait_until(
        lambda: "Refresh" not in client.get(page).headers,
        seconds=seconds,
        what="the end of a transfer",
    )
    return client.get(page).text


def download(client: httpx.Client, page: httpx.URL) -> httpx.Response:
    """Fetch the file of a transfer."""
    return client.get(str(page).replace("/change/", "/download/"))


def many_products(prefix: str, count: int) -> str:
    """Return a CSV of so many products, which staff alone see."""
    rows = (
        f"{prefix}-{number:06d},Draft {prefix} {number},1.00,Drafts,draft"
        for number in range(count)
    )
    return "\n".join(["sku,name,price,category,status", *rows])
