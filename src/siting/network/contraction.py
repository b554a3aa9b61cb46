"""The searched graph of one walker: streets contracted to chains between crossings, without dead ends."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from siting.network import contraction_kernels
from siting.network.contraction_kernels import Chains
from siting.network.parts import Parts
from siting.network.places import Gates, Places, frozen
from siting.network.private_streets import PrivateCopies, copy_private_parts
from siting.network.reached_street_kernels import ChainEnds
from siting.network.search_kernels import Arcs, Starts, Targets
from siting.network.walking_speed import Walk
from siting.numbers import Bools, Ints, Ints32

#: The longest path, mm: about 1,000 km.
LONGEST = 2**30
#: Cost of a way that is closed.
FAR = 2**31 - 1
#: Streets are joined to chains when at least this share of the nodes lies inside one; for fewer it does not pay.
WORTH = 0.1


class ChainPositions(NamedTuple):
    """Gates of places on chains (chain -1: the corner ``a``) as starts of searches; a closed direction costs FAR."""

    owner: Ints32
    along: Starts
    against: Starts


@dataclass(frozen=True, eq=False, repr=False)
class ContractedGraph:
    """Corners along the Hilbert curve and the chains between them, with `copies` of private edges; no dead ends.

    No shortest path to another place leads into a dead end; the places along it are found from its other end.
    """

    n: int
    arcs: Arcs
    arcs_back: Arcs
    chains: Chains
    edge_forth: Ints32
    edge_back: Ints32
    length: Ints32
    copies: PrivateCopies | None = None
    _positions: weakref.WeakKeyDictionary[Places, ChainPositions] = field(default_factory=weakref.WeakKeyDictionary)
    _targets: weakref.WeakKeyDictionary[Places, dict[bool, Targets]] = field(default_factory=weakref.WeakKeyDictionary)

    def __repr__(self) -> str:
        chains, edges = len(self.chains.a), len(self.chains.slot)
        return f"<ContractedGraph: {self.n:,} corners, {chains:,} chains of {edges:,} edges>"

    def positions(self, places: Places) -> ChainPositions:
        """Find the places on the chains; made once for each set of places."""
        if places not in self._positions:
            self._positions[places] = self._find(places)
        return self._positions[places]

    def _find(self, places: Places) -> ChainPositions:
        gates = places.gates
        long = self.length[np.maximum(gates.edge, 0)].astype(np.int64)
        if self.copies is not None:
            # A place on a private street is on its copy too.
            twin = np.where(gates.edge >= 0, self.copies.twin[gates.edge], -1)
            again = np.flatnonzero(twin >= 0)
            order = np.argsort(np.concatenate([gates.owner, gates.owner[again]]), kind="stable")
            edges = np.concatenate([gates.edge, twin[again]])[order]
            all_of = np.concatenate([np.arange(len(twin)), again])[order]
            gates, long = Gates(*(column[all_of] for column in gates))._replace(edge=edges), long[all_of]
        on = gates.edge >= 0
        edge = np.where(on, gates.edge, 0)
        to_u = gates.to_u.astype(np.int64)
        chains = self.chains
        chain, slot = chains.chain[edge], chains.slot[edge]
        go, come = self.edge_forth[edge].astype(np.int64), self.edge_back[edge].astype(np.int64)
        part_go, part_come = _part(to_u, long, go), _part(to_u, long, come)
        flip = chains.flipped[slot]
        ahead = np.where(flip, come - part_come, part_go)
        astern = np.where(flip, go - part_go, part_come)
        f, r = chains.before[slot] + ahead, chains.behind[slot] + astern
        forth, back = chains.forth[chain], chains.back[chain]
        # Only a chain of one edge can be closed.
        open_f, open_r = np.where(flip, come, go) != FAR, np.where(flip, go, come) != FAR
        door = gates.door.astype(np.int64)
        a, b = chains.a[chain], chains.b[chain]
        # A place at a corner is on all its streets.
        both = open_f & open_r
        at_a = on & (a >= 0) & np.where(both, (f == 0) & (r == 0), to_u == np.where(flip, long, 0))
        at_b = on & (b >= 0) & np.where(both, (f == forth) & (r == back), to_u == np.where(flip, 0, long)) & ~at_a
        corner = at_a | at_b

        def way(is_open: Bools, cost: Ints, at_corner: Any) -> Ints32:
            return _frozen(np.minimum(np.where(corner, at_corner, np.where(is_open, cost + door, FAR)), FAR))

        leave = way(open_r, r, door), way(open_f, forth - f, FAR)
        enter = way(open_f, f, door), way(open_r, back - r, FAR)
        f, r = _frozen(np.where(open_f, f, -1), np.int64), _frozen(np.where(open_r, r, -1), np.int64)
        ends = _frozen(np.where(on, np.where(at_b, b, a), -1)), _frozen(np.where(on & ~corner, b, -1))
        place = _pointers(gates.owner, len(places), np.int64), _frozen(np.where(on & ~corner, chain, -1)), *ends
        walk = _frozen(gates.door)
        # Against the streets the way forth is the way back.
        return ChainPositions(
            _frozen(gates.owner), Starts(*place, *leave, f, r, walk), Starts(*place, *enter, r, f, walk)
        )

    def starts(self, places: Places, *, reverse: bool = False) -> Starts:
        """Places as starts of searches, along the streets or with *reverse* against them."""
        positions = self.positions(places)
        return positions.against if reverse else positions.along

    @cached_property
    def chain_ends(self) -> ChainEnds:
        """Which chains end at each corner, and what their edges cost."""
        length = self.length if self.copies is None else frozen(self.copies.with_copies(self.length, 0))
        a, b = self.chains.a, self.chains.b
        near, far = np.flatnonzero(a >= 0), np.flatnonzero((b >= 0) & (b != a))
        node = np.concatenate([a[near], b[far]])
        order = np.argsort(node, kind="stable")
        chain, is_far = np.concatenate([near, far])[order], np.repeat([False, True], [len(near), len(far)])[order]
        return ChainEnds(
            _pointers(node, self.n), _frozen(chain), _frozen(is_far, np.bool_), self.edge_forth, self.edge_back, length
        )

    def targets(self, places: Places, *, reverse: bool = False) -> Targets:
        """Places as targets. Made once for each set of places and direction."""
        known = self._targets.setdefault(places, {})
        reverse = reverse and self.arcs_back is not self.arcs
        if reverse not in known:
            known[reverse] = self._index(self.positions(places), reverse)
        return known[reverse]

    def _index(self, positions: ChainPositions, reverse: bool) -> Targets:
        gates, sought = (positions.against, positions.along) if reverse else (positions.along, positions.against)
        at = np.flatnonzero((gates.chain < 0) & (gates.a >= 0))
        at = at[np.argsort(gates.a[at], kind="stable")]
        on = np.flatnonzero(gates.chain >= 0)
        on = on[np.lexsort((positions.along.f[on], gates.chain[on]))]
        held = np.unique(gates.chain[on])
        a, b = self.chains.a[held], self.chains.b[held]
        # A chain is listed at both its ends; a ring only at its start.
        far = (b >= 0) & (b != a)
        node = np.concatenate([a[a >= 0], b[far]])
        chain = np.concatenate([held[a >= 0], held[far]])
        other = np.concatenate([np.where(b == a, -1, b)[a >= 0], a[far]])
        end = np.repeat([False, True], [np.count_nonzero(a >= 0), np.count_nonzero(far)])
        order = np.argsort(node, kind="stable")
        ring = np.zeros(len(self.chains.a), bool)
        ring[held] = (a >= 0) & (a == b)
        ringed = ring[gates.chain[on]]
        from_a, from_b = sought.to_a[on], sought.to_b[on]
        return Targets(
            at_ptr=_pointers(gates.a[at], self.n),
            at_item=_frozen(positions.owner[at]),
            at_way=_frozen(gates.door[at]),
            by_ptr=_pointers(node, self.n),
            by_chain=_frozen(chain[order]),
            by_other=_frozen(other[order]),
            by_end=_frozen(end[order], np.bool_),
            on_ptr=_pointers(gates.chain[on], len(self.chains.a), np.int64),
            on_item=_frozen(positions.owner[on]),
            from_a=_frozen(np.where(ringed, np.minimum(from_a, from_b), from_a)),
            from_b=_frozen(from_b),
            on_f=_frozen(gates.f[on], np.int64),
            on_r=_frozen(gates.r[on], np.int64),
            on_door=_frozen(gates.door[on]),
        )


def _part(to_u: Ints, long: Ints, cost: Ints) -> Ints:
    """Share of *cost* that falls on the way *to_u* of an edge of length *long*, whole mm."""
    share = np.divide(to_u, long, out=np.zeros(len(to_u)), where=long > 0)
    return np.where(cost == long, to_u, np.rint(share * cost).astype(np.int64))


def _frozen(array: npt.NDArray[Any], kind: Any = np.int32) -> npt.NDArray[Any]:
    return frozen(np.asarray(array, kind))


def _pointers(keys: npt.NDArray[Any], size: int, kind: Any = np.uint32) -> npt.NDArray[Any]:
    pointers = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=size), out=pointers[1:])
    return _frozen(pointers, kind)


def edge_costs(network: Parts, walk: Walk | None = None) -> tuple[Ints32, Ints32]:
    """Cost of each edge from `u` to `v` and back, mm of level walk; FAR where it is closed."""
    forth = back = network.cost.astype(np.int64)
    if walk is not None and walk.slope is not None and network.rise is not None:
        metres = network.cost / 1000.0
        grade = np.divide(network.rise, metres, out=np.zeros(len(metres)), where=metres > 0)
        grade = np.where(np.isfinite(grade), grade, 0.0)
        forth, back = (np.rint(network.cost * walk.pace(way)).astype(np.int64) for way in (grade, -grade))
    forth, back = np.minimum(forth, LONGEST), np.minimum(back, LONGEST)
    if network.oneway is not None:
        forth, back = np.where(network.oneway < 0, FAR, forth), np.where(network.oneway > 0, FAR, back)
    return forth.astype(np.int32), back.astype(np.int32)


def contracted(network: Parts, forth: Ints32, back: Ints32, *, contract: bool | None = None) -> ContractedGraph:
    """Contract a network whose edges cost *forth* and *back*; *contract* joins chains always, or never."""
    worth = WORTH if contract is None else -1.0 if contract else 1.0
    nodes, u, v = len(network.x), network.u, network.v
    copies = copy_private_parts(network)
    if copies is not None:
        nodes, u, v = copies.nodes, frozen(copies.u), frozen(copies.v)
        forth, back = copies.with_copies(forth, 0), copies.with_copies(back, FAR)
    corners, *arrays = contraction_kernels.contract(nodes, u, v, forth, back, worth)
    chains = Chains(int(corners), *map(frozen, arrays))
    arcs = Arcs(chains.indptr, chains.heads, chains.along)
    arcs_back = arcs if np.array_equal(forth, back) else Arcs(chains.indptr, chains.heads, chains.against)
    return ContractedGraph(chains.corners, arcs, arcs_back, chains, frozen(forth), frozen(back), network.cost, copies)
