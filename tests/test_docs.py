"""What README and docs show runs, and their links lead somewhere."""

import json
import re
import shlex
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import load_faq
from semmatch import Matcher
from semmatch import Pairs
from semmatch import read_pairs
from semmatch import TextEncoder
from semmatch.cli import main
from semmatch.models import BiEncoderPreprocessor
from semmatch.models import CrossEncoderPreprocessor

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(page, language):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.M)


@pytest.mark.parametrize(
    "page", ["README.md", pytest.param("README.zh.md", marks=pytest.mark.slow)]
)
def test_the_readme_runs(page, workplace, capsys):
    exec("\n".join(blocks(page, "python")), {})
    shown = capsys.readouterr().out.splitlines()
    ranked = [line for line in shown if re.fullmatch(r"[01] 0\.\d+ .*", line)]
    assert len(ranked) == 2  # the loop over `matcher.rank`

    commands = re.findall(
        r"^semmatch .*", "\n".join(blocks(page, "bash")), re.M
    )
    assert len(commands) == 3
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0, command
        assert capsys.readouterr().out, command


@pytest.mark.slow
def test_the_quick_start_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(blocks("docs/quickstart.md", "python")), names)
    assert (tmp_path / "deploy" / "model.onnx").is_file()
    assert names["corpus"].dtype == np.int8
    assert len(names["nearest"]) == 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link


def test_both_readmes_show_the_same_code():
    english, chinese = (
        [re.sub(r" *#.*", "", block) for block in blocks(page, "python")]
        for page in ("README.md", "README.zh.md")
    )
    assert english == chinese


@pytest.mark.slow
def test_the_page_on_thresholds_runs(workplace):
    model = CrossEncoder.from_preset("chinese-rbt4")
    pairs = read_pairs("qa_corpus/valid")
    # What the model itself takes for matches, so that it may be so precise.
    scores = model.score(pairs)
    label = (scores > np.median(scores)).astype(int)
    names = {
        "model": model,
        "valid": Pairs(pairs.text_a, pairs.text_b, label),
        "question": "怎么还款",
        "candidates": ["如何还款", "怎么注销"],
    }
    exec("\n".join(blocks("docs/thresholds.md", "python")), names)
    scoring = model.scoring
    assert 0 < scoring.suggest_threshold < scoring.threshold < 1


@pytest.mark.slow
def test_the_page_on_evaluation_runs(capsys):
    faq = load_faq("zh")
    preprocessor = BiEncoderPreprocessor.from_texts(faq.texts("train"))
    names = {
        "model": BiEncoder(TextEncoder(2000, 1, 2, 8, 16), preprocessor),
        "valid": faq.pairs("valid"),
        "test": faq.pairs("test"),
        "lists": faq.ranked_lists("test"),
    }
    found, floor, compared = blocks("docs/evaluation.md", "python")
    exec(found, names)
    shown = capsys.readouterr().out
    assert shown.startswith("4 lists, 1 of them without a relevant candidate;")
    assert names["report"].false_answers in (0, 1)
    exec(floor, names)
    assert "AUC" in capsys.readouterr().out
    exec(compared, names)
    shown = capsys.readouterr().out
    assert "(McNemar)" in shown
    assert "ndcg@10" in shown


@pytest.mark.slow
def test_the_page_on_losses_runs(capsys):
    keras.utils.set_random_seed(0)
    texts = load_faq("zh").texts("train")
    cross_encoder = CrossEncoder(
        TextEncoder(2000, 1, 2, 8, 16),
        CrossEncoderPreprocessor.from_texts(texts, sequence_length=64),
    )
    names = {
        "model": BiEncoder(
            TextEncoder(2000, 1, 2, 64, 16),
            BiEncoderPreprocessor.from_texts(texts),
        ),
        "teacher": cross_encoder.pair_scorer(),
    }
    groups, parts, replicas, mined, taught, widths, classes = blocks(
        "docs/losses.md", "python"
    )
    exec(groups, names)
    assert f"# {capsys.readouterr().out}" in groups
    exec(parts, names)
    assert names["model"].micro_batch_size == 32
    exec(replicas, names)
    assert names["model"].loss.gather is names["gather_replicas"]
    with warnings.catch_warnings():
        # A model that nobody trained may leave none.
        warnings.simplefilter("ignore", UserWarning)
        exec(mined, names)
    assert [len(own) for own in names["first"].negatives] == [1, 1, 1, 1]
    assert max(len(own) for own in names["hard"].negatives) <= 1
    exec(taught, names)
    assert [len(own) for own in names["scores"]] == [2, 2, 2, 2]
    exec(widths, names)
    assert names["short"].shape == (1, 16)
    exec(classes, names)
    assert names["classes"].loss.name == "cross_entropy"


