"""Small pictures of the figures, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.measure import Figure

_COLOURS: Final = ("#2a6f97", "#c9ada7", "#e09f3e")


def draw(
    folder: Path, figures: Sequence[Figure], growth: Mapping[str, Mapping[int, float]]
) -> None:
    """Draw requests a second, latency, and what size does; leave out what was not measured."""
    # Here, because it takes a second and a home folder, and only drawing needs it.
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "wallet", "font.size": 9})
    folder.mkdir(parents=True, exist_ok=True)
    good = [figure for figure in figures if figure.is_good]
    if good:
        _bars(folder / "rates.svg", good, "per_second", "commands a second")
        _bars(folder / "latency.svg", good, "p99_ms", "p99, ms")
    if growth:
        _lines(folder / "growth.svg", growth)


def _bars(path: Path, figures: Sequence[Figure], number: str, label: str) -> None:
    titles = list(dict.fromkeys(figure.step.title for figure in figures))
    names = list(dict.fromkeys(figure.step.target.name for figure in figures))
    values = {(f.step.target.name, f.step.title): f.numbers[number] for f in figures}
    figure, axes = _axes(height=0.6 + 0.32 * len(titles))
    thickness = 0.8 / len(names)
    for place, name in enumerate(names):
        there = [row for row, title in enumerate(titles) if (name, title) in values]
        axes.barh(
            [row + place * thickness for row in there],
            [values[name, titles[row]] for row in there],
            height=thickness,
            color=_COLOURS[place % len(_COLOURS)],
            label=name,
        )
    axes.set_yticks([row + 0.4 - thickness / 2 for row in range(len(titles))], titles)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.legend(frameon=False)
    _save(figure, path)


def _lines(path: Path, growth: Mapping[str, Mapping[int, float]]) -> None:
    figure, axes = _axes(height=3.2)
    for place, (load, by_size) in enumerate(growth.items()):
        sizes = sorted(by_size)
        ratios = [by_size[size] / by_size[sizes[0]] for size in sizes]
        axes.plot(sizes, ratios, marker="o", label=load, color=f"C{place}")
    axes.axhline(1.3, color="#999999", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("postings in the books")
    axes.set_ylabel("p50, as a multiple of the smallest")
    axes.legend(frameon=False)
    _save(figure, path)


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, height))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
