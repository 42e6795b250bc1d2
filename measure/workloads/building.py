"""Build what is measured: frozen graphs, XLA functions, TFLite files, input batches.

Runs in a process of its own, forked from a prepared one. Each artefact is written
under a temporary name and then renamed, so that a killed build leaves nothing that
looks finished.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from measure.workloads import inputs
from measure.workloads.networks import SERIES_LENGTH, USUAL_SIZE, image_size

_EPOCHS = 5
_ONE_CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


def build(job: Mapping[str, Any]) -> list[str]:
    """Build artefacts of one network on one workload.

    Parameters
    ----------
    job : mapping
        ``network``, ``format``, ``file``, ``workload``, ``shape``, ``dtype``,
        ``seed``, ``scratch`` (a folder for what is shared between builds) and
        ``wanted``: a list of ``kind``, ``precision``, ``batch`` and ``path``.

    Returns
    -------
    list of str
        The paths that were written.
    """
    model = None
    frozen: dict[int, Any] = {}
    written = []
    for entry in job["wanted"]:
        batch = int(entry["batch"])
        if entry["kind"] == "inputs":
            data = batch_of(job, batch)
            _write_inputs(Path(entry["path"]), data)
        elif job["format"] == "tflite":
            _write(Path(entry["path"]), Path(job["file"]).read_bytes(), {})
        else:
            if model is None:
                model = keras_model(job)
            if batch not in frozen:
                frozen[batch] = freeze(model, batch, tuple(job.get("shape") or ()))
            data, about = _compiled(entry, frozen[batch])
            _write(Path(entry["path"]), data, about)
        written.append(entry["path"])
    return written


def keras_model(job: Mapping[str, Any]) -> Any:
    """Return the network as a Keras model.

    Parameters
    ----------
    job : mapping
        As `build` takes it.

    Returns
    -------
    keras.Model
        With a fixed input shape.
    """
    import tensorflow as tf

    if job["file"]:
        return tf.keras.models.load_model(job["file"], compile=False)
    if job["network"] == "tcn":
        return _trained_tcn(Path(job["scratch"]), int(job["seed"]))
    seed = int(job["seed"])
    tf.keras.utils.set_random_seed(seed)
    size = image_size(job["workload"])
    make = {
        "resnet50": tf.keras.applications.ResNet50,
        "mobilenetv2": tf.keras.applications.MobileNetV2,
    }[job["network"]]
    # Without a softmax: over random weights it is 0.001 everywhere.
    model = make(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    _randomise_batch_statistics(tf, model, seed)
    return model


def _randomise_batch_statistics(tf: Any, model: Any, seed: int) -> None:
    """Give batch normalisation statistics as a trained network has.

    Fresh ones are means of 0 and offsets of 0, and the graph optimiser then removes
    additions that a trained network has to make.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            size = int(layer.gamma.shape[0])
            gamma, variance = rng.uniform(0.5, 1.5, (2, size))
            beta, mean = rng.normal(0.0, 0.1, (2, size))
            layer.set_weights([gamma, beta, mean, variance])


def _trained_tcn(folder: Path, seed: int) -> Any:
    """Return a temporal convolutional network that forecasts the next value [1]_.

    References
    ----------
    .. [1] Bai, Kolter, Koltun, *An empirical evaluation of generic convolutional and
       recurrent networks for sequence modeling*, arXiv 1803.01271, 2018.
    """
    import tensorflow as tf

    path = folder / f"tcn-{seed}-{tf.__version__}.keras"
    if path.is_file():
        return tf.keras.models.load_model(path, compile=False)
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    x = source = tf.keras.Input((SERIES_LENGTH, 1))
    for dilation in (1, 2, 4, 8, 16, 32):
        y = x
        for _ in range(2):
            y = layers.Conv1D(
                32, 3, padding="causal", dilation_rate=dilation, activation="relu"
            )(y)
        x = layers.add([y, layers.Conv1D(32, 1)(x)])
    model = tf.keras.Model(source, layers.Dense(1)(x[:, -1]))
    windows, targets = [], []
    for values in inputs.series():
        for start in range(len(values) - SERIES_LENGTH):
            windows.append(values[start : start + SERIES_LENGTH, np.newaxis])
            targets.append(values[start + SERIES_LENGTH])
    model.compile(optimizer=tf.keras.optimizers.Adam(2e-3), loss="mse")
    model.fit(
        np.stack(windows),
        np.array(targets)[:, np.newaxis],
        batch_size=64,
        epochs=_EPOCHS,
        verbose=2,
    )
    temporary = path.with_name(f"{os.getpid()}-{path.name}")
    model.save(temporary)
    temporary.replace(path)
    return model


