"""What we emit is read by a foreign implementation of FHIR: the models of fhir.resources."""

from collections import Counter
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from gateway.fhir import codec
from gateway.records import Resource, Visibility
from gateway.wiring import open_store
from tests.support.worlds import play, running_world

ROOT = Path(__file__).parents[2]
EXPECTED = sorted((ROOT / "mappings").rglob("expected/*.json"))
OPERATOR = Visibility(1, "operator", sees_all=True)
# Types that R4 has and R4B, which the models follow, has not or has changed: none is emitted.
ONLY_R4: frozenset[str] = frozenset()


def read_foreign(resource: Resource) -> None:
    """Read a resource with the foreign model of its type; raise what that raises."""
    model = get_fhir_model_class(resource["resourceType"])
    model.model_validate_json(codec.encode(resource))


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_expected_bundle_is_read_by_foreign_models(path: Path) -> None:
    bundle = codec.decode(path.read_bytes())
    read_foreign(bundle)
    for entry in bundle["entry"]:
        read_foreign(entry["resource"])


@pytest.mark.xdist_group("emitted")
def test_what_the_story_emits_is_read_by_foreign_models(tmp_path: Path) -> None:
    with running_world(tmp_path / "data") as world:
        assert play(world) == []
        records = world.get("qs-bureau", "ServiceRequest/$referral-records")
        store = open_store(world.settings)
        try:
            versions = store.history(OPERATOR, count=100_000).matches
        finally:
            store.close()
    read_foreign(records)
    kinds = Counter(one.type for one in versions)
    assert kinds.keys() >= {"Patient", "ServiceRequest", "Task", "Claim", "ClaimResponse", "Bundle"}
    for one in versions:
        if not one.is_deleted and one.type not in ONLY_R4:
            read_foreign(codec.decode_stored(one.body))
