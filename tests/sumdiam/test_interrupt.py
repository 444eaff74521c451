"""Ctrl-C while workers start: held, then raised, and never seen by a worker."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from sumdiam.batch.interrupt import interrupts_held


def _sleep(started) -> None:
    started.set()
    time.sleep(1.0)


def _spawn_and_interrupt() -> int | None:
    """Interrupt a child while it starts and when it runs; return how it ended."""
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Event()
    child = spawn.Process(target=_sleep, args=(started,))
    child.start()
    for moment in range(8):
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.02 * moment)
    assert started.wait(60)
    os.kill(child.pid, signal.SIGINT)
    child.join(60)
    return child.exitcode


def test_an_interrupt_waits_for_the_end_of_the_block():
    reached = []

    def block() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert reached == ["the end of the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_error_in_the_block_is_not_hidden_by_an_interrupt():
    def block() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            raise OSError("no workers")

    with pytest.raises(OSError, match="no workers"):
        block()


def test_a_process_started_in_the_block_sees_no_interrupt():
    with interrupts_held():
        ended = _spawn_and_interrupt()
    assert ended == 0


def test_a_process_started_by_a_thread_of_the_block_sees_no_interrupt():
    ended: list[int | None] = []
    with interrupts_held():
        thread = threading.Thread(target=lambda: ended.append(_spawn_and_interrupt()))
        thread.start()
        thread.join()
    assert ended == [0]


def test_where_interrupts_are_ignored_they_stay_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_the_block_runs_as_it_is():
    done = []

    def work() -> None:
        with interrupts_held():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
