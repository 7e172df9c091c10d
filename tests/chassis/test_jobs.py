import threading
import time

import pytest
from django.db import OperationalError

from chassis import context, jobs
from chassis.jobs import Job


@pytest.fixture
def _no_jobs(monkeypatch):
    monkeypatch.setattr(jobs, "_jobs", {})


@pytest.mark.usefixtures("_no_jobs")
class TestEvery:
    def test_refuses_a_second_job_of_one_name(self):
        jobs.every(1, name="a")(lambda: None)
        with pytest.raises(ValueError, match="the job a is declared twice"):
            jobs.every(2, name="a")(lambda: None)

    def test_runs_the_job_until_the_block_ends_and_waits_for_it(self):
        begun, runs, ended = threading.Event(), [], []

        def job():
            runs.append(context.current())
            begun.set()
            time.sleep(0.2)
            ended.append(1)

        jobs.every(0.05, name="a")(job)
        with jobs.running():
            assert begun.wait(30)
        count = len(runs)
        assert len(ended) == count
        time.sleep(0.2)
        assert len(runs) == count


@pytest.mark.usefixtures("_no_jobs")
class TestAJobThatMayRunBesideItself:
    def test_goes_on_while_one_run_hangs_and_holds_up_no_other_job(self):
        free, hanging, others = threading.Event(), [], []
        enough, other_enough = threading.Event(), threading.Event()

        def hang():
            hanging.append(1)
            if len(hanging) == 3:
                enough.set()
            assert free.wait(30)

        def other():
            others.append(1)
            if len(others) == 3:
                other_enough.set()

        jobs.every(0.05, name="hangs", parallel=3)(hang)
        jobs.every(0.05, name="other")(other)
        with jobs.running():
            try:
                assert enough.wait(30)
                assert other_enough.wait(30)
                assert len(hanging) == 3
            finally:
                free.set()


# A job's end gives its connection back, and another test may have left one open.
@pytest.mark.django_db
class TestRun:
    def test_goes_on_after_a_failure_and_logs_it(self, caplog):
        def fail():
            raise LookupError("nothing")

        jobs._run(Job("a", 1, fail))
        assert "job_failed" in caplog.text

    def test_says_little_of_a_database_that_is_away(self, caplog):
        def fail():
            raise OperationalError("connection refused")

        jobs._run(Job("a", 1, fail))
        (record,) = caplog.records
        assert record.levelname == "WARNING"
        assert record.msg["event"] == "job_put_off"
