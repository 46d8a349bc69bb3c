"""The same encoder is known again, and no other one is taken for it."""

import json
from pathlib import Path

import numpy as np
import pytest

from semmatch._records import Embedding
from semmatch.serving.encoder_fingerprint import check_same_encoder
from semmatch.serving.encoder_fingerprint import embedding_of
from semmatch.serving.encoder_fingerprint import fingerprint
from semmatch.serving.encoder_fingerprint import PROBES
from semmatch.serving.encoder_fingerprint import TOLERANCE
from tests.serving.encoders import CountLetters

SOURCE = Path("faq")


def saved(encoder):
    return json.loads(json.dumps(fingerprint(encoder)))


def test_an_encoder_is_the_same_as_itself():
    for encoder in (CountLetters(), CountLetters(query_prompt="ask ")):
        check_same_encoder(saved(encoder), fingerprint(encoder), SOURCE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "dot"}, "similarity 'dot' instead of 'cosine'"),
        ({"normalize": True}, "normalize True instead of False"),
        ({"query_prompt": "ask"}, "query_prompt 'ask' instead of ''"),
        ({"passage_prompt": "say"}, "passage_prompt 'say' instead of ''"),
        ({"seed": 1}, "query vectors that differ by [0-9.]+ of their"),
    ],
)
def test_another_encoder_is_refused_and_its_difference_named(options, message):
    other = CountLetters(**options)
    with pytest.raises(ValueError, match="faq is of another.*") as error:
        check_same_encoder(saved(CountLetters()), fingerprint(other), SOURCE)
    assert error.match(message)
    assert error.match("encode_again=True")


@pytest.mark.parametrize("side", ["query", "passage"])
@pytest.mark.parametrize("share", [0.9, 1.1])
def test_a_side_may_differ_by_rounding_and_by_no_more(side, share):
    before = saved(CountLetters())
    now = saved(CountLetters())
    for probe in now["probes"][side]:
        length = np.linalg.norm(probe)
        probe[3] += share * TOLERANCE * length
    if share < 1:
        check_same_encoder(before, now, SOURCE)
        return
    with pytest.raises(ValueError, match=rf"{side} vectors .* by 0.05\d* of"):
        check_same_encoder(before, now, SOURCE)


def test_vectors_that_are_no_numbers_are_another_encoder():
    now = saved(CountLetters())
    now["probes"]["query"][0][0] = float("nan")
    with pytest.raises(ValueError, match="another encoder"):
        check_same_encoder(saved(CountLetters()), now, SOURCE)


def test_both_sides_of_all_probes_are_encoded():
    encoder = CountLetters()
    fingerprint(encoder)
    assert sorted(encoder.encoded) == [
        ("passage", list(PROBES)),
        ("query", list(PROBES)),
    ]


def test_what_vectors_are_is_read_from_the_encoder():
    assert embedding_of(CountLetters(similarity="dot")) == Embedding(26, "dot")


def test_what_encodes_nothing_is_refused():
    with pytest.raises(TypeError, match="Expected an encoder.*a `object`"):
        embedding_of(object())
