"""``simsearch evaluate``: measure how good the answers of an index are."""

from simsearch.cli.commands import LazyGroup

evaluate = LazyGroup(
    "evaluate",
    {
        "retrieval": "simsearch.cli.evaluate_retrieval:retrieval",
        "collection": "simsearch.cli.evaluate_collection:collection",
        "clusters": "simsearch.cli.evaluate_clusters:clusters",
        "transfer": "simsearch.cli.evaluate_transfer:transfer",
        "price": "simsearch.cli.evaluate_price:price",
        "traits": "simsearch.cli.evaluate_traits:traits",
        "classifiers": "simsearch.cli.evaluate_classifiers:classifiers",
        "preprocessing": "simsearch.cli.evaluate_preprocessing:preprocessing",
    },
    help="Measure how good the answers of an index are, on items that nothing was fitted on.",
    example="simsearch evaluate retrieval --index indexes/mine",
)
