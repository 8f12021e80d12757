"""BERTopic's default pipeline on vectors of MiniLM: UMAP, HDBSCAN, c-TF-IDF (Grootendorst 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from models.training.baselines import MiniLm


class BerTopic:
    """Finds topics by itself. Only UMAP's chance is fixed; every other number is the library's default."""

    name = "BERTopic, default pipeline"

    def __init__(self, minilm: MiniLm, *, seed: int) -> None:
        self._minilm, self._seed = minilm, seed

    @staticmethod
    def installed() -> bool:
        """Whether it and the model it embeds with are there."""
        return find_spec("bertopic") is not None and MiniLm.installed()

    def clusters(self, texts: Sequence[str]) -> list[int]:
        """A topic's number for each text; -1 for an outlier."""
        from bertopic import BERTopic  # noqa: PLC0415 - optional, group "evaluate"
        from umap import UMAP  # noqa: PLC0415 - comes with bertopic

        # BERTopic's own defaults for UMAP, written out because a seed can only be given to a model of one's own
        umap = UMAP(
            n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", low_memory=False, random_state=self._seed
        )
        model = BERTopic(embedding_model=self._minilm.model, umap_model=umap)
        clusters, _ = model.fit_transform(list(texts), embeddings=self._minilm.encode(texts))
        return [int(one) for one in clusters]
