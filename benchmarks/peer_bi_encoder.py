"""The peer's row of `bi_encoder.py`; run by the peer's own Python.

`SentenceTransformerTrainer` with `CoSENTLoss`, as its documentation shows it,
in bf16 where ours trains in it, too.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import CoSENTLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sentence_transformer.modules import Transformer


def main():
    options = parse_arguments()
    torch.manual_seed(options.seed)
    encoder = Transformer(
        str(options.preset),
        max_seq_length=options.sequence_length,
        # The file holds float16, which autocast on a CPU cannot train.
        model_kwargs={"dtype": torch.float32},
    )
    if options.num_layers is not None:
        layers = encoder.auto_model.encoder
        layers.layer = layers.layer[: options.num_layers]
    pooling = Pooling(encoder.get_embedding_dimension(), "mean")
    model = SentenceTransformer(modules=[encoder, pooling], device="cpu")
    texts = json.loads((options.folder / "texts.json").read_text())
    text_a, text_b, label = texts["train"]
    data = Dataset.from_dict(
        {"a": text_a, "b": text_b, "score": list(map(float, label))}
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                folder,
                num_train_epochs=options.epochs,
                per_device_train_batch_size=options.batch_size,
                learning_rate=options.rate,
                weight_decay=0.01,
                warmup_steps=0.1,
                bf16=options.bf16,
                use_cpu=True,
                seed=options.seed,
                report_to="none",
                save_strategy="no",
                logging_steps=200,
            ),
            train_dataset=data,
            loss=CoSENTLoss(model),
        )
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    for split in ("valid", "test"):
        a, b = (model.encode(side) for side in texts[split][:2])
        cosines = model.similarity_pairwise(a, b).numpy()
        np.save(options.folder / f"{split}.npy", cosines)
    (options.folder / "seconds.json").write_text(json.dumps(seconds))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--sequence-length", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bf16", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
