"""The peer's row of `train_speed.py`; run by the peer's own Python.

`CrossEncoder` and `CrossEncoderTrainer` of sentence-transformers as their
documentation shows them, with bf16 on.
"""

import argparse
import itertools
import json
import resource
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers.cross_encoder import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer
from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from transformers import TrainerCallback


class Clock(TrainerCallback):
    """Notes when each step ends."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.ends = [time.perf_counter()]

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.perf_counter())


def main():
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = CrossEncoder(
        str(options.preset),
        num_labels=1,
        max_length=options.sequence_length,
        device="cpu",
        # The file holds float16, which autocast on a CPU cannot train.
        model_kwargs={"dtype": torch.float32},
    )
    if options.num_layers is not None:
        encoder = model.model.bert.encoder
        encoder.layer = encoder.layer[: options.num_layers]
    columns = {
        name: (options.data / "train" / f"train.{file}").read_text().split("\n")
        for name, file in {
            "text_a": "seq1.in",
            "text_b": "seq2.in",
            "label": "label",
        }.items()
    }
    total = options.warm_up + options.steps * options.readings
    rows = total * options.batch_size
    data = Dataset.from_dict(
        {
            "text_a": columns["text_a"][:rows],
            "text_b": columns["text_b"][:rows],
            "label": [float(label) for label in columns["label"][:rows]],
        }
    )
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        CrossEncoderTrainer(
            model=model,
            args=CrossEncoderTrainingArguments(
                folder,
                max_steps=total,
                per_device_train_batch_size=options.batch_size,
                learning_rate=1e-4,
                bf16=True,
                use_cpu=True,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
            ),
            train_dataset=data,
            loss=BinaryCrossEntropyLoss(model),
            callbacks=[clock],
        ).train()
    pairs = options.steps * options.batch_size
    bounds = clock.ends[options.warm_up :: options.steps]
    figures = {
        "warm_up_seconds": bounds[0] - clock.ends[0],
        "pairs_per_second": [
            pairs / (end - start) for start, end in itertools.pairwise(bounds)
        ],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(figures))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--sequence-length", type=int, required=True)
    parser.add_argument("--warm-up", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--readings", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
