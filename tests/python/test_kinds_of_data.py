"""What large data is made of: NumPy, pandas, Arrow, and Python's own buffers, as arguments and as results."""

from __future__ import annotations

from pathlib import Path

import culprits
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

SMALL = 5
LARGE = 300_000
MEBIBYTE = 2**20


def numbers(rows):
    return np.arange(rows, dtype=float)


def texts(rows):
    return [f"text {number}" for number in range(1000)][:rows] * max(1, rows // 1000)


KINDS = {
    "array": numbers,
    "array of columns": lambda rows: np.asfortranarray(numbers(4 * rows).reshape(-1, 4)),
    "array of records": lambda rows: np.zeros(rows, dtype=[("number", "i8"), ("real", "f4")]),
    "array of times": lambda rows: numbers(rows).astype("datetime64[s]"),
    "frame of numbers": lambda rows: pd.DataFrame({name: numbers(rows) for name in "abc"}),
    "mixed frame": lambda rows: pd.DataFrame(
        {"number": range(rows), "real": numbers(rows), "kind": pd.Categorical(texts(rows)), "when": pd.Timestamp(0)}
    ),
    "frame of objects": lambda rows: pd.DataFrame({"text": pd.Series(texts(rows), dtype=object), "n": numbers(rows)}),
    "frame of Arrow texts": lambda rows: pd.DataFrame({"text": pd.array(texts(rows), dtype="string[pyarrow]")}),
    "frame of Arrow numbers": lambda rows: pd.DataFrame({"n": pd.array(range(rows), dtype="int64[pyarrow]")}),
    "series": lambda rows: pd.Series(numbers(rows), name="some", index=np.arange(rows) * 2),
    "nullable series": lambda rows: pd.Series([None, *range(rows)], dtype="Int64"),
    "Arrow array": lambda rows: pa.array(numbers(rows)),
    "Arrow texts": lambda rows: pa.array(texts(rows)),
    "slice of an Arrow array": lambda rows: pa.array(numbers(2 * rows))[rows // 2 : -1],
    "record batch": lambda rows: pa.record_batch({"n": numbers(rows), "text": texts(rows)}),
    "table": lambda rows: pa.table({"n": numbers(rows), "text": texts(rows), "none": [None, *range(rows - 1)]}),
    "table of chunks": lambda rows: pa.concat_tables([pa.table({"n": numbers(rows)})] * 3),
    "bytes": lambda rows: numbers(rows).tobytes(),
    "bytearray": lambda rows: bytearray(numbers(rows)),
    "memoryview": lambda rows: memoryview(bytearray(numbers(rows))),
    "memoryview of bytes": lambda rows: memoryview(numbers(rows).tobytes()),
    "memoryview of numbers": lambda rows: memoryview(numbers(2 * rows).reshape(2, rows)),
    "memoryview with gaps": lambda rows: memoryview(bytearray(numbers(rows)))[::2],
    "memoryview without numbers": lambda rows: memoryview(b""),
}
#: What they are made of has no buffers: the pickle holds it.
IN_PICKLES = ("array of times", "bytes", "bytearray", "memoryview without numbers")


@pytest.fixture
def one_worker(make_pool):
    return make_pool(1, start="fork")  # has imported everything


def same(one, other):
    """Whether it is the same in kind and content."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, memoryview):
        layout = one.format, one.shape, one.readonly
        return layout == (other.format, other.shape, other.readonly) and one == other
    if isinstance(one, pd.DataFrame):
        return one.equals(other) and list(one.dtypes) == list(other.dtypes)
    return one.equals(other) if isinstance(one, (pd.Series, pa.Array, pa.RecordBatch, pa.Table)) else one == other


def addresses(value):
    """Where the larger pieces of its memory begin."""
    if isinstance(value, pd.DataFrame):
        return [address for name in value for address in addresses(value[name])]
    if isinstance(value, (pa.Table, pa.RecordBatch)):
        return [address for column in value.columns for address in addresses(column)]
    if isinstance(value, pa.ChunkedArray):
        return [address for chunk in value.chunks for address in addresses(chunk)]
    if isinstance(value, pa.Array):
        return [buffer.address for buffer in value.buffers() if buffer is not None and buffer.size > MEBIBYTE // 2]
    if isinstance(value, pd.Series):
        return addresses_of_column(value.array)
    array = np.frombuffer(value, np.uint8) if isinstance(value, (bytes, bytearray)) else np.asarray(value)
    return [array.__array_interface__["data"][0]]


def addresses_of_column(column):
    if isinstance(column, pd.Categorical):
        return addresses(column.codes)
    if isinstance(column, pd.arrays.IntegerArray):
        return addresses(column._data) + addresses(column._mask)
    if isinstance(column, (pd.arrays.ArrowExtensionArray, pd.arrays.ArrowStringArray)):
        return addresses(column.__arrow_array__())
    return [] if column.dtype.kind in "OM" else addresses(np.asarray(column))  # objects and times have no buffers


def is_mapped(value):
    """Whether all of its memory is in blocks of shared memory."""
    blocks = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "prong-block" in line:
            blocks.append(tuple(int(address, 16) for address in line.split()[0].split("-")))
    found = addresses(value)
    return bool(found) and all(any(first <= address < end for first, end in blocks) for address in found)


# All kinds share a pool: another one for each would take longer than the data.


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_there_and_back(rows, one_worker):
    for kind, make in KINDS.items():
        value = make(rows)
        jobs = [one_worker.submit(culprits.echo, value), one_worker.submit(culprits.echo, one=[value])]
        ((one,), _), (_, others) = (job.result() for job in jobs)
        assert same(one, value), kind
        assert same(others["one"][0], value), kind


def keep(kind, value):
    """Keep an argument. Whether it is mapped, and the argument."""
    vars(culprits).setdefault("kept", {})[kind] = value
    return is_mapped(value), value


def is_kept(kind, value):
    return same(vars(culprits)["kept"][kind], value)


def test_large_ones_are_mapped_and_stay_as_they_are_when_blocks_are_used_again(one_worker):
    values = {kind: make(LARGE) for kind, make in KINDS.items()}
    received = {}
    for kind, value in values.items():
        there, received[kind] = one_worker.submit(keep, kind, value).result()
        assert there == is_mapped(received[kind]) == (kind not in IN_PICKLES), kind
        other = np.full(LARGE, len(received))
        assert one_worker.submit(culprits.echo, other).result()[0][0][-1] == len(received)
    for kind, value in values.items():
        assert same(received[kind], value), kind
        assert one_worker.submit(is_kept, kind, value).result(), kind


def write(value):
    """Change the first thing in it."""
    if isinstance(value, pd.DataFrame):
        value.iloc[0, 0] = value.iloc[1, 0]
    elif isinstance(value, pd.Series):
        value.iloc[0] = value.iloc[1]
    else:
        value[0] = value[1]
    return value


WRITABLE = [
    "array",
    "array of columns",
    "array of records",
    "frame of numbers",
    "mixed frame",
    "frame of objects",
    "frame of Arrow numbers",
    "series",
    "nullable series",
    "bytearray",
    "memoryview",
    "memoryview with gaps",
]


def test_writable_ones_can_be_written(one_worker):
    for kind in WRITABLE:
        value, before, written = (KINDS[kind](LARGE) for _ in range(3))
        write(written)
        received = one_worker.submit(write, value).result()
        assert same(received, written), kind
        assert same(value, before), kind
        assert same(write(received), write(written)), kind


def test_arrays_that_cannot_be_written_cannot_be_written_there(one_worker):
    array = numbers(LARGE)
    array.flags.writeable = False
    assert not one_worker.submit(lambda one: one.flags.writeable, array).result()
    with pytest.raises(TypeError, match="read-only"):
        one_worker.submit(write, KINDS["memoryview of bytes"](LARGE)).result()
