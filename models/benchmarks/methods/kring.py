"""The engine itself, with the vectors given: encoding is timed apart, as it is done once for a need and kept."""

from __future__ import annotations

from models.benchmarks.handed import Handed, Made
from models.benchmarks.methods import Work
from models.bundled import BundledEncoder
from models.encoder import Vector
from models.match import match


def prepare(handed: Handed) -> Work:
    """Load the encoder, which says what of a vector may be compared, and everything that is known of the needs."""
    encoder = BundledEncoder(handed.weights)
    needs = handed.needs()
    rows = handed.encoded()
    vectors = {need.id: Vector(encoder.model_id, row) for need, row in zip(needs, rows, strict=True)}

    def work() -> Made:
        return list(match(needs, encoder=encoder, vectors=vectors, seed=handed.seed).groups)

    return work
