"""``simsearch train``: learn from pictures, and keep what was learned in a file."""

from simsearch.cli.commands import LazyGroup

train = LazyGroup(
    "train",
    {
        "encoder": "simsearch.cli.train_encoder:encoder",
        "traits": "simsearch.cli.train_traits:traits",
        "classifier": "simsearch.cli.train_classifier:classifier",
        "denoiser": "simsearch.cli.train_denoiser:denoiser",
    },
    help="Learn from pictures, and keep what was learned in a file.",
    example="simsearch train traits pictures/ --out traits.safetensors",
)
