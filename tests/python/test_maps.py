"""Maps: errors, laziness, progress."""

from __future__ import annotations

import gc
import itertools
import os
import queue
import signal
import threading
import time
from pathlib import Path

import culprits
import pytest

import prong
from eventually import eventually
from prong._progress import PlainBar


def fail_at_three(number):
    if number == 3:
        raise ValueError("three")
    return number


def test_map_raises_the_first_error_when_all_are_done(pool, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ValueError, match="three"):
        pool.map(_log_and_fail, [(str(log), number) for number in range(20)])
    assert len(log.read_text().splitlines()) == 20


def _log_and_fail(item):
    culprits.append_line(item[0], "x")
    return fail_at_three(item[1])


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_iteration_goes_on_after_an_error(fresh_pool, method):
    iterator = getattr(fresh_pool, method)(fail_at_three, range(10))
    results, errors = [], []
    while True:
        try:
            results.append(next(iterator))
        except StopIteration:
            break
        except ValueError as error:
            errors.append(str(error))
    assert sorted(results) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert errors == ["three"]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_input_is_read_lazily(fresh_pool, method):
    taken = itertools.count()
    read = []

    def numbers():
        for number in taken:
            read.append(number)
            yield number

    iterator = getattr(fresh_pool, method)(culprits.double, numbers(), read_ahead=5)
    assert read == []
    for _ in range(20):
        next(iterator)
        assert len(read) <= 25
    iterator.close()
    with pytest.raises(StopIteration):
        next(itertools.islice(iterator, 6, None))


@pytest.mark.parametrize("read_ahead", [None, 1, 5])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_input_that_needs_the_results(fresh_pool, method, read_ahead):
    tasks = queue.Queue()
    tasks.put(1)
    results = []
    for result in getattr(fresh_pool, method)(culprits.double, iter(tasks.get, None), read_ahead=read_ahead):
        results.append(result)
        tasks.put(result if result < 100 else None)
    assert results == [2, 4, 8, 16, 32, 64, 128]


