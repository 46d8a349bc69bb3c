"""What JAX asks of data that several devices share."""

import keras

from semmatch.training.run import batch_order


def check_shared_out(dataset):
    """Refuses batches that the devices of JAX cannot share evenly.

    JAX itself would say so at the end of the first epoch.

    Args:
        dataset: what a model is trained or validated on; only datasets that
            know their batches are looked at.
    """
    if keras.config.backend() != "jax":
        return
    distribution = keras.distribution.distribution()
    order = batch_order(dataset)
    if distribution is None or not hasattr(order, "num_rows"):
        return
    devices = distribution.num_model_replicas
    first = min(order.num_rows, order.batch_size)
    for rows in (first, order.num_rows % order.batch_size):
        if rows % devices:
            raise ValueError(
                f"On JAX {devices} devices share a batch evenly, the last one "
                f"of an epoch as well. Received: {order.num_rows} rows in "
                f"batches of {order.batch_size}, and so a batch of {rows}. "
                f"Take a `batch_size` that is a multiple of {devices}, and "
                f"leave {order.num_rows % devices} rows out, as in "
                f"`pairs[: {order.num_rows // devices * devices}]`."
            )
