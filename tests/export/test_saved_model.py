"""SavedModels score strings as the model does, or are not written."""

import dataclasses
import functools
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from semmatch import CrossEncoder
from semmatch import export_saved_model
from semmatch import SavedModelReport
from semmatch import Scoring
from semmatch import Tokenizer
from semmatch.export import saved_model
from semmatch.export.graph_tokenizer import GraphTokenizer
from semmatch.models import BiEncoderPreprocessor
from tests.checks import run_python
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_preprocessor
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.* texts .* have more than"),
]

FILES = {
    "assets.extra/tokenizer.json",
    "fingerprint.pb",
    "saved_model.pb",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}
TEXTS = sorted({text for pair in PAIRS for text in pair})
# With a table of normalisation, which is a second model of sentencepiece.
UNIGRAM = (
    Path(__file__).resolve().parents[1] / "fixtures/tokenizers/xlm_roberta"
)


@pytest.fixture(scope="module")
def model():
    scoring = Scoring("sigmoid", temperature=2.0, bias=-0.5, symmetric=True)
    return spread_model(scoring=scoring)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "ranker" / "1"
    return folder, export_saved_model(model, folder)


@pytest.fixture(scope="module")
def bi():
    tokenizer = Tokenizer.from_folder(UNIGRAM)
    prompts = {"query_prompt": "query: ", "passage_prompt": "passage: "}
    return bi_model(
        tiny_encoder(
            vocabulary_size=tokenizer.vocabulary_size,
            num_layers=1,
            num_segments=0,
        ),
        BiEncoderPreprocessor(tokenizer, 16, segments=False, **prompts),
        projection_dim=5,
        normalize=False,
    )


@pytest.fixture(scope="module")
def bi_exported(bi, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "finder"
    return folder, export_saved_model(bi, folder, texts=TEXTS)


def files(folder):
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in found}


@pytest.mark.parametrize("name", ["exported", "bi_exported"])
def test_the_report_is_true(name, request):
    folder, report = request.getfixturevalue(name)
    assert isinstance(report, SavedModelReport)
    assert files(folder) == FILES
    size = sum((folder / file).stat().st_size for file in FILES)
    assert report.bytes == size
    assert 0 < report.seconds < 3600
    assert 0 <= report.max_difference < 1e-5
    is_cross = name == "exported"
    assert (report.max_vector_difference is None) == is_cross
    assert report.texts == len(TEXTS) if not is_cross else report.texts > 1000
    assert (report.mismatches, report.mismatch_rate) == (0, 0.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.bytes = 0
    # The temporary folder is gone.
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_rate_is_of_the_texts():
    report = SavedModelReport(0.0, 1.0, 1, None, texts=2000, mismatches=1)
    assert report.mismatch_rate == 0.0005


PLAIN_SCRIPT = """
import json, sys
import tensorflow as tf, tensorflow_text

ranker, finder = map(tf.saved_model.load, sys.argv[1:3])
columns = json.loads(sys.argv[3])
a, b = (tf.constant([t.encode() for t in column]) for column in columns)
found = {"scores": ranker.signatures["serving_default"](text_a=a, text_b=b)}
packed = ranker.signatures["tokenize"](text_a=a, text_b=b)
found["logits"] = ranker.signatures["ids"](**packed)
found["similar"] = finder.signatures["score"](text_a=a, text_b=b)
for side in ("query", "passage"):
    found[side] = finder.signatures["encode_" + side](texts=a)
outputs = {
    name: [value.numpy().tolist() for value in output.values()]
    for name, output in found.items()
}
assert not {"semmatch", "tokenizers", "keras_hub"} & set(sys.modules)
print(json.dumps(outputs))
"""


@pytest.mark.slow
def test_a_process_with_tensorflow_alone_gets_the_same_scores(
    model, bi, exported, bi_exported
):
    columns = [list(column) for column in zip(*PAIRS, strict=True)]
    output = run_python(
        PLAIN_SCRIPT, exported[0], bi_exported[0], json.dumps(columns)
    )
    found = {name: value for name, [value] in json.loads(output).items()}
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.2
    np.testing.assert_allclose(found["scores"], expected, atol=1e-5)
    packed = model.preprocessor.pack(*columns)
    logits = model.predict_on_batch(packed)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(found["similar"], bi.score(PAIRS), atol=1e-5)
    for side in ("query", "passage"):
        vectors = bi.encode(columns[0], side=side)
        np.testing.assert_allclose(found[side], vectors, rtol=1e-3, atol=1e-4)


def test_the_tokenizer_lies_beside(model, exported):
    folder = exported[0] / "assets.extra"
    assert Tokenizer.from_folder(folder) == model.preprocessor.tokenizer


@pytest.fixture
def quick(monkeypatch, exported):
    """Writes and loads what was written before, whatever the model is."""

    def save(model, tokenizer, folder):
        shutil.copytree(exported[0], folder, dirs_exist_ok=True)
        shutil.rmtree(folder / "assets.extra")

    loaded = load(exported[0])
    monkeypatch.setattr(saved_model, "_save", save)
    monkeypatch.setattr(tf.saved_model, "load", lambda folder: loaded)


# One object for all tests that look at a folder; some replace the function.
load = functools.cache(tf.saved_model.load)


@pytest.mark.usefixtures("quick")
def test_a_second_export_replaces_the_first(model, tmp_path):
    folder = tmp_path / "1"
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "old.index").write_text("old")
    (folder / "saved_model.pb").write_text("old")
    (folder / "notes.txt").write_text("ours")
    report = export_saved_model(model, folder, texts=TEXTS)
    assert files(folder) == {*FILES, "notes.txt"}
    assert report.bytes == sum((folder / f).stat().st_size for f in FILES)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("changed", ["weights", "scoring"])
