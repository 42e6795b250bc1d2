"""Runs one network, or one command, on a board, and tells the time of each call.

Started by the agent with a job as JSON; prints one line of JSON. The calls that count
lie in a window, on the clock of the agent's power samples.

Standard library only, beside the board's own TensorFlow or TFLite runtime, which are
imported inside functions; in the syntax of Python 3.4, as the agent is.
"""

import importlib
import json
import os
import signal
import sys
import time

from measure.workloads.board_timing import Failed, Run, python_version, timed
from measure.workloads.command import end_with_parent, find_program, run_command

NOT_FINITE = "output is not finite"
"""Flag: as `measure.workloads.measuring` has it."""

INTERPRETERS = (
    ("tflite_runtime.interpreter", "Interpreter"),
    ("ai_edge_litert.interpreter", "Interpreter"),
    ("tensorflow", "lite.Interpreter"),
    ("tensorflow", "contrib.lite.Interpreter"),
)
"""Where a board may have what runs TFLite files, the leanest first."""


def run_tflite(job):
    """Measure a TFLite file."""
    import numpy

    name, version, interpreter_of = find_interpreter()
    before = _tasks()
    data = numpy.load(job["inputs"], allow_pickle=False)
    interpreter = _interpreter(interpreter_of, job, name)
    source = _only(interpreter.get_input_details(), "input")
    target = _only(interpreter.get_output_details(), "output")
    if [int(n) for n in source["shape"]] != list(data.shape):
        _resize(interpreter, source, list(data.shape))
    try:
        interpreter.allocate_tensors()
        loaded = _tasks() - before
        interpreter.set_tensor(source["index"], data)
        found = Run(job, timed(interpreter.invoke), time.process_time).told()
    except (ValueError, RuntimeError, TypeError) as error:
        raise Failed("%s %s cannot run it: %s" % (name, version, _one_line(error)))
    _check_finite(interpreter.get_tensor(target["index"]), found)
    shape = interpreter.get_input_details()[0]["shape"]
    types = set(str(numpy.dtype(d["dtype"])) for d in _details(interpreter))
    pool = loaded if _has_own_pool(interpreter) else 0
    threads, how = _pool(_tasks() - before, job.get("threads"), pool)
    found["batch_size"] = int(shape[0]) if len(shape) else 1
    _read_back(
        found,
        job,
        backend=("tflite", "the runtime that loaded it"),
        batch_size=(found["batch_size"], "first dimension of the input"),
        threads=(threads, how),
        precision=(
            "int8_dynamic" if "int8" in types else "float32",
            "types in the file",
        ),
    )
    return found


def find_interpreter():
    """Return the name, version and class of what runs TFLite files here."""
    for module, path in INTERPRETERS:
        try:
            found = package = importlib.import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            continue
        top = module.partition(".")[0]
        package = sys.modules.get(top, package)
        return top, str(getattr(package, "__version__", "unknown")), found
    raise Failed(
        "this board has no TFLite runtime for %s; install tflite-runtime or TensorFlow "
        "for it" % sys.executable
    )


def _interpreter(interpreter_of, job, name):
    words = {"model_path": job["model"]}
    if job.get("threads") is not None:
        words["num_threads"] = int(job["threads"])
    try:
        return interpreter_of(**words)
    except TypeError:
        raise Failed("the %s of this board cannot set threads: leave it out" % name)
    except (ValueError, RuntimeError) as error:
        raise Failed("%s cannot load the model: %s" % (name, _one_line(error)))


def _resize(interpreter, source, shape):
    was = [int(n) for n in source["shape"]]
    try:
        interpreter.resize_tensor_input(source["index"], shape)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise Failed(
            "the model's input of %s cannot be resized to %s: %s"
            % (was, shape, _one_line(error))
        )


def _details(interpreter):
    try:
        return interpreter.get_tensor_details()
    except (ValueError, RuntimeError):
        return []


def _only(found, what):
    if len(found) != 1:
        raise Failed("it has %d %ss; one can be measured" % (len(found), what))
    return found[0]


def _has_own_pool(interpreter):
    """Tell whether threads that came with the interpreter are those of one pool.

    A delegate such as XNNPACK makes its pool when it takes operations over; all other
    kernels make theirs when they first compute. TensorFlow's own operations bring more.
    """
    try:
        names = [str(one["op_name"]) for one in interpreter._get_ops_details()]
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return False
    return "DELEGATE" in names and not any(name.startswith("Flex") for name in names)


def _pool(added, asked, loaded=0):
    """Return the size of the thread pool, as far as the process shows it, and how.

    A pool has one thread fewer than compute: whoever calls it computes too. What is
    `loaded` is known to be of one pool; what else was `added` may be of several, and
    may be fewer than were asked for where there was too little to share.
    """
    if loaded:
        return loaded + 1, "threads that the runtime made when it loaded the model"
    if asked == 1 and added == 0:
        return 1, "threads of the process"
    if not added:
        return None, "no thread of its own was seen: it may be too small to share"
    if added + 1 == asked:
        return asked, "threads of the process"
    return None, "the process does not show which of its threads compute"


