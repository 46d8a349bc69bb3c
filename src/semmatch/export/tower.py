"""What every export for TensorFlow begins with: one row in, one row out."""

import keras

from semmatch.models import BiEncoder
from semmatch.models import CrossEncoder
from semmatch.serving.deploy_folder import OUTPUTS

# The names that serving clients of BERT models expect, by those of ours.
INPUTS = {
    "token_ids": "input_ids",
    "padding_mask": "attention_mask",
    "segment_ids": "token_type_ids",
}


def check_exportable(model, who):
    """Refuses what TensorFlow cannot trace.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
        who: string, the name of the function that exports.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow.
        TypeError: for another model.
        ValueError: for a model without a preprocessor.
    """
    if not isinstance(model, CrossEncoder | BiEncoder):
        raise TypeError(
            f"`{who}` takes a `CrossEncoder` or a `BiEncoder`; load one by "
            f"its `from_preset`. Received: a {type(model).__name__}."
        )
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            f"`{who}` traces the model with TensorFlow. Received: Keras on "
            f"{keras.config.backend()!r}. Save the model by `save_to_preset` "
            "and export it in a process with KERAS_BACKEND=tensorflow."
        )
    model.preprocessor_or_error()


def output_name(model):
    """`"logits"` of a cross-encoder, `"sentence_embedding"` of the other."""
    is_cross = isinstance(model, CrossEncoder)
    return OUTPUTS["cross_encoder" if is_cross else "bi_encoder"]
