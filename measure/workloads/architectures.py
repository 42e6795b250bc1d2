"""Networks by name, written down from the papers that introduced them.

References
----------
.. [1] Krizhevsky, "One weird trick", arXiv 1404.5997, and Caffe's AlexNet.
.. [2] Simonyan and Zisserman, arXiv 1409.1556 (VGG).
.. [3] Szegedy et al., arXiv 1409.4842 (GoogLeNet) and 1512.00567 (Inception v3).
.. [4] Iandola et al., arXiv 1602.07360 (SqueezeNet 1.0 and 1.1).
.. [5] He et al., arXiv 1512.03385 (ResNet, strides in the first 1x1 convolution).
.. [6] Howard et al., arXiv 1704.04861; Sandler et al., arXiv 1801.04381 (MobileNet).
.. [7] Chollet, arXiv 1610.02357 (Xception).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from measure.errors import WorkloadError
from measure.workloads.layers import LayerTable
from measure.workloads.tape import Tape

CLASSES = 1000


def _alexnet(tape: Tape) -> Tape:
    tape.conv(96, 11, stride=4, padding=2).point("response_norm").pool(3, 2)
    tape.conv(256, 5, groups=2).point("response_norm").pool(3, 2)
    tape.conv(384, 3).conv(384, 3, groups=2).conv(256, 3, groups=2).pool(3, 2)
    return tape.pool_to(6).dense(4096).dense(4096).dense(CLASSES, activation=False)


def _vgg(tape: Tape, deep: int) -> Tape:
    widths = (64, 128, 256, 512, 512)
    for channels, repeats in zip(widths, (2, 2, deep, deep, deep), strict=True):
        for _ in range(repeats):
            tape.conv(channels, 3)
        tape.pool(2, 2)
    return tape.pool_to(7).dense(4096).dense(4096).dense(CLASSES, activation=False)


def _googlenet(tape: Tape) -> Tape:
    tape.conv(64, 7, stride=2, padding=3).pool(3, 2).point("response_norm")
    tape.conv(64, 1).conv(192, 3).point("response_norm").pool(3, 2)
    widths: tuple[tuple[int, ...] | None, ...] = (
        (64, 96, 128, 16, 32, 32),
        (128, 128, 192, 32, 96, 64),
        None,
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
        None,
        (256, 160, 320, 32, 128, 128),
        (384, 192, 384, 48, 128, 128),
    )
    for width in widths:
        if width is None:
            tape.pool(3, 2)
            continue
        one, three_in, three, five_in, five, pooled = width
        tape.branches(
            (
                tape.branch().conv(one, 1),
                tape.branch().conv(three_in, 1).conv(three, 3),
                tape.branch().conv(five_in, 1).conv(five, 5),
                tape.branch().pool(3, 1, "same").conv(pooled, 1),
            )
        )
    return tape.pool_to(1).dense(CLASSES, activation=False)


def _squeezenet(tape: Tape) -> Tape:
    tape.conv(64, 3, stride=2, padding=0).pool(3, 2)
    for number, (squeeze, expand) in enumerate(_FIRES):
        _fire(tape, squeeze, expand)
        if number in (1, 3):
            tape.pool(3, 2)
    return tape.conv(CLASSES, 1).pool_to(1)


def _squeezenet1_0(tape: Tape) -> Tape:
    tape.conv(96, 7, stride=2, padding=0).pool(3, 2)
    for number, (squeeze, expand) in enumerate(_FIRES):
        _fire(tape, squeeze, expand)
        if number in (2, 6):
            tape.pool(3, 2)
    return tape.conv(CLASSES, 1).pool_to(1)


_FIRES = ((16, 64),) * 2 + ((32, 128),) * 2 + ((48, 192),) * 2 + ((64, 256),) * 2


def _fire(tape: Tape, squeeze: int, expand: int) -> None:
    tape.conv(squeeze, 1)
    ends = (tape.branch().conv(expand, 1), tape.branch().conv(expand, 3))
    tape.branches(ends)


def _resnet(tape: Tape, repeats: tuple[int, ...]) -> Tape:
    tape.conv(64, 7, stride=2, padding=3, norm="batch").pool(3, 2, "same")
    for stage, blocks in enumerate(repeats):
        for block in range(blocks):
            width = 64 * 2**stage
            stride = 2 if stage and not block else 1
            if not block:
                short = tape.branch()
                short.conv(4 * width, 1, stride=stride, norm="batch", activation=False)
                tape.beside(short)
            tape.conv(width, 1, stride=stride, norm="batch").conv(
                width, 3, norm="batch"
            )
            tape.conv(4 * width, 1, norm="batch", activation=False)
            tape.add().point("activation")
    return tape.pool_to(1).dense(CLASSES, activation=False)


def _mobilenetv1(tape: Tape) -> Tape:
    tape.conv(32, 3, stride=2, norm="batch")
    steps = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
    for channels, stride in (*steps, *((512, 1),) * 5, (1024, 2), (1024, 1)):
        tape.separable(channels, 3, stride=stride, middle=True)
    return tape.pool_to(1).dense(CLASSES, activation=False)


def _mobilenetv2(tape: Tape) -> Tape:
    tape.conv(32, 3, stride=2, norm="batch")
    stages = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for expansion, channels, repeats, first_stride in stages:
        for repeat in range(repeats):
            inputs, stride = tape.shape[0], 1 if repeat else first_stride
            wide = inputs * expansion
            if expansion > 1:
                tape.conv(wide, 1, norm="batch")
            tape.conv(wide, 3, stride=stride, groups=wide, norm="batch")
            tape.conv(channels, 1, norm="batch", activation=False)
            if stride == 1 and inputs == channels:
                tape.add()
    tape.conv(1280, 1, norm="batch")
    return tape.pool_to(1).dense(CLASSES, activation=False)


def _inceptionv3(tape: Tape) -> Tape:
    tape.conv(32, 3, stride=2, padding=0, norm="batch").conv(
        32, 3, padding=0, norm="batch"
    )
    tape.conv(64, 3, norm="batch").pool(3, 2)
    tape.conv(80, 1, norm="batch").conv(192, 3, padding=0, norm="batch").pool(3, 2)
    for pooled in (32, 64, 64):
        _inception(
            tape,
            ((64, 1),),
            ((48, 1), (64, 5)),
            ((64, 1), (96, 3), (96, 3)),
            pooled=pooled,
        )
    _reduction(tape, ((384, 3),), ((64, 1), (96, 3), (96, 3)))
    for width in (128, 160, 160, 192):
        one, two = (width, (1, 7)), (width, (7, 1))
        _inception(
            tape,
            ((192, 1),),
            ((width, 1), one, (192, (7, 1))),
            ((width, 1), two, one, two, (192, (1, 7))),
            pooled=192,
        )
    _reduction(
        tape, ((192, 1), (320, 3)), ((192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3))
    )
    for _ in range(2):
        ends = [_chain(tape.branch(), ((320, 1),))]
        for stem in (((384, 1),), ((448, 1), (384, 3))):
            split = _chain(tape.branch(), stem)
            last = (_chain(split.branch(), ((384, (1, 3)),)),)
            ends.append(
                split.branches((*last, _chain(split.branch(), ((384, (3, 1)),))))
            )
        ends.append(_chain(tape.branch().pool(3, 1, "same"), ((192, 1),)))
        tape.branches(ends)
    return tape.pool_to(1).dense(CLASSES, activation=False)


Step = tuple[int, int | tuple[int, int]]


def _chain(tape: Tape, steps: tuple[Step, ...]) -> Tape:
    for channels, kernel in steps:
        tape.conv(channels, kernel, norm="batch")
    return tape


def _inception(tape: Tape, *chains: tuple[Step, ...], pooled: int) -> None:
    ends = [_chain(tape.branch(), chain) for chain in chains]
    ends.append(_chain(tape.branch().pool(3, 1, "same"), ((pooled, 1),)))
    tape.branches(ends)


def _reduction(tape: Tape, *chains: tuple[Step, ...]) -> None:
    ends = []
    for *first, (channels, kernel) in chains:
        end = _chain(tape.branch(), tuple(first))
        ends.append(end.conv(channels, kernel, stride=2, padding=0, norm="batch"))
    tape.branches((*ends, tape.branch().pool(3, 2)))


def _xception(tape: Tape) -> Tape:
    tape.conv(32, 3, stride=2, padding=0, norm="batch")
    tape.conv(64, 3, padding=0, norm="batch")
    for channels in (128, 256, 728):
        short = tape.branch().conv(
            channels, 1, stride=2, norm="batch", activation=False
        )
        tape.beside(short)
        if channels > 128:
            tape.point("activation")
        tape.separable(channels, 3).point("activation")
        tape.separable(channels, 3).pool(3, 2, "same").add()
    for _ in range(8):
        for _ in range(3):
            tape.point("activation").separable(728, 3)
        tape.add()
    short = tape.branch().conv(1024, 1, stride=2, norm="batch", activation=False)
    tape.beside(short).point("activation").separable(728, 3).point("activation")
    tape.separable(1024, 3).pool(3, 2, "same").add()
    tape.separable(1536, 3).point("activation").separable(2048, 3).point("activation")
    return tape.pool_to(1).dense(CLASSES, activation=False)


_NETWORKS: Mapping[str, Callable[[Tape], Tape]] = {
    "alexnet": _alexnet,
    "vgg16": lambda tape: _vgg(tape, 3),
    "vgg19": lambda tape: _vgg(tape, 4),
    "googlenet": _googlenet,
    "squeezenet": _squeezenet,
    "squeezenet1_0": _squeezenet1_0,
    "resnet50": lambda tape: _resnet(tape, (3, 4, 6, 3)),
    "resnet152": lambda tape: _resnet(tape, (3, 8, 36, 3)),
    "mobilenetv1": _mobilenetv1,
    "mobilenetv2": _mobilenetv2,
    "inceptionv3": _inceptionv3,
    "xception": _xception,
}

#: The networks that have a layer table.
LAYER_TABLES: tuple[str, ...] = tuple(_NETWORKS)


@cache
def layer_table(network: str, image_size: int = 224) -> LayerTable:
    """Return the layers of a network for square images of three channels.

    Parameters
    ----------
    network : str
        One of `LAYER_TABLES`.
    image_size : int, default=224
        Pixels along each side.

    Returns
    -------
    LayerTable
        The classifier of 1,000 classes included.

    Raises
    ------
    WorkloadError
        If there is no such table, or the images are too small for the network.

    Examples
    --------
    >>> table = layer_table("resnet50")
    >>> table.parameters, round(table.macs / 1e9, 2)
    (25557032, 3.86)
    """
    if network not in _NETWORKS:
        raise WorkloadError(
            f"no layer table of {network!r}; choose one of {', '.join(LAYER_TABLES)}"
        )
    shape = (3, image_size, image_size)
    tape = _NETWORKS[network](Tape(shape))
    return tape.point("softmax").table(network, shape)
