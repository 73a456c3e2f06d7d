"""What a batch of views should look like to the network, as losses."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

TEMPERATURE = 0.07
TRAIT_TEMPERATURE = 0.1
OVERLAP_TEMPERATURE = 0.05
"""Sharper than the other, as even the items that share most share little."""


def copies_loss(first: "Tensor", second: "Tensor") -> "Tensor":
    """Each view finds the other view of its picture among all of the batch.

    InfoNCE in both directions (van den Oord et al. 2018), as for copy detection by Pizzi et al.
    (SSCD, CVPR 2022). Most pictures of a batch are of few collections, which makes them hard to
    tell apart.

    Args:
        first: embeddings (n, d) of one view of each picture.
        second: of the other.
    """
    import torch
    from torch.nn import functional

    first, second = functional.normalize(first, dim=1), functional.normalize(second, dim=1)
    alike = first @ second.T / TEMPERATURE
    own = torch.arange(len(first), device=first.device)
    return (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own)) / 2


def traits_loss(embeddings: "Tensor", overlaps: "Tensor") -> "Tensor":
    """Items of one collection are as near to each other as their traits overlap.

    Cross entropy of the softmax of cosines with the softmax of overlaps, an item itself left out.

    Args:
        embeddings: (n, d), of one collection.
        overlaps: (n, n), 0 to 1.
    """
    import torch
    from torch.nn import functional

    unit = functional.normalize(embeddings, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    alike = (unit @ unit.T / TRAIT_TEMPERATURE).masked_fill(itself, -1e4)
    wanted = (overlaps / OVERLAP_TEMPERATURE).masked_fill(itself, -1e4).softmax(1)
    return -(wanted * alike.log_softmax(1)).sum(1).mean()
