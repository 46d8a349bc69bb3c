"""An FAQ is saved and loaded whole, and for its own encoder."""

import json
import re

import numpy as np
import pytest

from semmatch import FAQIndex
from semmatch import Scoring
from tests.serving.encoders import CountLetters
from tests.serving.faqs import assert_finds
from tests.serving.faqs import FAQ
from tests.serving.faqs import KINDS
from tests.serving.faqs import make
from tests.serving.faqs import QUERIES


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def test_a_saved_index_is_the_same(tmp_path, kind):
    encoder = CountLetters(query_prompt="ask ")
    index = make(kind=kind, encoder=encoder)
    index.update("repay", ["给我还款", "how to give back"])
    index.delete("cancel")
    index.save(tmp_path / "faq")
    loaded = FAQIndex.load(str(tmp_path / "faq"), encoder)
    assert loaded.items() == index.items()
    faq = dict(index.items())
    assert list(faq) == ["repay", 7, "address"]  # 7 is still no string
    assert_finds(loaded, faq)
    for name in ("factory", "search_parameters"):
        expected = kind.get(name)
        assert getattr(loaded.vector_index, name) == expected
    loaded.add("cancel", FAQ["cancel"])
    loaded.delete("address")
    faq = {"repay": faq["repay"], 7: FAQ[7], "cancel": FAQ["cancel"]}
    assert_finds(loaded, faq)
    loaded.save(tmp_path / "faq")
    assert_finds(FAQIndex.load(tmp_path / "faq", encoder), faq)


def test_loading_encodes_no_phrasing_again(tmp_path):
    make().save(tmp_path)
    encoder = CountLetters()
    FAQIndex.load(tmp_path, encoder)
    texts = {text for _, texts in encoder.encoded for text in texts}
    assert not texts & {"open hours", "moved house"}


@pytest.mark.parametrize("options", [{"seed": 1}, {"similarity": "dot"}])
def test_another_encoder_is_refused_or_encodes_all_again(
    tmp_path, kind, options
):
    make(kind=kind).save(tmp_path)
    other = CountLetters(scoring=Scoring("sigmoid"), **options)
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path))} is of a"):
        FAQIndex.load(tmp_path, other)
    index = FAQIndex.load(tmp_path, other, encode_again=True)
    fresh = make(kind=kind, encoder=other)
    assert index.vector_index.factory == kind.get("factory")
    assert index.search_many(QUERIES) == fresh.search_many(QUERIES)
    index.save(tmp_path)
    loaded = FAQIndex.load(tmp_path, other)
    assert loaded.search_many(QUERIES) == index.search_many(QUERIES)


def test_the_fingerprint_is_of_the_encoder_that_made_the_vectors(tmp_path):
    encoder = CountLetters()
    index = make(encoder=encoder)
    encoder.weights = np.linspace(0.1, 2, 26)  # trained further
    index.save(tmp_path)
    with pytest.raises(ValueError, match="of another encoder"):
        FAQIndex.load(tmp_path, encoder)
    FAQIndex.load(tmp_path, CountLetters()).save(tmp_path)
    assert_finds(FAQIndex.load(tmp_path, CountLetters()), FAQ)


def test_an_encoder_may_be_trained_before_the_first_answer(tmp_path):
    encoder = CountLetters()
    index = FAQIndex(encoder)
    for seed in (1, 2):  # and after all answers are gone
        encoder.weights = np.random.default_rng(seed).uniform(size=26)
        index.add_many(FAQ)
        index.save(tmp_path)
        loaded = FAQIndex.load(tmp_path, encoder)
        assert loaded.search_many(QUERIES) == index.search_many(QUERIES)
        with pytest.raises(ValueError, match="of another encoder"):
            FAQIndex.load(tmp_path, CountLetters())
        for id in FAQ:
            index.delete(id)


@pytest.mark.parametrize("change", ["add", "update"])
def test_vectors_of_before_and_after_a_training_are_not_mixed(change):
    encoder = CountLetters()
    index = make(encoder=encoder)
    encoder.weights = np.linspace(0.1, 2, 26)
    with pytest.raises(ValueError, match="was changed since .* differ by"):
        getattr(index, change)("new" if change == "add" else "repay", "pay")
    assert index.items() == make().items()
    again = FAQIndex(encoder)
    again.add_many(index.items())  # as the message says
    again.add("new", "pay")


@pytest.mark.parametrize(
    "name", ["faq_index.json", "vector_index.json", "vectors.npy"]
)
def test_damaged_files_are_named(tmp_path, name):
    make().save(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=name):
        FAQIndex.load(tmp_path, CountLetters())
    file.unlink()
    with pytest.raises(FileNotFoundError, match=name):
        FAQIndex.load(tmp_path, CountLetters())


def test_texts_and_vectors_of_two_indexes_are_not_mixed(tmp_path):
    make().save(tmp_path / "a")
    other = dict.fromkeys(FAQ, "another")
    other["repay"] = ["a", "b", "c", "d", "e"]
    make(other).save(tmp_path / "b")
    text = (tmp_path / "b" / "faq_index.json").read_text()
    (tmp_path / "a" / "faq_index.json").write_text(text)
    with pytest.raises(ValueError, match="vector_index.json is not the file"):
        FAQIndex.load(tmp_path / "a", CountLetters())


def test_texts_that_are_not_those_of_the_vectors_are_refused(tmp_path):
    make().save(tmp_path)
    path = tmp_path / "faq_index.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["answers"][0]
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="5 phrasings .* of the 8 vectors"):
        FAQIndex.load(tmp_path, CountLetters())
