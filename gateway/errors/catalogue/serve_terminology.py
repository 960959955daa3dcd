"""Errors GW-72xx: terminology operations."""

from gateway.errors.kinds import Entry, Kind

_LOAD_ZH = (
    "请将其作为 CodeSystem 资源（content 为 complete 或 fragment）写入 /fhir/CodeSystem，"
    "或放入 profiles 目录后重启网关。"
)
_LOAD_EN = (
    "Write it as a CodeSystem resource (content complete or fragment) to /fhir/CodeSystem, or put "
    "it into a profiles folder and restart the gateway."
)

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "GW-7201",
        Kind.NOT_FOUND,
        "代码系统 {system} 未载入。",
        "The code system {system} is not loaded.",
        _LOAD_ZH,
        _LOAD_EN,
    ),
    Entry(
        "GW-7202",
        Kind.NOT_FOUND,
        "没有值集 {value_set}。",
        "There is no value set {value_set}.",
        "请核对 url，或先将该 ValueSet 写入 /fhir/ValueSet。",
        "Check the url, or write the ValueSet to /fhir/ValueSet first.",
    ),
    Entry(
        "GW-7203",
        Kind.NOT_FOUND,
        "值集 {value_set} 需要的 {missing} 未载入，无法判定。",
        "The value set {value_set} needs {missing}, which is not loaded.",
        _LOAD_ZH,
        _LOAD_EN,
    ),
    Entry(
        "GW-7204",
        Kind.NOT_FOUND,
        "代码系统 {system} 只载入了一部分，其中没有该代码，无法判定对错。",
        "A part of the code system {system} is loaded, without this code: it cannot be judged.",
        _LOAD_ZH,
        _LOAD_EN,
    ),
    Entry(
        "GW-7205",
        Kind.NOT_FOUND,
        "代码系统 {system} 中没有该代码。",
        "The code system {system} does not have this code.",
        "请核对代码，注意大小写。",
        "Check the code; upper and lower case may matter.",
    ),
    Entry(
        "GW-7206",
        Kind.UNSUPPORTED,
        "该操作不支持参数 {name}。",
        "The operation does not take the parameter {name} here.",
        "支持的参数：{known}。",
        "It takes {known}.",
    ),
    Entry(
        "GW-7207",
        Kind.UNREADABLE,
        "缺少参数，或给出了不止一种形式：{names}。",
        "A parameter is missing, or more than one form of it was given: {names}.",
        "请给出其中恰好一种。",
        "Give exactly one of these.",
        issue_code="required",
    ),
    Entry(
        "GW-7208",
        Kind.UNREADABLE,
        "两个代码不属于同一代码系统。",
        "The two codes are not of one code system.",
        "只能比较同一代码系统的代码。",
        "Compare codes of one code system.",
        issue_code="invalid",
    ),
    Entry(
        "GW-7209",
        Kind.TOO_LARGE,
        "值集 {value_set} 的代码多于 {limit} 个，或无法全部列出。",
        "The value set {value_set} has more than {limit} codes, or they cannot all be listed.",
        "请用 filter 或 count 与 offset 分页；判断单个代码请用 $validate-code。",
        "Use filter, or count and offset; to test one code use $validate-code.",
        issue_code="too-costly",
        http=422,
    ),
    Entry(
        "GW-7210",
        Kind.NOT_FOUND,
        "没有概念对照 {concept_map}。",
        "There is no concept map {concept_map}.",
        "请核对 url，或先将该 ConceptMap 写入 /fhir/ConceptMap。",
        "Check the url, or write the ConceptMap to /fhir/ConceptMap first.",
    ),
    Entry(
        "GW-7211",
        Kind.INVALID,
        "代码不在代码系统 {subject} 中。",
        "The code is not in the code system {subject}.",
        "请核对代码，注意大小写。",
        "Check the code; upper and lower case may matter.",
        issue_code="code-invalid",
    ),
    Entry(
        "GW-7212",
        Kind.INVALID,
        "代码不在值集 {subject} 中。",
        "The code is not in the value set {subject}.",
        "可用的代码见 $expand。",
        "The codes it has are answered by $expand.",
        issue_code="code-invalid",
    ),
    Entry(
        "GW-7213",
        Kind.INVALID,
        "代码在 {subject} 中，但名称（display）与之不符。",
        "The code is in {subject}, but the display is not one of its names.",
        "请使用所附的名称，或不带 display。",
        "Use the display given here, or none.",
        issue_code="code-invalid",
    ),
    Entry(
        "GW-7214",
        Kind.INVALID,
        "代码在 {subject} 中只用于归类，不能单独使用。",
        "The code only groups others in {subject} and is not for use itself.",
        "请使用其下级代码。",
        "Use a code below it.",
        issue_code="code-invalid",
    ),
    Entry(
        "GW-7215",
        Kind.NOT_FOUND,
        "没有对应的代码。",
        "No translation was found.",
        "请核对代码系统与代码，或补充 ConceptMap。",
        "Check system and code, or add to the ConceptMap.",
    ),
)
