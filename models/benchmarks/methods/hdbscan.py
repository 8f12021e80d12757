"""HDBSCAN (Campello, Moulavi and Sander 2013), which finds clusters of any size, cut to the size of a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sklearn.cluster import HDBSCAN

from models.benchmarks.handed import Handed
from models.benchmarks.methods import AIM, LEAST, MOST, Work
from models.benchmarks.methods.blocks import Ints, by_block, clusters, nearest, sizes_of_about
from models.encoder import Vectors


def prepare(handed: Handed) -> Work:
    """Nothing to load but the vectors."""
    return by_block(handed, _groups)


def _groups(vectors: Vectors, seed: int) -> Sequence[Ints]:  # noqa: ARG001 - nothing is drawn
    # every core this process may use, as Kring's matrix products do
    found = HDBSCAN(min_cluster_size=LEAST, n_jobs=-1, copy=True).fit(vectors)
    return [part for cluster in clusters(found.labels_) for part in _cut(vectors, cluster)]


def _cut(vectors: Vectors, cluster: Ints) -> Iterator[Ints]:
    if len(cluster) <= MOST:
        yield cluster
        return
    yield from (cluster[part] for part in nearest(vectors[cluster], sizes_of_about(AIM, len(cluster))))
