"""Who of several processes has fewer connections, by a file they share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ogc import turns
from ogc.turns import Tally


@pytest.fixture
def counted() -> Iterator[Path]:
    with turns.counting(2):
        path = Path(os.environ[turns.COUNTED_IN])
        yield path
    assert not path.exists() and turns.COUNTED_IN not in os.environ


def test_whoever_has_more_lets_the_other_go_first(counted: Path) -> None:
    one, other = Tally(counted), Tally(counted)
    assert not one.is_fullest() and not other.is_fullest()
    one.add(1)
    assert one.is_fullest() and not other.is_fullest()
    other.add(1)
    assert not one.is_fullest() and not other.is_fullest()
    one.add(-1)
    assert other.is_fullest()


def test_a_process_that_is_gone_is_waited_for_by_nobody_and_its_place_is_free(counted: Path) -> None:
    count = "import sys; from pathlib import Path; from ogc.turns import Tally; Tally(Path(sys.argv[1])).add(0)"
    subprocess.run([sys.executable, "-c", count, str(counted)], check=True)
    left = counted.read_bytes()
    own = Tally(counted)
    own.add(3)
    assert not own.is_fullest()
    assert counted.read_bytes()[:8] != left[:8] and counted.read_bytes()[16:] == left[16:]
