"""Times tokenising all texts of QA_corpus, for each tokenizer of the tests.

    python benchmarks/tokenizing.py

Prints the median of `--runs` runs over the 240,000 texts, after one that warms
up; reading files and packing are not in it.
"""

import argparse
import statistics
import time
from pathlib import Path

from semmatch import read_pairs
from semmatch.tokenizers import Tokenizer


def main():
    options = parse_arguments()
    texts = read_texts(options.data)
    print(f"{len(texts):,} texts, median of {options.runs} runs")
    for folder in options.tokenizers:
        tokenizer = Tokenizer.from_folder(folder)
        seconds, tokens = measure(tokenizer, texts, options.runs)
        print(
            f"{folder.name}: {seconds:.2f} s, "
            f"{len(texts) / seconds:,.0f} texts per second, "
            f"{tokens / len(texts):.1f} tokens a text"
        )


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument(
        "--tokenizers",
        type=Path,
        nargs="+",
        default=[
            shared / "data/chinese_bert",
            shared / "models/e5-small-zh",
            shared / "models/e5-small-zh-qa",
        ],
        help="folders with tokenizer.json or vocab.txt",
    )
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args()


def read_texts(folder):
    texts = []
    for split in ("train", "valid", "test"):
        pairs = read_pairs(folder / split)
        texts += [*pairs.text_a, *pairs.text_b]
    return texts


def measure(tokenizer, texts, runs):
    """The median seconds, and how many tokens there are."""
    tokens = sum(map(len, tokenizer.tokenize(texts)))
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        tokenizer.tokenize(texts)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), tokens


if __name__ == "__main__":
    main()
