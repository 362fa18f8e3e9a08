"""What bench/run says about a record: its goals, its bounds, and what the model predicts from its costs."""

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module


def row(label, samples, notes=(), **more):
    kind = {"system": label.split()[0], "is_limit": False, "maps_arrays": False}
    return {"label": label, "samples": samples, "notes": list(notes), **kind, **more}


def record(work, *rows):
    return {"works": [{"name": work, "title": work, "rows": list(rows)}]}


def test_goal_beside_the_best_peer(bench):
    goals = bench("harness.goals")
    rows = row("Prong", [1.0, 2.0]), row("slow", [9.0, 9.0]), row("fast", [3.0, 8.0])
    [(goal, _, measured)] = goals.reached(record("results", *rows, row("limit", [0.1, 0.1], is_limit=True)))
    assert goal.peer == goals.BEST_PEER
    assert (measured.low, measured.high) == (3.0, 4.0)


@pytest.mark.parametrize("says", [{"pickles_arrays": False}, {}], ids=["said by the record", "older record"])
def test_who_sends_bytes_without_pickling_has_a_goal_of_its_own(bench, says):
    goals = bench("harness.goals")
    peers = (
        row("loky", [20.0], pickles_arrays=True),
        row("dask.distributed", [3.0], **says),
        row("ray", [2.0], maps_arrays=True),
    )
    found = {
        goal.peer: measured.median for goal, _, measured in goals.reached(record("array", row("Prong", [1.0]), *peers))
    }
    assert found == {goals.BEST_PICKLING: 20.0, goals.BEST_SENDING: 3.0}


def test_dask_pickles_no_arrays(bench):
    systems = bench("systems.dask_distributed")
    assert not systems.Dask.pickles_arrays


def test_bound_of_a_note(bench):
    goals = bench("harness.goals")
    notes = {"overhead of a job": 250.0, "rate of the last tenth beside the first": 0.5}
    queued = record("queued", row("Prong", [1e-6], [notes]), row("pebble", [1e-6], [notes]))
    found = {bound.note: bound.met_by(measured.median) for bound, _, measured in goals.bounds_of(queued)}
    assert found == {"overhead of a job": True, "rate of the last tenth beside the first": False}


def test_a_row_without_figures_is_not_judged(bench):
    goals = bench("harness.goals")
    empty = record("queued", row("Prong", []))
    assert list(goals.bounds_of(empty)) == list(goals.reached(empty)) == []


def test_each_note_with_a_bound_belongs_to_its_work(bench):
    works = bench("works")
    for bound in bench("harness.goals").BOUNDS:
        assert bound.note is None or bound.note in works.BY_NAME[bound.work].notes


def test_each_way_has_a_row_of_its_own(bench):
    plan = bench("harness.plan")
    options = {"only": ["same-array", "multiprocessing.Pool"], "quick": True, "jobs": None}
    [work] = plan.new_record({}, options)["works"]
    assert [line["label"] for line in work["rows"]] == ["Prong given each time", "Prong shared", "multiprocessing.Pool"]


def test_model_is_limited_by_workers_then_by_the_program(bench):
    costs = bench("model.costs").Costs(
        submit=4e-6,
        dispatch=4e-6,
        collect=2e-6,
        map_each=2e-6,
        long_job=50e-6,
        around=1e-6,
        between_long=99e-6,
        worker_for_long=30e-6,
        each_byte=1e-9,
    )
    predict = bench("model.predict")
    assert predict.jobs_per_second(costs, "submit", 1, 99e-6) == pytest.approx(10_000)
    assert predict.jobs_per_second(costs, "submit", 128, 99e-6) == pytest.approx(100_000)
    assert predict.saturating_workers(costs, "submit", 99e-6) == pytest.approx(10)
    assert predict.jobs_per_second(costs, "submit", 128, 900e-6) == pytest.approx(20_000), "wake-ups count"
    assert predict.most_per_second(costs, "map", 998e-6 / 1e-9) == pytest.approx(1_000)


def test_page_keeps_what_stands_outside_the_markers(bench, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- model: written by bench/run -->\nold\n<!-- end of model -->\nafter\n")
    bench("harness.page").replace_between(page, "model", "new")
    assert page.read_text() == "before\n<!-- model: written by bench/run -->\nnew\n<!-- end of model -->\nafter\n"
    with pytest.raises(ValueError, match="no part"):
        bench("harness.page").replace_between(page, "results", "new")
