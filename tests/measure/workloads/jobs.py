"""What forked children do in tests: they are imported there by name."""

from __future__ import annotations

import collections
import os
import time
from pathlib import Path
from typing import Any


def sleep_and_tell(job: dict[str, Any]) -> None:
    """Write our process id to a file, then sleep."""
    path = Path(job["file"])
    path.with_suffix(".tmp").write_text(str(os.getpid()))
    path.with_suffix(".tmp").replace(path)
    time.sleep(job["seconds"])


def pid(job: None) -> int:
    """Return our process id."""
    return os.getpid()


def same(job: Any) -> Any:
    """Return the job."""
    return job


def say(text: str) -> str:
    """Print on both streams."""
    os.write(1, f"{text} out\n".encode())
    os.write(2, f"{text} err\n".encode())
    return text


def make_networks(folder: str) -> None:
    """Save a tiny image network, one of numbers, and a TFLite file."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    image = tf.keras.Sequential(
        [
            tf.keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=2, use_bias=False),
            layers.BatchNormalization(beta_initializer="ones"),
            layers.ReLU(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )
    image.save(Path(folder) / "tiny.keras")
    source = tf.keras.Input((None, None, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(source))
    tf.keras.Model(source, pooled).save(Path(folder) / "any_size.keras")
    numbers = tf.keras.Sequential([tf.keras.Input((5,)), layers.Dense(2)])
    numbers.save(Path(folder) / "numbers.keras")
    data = tf.lite.TFLiteConverter.from_keras_model(image).convert()
    (Path(folder) / "tiny.tflite").write_bytes(data)


def executed(job: dict[str, Any]) -> dict[str, Any]:
    """Return what runs of a network: optimised by us, and by a session itself."""
    import json

    import numpy as np
    import tensorflow as tf
    from tensorflow.core.protobuf import rewriter_config_pb2

    from measure.workloads import backends, building

    frozen = building.freeze(building.keras_model(job["network"]), 1)
    precision = job["precision"]
    path = Path(job["path"])
    building.build(
        {
            **job["network"],
            "wanted": [
                {"kind": "graph", "precision": precision, "batch": 1, "path": str(path)}
            ],
        }
    )
    about = json.loads(Path(f"{path}.json").read_text())
    theirs = tf.compat.v1.ConfigProto()
    if precision == "bfloat16":
        rewrite = theirs.graph_options.rewrite_options
        rewrite.auto_mixed_precision_onednn_bfloat16 = (
            rewriter_config_pb2.RewriterConfig.ON
        )
    ours = tf.compat.v1.ConfigProto()
    backends.configure(ours, about)
    optimised = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    found: dict[str, Any] = {}
    value = np.ones((1, 32, 32, 3), np.float32)
    for name, graph_def, config in (
        ("ours", optimised, ours),
        ("session", frozen.graph.as_graph_def(), theirs),
    ):
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
        told = tf.compat.v1.RunMetadata()
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            result = session.run(
                about["output"],
                {about["input"]: value},
                options=tf.compat.v1.RunOptions(output_partition_graphs=True),
                run_metadata=told,
            )
        nodes = [node for part in told.partition_graphs for node in part.node]
        kinds = collections.Counter(
            f"{n.op}/{n.attr['T'].type if 'T' in n.attr else 0}" for n in nodes
        )
        found[name] = dict(kinds)
        found[f"{name}_result"] = result.tolist()
    return found


def worked(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the worker of a board tells of a job, with TensorFlow here."""
    from measure.workloads import board_worker
    from measure.workloads.board_timing import Failed

    try:
        found: dict[str, Any] = board_worker.KINDS[job["kind"]](job)
    except Failed as failure:
        return {"failed": failure.reason, "final": failure.final}
    return found


def make_models(folder: str) -> dict[str, str]:
    """Save what a board can run, and what it cannot: models and inputs."""
    import numpy as np
    import tensorflow as tf

    from measure.workloads import building

    path = Path(folder)
    make_networks(folder)
    model = tf.keras.models.load_model(path / "tiny.keras", compile=False)
    frozen = building.freeze(model, 2)
    graph = building.portable(frozen)
    (path / "tiny.pb").write_bytes(graph.SerializeToString())
    newer = building.portable(frozen)
    node = next(node for node in newer.node if node.op == "Conv2D")
    node.attr["of_tomorrow"].b = True
    node = next(node for node in newer.node if node.op == "Relu")
    node.op = "ReluOfTomorrow"
    (path / "newer.pb").write_bytes(newer.SerializeToString())
    spec = tf.TensorSpec([1, 5], tf.float32)
    # An operation that TFLite has no kernel for is as unknown here as one of a newer
    # version is to an older one.
    odd = tf.function(lambda x: tf.math.digamma(x)).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([odd])
    converter.allow_custom_ops = True
    (path / "custom.tflite").write_bytes(converter.convert())
    fixed = tf.function(lambda x: tf.reshape(x, [5, 1]) * 2.0)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [fixed.get_concrete_function(spec)]
    )
    (path / "fixed.tflite").write_bytes(converter.convert())
    (path / "no.tflite").write_bytes(b"no model at all")
    for batch in (1, 2, 4):
        np.save(path / f"images{batch}.npy", np.ones((batch, 32, 32, 3), np.float32))
        np.save(path / f"numbers{batch}.npy", np.ones((batch, 5), np.float32))
    np.save(path / "nan.npy", np.full((1, 32, 32, 3), np.nan, np.float32))
    return {"attributes": " ".join(sorted({a for n in graph.node for a in n.attr}))}
