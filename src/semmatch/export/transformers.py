"""From a model to a folder that PyTorch users load."""

import json
import warnings
from pathlib import Path

import keras

from semmatch._folders import PRESET_FILE
from semmatch._folders import writing_folder
from semmatch.checkpoints import sentence_transformers
from semmatch.checkpoints.huggingface_writer import write_checkpoint
from semmatch.checkpoints.sentence_transformers import Modules
from semmatch.checkpoints.sentence_transformers_writer import write_modules
from semmatch.models import BiEncoder
from semmatch.models import CrossEncoder
from semmatch.models import TextEncoder
from semmatch.models.trainable import merged_weights

# What sentence-transformers puts on a single logit, as `score` does.
_SIGMOID = "torch.nn.modules.activation.Sigmoid"


def export_transformers(model, folder):
    """Writes a folder for transformers and sentence-transformers.

    A `CrossEncoder` becomes a sequence classifier, which
    `sentence_transformers.CrossEncoder` loads too and gives the same scores
    from: temperature and bias of the scoring are in the head's weights. A
    `BiEncoder` becomes a `SentenceTransformer` with its pooling, projection,
    prompts and similarity. Thresholds have no place there.

    Args:
        model: `CrossEncoder` with `pooling="pooler"` and no hidden layer, or
            `BiEncoder`, of a `TextEncoder`, with a preprocessor.
        folder: path; files of the same names are replaced once all is
            written.

    Raises:
        TypeError: for another model.
        ValueError: for a head or an encoder that has no like there; if the
            folder has files by which it would be read as another model.

    >>> import tempfile
    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> model = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_transformers(model, folder)
    ...     again = CrossEncoder.from_preset(folder)
    >>> pair = [("怎么还款", "如何还")]
    >>> abs(float(again.score(pair)[0] - model.score(pair)[0])) < 1e-6
    True
    """
    if not isinstance(model, CrossEncoder | BiEncoder):
        raise TypeError(
            "`export_transformers` takes a `CrossEncoder` or a `BiEncoder`. "
            f"Received: a {type(model).__name__}."
        )
    backbone = model.backbone
    if not isinstance(backbone, TextEncoder):
        raise ValueError(
            "`export_transformers` writes a `TextEncoder`. Received: a model "
            f"with a `{type(backbone).__name__}`."
        )
    preprocessor = model.preprocessor_or_error()
    _check_folder(Path(folder), model)
    weights = {
        path: keras.ops.convert_to_numpy(weight)
        for path, weight in merged_weights(model).items()
    }
    config = backbone.get_config()
    write = _write_cross if isinstance(model, CrossEncoder) else _write_bi
    with writing_folder(folder) as target:
        write(target, model, config, weights)
        preprocessor.tokenizer.save(target)
        _write_tokenizer_config(target, preprocessor)


def _check_folder(folder, model):
    # What says of a folder which model it holds, before `config.json` does.
    names = [PRESET_FILE]
    if isinstance(model, CrossEncoder):
        names.append(sentence_transformers.MODULES_FILE)
    for name in names:
        if (folder / name).exists():
            raise ValueError(
                f"{folder} has a {name}, by which it would be read as the "
                "model that was written there before. Export to another "
                "folder, or delete that one."
            )


def _write_cross(folder, model, config, weights):
    if model.pooling != "pooler" or model.hidden_dim is not None:
        raise ValueError(
            "The classifiers of transformers stand on BERT's pooler alone. "
            f"Received: a model with pooling={model.pooling!r} and "
            f"hidden_dim={model.hidden_dim}. Train one with "
            '`pooling="pooler"`, of an encoder with a pooler.'
        )
    scoring = model.scoring
    truncation = model.preprocessor.truncation
    if (
        scoring.symmetric
        or scoring.long == "max"
        or (truncation != "longest_first")
    ):
        warnings.warn(
            "The folder scores a pair in the order given and cuts its longer "
            f"text. Received: symmetric={scoring.symmetric}, "
            f"long={scoring.long!r}, truncation={truncation!r}.",
            stacklevel=3,
        )
    head = {
        "kernel": weights["head/kernel"] / scoring.temperature,
        "bias": weights["head/bias"] / scoring.temperature + scoring.bias,
    }
    settings = {}
    if model.num_classes == 1:
        settings["sentence_transformers"] = {"activation_fn": _SIGMOID}
    write_checkpoint(folder, config, weights, head, **settings)


def _write_bi(folder, model, config, weights):
    write_checkpoint(folder, config, weights)
    projection = None
    if model.projection_dim is not None:
        projection = {
            name: weights[f"projection/{name}"] for name in ("kernel", "bias")
        }
    preprocessor = model.preprocessor
    modules = Modules(
        encoder=folder,
        is_cross_encoder=False,
        pooling=model.pooling,
        projection=projection,
        activation=model.projection_activation,
        normalize=model.normalize,
        sequence_length=preprocessor.sequence_length,
        lowercase=False,
        query_prompt=preprocessor.query_prompt,
        passage_prompt=preprocessor.passage_prompt,
        similarity=model.similarity_name,
    )
    write_modules(folder, modules, config["hidden_dim"])


def _write_tokenizer_config(folder, preprocessor):
    tokenizer = preprocessor.tokenizer
    names = ["input_ids", "attention_mask"]
    if preprocessor.segments:
        names.insert(1, "token_type_ids")
    record = {
        # Reads tokenizer.json as it is.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": preprocessor.sequence_length,
        "model_input_names": names,
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        "pad_token": tokenizer.pad_token,
        "cls_token": tokenizer.single[0].tokens[0],
        "sep_token": tokenizer.single[-1].tokens[-1],
    }
    if tokenizer.unknown_id is not None:
        record["unk_token"] = tokenizer.token(tokenizer.unknown_id)
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
