"""What can compute the graph of a deploy folder."""

from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import OUTPUTS
from semmatch.serving.onnx_session import OnnxSession
from semmatch.serving.openvino_session import OpenvinoSession

# Each takes a path and a number of threads, has `version`, `at_once`, `inputs`
# and `outputs`, and computes by `run(output, inputs)` from any thread.
PROVIDERS = {"onnxruntime": OnnxSession, "openvino": OpenvinoSession}

# Our names of the features, by the names of the graph's inputs.
FEATURES = {
    "input_ids": "token_ids",
    "attention_mask": "padding_mask",
    "token_type_ids": "segment_ids",
}


def open_graph(folder, config, provider, num_threads):
    """Loads the graph of a deploy folder.

    Args:
        folder: `pathlib.Path` of a folder that `read_config` has checked.
        config: `DeployConfig`.
        provider: string, one of `PROVIDERS`.
        num_threads: int, threads of one computation.

    Returns:
        What the provider makes of it, see `PROVIDERS`.

    Raises:
        ImportError: without the provider's package.
        RuntimeError: if it does not know the graph.
        ValueError: if the graph is not the one that `config` describes, or is
            in an int8 that the provider does not compute.
    """
    path = folder / MODEL_FILE
    if provider == "openvino" and config.quantization == "int8":
        # It loads the graph, and fails at the first computation.
        raise ValueError(
            f"OpenVINO does not compute {path}, which is quantised to "
            "'int8': the scales of its tokens are found as they come. Take "
            "provider='onnxruntime', or export with "
            "quantize='int8-static' or None."
        )
    session = PROVIDERS[provider](path, num_threads)
    output = OUTPUTS[config.kind]
    inputs = {"input_ids", "attention_mask"}
    if output not in session.outputs or not (
        inputs <= set(session.inputs) <= set(FEATURES)
    ):
        raise ValueError(
            f"{path} is not the graph of a {config.kind}, which semmatch.json "
            f"says it is: expected the output {output!r} and the inputs "
            f"{list(FEATURES)}, the last of them or not. Received: the outputs "
            f"{list(session.outputs)} and the inputs {session.inputs}. Export "
            "the model again."
        )
    width = session.outputs[output][-1]
    if config.embedding is not None and width != config.embedding.dim:
        raise ValueError(
            f"{path} gives vectors of {width} dimensions, and semmatch.json "
            f"says they have {config.embedding.dim}. Export the model again."
        )
    one = config.scoring.activation != "softmax"
    if config.embedding is None and one != (width == 1):
        raise ValueError(
            f"{path} gives {width} logits a pair, which the activation "
            f"{config.scoring.activation!r} of semmatch.json cannot score. "
            "Export the model again."
        )
    return session
