"""Ranges of an activation's components, made more alike."""

import numpy as np

# How much of the difference of ranges goes to the weights.
_SHARE = 0.75

# A component or a row that is nearly 0 counts as this share of the largest:
# on other texts it may be more.
_LEAST = 1e-3


def smoothing_factors(products, ranges, kernels):
    """What components are divided by, and rows of kernels multiplied by.

    All components of an activation are rounded in the same steps, and one
    that is much larger than the others leaves few to them. Divided by these
    factors they are more alike, and with the rows of the kernels multiplied
    by them the product is what it was.

    Source: Xiao et al. 2023, "SmoothQuant".

    Args:
        products: list of pairs of names, activation and kernel.
        ranges: dict from the name of each activation to its `Range`.
        kernels: dict from the name of each kernel to it, float `(dim, width)`.

    Returns:
        A dict from each of the names to float32 `(dim,)`. Activations of one
        kernel have the same factors, and kernels of one activation.

    >>> from semmatch.export.calibration import Range
    >>> ranges = {"x": Range(np.float32([0, -16]), np.float32([1, 2]))}
    >>> kernels = {"kernel": np.float32([[1, -1], [1, 0.5]])}
    >>> smoothing_factors([("x", "kernel")], ranges, kernels)["x"].tolist()
    [1.0, 8.0]
    """
    factors = {}
    for names in _groups(products):
        spread = _largest(
            np.maximum(-ranges[name].low, ranges[name].high)
            for name in names
            if name in ranges
        )
        rows = _largest(
            np.abs(kernels[name]).max(axis=1)
            for name in names
            if name in kernels
        )
        found = spread**_SHARE / rows ** (1 - _SHARE)
        factors.update(dict.fromkeys(names, found.astype("float32")))
    return factors


def _groups(products):
    """Sets of names that stand together in a product, also by others."""
    groups = []
    for product in products:
        joined = [group for group in groups if not group.isdisjoint(product)]
        groups = [group for group in groups if group.isdisjoint(product)]
        groups.append(set().union(product, *joined))
    return groups


def _largest(vectors):
    """The largest of each component, none of them 0."""
    largest = np.max(list(vectors), axis=0)
    return np.maximum(largest, _LEAST * (largest.max() or 1))
