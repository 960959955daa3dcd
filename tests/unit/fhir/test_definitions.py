from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from gateway.fhir.definitions import load
from tests.unit.fhir.examples import FOLDER, needs_examples

SCRIPT = Path(__file__).parents[3] / "scripts" / "compile_definitions.py"


def script() -> ModuleType:
    """Load the script, which is no part of the package."""
    spec = spec_from_file_location("compile_definitions", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_resource_types_of_r4_are_there_and_none_of_another_release() -> None:
    types = load().resource_types
    assert len(types) == 146
    assert {"Patient", "MedicinalProduct", "Bundle"} <= types
    assert not types & {"SubscriptionStatus", "Resource", "DomainResource", "Citation"}


def test_abstract_types_are_defined_but_not_exchanged() -> None:
    for name in ("Resource", "DomainResource", "Element", "BackboneElement"):
        structure = load().structure(name)
        assert structure is not None
        assert structure["abstract"] is True


def test_a_structure_is_found_by_name_by_url_and_by_versioned_url() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    profile = load().structure(url)
    assert profile is not None
    assert profile["type"] == "Observation"
    assert load().structure(f"{url}|4.0.1") is profile
    assert load().structure(f"{url}|5.0.0") is None
    assert load().structure("NoSuchType") is None


def test_elements_keep_what_a_validator_needs() -> None:
    structure = load().structure("Observation")
    assert structure is not None
    elements = {e["id"]: e for e in structure["snapshot"]["element"]}
    assert elements["Observation.status"]["binding"]["valueSet"].startswith("http://hl7.org/fhir/")
    assert elements["Observation.status"]["isModifier"] is True
    assert {"obs-6", "obs-7"} <= {c["key"] for c in elements["Observation"]["constraint"]}
    subject = elements["Observation.subject"]["type"][0]
    assert "http://hl7.org/fhir/StructureDefinition/Patient" in subject["targetProfile"]
    assert elements["Observation.component.referenceRange"]["contentReference"]


def test_every_parent_definition_and_every_value_set_that_hl7_binds_is_there() -> None:
    definitions = load()
    for structure in definitions.structures():
        parent = structure.get("baseDefinition")
        assert parent is None or definitions.structure(parent) is not None, structure["url"]
    for type_ in definitions.resource_types:
        structure = definitions.structure(type_) or {}
        for element in structure["snapshot"]["element"]:
            value_set = element.get("binding", {}).get("valueSet", "")
            if value_set.startswith("http://hl7.org/fhir/"):
                assert definitions.value_set(value_set) is not None, element["id"]


def test_code_systems_keep_hierarchy_and_chinese_designations() -> None:
    units = load().value_set("http://hl7.org/fhir/ValueSet/units-of-time")
    assert units is not None
    concepts = {c["code"]: c for c in units["compose"]["include"][0]["concept"]}
    assert concepts["s"]["designation"] == [{"language": "zh", "value": "秒"}]
    act_code = load().code_system("http://terminology.hl7.org/CodeSystem/v3-ActCode")
    assert act_code is not None
    assert any("concept" in concept for concept in act_code["concept"])


def test_a_type_has_its_own_search_parameters_and_those_of_the_abstract_types() -> None:
    patient, bundle = (load().search_parameters[t] for t in ("Patient", "Bundle"))
    assert {"_id", "_tag", "_text", "identifier", "general-practitioner"} <= patient.keys()
    assert "_text" not in bundle
    assert patient["birthdate"].kind == "date"
    assert patient["general-practitioner"].targets


def test_the_five_compartments_are_there() -> None:
    names = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
    for name in names:
        members = {r["code"] for r in load().compartment(name)["resource"] if r.get("param")}
        assert "Observation" in members
    with pytest.raises(KeyError):
        load().compartment("Organization")


@needs_examples
def test_the_committed_file_is_what_the_script_makes_of_hl7s_package(tmp_path: Path) -> None:
    compile_definitions = script()
    source, found = compile_definitions.read_package(FOLDER)
    sections = {
        name: compile_definitions.compile_section(name, found[type_])
        for name, (type_, _, _) in compile_definitions.SECTIONS.items()
    }
    target = tmp_path / "r4.bin"
    compile_definitions.write(source, sections, target)
    assert target.read_bytes() == compile_definitions.TARGET.read_bytes()


def test_a_repackaged_set_of_definitions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "someone.r4", "version": "4.0.1"}')
    with pytest.raises(SystemExit, match="not an R4"):
        script().read_package(tmp_path)
