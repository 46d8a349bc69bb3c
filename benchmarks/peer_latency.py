"""The peers' rows of `latency.py`; run by the peers' own Python.

    peer_latency.py prepare FOLDER

makes of the classifier in FOLDER what each peer runs, and

    peer_latency.py time FOLDER VARIANT THREADS BATCH LENGTH SECONDS

prints the seconds of each run of one of them, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

WARM_UP = 10
CALIBRATION = 100


def main():
    command, folder, *arguments = sys.argv[1:]
    if command == "prepare":
        prepare(Path(folder))
        return
    variant, threads, batch, length, seconds = arguments
    run = VARIANTS[variant](Path(folder), int(threads))
    features = make_features(Path(folder), int(batch), int(length))
    print(json.dumps(times(run, features, float(seconds))))


def make_features(folder, batch, length, seed=0):
    """Random tokens without padding."""
    config = json.loads((folder / "config.json").read_text())
    ids = np.random.default_rng(seed).integers(
        config["vocab_size"], size=(batch, length)
    )
    ones = np.ones_like(ids)
    return {
        "input_ids": ids,
        "attention_mask": ones,
        "token_type_ids": 0 * ones,
    }


def times(run, features, seconds):
    for _ in range(WARM_UP):
        run(features)
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(found) < WARM_UP:
        start = time.perf_counter()
        run(features)
        found.append(time.perf_counter() - start)
    return found


def load(folder, dtype):
    import torch
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="sdpa"
    ).eval()


def prepare(folder):
    import nncf
    import onnx
    import openvino
    import torch
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.quantization import QuantType
    from onnxruntime.transformers.optimizer import optimize_model

    model = load(folder, "float32")
    example = {
        name: torch.tensor(value)
        for name, value in make_features(folder, 2, 40).items()
    }
    plain = folder / "plain.onnx"
    free = {0: "batch", 1: "length"}
    torch.onnx.export(
        model,
        (),
        plain,
        kwargs=example,
        input_names=list(example),
        output_names=["logits"],
        dynamic_axes={name: free for name in example},
        opset_version=17,
        dynamo=False,
    )
    config = model.config
    optimized = optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    )
    optimized.save_model_to_file(str(folder / "float32.onnx"))
    quantize_dynamic(
        folder / "float32.onnx",
        folder / "int8.onnx",
        per_channel=True,
        weight_type=QuantType.QInt8,
        # The optimizer's own operators have no inferred types.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    converted = openvino.convert_model(str(plain))
    openvino.save_model(converted, folder / "plain.xml")
    rows = [
        make_features(folder, 1, length, seed)
        for seed, length in enumerate(
            np.linspace(8, 64, CALIBRATION, dtype=int)
        )
    ]
    quantized = nncf.quantize(
        converted,
        nncf.Dataset(rows),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
    )
    openvino.save_model(quantized, folder / "int8.xml")


def torch_runner(dtype):
    def make(folder, threads):
        import torch

        torch.set_num_threads(threads)
        model = load(folder, dtype)

        def run(features):
            with torch.inference_mode():
                inputs = {n: torch.from_numpy(v) for n, v in features.items()}
                return model(**inputs).logits.float().numpy()

        return run

    return make


def onnxruntime_runner(name):
    def make(folder, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            folder / name, options, providers=["CPUExecutionProvider"]
        )
        names = [node.name for node in session.get_inputs()]

        def run(features):
            return session.run(None, {name: features[name] for name in names})

        return run

    return make


def openvino_runner(name, precision):
    def make(folder, threads):
        import openvino

        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if precision is not None:
            settings["INFERENCE_PRECISION_HINT"] = precision
        compiled = openvino.compile_model(folder / name, "CPU", settings)
        request = compiled.create_infer_request()
        names = [next(iter(node.names)) for node in compiled.inputs]
        return lambda features: request.infer({n: features[n] for n in names})

    return make


VARIANTS = {
    "torch float32": torch_runner("float32"),
    "torch bfloat16": torch_runner("bfloat16"),
    "onnxruntime float32": onnxruntime_runner("float32.onnx"),
    "onnxruntime int8": onnxruntime_runner("int8.onnx"),
    "openvino bfloat16": openvino_runner("plain.xml", "bf16"),
    "openvino int8": openvino_runner("int8.xml", None),
}


if __name__ == "__main__":
    main()