def _read_back(found, job, **observed):
    """Tell what was seen of each option; refuse a level that is not what was asked."""
    found["read_back"] = dict((name, one[0]) for name, one in observed.items())
    found["read_back_reason"] = dict((name, one[1]) for name, one in observed.items())
    for name, asked in sorted(job.get("asked", {}).items()):
        value, how = observed.get(name, (None, ""))
        if value is not None and value != asked:
            raise Failed(
                "%s: %s was set and %s read back (%s); the run does not count"
                % (name, asked, value, how)
            )


def _tasks():
    return len(os.listdir("/proc/self/task"))


def _check_finite(output, found):
    import numpy

    if not numpy.isfinite(numpy.asarray(output, dtype=float)).all():
        found["flags"].append(NOT_FINITE)


def run_graph(job):
    """Measure a frozen graph with the board's own TensorFlow."""
    import numpy

    tf, v1 = _tensorflow()
    data = numpy.load(job["inputs"], allow_pickle=False)
    definition = v1.GraphDef()
    with open(job["model"], "rb") as file:
        definition.ParseFromString(file.read())
    missing = lacking(definition, registered())
    if missing:
        raise Failed(
            "TensorFlow %s of this board has no %s"
            % (tf.__version__, "; ".join(missing))
        )
    source, target = ends(definition)
    source, target = job.get("input") or source, job.get("output") or target
    config = v1.ConfigProto()
    if job.get("threads") is not None:
        config.intra_op_parallelism_threads = int(job["threads"])
        config.inter_op_parallelism_threads = 1
    config.gpu_options.allow_growth = True
    graph = v1.Graph()
    try:
        with graph.as_default():
            v1.import_graph_def(definition, name="")
        session = v1.Session(graph=graph, config=config)
        call = session.make_callable(target, feed_list=[source])
        output = []

        def once():
            output[:] = [call(data)]

        found = Run(job, timed(once), time.process_time).told()
    except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
        raise Failed(
            "TensorFlow %s of this board cannot run it: %s"
            % (tf.__version__, _one_line(error))
        )
    _check_finite(output[0], found)
    found["batch_size"] = int(output[0].shape[0])
    kinds = sorted(set(str(d.device_type) for d in session.list_devices()))
    devices = ", ".join(kind for kind in kinds if "XLA" not in kind)
    _read_back(
        found,
        job,
        backend=("graph", "the runtime that loaded it, which has %s" % devices),
        batch_size=(found["batch_size"], "first dimension of the output"),
        threads=(None, "TensorFlow does not tell which of its threads compute"),
        precision=("float32", "the only one that a graph is made for"),
    )
    return found


def _tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        tf = importlib.import_module("tensorflow")
    except ImportError:
        raise Failed("this board has no TensorFlow for %s" % sys.executable)
    compat = getattr(tf, "compat", None)
    return tf, getattr(compat, "v1", tf)


def registered():
    """Return the attributes of each operation that TensorFlow knows here."""
    from tensorflow.python.framework import op_def_registry

    if hasattr(op_def_registry, "get"):
        known = op_def_registry.get
    else:
        known = op_def_registry.get_registered_ops().get

    def attributes(operation):
        found = known(operation)
        return None if found is None else set(one.name for one in found.attr)

    return attributes


def lacking(definition, attributes):
    """Name each operation and attribute of a graph that TensorFlow lacks here."""
    missing = set()
    nodes = list(definition.node)
    own = set()
    for function in definition.library.function:
        own.add(function.signature.name)
        nodes.extend(function.node_def)
    for node in nodes:
        if node.op in own:
            continue
        known = attributes(node.op)
        if known is None:
            missing.add("operation %s" % node.op)
            continue
        for name in node.attr:
            if not name.startswith("_") and name not in known:
                missing.add("attribute %s of %s" % (name, node.op))
    return sorted(missing)


def ends(definition):
    """Return the names of a graph's input and output."""
    used = set()
    for node in definition.node:
        for name in node.input:
            used.add(name.lstrip("^").partition(":")[0])
    sources = [node.name for node in definition.node if node.op == "Placeholder"]
    sinks = [node.name for node in definition.node if node.name not in used]
    sinks = [name for name in sinks if name not in sources]
    if len(sources) != 1 or len(sinks) != 1:
        raise Failed(
            "the graph has the inputs %s and the outputs %s; one of each can be "
            "measured" % (sorted(sources), sorted(sinks))
        )
    return sources[0] + ":0", sinks[0] + ":0"


def tell_versions(job):
    """Tell what runs networks here, by the backend that is asked for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    found = {"python": python_version()}
    if job.get("backend") == "graph":
        tf = _tensorflow()[0]
        name, version = "tensorflow", str(tf.__version__)
    else:
        name, version = find_interpreter()[:2]
    found.update({"runtime": name, "version": version})
    return found


def _one_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[:600] or type(error).__name__


KINDS = {
    "tflite": run_tflite,
    "graph": run_graph,
    "command": run_command,
    "program": find_program,
    "versions": tell_versions,
}


def main(words):
    """Do one job and tell what came of it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Whoever sends us a signal means the end, also where a shell had it ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()
    job = json.loads(words[0])
    try:
        found = KINDS[job["kind"]](job)
    except Failed as failure:
        found = {"failed": failure.reason, "final": failure.final}
    except MemoryError:
        found = {"failed": "this board has not enough memory for it", "final": True}
    sys.stdout.write("\n%s\n" % json.dumps(found))
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