@pytest.mark.slow
def test_the_page_on_distillation_runs(workplace, capsys):
    keras.utils.set_random_seed(0)
    preprocessor = CrossEncoderPreprocessor.from_texts(
        load_faq("zh").texts("train"), sequence_length=64
    )
    encoder = TextEncoder(2000, 12, 12, 384, 16, max_sequence_length=64)
    CrossEncoder(encoder, preprocessor).save_to_preset("teacher")
    export_onnx(CrossEncoder.from_preset("chinese-rbt4"), "older-ranker")
    page = blocks("docs/distillation.md", "python")
    script, layers, ensemble, vectors, lists, unlabelled, small, changing = page
    names = {}

    exec(script, names)
    train, student = names["train"], names["student"]
    assert student.backbone.num_layers == 4
    assert names["distiller"].soft_loss.temperature == 2.0
    assert len(names["scores"]) == len(
        set(zip(train.text_a, train.text_b, strict=True))
    )
    served = Matcher("deploy").score(train)
    np.testing.assert_allclose(served, student.score(train), atol=0.1)

    exec(layers, names)
    logged = set(names["layered"].history.history)
    assert {"hidden_mse", "attention_kl"} < logged

    exec(ensemble, names)
    assert len(names["both"]) == len(names["scores"])

    exec(vectors, names)
    assert names["distiller"].soft_loss.name == "cosine_mse"
    exec(lists, names)
    assert names["finder"].loss.name == "listwise_kl"

    exec(unlabelled, names)
    features, y = next(iter(names["dataset"]))
    assert np.isnan(y["label"]).any()

    exec(small, names)
    assert names["tiny"].backbone.hidden_dim == 256
    assert "rows of token_embedding" in capsys.readouterr().out

    exec(changing, names)
    weights = names["distiller"].weights_of_losses
    ends = [
        [float(weight(step)) for step in (0, names["steps"])]
        for weight in weights.values()
    ]
    np.testing.assert_allclose(ends, [[0.1, 0.9], [0.9, 0.1]], rtol=1e-5)


@pytest.mark.slow
def test_the_page_on_tensorflow_runs(workplace, capsys):
    names = {}
    code = blocks("docs/tf_serving.md", "python")
    exec("\n".join(code), names)
    shown = capsys.readouterr().out
    assert re.match(r"0 of 128 texts, \d", shown)
    model, served = names["model"], names["served"]
    pairs = [("怎么还款", "如何还款"), ("怎么还款", "怎么注销账户")]
    np.testing.assert_allclose(names["scores"], model.score(pairs), atol=1e-5)
    logits = model.predict_on_batch(names["features"])
    np.testing.assert_allclose(names["logits"], logits, atol=1e-5)
    assert (workplace / "finder" / "1" / "saved_model.pb").is_file()

    # What is sent to the server has the inputs of its default signature.
    [request] = re.findall(
        r"curl .* -d '(.*?)'",
        "".join(blocks("docs/tf_serving.md", "bash")),
        re.DOTALL,
    )
    inputs = json.loads(request)["inputs"]
    default = served.signatures["serving_default"]
    inputs = {name: names["tf"].constant(t) for name, t in inputs.items()}
    scores = default(**inputs)["scores"].numpy()
    np.testing.assert_allclose(scores, names["scores"], atol=1e-6)


@pytest.mark.slow
def test_the_page_on_retrieval_runs(workplace, capsys):
    bi_encoder = BiEncoder(
        TextEncoder(2000, 1, 2, 8, 16),
        BiEncoderPreprocessor.from_texts(load_faq("zh").texts("train")),
    )
    pairs = read_pairs("qa_corpus/valid")
    # What the model itself takes for matches, so that they can be told apart.
    scores = bi_encoder.score(pairs)
    label = (scores > np.median(scores)).astype(int)
    names = {
        "bi_encoder": bi_encoder,
        "cross_encoder": CrossEncoder.from_preset("chinese-rbt4"),
        "valid": Pairs(pairs.text_a, pairs.text_b, label),
        "passages": bi_encoder.encode(pairs.text_b),
        "questions": bi_encoder.encode(pairs.text_a, side="query"),
        "queries": ["钱怎么还", "不想借了"],
        "relevant": [{"repay"}, {"cancel"}],
    }
    exec("\n".join(blocks("docs/retrieval.md", "python")), names)
    shown = capsys.readouterr().out.splitlines()
    answers = [re.fullmatch(r"\w+ 0\.\d+ (\w+) .*", line) for line in shown]
    assert {answer[1] for answer in answers if answer} == {"repay", "cancel"}
    assert names["best"].id in ("repay", "cancel")
    assert names["rows"].shape == (len(pairs), 5)
