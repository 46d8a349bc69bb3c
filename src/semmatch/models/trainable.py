"""Which part of a model is trained."""

from semmatch.layers import TransformerBlock
from semmatch.models.text_encoder import TextEncoder

_FORMS = '"all", "head", "top:N" (the last N layers and the head) or "lora:R"'


def set_trainable(model, part):
    """Freezes all of a model but one part.

    The head is always trained. With `"lora:R"` each query and value matrix of
    the encoder gets a product of rank R to train, which is added to the
    matrix where the model is saved or exported; their biases are trained too.

    Source: Hu et al. 2021, "LoRA: low-rank adaptation of large language
    models".

    Args:
        model: `CrossEncoder` or `BiEncoder`, not trained yet.
        part: `"all"`, `"head"`, `"top:N"` or `"lora:R"`, N and R being
            integers of at least 1.

    Raises:
        ValueError: for another form, and for more layers than there are.

    >>> from semmatch.models import BiEncoder, TextEncoder
    >>> model = BiEncoder(TextEncoder(50, 2, 2, 8, 16, pooler=False))
    >>> set_trainable(model, "lora:2")
    >>> len(model.trainable_variables)  # 2 factors and a bias of 4 matrices
    12
    """
    backbone = model.backbone
    kind, _, number = str(part).partition(":")
    if kind in ("top", "lora") and number.isdigit() and int(number) > 0:
        number = int(number)
    elif part not in ("all", "head"):
        raise ValueError(
            f"`trainable` must be {_FORMS}. Received: trainable={part!r}."
        )
    if kind == "lora":
        backbone.enable_lora(number)
        if not has_lora(backbone):
            raise ValueError(
                "LoRA is of layers named query and value, and "
                f"`{type(backbone).__name__}` has none."
            )
    elif kind == "top":
        _train_top(backbone, number)
    elif kind == "head":
        backbone.trainable = False
    if kind != "all" and model.pooling == "pooler":
        # It is a part of the head: checkpoints without one lack it too.
        backbone.trainable = True
        pooler = backbone.get_layer("pooler")
        if kind == "head":
            for layer in backbone.layers:
                layer.trainable = layer is pooler
        pooler.trainable = True


def has_lora(model):
    """Whether a matrix of a Keras model has a sum of low rank beside it."""
    return any(
        getattr(layer, "lora_enabled", False)
        for layer in model._flatten_layers()
    )


def merged_weights(model):
    """Weights by path, those of LoRA added to the matrices they belong to.

    Args:
        model: a Keras model.

    Returns:
        A dict from paths to tensors, as of the same model without LoRA.

    Raises:
        ValueError: for a model that Keras has quantised, whose matrices are
            none without their scales.
    """
    weights = {weight.path: weight.value for weight in model.weights}
    for layer in model._flatten_layers():
        if getattr(layer, "quantization_mode", None) is not None:
            raise ValueError(
                "The weights of a quantised model cannot be saved, exported "
                f"or cut. Received: the layer `{layer.path}` of mode "
                f"{layer.quantization_mode!r}. Take the model before its "
                '`quantize`; `export_onnx(model, folder, quantize="int8")` '
                "quantises what is served."
            )
        if getattr(layer, "lora_enabled", False):
            # Not `layer.kernel`, which is of the type of the computation.
            added = layer.lora_kernel_a @ layer.lora_kernel_b
            factor = layer.lora_alpha / layer.lora_rank
            weights[layer._kernel.path] = layer._kernel + factor * added
            del weights[layer.lora_kernel_a.path]
            del weights[layer.lora_kernel_b.path]
    return weights


def _train_top(backbone, number):
    if not isinstance(backbone, TextEncoder) or backbone.shared_layers:
        raise ValueError(
            '"top:N" is of the layers of a `TextEncoder` that have weights of '
            f"their own. Received: a `{type(backbone).__name__}`."
        )
    if number > backbone.num_layers:
        raise ValueError(
            f"`trainable` must name at most {backbone.num_layers} layers, the "
            f'encoder\'s. Received: trainable="top:{number}".'
        )
    blocks = [x for x in backbone.layers if isinstance(x, TransformerBlock)]
    top = blocks[-number:]
    for layer in backbone.layers:
        if layer.name != "pooler":
            layer.trainable = any(layer is block for block in top)
