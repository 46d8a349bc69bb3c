"""Exported folders encode as the model does, or are not written."""

import importlib.metadata
import json

import numpy as np
import onnx
import pytest

import semmatch.export.onnx
from semmatch import BiEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Scoring
from semmatch.models import TextEncoder
from tests.checks import randomise
from tests.checks import run_python
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import tiny_backbone
from tests.checks import tiny_encoder
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.* texts .* have more than"),
]

WORDS = [*TEXTS, "", "取消" * 500, "😀🇨🇳", "[SEP] [MASK] 取消", "Ａ１"]
PROMPTS = {"query_prompt": "如何", "passage_prompt": "取"}


def kerashub_model():
    backbone = tiny_backbone("RobertaBackbone")
    return bi_model(backbone, bi_preprocessor(segments=False))


MODELS = {
    "mean": bi_model,
    "dot": lambda: bi_model(pooling="max", normalize=False, similarity="dot"),
    "projection": lambda: bi_model(
        preprocessor=bi_preprocessor(**PROMPTS),
        pooling="pooler",
        projection_dim=5,
        projection_activation="tanh",
    ),
    "no segments": lambda: bi_model(
        tiny_encoder(num_segments=0, pooler=False),
        bi_preprocessor(segments=False),
        pooling="weighted_mean",
        similarity="manhattan",
    ),
    "two layers": lambda: bi_model(tiny_encoder(), pooling="first_last"),
    "attention": lambda: bi_model(pooling="attention", pair_classes=2),
    "KerasHub": kerashub_model,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_folder_encodes_as_the_model(name, tmp_path):
    model = MODELS[name]()
    report = export_onnx(model, tmp_path / "deploy")
    assert report.max_difference < 1e-5
    assert report.max_vector_difference < 1e-5
    graph = onnx.load(tmp_path / "deploy" / "model.onnx").graph
    inputs = ["input_ids", "attention_mask"]
    inputs += ["token_type_ids"] * model.preprocessor.segments
    assert [node.name for node in graph.input] == inputs
    for node in graph.input:
        assert node.type.tensor_type.elem_type == onnx.TensorProto.INT64
        shape = [d.dim_param for d in node.type.tensor_type.shape.dim]
        assert shape == ["batch", "length"]
    [output] = graph.output
    assert output.name == "sentence_embedding"
    assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    shape = [d.dim_value for d in output.type.tensor_type.shape.dim]
    assert shape == [0, model.embedding_dim]

    matcher = Matcher(tmp_path / "deploy")
    for side in ("query", "passage"):
        expected = model.encode(WORDS, side=side)
        assert (np.ptp(expected, axis=0) > 0.05).all()
        found = matcher.encode(WORDS, side=side)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        alone = [matcher.encode(text, side=side) for text in WORDS]
        np.testing.assert_allclose(alone, expected, rtol=1e-4, atol=1e-5)
    pairs = [(a, b) for a in WORDS for b in WORDS]
    np.testing.assert_allclose(
        matcher.score(pairs), model.score(pairs), atol=1e-5
    )


@pytest.fixture(scope="module")
def model():
    return bi_model(
        preprocessor=bi_preprocessor(**PROMPTS),
        projection_dim=5,
        normalize=False,
        scoring=Scoring("sigmoid", temperature=0.2, bias=-2.0, threshold=0.75),
    )


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "deploy"
    return folder, export_onnx(model, folder)


def test_the_configuration_says_all_that_serving_needs(exported):
    folder, report = exported
    assert report.bytes == sum(file.stat().st_size for file in folder.iterdir())
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    assert sorted(record.pop("files")) == ["model.onnx", "tokenizer.json"]
    packages = ["semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime"]
    assert record == {
        "format_version": 1,
        "kind": "bi_encoder",
        "sequence_length": 16,
        "scoring": {
            "activation": "sigmoid",
            "temperature": 0.2,
            "bias": -2.0,
            "threshold": 0.75,
            "suggest_threshold": None,
            "symmetric": False,
            "long": "truncate",
        },
        "versions": {
            name: importlib.metadata.version(name) for name in packages
        },
        "embedding": {
            "dim": 5,
            "similarity": "cosine",
            "normalize": False,
            **PROMPTS,
        },
    }


PLAIN_SCRIPT = """
import json, sys
import numpy as np, onnxruntime, tokenizers

folder, texts = sys.argv[1], json.loads(sys.argv[2])
tokenizer = tokenizers.Tokenizer.from_file(folder + "/tokenizer.json")
settings = json.load(open(folder + "/semmatch.json", encoding="utf-8"))
tokenizer.enable_truncation(settings["sequence_length"])
prompt = settings["embedding"]["query_prompt"]
rows = tokenizer.encode_batch([prompt + text for text in texts])
session = onnxruntime.InferenceSession(folder + "/model.onnx")
[vectors] = session.run(["sentence_embedding"], {
    "input_ids": np.array([row.ids for row in rows]),
    "attention_mask": np.array([row.attention_mask for row in rows]),
    "token_type_ids": np.array([row.type_ids for row in rows]),
})
assert "semmatch" not in sys.modules
print(json.dumps(vectors.tolist()))
"""


def test_other_software_gets_the_same_vectors_from_the_folder(exported):
    output = run_python(PLAIN_SCRIPT, exported[0], json.dumps(WORDS))
    expected = Matcher(exported[0]).encode(WORDS, side="query")
    np.testing.assert_allclose(json.loads(output), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("part", "change", "what"),
    [
        # Of other lengths, which cosines do not tell.
        ("kernel", 1.01, "vectors"),
        ("kernel", float("nan"), "scores"),
    ],
)
def test_a_graph_that_encodes_otherwise_is_not_handed_over(
    model, tmp_path, monkeypatch, part, change, what
):
    convert = semmatch.export.onnx.to_onnx

    def broken(*arguments):
        graph = convert(*arguments)
        for tensor in graph.graph.initializer:
            if "projection/" in tensor.name:
                value = onnx.numpy_helper.to_array(tensor) * np.float32(change)
                new = onnx.numpy_helper.from_array(value, tensor.name)
                tensor.CopyFrom(new)
        return graph

    monkeypatch.setattr(semmatch.export.onnx, "to_onnx", broken)
    message = f"exported {what} differ from .* more than 1e-04; nothing was wri"
    with pytest.raises(RuntimeError, match=message):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


def test_long_vectors_are_compared_by_shares_of_their_lengths(tmp_path):
    model = bi_model(projection_dim=5, normalize=False)
    projection = model.get_layer("projection")
    projection.set_weights([1e5 * value for value in projection.get_weights()])
    report = export_onnx(model, tmp_path / "deploy")
    assert 0 < report.max_vector_difference < 1e-5
    found = Matcher(tmp_path / "deploy").encode(WORDS)
    expected = model.encode(WORDS)
    assert np.abs(found - expected).max() > 1e-4
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=10)