def test_a_graph_that_scores_otherwise_is_not_handed_over(
    model, tmp_path, changed
):
    other = CrossEncoder.from_config(model.get_config())
    other.set_weights(model.get_weights())
    if changed == "weights":
        bias = other.get_layer("head").bias
        bias.assign(bias + 0.01)
    else:
        other.scoring = model.scoring.replace(symmetric=False)
    folder = tmp_path / "1"
    folder.mkdir()
    (folder / "saved_model.pb").write_text("served")
    message = "exported scores differ from .* more than 1e-04; nothing was wri"
    with pytest.raises(RuntimeError, match=message):
        export_saved_model(other, folder, texts=TEXTS)
    assert files(tmp_path) == {"1/saved_model.pb"}
    assert (folder / "saved_model.pb").read_text() == "served"


@pytest.mark.parametrize("broken", [None, "score", "encode_passage", "ids"])
def test_each_signature_is_compared(bi, bi_exported, monkeypatch, broken):
    class Moved:
        def __init__(self, folder):
            self.signatures = dict(load(folder).signatures)
            if broken is not None:
                function = self.signatures[broken]
                self.signatures[broken] = lambda **inputs: {
                    name: value * 1.01
                    for name, value in function(**inputs).items()
                }

    monkeypatch.setattr(tf.saved_model, "load", Moved)
    found = saved_model._differences(bi_exported[0], bi, TEXTS)
    assert (found.score > 1e-4) == (broken == "score")
    assert (found.vector > 1e-4) == (broken in ("encode_passage", "ids"))


@pytest.fixture
def no_save(monkeypatch):
    def refuse(*arguments):
        pytest.fail("the long work had started")

    monkeypatch.setattr(saved_model, "_save", refuse)


@pytest.mark.usefixtures("no_save")
def test_too_many_other_tokens_are_refused_at_once(
    model, tmp_path, monkeypatch
):
    def cut(self, texts):
        return GraphTokenizer._ids_of_texts(self, texts)[:, 1:]

    monkeypatch.setattr(GraphTokenizer, "__call__", cut)
    message = r"for [\d,]+ of 1,[\d,]+ texts .* nothing was written"
    with pytest.raises(RuntimeError, match=message):
        export_saved_model(model, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_save")
def test_windows_are_refused_at_once(tmp_path):
    model = spread_model(scoring=Scoring("sigmoid", long="max"))
    message = r'^`Scoring\(long="max"\)`, of windows .* has no exact graph form'
    with pytest.raises(ValueError, match=message):
        export_saved_model(model, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_save")
def test_a_tokenizer_without_a_graph_form_is_refused_at_once(tmp_path):
    record = json.loads(tiny_preprocessor().tokenizer.to_json())
    record["pre_tokenizer"] = {"type": "Whitespace"}
    preprocessor = tiny_preprocessor()
    preprocessor.tokenizer = Tokenizer(json.dumps(record))
    model = spread_model(preprocessor=preprocessor)
    with pytest.raises(ValueError, match="A pre-tokenizer of type 'Whitespac"):
        export_saved_model(model, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_save")
def test_another_backend_is_refused_at_once(model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    message = "`export_saved_model` traces.*'jax'.*KERAS_BACKEND=tensorflow"
    with pytest.raises(RuntimeError, match=message):
        export_saved_model(model, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_save")
def test_a_file_in_the_way_is_refused_at_once(model, tmp_path):
    (tmp_path / "1").write_text("mine")
    with pytest.raises(FileExistsError, match="1 is a file"):
        export_saved_model(model, tmp_path / "1")


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("preset", TypeError, "`export_saved_model` takes a .*Received: a str"),
        (
            lambda: CrossEncoder(tiny_encoder(), name="bare"),
            ValueError,
            "`bare` has no preprocessor",
        ),
    ],
)
@pytest.mark.usefixtures("no_save")
def test_what_cannot_be_exported_is_refused(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        export_saved_model(
            model() if callable(model) else model, tmp_path / "1"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_save")
def test_texts_are_checked_at_once(model, tmp_path):
    with pytest.raises(TypeError, match="`texts` must be a list of strings"):
        export_saved_model(model, tmp_path / "1", texts="还款")
    assert list(tmp_path.iterdir()) == []
