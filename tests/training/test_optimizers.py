"""AdamW against a step in plain numpy."""

import contextlib

import keras
import numpy as np
import pytest

from semmatch.training import AdamW
from semmatch.training import LinearWarmup
from semmatch.training import optimizers
from tests.checks import json_round_trip
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.training import two_replicas

NAMES = ["kernel", "embeddings", "bias", "gamma", "beta"]
DECAYED = {"kernel"}


def variables():
    generator = np.random.default_rng(0)
    return [
        keras.Variable(generator.normal(size=(3, 2)), name=name)
        for name in NAMES
    ]


def gradients(seed):
    generator = np.random.default_rng(seed)
    shapes = [(3, 2)] * len(NAMES)
    return [generator.normal(size=s).astype("float32") for s in shapes]


def numpy_adamw(
    values, steps, rate, decay, epsilon, clip=None, beta_1=0.9, beta_2=0.999
):
    """Loshchilov and Hutter 2017, algorithm 2, the multiplier being 1."""
    mean = [np.zeros_like(value) for value in values]
    square = [np.zeros_like(value) for value in values]
    for number, step in enumerate(steps, start=1):
        if clip is not None:
            norm = np.sqrt(sum((g.astype("float64") ** 2).sum() for g in step))
            step = [g * min(1.0, clip / norm) for g in step]
        for index, (name, gradient) in enumerate(zip(NAMES, step, strict=True)):
            mean[index] = beta_1 * mean[index] + (1 - beta_1) * gradient
            square[index] = beta_2 * square[index] + (1 - beta_2) * gradient**2
            # Keras adds epsilon before the correction (Kingma and Ba 2014,
            # end of section 2).
            update = mean[index] / (np.sqrt(square[index]) + epsilon)
            update = update * np.sqrt(1 - beta_2**number) / (1 - beta_1**number)
            if name in DECAYED:
                update = update + decay * values[index]
            values[index] = values[index] - rate * update
    return values


def run(optimizer, steps):
    """The variables after the steps, as arrays."""
    trained = variables()
    optimizer.build(trained)
    for step in steps:
        optimizer.apply(list(map(keras.ops.convert_to_tensor, step)))
    return [to_numpy(variable) for variable in trained]


