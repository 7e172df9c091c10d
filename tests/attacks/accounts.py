"""People with accounts, who log in again and from elsewhere."""

import secrets
import socket
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.system.platform import Client, Platform

USERS = "/api/v1/auth/users"


@dataclass(slots=True)
class Account:
    """An account of a platform; `client` is its log-in."""

    platform: Platform = field(repr=False)
    email: str
    password: str
    id: str = ""
    client: Client = field(init=False, repr=False)

    def log_in(self) -> Client:
        """Log in anew; the token before stays in the hands of whoever has it."""
        self.client = self.platform.client().log_in(self.email, self.password)
        self.id = self.client.get("/api/v1/auth/me").json()["id"]
        return self.client

    @property
    def token(self) -> str:
        """Return the access token of the last log-in."""
        return str(self.client.grant["access"])


def register(platform: Platform, **body: Any) -> Account:
    """Register a customer and log in."""
    account = Account(platform, f"{uuid4().hex}@souk.example", secrets.token_urlsafe(18))
    answer = platform.client().post(
        "/api/v1/auth/register",
        {"email": account.email, "password": account.password, "name": "Mallory", **body},
    )
    assert answer.status_code == 201, answer.text
    account.log_in()
    return account


def change(account: Account, *, by: Account, **access: Any) -> None:
    """Change an account's role or activity, as an admin."""
    answer = by.client.http.patch(f"{USERS}/{account.id}", json=access)
    assert answer.status_code == 200, answer.text


def client_from(platform: Platform, address: str) -> httpx.Client:
    """Return a client whose address, as the gateway sees it, is another one of loopback."""
    try:
        with socket.create_server((address, 0)):
            pass
    except OSError:  # elsewhere than on Linux only 127.0.0.1 is there unasked
        pytest.skip(f"{address} is no address of this machine")
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=platform.url, transport=transport, timeout=30, trust_env=False)
