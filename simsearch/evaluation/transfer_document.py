"""What ``evaluate transfer --json`` prints."""

from simsearch.evaluation.transfer import TransferResult


def transfer_document(result: TransferResult) -> dict[str, object]:
    """All numbers; NaN where there was nothing to measure."""
    settings = result.settings
    return {
        "train": settings.train,
        "encoder": result.material.encoder,
        "items": dict(result.material.catalog.collections),
        "query_share": settings.query_share,
        "k": settings.k,
        "seeds": settings.seeds,
        "seed": settings.seed,
        "collections": {
            name: {
                "asked": found.asked,
                "commonest": found.commonest,
                "traits": found.traits,
                "neighbors": found.neighbors,
                "groups": found.groups,
            }
            for name, found in result.collections.items()
        },
        "left_out": result.left_out,
    }
