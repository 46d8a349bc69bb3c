"""The optimizer that encoders are fine-tuned with."""

import keras

# Biases and the parameters of layer normalisation, by variable name.
_NOT_DECAYED = ("bias", "beta", "gamma")


@keras.saving.register_keras_serializable(package="semmatch")
class AdamW(keras.optimizers.AdamW):
    """AdamW as BERT is fine-tuned: no decay on biases and normalisation.

    The exceptions are part of the class, so that they survive saving (those
    of `keras.optimizers.AdamW.exclude_from_weight_decay` do not).

    Source: Loshchilov and Hutter 2017; the exceptions are those of Devlin et
    al. 2018.

    Args:
        learning_rate: float or schedule, such as `LinearWarmup`.
        weight_decay: float, the share by which weights shrink each step, in
            units of the learning rate.
        epsilon: float.
        global_clipnorm: float or None, the largest norm of all gradients
            together.
        **kwargs: as of `keras.optimizers.AdamW`.

    >>> AdamW(3e-5).weight_decay
    0.01
    """

    def __init__(
        self,
        learning_rate=5e-5,
        weight_decay=0.01,
        epsilon=1e-8,
        global_clipnorm=1.0,
        **kwargs,
    ):
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            epsilon=epsilon,
            global_clipnorm=global_clipnorm,
            **kwargs,
        )
        self.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
