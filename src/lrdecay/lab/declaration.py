"""What an experiment declares before it is run: claims, statistics, the smallest effects that matter, controls, seeds.

It stands in ``claim.toml`` in the experiment's folder, whose bytes are hashed into every result:

    name = "ge2019"
    title = "The Step Decay Schedule"
    source = "Ge, Kakade, Kidambi and Netrapalli, 2019, arXiv:1904.12838"
    about = "what is run, in plain words"
    reconstruction = "what is guessed, where the paper does not say; empty: nothing is"
    seeds = [0, 1, 2, 3, 4]
    pilots = [100, 101, 102]
    minutes = { smoke = 0.2, small = 1.0, full = 10.0 }

    [claims.complex]
    says = "Decay improves the learning of complex patterns."
    holds = ["J", "X"]          # every one of them is there
    in_part = ["J"]             # written in advance: these are, and another is not
    some = ["A", "B", "C"]      # if it is said: besides those of holds, so many of these must be there
    enough = 2
    null = "J0"                 # a control in which nothing must be found
    planted = "J1"              # a control in which the effect was put, and must be found

    [statistics.J]
    is = "accuracy on complex patterns at the end, minus before the drop"
    smallest = 0.05             # the smallest effect that matters (SESOI), > 0, in its unit
    goal = "above"

A statistic has one value per seed. Its goal says what "there" means, of its true mean m and its smallest s:

    above       m >= s                 below        m <= -s
    within      |m| < s                not below    m > -s          not above    m < s
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, fields, frozen

from lrdecay.errors import InputError, did_you_mean, one_of, positive, refusal

__all__ = ["GOALS", "SCALES", "Claim", "Declaration", "Statistic", "read"]

GOALS = ("above", "below", "within", "not below", "not above")
SCALES = ("smoke", "small", "full")


@frozen
class Statistic:
    """One number a seed, and what of it would be something.

    Attributes:
        name: as experiments and claims call it.
        says: how it is computed, in words.
        smallest: the smallest effect that matters, > 0.
        goal: one of `GOALS`.
        unit: of its values.
        primary: whether Holm's correction runs over it; never over what no claim's verdict rests on, such as controls.
        exact: it is computed without chance and has one value.
    """

    name: str
    says: str
    smallest: float
    goal: str = "above"
    unit: str = ""
    primary: bool = True
    exact: bool = False


@frozen
class Claim:
    """One sentence that is true or not, and what decides.

    Attributes:
        name: short, of its own in the experiment.
        says: the claim.
        holds: the statistics that must all be there.
        in_part: those that are enough for "holds in part" where another is not there; empty: there is no such verdict.
        some: statistics of which not all must be there; the first of them stands for the claim in tables.
        enough: how many of ``some`` must be there, besides all of ``holds``.
        null: a control in which nothing must be found; None: the experiment says why in its ``about``.
        planted: a control in which an effect was put.
        source: where the claim is from, where it is not the experiment's source.
    """

    name: str
    says: str
    holds: tuple[str, ...]
    in_part: tuple[str, ...] = ()
    null: str | None = None
    planted: str | None = None
    source: str = ""
    some: tuple[str, ...] = ()
    enough: int = 0

    @property
    def rests(self) -> tuple[str, ...]:
        """Every statistic that its verdict rests on, each once."""
        return tuple(dict.fromkeys((*self.some, *self.holds, *self.in_part)))

    @property
    def asks(self) -> tuple[str, ...]:
        """The same, and its controls."""
        return (*self.rests, *filter(None, (self.null, self.planted)))


@frozen
class Declaration:
    """All that an experiment declares."""

    name: str
    title: str
    source: str
    about: str
    seeds: tuple[int, ...]
    pilots: tuple[int, ...]
    minutes: Mapping[str, float] = field(eq=False)  # on 2 cores, by scale
    claims: tuple[Claim, ...]
    statistics: Mapping[str, Statistic] = field(eq=False)
    sha256: str  # of the bytes of its file
    reconstruction: str = ""

    def __getitem__(self, name: str) -> Claim:
        """The claim of a name; KeyError if there is none."""
        return {claim.name: claim for claim in self.claims}[name]


def read(path: Path) -> Declaration:
    """A declaration from its file.

    Raises:
        InputError: it is not of the form above, or a claim rests on a statistic that is not declared.
    """
    raw = path.read_bytes()
    call = f"{path.parent.name}/{path.name}"
    try:
        table = tomllib.loads(raw.decode())
        statistics = {name: _statistic(call, name, one) for name, one in table.pop("statistics").items()}
        claims = tuple(_claim(call, name, one, statistics) for name, one in table.pop("claims").items())
        asked = {name for claim in claims for name in claim.rests}
        statistics = {n: s if n in asked else evolve(s, primary=False) for n, s in statistics.items()}
        table |= {"seeds": tuple(table["seeds"]), "pilots": tuple(table["pilots"])}
        return Declaration(**table, claims=claims, statistics=statistics, sha256=hashlib.sha256(raw).hexdigest())
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as problem:
        msg = f"`{call}` must have the form that `lrdecay.lab.declaration` says, got {problem!r}."
        raise InputError(msg) from problem


def _statistic(call: str, name: str, given: Mapping[str, Any]) -> Statistic:
    own = {("says" if key == "is" else key): value for key, value in given.items()}
    _known(call, f"statistics.{name}", own, Statistic)
    made = Statistic(name, **own)
    positive.check(f"{call}: statistics.{name}.smallest", made.smallest)
    one_of(GOALS).check(f"{call}: statistics.{name}.goal", made.goal)
    return made


def _claim(call: str, name: str, given: Mapping[str, Any], statistics: Mapping[str, Statistic]) -> Claim:
    _known(call, f"claims.{name}", given, Claim)
    own: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    claim = Claim(name, **own)
    for wanted in claim.asks:
        if wanted not in statistics:
            cure = did_you_mean(wanted, statistics)
            msg = f"`{call}: claims.{name}` must rest on declared statistics, got {wanted!r}. {cure}"
            raise InputError(msg)
    if not bool(claim.some) <= claim.enough <= len(claim.some):
        rule = f"must be from 1 to the {len(claim.some)} of `some`, or left out with it"
        raise InputError(refusal(f"{call}: claims.{name}.enough", rule, claim.enough))
    return claim


def _known(call: str, place: str, given: Mapping[str, Any], kind: type) -> None:
    names = [a.name for a in fields(kind)]
    for key in given:
        if key not in names:
            msg = f"`{call}: {place}` must say only {', '.join(names[1:])}, got {key!r}."
            raise InputError(msg)
