import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest

from chassis.reads import Answer, Answers, SharedRead


def answer(length: int) -> Answer:
    return Answer(b"x" * length, f'"{length}"')


def answers(most_bytes: int) -> Answers:
    return Answers(most_bytes, path="/", version="SELECT 1")


def kept(found: Answers, *paths: str) -> list[str]:
    """Return which of the paths are kept."""
    return [path for path in paths if found.find(path, "", 1)]


class TestAnswers:
    def test_give_back_the_latest_of_a_url(self):
        some = answers(10_000)
        some.keep("/a", "b", 1, answer(1))
        some.keep("/a", "b", 1, answer(2))
        assert some.find("/a", "b", 1) == answer(2)
        assert some.find("/a", "", 1) is None

    @pytest.mark.parametrize("other", [0, 4, 6])
    def test_give_none_of_another_version(self, other):
        some = answers(10_000)
        some.keep("/a", "", 5, answer(1))
        assert some.find("/a", "", other) is None
        assert some.find("/a", "", 5) == answer(1)

    def test_stay_within_their_bytes(self):
        some = answers(5_000)
        paths = [f"/{number}" for number in range(50)]
        for path in paths:
            some.keep(path, "", 1, answer(1_000))
        assert kept(some, *paths) == ["/47", "/48", "/49"]
        some.keep("/large", "", 1, answer(4_400))
        assert kept(some, "/48", "/49", "/large") == ["/large"]
        some.keep("/too-large", "", 1, answer(5_000))
        assert kept(some, "/large", "/too-large") == []

    def test_drop_what_was_not_asked_for_longest(self):
        some = answers(5_000)
        for path in ("/0", "/1", "/2"):
            some.keep(path, "", 1, answer(1_000))
        some.find("/0", "", 1)
        some.keep("/3", "", 1, answer(1_000))
        assert kept(some, "/0", "/1", "/2", "/3") == ["/0", "/2", "/3"]

    def test_count_a_replaced_one_once(self):
        some = answers(5_000)
        for _ in range(20):
            some.keep("/a", "", 1, answer(1_000))
        some.keep("/b", "", 1, answer(1_000))
        assert kept(some, "/a")


class TestSharedRead:
    def test_is_shared_by_those_who_wait_and_not_with_what_began_before_they_asked(self):
        begun, go_on, numbers = threading.Semaphore(0), threading.Semaphore(0), iter(range(100))

        def read() -> int:
            number = next(numbers)
            begun.release()
            go_on.acquire()
            return number

        shared = SharedRead(read)
        with ThreadPoolExecutor(9) as pool:
            first = pool.submit(shared)
            assert begun.acquire(timeout=10)
            others = [pool.submit(shared) for _ in range(8)]
            while sum(not other.running() for other in others):
                pass  # all have been taken up by a thread
            go_on.release(50)
            assert first.result(10) == 0
            read_by_others = {int(other.result(10) or 0) for other in others}
        assert min(read_by_others) >= 1
        assert len(read_by_others) < 8

    def test_tells_those_who_wait_of_a_failure_and_reads_again(self):
        shared = SharedRead(mock.Mock(side_effect=[OSError("away"), None, 5]))
        with pytest.raises(OSError, match="away"):
            shared()
        assert shared() is None
        assert shared() == 5
