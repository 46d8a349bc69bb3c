"""Scores, ranking and compilation of a tiny cross-encoder."""

import keras
import keras_hub
import numpy as np
import pytest

from semmatch import Scoring
from semmatch.data import Pairs
from semmatch.losses import CrossEntropy
from semmatch.metrics import F1
from semmatch.models import CrossEncoder
from semmatch.training import AdamW
from tests.checks import small_model
from tests.checks import tiny_backbone
from tests.checks import tiny_encoder
from tests.checks import tiny_fnet
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor
from tests.checks import toy_pairs

CANDIDATES = ["还款", "取消", "Hello", "还款", "借款借款"]


@pytest.fixture(scope="module")
def model():
    return small_model()


def texts(pairs):
    return list(zip(pairs.text_a, pairs.text_b, strict=True))


@pytest.mark.parametrize("num_classes", [1, 2, 3])
def test_scores_are_sigmoid_or_softmax_of_the_logits(num_classes):
    model = small_model(num_classes=num_classes)
    pairs = toy_pairs(7)
    logits = model.predict(pairs, verbose=0)
    assert (logits.shape, logits.dtype) == ((7, num_classes), np.float32)
    scores = model.score(texts(pairs))
    assert scores.dtype == np.float32
    if num_classes == 1:
        expected = 1 / (1 + np.exp(-logits[:, 0]))
    else:
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected = expected[:, 1] if num_classes == 2 else expected
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    np.testing.assert_array_equal(model.score(pairs), scores)


def test_the_scoring_given_is_used():
    scoring = Scoring("sigmoid", temperature=4.0, bias=1.0)
    model = small_model(scoring=scoring)
    logits = model.predict(toy_pairs(5), verbose=0)[:, 0]
    expected = 1 / (1 + np.exp(-(logits / 4 + 1)))
    np.testing.assert_allclose(model.score(toy_pairs(5)), expected, rtol=1e-5)


def test_predict_keeps_the_order_of_the_texts(model):
    lengths = [5, 1, 4, 2, 3]
    pairs = Pairs(["借" * n for n in lengths], ["还"] * 5)
    logits = model.predict(pairs, batch_size=2, verbose=0)
    for row in range(5):
        alone = model.preprocessor.pack(
            pairs.text_a[row : row + 1], pairs.text_b[row : row + 1]
        )
        expected = model.predict_on_batch(alone)[0]
        np.testing.assert_allclose(logits[row], expected, atol=1e-5)


def test_a_score_does_not_depend_on_its_batch_and_padding(model):
    pair = ("取消", "还款")
    alone = model.score([pair])
    others = [("借款" * n, "取消" * n) for n in range(1, 9)]
    for place in (0, 4, 8):
        together = [*others[:place], pair, *others[place:]]
        np.testing.assert_allclose(
            model.score(together)[place], alone[0], atol=1e-6
        )


def test_no_pairs_have_no_scores(model):
    assert model.score([]).shape == (0,)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([("a", "b"), ("c",)], ValueError, r"position 1: \('c',\)"),
        (["ab"], ValueError, "position 0: 'ab'"),
        ([("a", None)], TypeError, "second text of pair 0.*None"),
        ([("\ud800", "a")], ValueError, "lone surrogate"),
    ],
)
def test_what_is_no_pair_cannot_be_scored(model, pairs, error, message):
    with pytest.raises(error, match=message):
        model.score(pairs)


def test_candidates_are_ranked_by_their_scores(model):
    ranked = model.rank("取消", CANDIDATES)
    scores = model.score([("取消", text) for text in CANDIDATES])
    order = np.argsort(-scores, kind="stable")
    assert [entry.index for entry in ranked] == order.tolist()
    assert [entry.text for entry in ranked] == [CANDIDATES[i] for i in order]
    np.testing.assert_allclose(
        [entry.score for entry in ranked], scores[order], atol=1e-6
    )
    indices = [entry.index for entry in ranked]
    assert indices.index(0) + 1 == indices.index(3)  # the same text
    assert model.rank("取消", CANDIDATES, top_k=2) == ranked[:2]
    assert model.rank("取消", CANDIDATES, top_k=99) == ranked


def test_scores_that_round_to_one_are_ranked_by_their_logits():
    model = small_model()
    expected = [entry.index for entry in model.rank("取消", CANDIDATES)]
    head = model.get_layer("head")
    head.bias.assign([60.0])
    ranked = model.rank("取消", CANDIDATES)
    assert {entry.score for entry in ranked} == {1.0}
    assert [entry.index for entry in ranked] == expected


def test_many_queries_have_their_own_candidates(model):
    queries = ["取消", "还款", "Hello"]
    lists = [CANDIDATES, [], CANDIDATES[:2]]
    for ranked, query, candidates in zip(
        model.rank_many(queries, lists, top_k=3), queries, lists, strict=True
    ):
        alone = model.rank(query, candidates, top_k=3)
        assert [e[::2] for e in ranked] == [e[::2] for e in alone]


