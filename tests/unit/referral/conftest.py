"""A consortium and the reactions of its referrals."""

import pytest

from gateway.referral import react
from tests.support.reading import Play
from tests.support.referral_records import consortium, referral, task


@pytest.fixture
def play() -> Play:
    return Play(consortium(), react)


@pytest.fixture
def accepted(play: Play) -> Play:
    play.write("qs-township", referral(), task())
    play.write("qs-county", task(status="accepted"))
    return play
