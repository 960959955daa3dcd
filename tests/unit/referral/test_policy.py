"""Regions' rules from files: what they say holds, what is wrong is told with its place."""

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.referral import read_policies
from gateway.referral.table import LIMITS

ROOT = Path(__file__).parents[3]
ANSWER = next(one for one in LIMITS if one.name == "answer")


def test_the_shipped_file_says_what_the_table_says() -> None:
    policy = read_policies([ROOT / "profiles/policies/referral.yaml"]).of("anybody")
    for limit in LIMITS:
        assert policy.hours(limit, is_urgent=False) == limit.hours
        assert policy.hours(limit, is_urgent=True) == limit.urgent_hours


def test_two_regions_differ_and_the_rest_keeps_the_default(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "referral-policy: 1\n"
        "default: {gates: {consent: 'off'}}\n"
        "regions:\n"
        "  - {region: zhuxi, members: [a], gates: {completeness: strict, review: {up: strict}},"
        " limits: {answer: {hours: 4}}}\n"
        "  - {region: kunming, members: [b], gates: {consent: strict}}\n",
        encoding="utf-8",
    )
    policies = read_policies([tmp_path / "a.yaml"])
    assert (policies.of("a").completeness, policies.of("a").consent) == ("strict", "off")
    assert policies.of("a").review == {"outbound": "warning", "up": "strict"}
    assert policies.of("a").hours(ANSWER, is_urgent=True) == 4
    assert (policies.of("b").consent, policies.of("b").completeness) == ("strict", "warning")
    assert policies.of("b").hours(ANSWER, is_urgent=False) == 24


@pytest.mark.parametrize("text", ["referral-policy: 2", "a: [", "referral-policy: 1\nmore: 1"])
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(GatewayError, match="GW-6240") as found:
        read_policies([tmp_path / "wrong.yaml"])
    assert "wrong.yaml" in str(found.value.where)
