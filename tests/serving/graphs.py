"""Deploy folders of graphs that a formula describes; no model is needed."""

import numpy as np
import onnx

from semmatch import Scoring
from semmatch._records import Embedding
from semmatch.serving.deploy_folder import DeployConfig
from semmatch.serving.deploy_folder import OUTPUTS
from semmatch.serving.deploy_folder import write_config
from semmatch.tokenizers import Tokenizer
from tests.checks import TEXTS

TOKENIZER = Tokenizer.train(TEXTS)
FEATURES = ("input_ids", "attention_mask", "token_type_ids")


def table(width):
    """What each token adds to an output, float32 `(vocabulary, width)`."""
    size = (TOKENIZER.vocabulary_size, width)
    return np.random.default_rng(0).normal(size=size).astype("float32")


def outputs(features, width):
    """The output by its formula: the sum of the table over real tokens."""
    values = table(width)[features["token_ids"]]
    return (values * features["padding_mask"][..., None]).sum(axis=1)


def sum_graph(output="logits", width=1, inputs=FEATURES[:2]):
    """A graph that computes `outputs`."""
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", inputs[0]], ["values"]),
            helper.make_node("Cast", [inputs[1]], ["real"], to=kinds.FLOAT),
            helper.make_node("Unsqueeze", ["real", "last"], ["mask"]),
            helper.make_node("Mul", ["values", "mask"], ["masked"]),
            helper.make_node(
                "ReduceSum", ["masked", "tokens"], [output], keepdims=0
            ),
        ],
        "sum",
        [
            helper.make_tensor_value_info(name, kinds.INT64, [None, None])
            for name in inputs
        ],
        [helper.make_tensor_value_info(output, kinds.FLOAT, [None, width])],
        [
            onnx.numpy_helper.from_array(table(width), "table"),
            onnx.numpy_helper.from_array(np.array([2]), "last"),
            onnx.numpy_helper.from_array(np.array([1]), "tokens"),
        ],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def config(kind="cross_encoder", *, width=1, sequence_length=64, **embedding):
    """What `semmatch.json` says of such a graph."""
    cross = kind == "cross_encoder"
    activation = "sigmoid" if not cross or width == 1 else "softmax"
    return DeployConfig(
        kind=kind,
        sequence_length=sequence_length,
        scoring=Scoring(activation, temperature=4.0, bias=0.5),
        versions={"onnxruntime": "1.20.0"},
        truncation="longest_first" if cross else None,
        embedding=None if cross else Embedding(width, **embedding),
    )


def write_deploy(folder, config, graph=None):
    """Writes a deploy folder; None for the graph that `config` describes."""
    if graph is None:
        cross = config.embedding is None
        softmax = config.scoring.activation == "softmax"
        width = (1 + softmax) if cross else config.embedding.dim
        graph = sum_graph(OUTPUTS[config.kind], width)
    folder.mkdir(exist_ok=True)
    onnx.save(graph, folder / "model.onnx")
    TOKENIZER.save(folder)
    write_config(folder, config)
    return folder
