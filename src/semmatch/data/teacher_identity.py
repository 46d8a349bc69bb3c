"""Which teacher said something of pairs."""


def scorer_of(model):
    """What has `logits(pairs)` and a `scoring`: a model's scorer, or itself."""
    return model.pair_scorer() if hasattr(model, "pair_scorer") else model


def identity_of(scorer):
    """What makes the scores of a teacher its own, beside its weights.

    Args:
        scorer: has a `scoring`; and perhaps a `packer`, which cuts texts, or
            `members` and `weights`.

    Returns:
        A dict of JSON types.
    """
    if getattr(scorer, "identity", None) is not None:
        return scorer.identity
    identity = {
        name: value
        for name, value in scorer.scoring.to_dict().items()
        if "threshold" not in name
    }
    for name in ("sequence_length", "truncation"):
        value = getattr(getattr(scorer, "packer", None), name, None)
        if value is not None:
            identity[name] = value
    if hasattr(scorer, "members"):
        identity["weights"] = list(scorer.weights)
        identity["members"] = [
            identity_of(scorer_of(member)) for member in scorer.members
        ]
    return identity
