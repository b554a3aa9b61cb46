"""The graph that is searched: streets contracted to chains between crossings, dead ends aside, for one walker."""

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
from siting.network.walk import Walk
from siting.numbers import Ints, Ints32

#: The longest path, mm: about 1,000 km.
LONGEST = 2**30
#: Cost of a way that is closed.
FAR = 2**31 - 1
#: Streets are joined to chains when so large a share of the nodes lies inside one; for fewer it does not pay.
WORTH = 0.1


class ChainPositions(NamedTuple):
    """Gates of places on the chains: each a position on one, or a corner (chain -1, ``a`` the corner).

    Those of place ``i`` are ``ptr[i]:ptr[i + 1]``, at least one; ``owner`` is the place of each.

    ``f`` and ``r`` are the ways from the chain's start and back there, -1 where that is closed; ``leave_…`` and
    ``enter_…`` the ways to and from the chain's ends with the walk to the door, FAR where there is none.
    """

    ptr: Ints
    owner: Ints32
    chain: Ints32
    a: Ints32
    b: Ints32
    leave_a: Ints32
    leave_b: Ints32
    enter_a: Ints32
    enter_b: Ints32
    f: Ints
    r: Ints
    door: Ints32


@dataclass(frozen=True, eq=False, repr=False)
class ContractedGraph:
    """A contracted graph. Corners are what is no inner point of a chain and no dead end, along the Hilbert curve.

    Of `chains` the chain ``c`` runs from corner ``a[c]`` to ``b[c]`` (-1: a dead end) over the edges
    ``chain_edge[chain_ptr[c]:chain_ptr[c + 1]]``, ``flipped`` where it meets their `v` first. ``forth`` and ``back``
    are its costs both ways, ``before`` and ``behind`` those from its start to each of its edges and back.

    `copies` are the edges behind those of the network where private streets must not be passed.

    A dead end is left aside because a walk that leads into one is never the shortest to anywhere else, and what lies
    on the way to it is found from the other end.
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
        ways = {
            "leave_a": np.where(open_r, r + door, FAR),
            "leave_b": np.where(open_f, forth - f + door, FAR),
            "enter_a": np.where(open_f, f + door, FAR),
            "enter_b": np.where(open_r, back - r + door, FAR),
        }
        # A place at a corner is on all its streets.
        both = open_f & open_r
        at_a = on & (a >= 0) & np.where(both, (f == 0) & (r == 0), to_u == np.where(flip, long, 0))
        at_b = on & (b >= 0) & np.where(both, (f == forth) & (r == back), to_u == np.where(flip, 0, long)) & ~at_a
        corner = at_a | at_b
        f, r = np.where(open_f, f, -1), np.where(open_r, r, -1)
        a = np.where(at_b, b, a)
        ways = {name: np.where(corner, door if name.endswith("_a") else FAR, way) for name, way in ways.items()}
        return ChainPositions(
            ptr=_pointers(gates.owner, len(places), np.int64),
            owner=_frozen(gates.owner),
            chain=_frozen(np.where(on & ~corner, chain, -1)),
            a=_frozen(np.where(on, a, -1)),
            b=_frozen(np.where(on & ~corner, b, -1)),
            f=_frozen(f, np.int64),
            r=_frozen(r, np.int64),
            door=_frozen(gates.door),
            **{name: _frozen(np.minimum(way, FAR)) for name, way in ways.items()},
        )

    def starts(self, places: Places, *, reverse: bool = False) -> Starts:
        """Places as starts of searches, along the streets or with *reverse* against them."""
        at = self.positions(places)
        if reverse:
            return Starts(at.ptr, at.chain, at.a, at.b, at.enter_a, at.enter_b, at.r, at.f, at.door)
        return Starts(at.ptr, at.chain, at.a, at.b, at.leave_a, at.leave_b, at.f, at.r, at.door)

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
        """Places as what is looked for. Made once for each set of places and direction."""
        known = self._targets.setdefault(places, {})
        reverse = reverse and self.arcs_back is not self.arcs
        if reverse not in known:
            known[reverse] = self._index(self.positions(places), reverse)
        return known[reverse]

    def _index(self, at_gates: ChainPositions, reverse: bool) -> Targets:
        at = np.flatnonzero((at_gates.chain < 0) & (at_gates.a >= 0))
        at = at[np.argsort(at_gates.a[at], kind="stable")]
        on = np.flatnonzero(at_gates.chain >= 0)
        on = on[np.lexsort((at_gates.f[on], at_gates.chain[on]))]
        held = np.unique(at_gates.chain[on])
        a, b = self.chains.a[held], self.chains.b[held]
        # A chain stands at both its ends; a ring only at its start.
        far = (b >= 0) & (b != a)
        node = np.concatenate([a[a >= 0], b[far]])
        chain = np.concatenate([held[a >= 0], held[far]])
        other = np.concatenate([np.where(b == a, -1, b)[a >= 0], a[far]])
        end = np.repeat([False, True], [np.count_nonzero(a >= 0), np.count_nonzero(far)])
        order = np.argsort(node, kind="stable")
        from_a, from_b = (at_gates.leave_a, at_gates.leave_b) if reverse else (at_gates.enter_a, at_gates.enter_b)
        ring = np.zeros(len(self.chains.a), bool)
        ring[held] = (a >= 0) & (a == b)
        ringed = ring[at_gates.chain[on]]
        f, r = (at_gates.r, at_gates.f) if reverse else (at_gates.f, at_gates.r)
        near = from_a[on]
        return Targets(
            at_ptr=_pointers(at_gates.a[at], self.n),
            at_item=_frozen(at_gates.owner[at]),
            at_way=_frozen(at_gates.door[at]),
            by_ptr=_pointers(node, self.n),
            by_chain=_frozen(chain[order]),
            by_other=_frozen(other[order]),
            by_end=_frozen(end[order], np.bool_),
            on_ptr=_pointers(at_gates.chain[on], len(self.chains.a), np.int64),
            on_item=_frozen(at_gates.owner[on]),
            from_a=_frozen(np.where(ringed, np.minimum(near, from_b[on]), near)),
            from_b=_frozen(from_b[on]),
            on_f=_frozen(f[on], np.int64),
            on_r=_frozen(r[on], np.int64),
            on_door=_frozen(at_gates.door[on]),
        )


def _part(to_u: Ints, long: Ints, cost: Ints) -> Ints:
    """Share of *cost* that falls on the way *to_u* of an edge of length *long*, whole mm."""
    share = np.divide(to_u, long, out=np.zeros(len(to_u)), where=long > 0)
    return np.where(cost == long, to_u, np.rint(share * cost).astype(np.int64))


def _frozen(array: npt.NDArray[Any], kind: Any = np.int32) -> npt.NDArray[Any]:
    """Contiguous, of one type, and not to be written on: the searches are compiled for that alone."""
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
    """Contract a network whose edges cost *forth* from `u` to `v` and *back* the other way, FAR where closed.

    Without *contract* chains are joined where enough nodes lie inside one (`WORTH`); the answers are the same.
    """
    worth = WORTH if contract is None else -1.0 if contract else 1.0
    nodes, u, v = len(network.x), network.u, network.v
    copies = copy_private_parts(network)
    if copies is not None:
        nodes, u, v = copies.nodes, frozen(copies.u), frozen(copies.v)
        forth, back = copies.with_copies(forth, 0), copies.with_copies(back, FAR)
    corners, *arrays = contraction_kernels.contract(nodes, u, v, forth, back, worth)
    chains = Chains(int(corners), *map(frozen, arrays))
    arcs = Arcs(chains.indptr, chains.heads, chains.along)
    return ContractedGraph(
        n=chains.corners,
        arcs=arcs,
        arcs_back=arcs if np.array_equal(forth, back) else Arcs(chains.indptr, chains.heads, chains.against),
        chains=chains,
        edge_forth=frozen(forth),
        edge_back=frozen(back),
        length=network.cost,
        copies=copies,
    )