OPTIONS = [
    {"learning_rate": 0.01},
    {"learning_rate": 0.02, "weight_decay": 0.5},
    {"learning_rate": 0.01, "epsilon": 0.1},
    {"learning_rate": 0.01, "global_clipnorm": 0.5, "epsilon": 0.1},
    {"learning_rate": 0.01, "global_clipnorm": None, "epsilon": 0.1},
    {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.6},
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("restored", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_are_those_of_adamw(options, restored, compiled, monkeypatch):
    # Which passes are compiled depends on the size of a variable.
    monkeypatch.setattr(optimizers, "_SMALL", 0 if compiled else 7)
    optimizer = AdamW(**options)
    if restored:
        optimizer = json_round_trip(optimizer)
    steps = [gradients(seed) for seed in (1, 2, 3)]
    expected = numpy_adamw(
        [to_numpy(variable) for variable in variables()],
        steps,
        options["learning_rate"],
        options.get("weight_decay", 0.01),
        options.get("epsilon", 1e-8),
        options.get("global_clipnorm", 1.0),
        options.get("beta_1", 0.9),
        options.get("beta_2", 0.999),
    )
    np.testing.assert_allclose(
        np.stack(run(optimizer, steps)), np.stack(expected), rtol=1e-4
    )


@pytest.mark.parametrize("restored", [False, True])
def test_without_gradients_only_kernels_shrink(restored):
    optimizer = AdamW(0.1, weight_decay=0.5)
    if restored:
        optimizer = json_round_trip(optimizer)
    zeros = [np.zeros((3, 2), "float32") for _ in NAMES]
    outputs = run(optimizer, [zeros])
    for name, before, after in zip(NAMES, variables(), outputs, strict=True):
        factor = 1 - 0.1 * 0.5 if name in DECAYED else 1
        np.testing.assert_allclose(after, to_numpy(before) * factor, rtol=1e-6)


def test_a_schedule_sets_the_rate_of_each_step():
    # Without memory, a gradient of any size moves by the rate alone.
    schedule = LinearWarmup(0.1, total_steps=4, warmup=0.5)
    ones = [np.ones((3, 2), "float32") for _ in NAMES]
    before = np.stack([to_numpy(variable) for variable in variables()])
    for count, total in [(1, 0.05), (2, 0.15), (3, 0.25), (4, 0.30)]:
        optimizer = AdamW(schedule, weight_decay=0, beta_1=0, beta_2=0)
        after = np.stack(run(optimizer, [ones] * count))
        np.testing.assert_allclose(before - after, total, rtol=1e-4)


def test_the_defaults_are_those_of_fine_tuning():
    optimizer = AdamW()
    assert float(optimizer.learning_rate) == pytest.approx(5e-5)
    assert optimizer.weight_decay == 0.01
    assert optimizer.epsilon == 1e-8
    assert optimizer.global_clipnorm == 1.0


def test_the_config_gives_the_same_optimizer_back():
    optimizer = AdamW(
        LinearWarmup(1e-3, 10), 0.2, 1e-6, 2.0, beta_1=0.8, name="adam"
    )
    again = json_round_trip(optimizer)
    assert type(again) is AdamW
    assert again.get_config() == optimizer.get_config()
    assert again.get_config()["learning_rate"]["config"]["peak"] == 1e-3


def slices(rows, values):
    import tensorflow as tf

    return tf.IndexedSlices(
        tf.constant(values, tf.float32), tf.constant(rows), tf.constant([4, 2])
    )


def table_after(optimizer, *steps):
    """A table of four rows after steps of slices."""
    table = keras.Variable(np.ones((4, 2), "float32"), name="embeddings")
    optimizer.build([table])
    for rows, values in steps:
        optimizer.apply([slices(rows, values)])
    return to_numpy(table)


@tensorflow_only
@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("clip", [None, 0.5])
def test_rows_that_stand_twice_are_added_up(lazy, clip):
    optimizer = AdamW(0.1, epsilon=0.1, global_clipnorm=clip, lazy=lazy)
    after = table_after(optimizer, ([1, 3, 1], [[1, 2], [0, 1], [2, -5]]))
    gradient = np.array([[3.0, -3.0], [0.0, 1.0]])
    if clip is not None:
        gradient *= clip / np.linalg.norm(gradient)
    # The first step: both moments are those of this gradient alone.
    root = np.sqrt(1 - 0.999)
    change = 0.1 * gradient * root / (np.abs(gradient) * root + 0.1)
    np.testing.assert_allclose(after[[1, 3]], 1 - change, rtol=1e-5)
    np.testing.assert_array_equal(after[[0, 2]], 1)


@tensorflow_only
def test_rows_that_a_batch_lacks_stay_as_they_are_if_lazy():
    steps = ([0, 1], [[1, 1], [1, 1]]), ([1, 2], [[1, 1], [1, 1]])
    lazy = table_after(AdamW(0.1), *steps)
    once = table_after(AdamW(0.1), steps[0])
    np.testing.assert_array_equal(lazy[[0, 3]], once[[0, 3]])
    assert (lazy[[1, 2]] < once[[1, 2]]).all()
    eager = table_after(AdamW(0.1, lazy=False), *steps)
    assert (eager[0] < once[0]).all()  # momentum goes on


@tensorflow_only
def test_lazy_steps_that_hold_every_row_are_those_of_adamw():
    generator = np.random.default_rng(0)
    steps = [(range(4), generator.normal(size=(4, 2))) for _ in range(3)]
    lazy = table_after(AdamW(0.1), *steps)
    eager = table_after(AdamW(0.1, lazy=False), *steps)
    np.testing.assert_allclose(lazy, eager, rtol=1e-5)


@tensorflow_only
@pytest.mark.parametrize("clip", [{"clipnorm": 0.5}, {"clipvalue": 0.5}])
def test_other_clippings_see_each_row_once(clip):
    options = {"epsilon": 0.1, "global_clipnorm": None, **clip}
    twice = table_after(AdamW(0.1, **options), ([1, 1], [[1, 0], [-1, 0.1]]))
    once = table_after(AdamW(0.1, **options), ([1], [[0, 0.1]]))
    np.testing.assert_allclose(twice, once, rtol=1e-6)


def test_amsgrad_is_that_of_keras():
    options = {"weight_decay": 0.5, "epsilon": 0.1, "amsgrad": True}
    reference = keras.optimizers.AdamW(0.1, global_clipnorm=0.5, **options)
    reference.exclude_from_weight_decay(var_names=NAMES[1:])
    # The largest gradient comes first, so that the maximum counts.
    steps = [[4 * g for g in gradients(1)], gradients(2), gradients(3)]
    expected = run(reference, steps)
    outputs = run(AdamW(0.1, global_clipnorm=0.5, **options), steps)
    np.testing.assert_allclose(np.stack(outputs), expected, rtol=1e-5)


@tensorflow_only
def test_a_table_that_is_decayed_is_updated_whole():
    table = keras.Variable(np.ones((4, 2), "float32"), name="words")
    optimizer = AdamW(0.1, weight_decay=0.5)
    optimizer.build([table])
    optimizer.apply([slices([1], [[0, 0]])])
    np.testing.assert_allclose(to_numpy(table), 1 - 0.1 * 0.5, rtol=1e-6)


@pytest.mark.slow
@tensorflow_only
def test_two_replicas_train_as_one():
    figures = two_replicas.run()
    assert figures["moved"] > 0.01
    assert figures["apart"] < 1e-6


PATHS = [
    "token_embedding/embeddings",
    "embedding_norm/gamma",
    "block_0/query/kernel",
    "block_1/output/bias",
    "backbone/transformer_layer_2/self_attention_layer/query/kernel",
    "pooler/kernel",
    "head/kernel",
]
DEPTHS = [4, 4, 3, 2, 1, 0, 0]


def named_variables():
    """Of three blocks, with paths as ours and as KerasHub's."""
    found = []
    for path in PATHS:
        *scopes, name = path.split("/")
        with contextlib.ExitStack() as stack:
            for scope in scopes:
                stack.enter_context(keras.name_scope(scope))
            found.append(keras.Variable(np.ones(2, "float32"), name=name))
    assert [variable.path for variable in found] == PATHS
    return found


@pytest.mark.parametrize("restored", [False, True])
def test_the_rate_shrinks_with_the_depth(restored):
    # Without memory, a gradient of any size moves by the rate alone.
    optimizer = AdamW(0.1, beta_1=0, beta_2=0, weight_decay=0, layer_decay=0.5)
    if restored:
        optimizer = json_round_trip(optimizer)
    trained = named_variables()
    optimizer.build(trained)
    optimizer.apply([keras.ops.ones(2)] * len(trained))
    moved = [1 - to_numpy(variable)[0] for variable in trained]
    expected = [0.1 * 0.5**depth for depth in DEPTHS]
    np.testing.assert_allclose(moved, expected, rtol=1e-4)


def test_the_weights_shrink_with_the_depth():
    optimizer = AdamW(0.1, weight_decay=0.5, layer_decay=0.5)
    trained = named_variables()
    optimizer.build(trained)
    optimizer.apply([keras.ops.zeros(2)] * len(trained))
    for path, depth, variable in zip(PATHS, DEPTHS, trained, strict=True):
        decayed = path.endswith("kernel")
        factor = 1 - 0.05 * 0.5**depth if decayed else 1
        np.testing.assert_allclose(to_numpy(variable), factor, rtol=1e-6)


@pytest.mark.parametrize("layer_decay", [0, 1.1])
def test_other_decays_of_the_rate_are_refused(layer_decay):
    with pytest.raises(ValueError, match="`layer_decay` must be in"):
        AdamW(layer_decay=layer_decay)


def test_a_model_without_blocks_has_no_depth():
    optimizer = AdamW(layer_decay=0.9)
    with pytest.raises(ValueError, match="`layer_decay` needs blocks"):
        optimizer.build(variables())
