"""Templates say what the Rust library itself puts around texts."""

import json

import pytest
import tokenizers
from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import processors

from semmatch.tokenizers.template import read_templates

VOCABULARY = {"[PAD]": 0, "[CLS]": 3, "[SEP]": 5, "<s>": 6, "</s>": 7}
TEXTS = {"a": 10, "aa": 11, "b": 12, "bb": 13, "[UNK]": 14}

BERT = processors.BertProcessing(("[SEP]", 5), ("[CLS]", 3))
ROBERTA = processors.RobertaProcessing(("</s>", 7), ("<s>", 6))
ONE_SEGMENT = processors.TemplateProcessing(
    single="<s> $A </s>",
    pair="<s> $A </s> </s> $B </s>",
    special_tokens=[("<s>", 6), ("</s>", 7)],
)
# No special token first, one of two ids, segments that BERT has not.
UNUSUAL = processors.TemplateProcessing(
    single="$A:1 [SEP]:2",
    pair="$B:1 both:3 $A:0 [SEP]:2",
    special_tokens=[
        ("[SEP]", 5),
        {"id": "both", "ids": [6, 7], "tokens": ["<s>", "</s>"]},
    ],
)
BYTES = processors.ByteLevel()
PROCESSORS = {
    "BERT": BERT,
    "RoBERTa": ROBERTA,
    "template of one segment": ONE_SEGMENT,
    "unusual template": UNUSUAL,
    "sequence": processors.Sequence([BYTES, ROBERTA]),
    "sequence in a sequence": processors.Sequence(
        [BYTES, processors.Sequence([ONE_SEGMENT])]
    ),
}


def rust(processor):
    tokenizer = tokenizers.Tokenizer(
        models.WordLevel(VOCABULARY | TEXTS, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processor
    return tokenizer


def section(processor):
    return json.loads(rust(processor).to_str())["post_processor"]


def expand(template, texts):
    """Ids and segments of a template around the ids of texts."""
    ids, segments = [], []
    for part in template:
        piece = texts[part.text] if part.text else list(part.ids)
        ids += piece
        segments += [part.segment] * len(piece)
    return ids, segments


@pytest.mark.parametrize("name", PROCESSORS)
def test_templates_give_what_the_rust_library_gives(name):
    reference = rust(PROCESSORS[name])
    single, pair = read_templates(section(PROCESSORS[name]), VOCABULARY)
    texts = {"A": [10, 11], "B": [12, 13, 12]}
    expected = reference.encode("a aa")
    assert expand(single, texts) == (expected.ids, expected.type_ids)
    expected = reference.encode("a aa", "b bb b")
    assert expand(pair, texts) == (expected.ids, expected.type_ids)


@pytest.mark.parametrize("name", PROCESSORS)
def test_parts_name_their_tokens(name):
    names = {index: token for token, index in VOCABULARY.items()}
    for template in read_templates(section(PROCESSORS[name]), VOCABULARY):
        for part in template:
            assert part.tokens == tuple(names[index] for index in part.ids)
            assert bool(part.text) != bool(part.ids)


@pytest.mark.parametrize(
    "post_processor",
    [None, section(BYTES), section(processors.Sequence([BYTES]))],
    ids=["none", "ByteLevel", "sequence of ByteLevel"],
)
@pytest.mark.parametrize("cls, sep", [("[CLS]", "[SEP]"), ("<s>", "</s>")])
def test_without_special_tokens_they_are_those_of_bert(
    post_processor, cls, sep
):
    vocabulary = {cls: 8, sep: 9, "a": 1}
    reference = rust(processors.BertProcessing((sep, 9), (cls, 8)))
    single, pair = read_templates(post_processor, vocabulary)
    texts = {"A": [10], "B": [12, 13]}
    expected = reference.encode("a")
    assert expand(single, texts) == (expected.ids, expected.type_ids)
    expected = reference.encode("a", "b bb")
    assert expand(pair, texts) == (expected.ids, expected.type_ids)


def test_the_names_of_bert_come_before_those_of_roberta():
    single, _ = read_templates(None, VOCABULARY)
    assert [part.tokens for part in single] == [("[CLS]",), (), ("[SEP]",)]


@pytest.mark.parametrize(
    "vocabulary", [{"a": 0}, {"[CLS]": 0, "</s>": 1}, {"<s>": 0}]
)
def test_a_vocabulary_without_them_is_refused(vocabulary):
    with pytest.raises(ValueError, match="no special tokens .* nor <s> and"):
        read_templates(None, vocabulary)


@pytest.mark.parametrize("in_sequence", [False, True])
def test_an_unknown_section_is_refused_by_name(in_sequence):
    post_processor = {"type": "FutureProcessing"}
    if in_sequence:
        post_processor = {"type": "Sequence", "processors": [post_processor]}
    message = r"must be one of \('TemplateProcessing', .*'FutureProcessing'"
    with pytest.raises(ValueError, match=message):
        read_templates(post_processor, VOCABULARY)
