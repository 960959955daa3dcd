"""Records of other hospitals: changed at random, they end valid or refused with a place."""

import pytest

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import trials
from tests.unit.mappings.mutations import KANGXI, WIDE, changed
from tests.unit.mappings.packs import IDS, program, samples

CHINESE = ("cda/", "hl7v3/", "county/", "flat-xml/", "lab/", "regional/", "township", "insurer/")
PACKS = [id_ for id_ in IDS if id_.startswith(CHINESE)]


@pytest.mark.parametrize("id_", PACKS)
def test_a_changed_record_is_mapped_or_refused_by_a_number_of_the_catalogue(id_: str) -> None:
    pack = program(id_)
    refusals: list[GatewayError] = []
    for path in samples(id_):
        charset = pack.samples.charset or "utf-8"
        try:
            trials.map_file(pack, path, READERS)
        except GatewayError:
            continue
        for seed in range(8):
            raw = changed(path.read_bytes(), path.suffix, charset, seed)
            try:
                for parsed in trials.read_records(pack, raw, READERS):
                    if pack.accepts(parsed):
                        pack.run(parsed, trials.context_of(pack))
            except GatewayError as refused:
                refusals.append(refused)
    assert [str(one) for one in refusals if one.where is None] == []


@pytest.mark.parametrize("id_", ["cda/c0007", "flat-xml/lis-report", "hl7v3/encounter"])
@pytest.mark.parametrize("table", [KANGXI, {ord("人"): "⼈", ord("日"): "⽇"}])
def test_look_alike_characters_make_the_same_bundle(id_: str, table: dict[int, str]) -> None:
    pack = program(id_)
    path = samples(id_)[0]
    text = path.read_text("utf-8")
    kept = {point: sign for point, sign in table.items() if point > 0x2E80}
    bundles = []
    for written in (text, text.translate(kept)):
        [parsed, *_] = trials.read_records(pack, written.encode(), READERS)
        bundles.append(pack.run(parsed, trials.context_of(pack)).bundle())
    assert bundles[0] == bundles[1]


def test_full_width_digits_are_digits() -> None:
    pack = program("flat-xml/lis-report")
    text = samples("flat-xml/lis-report")[0].read_text("utf-8")
    wide = text.replace("138.20", "138.20".translate(WIDE))
    assert wide != text
    made = [
        pack.run(parsed, trials.context_of(pack)).bundle()
        for raw in (text, wide)
        for parsed in trials.read_records(pack, raw.encode(), READERS)
    ]
    assert made[0] == made[1]