def test_input_that_needs_the_results_of_an_inline_pool():
    tasks = queue.Queue()
    tasks.put(1)
    results = []
    for result in prong.Pool(0).imap(culprits.double, iter(tasks.get, None)):
        results.append(result)
        tasks.put(result if result < 100 else None)
    assert results == [2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_slow_input_holds_no_results_back(fresh_pool, method):
    gate = threading.Event()

    def numbers():
        yield from range(3)
        gate.wait()
        yield 3

    iterator = getattr(fresh_pool, method)(culprits.double, numbers())
    assert sorted(next(iterator) for _ in range(3)) == [0, 2, 4]
    with pytest.raises(TimeoutError):
        iterator.next(timeout=0)
    gate.set()
    assert list(iterator) == [6]


def thread_that_reads():
    return any(thread.name == "prong-input" for thread in threading.enumerate())


@pytest.mark.parametrize("end", ["dropped", "closed", "terminated"])
def test_thread_that_reads_ends(fresh_pool, end):
    iterator = fresh_pool.imap(culprits.double, itertools.count())
    assert next(iterator) == 0
    assert thread_that_reads()
    if end == "dropped":
        del iterator
        gc.collect()
    elif end == "closed":
        iterator.close()
    else:
        fresh_pool.terminate()
    assert eventually(lambda: not thread_that_reads())


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_input_that_raises_comes_after_the_results_before(fresh_pool, method):
    def numbers():
        yield from (1, 2, 3)
        raise OSError("input")

    iterator = getattr(fresh_pool, method)(culprits.double, numbers())
    assert sorted(next(iterator) for _ in range(3)) == [2, 4, 6]
    with pytest.raises(OSError, match="input"):
        next(iterator)
    assert list(iterator) == []


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_job_that_raises_stop_iteration_does_not_end_the_loop(fresh_pool, method, kind):
    iterator = getattr(fresh_pool, method)(stop_at_one, kind(range(3)))
    results = []
    with pytest.raises(RuntimeError, match="a job raised StopIteration") as caught:
        while True:
            results.append(next(iterator))
    assert isinstance(caught.value.__cause__, StopIteration)
    assert sorted(results + list(iterator)) == [0, 2]


def stop_at_one(number):
    if number == 1:
        raise StopIteration
    return number


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_threads_share_an_iterator(fresh_pool, method):
    iterator = getattr(fresh_pool, method)(culprits.double, iter(range(20_000)))
    results, errors = [], []

    def take():
        try:
            results.extend(iterator)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(results) == list(range(0, 40_000, 2))


def test_pool_that_is_closed_meanwhile_gives_the_results_of_what_was_read(fresh_pool):
    iterator = fresh_pool.imap(culprits.double, range(100), read_ahead=4)
    assert next(iterator) == 0
    fresh_pool.close()
    assert [next(iterator) for _ in range(3)] == [2, 4, 6]
    with pytest.raises(prong.PoolClosed):
        next(iterator)


def test_next_with_timeout(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    for method in (fresh_pool.imap, fresh_pool.imap_unordered):
        iterator = method(culprits.wait_for_file, [str(gate)])
        with pytest.raises(TimeoutError):
            iterator.next(timeout=0.01)
        gate.touch()
        assert iterator.next(timeout=30) == str(gate)
        gate.unlink()


def test_map_timeout_leaves_the_jobs(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    result = fresh_pool.map_async(culprits.wait_for_file, [str(gate)])
    with pytest.raises(TimeoutError, match="it goes on"):
        result.get(0.01)
    assert not result.ready()
    gate.touch()
    assert result.get(30) == [str(gate)]


def test_jobs_of_a_map(fresh_pool):
    result = fresh_pool.map_async(fail_at_three, range(5))
    result.wait()
    assert [job.outcome.name for job in result.jobs()] == ["returned"] * 3 + ["raised", "returned"]
    assert not result.successful()


def test_many_items(fresh_pool):
    assert fresh_pool.map(culprits.double, range(20_000)) == list(range(0, 40_000, 2))
    assert sum(fresh_pool.imap_unordered(culprits.double, range(5_000))) == 5_000 * 4_999


@pytest.mark.parametrize("method", ["map", "starmap", "imap", "imap_unordered"])
def test_progress_by_tqdm(fresh_pool, capfd, monkeypatch, method):
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # else tqdm starts a thread that stays
    items = [(number,) for number in range(30)]
    list(getattr(fresh_pool, method)(culprits.echo, items, progress="echoes"))
    shown = capfd.readouterr().err
    assert "echoes" in shown
    assert "30/30" in shown


def test_progress_without_tqdm(fresh_pool, capfd, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    assert fresh_pool.map(culprits.double, range(30), progress=True) == list(range(0, 60, 2))
    assert "30/30 jobs" in capfd.readouterr().err


def test_plain_bar(capfd):
    bar = PlainBar(None, "files")
    bar.update(3)
    bar.close()
    shown = capfd.readouterr().err
    assert "3 files" in shown
    assert shown.endswith("\n")


def test_progress_counts_failures(fresh_pool, capfd, monkeypatch):
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    with pytest.raises(prong.EncodingError):
        fresh_pool.map(culprits.double, [1, culprits.Unpicklable(), 3], progress=True)
    assert "3/3" in capfd.readouterr().err


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_quick_input_that_waits_for_all_results_gets_them(pool, method):
    received = []

    def items():
        for burst in range(5):
            yield from range(burst * 3000, burst * 3000 + 3000)
            assert eventually(lambda: len(received) == (burst + 1) * 3000)  # noqa: B023

    for result in getattr(pool, method)(culprits.double, items()):
        received.append(result)
    assert sorted(received) == [2 * number for number in range(15_000)]


def test_an_input_error_comes_after_what_was_collected(pool):
    def items():
        yield from range(2000)
        raise OSError("the disk")

    results = pool.imap(culprits.double, items())
    assert [next(results) for _ in range(2000)] == [2 * number for number in range(2000)]
    with pytest.raises(OSError, match="the disk"):
        next(results)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_input_that_gives_one_object_again_and_again(pool, method):
    def items():
        row = [0]
        for number in range(3000):
            row[0] = number
            yield row

    assert sorted(getattr(pool, method)(lambda row: row[0], items())) == list(range(3000))


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_jobs_run_while_the_input_is_awaited_and_nobody_takes(fresh_pool, method, tmp_path):
    log = tmp_path / "log"
    gate = threading.Event()

    def items():
        for _ in range(20):
            yield str(log)
        gate.wait()

    iterator = getattr(fresh_pool, method)(_log_line, items(), read_ahead=20)
    assert next(iterator) is None
    assert eventually(lambda: len(log.read_text().splitlines()) == 20)
    gate.set()
    assert list(iterator) == [None] * 19


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_quick_items_do_not_wait_for_a_next_one(fresh_pool, method, tmp_path):
    log = tmp_path / "log"
    gate = threading.Event()
    rounds = queue.Queue()

    def items():
        for count in (301, 305, 317):
            yield from [str(log)] * count
            rounds.get()
        gate.wait()

    iterator = getattr(fresh_pool, method)(_log_line, items(), read_ahead=1000)
    assert next(iterator) is None
    for count in (301, 606, 923):
        assert eventually(lambda: len(log.read_text().splitlines()) == count)  # noqa: B023
        rounds.put(None)
    gate.set()
    assert list(iterator) == [None] * 922


def _log_line(path):
    culprits.append_line(path, "x")


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_quick_items_after_the_pool_was_closed(fresh_pool, method):
    closed = threading.Event()
    gate = threading.Event()

    def items():
        yield from range(100)
        closed.wait()
        yield from range(100, 200)
        gate.wait()

    iterator = getattr(fresh_pool, method)(culprits.double, items(), read_ahead=1000)
    assert sorted(next(iterator) for _ in range(100)) == list(range(0, 200, 2))
    fresh_pool.close()
    closed.set()
    with pytest.raises(prong.PoolClosed):
        next(iterator)
    assert list(iterator) == []
    gate.set()


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_pool_that_is_closed_refuses_quick_items_while_the_next_is_awaited(method, tmp_path):
    """In most rounds some items wait to be submitted when the pool is closed; in some the thread was just there."""
    for number in range(20):
        go, gate = tmp_path / f"go{number}", threading.Event()
        with prong.Pool(1) as pool:
            try:
                _take_while_the_pool_is_closed(pool, method, go, gate)
            except prong.PoolClosed:
                return
            finally:
                gate.set()
    pytest.fail("nothing was refused")


def _take_while_the_pool_is_closed(pool, method, go, gate):
    def items():
        yield from [str(go)] * 95
        pool.close()
        go.touch()
        gate.wait()

    iterator = getattr(pool, method)(culprits.wait_for_file, items(), read_ahead=1000)
    for _ in range(95):
        assert iterator.next(timeout=30) == str(go)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_pool_that_is_terminated_drops_no_quick_item_silently(method, tmp_path):
    for number in range(10):
        with prong.Pool(1) as pool:
            gate = threading.Event()
            told = _told_when_terminated(pool, method, tmp_path / f"never{number}", gate)
            gate.set()
            assert told in (95, "the rest was refused")


def _told_when_terminated(pool, method, never, gate):
    def items():
        yield from [str(never)] * 95
        pool.terminate()
        gate.wait()

    iterator = getattr(pool, method)(culprits.wait_for_file, items(), read_ahead=1000)
    told = 0
    while True:
        try:
            iterator.next(timeout=30)
        except StopIteration:
            return told
        except prong.PoolClosed:
            return "the rest was refused"
        except prong.JobCancelled:
            told += 1


def test_forked_copy_of_a_lazy_map_says_that_it_is_one(fresh_pool):
    gate = threading.Event()
    iterator = fresh_pool.imap(culprits.double, itertools.chain(range(100), iter(gate.wait, True)), read_ahead=1000)
    assert [next(iterator) for _ in range(100)] == [*range(0, 200, 2)]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            next(iterator)
        except prong.UsageError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        assert "parent process" in answer.read()
    gate.set()
    assert list(iterator) == []


class _Failing:
    def __reduce__(self):
        raise ValueError("it stays here")


@pytest.mark.parametrize("kind", [list, iter])
def test_quick_items_among_those_that_cannot_be_encoded_keep_their_order(fresh_pool, kind):
    items = [_Failing() if number % 7 == 3 else number for number in range(500)]
    iterator = fresh_pool.imap(culprits.double, kind(items))
    for number in range(500):
        if number % 7 == 3:
            with pytest.raises(prong.EncodingError):
                next(iterator)
        else:
            assert next(iterator) == 2 * number
    assert list(iterator) == []


@pytest.mark.parametrize("end", ["dropped", "read to its end"])
def test_thread_that_submits_ends_with_the_iterator(fresh_pool, end):
    iterator = fresh_pool.imap_unordered(culprits.double, itertools.count() if end == "dropped" else iter(range(5000)))
    assert sum(1 for _ in itertools.islice(iterator, 5000)) == 5000
    assert _submits()
    del iterator
    gc.collect()
    assert eventually(lambda: not _submits())


def _submits():
    names = []
    for task in Path("/proc/self/task").iterdir():
        try:
            names.append((task / "comm").read_text())
        except OSError:  # it has ended
            continue
    return "prong-gather\n" in names


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_results_taken_in_advance_count_as_not_taken(fresh_pool, method, kind):
    read = []

    class Noted(int):
        def __reduce__(self):
            read.append(int(self))
            return int, (int(self),)

    iterator = getattr(fresh_pool, method)(culprits.double, kind([Noted(n) for n in range(500)]), read_ahead=40)
    for taken in range(1, 200):
        next(iterator)
        time.sleep(0.001)  # the thread that reads may go on
        assert len(read) <= taken + 40


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_result_that_cannot_be_decoded_costs_no_other(fresh_pool, method):
    results, errors = [], []
    iterator = getattr(fresh_pool, method)(_only_here, iter(range(200)))
    while True:
        try:
            results.append(next(iterator))
        except StopIteration:
            break
        except prong.DecodingError as error:
            errors.append(error)
    assert sorted(results) == [n for n in range(200) if n % 50 != 7]
    assert len(errors) == 4


class _Undecodable:
    def __reduce__(self):
        return _refuse, (7,)


def _refuse(number):
    raise ValueError(number)


def _only_here(number):
    return _Undecodable() if number % 50 == 7 else number


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_closed_iterator_gives_nothing_that_it_had(fresh_pool, method):
    iterator = getattr(fresh_pool, method)(culprits.double, iter(range(5000)), read_ahead=400)
    for _ in range(300):
        next(iterator)
    iterator.close()
    assert list(iterator) == []


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_window_that_shrinks_because_results_grow(fresh_pool, method, kind):
    results = getattr(fresh_pool, method)(_large_at_the_end, kind(range(1100)))
    assert sum(len(result) for result in results) == 1000 + 100 * 2_000_000


def _large_at_the_end(number):
    return b"x" if number < 1000 else bytes(2_000_000)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_iteration_goes_on_after_an_interrupt(fresh_pool, method):
    _Interrupts.wanted = True
    results, interrupts = [], 0
    iterator = getattr(fresh_pool, method)(_interrupting, iter(range(300)))
    while True:
        try:
            results.append(next(iterator))
        except StopIteration:
            break
        except KeyboardInterrupt:
            interrupts += 1
            _Interrupts.wanted = False
    assert interrupts == 1
    assert len(results) == 300


class _Interrupts:
    wanted = True

    def __reduce__(self):
        return _interrupt_once, ()


def _interrupt_once():
    if _Interrupts.wanted:
        raise KeyboardInterrupt


def _interrupting(number):
    return _Interrupts() if number == 150 else number
