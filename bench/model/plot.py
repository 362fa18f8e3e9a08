from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .check import Checked
from .costs import Costs
from .predict import jobs_per_second, most_per_second, saturating_workers

WORKERS = range(1, 129)
LENGTHS = {"10 µs": 1e-5, "100 µs": 1e-4, "1 ms": 1e-3, "10 ms": 1e-2, "100 ms": 1e-1, "1 s": 1.0}
SIZES = [2**power for power in range(6, 29)]
FACES = {"submit": "submit, result", "map": "map, chunk 1"}


def draw(costs: Costs, checked: list[Checked], file: Path) -> None:
    matplotlib.rcParams.update({"svg.hashsalt": "prong", "font.size": 10, "axes.titlesize": 11, "svg.fonttype": "path"})
    figure = Figure(figsize=(10, 5), layout="constrained")
    by_workers, by_bytes = figure.subplots(1, 2, width_ratios=[5, 4])
    draw_workers(by_workers, costs, checked)
    draw_bytes(by_bytes, costs)
    figure.savefig(file, metadata={"Date": None})


def draw_workers(axes: Axes, costs: Costs, checked: list[Checked]) -> None:
    for name, length in LENGTHS.items():
        rates = [jobs_per_second(costs, "submit", workers, length) for workers in WORKERS]
        [line] = axes.plot(WORKERS, rates)
        label_start(axes, name, rates[0], line.get_color())
        mark_saturation(axes, costs, length, line.get_color())
    places = [(point.workers, point.measured) for point in checked]
    axes.plot(*zip(*places, strict=True), "o", mfc="none", color="black", label="measured on 2 CPUs, jobs that sleep")
    axes.plot([], [], "v", color="gray", label="the program is saturated from here on")
    axes.set(xscale="log", yscale="log", xlabel="workers, each on a CPU of its own", ylabel="jobs per second")
    axes.set(title="Predicted: submit(), by the length of a job", xlim=(0.4, 142), ylim=(0.05, 1e6))
    axes.set_xticks([2**power for power in range(8)], [str(2**power) for power in range(8)])
    axes.minorticks_off()
    finish(axes)


def label_start(axes: Axes, text: str, rate: float, color: str) -> None:
    axes.annotate(text, (1, rate), (-6, 0), textcoords="offset points", ha="right", va="center", color=color)


def mark_saturation(axes: Axes, costs: Costs, length: float, color: str) -> None:
    workers = saturating_workers(costs, "submit", length)
    if WORKERS[0] <= workers <= WORKERS[-1]:
        axes.plot(workers, jobs_per_second(costs, "submit", round(workers), length), "v", color=color)


def draw_bytes(axes: Axes, costs: Costs) -> None:
    for face, label in FACES.items():
        axes.plot(SIZES, [most_per_second(costs, face, size) for size in SIZES], label=label)
    axes.set(xscale="log", yscale="log", xlabel="new bytes given to each job", ylabel="jobs per second")
    axes.set(title="Predicted: the most one program hands out", xlim=(50, 2**28.5))
    axes.set_xticks([2**power for power in range(6, 29, 6)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: size_text(size)))
    axes.minorticks_off()
    finish(axes)


def finish(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}" if rate >= 1 else f"{rate:g}"))
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=True)


def size_text(size: float) -> str:
    for unit, factor in [("MiB", 2**20), ("KiB", 2**10)]:
        if size >= factor:
            return f"{size / factor:.0f} {unit}"
    return f"{size:.0f} B"
