"""Finds a sentence's partner among all sentences of QA_corpus, in two stages.

    python benchmarks/retrieve_rerank.py \
        --bi-encoder ../shared/models/e5-small-zh --prompt "query: " \
        --cross-encoder ../shared/models/e5-small-zh-qa

The corpus are the distinct sentences of all splits. A query is the first text
of a pair of a split that matches, and relevant are the second texts of all such
pairs of that split. How much the bi-encoder counts in the order of what is
reranked is chosen on valid, by MRR, out of `--weights`; test tells what it
gives. The floor is the share of characters that a sentence has in common with
the query. Both models are served by `Matcher`, from folders exported to
`--out`; differences have a paired test.
"""

import argparse
import time
from collections import Counter
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

KS = (1, 3, 10)


class Overlap:
    """Ranks the whole corpus as `CharacterOverlap` does, all texts at once."""

    def __init__(self, corpus):
        self.corpus = corpus
        self.lengths = np.array([len(text) for text in corpus])
        self.counts = {}  # of each character, in each text
        for number, text in enumerate(corpus):
            for character, count in Counter(text).items():
                if character not in self.counts:
                    self.counts[character] = np.zeros(len(corpus), "uint8")
                self.counts[character][number] = count

    def search_many(self, queries, top_k):
        return [self._search(query, top_k) for query in queries]

    def _search(self, query, top_k):
        shared = np.zeros(len(self.corpus), int)
        for character, count in Counter(query).items():
            if character in self.counts:
                shared += np.minimum(self.counts[character], count)
        dice = 2 * shared / (self.lengths + len(query))
        return [
            Answer(int(i), float(dice[i]), self.corpus[i], "none")
            for i in np.argsort(-dice, kind="stable")[:top_k]
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


class Remembering:
    """A cross-encoder that reads a query with its candidates once."""

    def __init__(self, cross_encoder):
        self.cross_encoder = cross_encoder
        self.ranked = {}

    def rank_many(self, queries, candidates):
        asked = list(zip(queries, map(tuple, candidates), strict=True))
        new = list(dict.fromkeys(a for a in asked if a not in self.ranked))
        if new:
            ranked = self.cross_encoder.rank_many(*zip(*new, strict=True))
            self.ranked.update(zip(new, ranked, strict=True))
        return [self.ranked[a] for a in asked]


def main():
    options = parse_arguments()
    corpus = sentences(options.data)
    numbers = {text: number for number, text in enumerate(corpus)}
    bi = deployed(BiEncoder, options.bi_encoder, options, prompt=options.prompt)
    cross = deployed(CrossEncoder, options.cross_encoder, options)
    both = RetrieveRerank(bi, Remembering(cross), options.retrieve_k)
    start = time.perf_counter()
    both.add_many((number, text) for text, number in numbers.items())
    seconds = time.perf_counter() - start
    print(
        f"{len(corpus):,} sentences, {len(corpus) / seconds:,.0f} encoded in "
        "a second"
    )
    weight = choose_weight(both, numbers, options)
    if options.valid_only:
        return

    queries, relevant = questions("test", numbers, options)
    reports = {}
    for name, share, searcher in (
        ("characters in common", 0, Overlap(corpus)),
        ("bi-encoder", 0, both.index),
        (f"cross-encoder, of {options.retrieve_k}", 0, both),
        (f"both, the bi-encoder by {weight:g}", weight, both),
    ):
        both.retrieval_weight = share
        reports[name] = evaluate_retrieval(
            WithoutItself(searcher), queries, relevant, ks=KS
        )
        print(f"\n{name}\n{reports[name]}", flush=True)
    _, alone, *reranked = reports
    for name in reranked:
        print(f"\n{name} and the bi-encoder alone, paired")
        print(compare_rankings(reports[name], reports[alone]))


def choose_weight(both, numbers, options):
    """The weight of the first stage that is best by MRR on valid."""
    queries, relevant = questions("valid", numbers, options)
    alone = evaluate_retrieval(
        WithoutItself(both.index), queries, relevant, ks=KS
    )
    print(f"{'':<14} MRR    recall@10")
    print(row("bi-encoder", alone), flush=True)
    reports = {}
    for weight in options.weights:
        both.retrieval_weight = weight
        reports[weight] = evaluate_retrieval(
            WithoutItself(both), queries, relevant, ks=KS
        )
        print(row(f"weight {weight:g}", reports[weight]), flush=True)
    best = max(options.weights, key=lambda weight: reports[weight].mrr)
    print(f"\nweight {best:g} and the bi-encoder alone, paired")
    print(compare_rankings(reports[best], alone))
    return best


def questions(split, numbers, options):
    """Texts that have partners in a split, and these by number."""
    partners = {}
    pairs = read_pairs(options.data / split)
    for pair in np.flatnonzero(pairs.label):
        query, partner = pairs.text_a[pair].strip(), pairs.text_b[pair].strip()
        if query != partner:
            partners.setdefault(query, set()).add(numbers[partner])
    drawn = np.random.default_rng(0).permutation(list(partners))
    queries = drawn[: options.queries].tolist()
    print(f"\n{split}: {len(queries):,} queries")
    return queries, [partners[query] for query in queries]


def row(name, report):
    return f"{name:<14} {report.mrr:.4f} {report.recall[10]:.4f}"


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
    parser.add_argument("--valid-only", action="store_true")
    parser.add_argument("--queries", type=int, help="of a split; without, all")
    parser.add_argument(
        "--weights",
        type=float,
        nargs="+",
        default=[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    )
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