def batch_of(job: Mapping[str, Any], batch: int) -> Any:
    """Return one batch of input.

    Parameters
    ----------
    job : mapping
        As `build` takes it.
    batch : int
        Number of items.

    Returns
    -------
    ndarray
        Photographs prepared as the network expects them, windows of a time series,
        or random numbers.
    """
    shape, dtype = tuple(job["shape"]), job["dtype"]
    if job["workload"] == "series":
        return inputs.windows(SERIES_LENGTH, batch)
    if job["workload"] == "random":
        return inputs.random_values((batch, *shape), dtype, int(job["seed"]))
    size = image_size(job["workload"])
    assert size is not None
    pictures = _pictures(size, batch)
    return _prepared(job["network"], pictures).astype(dtype)


def _pictures(size: int, batch: int) -> Any:
    """Return squares cut from photographs, values from 0 to 255."""
    import tensorflow as tf

    files = inputs.photographs()
    cut = []
    for position in range(batch):
        image = tf.io.decode_jpeg(files[position % len(files)].read_bytes(), channels=3)
        height, width, _ = image.shape
        side = min(height, width)
        # Later rounds through the photographs look at another part of each.
        shift = (position // len(files)) * 0.25 % 1.0
        top, left = int((height - side) * shift), int((width - side) * shift)
        square = image[top : top + side, left : left + side]
        cut.append(tf.image.resize(square, (size, size), antialias=True).numpy())
    return np.stack(cut)


def _prepared(network: str, pictures: Any) -> Any:
    import tensorflow as tf

    applications = tf.keras.applications
    if network == "resnet50":
        return applications.resnet50.preprocess_input(pictures)
    if network == "mobilenetv2":
        return applications.mobilenet_v2.preprocess_input(pictures)
    return pictures


def freeze(model: Any, batch: int, shape: tuple[int, ...] = ()) -> Any:
    """Return a model as a function of one fixed shape without variables.

    Parameters
    ----------
    model : keras.Model
        With one input and one output.
    batch : int
        Number of items.
    shape : tuple of int, default=()
        Of one item; the model's own where empty.

    Returns
    -------
    ConcreteFunction
        Variables are constants; conversion by name of the model would leave them.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    (source,) = model.inputs
    spec = tf.TensorSpec([batch, *(shape or source.shape[1:])], source.dtype, name="x")
    function = tf.function(lambda x: model(x, training=False), autograph=False)
    return convert_variables_to_constants_v2(function.get_concrete_function(spec))


def _compiled(entry: Mapping[str, Any], frozen: Any) -> tuple[bytes, dict[str, Any]]:
    """Return an artefact and what a process has to know to run it."""
    if entry["kind"] == "tflite":
        return _tflite(frozen, entry["precision"]), {}
    if entry["kind"] == "xla":
        definition = frozen.function_def
        definition.attr["_XlaMustCompile"].b = True
        return definition.SerializeToString(deterministic=True), {}
    if entry["kind"] == "frozen":
        ends = {"input": frozen.inputs[0].name, "output": _output(frozen)}
        return portable(frozen).SerializeToString(deterministic=True), ends
    graph = optimise(frozen, entry["precision"])
    pack_constants(graph)
    about = {
        "input": frozen.inputs[0].name,
        "output": _output(frozen),
        "fused": entry["precision"] != "bfloat16",
    }
    return graph.SerializeToString(deterministic=True), about


def optimise(frozen: Any, precision: str) -> Any:
    """Return the graph that a session would make of a frozen one at its first call.

    Grappler costs a ResNet-50 seconds in each process; its result is the same every
    time. The nodes are placed on the CPU first, as a session does: without a device
    Grappler fuses nothing.

    Parameters
    ----------
    frozen : ConcreteFunction
        As `freeze` returns it.
    precision : {"float32", "bfloat16"}
        With ``bfloat16`` Grappler rewrites what oneDNN computes in it.

    Returns
    -------
    GraphDef
        Optimised for the oneDNN setting of this process. In bfloat16 nothing is
        fused: the fused nodes exist for oneDNN only, which takes over as a session
        begins, and a graph that holds them cannot be loaded.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer

    definition = frozen.graph.as_graph_def()
    for node in definition.node:
        node.device = _ONE_CPU
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(definition, name="")
        graph.add_to_collection("train_op", graph.get_tensor_by_name(_output(frozen)))
        meta = tf.compat.v1.train.export_meta_graph(graph_def=definition, graph=graph)
    config = config_pb2.ConfigProto()
    if precision == "bfloat16":
        rewrite = config.graph_options.rewrite_options
        switch = rewriter_config_pb2.RewriterConfig
        rewrite.auto_mixed_precision_onednn_bfloat16 = switch.ON
        rewrite.remapping = switch.OFF
    return tf_optimizer.OptimizeGraph(config, meta, verbose=False)


def portable(frozen: Any) -> Any:
    """Return a graph as older versions of TensorFlow can read it.

    Parameters
    ----------
    frozen : ConcreteFunction
        As `freeze` returns it.

    Returns
    -------
    GraphDef
        Not optimised for any machine. Attributes that have their default are left
        out: an older version may not have them yet, and means the same.
    """
    from tensorflow.python.framework import op_def_registry

    graph = frozen.graph.as_graph_def()
    for node in graph.node:
        for name in [name for name in node.attr if name.startswith("_")]:
            del node.attr[name]
        known = op_def_registry.get(node.op)
        for attr in known.attr if known is not None else ():
            default = attr.default_value if attr.HasField("default_value") else None
            if attr.name in node.attr and node.attr[attr.name] == default:
                del node.attr[attr.name]
    return graph


def pack_constants(graph: Any) -> None:
    """Store bfloat16 constants as plain bytes, which load twice as fast.

    Grappler writes each value as a number of its own.

    Parameters
    ----------
    graph : GraphDef
        Changed in place; its values stay the same.
    """
    for node in graph.node:
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            if len(tensor.half_val) > 1:
                values = np.array(tensor.half_val, dtype="<u2")
                tensor.tensor_content = values.tobytes()
                tensor.ClearField("half_val")


def _output(frozen: Any) -> str:
    name: str = frozen.outputs[0].name
    return name


def _tflite(frozen: Any, precision: str) -> bytes:
    import tensorflow as tf

    # From the frozen function alone: given the model too, variables stay variables.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if precision == "int8_dynamic":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    data: bytes = converter.convert()
    return data


def _write_inputs(path: Path, data: Any) -> None:
    from io import BytesIO

    stream = BytesIO()
    np.save(stream, data, allow_pickle=False)
    _write(path, stream.getvalue(), {"shape": list(data.shape)})


def _write(path: Path, data: bytes, about: Mapping[str, Any]) -> None:
    """Write an artefact, then the file beside it that says it is whole."""
    digest = hashlib.sha256(data).hexdigest()
    facts = {"sha256": digest, "bytes": len(data), **about}
    for target, content in (
        (path, data),
        (path.with_name(path.name + ".json"), json.dumps(facts).encode()),
    ):
        temporary = target.with_name(f".{os.getpid()}-{target.name}")
        temporary.write_bytes(content)
        temporary.replace(target)


def inspect(job: Mapping[str, Any]) -> dict[str, Any]:
    """Look into a user's file.

    Parameters
    ----------
    job : mapping
        ``file`` and ``format``.

    Returns
    -------
    dict
        ``shape`` of one item, ``dtype``, ``batch``: a fixed number or None.

    Raises
    ------
    ValueError
        If it has several inputs or outputs, or dimensions that are not fixed.
    """
    import tensorflow as tf

    if job["format"] == "tflite":
        interpreter = tf.lite.Interpreter(model_path=job["file"])
        found = interpreter.get_input_details()
        shapes = [[int(n) for n in one["shape_signature"]] for one in found]
        types = [np.dtype(one["dtype"]).name for one in found]
        outputs = len(interpreter.get_output_details())
    else:
        model = tf.keras.models.load_model(job["file"], compile=False)
        shapes = [[-1 if n is None else int(n) for n in i.shape] for i in model.inputs]
        types = [i.dtype for i in model.inputs]
        outputs = len(model.outputs)
    if len(shapes) != 1 or outputs != 1:
        raise ValueError(
            f"it has {len(shapes)} inputs and {outputs} outputs; one of each can be "
            "measured"
        )
    batch, *shape = shapes[0] or [1]
    if len(shape) == 3 and shape[0] == shape[1] == -1:
        shape = [USUAL_SIZE, USUAL_SIZE, shape[2]]
    if any(n < 1 for n in shape):
        raise ValueError(f"its input shape {shapes[0]} is not fixed; fix it and save")
    return {"shape": shape, "dtype": types[0], "batch": None if batch < 1 else batch}
