"""What tests of datasets look at."""


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def order(dataset):
    """The rows of each batch, read off the labels."""
    return [batch[1].tolist() for batch in batches(dataset)]


def padding(dataset):
    """How many places of all batches hold no token."""
    masks = [batch[0]["padding_mask"] for batch in batches(dataset)]
    return sum(mask.size - mask.sum() for mask in masks)
