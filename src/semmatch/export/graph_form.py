"""The one wording for what a TensorFlow graph cannot do."""


def no_graph_form(what):
    """An error for a part of a model that strings cannot go through.

    Args:
        what: string, names the part as the subject of a sentence.

    Returns:
        `ValueError`, to be raised.

    >>> str(no_graph_form("A normalizer of type 'Nmt'"))
    "A normalizer of type 'Nmt' has no exact graph form, ..."
    """
    return ValueError(
        f"{what} has no exact graph form, and `export_saved_model` writes a "
        "graph that takes strings. Use `export_onnx`, whose `Matcher` has all "
        "of it outside of the graph, or `export_frozen_graph`, which takes "
        "ids."
    )
