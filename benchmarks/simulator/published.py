"""The simulator against published measurements of a TX1 and a TX2.

Only aggregate figures are printed. Whatever networks a table holds are judged, as
long as there is a layer table of them; nothing is fitted here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from measure.configuration import Configuration
from measure.devices.sim_board import BoardDevice
from measure.levels import Level
from measure.simulator.boards import TX1, TX2, Ladder
from measure.simulator.latency import Clocks, Precision, call_cost
from measure.simulator.power import mean_power
from measure.simulator.runtimes import (
    CAFFE,
    CAFFE_PROGRAM,
    CO_RUNNERS,
    TENSORFLOW,
    TENSORRT,
)
from measure.workloads.architectures import LAYER_TABLES, layer_table
from measure.workloads.base import Timing

# NVIDIA's white-paper set-up, measured again: Caffe with cuDNN 4, GPU at 691 MHz;
# milliseconds of one forward pass by network, batch and precision.
WHITE_PAPER: dict[tuple[str, int, Precision], float] = {
    ("alexnet", 1, "float32"): 21.9,
    ("alexnet", 1, "float16"): 15.4,
    ("alexnet", 64, "float32"): 501.2,
    ("alexnet", 64, "float16"): 252.8,
    ("alexnet", 128, "float32"): 834.2,
    ("alexnet", 128, "float16"): 496.6,
    ("vgg16", 1, "float32"): 156.1,
    ("vgg16", 1, "float16"): 104.4,
    ("vgg16", 64, "float16"): 5150.6,
}
MEDIAN_ERROR, WORST_ERROR = 0.15, 0.35
LATENCY_RANK, TX1_POWER_RANK, TX2_POWER_RANK = 0.9, 0.85, 0.8

# As the tables spell networks and programs.
NETWORKS = {
    "squeezenet_1_1": "squeezenet",
    "squeezenet_1.1": "squeezenet",
    "squeezenet_1_0": "squeezenet1_0",
    "squeezenet_1.0": "squeezenet1_0",
    "resnet": "resnet50",
    "resnet_50": "resnet50",
    "resnet_152": "resnet152",
    "mobilenet": "mobilenetv1",
    "mobilenet_v1": "mobilenetv1",
    "mobilenet_v2": "mobilenetv2",
    "inception_v3": "inceptionv3",
    "vgg": "vgg16",
}
CO_RUNNING = {
    "automotive": "bitcount",
    "consumer": "jpeg",
    "office": "stringsearch",
}
PROGRAM_BATCH = 10
"""Of the TX1 campaign: both models' files come with a batch of ten."""

Row = dict[str, Any]


def white_paper() -> list[Row]:
    """AlexNet, on which parameters were fixed, and VGG16, which is predicted."""
    clocks = replace(Clocks.maximum(TX1), gpu_hz=691_200_000)
    rows = []
    for network in dict.fromkeys(name for name, *_ in WHITE_PAPER):
        errors = []
        for (name, batch, precision), milliseconds in WHITE_PAPER.items():
            if name == network:
                cost = call_cost(
                    TX1,
                    CAFFE,
                    layer_table(network),
                    clocks,
                    batch=batch,
                    precision=precision,
                )
                errors.append(abs(1e3 * cost.latency_s / milliseconds - 1.0))
        rows.append(
            {
                "network": network,
                "role": "parameters fixed" if network == "alexnet" else "predicted",
                "figures": len(errors),
                **_errors(errors),
                "passed": bool(
                    np.median(errors) <= MEDIAN_ERROR and max(errors) <= WORST_ERROR
                ),
            }
        )
    return rows


def tx1_co_run(data: pd.DataFrame) -> Iterator[Row]:
    """GPU clock x CPU clock x program beside it, on a TX1."""
    for name, part in data.groupby("dnn"):
        network = _known(str(name))
        if network is None:
            continue
        table = layer_table(network)
        latencies, powers = [], []
        for row in part.to_dict("records"):
            clocks = replace(
                Clocks.maximum(TX1),
                cpu_hz=_nearest(TX1.cpu, row["cpu_freq_mhz"] * 1e6),
                gpu_hz=_nearest(TX1.gpu, row["gpu_freq_mhz"] * 1e6),
            )
            beside = CO_RUNNERS[CO_RUNNING[row["corunner"]]]
            cost = call_cost(
                TX1,
                CAFFE_PROGRAM,
                table,
                clocks,
                batch=PROGRAM_BATCH,
                co_runner=beside,
            )
            latencies.append(cost.latency_s)
            powers.append(mean_power(TX1, clocks, cost, co_runner=beside).total_w)
        yield _ranked(
            network,
            part["latency_s"],
            latencies,
            part["power_total_mw_mean"],
            powers,
            TX1_POWER_RANK,
        )


