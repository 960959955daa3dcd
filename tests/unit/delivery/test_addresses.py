"""Which addresses notices may go to."""

import pytest

from gateway.delivery import AddressGuard
from gateway.errors import GatewayError


def guard(*addresses: str, allowed: str = "") -> AddressGuard:
    one = AddressGuard.from_setting(allowed)
    return AddressGuard(one._allowed, lambda host, port: list(addresses))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused, not bound to.
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_an_inside_address_is_refused(address: str) -> None:
    with pytest.raises(GatewayError, match="GW-6102"):
        guard(address).check("https://hospital.test/hook")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_allowed_and_pinned(address: str) -> None:
    pinned = guard(address).check("https://hospital.test/hook")
    assert (pinned.address, pinned.host, pinned.port) == (address, "hospital.test", 443)
    assert pinned.authority == "hospital.test"


def test_a_name_with_one_inside_address_among_its_addresses_is_refused() -> None:
    with pytest.raises(GatewayError, match="GW-6102"):
        guard("8.8.8.8", "10.0.0.1").check("https://hospital.test/")


def test_the_setting_opens_named_networks_only() -> None:
    one = guard("10.20.0.7", allowed="10.20.0.0/16, fd00:1::/32")
    assert one.check("http://his.hospital.test:8081/").authority == "his.hospital.test:8081"
    with pytest.raises(GatewayError, match="GW-6102"):
        guard("10.21.0.7", allowed="10.20.0.0/16").check("http://his.hospital.test/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hospital.test/",
        "file:///etc/passwd",
        "hospital.test/hook",
        "http://",
        "http://user:geheim@hospital.test/",
        "http://hospital.test:99999/",
        "http://[::1/",
    ],
)
def test_what_is_no_plain_http_address_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(GatewayError, match="GW-6107") as refused:
        guard("8.8.8.8").check(url)
    assert "geheim" not in str(refused.value)


def test_a_setting_that_is_no_network_is_named() -> None:
    with pytest.raises(GatewayError, match=r"10\.0\.0\.0/99"):
        AddressGuard.from_setting("10.0.0.0/99")


def test_a_name_that_cannot_be_resolved_may_come_back() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(GatewayError, match="GW-6103"):
        AddressGuard((), resolve).check("https://hospital.test/")


def test_the_system_resolves_numbers_in_any_spelling() -> None:
    for host in ("127.1", "2130706433", "0x7f000001", "localhost"):
        with pytest.raises(GatewayError, match="GW-6102"):
            AddressGuard().check(f"http://{host}/")


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    ],
)
def test_where_clouds_tell_secrets_is_never_called_whatever_the_settings_allow(
    address: str,
) -> None:
    with pytest.raises(GatewayError, match="GW-6102"):
        guard(address, allowed="0.0.0.0/0, ::/0").check("https://hospital.test/")
