"""A real deploy folder, served from one thread and from many."""

import concurrent.futures
import dataclasses
import itertools
import types

import numpy as np
import onnxruntime
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Scoring
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.deploy_folder import write_config
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.export.models import PAIRS
from tests.export.models import spread_model

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.* pairs .* have more than"),
]


def served(folder, **kwargs):
    model = spread_model(**kwargs)
    export_onnx(model, folder)
    return types.SimpleNamespace(model=model, folder=folder)


@pytest.fixture(scope="module")
def deploy(tmp_path_factory):
    scoring = Scoring("sigmoid", temperature=2.0, bias=0.25)
    return served(tmp_path_factory.mktemp("deploy"), scoring=scoring)


@pytest.fixture(scope="module")
def matcher(deploy):
    return Matcher(deploy.folder)


def test_scores_are_those_of_the_model(deploy, matcher):
    scores = matcher.score(PAIRS)
    assert scores.shape == (len(PAIRS),)
    assert scores.dtype == np.float32
    assert np.ptp(scores) > 0.2  # else any model would do
    np.testing.assert_allclose(scores, deploy.model.score(PAIRS), atol=1e-5)


def test_ranking_is_that_of_the_model(deploy, matcher):
    texts = [f"{a}{b}" for a in TEXTS for b in TEXTS]
    ranked = matcher.rank(TEXTS[0], texts, top_k=4)
    expected = deploy.model.rank(TEXTS[0], texts, top_k=4)
    assert [p.text for p in ranked] == [p.text for p in expected]
    assert [p.index for p in ranked] == [p.index for p in expected]
    scores = matcher.score([(TEXTS[0], place.text) for place in ranked])
    np.testing.assert_allclose([p.score for p in ranked], scores, atol=1e-6)
    many = matcher.rank_many([TEXTS[0], TEXTS[1]], [texts, []], top_k=4)
    assert [[p.index for p in one] for one in many] == [
        [p.index for p in expected],
        [],
    ]


def test_it_knows_its_configuration(deploy, matcher):
    assert matcher.config == read_config(deploy.folder)
    assert matcher.scoring == deploy.model.scoring
    assert matcher.packer.sequence_length == 16
    assert matcher.packer.truncation == "longest_first"


def test_the_recorded_settings_rule_and_not_defaults(deploy, tmp_path):
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((deploy.folder / name).read_bytes())
    config = dataclasses.replace(
        read_config(deploy.folder),
        sequence_length=8,
        truncation="only_second",
        scoring=Scoring("sigmoid", bias=-1.0),
    )
    write_config(tmp_path, config)
    matcher = Matcher(str(tmp_path))
    long = TEXTS[0]  # its six tokens leave no room for the second text
    assert matcher.score([(long, "取消")]) == matcher.score([(long, "还")])
    logit = matcher.logits([(long, "还")])[0, 0]
    expected = 1 / (1 + np.exp(1 - logit))
    np.testing.assert_allclose(matcher.score([(long, "")]), expected, 1e-6)


def test_a_pair_scores_the_same_in_any_company(matcher):
    together = matcher.score(PAIRS)
    np.testing.assert_array_equal(matcher.score(PAIRS), together)
    alone = np.concatenate([matcher.score([pair]) for pair in PAIRS])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    backwards = matcher.score(PAIRS[::-1])[::-1]
    np.testing.assert_allclose(backwards, together, atol=1e-6)


