"""``simsearch train``: learn from pictures, and keep what was learned in a file."""

from simsearch.cli.commands import LazyGroup

train = LazyGroup(
    "train",
    {
        "encoder": "simsearch.cli.train_encoder:encoder",
        "traits": "simsearch.cli.train_traits:traits",
    },
    help="Learn from pictures, and keep what was learned in a file.",
    example="simsearch train traits pictures/ --out traits.safetensors",
)
