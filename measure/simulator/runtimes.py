"""What runs a network on the board, and what else runs beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from measure.workloads.layers import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a runtime adds to the arithmetic of a network.

    Parameters
    ----------
    name : str
        Its name.
    launch_cycles : float
        CPU cycles to launch one kernel.
    call_s : float, default=0.0
        Of a call, whatever the clocks.
    input_cycles : float, default=0.0
        CPU cycles for each number of the input: reading, decoding, resizing.
    one_core_factor : float, default=1.0
        Of the CPU's time, where its helpers share the only core online.
    fused : frozenset of str
        Kinds of layers that are done within the kernel before them.
    """

    name: str
    launch_cycles: float
    call_s: float = 0.0
    input_cycles: float = 0.0
    one_core_factor: float = 1.0
    fused: frozenset[Kind] = frozenset()


IMAGE_CYCLES = 46.0
"""CPU cycles to read, decode and resize one number of an image: from what AlexNet
loses at the lowest CPU clock of a TX1."""

#: Caffe with cuDNN, forward pass from memory: 50 us a launch at 1734 MHz, within the
#: 20 to 100 us that are plausible (AlexNet cannot tell it).
CAFFE = Runtime(name="caffe", launch_cycles=50e-6 * 1.734e9, one_core_factor=1.2)
#: The same in a program that loads its images before each call.
CAFFE_PROGRAM = replace(CAFFE, name="caffe-program", input_cycles=IMAGE_CYCLES)
#: TensorFlow 1 from Python; all four fitted on Xception on a TX2.
TENSORFLOW = Runtime(
    name="tensorflow", launch_cycles=414e3, call_s=0.059, one_core_factor=1.18
)
#: TensorRT: layers without weights are fused, launches are cheap (assumed).
TENSORRT = Runtime(
    name="tensorrt",
    launch_cycles=10e-6 * 2.0e9,
    fused=frozenset({"bias", "batch_norm", "activation", "add", "concatenate"}),
)

#: Those that a user can choose.
RUNTIMES: dict[str, Runtime] = {one.name: one for one in (CAFFE, TENSORFLOW, TENSORRT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoRunner:
    """A program that runs on the CPU beside the network.

    Parameters
    ----------
    name : str
        Its name.
    activity : float
        Share of one core that it keeps busy.
    memory_bytes_per_cycle : float
        Traffic to memory for each busy CPU cycle.
    """

    name: str
    activity: float
    memory_bytes_per_cycle: float


#: Nothing, and three programs of MiBench: their activity is that of the CPU rail beside
#: AlexNet (the JPEG coder often waits for its files), their traffic is assumed.
CO_RUNNERS: dict[str, CoRunner] = {
    one.name: one
    for one in (
        CoRunner(name="none", activity=0.0, memory_bytes_per_cycle=0.0),
        CoRunner(name="bitcount", activity=1.0, memory_bytes_per_cycle=0.0),
        CoRunner(name="jpeg", activity=0.5, memory_bytes_per_cycle=0.5),
        CoRunner(name="stringsearch", activity=1.0, memory_bytes_per_cycle=0.1),
    )
}
