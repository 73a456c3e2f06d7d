"""``simsearch evaluate``: measure how good the answers of an index are."""

from simsearch.cli.commands import LazyGroup

evaluate = LazyGroup(
    "evaluate",
    {},
    help="Measure how good the answers of an index are.",
    example="simsearch evaluate retrieval --index indexes/mine",
)
