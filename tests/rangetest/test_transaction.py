"""What was done in a transaction is undone, whatever happens, and whether it was is known."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from lrdecay.errors import RunError
from lrdecay.rangetest.transaction import transaction


class Shelf:
    """A list that can be put back, unless it is leaky; an interrupt may come while it is."""

    def __init__(self, *, leaky: bool = False, interrupted: bool = False) -> None:
        self.items: list[int] = [1, 2, 3]
        self.leaky, self.interrupted, self.restored = leaky, interrupted, 0

    def snapshot(self) -> list[int]:
        return list(self.items)

    def restore(self, s: list[int]) -> None:
        if self.interrupted:
            signal.raise_signal(signal.SIGINT)
        self.items = [*s, 4] if self.leaky else list(s)
        self.restored += 1

    def digest(self) -> str:
        return repr(self.items)

    def spoil(self, _before: list[int]) -> str:
        self.items.clear()
        return "done"

    def fail(self, before: list[int]) -> str:
        self.spoil(before)
        msg = "on purpose"
        raise KeyError(msg)

    def interrupt(self, before: list[int]) -> str:
        self.spoil(before)
        signal.raise_signal(signal.SIGINT)
        return "not reached"


def test_the_result_comes_out_and_the_subject_is_as_it_was() -> None:
    shelf = Shelf()
    assert transaction(shelf, shelf.spoil) == "done"
    assert shelf.items == [1, 2, 3]


@pytest.mark.parametrize(("work", "failure"), [("fail", KeyError), ("interrupt", KeyboardInterrupt)])
def test_an_exception_goes_on_as_it_was_raised_after_everything_is_back(work: str, failure: Any) -> None:
    shelf = Shelf()
    with pytest.raises(failure) as caught:
        transaction(shelf, getattr(shelf, work))
    assert shelf.items == [1, 2, 3]
    assert shelf.restored == 1
    assert not hasattr(caught.value, "__notes__")


def test_an_exception_after_which_not_all_is_back_carries_a_note() -> None:
    shelf = Shelf(leaky=True)
    with pytest.raises(KeyError) as caught:
        transaction(shelf, shelf.fail)
    assert "must leave the task as it was" in caught.value.__notes__[0]


def test_a_state_that_is_not_put_back_is_an_error_with_its_cure() -> None:
    shelf = Shelf(leaky=True)
    with pytest.raises(RunError, match=r"must leave the task as it was, got another digest\. Do better\."):
        transaction(shelf, shelf.spoil, "Do better.")


@pytest.mark.parametrize("work", ["spoil", "interrupt"])
def test_an_interrupt_while_it_is_put_back_waits_for_the_end_of_that(work: str) -> None:
    shelf = Shelf(interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        transaction(shelf, getattr(shelf, work))
    assert shelf.items == [1, 2, 3]
    assert shelf.restored == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_does_not_raise_is_called_each_time_and_kept() -> None:
    seen: list[int] = []

    def handler(number: int, _frame: object) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGINT, handler)
    try:
        shelf = Shelf(interrupted=True)

        def twice(_before: list[int]) -> str:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            return "done"

        assert transaction(shelf, twice) == "done"
        assert len(seen) == 3
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_works_in_another_thread() -> None:
    shelf, found = Shelf(), []
    thread = threading.Thread(target=lambda: found.append(transaction(shelf, shelf.spoil)))
    thread.start()
    thread.join()
    assert found == ["done"]
    assert shelf.items == [1, 2, 3]
