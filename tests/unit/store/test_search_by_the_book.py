"""Searches as R4 section 3.1.1 has them, each with its place in search.html, on both engines."""

from collections.abc import Iterator

import pytest

from gateway.fhir.definitions import load
from gateway.fhir.search_code_sets import LoadedCodeSets
from gateway.fhir.terminology import Terminology
from gateway.records import Commit
from gateway.store import Page, Store
from tests.support.databases import ENGINES, new_database
from tests.unit.store.book import everything
from tests.unit.store.samples import ALL, SHARD

U = "http://unitsofmeasure.org"
L = "http://loinc.org"
ACME = "http://acme.org/patient"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
MR = "http://terminology.hl7.org/CodeSystem/v2-0203|MR"

# (anchor in search.html, search, ids found)
NUMBERS = [
    ("number", "probability=100", "99.5 99.995 100 100.4"),
    ("number", "probability=100.00", "99.995 100"),
    ("number", "probability=1e2", "95 99.4 99.5 99.995 100 100.4 100.5 104.9"),
    ("number", "probability=lt100", "94 95 99.4 99.5 99.995"),
    ("number", "probability=le100", "94 95 99.4 99.5 99.995 100"),
    ("number", "probability=gt100", "100.4 100.5 104.9 105"),
    ("number", "probability=ge100", "100 100.4 100.5 104.9 105"),
    ("number", "probability=ne100", "94 95 99.4 100.5 104.9 105"),
    ("prefix", "probability=sa100", "100.4 100.5 104.9 105"),
    ("prefix", "probability=eb100", "94 95 99.4 99.5 99.995"),
    ("prefix", "probability=eq105", "104.9 105"),
    ("prefix", "probability=ap100", "94 95 99.4 99.5 99.995 100 100.4 100.5 104.9 105"),
    ("combining", "probability=94,105", "94 104.9 105"),
    ("combining", "probability=lt95,gt104", "94 104.9 105"),
    ("combining", "probability=gt100&probability=lt104.9", "100.4 100.5"),
]
BIRTHS = [
    ("date", "birthdate=1990-06", "1990-06 1990-06-15"),
    ("date", "birthdate=eq1990", "1990 1990-06 1990-06-15 1990-07-01"),
    ("date", "birthdate=1990-06-15", "1990-06-15"),
    ("date", "birthdate=1990-06-14", ""),
    ("date", "birthdate=ne1990-06", "1989-12-31 1990 1990-07-01 1991"),
    ("prefix", "birthdate=gt1990-06", "1990 1990-07-01 1991"),
    ("prefix", "birthdate=lt1990-06", "1989-12-31 1990"),
    ("prefix", "birthdate=ge1990-06", "1990 1990-06 1990-06-15 1990-07-01 1991"),
    ("prefix", "birthdate=le1990-06", "1989-12-31 1990 1990-06 1990-06-15"),
    ("prefix", "birthdate=le1990", "1989-12-31 1990 1990-06 1990-06-15 1990-07-01"),
    ("prefix", "birthdate=sa1990-06", "1990-07-01 1991"),
    ("prefix", "birthdate=eb1990-06", "1989-12-31"),
    ("prefix", "birthdate=ap1990-06", "1989-12-31 1990 1990-06 1990-06-15 1990-07-01 1991"),
    ("combining", "birthdate=lt1990,gt1990", "1989-12-31 1991"),
    ("combining", "birthdate=1989,1991", "1989-12-31 1991"),
    ("date", "birthdate=ge1990-06-01&birthdate=le1990-06-30", "1990 1990-06 1990-06-15"),
    ("modifiers", "birthdate:missing=true", "-none"),
    (
        "modifiers",
        "birthdate:missing=false",
        "1989-12-31 1990 1990-06 1990-06-15 1990-07-01 1991",
    ),
]
STAYS = [
    ("date", "date=2013-01-14", "day hour"),
    ("date", "date=2013-01", "day hour january"),
    ("prefix", "date=ge2013-03-14", "from15m from21"),
    ("prefix", "date=le2013-03-14", "across day from21 hour january until y1989"),
    ("prefix", "date=sa2013-03-14", "from15m"),
    ("prefix", "date=eb2013-03-14", "across day hour january until y1989"),
    ("prefix", "date=gt2013-01-14T10:00Z", "day from15m from21 january"),
    ("prefix", "date=lt2013-01-14T10:00Z", "across day hour january until y1989"),
    ("date", "date=le1990", "across until y1989"),
    ("date", "date=ge1990", "across day from15m from21 hour january until"),
    ("date", "date=ne2013-01", "across from15m from21 until y1989"),
    ("date", "date=1989", "y1989"),
    ("date", "date=eb1990", "y1989"),
    ("date", "date=sa1988&date=eb1992", "across y1989"),
    ("date", "date=1989,2013-01-14", "day hour y1989"),
    ("date", "date=ap2013-01-14", "day from15m from21 hour january until"),
    ("date", "date=2013-01-14T10:30:00+08:00", ""),
    ("date", "date=gt2013-01-14T11:00:00+08:00", "day from15m from21 january"),
    ("date", "date=ge2013-01-14&date=lt2013-01-15", "day hour january"),
    ("modifiers", "date:missing=true", "amb imp"),
]
ORDERS = [
    ("date", "occurrence=eq2013-01-14", "d0 d10 day"),
    ("date", "occurrence=ne2013-01-14", "bounds d15 timing zone"),
    ("date", "occurrence=2013-01-15", "d15 zone"),
    ("prefix", "occurrence=lt2013-01-14T10:00Z", "d0 day"),
    ("prefix", "occurrence=gt2013-01-14T10:00Z", "bounds d15 day timing zone"),
    ("prefix", "occurrence=le2013-01-14T00:00:00Z", "d0"),
    ("date", "occurrence=2013-01-14T23:30:00-05:00", "zone"),
    ("date", "occurrence=2013-01-15T04:30Z", "zone"),
    ("date", "occurrence=2013-01-15T12:30:00 08:00", "zone"),
    ("date", "occurrence=2013-02", "timing"),
    ("date", "occurrence=2013-02-01", ""),
    ("prefix", "occurrence=ge2013-02-02", "bounds timing"),
    ("prefix", "occurrence=sa2013-05", "bounds"),
    ("prefix", "occurrence=eb2013-02", "d0 d10 d15 day zone"),
    ("prefix", "occurrence=ge2014", "bounds"),
]
PATIENTS = [
    ("string", "given=eve", "eve"),
    ("string", "given:contains=VELY", "eve"),
    ("string", "given:exact=Eve", ""),
    ("string", "given:exact=Évelyne", "eve"),
    ("string", "given:exact=évelyne", ""),
    ("string", "given=anne  MARIE", "eve"),
    ("string", "name=eve", "eve steve"),
    ("string", "family=EVE", "eve steve"),
    ("string", "name:contains=teve", "steve"),
    ("string", "name=teve", ""),
    ("string", "address=lowen", "eve"),
    ("string", "address-city=LÖWEN", "eve"),
    ("string", "address=青山县", "lin"),
    ("string", "name=林", "lin"),
    ("string", "name=林桂芳", "lin"),
    ("string", "given=桂", "lin"),
    ("string", "name:contains=芳", "lin"),
    ("string", "name-pinyin=lgf", "lin"),
    ("string", "name-pinyin=LinGui", "lin"),
    ("combining", "name=eve,林", "eve lin steve"),
    ("combining", "name=eve&gender=male", "steve"),
    ("combining", "family=steven&family=eve", "steve"),
    ("escaping", "address=Hofgasse 3\\\\4\\, Hof", "eve"),
    ("escaping", f"identifier={ACME}|a\\,b\\|c\\$d", "lin"),
    ("modifiers", "name:missing=true", "bare"),
    ("modifiers", "name:missing=false", "eve lin steve"),
    ("token", f"identifier={ACME}|2345", "eve"),
    ("token", "identifier=2345", "eve steve"),
    ("token", "identifier=|2345", "steve"),
    ("token", f"identifier={ACME}|", "eve lin"),
    ("token", f"identifier={ACME}|23", ""),
    ("token", f"identifier=nobody,{ACME}|2345", "eve"),
    ("token", f"identifier:of-type={MR}|12345", "eve"),
    ("token", f"identifier:of-type={MR}|2345", ""),
    ("token", "gender=male", "steve"),
    ("token", "gender=http://hl7.org/fhir/administrative-gender|male", "steve"),
    ("token", "gender=male,female", "eve lin steve"),
    ("modifiers", "gender:not=male", "bare eve lin"),
    ("modifiers", "gender:not=male,female", "bare"),
    ("modifiers", "gender:missing=true", "bare"),
    ("modifiers", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "eve lin steve"),
    ("modifiers", "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", "bare"),
    ("token", "active=true", "eve"),
    ("token", "active=false", "steve"),
    ("token", "active=http://hl7.org/fhir/special-values|true", "eve"),
    ("modifiers", "active:not=true", "bare lin steve"),
    ("token", "deceased=true", "steve"),
    ("token", "deceased=false", "bare eve lin"),
    ("token", "telecom=555", "eve"),
    ("token", "phone=555", "eve"),
    ("token", "email=555", ""),
    ("id", "_id=eve", "eve"),
    ("id", "_id=eve,lin,nobody", "eve lin"),
    ("id", "_id=eve&gender=male", ""),
    ("lastUpdated", "_lastUpdated=ge2020", "bare eve lin steve"),
    ("lastUpdated", "_lastUpdated=lt2020", ""),
    ("lastUpdated", "_lastUpdated=sa2020-01&gender=male", "steve"),
    ("profile", "_profile=http://example.org/StructureDefinition/patient", "eve"),
    ("profile", "_profile=http://example.org/StructureDefinition/other", ""),
    ("tag", "_tag=urn:t|needs-review", "eve"),
    ("tag", "_tag:not=urn:t|needs-review", "bare lin steve"),
    ("security", "_security=urn:s|R", "eve"),
    ("security", "_security=urn:s|", "eve"),
    ("source", "_source=http://example.org/Organization/123", "eve"),
    ("list", "_list=l1", "eve lin"),
    ("list", "_list=l1&gender:not=female", ""),
    ("reference", "organization=Organization/county", "eve"),
    ("reference", "organization:Organization=town", "steve"),
    ("reference", "general-practitioner=Practitioner/wang", "eve"),
    ("chaining", "organization.name=青山", "eve steve"),
    ("chaining", "organization.partof.name=health", "eve"),
    ("chaining", "link.family=eve", "lin"),
    ("chaining", "link:Patient.organization.name=青山县", "lin"),
    ("has", f"_has:Observation:patient:code={L}|dose", "eve steve"),
    ("has", "_has:Observation:patient:code=dose,85354-9", "eve lin steve"),
    ("has", f"_has:Observation:subject:value-quantity=gt50|{U}|kg", "eve"),
    ("has", "_has:Observation:patient:status:not=final", "eve lin steve"),
    ("has", "_has:Group:member:_id=g1", "eve"),
    ("has", "_has:Condition:patient:encounter.date=2013-01-14", "eve"),
    ("has", f"gender=female&_has:Observation:patient:code={L}|dose", "eve"),
    ("has", "_has:Condition:patient:code:text=liver&_has:Observation:patient:code=85354-9", "lin"),
    ("has", "_has:Observation:patient:_has:Observation:has-member:code=85354-9", "eve"),
]
RESULTS = [
    ("quantity", f"value-quantity=5.4|{U}|mg", "g mg"),
    ("quantity", f"value-quantity=5.40e-3|{U}|g", "g mg"),
    ("quantity", "value-quantity=5.4||mg", "mg"),
    ("quantity", "value-quantity=5.4", "mg"),
    ("quantity", f"value-quantity=ap5.0|{U}|mg", "g mg"),
    ("quantity", f"value-quantity=le5.4|{U}|mg", "g mg"),
    ("quantity", f"value-quantity=lt5.4|{U}|mg", ""),
    ("quantity", f"value-quantity=ge5.4|{U}|mg", "g mg ten"),
    ("quantity", f"value-quantity=gt1|{U}|kg", "ten"),
    ("quantity", f"value-quantity=ne5.4|{U}|mg", "ten"),
    ("quantity", f"value-quantity=lt1|{U}|kg", "g mg"),
    ("quantity", "value-quantity=100", "ten"),
    ("quantity", f"value-quantity=lt0.6|{U}|ng/mL", "below"),
    ("quantity", f"value-quantity=gt0.5|{U}|ng/mL", ""),
    ("quantity", f"component-value-quantity=ge150|{U}|mm[Hg]", "bp"),
    ("composite", f"code-value-quantity={L}|dose$5.4|{U}|mg", "g mg"),
    ("composite", "code-value-quantity=dose$gt1", "mg"),
    ("composite", f"component-code-value-quantity={L}|8480-6$gt140", "bp"),
    ("composite", f"component-code-value-quantity={L}|8462-4$gt140", ""),
    ("composite", "component-code-value-quantity=8462-4$gt140,8480-6$gt140", "bp"),
    ("token", f"code={L}|dose", "g mg"),
    ("token", f"code={L}|dose,{L}|weight", "g mg ten"),
    ("modifiers", "code:text=headache", "text"),
    ("modifiers", "code:text=BLOOD", "bp"),
    ("modifiers", "status:not=final", "below bp g ten text"),
    ("modifiers", "status:missing=true", "below bp g ten"),
    ("modifiers", "encounter:missing=true", "below bp mg ten text"),
    ("reference", "subject=Patient/eve", "mg ten"),
    ("reference", "subject=eve", "mg ten"),
    ("reference", "subject:Patient=eve", "mg ten"),
    ("reference", "subject=Group/eve", ""),
    ("reference", "subject=Patient/eve,Patient/lin", "bp mg ten"),
    ("reference", "subject=http://other.example/fhir/Patient/eve", "below"),
    ("reference", "subject:identifier=http://acme.org/fhir/identifier/mrn|7", "text"),
    ("reference", "subject:identifier=7", "text"),
    ("reference", "has-member=Observation/ten", "bp"),
    ("chaining", "subject:Patient.name=eve", "g mg ten"),
    ("chaining", "subject.name=steven", "g"),
    ("chaining", "patient.organization.name=青山县", "mg ten"),
    ("chaining", "patient.organization.partof.name=青山县", "g"),
    ("chaining", "patient.organization.partof.partof.name=health", "g"),
    ("chaining", "subject:Patient.general-practitioner:Practitioner.name=王", "mg ten"),
    ("chaining", f"patient.identifier={ACME}|2345", "mg ten"),
    ("chaining", "patient._id=steve", "g"),
    ("chaining", "patient.gender:not=male", "bp mg ten"),
    ("chaining", "patient.organization:missing=true", "bp"),
    ("chaining", "patient.birthdate=lt1980", "mg ten"),
    ("chaining", "patient.link.name=eve", "bp"),
    ("chaining", "patient._has:Group:member:_id=g1", "mg ten"),
    ("chaining", f"patient.name=eve&code={L}|dose", "g mg"),
    ("chaining", "encounter.date=2013-01&patient.gender=male", "g"),
]
OTHERS = [
    ("token", f"Encounter?class:below={ACT}|IMP", "imp"),
    ("token", f"Encounter?class:above={ACT}|ACUTE", "imp"),
    ("token", f"Encounter?class:below={ACT}|AMB", "amb"),
    ("has", "Encounter?_has:Observation:encounter:patient.name=steven", "day"),
    (
        "has",
        f"Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code={L}|weight",
        "wang",
    ),
    (
        "has",
        "Organization?_has:Patient:organization:_has:Observation:patient:code=dose",
        "county town",
    ),
    (
        "has",
        "Organization?_has:Organization:partof:_has:Patient:organization:gender=male",
        "county",
    ),
    ("text", "Condition?_text=bone", "hurt"),
    ("text", "Condition?_text=METASTASES bone", "hurt"),
    ("text", "Condition?_text=liver", ""),
    ("text", "Condition?_content=liver", "free"),
    ("text", "Condition?_content=高血压", "hurt"),
    ("text", "Condition?_content=bone,liver", "free hurt"),
    ("uri", "ValueSet?url=http://acme.org/fhir/ValueSet/123", "vs1"),
    ("uri", "ValueSet?url=http://acme.org/fhir/valueset/123", ""),
    ("uri", "ValueSet?url:below=http://acme.org/fhir/", "vs1 vs2"),
    ("uri", "ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5", "vs1 vs2"),
    ("uri", "ValueSet?url=urn:oid:1.2.3.4.5", "vs3"),
    ("special", "Location?near=31.0|112.0|1|km", "near"),
    ("special", "Location?near=31.0|112.0|100|km", "far near"),
    ("chaining", "Condition?encounter.date=2013-01-14", "hurt"),
    ("chaining", "Condition?patient.general-practitioner.name=王", "hurt"),
]
CASES = [
    *((place, f"RiskAssessment?{asked}", "n", found) for place, asked, found in NUMBERS),
    *((place, f"Person?{asked}", "b", found) for place, asked, found in BIRTHS),
    *((place, f"Encounter?{asked}", "", found) for place, asked, found in STAYS),
    *((place, f"ServiceRequest?{asked}", "", found) for place, asked, found in ORDERS),
    *((place, f"Patient?{asked}", "", found) for place, asked, found in PATIENTS),
    *((place, f"Observation?{asked}", "", found) for place, asked, found in RESULTS),
    *((place, asked, "", found) for place, asked, found in OTHERS),
]
INCLUDES = [
    ("Observation?_id=bp&_include=Observation:has-member", "Observation/ten"),
    (
        "Observation?_id=bp&_include=Observation:has-member&_include:iterate=Observation:patient",
        "Observation/ten Patient/eve Patient/lin",
    ),
    ("Observation?_id=mg&_include=Observation:*", "Patient/eve"),
    ("Observation?_id=mg&_include=Observation:subject:Group", ""),
    ("Condition?_id=hurt&_include=*", "Encounter/day Patient/eve"),
    ("Patient?_id=eve&_revinclude=Observation:subject", "Observation/mg Observation/ten"),
    (
        "Patient?_id=eve&_revinclude=Observation:patient"
        "&_revinclude:iterate=Observation:has-member",
        "Observation/bp Observation/mg Observation/ten",
    ),
    (
        "Organization?_id=town&_include:iterate=Organization:partof",
        "Organization/bureau Organization/county",
    ),
]


