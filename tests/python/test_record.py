"""prong._record: what is a dataclass to everybody, without importing dataclasses."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import typing

import pytest

import prong


def test_reads_as_a_dataclass():
    policy = prong.RetryPolicy(2, on_exit=(1, 2))
    assert dataclasses.is_dataclass(policy)
    assert dataclasses.replace(policy, retries=4) == prong.RetryPolicy(4, on_exit=(1, 2))
    assert dataclasses.asdict(prong.Exited(3)) == {"code": 3}
    assert [field.name for field in dataclasses.fields(prong.Lost)] == ["reason", "detail"]
    assert str(inspect.signature(prong.Lost)) == "(reason: 'str', detail: 'str' = '') -> None"


RECORDS = [
    prong.Returned,
    prong.Raised,
    prong.Exited,
    prong.Signalled,
    prong.TimedOut,
    prong.Cancelled,
    prong.Lost,
    prong.Attempt,
    prong.Times,
    prong.RetryPolicy,
]


@pytest.mark.parametrize("record", RECORDS)
def test_types_of_fields_can_be_had(record):
    assert list(typing.get_type_hints(record)) == [field.name for field in dataclasses.fields(record)]


def test_fields_are_in_order_wherever_they_are_seen():
    assert list(vars(prong.TimedOut("wall_time", 1.5, peak=7))) == list(prong.TimedOut.__match_args__)


def test_is_made_a_dataclass_once():
    assert dataclasses.fields(prong.Lost)[0] is dataclasses.fields(prong.Lost("x"))[0]


class Plain(prong.RetryPolicy):
    note: str = "none"  # no field, since this is no dataclass

    def __init__(self, times):
        super().__init__(times)
        self.extra = times


@dataclasses.dataclass(frozen=True)
class Decorated(prong.RetryPolicy):
    note: str = "none"


def test_subclasses_are_as_those_of_a_dataclass():
    plain = Plain(3)
    assert (plain.retries, plain.extra) == (3, 3)
    assert str(inspect.signature(Plain)) == "(times)"
    assert [field.name for field in dataclasses.fields(Plain)] == list(prong.RetryPolicy.__match_args__)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.retries = 4
    decorated = Decorated(3, note="some")
    assert dataclasses.replace(decorated, retries=4) == Decorated(4, note="some")
    assert [field.name for field in dataclasses.fields(Decorated)][-2:] == ["quarantine_after", "note"]
    assert [field.name for field in dataclasses.fields(prong.RetryPolicy)][-1] == "quarantine_after"


def test_compares_hashes_and_shows_its_values():
    assert prong.Exited(3) == prong.Exited(code=3)
    assert prong.Exited(3) != prong.Exited(4)
    assert prong.Exited(3) != prong.Signalled(3)
    assert len({prong.Exited(3), prong.Exited(3)}) == 1
    assert repr(prong.Signalled(9)) == "Signalled(number=9, core=False)"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_is_copied_whole(copied):
    timed_out = prong.TimedOut("wall_time", 1.5, peak=7)
    assert copied(timed_out) == timed_out


def test_cannot_be_changed():
    exited = prong.Exited(3)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'code'"):
        exited.code = 4
    with pytest.raises(AttributeError, match="cannot delete field 'code'"):
        del exited.code


@pytest.mark.parametrize(
    ("values", "named", "why"),
    [
        ((), {}, "missing a required argument: 'code'"),
        ((1, 2), {}, "too many positional arguments"),
        ((1,), {"code": 1}, "multiple values for argument 'code'"),
        ((1,), {"other": 1}, "unexpected keyword argument 'other'"),
        ((), {"other": 1}, "missing a required argument: 'code'"),
    ],
)
def test_refuses_other_values_than_its_fields(values, named, why):
    with pytest.raises(TypeError, match=why):
        prong.Exited(*values, **named)


def test_matches_by_place_and_by_name():
    match prong.TimedOut("memory", 5.0):
        case prong.TimedOut(limit, allowed=allowed):
            assert (limit, allowed) == ("memory", 5.0)


#: What takes longer to import than a pool's processes take to start.
SLOW = {"dataclasses", "inspect", "typing", "re", "enum", "pickle", "hashlib", "difflib", "subprocess", "logging"}
#: What can be imported while an interpreter starts.
LATER = {"_pickle", "functools", "collections", "importlib", "concurrent.futures"}


@pytest.mark.parametrize(
    ("kind", "first_step", "not_yet"), [("fresh", "prepare_nursery", SLOW | LATER), ("fork", "Pool", SLOW)]
)
def test_a_pool_is_started_before_anything_slow_is_imported(kind, first_step, not_yet):
    code = f"""
import sys
before = set(sys.modules)
import prong
from prong import _core
start = _core.{first_step}
def tell(*arguments, **named):
    print(*set(sys.modules) - before)
    return start(*arguments, **named)
_core.{first_step} = tell
prong.Pool(1, start={kind!r}).terminate()
"""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    loaded = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split()
    assert "prong._pool" in loaded
    assert not not_yet.intersection(loaded)
