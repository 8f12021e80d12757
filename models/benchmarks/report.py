"""The numbers of a run as tables and sentences: the same for the page in `docs/` and for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from models.benchmarks.alone import ROUNDS
from models.benchmarks.benchmark import PoolFacts, Results, Run, growth
from models.benchmarks.judging import Quality
from models.benchmarks.methods import KRING, METHODS
from models.benchmarks.pool import AREA_NEEDS
from models.benchmarks.tables import NOTHING, Table, mib, percent, seconds
from models.benchmarks.targets import Target, targets

HEAD: Final = """# Time, memory and quality of matching

Written by `kring bench` on {date}; do not edit. Encoder `{model}`, seed {seed}.

{machine}

![Seconds and MiB of each method against the number of needs, both on a logarithmic scale; the table "Time and memory" \
has the same numbers]({picture})
"""
ABOUT_TARGETS: Final = "What has to be reached, after encoding, and what this run measured."
ABOUT_TIME: Final = """\
Every method works on the same vectors, in a process of its own, one after another. Notes are encoded before, as a need
is encoded once and its vector kept. Seconds are those of the method alone, the best of up to {rounds} rounds for what
takes seconds. Memory is the most that the whole process held; *before* is what it held when the method started: Python,
libraries and the pool. A method may take {seconds} and {mib}; what takes more is stopped, and is not tried on a larger
pool."""
ABOUT_GROWTH: Final = """\
The slope of the logarithm of time on the logarithm of size, by least squares over the sizes measured: 1 is twice the
time for twice the people, 2 is four times."""
ABOUT_QUALITY: Final = """\
*Placed*: of all people, those in a group; *within bounds*: in a group that breaks no bound. *Right pairs*: of all pairs
of people in one group, those whose notes are about the same topic. *One side*: pairs with the same perspective. *None
apart*: of the people whose note fits no topic, those in no group."""
ABOUT_BROKEN: Final = """\
Groups that break a hard bound, and which bounds; a group may break several. Only Kring knows of them. The others tell
who sits together and nothing else, so each of their groups is judged at its best: with the language, the daypart and
the way to meet that break the fewest. All of them work on one perspective at a time and leave out notes of which the
encoder knows nothing, as Kring does; else they would be worse."""
ABOUT_POOLS: Final = """\
Made-up people in a made-up municipality that grows with the pool, {area} needs to an area. Their notes are those of the
corpus that the encoder was not trained on. *Could be placed*: people with enough others of their own topic and
perspective in the pool for the smallest circle, whatever else they want. *Hard*: telegram style, spoken Dutch or formal
intake prose. *As written*: notes that stand in the corpus; the others are the first part of one note and the last part
of another on the same topic. *Different*: what is left of the notes when each is counted once. How the other answers
are drawn stands in `models/benchmarks/pool.py`."""
SHARES: Final[Mapping[str, Callable[[Quality], float | None]]] = {
    "people placed within bounds": lambda quality: quality.placed_well,
    "right pairs": lambda quality: quality.pairs.right,
    "people of no topic left apart": lambda quality: quality.pairs.none_apart,
}
"""What is better the more of it there is."""
NOT_SHOWN: Final = (
    "The notes are made up, and so is how many people ask about what, where they live and when they can. A real"
    " municipality has other proportions, and with them other times and groups.",
    "A pool with few notes as written has fewer different stories than a real one of that size. The larger the pool,"
    " the less its shares of right pairs say about real people.",
    "The other methods answer an easier question. That they are quicker or place more people says little where their"
    " groups break bounds that somebody would have to repair by hand.",
    "Reading needs from the database and storing what was found is not in these times.",
    "Times and memory differ from run to run and from machine to machine; groups and shares do not.",
)


def tables(results: Results) -> list[Table]:
    """Everything measured, in the order of the page."""
    return [table for table in (section(results) for section in SECTIONS) if table.rows]


def preamble(results: Results) -> str:
    """What it was measured on."""
    used = results.machine
    parts = [used.cpu, f"{used.cores} core{'s' if used.cores > 1 else ''}"]
    parts += [] if used.memory_gib is None else [f"{used.memory_gib:.0f} GiB of memory"]
    parts += [f"{name} {version}" for name, version in used.versions.items()]
    return ", ".join(parts) + "."


def shortcomings(results: Results) -> list[str]:
    """What falls short, from the numbers, and what no number here shows; never empty."""
    said = [
        f"{one.what}: {one.said} where {one.wanted} was wanted." for one in targets(results) if one.reached is False
    ]
    said += [f"{one.what}: not measured in this run." for one in targets(results) if one.reached is None]
    for kring in results.of(KRING):
        if kring.quality is not None and kring.seconds is not None:
            pool = next(pool for pool in results.pools if pool.size == kring.size)
            others = [run for run in results.runs if run.size == kring.size and run.method != KRING]
            said += _beside(kring.size, kring.seconds, kring.quality, pool, others)
    return [*said, *NOT_SHOWN]


def markdown(results: Results, today: date, picture: str) -> str:
    """The whole page; `picture` is where the plot is, as seen from the page."""
    head = HEAD.format(
        date=today.isoformat(),
        model=results.model_id,
        seed=results.seed,
        machine=preamble(results),
        picture=picture,
    )
    listed = "\n".join(f"- {METHODS[name].title}: {METHODS[name].about}" for name in results.methods)
    short = "\n".join(f"- {one}" for one in shortcomings(results))
    return "\n".join(
        [
            head,
            *(table.markdown() for table in tables(results)),
            f"## The methods\n\n{listed}\n",
            f"## What it does not show, and where Kring falls short\n\n{short}\n",
        ]
    )


def _beside(size: int, taken: float, quality: Quality, pool: PoolFacts, others: Sequence[Run]) -> Iterator[str]:
    """Whom Kring leaves out of a pool, and which methods did something better on it."""
    yield (
        f"{size:,} needs: Kring places {percent(quality.pairs.placed)} of the people; {percent(pool.placeable)} have"
        " enough others of their own topic and perspective."
    )
    quicker = [f"{_title(run)} ({seconds(run.seconds)})" for run in others if run.seconds and run.seconds < taken]
    if quicker:
        yield f"{size:,} needs: quicker than Kring ({seconds(taken)}): {', '.join(quicker)}."
    for what, share in SHARES.items():
        own = share(quality)
        theirs = [(run, share(run.quality)) for run in others if run.quality is not None]
        better = [f"{_title(run)} ({percent(its)})" for run, its in theirs if its is not None and its > (own or 0.0)]
        if better:
            yield f"{size:,} needs: more {what} than Kring ({percent(own)}): {', '.join(better)}."


def _title(run: Run) -> str:
    return METHODS[run.method].title


def _targets(results: Results) -> Table:
    words = {True: "yes", False: "**no**", None: NOTHING}

    def row(one: Target) -> tuple[str, ...]:
        return (one.what, one.wanted, one.said, words[one.reached])

    return Table(
        "Targets", ABOUT_TARGETS, ("what", "wanted", "measured", "reached"), tuple(row(one) for one in targets(results))
    )


def _time(results: Results) -> Table:
    def row(run: Run) -> tuple[str, ...]:
        return (
            f"{run.size:,}",
            _title(run),
            run.remark or seconds(run.seconds),
            NOTHING if run.seconds is None else seconds(run.seconds / run.size * 1_000),
            mib(run.peak_mib),
            mib(run.held_mib),
        )

    limits = results.limits
    return Table(
        "Time and memory",
        ABOUT_TIME.format(rounds=ROUNDS, seconds=seconds(limits.seconds), mib=mib(limits.mib)),
        ("needs", "method", "time", "per 1,000 needs", "memory", "before"),
        tuple(row(run) for run in results.runs),
    )


def _growth(results: Results) -> Table:
    def row(method: str) -> tuple[str, ...]:
        runs = results.of(method)
        exponent = growth(runs)
        measured = [f"{run.size:,}" for run in runs if run.seconds is not None]
        return (
            METHODS[method].title,
            NOTHING if exponent is None else f"{exponent:.2f}",
            ", ".join(measured) or NOTHING,
        )

    rows = tuple(row(method) for method in results.methods)
    return Table("Growth", ABOUT_GROWTH, ("method", "exponent of time", "sizes measured"), rows)


def _quality(results: Results) -> Table:
    shares = ("placed", "within bounds", "right pairs", "one side", "none apart")
    rows = tuple(
        (
            f"{run.size:,}",
            _title(run),
            f"{found.pairs.groups:,}",
            percent(found.pairs.placed),
            percent(found.placed_well),
            percent(found.pairs.right),
            percent(found.one_side),
            percent(found.pairs.none_apart),
        )
        for run in results.runs
        if (found := run.quality) is not None
    )
    return Table("Groups", ABOUT_QUALITY, ("needs", "method", "groups", *shares), rows)


def _broken(results: Results) -> Table:
    def row(run: Run, found: Quality) -> tuple[str, ...]:
        share = found.broken / found.pairs.groups if found.pairs.groups else None
        most = sorted(((count, bound) for bound, count in found.by_bound.items() if count), reverse=True)
        return (
            f"{run.size:,}",
            _title(run),
            f"{found.broken:,} of {found.pairs.groups:,}",
            percent(share),
            ", ".join(f"{bound.value} {count:,}" for count, bound in most) or NOTHING,
            f"{found.twice:,}",
        )

    return Table(
        "Bounds broken",
        ABOUT_BROKEN,
        ("needs", "method", "groups", "share", "bounds", "people twice"),
        tuple(row(run, run.quality) for run in results.runs if run.quality is not None),
    )


def _pools(results: Results) -> Table:
    return Table(
        "The pools",
        ABOUT_POOLS.format(area=AREA_NEEDS),
        ("needs", "areas", "topics", "of no topic", "could be placed", "hard", "as written", "different", "encoding"),
        tuple(
            (
                f"{pool.size:,}",
                f"{pool.areas:,}",
                f"{pool.topics:,}",
                f"{pool.none:,}",
                percent(pool.placeable),
                percent(pool.hard),
                percent(pool.as_written),
                percent(pool.different),
                seconds(pool.encoding_seconds),
            )
            for pool in results.pools
        ),
    )


SECTIONS: Final[tuple[Callable[[Results], Table], ...]] = (_targets, _time, _growth, _quality, _broken, _pools)
"""The tables in the order of the page; one without rows is left out."""
