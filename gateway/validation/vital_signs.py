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
_SNOMED = {
    "86290005": "resprate",
    "364075005": "heartrate",
    "431314004": "oxygensat",
    "386725007": "bodytemp",
    "276885007": "bodytemp",
    "1153637007": "bodyheight",
    "50373000": "bodyheight",
    "363812007": "headcircum",
    "27113001": "bodyweight",
    "60621009": "bmi",
    "75367002": "bp",
}
_TABLES = {"http://loinc.org": _LOINC, "http://snomed.info/sct": _SNOMED}


def vital_sign(observation: Resource) -> str | None:
    """Give the url of the profile that an Observation's code binds it to.

    A code of SNOMED CT that means the same binds too: what is a vital sign carries the LOINC code.
    """
    code = observation.get("code")
    codings = code.get("coding") if type(code) is dict else None
    for coding in codings if type(codings) is list else ():
        system = coding.get("system") if type(coding) is dict else None
        table = _TABLES.get(system) if type(system) is str else None
        if table is not None:
            value = coding.get("code")
            name = table.get(value) if type(value) is str else None
            if name is not None:
                return _CORE + name
    return None
