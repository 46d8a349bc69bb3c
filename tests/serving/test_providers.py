"""Whatever computes a graph, it is the one that the folder describes."""

import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from semmatch import Matcher
from semmatch import Scoring
from semmatch.serving.providers import PROVIDERS
from tests.checks import TEXTS
from tests.serving.graphs import config
from tests.serving.graphs import outputs
from tests.serving.graphs import sum_graph
from tests.serving.graphs import write_deploy

PAIRS = [(a, b) for a in TEXTS for b in [*TEXTS, ""]]
FULL = ("input_ids", "attention_mask", "token_type_ids")


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(
            f"needs {request.param}: pip install 'semmatch[{request.param}]'"
        )
    return request.param


def packed(matcher):
    ids = matcher.packer.tokenizer.tokenize([text for p in PAIRS for text in p])
    return matcher.packer.pack_ids(ids[::2], ids[1::2])


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("inputs", [FULL[:2], FULL])
def test_each_provider_scores_pairs(tmp_path, provider, width, inputs):
    graph = sum_graph(width=width, inputs=inputs)
    folder = write_deploy(tmp_path, config(width=width), graph)
    matcher = Matcher(folder, provider=provider)
    assert matcher.provider.startswith(f"{provider} ")
    assert matcher.num_classes == width
    expected = outputs(packed(matcher), width)
    np.testing.assert_allclose(matcher.logits(PAIRS), expected, atol=1e-5)


def test_each_provider_encodes_texts(tmp_path, provider):
    folder = write_deploy(tmp_path, config("bi_encoder", width=3))
    matcher = Matcher(folder, provider=provider)
    packer = matcher.packer
    expected = outputs(packer.pack_ids(packer.tokenize(TEXTS)), 3)
    np.testing.assert_allclose(matcher.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("provider", ["tensorrt", None, "OpenVINO", 1])
def test_another_provider_is_refused(tmp_path, provider):
    message = (
        r"`provider` must be one of \['onnxruntime', 'openvino'\].*"
        f"provider={provider!r}"
    )
    with pytest.raises(ValueError, match=message):
        Matcher(tmp_path, provider=provider)


def test_openvino_has_no_dynamic_int8(tmp_path):
    folder = write_deploy(
        tmp_path, dataclasses.replace(config(), quantization="int8")
    )
    message = r"OpenVINO does not compute .*model\.onnx.*quantize='int8-static'"
    with pytest.raises(ValueError, match=message):
        Matcher(folder, provider="openvino")
    assert len(Matcher(folder).score(PAIRS)) == len(PAIRS)


def test_without_openvino_the_extra_is_named(tmp_path, monkeypatch):
    class NoOpenvino:
        @staticmethod
        def find_spec(name, path, target=None):
            if name.partition(".")[0] == "openvino":
                raise ModuleNotFoundError(f"No module {name!r}", name=name)

    for name in [name for name in sys.modules if "openvino" in name]:
        if not name.startswith("semmatch"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoOpenvino, *sys.meta_path])
    folder = write_deploy(tmp_path, config())
    with pytest.raises(ImportError, match=r"semmatch\[openvino\]"):
        Matcher(folder, provider="openvino")
    assert Matcher(folder).score(PAIRS[:1]).shape == (1,)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (
            sum_graph("sentence_embedding"),
            r"the output 'logits' .*outputs \['sentence_embedding'\]",
        ),
        (
            sum_graph(inputs=("ids", "attention_mask")),
            r"the inputs \['ids', 'attention_mask'\]",
        ),
        (sum_graph(inputs=(*FULL, "position_ids")), "'position_ids'"),
    ],
)
def test_the_graph_of_something_else_is_refused(tmp_path, graph, message):
    folder = write_deploy(tmp_path, config(), graph)
    message = f"not the graph of a cross_encoder.*{message}.*Export the model"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)


def test_vectors_of_another_width_are_refused(tmp_path):
    graph = sum_graph("sentence_embedding", 3)
    folder = write_deploy(tmp_path, config("bi_encoder", width=4), graph)
    message = "gives vectors of 3 dimensions.*says they have 4"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)


@pytest.mark.parametrize(
    ("width", "activation"), [(2, "sigmoid"), (1, "softmax"), (3, "cosine")]
)
def test_logits_that_cannot_be_scored_are_refused(tmp_path, width, activation):
    wrong = dataclasses.replace(config(), scoring=Scoring(activation))
    folder = write_deploy(tmp_path, wrong, sum_graph(width=width))
    message = f"gives {width} logits a pair, which .*{activation!r}"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)
