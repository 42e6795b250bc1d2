"""Draw docs/images/*.png from a store: ``python docs/make_pictures.py STORE``."""

from __future__ import annotations

import sys
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
LIMIT_BYTES = 200_000
TERMS = 8


def effects(store: str) -> Path:
    """Draw the largest effects of each environment side by side."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    from perfmodel.plots import plot_effects
    from studies.modelled import fit_all, main_response
    from studies.report import read_data
    from studies.wording import spoken

    data, _ = read_data(store=store)
    response = main_response(data)
    models = fit_all(data, response)
    with mpl.rc_context({"font.size": 11}):
        drawing, axes = pyplot.subplots(
            1, len(models), figsize=(5.2 * len(models), 3.4), layout="constrained"
        )
        for one, ax in zip(models, axes, strict=True):
            plot_effects(
                one.influence.frame,
                ax=ax,
                most=TERMS,
                xlabel=f"effect on {spoken(response)} (%)",
            )
            error = one.model.cross_validation_.error_percent
            ax.set_title(
                f"{one.name}: {len(one.data.y)} configurations, error {error:.0f} %",
                loc="left",
                fontsize="medium",
            )
            ax.spines[["top", "right"]].set_visible(False)
        path = IMAGES / "effects.png"
        drawing.savefig(path, dpi=110, metadata={"Software": None})
    if path.stat().st_size >= LIMIT_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size} bytes; draw less")
    return path


if __name__ == "__main__":
    print(effects(sys.argv[1]))
