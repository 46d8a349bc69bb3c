"""Finds a sentence's partner among all sentences of QA_corpus, in two stages.

    python benchmarks/retrieve_rerank.py \
        --bi-encoder ../shared/models/e5-small-zh --prompt "query: " \
        --cross-encoder ../shared/models/e5-small-zh-qa

The corpus are the distinct sentences of all splits. A query is the first text
of a pair of `--split` that matches, and relevant are the second texts of all
such pairs. The floor is the share of characters that a sentence has in common
with the query. Both models are served by `Matcher`, from folders exported to
`--out`; differences have a paired test.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from encode import sentences

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import read_pairs
from semmatch import RetrieveRerank
from semmatch.evaluation import compare_rankings
from semmatch.evaluation import evaluate_retrieval
from semmatch.serving import Answer
from semmatch.serving import CharacterOverlap

KS = (1, 3, 10)


class Overlap:
    """Ranks the whole corpus by characters in common."""

    def __init__(self, index):
        self.texts = [texts[0] for _, texts in index.items()]
        self.by_text = dict(zip(self.texts, index.items(), strict=True))

    def search_many(self, queries, top_k):
        return [self._search(query, top_k) for query in queries]

    def _search(self, query, top_k):
        ranked = CharacterOverlap().rank(query, self.texts, top_k)
        return [
            Answer(self.by_text[place.text][0], place.score, place.text, "none")
            for place in ranked
        ]


class WithoutItself:
    """A search whose queries stand in the corpus themselves."""

    def __init__(self, searcher):
        self.searcher = searcher

    def search_many(self, queries, top_k):
        found = self.searcher.search_many(queries, top_k + 1)
        return [
            [answer for answer in answers if answer.text != query][:top_k]
            for query, answers in zip(queries, found, strict=True)
        ]


def main():
    options = parse_arguments()
    corpus = sentences(options.data)
    numbers = {text: number for number, text in enumerate(corpus)}
    partners = {}
    pairs = read_pairs(options.data / options.split)
    for row in np.flatnonzero(pairs.label):
        query, partner = pairs.text_a[row].strip(), pairs.text_b[row].strip()
        if query != partner:
            partners.setdefault(query, set()).add(numbers[partner])
    drawn = np.random.default_rng(0).permutation(list(partners))
    queries = drawn[: options.queries].tolist()
    relevant = [partners[query] for query in queries]
    print(f"{len(corpus):,} sentences, {len(queries):,} queries")

    bi = deployed(BiEncoder, options.bi_encoder, options, prompt=options.prompt)
    cross = deployed(CrossEncoder, options.cross_encoder, options)
    both = RetrieveRerank(bi, cross, options.retrieve_k)
    start = time.perf_counter()
    both.add_many((number, text) for text, number in numbers.items())
    seconds = time.perf_counter() - start
    print(f"index: {len(corpus) / seconds:,.0f} sentences per second")

    reports = {}
    for name, searcher in (
        ("characters in common", Overlap(both.index)),
        ("bi-encoder", both.index),
        (f"reranked, of {options.retrieve_k}", both),
    ):
        start = time.perf_counter()
        report = evaluate_retrieval(
            WithoutItself(searcher), queries, relevant, ks=KS
        )
        seconds = (time.perf_counter() - start) / len(queries)
        print(f"\n{name}: {1000 * seconds:.1f} ms a query\n{report}")
        reports[name] = report
    _, alone, reranked = reports.values()
    print("\nreranked and the bi-encoder alone, paired")
    print(compare_rankings(reranked, alone))


def deployed(model_class, preset, options, prompt=None):
    """The `Matcher` of a preset or checkpoint, exported once."""
    folder = options.out / f"{preset.name}-{options.quantize or 'float32'}"
    if not folder.exists():
        prompts = {}
        if prompt is not None:
            prompts = {"query_prompt": prompt, "passage_prompt": prompt}
        model = model_class.from_preset(preset, sequence_length=64, **prompts)
        export_onnx(model, folder, quantize=options.quantize)
    return Matcher(folder)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_retrieval_arguments(parser)
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--retrieve-k", type=int, default=50)
    return parser.parse_args()


def add_retrieval_arguments(parser):
    """The models and where they lie, also of `reranker.py`."""
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser.add_argument("--bi-encoder", type=Path, required=True)
    parser.add_argument("--cross-encoder", type=Path, required=True)
    parser.add_argument("--prompt", help="before each text, of the former")
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--quantize", choices=["int8"])
    parser.add_argument("--out", type=Path, default=Path("runs/retrieval"))


if __name__ == "__main__":
    main()
