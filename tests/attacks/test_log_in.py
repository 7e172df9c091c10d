"""Guesses at passwords, through the gateway, which tells the service where they come from."""

import contextlib
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.attacks.accounts import Account, client_from, register
from tests.attacks.targets import assert_problem
from tests.system.platform import Platform

LOG_IN = "/api/v1/auth/token"
GUESSES = 30
LOCKED_BEFORE = 20
# ADR 0015: wrong passwords in a row that are looked at, before the first delay of so many seconds.
OF_ONE_ADDRESS, FIRST_DELAY = 5, 1
OF_ALL_ADDRESSES = 15


@pytest.fixture
def account(platform: Platform) -> Account:
    """Return an account, which has logged in from where the tests usually come from."""
    return register(platform)


def guess(client: httpx.Client, account: Account, password: str = "wrong horse") -> httpx.Response:
    return client.post(LOG_IN, json={"email": account.email, "password": password})


def assert_locked(answer: httpx.Response) -> None:
    assert_problem(answer, 429, "rate-limited")
    assert int(answer.headers["Retry-After"]) >= 1


def looked_at(answers: Sequence[httpx.Response]) -> int:
    """Return how many of the guesses were looked at; all the others met a lock."""
    wrong = [answer for answer in answers if answer.status_code == 401]
    for answer in answers:
        if answer in wrong:
            assert_problem(answer, 401, "credentials-invalid")
        else:
            assert_locked(answer)
    return len(wrong)


def guess_at_once(clients: Sequence[httpx.Client], account: Account) -> list[httpx.Response]:
    barrier = threading.Barrier(len(clients))

    def one(client: httpx.Client) -> httpx.Response:
        barrier.wait()
        return guess(client, account)

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(one, clients))


class TestWrongPassword:
    def test_locks_the_account_before_the_twentieth(
        self, platform: Platform, account: Account
    ) -> None:
        with client_from(platform, "127.0.0.3") as guesser:
            wrong, asked_at, last_wrong_at = 0, time.monotonic(), 0.0
            while (answer := guess(guesser, account)).status_code == 401:
                assert_problem(answer, 401, "credentials-invalid")
                wrong += 1
                assert wrong < LOCKED_BEFORE
                last_wrong_at, asked_at = asked_at, time.monotonic()
            assert_locked(answer)
            with_password = guess(guesser, account, account.password)
            # The first delay may be over by now, on a busy machine.
            if time.monotonic() < last_wrong_at + FIRST_DELAY:
                assert_locked(with_password)
        with client_from(platform, "127.0.0.2") as elsewhere:
            assert guess(elsewhere, account, account.password).status_code == 200

    def test_is_looked_at_no_oftener_when_many_come_at_once(
        self, platform: Platform, account: Account
    ) -> None:
        with client_from(platform, "127.0.0.4") as guesser:
            started = time.monotonic()
            answers = guess_at_once([guesser] * GUESSES, account)
            delays = math.log2(1 + (time.monotonic() - started) / FIRST_DELAY)
        assert 1 <= looked_at(answers) <= OF_ONE_ADDRESS + int(delays)

    def test_is_looked_at_no_oftener_when_each_comes_from_another_address(
        self, platform: Platform, account: Account
    ) -> None:
        with contextlib.ExitStack() as stack:
            addresses = (f"127.0.5.{number}" for number in range(1, GUESSES + 1))
            guessers = [stack.enter_context(client_from(platform, one)) for one in addresses]
            assert 1 <= looked_at(guess_at_once(guessers, account)) <= OF_ALL_ADDRESSES
            assert_locked(guess(guessers[0], account, account.password))
        account.log_in()  # from an address that the account knows

    def test_counts_for_the_account_however_its_address_is_written(
        self, platform: Platform, account: Account
    ) -> None:
        with client_from(platform, "127.0.0.6") as guesser:
            answers = []
            for number in range(12):
                email = account.email.upper() if number % 2 else account.email
                body = {"email": email, "password": f"wrong {number}"}
                answers.append(guesser.post(LOG_IN, json=body))
        assert looked_at(answers) <= OF_ONE_ADDRESS + 1

    def test_counts_for_an_account_that_is_none(self, platform: Platform) -> None:
        nobody = Account(platform, "nobody@souk.example", "")
        with client_from(platform, "127.0.0.7") as guesser:
            answers = [guess(guesser, nobody) for _ in range(12)]
        assert looked_at(answers) <= OF_ONE_ADDRESS + 1

    def test_is_not_looked_at_oftener_for_a_made_up_address(
        self, platform: Platform, account: Account
    ) -> None:
        names = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X_Forwarded_For", "Client-Ip")
        with client_from(platform, "127.0.0.8") as guesser:
            answers = []
            for number in range(12):
                made_up = dict.fromkeys(names, f"198.51.100.{number}")
                body = {"email": account.email, "password": "wrong horse"}
                answers.append(guesser.post(LOG_IN, json=body, headers=made_up))
        assert looked_at(answers) <= OF_ONE_ADDRESS + 1
