"""What came out, as tables in Markdown and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

NAMES = {"ours": "ours", "pyoptex": "pyoptex", "oapackage": "OApackage"}
NAMES |= {"pydoe": "pydoe", "algdesign": "AlgDesign", "skpr": "skpr", "dexpy": "dexpy"}
MARKS = {"pyoptex": "s", "oapackage": "^", "pydoe": "v"}
HEADING = "## What came out\n"

Row = Mapping[str, Any]


def tables(problems: Mapping[str, Any], rows: Sequence[Row], machine: str) -> str:
    """Return the tables: programs by problem, shares of the bound, 321 columns."""
    live = [name for name in MARKS if any(row["program"] == name for row in rows)]
    heads = ["problem", "goal", "ours", *(NAMES[name] for name in live), "best stored"]
    lines = [
        machine,
        "",
        "| " + " | ".join(heads) + " |",
        "|---" * len(heads) + "|",
    ]
    for key, problem in problems.items():
        own = [row for row in rows if row.get("problem") == key]
        if not own:
            continue
        cells = [key, _short(problem["goal_within_4_cpu_s"])]
        cells += [_range(own, name) for name in ("ours", *live)]
        lines.append("| " + " | ".join([*cells, _stored(problem["peers"])]) + " |")
    large = [row for row in rows if row.get("problem") == "large"]
    if large:
        spent = max(row["cpu_s"] for row in large)
        lines += [
            "",
            "15 two-level and 5 three-level options with all interactions, 321 "
            f"columns, 331 runs: {_range(large, 'ours')} in {spent:.0f} CPU s.",
        ]
    bounds = [row for row in rows if "bound" in row]
    if bounds:
        heads = ["problem", "runs", "ours", "bound", "share of the bound"]
        lines += ["", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for row in bounds:
            cells = [
                row["problem"].split()[0],
                f"{row['runs']} ({row['columns']} columns)",
                _short(row["d_efficiency"]),
                f"{_short(row['bound'])} ({row['bound_kind']})",
                f"{100 * row['share']:.1f} %",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    return f"{value:.5f}".removeprefix("0")


def _range(rows: Sequence[Row], program: str) -> str:
    own = [row for row in rows if row["program"] == program]
    values = [row["d_efficiency"] for row in own if "d_efficiency" in row]
    if not values:
        return "failed" if own else ""
    low, high = _short(min(values)), _short(max(values))
    return low if low == high else f"{low} - {high}"


def _stored(peers: Mapping[str, Any]) -> str:
    if not peers:
        return ""
    name = max(peers, key=lambda each: float(peers[each]["d_efficiency"]))
    first = name.split("_")[0]
    value, spent = peers[name]["d_efficiency"], peers[name]["cpu_s"]
    return f"{_short(value)} {NAMES.get(first, first)}, {spent:.2g} s"


def write_readme(path: Path, text: str, picture: str) -> None:
    """Put tables and a picture in the place of those that a README had."""
    before, found, _ = path.read_text().partition(HEADING)
    if not found:
        raise ValueError(f"{path} has no heading {HEADING.strip()!r}")
    shown = f"![Efficiency against CPU time, a panel a problem]({picture})\n"
    path.write_text(f"{before}{HEADING}\n{text}\n{shown}")


def draw(problems: Mapping[str, Any], rows: Sequence[Row], path: Path) -> None:
    """Draw efficiency against CPU time, a panel a problem."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    keys = [key for key in problems if any(row.get("problem") == key for row in rows)]
    height = -(-len(keys) // 3)
    size = (12, 0.6 + 2.8 * height)
    figure, axes = plt.subplots(height, 3, figsize=size, layout="constrained")
    for ax in axes.flat[len(keys) :]:
        ax.axis("off")
    for ax, key in zip(axes.flat, keys, strict=False):
        for row in (row for row in rows if row.get("problem") == key):
            if "curve" in row:
                # The best so far holds until the end.
                x, y = zip(*row["curve"], strict=True)
                ax.step(x, y, where="post", color="#0072B2", lw=1)
                ax.plot(x[-1], y[-1], ".", color="#0072B2", ms=4)
            elif row["program"] in MARKS and "d_efficiency" in row:
                mark = MARKS[row["program"]]
                ax.plot(row["cpu_s"], row["d_efficiency"], mark, color="#D55E00")
        for stored in problems[key]["peers"].values():
            if stored["d_efficiency"] > 0.9 * problems[key]["goal_within_4_cpu_s"]:
                ax.plot(
                    stored["cpu_s"], stored["d_efficiency"], "x", color="#777777", ms=5
                )
        title = shorten(f"{key}: {problems[key]['what']}", 48, placeholder=" ..")
        ax.set_title(title, fontsize=8)
        ax.set_xscale("log")
        ax.set_xlabel("CPU s, one thread", fontsize=8)
        ax.set_ylabel("D-efficiency", fontsize=8)
    lines = [Line2D([], [], color="#0072B2", label="ours, a line a seed")]
    for name, mark in MARKS.items():
        lines.append(
            Line2D([], [], color="#D55E00", marker=mark, ls="", label=NAMES[name])
        )
    lines.append(
        Line2D([], [], color="#777777", marker="x", ls="", label="stored figures")
    )
    figure.legend(handles=lines, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)