def test_a_model_without_a_tokenizer_is_refused(tmp_path):
    bare = BiEncoder(tiny_encoder(), name="bare")
    with pytest.raises(ValueError, match="`bare` has no preprocessor"):
        export_onnx(bare, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


def cosines(a, b):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / lengths


def test_quantised_vectors_point_where_they_did(tmp_path):
    encoder = TextEncoder(5000, 2, 4, 64, 256, max_sequence_length=16)
    randomise(encoder)
    model = bi_model(encoder)
    plain = export_onnx(model, tmp_path / "float32")
    small = export_onnx(model, tmp_path / "int8", quantize="int8")
    assert small.bytes < 0.4 * plain.bytes
    assert plain.max_vector_difference < 1e-5
    assert 1e-4 < small.max_vector_difference < 0.1
    found = Matcher(tmp_path / "int8").encode(WORDS)
    expected = model.encode(WORDS)
    same = cosines(found, expected)
    assert same.min() > 0.99
    assert same.min() < 1 - 1e-6  # it was quantised


@pytest.mark.slow
def test_a_real_encoder_is_quantised_without_great_loss(shared, tmp_path):
    model = BiEncoder.from_preset(shared("models/e5-small-zh"), num_layers=4)
    report = export_onnx(model, tmp_path / "deploy", quantize="int8")
    assert report.bytes < 25e6  # 78 MB in float32
    texts = ["怎么取消借款", "如何还款", "你好", "注销账户后能恢复吗" * 20, ""]
    found = Matcher(tmp_path / "deploy").encode(texts)
    assert cosines(found, model.encode(texts)).min() > 0.99
