"""Errors GW-22xx: reading and writing FHIR JSON and XML."""

from gateway.errors.kinds import Entry, Kind

_JSON = (
    Entry(
        "GW-2201",
        Kind.UNREADABLE,
        "JSON 不是有效的 UTF-8 文本。",
        "The JSON is not valid UTF-8.",
        "FHIR JSON 必须使用 UTF-8 编码，请检查发送系统的字符集设置。",
        "FHIR JSON is always UTF-8; check the sender's character set.",
    ),
    Entry(
        "GW-2202",
        Kind.UNREADABLE,
        "JSON 语法错误：{reason}。",
        "The JSON is malformed: {reason}.",
        "请检查所指位置，或确认内容没有被截断。",
        "Check the place named, or whether the content was truncated.",
    ),
    Entry(
        "GW-2203",
        Kind.UNREADABLE,
        "嵌套超过 {limit} 层。",
        "The content is nested more than {limit} levels deep.",
        "正常的 FHIR 资源不会嵌套这么深，请检查发送系统。",
        "No FHIR resource needs that; check the sender.",
    ),
    Entry(
        "GW-2204",
        Kind.UNREADABLE,
        "JSON 的最外层不是对象或数组。",
        "The outermost JSON value is neither an object nor an array.",
        "请发送一个完整的 FHIR 资源。",
        "Send a whole FHIR resource.",
    ),
    Entry(
        "GW-2205",
        Kind.UNREADABLE,
        "同一对象中的键 {name} 出现了两次。",
        "The key {name} stands twice in the same object.",
        "请只保留一个；多值元素请写成数组。",
        "Keep one of them; write several values as an array.",
    ),
    Entry(
        "GW-2206",
        Kind.UNREADABLE,
        "文本中含有半个字符（孤立的代理项）。",
        "The text holds half a character (a lone surrogate).",
        "文本多半在生僻字中间被截断，请检查发送系统。",
        "It was probably cut within a rare character; check the sender.",
    ),
    Entry(
        "GW-2207",
        Kind.UNREADABLE,
        "数值不是有限数，或大小、位数超出可用范围。",
        "The number is not finite, or too large, too small or too long to be used.",
        "请更正该数值。",
        "Correct the number.",
    ),
)

_XML = (
    Entry(
        "GW-2221",
        Kind.UNREADABLE,
        "XML 语法错误：{reason}。",
        "The XML is malformed: {reason}.",
        "请检查所指位置，或确认内容没有被截断。",
        "Check the place named, or whether the content was truncated.",
    ),
    Entry(
        "GW-2222",
        Kind.UNREADABLE,
        "XML 中含有 DTD、实体或处理指令。",
        "The XML holds a document type, an entity or a processing instruction.",
        "FHIR XML 不允许这些内容，请删除后再发送。",
        "FHIR XML allows none of them; remove it and send again.",
    ),
    Entry(
        "GW-2223",
        Kind.UNREADABLE,
        "{name} 不是 {parent} 的 FHIR 元素。",
        "{name} is no FHIR element of {parent}.",
        "请核对元素名、大小写和命名空间 http://hl7.org/fhir。",
        "Check its name, its case and the namespace http://hl7.org/fhir.",
    ),
    Entry(
        "GW-2224",
        Kind.UNREADABLE,
        "{name} 的值不符合类型 {type} 的写法。",
        "The value of {name} is not written as a {type}.",
        "请按 FHIR 数据类型的格式更正。",
        "Correct it to the format of the FHIR data type.",
    ),
    Entry(
        "GW-2225",
        Kind.UNREADABLE,
        "{name} 中有不允许的文字或属性。",
        "{name} holds text or an attribute that is not allowed there.",
        "FHIR XML 的值写在 value 属性中，请更正。",
        "FHIR XML puts values into the attribute named value; correct it.",
    ),
    Entry(
        "GW-2226",
        Kind.UNREADABLE,
        "元素 {name} 只能出现一次，或同名元素没有连续排列。",
        "The element {name} may stand only once, or elements of one name are not together.",
        "请把同名元素排在一起，单值元素只保留一个。",
        "Put elements of one name together; keep one where only one is allowed.",
    ),
    Entry(
        "GW-2227",
        Kind.INVALID,
        "{name} 在 FHIR {parent} 中没有定义，无法写成 XML。",
        "{name} is not defined in FHIR {parent} and cannot be written as XML.",
        "请更正该资源，或改用 JSON 读取。",
        "Correct the resource, or read it as JSON.",
    ),
    Entry(
        "GW-2228",
        Kind.INVALID,
        "{name} 的文字无法写入 XML：含有控制字符，或叙述不是合法的 XHTML。",
        "The text of {name} cannot be written as XML: control characters, or no valid XHTML.",
        "请更正该文字，或改用 JSON 读取。",
        "Correct the text, or read it as JSON.",
    ),
)

ENTRIES: tuple[Entry, ...] = (*_JSON, *_XML)
