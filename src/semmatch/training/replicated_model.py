"""What a Keras model does otherwise where it has replicas."""

import contextlib

import keras
from keras import tree

from semmatch.training.multi_worker import batch_specs
from semmatch.training.multi_worker import check_keras
from semmatch.training.multi_worker import is_multi_worker
from semmatch.training.multi_worker import with_axis
from semmatch.training.replica_step import replica_step


class ReplicatedModel:
    """Stands before the Keras class among the bases of a model.

    In the scope of a strategy of `tf.distribute` a model is trained,
    evaluated and asked by all replicas, of one process or of several; a batch
    alone, as `score` makes it, is computed by this process and one device.
    Without replicas the model is computed as by Keras; metrics and optimizer
    are built before the first step.
    """

    # What `predict_on_batch` runs, and the function of Keras that it is of.
    _one_device = None

    def train_step(self, *arguments):
        if not _in_replica():
            return super().train_step(*arguments)
        return replica_step(self, *arguments)

    def predict_on_batch(self, x):
        # Keras gives the whole batch to each replica, and joins what they
        # return: twice as many rows.
        if getattr(self, "_distribute_strategy", None) is None:
            return super().predict_on_batch(x)
        self.make_predict_function()  # None after what changes the model
        if self._one_device is None or (
            self._one_device[0] is not self.predict_function
        ):
            self._one_device = self.predict_function, self._one_device_step()
        return tree.map_structure(
            keras.ops.convert_to_numpy, self._one_device[1](x)
        )

    def _one_device_step(self):
        import tensorflow as tf

        def step(x):
            return self(x, training=False)

        if self.run_eagerly:
            return step
        return tf.function(
            step, reduce_retracing=True, jit_compile=self.jit_compile
        )

    def _make_function(self, step, *arguments, **kwargs):
        """Keras makes of a step what it calls for each batch."""
        strategy = getattr(self, "_distribute_strategy", None)
        if strategy is None or not is_multi_worker(strategy):
            return super()._make_function(step, *arguments, **kwargs)
        return super()._make_function(
            lambda data: with_axis(step(data)), *arguments, **kwargs
        )

    def _get_metrics_result_or_logs(self, logs):
        """What an epoch logs, of what its last step returned."""
        # Where a step does not return all metrics, Keras takes the means of
        # what replicas have found so far, of however many rows.
        if getattr(self, "_distribute_strategy", None) is None:
            return super()._get_metrics_result_or_logs(logs)
        results = self.get_metrics_result()
        return {name: results.get(name, value) for name, value in logs.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds metrics and optimizer before the first step.

        Keras does where there are replicas. Elsewhere it has the first trace
        of a step build them, and a function that builds variables is traced
        once more, which doubles the time before a training starts.
        """
        strategy = self._distribute_strategy
        if strategy is None and self.run_eagerly:
            return  # nothing is traced, and a metric may want values
        if strategy is not None and is_multi_worker(strategy):
            check_keras()
        if iterator is not None:
            data_batch = batch_specs(iterator)
        with strategy.scope() if strategy else contextlib.nullcontext():
            self._symbolic_build(data_batch=data_batch)


def _in_replica():
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync > 1
