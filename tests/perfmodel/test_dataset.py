"""Performance data from tables, frames and stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace, Option
from perfmodel.dataset import PerformanceDataset, infer_space
from perfmodel.errors import DataError, SelectionError


@pytest.fixture
def frame() -> pd.DataFrame:
    """Two networks, two options, two responses."""
    rows = [
        (network, threads, backend, 10.0 / threads + i, 5.0 * threads)
        for i, network in enumerate(["resnet50", "mobilenetv2"])
        for threads in (1, 2, 4)
        for backend in ("graph", "xla")
    ]
    return pd.DataFrame(
        rows, columns=["network", "threads", "backend", "latency_s", "energy_j"]
    )


def dataset(frame: pd.DataFrame, **changes: Any) -> PerformanceDataset:
    """Take the fixture's frame."""
    arguments: dict[str, Any] = {
        "options": ["threads", "backend"],
        "response": {"latency_s": "s", "energy_j": "J"},
        "environment": ["network"],
    }
    return PerformanceDataset.from_frame(frame, **{**arguments, **changes})


def write(tmp_path: Path, text: str) -> Path:
    """Write a table."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def test_the_space_is_what_the_columns_show(frame: pd.DataFrame) -> None:
    frame["flag"] = ["True", "false"] * 6
    space = infer_space(frame[["threads", "backend", "flag"]])
    assert [(o.kind, o.levels) for o in space.options] == [
        ("numeric", (1, 2, 4)),
        ("categorical", ("graph", "xla")),
        ("boolean", (False, True)),
    ]


def test_one_environment_and_one_response_give_X_and_y(frame: pd.DataFrame) -> None:
    data = dataset(frame).for_response("latency_s").select(network="resnet50")
    assert list(data.X.columns) == ["threads", "backend"]
    np.testing.assert_allclose(data.y, [10, 10, 5, 5, 2.5, 2.5])
    assert (data.response, data.unit) == ("latency_s", "s")


def test_several_environments_or_responses_are_listed(frame: pd.DataFrame) -> None:
    data = dataset(frame)
    with pytest.raises(SelectionError, match="2 responses: latency_s, energy_j"):
        data.X
    with pytest.raises(
        SelectionError, match="network=resnet50; network=mobilenetv2; choose one"
    ):
        data.for_response("energy_j").y


def test_replicates_are_averaged_and_counted(frame: pd.DataFrame) -> None:
    again = frame.assign(latency_s=frame["latency_s"] + 2)
    data = dataset(pd.concat([frame, again]), response="latency_s")
    data = data.select(network="resnet50")
    np.testing.assert_allclose(data.y, [11, 11, 6, 6, 3.5, 3.5])
    assert data.replicates.tolist() == [2] * 6
    assert data.counted == ("12 runs of 6 configurations: repeats are averaged",)


def test_missing_responses_are_dropped_and_counted(frame: pd.DataFrame) -> None:
    frame.loc[[0, 1], "latency_s"] = np.nan
    data = dataset(frame, response="latency_s").select(network="resnet50")
    assert len(data.X) == len(data.y) == 4
    assert data.counted == ("2 of 6 runs have no latency_s and are left out",)


def test_a_response_that_is_missing_everywhere_is_an_error(frame: pd.DataFrame) -> None:
    data = dataset(frame.assign(latency_s=np.nan), response="latency_s")
    with pytest.raises(DataError, match="'latency_s' is missing in all 6 runs of net"):
        data.select(network="resnet50").y


def test_an_infinite_response_is_an_error_that_names_its_row(
    frame: pd.DataFrame,
) -> None:
    frame.loc[8, "latency_s"] = np.inf
    data = dataset(frame, response="latency_s")
    with pytest.raises(DataError, match="row 9, column 'latency_s'"):
        data.select(network="mobilenetv2").X


def test_an_option_that_an_environment_lacks_leaves_its_space(
    frame: pd.DataFrame,
) -> None:
    frame.loc[frame["network"] == "resnet50", "backend"] = None
    data = dataset(frame, response="latency_s")
    assert data.select(network="resnet50").space.names == ("threads",)
    assert data.select(network="resnet50").options == ("threads",)
    assert data.select(network="mobilenetv2").space.names == ("threads", "backend")


def test_a_run_without_a_level_is_left_out_and_counted(frame: pd.DataFrame) -> None:
    frame.loc[0, "backend"] = None
    data = dataset(frame, response="latency_s").select(network="resnet50")
    assert data.counted == ("1 of 6 runs lacks the level of an option and is left out",)


def test_a_constant_option_is_kept_as_a_column_and_does_not_vary(
    frame: pd.DataFrame,
) -> None:
    data = dataset(frame.assign(backend="xla"), response="latency_s")
    assert data.options == ("threads", "backend")
    assert data.space.names == ("threads",)


def test_options_that_never_vary_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no option varies: backend"):
        dataset(frame.assign(backend="xla"), options=["backend"])


def test_a_few_words_in_a_column_of_numbers_are_an_error() -> None:
    column: list[object] = [1, 2, 4, 8] * 10
    column[17] = "8x"
    table = pd.DataFrame({"threads": column, "y": np.arange(40.0)})
    with pytest.raises(DataError, match="row 18, column 'threads': '8x' is text"):
        PerformanceDataset.from_frame(table, options=["threads"], response="y")


def test_text_in_a_response_is_an_error_that_names_the_cell(
    frame: pd.DataFrame,
) -> None:
    slow = frame.astype({"latency_s": object})
    slow.loc[3, "latency_s"] = "slow"
    with pytest.raises(DataError, match="row 4, column 'latency_s': 'slow'"):
        dataset(slow)


def test_a_level_that_the_space_lacks_is_an_error(frame: pd.DataFrame) -> None:
    space = ConfigurationSpace(
        [
            Option(name="threads", levels=(1, 2)),
            Option(name="backend", levels=("graph", "xla")),
        ]
    )
    with pytest.raises(DataError, match="row 5: option 'threads' has no level 4"):
        dataset(frame, space=space)


def test_of_a_space_only_the_named_options_are_taken(frame: pd.DataFrame) -> None:
    space = ConfigurationSpace(
        [
            Option(name="threads", levels=(1, 2, 4, 8)),
            Option(name="cores", levels=(1, 2)),
        ]
    )
    data = dataset(frame, space=space)
    assert data.space.names == ("threads", "backend")
    assert data.space.options["threads"].levels == (1, 2, 4, 8)


def test_options_of_a_csv_narrow_its_space(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,y\n1,x,1.5\n2,x,2.5\n2,y,3.5\n")
    space = infer_space(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}))
    data = PerformanceDataset.from_csv(path, options=["a"], response="y", space=space)
    assert data.options == data.space.names == ("a",)
    assert data.space.options["a"].levels == (1, 2, 3)
    assert data.y.tolist() == [1.5, 3.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ["cores"]}, r"no column 'cores' \(option\); the columns are net"),
        ({"response": "time"}, r"no column 'time' \(response\)"),
        ({"options": []}, "the data need options; the columns are network, threads"),
        ({"response": "threads"}, "'threads' is said to be option and response"),
    ],
)
def test_columns_that_are_not_there_are_named(
    frame: pd.DataFrame, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        dataset(frame, **changes)


def test_a_table_without_rows_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="the table has no rows"):
        dataset(frame.iloc[:0])


def test_selecting_what_is_not_there_lists_what_is(frame: pd.DataFrame) -> None:
    data = dataset(frame)
    with pytest.raises(SelectionError, match="network has no 'vgg'; choose one of res"):
        data.select(network="vgg")
    with pytest.raises(SelectionError, match="no environment column 'device'"):
        data.select(device="tx1")
    with pytest.raises(SelectionError, match="no response 'power_w'; choose one of"):
        data.for_response("power_w")


def test_an_outsiders_csv_is_read_by_names(tmp_path: Path) -> None:
    path = write(tmp_path, "net,a,b,y\nr,1,None,1.5\nr,2,NA,2.5\nm,1,,3\nm,2,NA,\n")
    data = PerformanceDataset.from_csv(
        path, options=["a", "b"], response="y", environment=["net"]
    )
    assert data.space.options["b"].levels == ("NA", "None")
    assert data.environments() == [{"net": "r"}, {"net": "m"}]
    assert data.select(net="r").y.tolist() == [1.5, 2.5]


def test_an_outsiders_csv_that_nobody_describes_gets_a_command(tmp_path: Path) -> None:
    path = write(tmp_path, "net,a,y\nr,1,1.5\nr,2,2.5\nm,1,3.25\nm,2,4.0\n")
    with pytest.raises(DataError) as caught:
        PerformanceDataset.from_csv(path)
    assert "the columns are net, a, y" in str(caught.value)
    assert f"python -m perfmodel fit --data {path} --options" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_exchange_table_describes_itself(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    from measure.table import Table, write_table

    table = Table(
        frame=frame.assign(run_id="x"),
        space=infer_space(frame[["threads", "backend"]]),
        responses={"latency_s": "s", "energy_j": "J"},
        environment=("network",),
        meta=("run_id",),
    )
    write_table(table, tmp_path / "T.csv")
    data = PerformanceDataset.from_csv(tmp_path / "T.csv")
    assert data.space == table.space
    assert data.responses == {"latency_s": "s", "energy_j": "J"}
    assert data.meta == ("run_id",)
    assert len(data.environments()) == 2


def test_taking_rows_keeps_the_space(frame: pd.DataFrame) -> None:
    data = dataset(frame, response="latency_s").select(network="resnet50")
    part = data.take([0, 1])
    assert part.space == data.space
    assert len(part.y) == 2


@pytest.mark.published_data
def test_a_published_factorial_is_read_whole(published_data: Path) -> None:
    path = published_data / "jetson_tx2_dnn_freq" / "jetson_tx2_dnn_freq.csv"
    data = PerformanceDataset.from_csv(
        path,
        options=["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"],
        response=["inference_time_s", "power_consumption"],
        environment=["dnn", "image_size"],
    )
    assert len(data.environments()) == 4
    assert data.space.size() == 768
    one = data.select(dnn="xception", image_size="600x600")
    assert len(one.for_response("inference_time_s").y) == 768
