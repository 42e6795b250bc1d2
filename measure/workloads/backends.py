"""Load an artefact in a measured process and call it: graph, XLA, TFLite.

Nothing here may run before the process is forked, `warm_imports` apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measure import stability  # noqa: F401  (imported before forking, for its cost)

_OTHER_PASSES = (
    "layout_optimizer",
    "constant_folding",
    "shape_optimization",
    "arithmetic_optimization",
    "dependency_optimization",
    "loop_optimization",
    "function_optimization",
    "debug_stripper",
    "scoped_allocator_optimization",
    "implementation_selector",
    "auto_mixed_precision",
    "common_subgraph_elimination",
    "pin_to_host_optimization",
    "use_plugin_optimizers",
)


def warm_imports() -> None:
    """Import what children need and resolve TensorFlow's lazy modules, no tensor made.

    Called once in the process that forks.
    """
    import tensorflow as tf
    from tensorflow.core.framework import function_pb2  # noqa: F401
    from tensorflow.python.client import pywrap_tf_session  # noqa: F401
    from tensorflow.python.eager import context, execute  # noqa: F401
    from tensorflow.python.framework import c_api_util, importer  # noqa: F401

    from measure.workloads import measuring  # noqa: F401

    for path in ("lite.Interpreter", "compat.v1.Session", "compat.v1.GraphDef"):
        found = tf
        for name in path.split("."):
            found = getattr(found, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An artefact that is ready to be called.

    Parameters
    ----------
    call : callable
        Runs one batch to its end and returns nothing.
    output : callable
        Returns the result of the last call.
    threads : callable
        Returns how many threads compute, as the process shows it, or None.
    backend : str
        What runs it: of a function, whether TensorFlow must compile it with XLA.
    precision : str
        Seen in the artefact.
    """

    call: Callable[[], None]
    output: Callable[[], Any]
    threads: Callable[[], int | None]
    backend: str
    precision: str


def load(job: Mapping[str, Any]) -> Loaded:
    """Load an artefact.

    Parameters
    ----------
    job : mapping
        ``backend``, ``artefact``, ``inputs``, ``threads``.

    Returns
    -------
    Loaded
        Not called yet.
    """
    batch = np.load(job["inputs"], allow_pickle=False)
    loaders = {"graph": _graph, "xla": _xla, "tflite": _tflite}
    return loaders[job["backend"]](job, batch)


def _graph(job: Mapping[str, Any], batch: Any) -> Loaded:
    import tensorflow as tf

    v1 = tf.compat.v1
    before = _threads_named(_own_name())
    path = Path(job["artefact"])
    about = json.loads(path.with_name(path.name + ".json").read_text())
    graph = _imported(path.read_bytes())
    config = v1.ConfigProto(
        intra_op_parallelism_threads=job["threads"], inter_op_parallelism_threads=1
    )
    configure(config, about)
    session = v1.Session(graph=graph, config=config)
    run = session.make_callable(about["output"], feed_list=[about["input"]])
    result = [None]

    def call() -> None:
        result[0] = run(batch)

    types = {
        operation.outputs[0].dtype
        for operation in graph.get_operations()
        if "Conv" in operation.type or "MatMul" in operation.type
    }
    return Loaded(
        call=call,
        output=lambda: result[0],
        threads=lambda: _threads_named(_own_name()) - before or None,
        backend="graph",
        precision="bfloat16" if tf.bfloat16 in types else "float32",
    )