def test_eight_threads_get_what_one_gets(matcher):
    chunks = [PAIRS[start::8] for start in range(8)] * 10
    expected = [matcher.score(chunk) for chunk in chunks]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(matcher.score, chunks))
    for got, wanted in zip(scores, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("max_tokens", [1, 50, 4096])
@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_scores_are_those_of_any_batch_and_any_number_of_threads(
    deploy, matcher, max_tokens, num_threads
):
    expected = matcher.score(PAIRS)
    other = Matcher(deploy.folder, num_threads=num_threads)
    other.pair_scorer().at_once.max_tokens = max_tokens
    np.testing.assert_allclose(other.score(PAIRS), expected, atol=1e-6)
    ranked = other.rank(TEXTS[0], [text for _, text in PAIRS])
    again = other.rank(TEXTS[0], [text for _, text in PAIRS])
    assert ranked == again


def test_ten_thousand_candidates_are_ranked(matcher):
    letters = itertools.product("怎么取消借款如何还", repeat=5)
    texts = ["".join(next(letters)) for _ in range(10_000)]
    ranked = matcher.rank(TEXTS[0], texts)
    assert sorted(place.index for place in ranked) == list(range(10_000))
    scores = [place.score for place in ranked]
    assert scores == sorted(scores, reverse=True)
    some = ranked[::500]
    alone = matcher.score([(TEXTS[0], place.text) for place in some])
    np.testing.assert_allclose([p.score for p in some], alone, atol=1e-6)


def test_an_empty_query_is_one_like_others(deploy, matcher):
    ranked = matcher.rank("", [*TEXTS, ""])
    expected = deploy.model.rank("", [*TEXTS, ""])
    assert [place.index for place in ranked] == [p.index for p in expected]
    scores = matcher.score([("", place.text) for place in ranked])
    np.testing.assert_allclose([p.score for p in ranked], scores, atol=1e-6)


def test_nothing_gives_nothing(matcher):
    assert matcher.score([]).shape == (0,)
    assert matcher.rank("怎么还款", []) == []
    assert matcher.rank_many([], []) == []


@pytest.mark.parametrize(("num_threads", "loaded"), [(1, [1]), (3, [3, 1])])
def test_the_number_of_threads_reaches_onnxruntime(
    deploy, monkeypatch, num_threads, loaded
):
    seen = []
    session = onnxruntime.InferenceSession

    def recording(path, options, **kwargs):
        seen.append(options.intra_op_num_threads)
        return session(path, options, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", recording)
    matcher = Matcher(deploy.folder, num_threads=num_threads)
    assert seen == loaded
    np.testing.assert_allclose(
        matcher.score(PAIRS), deploy.model.score(PAIRS), atol=1e-5
    )


def test_the_threads_are_those_of_the_container(deploy, monkeypatch):
    monkeypatch.setattr("semmatch.serving.matcher.cpu_limit", lambda: 3)
    assert Matcher(deploy.folder).num_threads == 3
    assert Matcher(deploy.folder, num_threads=2).num_threads == 2


def recorded_shapes(matcher, monkeypatch):
    shapes = []

    def recording(run):
        def record(features):
            shapes.append(features["token_ids"].shape)
            return run(features)

        return record

    for owner in (
        matcher,
        matcher.pair_scorer(),
        matcher.pair_scorer().at_once,
    ):
        monkeypatch.setattr(owner, "run", recording(owner.run))
    return shapes


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (None, [(32, 16), (1, 8), (1, 16)]),
        (16, [(32, 16), (1, 8), (1, 16)]),
        (9, [(32, 16), (1, 8), (1, 16)]),
        (np.int64(8), [(64, 8), (1, 8)]),
        (1, [(64, 8), (1, 8)]),
    ],
)
@pytest.mark.parametrize("num_threads", [1, 3])
def test_warming_up_runs_the_shapes_that_will_come(
    deploy, monkeypatch, num_threads, longest, expected
):
    matcher = Matcher(deploy.folder, num_threads=num_threads)
    before = matcher.score(PAIRS)
    shapes = recorded_shapes(matcher, monkeypatch)
    matcher.warm_up(longest)
    full, *others = expected
    # Then one empty pair.
    assert shapes == [full] * num_threads + others + [(1, 3)]
    np.testing.assert_array_equal(matcher.score(PAIRS), before)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_nothing_is_padding(deploy, monkeypatch, num_threads):
    matcher = Matcher(deploy.folder, num_threads=num_threads)
    shapes = recorded_shapes(matcher, monkeypatch)
    pairs = list(dict.fromkeys(PAIRS))
    matcher.score(pairs)
    ids = [matcher.packer.tokenizer.tokenize(pair) for pair in pairs]
    lengths = matcher.packer.lengths(*zip(*ids, strict=True))
    found = np.repeat(*np.array([shape[::-1] for shape in shapes]).T)
    assert sorted(found) == sorted(lengths)


@pytest.mark.parametrize(
    ("longest", "message"),
    [
        (17, "must be at most 16, the model's.*longest=17"),
        (0, "longest=0"),
        (8.0, "longest=8.0"),
        (True, "longest=True"),
    ],
)
def test_a_longest_text_that_cannot_be_is_refused(matcher, longest, message):
    with pytest.raises(ValueError, match=message):
        matcher.warm_up(longest)


@pytest.mark.parametrize("num_threads", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_that_is_none_is_refused(deploy, num_threads):
    message = f"`num_threads` must be .* num_threads={num_threads!r}"
    with pytest.raises(ValueError, match=message):
        Matcher(deploy.folder, num_threads=num_threads)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([("怎么", "还", "款")], ValueError, "Received at position 0"),
        ([("怎么", None)], TypeError, "second text of pair 0.*None"),
        (None, TypeError, r"`pairs` must be a list, with \(text_a, text_b\)"),
        (3, TypeError, "in each place. Received: 3 of type int"),
    ],
)
def test_bad_pairs_are_refused(matcher, pairs, error, message):
    for function in (matcher.score, matcher.logits):
        with pytest.raises(error, match=message):
            function(pairs)


def test_three_classes_score_each_class_and_do_not_rank(tmp_path):
    three = served(tmp_path / "three", num_classes=3)
    matcher = Matcher(three.folder)
    scores = matcher.score(PAIRS)
    assert scores.shape == (len(PAIRS), 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(scores, three.model.score(PAIRS), atol=1e-5)
    with pytest.raises(ValueError, match="Received: a model of 3 classes"):
        matcher.rank("怎么还款", ["还款"])
