"""The limits of wrong passwords."""

from datetime import timedelta

import pytest

from apps.auth_service.domain import attempts as rules


class TestDelay:
    @pytest.mark.parametrize(
        ("limit", "failures", "seconds"),
        [
            (rules.PAIR, 4, 0),
            (rules.PAIR, 5, 1),
            (rules.PAIR, 6, 2),
            (rules.PAIR, 7, 4),
            (rules.PAIR, 14, 512),
            (rules.PAIR, 15, 900),
            (rules.PAIR, 1_000_000, 900),
            (rules.ACCOUNT, 14, 0),
            (rules.ACCOUNT, 15, 30),
            (rules.ACCOUNT, 16, 60),
            (rules.ACCOUNT, 20, 900),
            (rules.ADDRESS, 99, 0),
            (rules.ADDRESS, 100, 1),
            (rules.ADDRESS, 1_000_000, 900),
        ],
    )
    def test_grows_with_the_failures_up_to_a_quarter_of_an_hour(self, limit, failures, seconds):
        assert limit.delay(failures) == timedelta(seconds=seconds)

    def test_locks_an_account_before_twenty_wrong_passwords_in_a_row(self):
        """design.md, section 4: whoever waits out each delay still meets the next one."""
        assert all(rules.ACCOUNT.delay(failures) for failures in range(15, 100))

    def test_is_over_before_the_failures_are_forgotten(self):
        longest = timedelta(seconds=rules.LONGEST_DELAY_SECONDS)
        assert longest < rules.FORGOTTEN_AFTER


class TestNetwork:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            (None, None),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ],
    )
    def test_is_the_line_that_an_address_is_of(self, address, network):
        assert rules.network_of(address) == network