def _imported(data: bytes) -> Any:
    """Return the graph of a serialised definition.

    The public function copies the definition three times on its way, which for a
    ResNet-50 takes longer than the rest of loading; this is what it does in the end.
    """
    import tensorflow as tf
    from tensorflow.python.client import pywrap_tf_session
    from tensorflow.python.framework import c_api_util, importer

    graph = tf.Graph()
    try:
        options = c_api_util.ScopedTFImportGraphDefOptions()
        pywrap_tf_session.TF_ImportGraphDefOptionsSetPrefix(options.options, "")
        with (
            # Else the eager runtime starts, and its threads are all later sessions'.
            graph.as_default(),
            graph._mutation_lock(),
            graph._c_graph.get() as target,
            c_api_util.tf_buffer(data) as source,
        ):
            results = pywrap_tf_session.TF_GraphImportGraphDefWithResults(
                target, source, options.options
            )
            c_api_util.ScopedTFImportGraphDefResults(results)
            importer._ProcessNewOps(graph)
    except AttributeError:
        # Another TensorFlow, in which these are called otherwise.
        graph = tf.Graph()
        with graph.as_default():
            definition = tf.compat.v1.GraphDef.FromString(data)
            tf.graph_util.import_graph_def(definition, name="")
    return graph


def configure(config: Any, about: Mapping[str, Any]) -> None:
    """Leave to a session what was not done when its graph was built.

    Parameters
    ----------
    config : ConfigProto
        Of the session.
    about : mapping
        ``fused``: whether Grappler has done all it does.
    """
    rewrite = config.graph_options.rewrite_options
    if about["fused"]:
        rewrite.disable_meta_optimizer = True
        return
    from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

    for name in _OTHER_PASSES:
        setattr(rewrite, name, RewriterConfig.OFF)
    rewrite.memory_optimization = RewriterConfig.NO_MEM_OPT
    rewrite.disable_model_pruning = True
    rewrite.meta_optimizer_iterations = RewriterConfig.ONE


def _xla(job: Mapping[str, Any], batch: Any) -> Loaded:
    import tensorflow as tf
    from tensorflow.core.framework import function_pb2
    from tensorflow.python.eager import context, execute

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    data = Path(job["artefact"]).read_bytes()
    definition = function_pb2.FunctionDef.FromString(data)
    runtime = context.context()
    runtime.ensure_initialized()
    runtime.add_function_def(definition)
    source = [tf.constant(batch)]
    name = definition.signature.name
    result = [None]

    def call() -> None:
        (found,) = execute.execute(name, 1, source, (), runtime)
        result[0] = found.numpy()

    return Loaded(
        call=call,
        output=lambda: result[0],
        threads=lambda: _threads_named("tf_XLAEigen") or None,
        backend="xla" if definition.attr["_XlaMustCompile"].b else "graph",
        precision="float32",
    )


def _tflite(job: Mapping[str, Any], batch: Any) -> Loaded:
    import tensorflow as tf

    before = _tasks()
    interpreter = tf.lite.Interpreter(
        model_path=job["artefact"], num_threads=job["threads"]
    )
    (source,) = interpreter.get_input_details()
    if list(source["shape"]) != list(batch.shape):
        interpreter.resize_tensor_input(source["index"], batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], batch)
    (target,) = interpreter.get_output_details()
    # Of a dynamic-range network weights are int8, activations are not.
    types = {np.dtype(one["dtype"]).name for one in interpreter.get_tensor_details()}
    return Loaded(
        call=interpreter.invoke,
        output=lambda: interpreter.get_tensor(target["index"]),
        threads=lambda: _tflite_threads(_tasks() - before, job["threads"]),
        backend="tflite",
        precision="int8_dynamic" if "int8" in types else "float32",
    )


def _tflite_threads(added: int, asked: int) -> int | None:
    """Return the size of TFLite's pools, as far as the process shows it.

    XNNPACK has a pool and so may the other kernels; each leaves one thread's work to
    the caller, and so adds one fewer than asked for. Threads that are neither one such
    pool nor two tell nothing.
    """
    if added == 0:
        return 1
    return asked if added in (asked - 1, 2 * (asked - 1)) else None


def _tasks() -> int:
    return len(os.listdir("/proc/self/task"))


def _threads_named(name: str) -> int:
    count = 0
    for task in Path("/proc/self/task").iterdir():
        count += (task / "comm").read_text().strip() == name
    return count


def _own_name() -> str:
    """Return the name of this process, which TensorFlow's intra-op pool shares."""
    return Path("/proc/self/comm").read_text().strip()