def tx1_measured(data: pd.DataFrame) -> Iterator[Row]:
    """The same as runs of the simulated board: set, sampled and read back by files."""
    device = BoardDevice("tx1")
    for name, part in data.groupby("dnn"):
        network = _known(str(name))
        if network is None:
            continue
        latencies, powers = [], []
        for row in part.to_dict("records"):
            levels: dict[str, Level] = {
                "cpu_freq_hz": _nearest(TX1.cpu, row["cpu_freq_mhz"] * 1e6),
                "gpu_freq_hz": _nearest(TX1.gpu, row["gpu_freq_mhz"] * 1e6),
                "co_runner": CO_RUNNING[row["corunner"]],
                "batch_size": 8,  # the level next to ten
                "load_images": True,
            }
            run = device.measure(network, "images", Configuration(levels), Timing())
            latencies.append(float(np.median(run.calls_s)) * PROGRAM_BATCH / 8)
            power = next(one.value for one in run.readings if one.name == "power_w")
            assert power is not None
            powers.append(power)
        yield _ranked(
            network,
            part["latency_s"],
            latencies,
            part["power_total_mw_mean"],
            powers,
            TX1_POWER_RANK,
        )


def tx2_frequencies(data: pd.DataFrame) -> Iterator[Row]:
    """Cores and three clocks, on a TX2; power there is a sum over its latency."""
    for (name, size), part in data.groupby(["dnn", "image_size"]):
        network = _known(str(name))
        if network is None:
            continue
        table = layer_table(network, int(str(size).partition("x")[0]))
        latencies, powers = [], []
        for row in part.to_dict("records"):
            clocks = Clocks(
                cpu_hz=1e3 * row["core_freq_khz"],
                gpu_hz=row["gpu_freq_hz"],
                emc_hz=row["emc_freq_hz"],
                cores=row["num_cores"],
            )
            cost = call_cost(TX2, TENSORFLOW, table, clocks)
            latencies.append(cost.latency_s)
            powers.append(mean_power(TX2, clocks, cost).total_w)
        published = part["power_consumption"] / part["inference_time_s"]
        yield _ranked(
            f"{network} {size}",
            part["inference_time_s"],
            latencies,
            published,
            powers,
            TX2_POWER_RANK,
        )


def caffe_batches(data: pd.DataFrame) -> Iterator[Row]:
    """Batches of 2 to 16 at the highest clocks of a TX1, in both precisions."""
    libraries: dict[str, Precision] = {
        "nvidia-cudnn": "float32",
        "nvidia-fp16-cudnn": "float16",
    }
    data = data[(data["platform"] == "jetson_tx1") & data["library"].isin(libraries)]
    for name, part in data.groupby("dnn"):
        network = _known(str(name))
        if network is None:
            continue
        times = part.groupby(["library", "batch_size"])["fw_time_ms"].median() / 1e3
        simulated = [
            call_cost(
                TX1,
                CAFFE,
                layer_table(network),
                Clocks.maximum(TX1),
                batch=int(batch),
                precision=libraries[library],
            ).latency_s
            for library, batch in times.index
        ]
        errors = np.abs(np.array(simulated) / times.to_numpy() - 1.0)
        yield {
            "network": network,
            "configurations": len(times),
            "latency rank": _rank(times, simulated),
            **_errors(errors),
            "passed": bool(
                np.median(errors) <= WORST_ERROR
                and _rank(times, simulated) >= LATENCY_RANK
            ),
        }


def tensorrt(data: pd.DataFrame) -> Iterator[Row]:
    """GPU x memory clock on a TX2 with TensorRT: where does the memory matter."""
    for name, part in data.groupby("dnn"):
        network = _known(str(name))
        if network is None:
            continue
        costs = []
        for row in part.to_dict("records"):
            clocks = replace(
                Clocks.maximum(TX2),
                gpu_hz=row["gpu_freq_hz"],
                emc_hz=row["emc_freq_hz"],
            )
            table = layer_table(network)
            costs.append(
                call_cost(TX2, TENSORRT, table, clocks, precision="float16").latency_s
            )
        rank = _rank(part["latency_ms"], costs)

        yield {
            "network": network,
            "configurations": len(part),
            "latency rank": rank,
            "memory effect, slowest GPU, points off": _gain_error(part, costs, min),
            "memory effect, fastest GPU, points off": _gain_error(part, costs, max),
            "passed": rank >= LATENCY_RANK,
        }


