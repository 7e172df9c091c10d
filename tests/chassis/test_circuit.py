import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from chassis import circuit
from chassis.circuit import FAILURES_TO_OPEN, Circuit

SECONDS = 20
"""That nothing here takes, on however busy a machine."""


def never() -> bool:
    return False


def probers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "circuit-tested"]


def wait_until_closed(one: Circuit) -> None:
    deadline = time.monotonic() + SECONDS
    while one.is_open:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def fail(one: Circuit, *, is_well: Any = never) -> None:
    turn = one.begin()
    assert turn is not None
    one.failed(turn, is_well=is_well)


@pytest.fixture(autouse=True)
def _probes_soon(monkeypatch):
    monkeypatch.setattr(circuit, "PROBE_SECONDS", 0.005)
    yield
    for thread in probers():
        thread.join(SECONDS)
    assert not probers()


@pytest.fixture
def trusted():
    """Return a circuit through which a call went."""
    one = Circuit("tested")
    turn = one.begin()
    assert turn is not None
    one.succeeded(turn)
    yield one
    one.close()


class TestCircuit:
    def test_opens_at_the_fifth_failure_in_a_row(self, trusted):
        for _ in range(FAILURES_TO_OPEN - 1):
            fail(trusted)
        assert not trusted.is_open
        fail(trusted)
        assert trusted.begin() is None

    def test_opens_at_the_first_failure_in_a_new_process(self):
        one = Circuit("tested")
        fail(one)
        assert one.begin() is None
        one.close()

    def test_is_closed_by_the_services_health_alone(self, trusted):
        well = threading.Event()
        asked = threading.Semaphore(0)

        def is_well() -> bool:
            asked.release()
            return well.is_set()

        for _ in range(FAILURES_TO_OPEN):
            fail(trusted, is_well=is_well)
        for _ in range(3):
            assert asked.acquire(timeout=SECONDS)
        assert trusted.begin() is None
        well.set()
        wait_until_closed(trusted)
        assert trusted.begin() is not None

    def test_opens_again_at_the_first_failure_after_a_probe(self, trusted):
        for _ in range(FAILURES_TO_OPEN):
            fail(trusted, is_well=lambda: True)
        wait_until_closed(trusted)
        fail(trusted)
        assert trusted.begin() is None

    def test_is_not_closed_by_a_success_that_comes_late(self, trusted):
        late = trusted.begin()
        for _ in range(FAILURES_TO_OPEN):
            fail(trusted)
        trusted.succeeded(late)
        assert trusted.begin() is None

    def test_is_not_opened_by_failures_of_before(self, trusted):
        late = trusted.begin()
        for _ in range(FAILURES_TO_OPEN):
            fail(trusted)
        trusted.close()
        trusted.failed(late, is_well=never)
        assert not trusted.is_open

    def test_has_one_prober_however_many_fail_at_once(self, trusted):
        calls = 8
        barrier = threading.Barrier(calls)

        def call() -> None:
            turn = trusted.begin()
            barrier.wait(SECONDS)
            if turn is not None:
                trusted.failed(turn, is_well=never)

        threads = [threading.Thread(target=call) for _ in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert trusted.is_open
        assert len(probers()) == 1

    def test_gets_a_prober_later_where_no_thread_can_be_started(self, trusted, monkeypatch):
        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            for _ in range(FAILURES_TO_OPEN):
                fail(trusted, is_well=lambda: True)
        assert not probers()
        assert trusted.begin() is None
        wait_until_closed(trusted)

    def test_is_probed_on_in_a_forked_process(self):
        code = """
import os, time
from chassis import circuit
circuit.PROBE_SECONDS = 0.01
one, parent = circuit.of("catalog"), os.getpid()
one.failed(one.begin(), is_well=lambda: os.getpid() != parent)
child = os.fork()
if child == 0:
    while one.begin() is None:
        time.sleep(0.01)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), one.is_open)
"""
        command = [sys.executable, "-c", code]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert ended.stdout.splitlines()[-1:] == ["7 True"], ended.stderr


class TestStates:
    @pytest.fixture(autouse=True)
    def _new(self):
        circuit.forget()
        yield
        circuit.forget()

    def test_tell_of_each_service_by_itself(self):
        fail(circuit.of("catalog"))
        circuit.of("auth")
        assert circuit.states() == {"auth": "closed", "catalog": "open"}
        assert circuit.of("catalog").is_open


class Unprobed(Circuit):
    """Is closed by the test."""

    def _start_prober(self) -> None:
        pass


class CircuitModel(RuleBasedStateMachine):
    """Holds that it is open exactly where what was told since it last closed says so."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Unprobed("tested")
        self.period = 0
        self.told: list[bool] = []

    def should_be_open(self) -> bool:
        if True not in self.told:
            return False in self.told
        return self.told[-FAILURES_TO_OPEN:] == [False] * FAILURES_TO_OPEN

    def tell(self, period: int, *, answered: bool) -> None:
        if period == self.period and not self.should_be_open():
            self.told.append(answered)

    @rule(target=calls, count=st.integers(1, 6))
    def begin(self, count: int) -> Any:
        turns = [self.circuit.begin() for _ in range(count)]
        assert all((turn is None) == self.should_be_open() for turn in turns)
        return multiple(*((self.period, turn) for turn in turns if turn is not None))

    @rule(call=calls)
    def succeed(self, call: tuple[int, int]) -> None:
        self.circuit.succeeded(call[1])
        self.tell(call[0], answered=True)

    @rule(call=calls)
    def fail(self, call: tuple[int, int]) -> None:
        self.circuit.failed(call[1], is_well=never)
        self.tell(call[0], answered=False)

    @rule()
    def close(self) -> None:
        if self.should_be_open():
            self.period, self.told = self.period + 1, []
        self.circuit.close()

    @invariant()
    def is_open_as_it_should_be(self) -> None:
        assert self.circuit.is_open == self.should_be_open()


TestModel = CircuitModel.TestCase
TestModel.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
