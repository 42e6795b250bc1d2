"""Guesses about an outsider's columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfmodel.columns import guess_roles, suggest_command

MEASURED = ["1.1", "2.3", "3.2", "4.7", "5.1", "6.9", "7.3", "8.8"]


def test_places_options_and_measured_numbers_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        {
            "id": [f"run{i}" for i in range(48)],
            "device": ["tx1", "tx2"] * 24,
            "threads": ["1", "2", "4"] * 16,
            "mode": ["fast", "slow"] * 24,
            "latency": [f"{value:.4f}" for value in rng.lognormal(size=48)],
        }
    )
    assert guess_roles(cells) == {
        "options": ["threads", "mode"],
        "response": ["latency"],
        "environment": ["device"],
    }


def test_without_a_measured_number_the_last_number_is_the_response() -> None:
    cells = pd.DataFrame({"a": ["1", "2"] * 4, "b": list("12345678")})
    assert guess_roles(cells)["response"] == ["b"]


def test_empty_columns_are_nothing() -> None:
    cells = pd.DataFrame({"a": ["1", "2"], "empty": ["", ""], "y": ["0.1", "0.2"]})
    roles = guess_roles(cells)
    assert "empty" not in [name for names in roles.values() for name in names]


def test_a_command_is_quoted_for_a_shell() -> None:
    cells = pd.DataFrame({"a b": [1, 2, 1, 2], "y": [0.1, 0.2, 0.3, 0.4]})
    command = suggest_command("my data.csv", cells)
    assert "--data 'my data.csv' --options 'a b' --response y" in command


def test_what_cannot_be_guessed_is_left_to_the_reader() -> None:
    cells = pd.DataFrame({"note": ["x", "x"]})
    assert "--options NAME,.. --response NAME" in suggest_command("t.csv", cells)


def test_a_misspelt_response_is_the_column_most_like_it() -> None:
    cells = pd.DataFrame(
        {"a": ["1", "2"] * 4, "time_s": ["1.5", "2.5"] * 4, "size_mb": MEASURED}
    )
    assert suggest_command("t.csv", cells, response=["tme_s"]) == (
        "python -m perfmodel fit --data t.csv --options a --response time_s"
    )
    assert suggest_command("t.csv", cells, ["A"], ["tim_s", "size_mb"]) == (
        "python -m perfmodel fit --data t.csv --options a --response time_s,size_mb"
    )
    assert suggest_command("t.csv", cells, response=["zzz"]).endswith("size_mb")


def test_a_misspelt_number_makes_no_other_column_the_response() -> None:
    cells = pd.DataFrame(
        {"a": ["1", "2"] * 8, "n": ["3", "4"] * 8, "time_s": [*MEASURED, *MEASURED]}
    )
    cells.loc[3, "time_s"] = "1.O4"
    assert guess_roles(cells)["response"] == ["time_s"]