def test_no_candidates_give_an_empty_list(model):
    assert model.rank("取消", []) == []


@pytest.mark.parametrize(
    ("candidates", "top_k", "error", "message"),
    [
        ("还款", None, TypeError, "`candidates` must be a list.*'还款'"),
        (["还款", None], None, TypeError, "candidate 1 of query 0.*None"),
        (CANDIDATES, 0, ValueError, "`top_k` must be .*top_k=0"),
    ],
)
def test_other_candidates_are_refused(model, candidates, top_k, error, message):
    with pytest.raises(error, match=message):
        model.rank("取消", candidates, top_k)


def test_three_classes_have_no_order():
    with pytest.raises(ValueError, match="a model of 3 classes"):
        small_model(num_classes=3).rank("取消", CANDIDATES)


@pytest.mark.parametrize("num_classes", [1, 2])
def test_a_new_model_is_compiled_with_the_defaults(num_classes):
    model = small_model(num_classes=num_classes)
    assert type(model.optimizer) is AdamW
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-5)
    assert type(model.loss) is CrossEntropy
    values = model.evaluate(toy_pairs(8), verbose=0, return_dict=True)
    assert set(values) == {"loss", "accuracy"}


def test_each_default_can_be_replaced():
    model = small_model()
    loss = keras.losses.BinaryFocalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[F1()])
    assert type(model.optimizer) is keras.optimizers.SGD
    assert model.loss is loss
    result = model.evaluate(toy_pairs(8), verbose=0, return_dict=True)
    assert set(result) == {"loss", "f1"}


def test_a_loss_by_name_is_refused_since_it_expects_probabilities(model):
    message = "returns logits.*from_logits=True.*loss='binary_crossentropy'"
    with pytest.raises(ValueError, match=message):
        model.compile(loss="binary_crossentropy")


@pytest.mark.parametrize("num_classes", [0, True, 2.0, None])
def test_the_number_of_classes_is_checked(num_classes):
    with pytest.raises(ValueError, match="`num_classes` must be an integer"):
        CrossEncoder(tiny_encoder(), num_classes=num_classes)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="drop_out"):
        CrossEncoder(tiny_encoder(), drop_out=0.5)


def test_without_a_preprocessor_it_reads_features_alone(model):
    bare = CrossEncoder(model.backbone, name="bare")
    features = model.preprocessor.pack(["取消"], ["还款"])
    assert bare.predict(features, verbose=0).shape == (1, 1)
    message = "`bare` has no preprocessor .*reads packed features alone"
    for ask in (
        lambda: bare.score([("a", "b")]),
        lambda: bare.fit((["a", "b"], ["c", "d"]), [0, 1]),
    ):
        with pytest.raises(ValueError, match=message):
            ask()


@pytest.mark.parametrize("segments", [True, False], ids=["BERT", "RoBERTa"])
def test_a_backbone_of_keras_hub_will_do(segments, tmp_path):
    kind = "BertBackbone" if segments else "RobertaBackbone"
    backbone = tiny_backbone(kind)
    model = tiny_model(backbone, tiny_preprocessor(segments=segments))
    assert model.pooling == ("pooler" if segments else "cls")
    before = model.get_layer("head").get_weights()[0]
    model.fit(toy_pairs(), verbose=0)
    assert np.abs(model.get_layer("head").get_weights()[0] - before).max() > 0
    scores = model.score(toy_pairs(5))
    model.save_to_preset(tmp_path / "preset")
    again = CrossEncoder.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(again.score(toy_pairs(5)), scores, atol=1e-6)


def test_electra_of_keras_hub_will_do():
    backbone = keras_hub.models.ElectraBackbone(
        vocab_size=9,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        embedding_dim=8,
        intermediate_dim=16,
        max_sequence_length=16,
    )
    with pytest.raises(ValueError, match="`vocabulary_size` of 9. Received a"):
        tiny_model(backbone)
    config = {**backbone.get_config(), "vocab_size": 100}
    model = tiny_model(keras_hub.models.ElectraBackbone.from_config(config))
    assert model.score(toy_pairs(3)).shape == (3,)


def test_a_backbone_that_reads_no_padding_has_no_pooling_of_tokens():
    with pytest.raises(ValueError, match="'mean' leaves padding out .*FNetBa"):
        tiny_model(tiny_fnet(), pooling="mean")


def test_the_scoring_of_a_similarity_is_refused():
    with pytest.raises(ValueError, match='"cosine" is of the similarities'):
        tiny_model(scoring=Scoring("cosine"))


def test_predict_takes_features_in_batches_of_the_size_asked_for():
    model = tiny_model()
    features = model.preprocessor.pack(["还款"] * 5, ["取消"] * 5)
    sizes = []

    class Sizes(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            sizes.append(len(logs["outputs"]))

    model.predict(features, batch_size=2, callbacks=[Sizes()], verbose=0)
    assert sizes == [2, 2, 1]
