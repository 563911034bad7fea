"""How many wrong passwords one address may try in a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock
from time import monotonic

_MINUTE = 60.0


class SignInLimit:
    """Counts failed sign-ins by address and minute; successful ones do not count.

    An office behind one address may mistype `most` passwords a minute before it has to wait for the next
    minute. IPv6 addresses count by their /64, which is what one subscriber has. Safe to use from several
    threads; each process counts for itself.
    """

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._minute = -1
        self._failed: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count an attempt before it is made; False if the address has to wait."""
        minute = int(self._clock() // _MINUTE)
        with self._lock:
            if minute != self._minute:
                self._minute, self._failed = minute, Counter()
            if self._failed[_network(address)] >= self._most:
                return False
            self._failed[_network(address)] += 1
            return True

    def succeeded(self, address: str) -> None:
        """Take an attempt back that was no failure."""
        with self._lock:
            if self._failed[_network(address)] > 0:
                self._failed[_network(address)] -= 1

    def wait_seconds(self) -> int:
        """Return after how many seconds an address may try again."""
        return max(1, round(_MINUTE - self._clock() % _MINUTE))


def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or parsed.exploded[:19])
    return address
