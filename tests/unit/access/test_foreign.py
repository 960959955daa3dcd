"""Access tokens of an OpenID provider: what they open, and what they do not."""

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.access import Access, Provider
from gateway.errors import GatewayError
from tests.support.signing import KeyPair
from tests.unit.access.test_authority import SECRET, Client, Member, People

PROVIDER = Provider("https://id.test", "https://id.test/keys", "https://gateway.test/fhir")
KEYS = {
    alg: KeyPair(
        RSAKey.generate_key(2048, {"kid": alg})
        if alg.startswith("RS")
        else ECKey.generate_key("P-256" if alg == "ES256" else "P-384", {"kid": alg}),
        alg,
    )
    for alg in ("RS256", "ES256", "ES384")
}
STRANGER = KeyPair(ECKey.generate_key("P-256", {"kid": "ES256"}), "ES256")


@pytest.fixture
def people() -> People:
    people = People()
    people.members["qs-county"] = Member(("hospital",))
    people.clients["his"] = Client("his", "qs-county", ("system/Patient.rs", "intake/his"))
    return people


@pytest.fixture
def access(people: People) -> Access:
    def fetch(url: str) -> bytes:
        assert url == PROVIDER.keys
        return json.dumps({"keys": [one.public() for one in KEYS.values()]}).encode()

    return Access(b"s", people, people, people.clock, fetch=fetch, provider=PROVIDER)


def token(people: People, key: KeyPair = KEYS["RS256"], **other: Any) -> str:
    now = int(people.now.timestamp())
    claims = {
        "iss": PROVIDER.issuer,
        "aud": ["account", PROVIDER.audience],
        "azp": "his",
        "sub": "0b5c",
        "scope": "openid profile system/*.cruds intake/*",
        "exp": now + 300,
        **other,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": key.alg, "kid": key.kid}, kept, key.key, [key.alg])


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_a_token_of_the_provider_opens_what_its_client_is_registered_for(
    access: Access, people: People, key: KeyPair
) -> None:
    found = access.principal(token(people, key))
    assert (found.client, found.member) == ("his", "qs-county")
    assert found.scopes == ("system/Patient.rs", "intake/his")


def test_the_provider_narrows_further(access: Access, people: People) -> None:
    assert access.principal(token(people, scope="system/Patient.r")).scopes == ("system/Patient.r",)
    assert access.principal(token(people, scope="openid")).scopes == ()
    assert access.principal(token(people, scope=None)).scopes == ()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "his"},
        {"aud": None},
        {"azp": "nobody"},
        {"azp": None},
        {"azp": 7},
        {"exp": None},
        {"exp": 1},
        {"exp": "9999999999"},
        {"exp": True},
        {"nbf": 9_999_999_999},
    ],
    ids=str,
)
def test_a_token_that_is_not_meant_for_us_opens_nothing(
    access: Access, people: People, claims: dict[str, Any]
) -> None:
    with pytest.raises(GatewayError, match="GW-8002"):
        access.principal(token(people, **claims))


def test_a_foreign_signature_opens_nothing(access: Access, people: People) -> None:
    good = token(people)
    for bad in (token(people, STRANGER), good[:-4], good + "é", f"{good}.x", "a" * 20_000):
        with pytest.raises(GatewayError, match="GW-8002"):
            access.principal(bad)


def test_our_own_tokens_go_on_and_theirs_need_the_setting(access: Access, people: People) -> None:
    own = access.token("his", SECRET)["access_token"]
    assert access.principal(str(own)).client == "his"
    alone = Access(b"s", people, people, people.clock)
    with pytest.raises(GatewayError, match="GW-8002"):
        alone.principal(token(people))


def test_a_client_that_was_revoked_here_is_out_whatever_the_provider_says(
    access: Access, people: People
) -> None:
    people.clients["his"].is_active = False
    with pytest.raises(GatewayError, match="GW-8002"):
        access.principal(token(people))
