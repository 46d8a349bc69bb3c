"""From an encoder of another library to a model."""

import dataclasses

from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.preprocessor import CrossEncoderPreprocessor

# Of an encoder that has no settings for it.
_EMBEDDING = {
    "pooling": "mean",
    "projection_dim": None,
    "projection_activation": None,
    "normalize": True,
    "similarity": "cosine",
}


def cross_encoder_from(model_class, source, head, packing):
    """A `CrossEncoder` of a checkpoint.

    The head of a sequence classifier is kept unless another one is asked for;
    else the head is a fresh one, which the report says.

    Args:
        model_class: `CrossEncoder`.
        source: `EncoderSource`.
        head: a dict of the arguments of `model_class` that are asked for.
        packing: a dict as of `presets.load`.
    """
    preprocessor = CrossEncoderPreprocessor(
        _tokenizer(source, packing),
        _sequence_length(source, packing),
        truncation=packing["truncation"] or "longest_first",
        segments="segment_ids" in source.encoder.input,
    )
    classifier = source.classifier
    # transformers puts its classifier on the pooler, and nowhere else.
    own_head = {
        "num_classes": None if classifier is None else len(classifier["bias"]),
        "pooling": "pooler",
        "hidden_dim": None,
    }
    wanted = {name: head.get(name, own) for name, own in own_head.items()}
    keeps_head = classifier is not None and wanted == own_head
    if keeps_head:
        head = {**head, **own_head}
    model = model_class(source.encoder, preprocessor, **head)
    if keeps_head:
        weights = [classifier["kernel"], classifier["bias"]]
        model.get_layer("head").set_weights(weights)
        model.load_report = source.report
    else:
        report = _without_classifier(source)
        initialised = (*report.initialised, "head")
        model.load_report = dataclasses.replace(report, initialised=initialised)
    return model


def bi_encoder_from(model_class, source, head, packing):
    """A `BiEncoder` of a checkpoint; arguments as of `cross_encoder_from`.

    A folder of sentence-transformers says how its encoder is pooled; of
    another one the mean is taken.
    """
    own, prompts = dict(_EMBEDDING), {"query_prompt": "", "passage_prompt": ""}
    modules, projection = source.modules, None
    if modules is not None:
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
        name: prompt if packing[name] is None else packing[name]
        for name, prompt in prompts.items()
    }
    preprocessor = BiEncoderPreprocessor(
        _tokenizer(source, packing),
        _sequence_length(source, packing),
        segments="segment_ids" in source.encoder.input,
        **prompts,
    )
    model = model_class(source.encoder, preprocessor, **{**own, **head})
    report = _without_classifier(source)
    if model.projection_dim is not None:
        if projection and model.projection_dim == own["projection_dim"]:
            weights = [projection["kernel"], projection["bias"]]
            model.get_layer("projection").set_weights(weights)
        else:
            report = dataclasses.replace(report, initialised=("projection",))
    model.load_report = report
    return model


def _tokenizer(source, packing):
    if packing["normalizer"] is None:
        return source.tokenizer
    return source.tokenizer.with_normalizer(packing["normalizer"])


def _sequence_length(source, packing):
    asked = packing["sequence_length"]
    return source.sequence_length if asked is None else asked


def _without_classifier(source):
    """The report on a checkpoint whose classifier is left out."""
    left = dict.fromkeys(source.classifier_tensors, "head of another task")
    report = source.report
    return dataclasses.replace(
        report,
        used=tuple(name for name in report.used if name not in left),
        unused={**report.unused, **left},
    )
