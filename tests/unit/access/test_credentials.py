"""Client secrets: only the right one fits, and an unknown client is refused like a known one."""

from argon2 import extract_parameters

from gateway.access import credentials


def test_only_the_secret_itself_fits_its_hash() -> None:
    secret, hashed = credentials.new_secret()

    assert credentials.matches(secret, hashed)
    assert not credentials.matches(secret + "x", hashed)


def test_a_client_that_does_not_exist_is_refused_at_the_cost_of_one_that_does() -> None:
    secret, hashed = credentials.new_secret()

    assert not credentials.matches(secret, None)
    assert extract_parameters(credentials._NOBODY) == extract_parameters(hashed)
