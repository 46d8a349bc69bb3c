"""From a checkpoint of another library to a model."""

import dataclasses

from semmatch import checkpoints
from semmatch.checkpoints import sentence_transformers
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.text_encoder import TextEncoder
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer

# Of the folder that has no settings for it.
_EMBEDDING = {
    "pooling": "mean",
    "projection_dim": None,
    "projection_activation": None,
    "normalize": True,
    "similarity": "cosine",
}


def cross_encoder_from(
    model_class, folder, *, num_layers, dtype, head, packing
):
    """A `CrossEncoder` of a checkpoint; arguments are those of `presets.load`.

    The head of a sequence classifier is kept unless another one is asked for;
    else the head is a fresh one, which the report says.
    """
    folder, modules = _encoder_folder(folder)
    checkpoint = checkpoints.read_checkpoint(folder, num_layers=num_layers)
    encoder = _encoder(checkpoint, dtype)
    preprocessor = CrossEncoderPreprocessor(
        _tokenizer(folder, packing, modules),
        _sequence_length(checkpoint, packing, modules),
        truncation=packing["truncation"] or "longest_first",
        segments=bool(encoder.num_segments),
    )
    # transformers puts its classifier on the pooler, and nowhere else.
    own_head = {
        "num_classes": checkpoint.num_classes,
        "pooling": "pooler",
        "hidden_dim": None,
    }
    wanted = {name: head.get(name, own) for name, own in own_head.items()}
    keeps_head = checkpoint.head is not None and wanted == own_head
    if keeps_head:
        head = {**head, **own_head}
    model = model_class(encoder, preprocessor, **head)
    if keeps_head:
        kernel, bias = checkpoint.head["kernel"], checkpoint.head["bias"]
        model.get_layer("head").set_weights([kernel, bias])
        model.load_report = checkpoint.report
    else:
        report = _without_head(checkpoint)
        initialised = (*report.initialised, "head")
        model.load_report = dataclasses.replace(report, initialised=initialised)
    return model


def bi_encoder_from(model_class, folder, *, num_layers, dtype, head, packing):
    """A `BiEncoder` of a checkpoint; arguments are those of `presets.load`.

    A folder of sentence-transformers says how its encoder is pooled; of
    another one the mean is taken.
    """
    folder, modules = _encoder_folder(folder)
    checkpoint = checkpoints.read_checkpoint(folder, num_layers=num_layers)
    encoder = _encoder(checkpoint, dtype)
    own, prompts = dict(_EMBEDDING), {"query_prompt": "", "passage_prompt": ""}
    projection = None
    if modules is not None and not modules.is_cross_encoder:
        projection = modules.projection
        own = {
            "pooling": modules.pooling,
            "projection_dim": projection and len(projection["bias"]),
            "projection_activation": modules.activation,
            "normalize": modules.normalize,
            "similarity": modules.similarity,
        }
        prompts = {name: getattr(modules, name) for name in prompts}
    prompts = {
        name: own if packing[name] is None else packing[name]
        for name, own in prompts.items()
    }
    preprocessor = BiEncoderPreprocessor(
        _tokenizer(folder, packing, modules),
        _sequence_length(checkpoint, packing, modules),
        segments=bool(encoder.num_segments),
        **prompts,
    )
    model = model_class(encoder, preprocessor, **{**own, **head})
    report = _without_head(checkpoint)
    if model.projection_dim is not None:
        if projection and model.projection_dim == own["projection_dim"]:
            weights = [projection["kernel"], projection["bias"]]
            model.get_layer("projection").set_weights(weights)
        else:
            report = dataclasses.replace(report, initialised=("projection",))
    model.load_report = report
    return model


def _encoder_folder(folder):
    """The folder of the encoder, and the `Modules` around it or None."""
    if not sentence_transformers.matches(folder):
        return folder, None
    modules = sentence_transformers.read(folder)
    return modules.encoder, modules


def _encoder(checkpoint, dtype):
    encoder = TextEncoder(**checkpoint.config, dtype=dtype)
    variables = {variable.path: variable for variable in encoder.weights}
    for path, array in checkpoint.tensors.items():
        variables[path].assign(array)
    return encoder


def _tokenizer(folder, packing, modules):
    tokenizer = Tokenizer.from_folder(folder)
    if modules is not None and modules.lowercase:
        only_case = dict.fromkeys(
            ("width", "quotes", "spaces", "zero_width"), False
        )
        tokenizer = tokenizer.with_normalizer(TextNormalizer(**only_case))
    if packing["normalizer"] is None:
        return tokenizer
    return tokenizer.with_normalizer(packing["normalizer"])


def _sequence_length(checkpoint, packing, modules):
    if packing["sequence_length"] is not None:
        return packing["sequence_length"]
    if modules is None or modules.sequence_length is None:
        return checkpoint.sequence_length
    return min(
        modules.sequence_length, checkpoint.config["max_sequence_length"]
    )


def _without_head(checkpoint):
    """The report on a checkpoint whose classifier is left out."""
    left = dict.fromkeys(checkpoint.head_tensors, "head of another task")
    report = checkpoint.report
    return dataclasses.replace(
        report,
        used=tuple(name for name in report.used if name not in left),
        unused={**report.unused, **left},
    )
