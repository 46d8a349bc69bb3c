"""Blocks in few nodes compute what blocks of Keras compute."""

import collections

import numpy as np
import onnx
import onnxruntime
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch.serving.deploy_folder import MODEL_FILE
from tests.checks import randomise
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model

pytestmark = tensorflow_only


def kinds(path):
    """How many nodes there are of each kind."""
    nodes = onnx.load(path).graph.node
    assert {node.domain for node in nodes} == {""}  # of ONNX itself
    return collections.Counter(node.op_type for node in nodes)


def optimized(path, out):
    """The same, of what onnxruntime makes of the file."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    nodes = onnx.load(out).graph.node
    return collections.Counter(node.op_type for node in nodes)


def exported(model, tmp_path):
    """The file of a folder whose scores are the model's."""
    report = export_onnx(model, tmp_path / "deploy")
    assert report.max_difference < 1e-5
    scores = Matcher(tmp_path / "deploy").score(PAIRS)
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.2
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    return tmp_path / "deploy" / MODEL_FILE


@pytest.mark.parametrize(
    ("activation", "kernel"),
    [("gelu", "Gelu"), ("gelu_tanh", "Gelu"), ("relu", "Relu")],
)
def test_onnxruntime_has_one_kernel_for_each_part(activation, kernel, tmp_path):
    model = spread_model(tiny_encoder(activation=activation, num_layers=3))
    path = exported(model, tmp_path)
    found = kinds(path)
    assert found["LayerNormalization"] == 1 + 2 * 3
    assert found["Softmax"] == 3
    found = optimized(path, tmp_path / "optimized.onnx")
    # Six products of a block have their bias inside.
    assert found["Gemm"] + found["FusedGemm"] >= 6 * 3
    whole = sum(n for kind, n in found.items() if kind.endswith(kernel))
    assert whole + found["FusedGemm"] >= 3


# Products read queries, keys and values as they lie. What is transposed are all
# tokens at the beginning and, unless one alone is read, at the end, and what a
# block makes of the values of its heads, unless it is that of one token.
@pytest.mark.parametrize(
    ("pooling", "encoder", "transposed"),
    [
        ("cls", {}, 1 + 2),
        ("pooler", {}, 1 + 2),
        ("mean", {}, 1 + 3 + 1),
        ("first_last", {}, 1 + 3 + 1),
        ("cls", {"shared_layers": True}, 1 + 3),
    ],
)
def test_nothing_is_computed_or_moved_that_is_not_read(
    pooling, encoder, transposed, tmp_path
):
    encoder = tiny_encoder(num_layers=3, **encoder)
    path = exported(spread_model(encoder, pooling=pooling), tmp_path)
    found = optimized(path, tmp_path / "optimized.onnx")
    assert found["Transpose"] == transposed
    assert found["FusedMatMul"] == 2 * 3


def test_a_model_without_a_block_is_exported(tmp_path):
    model = tiny_model(tiny_encoder(num_layers=0))
    assert export_onnx(model, tmp_path / "deploy").max_difference < 1e-5


@pytest.mark.filterwarnings("ignore:.* texts .* have more than")
def test_a_bi_encoder_of_the_first_token_computes_no_other(tmp_path):
    model = bi_model(tiny_encoder(num_layers=3), pooling="cls")
    path = exported(model, tmp_path)
    found = optimized(path, tmp_path / "optimized.onnx")
    assert found["Transpose"] == 1 + 2


def test_what_lora_adds_is_exported(tmp_path):
    model = spread_model()
    block = model.backbone.get_layer("block_1")
    for layer in (block.value, block.intermediate):
        layer.enable_lora(2)
        randomise(layer)
    exported(model, tmp_path)


def test_what_keras_has_quantised_is_refused(tmp_path):
    model = spread_model()
    model.backbone.get_layer("block_0").query.quantize("int8")
    with pytest.raises(ValueError, match="block_0/query` of mode 'int8'. Take"):
        export_onnx(model, tmp_path / "deploy")
    assert not (tmp_path / "deploy").exists()
