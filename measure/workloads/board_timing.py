"""Times calls on a board: warm-up, a window under load, the same load around it.

Standard library only, in the syntax of Python 3.4, as all that runs on a board.
"""

import gc
import sys
import time

NO_STEADY_STATE = "no steady state"
FEW = "few calls"
"""Flags: as `measure.workloads.measuring` has them."""
FEWEST = 3
"""Calls that are measured at least, however long one takes, within the time limit."""
TEST_AGAIN = 1.5
"""Whether it is warm is tested anew when the calls have taken this much longer."""
MOST_CALLS = 20000
"""No more calls than these are told of, evenly spaced: a reply has a limit."""
MOST_POINTS = 200
"""The warm-up test takes means of calls where there are more."""
LEAST_CALLS = 5
MARGIN = 0.95
"""Of the time limit: who set it counts our end too, and allows for loading."""


class Failed(Exception):
    """Why there is nothing to tell.

    Parameters
    ----------
    reason : str
        In one line.
    final : bool
        Whether it would be so again.
    """

    def __init__(self, reason, final=True):
        Exception.__init__(self, reason)
        self.reason, self.final = reason, final


def warm_up_end(calls):
    """Return the first steady call: `measure.stability` in plain Python.

    Parameters
    ----------
    calls : list of float
        Seconds of each call; of many, means are looked at.

    Returns
    -------
    int or None
        None while there is no steady state.
    """
    size = max(1, -(-len(calls) // MOST_POINTS))
    last = len(calls) - size + 1
    points = [sum(calls[at : at + size]) / size for at in range(0, last, size)]
    best = _truncation_point(points)
    return None if best is None else best * size


def _truncation_point(points):
    """Return where the standard error of the mean of all later points is least."""
    count = len(points)
    if count < LEAST_CALLS:
        return None
    half = count // 2
    late = sorted(points[half:])
    low, high = _quantile(late, 0.25), _quantile(late, 0.75)
    limit = high + 3.0 * max(high - low, 0.01 * high)
    late = [min(value, limit) for value in points[half:]]
    steps = [after - before for before, after in zip(late, late[1:])]
    middle = _median(steps)
    noise = _median([(step - middle) ** 2 for step in steps]) / (2 * 0.4549)
    noise = max(noise, (0.005 * _median(late)) ** 2)
    total, square, errors = 0.0, 0.0, []
    for remaining, value in enumerate(reversed(points[:half] + late), 1):
        total += value
        square += value * value
        if remaining >= max(3, 0.25 * count):
            scatter = max(square - total * total / remaining, 0.0)
            errors.append((scatter + 5 * noise) / remaining**2)
    errors.reverse()
    # Rounding must not move the point: the earliest of equals is meant.
    least = min(errors) + 1e-12 * square
    best = [position for position, error in enumerate(errors) if error <= least][0]
    return best if best <= half else None


def _quantile(ordered, share):
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _median(values):
    return _quantile(sorted(values), 0.5)


class Run(object):
    """One run: warm-up, load before the window, the window, load after it.

    Parameters
    ----------
    job : dict
        ``seconds``, ``window_s``, ``lead_s``, ``min_calls``, ``quick``,
        ``warm_up_cap_s``, ``limit_s``, as `measure.devices.board_programs` has them.
    execute : callable
        Executes once, and appends the seconds of each call to a list.
    cpu_s : callable
        Returns the CPU seconds spent so far.
    tests : bool
        Whether it is tested that calls are steady.
    """

    def __init__(self, job, execute, cpu_s, tests=True):
        self.job, self.execute, self.cpu_s = job, execute, cpu_s
        self.tests = tests and not job["quick"]
        self.begin_s = time.monotonic()
        self.longest_s, self.flags = 0.0, []

    def once(self, calls):
        """Execute once.

        Parameters
        ----------
        calls : list of float
            The seconds of its calls are appended.

        Returns
        -------
        float
            How long it took.
        """
        start = time.monotonic()
        self.execute(calls)
        took = time.monotonic() - start
        self.longest_s = max(self.longest_s, took)
        return took

    def no_time(self, more):
        """Tell whether so many more executions would come too late.

        Parameters
        ----------
        more : int
            How many.

        Returns
        -------
        bool
            By the longest so far.
        """
        spent = time.monotonic() - self.begin_s
        return spent + more * self.longest_s > MARGIN * self.job["limit_s"]

    def warm_up(self):
        """Execute until calls are steady, or for long enough.

        Returns
        -------
        list of float
            Seconds of each call.
        """
        calls = []
        self.once(calls)
        if not self.tests:
            return calls
        spent, test_s, cap_s = 0.0, self.job["seconds"], self.job["warm_up_cap_s"]
        while True:
            while spent < test_s or len(calls) < LEAST_CALLS:
                if spent >= cap_s or self.no_time(4):
                    break
                spent += self.once(calls)
            if warm_up_end(calls) is not None:
                return calls
            if spent >= cap_s or self.no_time(4):
                self.flags.append(NO_STEADY_STATE)
                return calls
            test_s = max(test_s, spent) * TEST_AGAIN

    def lead(self):
        """Be under load for a while that is not measured."""
        start = time.monotonic()
        while time.monotonic() - start < self.job["lead_s"] and not self.no_time(2):
            self.once([])

    def measured(self):
        """Return the calls of the window, and all that is told of it.

        Returns
        -------
        dict
            As `document` has it.
        """
        job, calls, count = self.job, [], 0
        need_s = max(job["seconds"], job["window_s"])
        cpu_s, start = self.cpu_s(), time.monotonic()
        while True:
            self.once(calls)
            stop, count = time.monotonic(), count + 1
            spent, few = stop - start, len(calls) < job["min_calls"]
            if spent >= need_s and not few:
                break
            slow = count >= FEWEST and spent >= count * job["seconds"]
            if self.no_time(1) or (slow and few and spent >= job["window_s"]):
                self.flags.append(FEW)
                break
        return self.document(calls, start, stop, self.cpu_s() - cpu_s)

    def document(self, calls, start, stop, cpu_s):
        """Return calls and their window as plain data.

        Parameters
        ----------
        calls : list of float
            Seconds of each.
        start, stop : float
            Of the window.
        cpu_s : float
            Spent in it.

        Returns
        -------
        dict
            For `measure.devices.board_programs.calls_of`.
        """
        return {
            "calls_s": _thinned(calls),
            "window": [start, stop],
            "window_calls": len(calls),
            "cpu_time_s": cpu_s / len(calls),
        }

    def told(self):
        """Return what there is to tell.

        Returns
        -------
        dict
            Calls, warm-up, window, flags.
        """
        cpu_s, start = self.cpu_s(), time.monotonic()
        warm = self.warm_up()
        if self.no_time(1):
            # It is so slow that there will be no second time: this one has to do.
            self.flags = [NO_STEADY_STATE, FEW]
            cpu_s = self.cpu_s() - cpu_s
            found = self.document(warm, start, time.monotonic(), cpu_s)
            warm = []
        else:
            gc.disable()
            self.lead()
            found = self.measured()
            self.lead()
        found["warm_up_s"] = _thinned(warm)
        found["flags"] = self.flags
        return found


def _thinned(calls):
    """Return as many calls as a reply has room for, evenly spaced."""
    step = max(1.0, len(calls) / float(MOST_CALLS))
    count = min(len(calls), MOST_CALLS)
    return [float("%.7g" % calls[int(number * step)]) for number in range(count)]


def timed(call):
    """Return what executes a call and adds how long it took.

    Parameters
    ----------
    call : callable
        Runs one batch.

    Returns
    -------
    callable
        Takes the list that is added to.
    """

    def execute(calls):
        start = time.monotonic()
        call()
        calls.append(time.monotonic() - start)

    return execute


def python_version():
    """Return the version of what runs us.

    Returns
    -------
    str
        Of Python.
    """
    return "%d.%d.%d" % sys.version_info[:3]
