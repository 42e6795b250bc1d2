"""The words of a command, and the options that they name."""

from __future__ import annotations

import pytest

from measure.devices.base import OptionOffer
from measure.devices.command_line import (
    CommandLine,
    CommandOptions,
    require_command,
)
from measure.errors import WorkloadError
from measure.options import Option
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "batch": {"kind": "numeric", "levels": [1, 8]},
            "flag": {"kind": "boolean"},
        },
        "forbid": [{"batch": 8, "flag": True}],
    }
)


def test_words_are_split_as_a_shell_would_and_no_further() -> None:
    line = CommandLine(text="bench 'a b' \"$HOME\" x\\ y; ls > f {batch} --b={batch}")
    assert line.argv({"batch": 8.0, "other": 1}) == [
        "bench",
        "a b",
        "$HOME",
        "x y;",
        "ls",
        ">",
        "f",
        "8",
        "--b=8",
    ]


def test_a_level_is_one_word_whatever_is_in_it() -> None:
    line = CommandLine(text="bench --how {how} {flag}")
    words = line.argv({"how": "a b; rm -rf $(x) {flag}", "flag": True})
    assert words == ["bench", "--how", "a b; rm -rf $(x) {flag}", "true"]


def test_doubled_braces_are_braces() -> None:
    line = CommandLine(text="awk '{{print}} {n} { print $1 }'")
    assert line.names == ("n",)
    assert line.argv({"n": 1}) == ["awk", "{print} 1 { print $1 }"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("bench 'open", "no closing quotation"),
        ("bench {}", "names no option"),
        ("{program} -n 1", "program itself"),
    ],
)
def test_a_command_that_cannot_be_is_refused(text: str, reason: str) -> None:
    with pytest.raises(WorkloadError, match=reason):
        CommandLine(text=text)


@pytest.mark.parametrize(
    ("pattern", "good"),
    [
        ("took ([0-9.]+) s", True),
        (r"(mean|median): (?P<ms>\S+)", True),
        ("took [0-9.]+ s", False),
        (r"(\S+) (\S+)", False),
        ("took (", False),
    ],
)
def test_a_pattern_has_one_group_that_finds_the_latency(
    pattern: str, good: bool
) -> None:
    if good:
        assert CommandLine(text="bench", pattern=pattern).pattern == pattern
        return
    with pytest.raises(WorkloadError, match="--latency-pattern"):
        CommandLine(text="bench", pattern=pattern)


def test_options_are_those_that_the_words_name() -> None:
    line = CommandLine(text="bench {flag} {batch} {threads}")
    known = {"threads": OptionOffer(option=Option(name="threads", levels=(1, 2)))}
    options = CommandOptions(command=line, space=SPACE, known=known)
    options.check()
    assert list(options.offers) == ["flag", "batch", "threads"]
    assert options.offers["threads"].levels == (1, 2)
    assert options.forbidden(["batch", "flag"]) == SPACE.forbid
    assert options.forbidden(["batch"]) == ()


def test_an_option_that_no_one_sets_is_an_error() -> None:
    options = CommandOptions(command=CommandLine(text="bench {batch}"), space=SPACE)
    with pytest.raises(WorkloadError, match="'flag' is set by no one"):
        options.check()
    options.check(set_by_device=["flag"])


def test_a_name_without_an_option_is_an_error() -> None:
    options = CommandOptions(command=CommandLine(text="bench {size}"))
    with pytest.raises(WorkloadError, match="{size} names no option"):
        options.check()
    options.check(set_by_device=["size"])


def test_a_name_without_a_level_has_the_default_or_is_an_error() -> None:
    known = {"n": OptionOffer(option=Option(name="n", levels=(1, 2), default=2))}
    line = CommandLine(text="bench {n} {batch}")
    options = CommandOptions(command=line, space=SPACE, known=known)
    assert options.argv({"batch": 8}) == ["bench", "2", "8"]
    assert options.argv({"batch": 8, "n": 1}) == ["bench", "1", "8"]
    with pytest.raises(WorkloadError, match="--set batch=LEVEL"):
        options.argv({"n": 1})


def test_a_default_batch_size_is_that_of_the_words() -> None:
    batch = {"kind": "numeric", "levels": [1, 8], "default": 8}
    space = ConfigurationSpace.from_dict({"options": {"batch_size": batch}})
    line = CommandLine(text="bench {batch_size}")
    options = CommandOptions(command=line, space=space)
    job = options.job({})
    assert (job["argv"], job["batch_size"]) == (["bench", "8"], 8)
    assert options.job({"batch_size": 1})["batch_size"] == 1


def test_a_command_is_the_only_network() -> None:
    require_command("command", "own")
    with pytest.raises(WorkloadError, match="one network, command"):
        require_command("resnet50", "images")