@pytest.fixture(scope="module", params=ENGINES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Give one store with all resources of the cases, per engine."""
    folder = tmp_path_factory.mktemp("book")
    if request.param == "sqlite":
        yield from _filled("sqlite:///gateway.db", folder)
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield from _filled(url, folder)


def _filled(url: str, folder: object) -> Iterator[Store]:
    store = Store.open(url, data_dir=folder)  # type: ignore[arg-type]
    store.upgrade()
    store.code_sets = LoadedCodeSets(Terminology(load()))
    store.commit(Commit(SHARD, everything()))
    yield store
    store.close()


def _page(store: Store, url: str, *more: tuple[str, str], cursor: str | None = None) -> Page:
    type_, _, rest = url.partition("?")
    types = tuple(type_.split(",")) if type_ else tuple(sorted(load().resource_types))
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in rest.split("&"))]
    return store.search(ALL, store.query(SHARD, types, [*pairs, *more]), cursor)


@pytest.mark.parametrize(
    ("asked", "prefix", "found"),
    [case[1:] for case in CASES],
    ids=[f"{place}: {asked}" for place, asked, _, _ in CASES],
)
def test_a_search_finds_what_the_specification_says(
    world: Store, asked: str, prefix: str, found: str
) -> None:
    expected = sorted(f"{prefix}{one}" for one in found.split())
    page = _page(world, asked)
    assert sorted(one.id for one in page.matches) == expected
    assert page.total == len(expected)
    paged: list[str] = []
    part = _page(world, asked, ("_count", "2"))
    paged += [one.id for one in part.matches]
    while part.next is not None:
        part = _page(world, asked, ("_count", "2"), cursor=part.next)
        paged += [one.id for one in part.matches]
    assert sorted(paged) == expected


def test_the_cases_are_many() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize(("asked", "found"), INCLUDES, ids=[asked for asked, _ in INCLUDES])
def test_what_is_included_is_what_the_specification_says(
    world: Store, asked: str, found: str
) -> None:
    included = _page(world, asked).included
    assert sorted(f"{one.type}/{one.id}" for one in included) == found.split()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("?_type=Patient,Practitioner&name=e", "Patient/eve Patient/steve"),
        ("?_type=Patient,Practitioner&name=王", "Practitioner/wang"),
        ("?_type=Organization&name=health", "Organization/bureau"),
        ("?_type=Patient,Organization&_id=eve,town", "Organization/town Patient/eve"),
        ("?_tag=urn:t|needs-review", "Patient/eve"),
    ],
)
def test_the_whole_system_is_searched_by_what_its_types_share(
    world: Store, asked: str, found: str
) -> None:
    matches = _page(world, asked).matches
    assert sorted(f"{one.type}/{one.id}" for one in matches) == found.split()


@pytest.mark.parametrize("total", ["accurate", "estimate"])
def test_a_total_is_told_when_it_was_asked_for(world: Store, total: str) -> None:
    page = _page(world, f"RiskAssessment?probability=ge100&_total={total}&_count=1")
    assert page.total == 5
    counted = _page(world, "Observation?patient.name=eve&_summary=count")
    assert (counted.matches, counted.total) == ((), 3)
