"""The TFLite runtime of the TensorFlow at hand, packed as boards have it.

Importing all of TensorFlow takes seconds, its TFLite runtime alone takes none. What is
here looks like the package ``tflite_runtime``, and computes with TensorFlow's own.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

_PACKAGE = """
import importlib.util
import os
import sys
from types import ModuleType

__version__ = "{version}"


def _bare(name, *parts):
    module = ModuleType(name)
    module.__path__ = [os.path.join({top!r}, *parts)]
    sys.modules[name] = module


_bare("tensorflow")
_bare("tensorflow.python", "python")
_bare("tensorflow.lite", "lite")
_bare("tensorflow.lite.python", "lite", "python")
from tensorflow.lite.python.interpreter_wrapper import (
    _pywrap_tensorflow_interpreter_wrapper,
)
"""
_METRICS = """
class TFLiteMetrics:
    def increase_counter_interpreter_creation(self):
        pass
"""
VERSION = "2.21.0"


def lean_python(folder: Path) -> Path:
    """Make a Python that has `tflite_runtime`; return what starts it."""
    found = importlib.util.find_spec("tensorflow")
    assert found is not None and found.origin is not None
    top = Path(found.origin).parent
    package = folder / "lean" / "tflite_runtime"
    package.mkdir(parents=True)
    text = _PACKAGE.format(version=VERSION, top=str(top))
    (package / "__init__.py").write_text(text)
    (package / "metrics_portable.py").write_text(_METRICS)
    # In a package of this name it takes its parts from there.
    shutil.copy(top / "lite/python/interpreter.py", package)
    program = folder / "lean" / "python"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={folder}/lean exec {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return program
