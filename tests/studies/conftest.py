"""A tiny study, executed once: what every test of the page looks at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.build import Built, build
from tests.studies.browser import Page, browse, find_chromium

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
# %% [markdown]
# # Tiny
# A lead paragraph.

# %% tags=["parameters"]
store = "default.db"

# %%
import pandas as pd
from matplotlib.figure import Figure as Drawing
from studies.display import Finding, Notice, Table, Text, figure
Notice(text="The device is simulated.", level="note")

# %% [markdown]
# ## What was measured
# Some *text*.

# %%
frame = pd.DataFrame({
    "network": ["<script>alert(1)</script>", "b"],
    "latency_s": [0.046123456, float("nan")],
    "wide": ["x" * 300, "y"],
})
Table(name="runs", caption="Runs of <b>each</b> network.", frame=frame)

# %% [markdown]
# ## Influential options

# %%
drawing = Drawing(figsize=(6, 2))
drawing.subplots().barh(["threads", "backend"], [40, 30])
figure("effects", drawing, "Main effects & their size.")

# %%
Finding(text="threads matter <i>a lot</i>", verdict="yes", about="resnet50")

# %%
Finding(text="backend", verdict="undecided")

# %%
print("the store is", store)

# %%
Text(markdown="**Bold** and <b>raw</b>.")
"""


@pytest.fixture(scope="session")
def tiny_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = tmp_path_factory.mktemp("tiny") / "tiny.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return script


@pytest.fixture(scope="session")
def tiny(tiny_script: Path) -> Built:
    return build(
        tiny_script,
        name="tiny",
        title="A tiny study & its title",
        out=tiny_script.parent,
        parameters={"store": "given.db"},
    )


def swept(folder: Path, words: str) -> Path:
    """Run a small sweep of a simulated device by the command line."""
    words = f"sweep --runs 20 --design random --store s.db {words}"
    result = subprocess.run(
        [sys.executable, "-m", "measure", *words.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode in (0, 3), result.stderr
    return folder / "s.db"


@pytest.fixture(scope="session")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep without a batch size: responses that do not trade off."""
    return swept(tmp_path_factory.mktemp("sweep"), "--device sim:effects")


@pytest.fixture(scope="session")
def batches_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of batch sizes, which trade latency for throughput."""
    options = "batch_size,gpu_freq_hz,cpu_cores"
    words = f"--device sim:tx1 --networks resnet50,mobilenetv2 --options {options}"
    return swept(tmp_path_factory.mktemp("batches"), words)


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        reason = "no chromium on PATH; apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with browse(program) as opened:
        yield opened
