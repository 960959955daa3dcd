"""The codes that make an Observation a vital sign (R4, observation-vitalsigns.html)."""

from gateway.records import Resource

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_LOINC = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
}


def vital_sign(observation: Resource) -> str | None:
    """Give the url of the profile that an Observation's LOINC code binds it to."""
    code = observation.get("code")
    codings = code.get("coding") if type(code) is dict else None
    for coding in codings if type(codings) is list else ():
        if type(coding) is dict and coding.get("system") == "http://loinc.org":
            value = coding.get("code")
            name = _LOINC.get(value) if type(value) is str else None
            if name is not None:
                return _CORE + name
    return None