def image_campaign(data: pd.DataFrame) -> Iterator[Row]:
    """Cores, three clocks and nine options that the simulator does not have.

    The network is not named where the data are; a related repository by the same
    authors says that it is Xception.
    """
    board = TX1 if data["board"].iloc[0] == "jetson_tx1" else TX2
    table = layer_table("xception")
    latencies, powers = [], []
    for row in data.to_dict("records"):
        clocks = Clocks(
            cpu_hz=1e3 * row["core_freq_khz"],
            gpu_hz=row["gpu_freq_hz"],
            emc_hz=row["emc_freq_hz"],
            cores=row["num_cores"],
        )
        cost = call_cost(board, TENSORFLOW, table, clocks)
        latencies.append(cost.latency_s)
        powers.append(mean_power(board, clocks, cost).total_w)
    power = data["total_energy_consumption"] / data["inference_time_s"]
    ranked = _ranked(
        f"{board.name}, xception (probably)",
        data["inference_time_s"],
        latencies,
        power,
        powers,
        TX1_POWER_RANK,
    )
    # The times are of 5,000 images in batches of unknown size.
    del ranked["median latency error %"]
    yield ranked if board is TX1 else {**ranked, "passed": "no goal"}


TABLES: dict[str, tuple[str, Callable[[pd.DataFrame], Iterator[Row]]]] = {
    "TX1, clocks and co-running programs": (
        "jetson_tx1_corun_dvfs/jetson_tx1_corun_dvfs.csv",
        tx1_co_run,
    ),
    "TX1, the same by runs of the simulated board": (
        "jetson_tx1_corun_dvfs/jetson_tx1_corun_dvfs.csv",
        tx1_measured,
    ),
    "TX2, cores and clocks": (
        "jetson_tx2_dnn_freq/jetson_tx2_dnn_freq.csv",
        tx2_frequencies,
    ),
    "TX1, 5,000 images under hardware and kernel options": (
        "jetson_image_sysopts/jetson_tx1_image_5000_half_a.csv",
        image_campaign,
    ),
    "TX2, 5,000 images under hardware and kernel options": (
        "jetson_image_sysopts/jetson_tx2_image_5000.csv",
        image_campaign,
    ),
    "TX1, batches in Caffe": ("caffe_libs_batch/jetson_tx1.csv", caffe_batches),
    "TX2, GPU and memory clock in TensorRT": (
        "jetson_tx2_trt_dvfs/jetson_tx2_trt_dvfs.csv",
        tensorrt,
    ),
}


def published() -> Iterator[tuple[str, list[Row]]]:
    """Yield a table for each published campaign that is at hand."""
    folder = os.environ.get("PERFMODEL_DATA", "")
    for title, (name, judge) in TABLES.items():
        path = Path(folder) / name
        if not folder or not path.is_file():
            print(f"\n{title}: left out, $PERFMODEL_DATA has no {name}")
            continue
        data = pd.read_csv(path)
        rows = list(judge(data))
        if rows:
            yield title, rows


def _known(name: str) -> str | None:
    network = NETWORKS.get(name.lower(), name.lower())
    if network in LAYER_TABLES:
        return network
    print(f"\n{name}: left out, there is no layer table of it")
    return None


def _nearest(ladder: Ladder, hertz: float) -> int:
    return min(ladder.frequencies_hz, key=lambda clock: abs(clock - hertz))


def _rank(measured: Any, simulated: Any) -> float:
    return round(float(spearmanr(measured, simulated).statistic), 3)


def _errors(errors: Any) -> Row:
    return {
        "median error %": round(100 * float(np.median(errors)), 1),
        "worst error %": round(100 * float(np.max(errors)), 1),
    }


def _ranked(
    network: str,
    latency: pd.Series[Any],
    latencies: list[float],
    power: pd.Series[Any],
    powers: list[float],
    power_rank: float,
) -> Row:
    ranks = _rank(latency, latencies), _rank(power, powers)
    errors = np.abs(np.array(latencies) / latency.to_numpy() - 1.0)
    return {
        "network": network,
        "configurations": len(latency),
        "latency rank": ranks[0],
        "power rank": ranks[1],
        "median latency error %": round(100 * float(np.median(errors)), 1),
        "passed": ranks[0] >= LATENCY_RANK and ranks[1] >= power_rank,
    }


def _gain_error(
    part: pd.DataFrame, latencies: list[float], extreme: Callable[..., float]
) -> float:
    measured = _gain(part, part["latency_ms"], extreme)
    return round(_gain(part, latencies, extreme) - measured, 1)


def _gain(part: pd.DataFrame, latencies: Any, extreme: Callable[..., float]) -> float:
    """Return by how many per cent the slowest memory clock is slower."""
    gpu = part["gpu_freq_hz"].to_numpy()
    at = gpu == extreme(gpu)
    values = np.asarray(latencies)[at]
    emc = part["emc_freq_hz"].to_numpy()[at]
    return float(100 * (values[emc.argmin()] / values[emc.argmax()] - 1))
