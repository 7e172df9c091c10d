"""A process that ends after its Nth step, and the harness that uses it."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chassis import failpoints
from chassis.database import fetch
from chassis.ids import uuid7
from chassis.models import DenyEntry
from tests.failpoints import kill_after_each_step

pytestmark = pytest.mark.django_db(transaction=True)


def deny_two(users):
    """Write two rows in a transaction, read one by hand, then write a third by itself."""
    with transaction.atomic():
        for user_id in users[:2]:
            DenyEntry.objects.create(user_id=user_id, not_before=timezone.now())
    fetch("SELECT 1", {})
    DenyEntry.objects.create(user_id=users[2], not_before=timezone.now())


def refuse(users):
    """Write a row and roll it back."""
    with transaction.atomic():
        DenyEntry.objects.create(user_id=users[0], not_before=timezone.now())
        transaction.set_rollback(True)


@pytest.fixture
def left():
    """Return what each death left behind, in numbers of rows."""
    return []


@pytest.fixture
def kill(left):
    def run(work, *, at_least=1):
        return kill_after_each_step(
            lambda: [uuid7() for _ in range(3)],
            work,
            lambda users: left.append(DenyEntry.objects.filter(user_id__in=users).count()),
            at_least=at_least,
        )

    return run


class TestProcess:
    def test_ends_after_each_statement_and_each_commit(self, kill, left):
        steps = kill(deny_two, at_least=5)
        assert [name.split(" (")[0] for name in steps] == [
            'INSERT INTO "deny_entry"',
            'INSERT INTO "deny_entry"',
            "COMMIT",
            "SELECT 1",
            'INSERT INTO "deny_entry"',
        ]
        assert left == [0, 0, 2, 2, 3, 3]

    def test_ends_after_a_rollback(self, kill, left):
        assert kill(refuse)[-1] == "ROLLBACK"
        assert left == [0, 0, 0]

    def test_ends_after_a_statement_that_failed(self, kill):
        def work(_):
            with pytest.raises(Exception, match="division by zero"):
                fetch("SELECT 1/0", {})

        assert kill(work) == ["SELECT 1/0"]

    def test_ends_after_a_step_that_is_named(self, kill):
        assert kill(lambda _: failpoints.step("mail")) == ["mail"]

    def test_may_not_be_armed_without_the_setting(self):
        with pytest.raises(failpoints.Forbidden):
            failpoints.arm(after=1, tell=print)
        assert connection.execute_wrappers == []
        failpoints.step("nothing is armed")


class TestHarness:
    def test_fails_where_there_are_fewer_deaths_than_expected(self, kill):
        with pytest.raises(AssertionError, match="5 steps, not 6"):
            kill(deny_two, at_least=6)

    def test_says_after_which_step_the_check_failed(self):
        def check(users):
            assert DenyEntry.objects.filter(user_id__in=users).count() != 2

        with pytest.raises(AssertionError) as caught:
            kill_after_each_step(lambda: [uuid7() for _ in range(3)], deny_two, check, at_least=1)
        assert caught.value.__notes__ == ["killed after step 3: ['COMMIT'], killed=True"]

    def test_raises_what_the_work_raised(self, kill):
        def work(_):
            raise RuntimeError("of the work")

        with pytest.raises(AssertionError, match="RuntimeError: of the work"):
            kill(work)

    def test_leaves_the_connection_of_the_test_as_it_was(self, kill):
        backend = connection.connection.info.backend_pid if connection.connection else None
        kill(deny_two)
        if backend:
            assert connection.connection.info.backend_pid == backend
        assert fetch("SELECT 1", {}) == [(1,)]
