"""k-means with a least and a most for every cluster, by minimum cost flow (Bradley, Bennett and Demiriz 2000)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from k_means_constrained import KMeansConstrained

from models.benchmarks.handed import Handed
from models.benchmarks.methods import AIM, LEAST, MOST, Work
from models.benchmarks.methods.blocks import Ints, by_block, clusters, sizes_of_about
from models.encoder import Vectors


def prepare(handed: Handed) -> Work:
    """Nothing to load but the vectors."""
    return by_block(handed, _groups)


def _groups(vectors: Vectors, seed: int) -> Sequence[Ints]:
    if len(vectors) <= MOST:  # one cluster of everybody, which the library refuses
        return [np.arange(len(vectors))]
    # its usual ten starts take ten times as long for a slightly lower sum of squares
    method = KMeansConstrained(
        n_clusters=len(sizes_of_about(AIM, len(vectors))), size_min=LEAST, size_max=MOST, n_init=1, random_state=seed
    )
    return clusters(np.asarray(method.fit_predict(vectors)))
