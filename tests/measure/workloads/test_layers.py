"""Layer tables agree with published counts and grow as they must."""

from __future__ import annotations

import pytest

from measure.errors import WorkloadError
from measure.workloads.architectures import LAYER_TABLES, layer_table
from measure.workloads.layers import Gemm
from measure.workloads.tape import Tape

# Trained parameters: Caffe's model zoo (AlexNet, GoogLeNet), torchvision's and
# Keras' documentation (trainable ones; without auxiliary classifiers).
PARAMETERS = {
    "alexnet": 60_965_224,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_998_552,
    "squeezenet": 1_235_496,
    "squeezenet1_0": 1_248_424,
    "resnet50": 25_557_032,
    "resnet152": 60_192_808,
    "mobilenetv1": 4_231_976,
    "mobilenetv2": 3_504_872,
    "inceptionv3": 23_834_568,
    "xception": 22_855_952,
}
# Millions of multiply-adds at the size of the paper, as the papers and
# torchvision's documentation give them.
MACS = {
    "alexnet": (224, 724),
    "vgg16": (224, 15_470),
    "vgg19": (224, 19_630),
    "googlenet": (224, 1_580),
    "squeezenet": (224, 349),
    "squeezenet1_0": (224, 819),
    "resnet50": (224, 3_860),
    "resnet152": (224, 11_300),
    "mobilenetv1": (224, 569),
    "mobilenetv2": (224, 300),
    "inceptionv3": (299, 5_713),
    "xception": (299, 8_360),
}


def test_every_network_has_a_published_count() -> None:
    assert set(LAYER_TABLES) == set(PARAMETERS) == set(MACS)


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_parameters_are_the_published_ones(network: str) -> None:
    assert layer_table(network).parameters == PARAMETERS[network]


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_parameters_do_not_depend_on_the_image_size(network: str) -> None:
    assert layer_table(network, 320).parameters == PARAMETERS[network]


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_multiply_adds_are_the_published_ones(network: str) -> None:
    size, millions = MACS[network]
    assert layer_table(network, size).macs == pytest.approx(millions * 1e6, rel=0.005)


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_work_grows_with_the_image_and_weights_do_not(network: str) -> None:
    small, large = layer_table(network, 200), layer_table(network, 600)
    assert large.macs > 4 * small.macs
    assert large.activation_bytes() > 6 * small.activation_bytes()
    assert large.parameter_bytes() == small.parameter_bytes()
    assert large.kernels >= small.kernels


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_layers_with_a_product_count_what_the_product_counts(network: str) -> None:
    for layer in layer_table(network).layers:
        if layer.gemm is not None:
            assert layer.macs == layer.gemm.macs
            assert layer.gemm.tiled_macs(3, (128, 64)) >= 3 * layer.macs
        elif layer.kind != "depthwise":
            assert layer.macs == 0


def test_known_shapes_of_alexnet() -> None:
    gemms = [layer.gemm for layer in layer_table("alexnet").layers if layer.gemm]
    assert gemms[0] == Gemm(rows=96, columns=55 * 55, depth=363)
    assert gemms[1] == Gemm(rows=128, columns=27 * 27, depth=1200, groups=2)
    assert gemms[5] == Gemm(rows=4096, columns=1, depth=9216)


def test_a_group_of_a_convolution_is_a_kernel_and_a_depthwise_one_is_not() -> None:
    grouped = Tape((64, 8, 8)).conv(64, 3, groups=2).layers[0]
    depthwise = Tape((64, 8, 8)).conv(64, 3, groups=64).layers[0]
    assert (grouped.kind, grouped.kernels) == ("convolution", 2)
    assert (depthwise.kind, depthwise.kernels) == ("depthwise", 1)


def test_a_batch_fills_tiles_better_than_one_item() -> None:
    gemm = Gemm(rows=128, columns=1, depth=64)
    assert gemm.tiled_macs(64, (128, 64)) == gemm.tiled_macs(1, (128, 64))


def test_names_are_unique_within_a_table() -> None:
    names = [layer.name for layer in layer_table("inceptionv3").layers]
    assert len(set(names)) == len(names)


def test_an_unknown_network_and_a_tiny_image_are_errors() -> None:
    with pytest.raises(WorkloadError, match="no layer table of 'lenet'"):
        layer_table("lenet")
    with pytest.raises(WorkloadError, match="take a larger image size"):
        layer_table("alexnet", 32)
