"""Errors GW-3xxx: mapping (30xx compile a mapping file, 31xx refuse a record, 32xx warn)."""

from gateway.errors.kinds import Entry, Kind

_FIX_ZH = "请按所示行列修改映射文件。"
_FIX_EN = "Correct the mapping file at the line shown."


def _compile(number: str, zh: str, en: str) -> Entry:
    return Entry(number, Kind.INVALID, zh, en, _FIX_ZH, _FIX_EN)


_COMPILE = (
    _compile(
        "GW-3001",
        "映射 {mapping} 有 {count} 处错误，不能使用。{list}",
        "The mapping {mapping} has {count} mistake(s) and cannot be used.{list}",
    ),
    _compile("GW-3010", "文件不能读取：{reason}。", "the file cannot be read: {reason}"),
    _compile("GW-3011", "此处没有 {word} 这个词。", "unknown word {word} here"),
    _compile("GW-3012", "{word} 应写成：{expected}。", "{word} must be {expected}"),
    _compile("GW-3013", "缺少 {word}。", "{word} is missing"),
    _compile("GW-3014", "不符合语言的结构：{reason}。", "does not fit the language: {reason}"),
    _compile("GW-3015", "{word} 写了两次。", "{word} is written twice"),
    _compile(
        "GW-3016", "{first} 与 {second} 不能同时使用。", "{first} and {second} exclude each other"
    ),
    _compile("GW-3020", "R4 没有资源类型 {type}。", "R4 has no resource type {type}"),
    _compile("GW-3021", "{type} 没有元素 {element}。", "{type} has no element {element}"),
    _compile(
        "GW-3022", "路径 {path} 不能解析：{reason}。", "the path {path} does not parse: {reason}"
    ),
    _compile("GW-3023", "没有名为 {name} 的资源。", "no resource is named {name}"),
    _compile("GW-3024", "没有名为 {table} 的代码表。", "no code table is named {table}"),
    _compile(
        "GW-3025",
        "代码表 {table} 不可用：{reason}。",
        "the code table {table} cannot be used: {reason}",
    ),
    _compile("GW-3026", "没有函数 {function}。", "there is no function {function}"),
    _compile(
        "GW-3027",
        "{what} 不能用于 {element}（{type}）。",
        "{what} does not fit {element} of type {type}",
    ),
    _compile(
        "GW-3028", "{format} 没有数据类型映射 {name}。", "{format} has no datatype map {name}"
    ),
    _compile(
        "GW-3029",
        "{element} 只出现一次，不能用 each，请用 from。",
        "{element} occurs once: use from instead of each",
    ),
    _compile(
        "GW-3030", "必填元素 {element} 没有规则。", "no rule for the required element {element}"
    ),
    _compile("GW-3031", "没有可继承的映射 {name}。", "there is no mapping {name} to extend"),
    _compile("GW-3032", "规则没有来源。", "the rule has no source"),
    _compile("GW-3033", "没有格式 {format}。", "there is no format {format}"),
    _compile("GW-3034", "没有时区 {zone}。", "there is no time zone {zone}"),
    _compile("GW-3035", "资源 {name} 没有 key。", "the resource {name} has no key"),
    _compile(
        "GW-3036",
        "函数 {function} 的参数不对：{reason}。",
        "the argument of {function} is wrong: {reason}",
    ),
    _compile("GW-3037", "{reference} 不能指向 {type}。", "{reference} may not point at {type}"),
    _compile(
        "GW-3038", "映射继承成环：{chain}。", "mappings extend each other in a circle: {chain}"
    ),
    _compile(
        "GW-3041",
        "{text} 看起来是路径，却写成了常量；请写 {{from: …}} 或 {{const: …}}。",
        "{text} looks like a path but is written as a constant; write {{from: …}} or {{const: …}}",
    ),
)

_RUN = (
    Entry(
        "GW-3040",
        Kind.INVALID,
        "映射 {mapping} 没有通过自带的测试：{tests}，继续使用旧版本。",
        "The mapping {mapping} fails its own tests: {tests}; the old one stays in use.",
        "请用 gateway map test 查看差异。",
        "See the differences with gateway map test.",
    ),
    Entry(
        "GW-3042",
        Kind.INVALID,
        "样例的 {count} 个字段中没有认出患者或就诊的号码，无法画出映射。",
        "None of the samples' {count} fields looks like a number of a patient or visit.",
        "请在表头使用通行的列名，或照 docs/mapping.md 手写映射。",
        "Use usual names in the header, or write the mapping by hand (docs/mapping.md).",
    ),
    Entry(
        "GW-3002",
        Kind.UNMAPPED,
        "没有映射适用于 {kind}（已试：{mappings}）。",
        "No mapping takes the record kind {kind} (tried: {mappings}).",
        "请为该通道登记对应的映射后重放。",
        "Register a mapping for it on the channel, then replay.",
    ),
    Entry(
        "GW-3003",
        Kind.NOT_FOUND,
        "没有映射 {mapping}。",
        "There is no mapping {mapping}.",
        "请核对通道设置，或把映射放入 mappings 目录。",
        "Check the channel's setting or add the mapping to the mappings folder.",
    ),
    Entry(
        "GW-3101",
        Kind.UNMAPPED,
        "{type} 没有业务标识，已尝试：{paths}（规则 {rule}）。",
        "The {type} has no business key; tried: {paths} (rule {rule}).",
        "请在来源系统补全标识，或在映射的 key 中增加备选后重放。",
        "Complete the identifier at the source or add an alternative to key, then replay.",
    ),
    Entry(
        "GW-3102",
        Kind.UNMAPPED,
        "代码表 {table} 中没有该代码对应的行（{target}，规则 {rule}）。",
        "The code table {table} has no row for this code ({target}, rule {rule}).",
        "请在代码表中增加一行，或为规则写明 otherwise，然后重放。",
        "Add a row to the table or write otherwise in the rule, then replay.",
    ),
    Entry(
        "GW-3103",
        Kind.INVALID,
        "该值不能按 {function} 读取（{target}，规则 {rule}）。",
        "The value cannot be read as {function} ({target}, rule {rule}).",
        "请在来源系统更正，或修改映射后重放。",
        "Correct it at the source or change the mapping, then replay.",
    ),
    Entry(
        "GW-3104",
        Kind.INVALID,
        "{name} 有 {count} 个，引用不明确（{target}，规则 {rule}）。",
        "There are {count} resources named {name}: which is meant? ({target}, rule {rule}).",
        "请在映射中用 under 或同一 each 使其对应。",
        "Tie them in the mapping by under or by the same each.",
    ),
    Entry(
        "GW-3105",
        Kind.INVALID,
        "通道没有设置 {option}（规则 {rule}）。",
        "The channel does not set {option} (rule {rule}).",
        "请在通道选项中设置后重放。",
        "Set it in the channel's options, then replay.",
    ),
    Entry(
        "GW-3106",
        Kind.INVALID,
        "该证件号码的校验位不对（{function}，规则 {rule}）。",
        "The number fails its checksum ({function}, rule {rule}).",
        "请核对来源系统中的号码。",
        "Check the number at the source.",
    ),
    Entry(
        "GW-3107",
        Kind.INVALID,
        "{what} 不能渲染回 {format}。",
        "{what} cannot be rendered back to {format}.",
        "请在映射的 back 中补充规则。",
        "Add a rule to the mapping's back section.",
    ),
)

_WARN = (
    Entry(
        "GW-3201",
        Kind.INVALID,
        "时间没有时区，只保留日期（{target}，规则 {rule}）。",
        "The time has no zone; only its date is kept ({target}, rule {rule}).",
        "请在通道或映射中设置 zone。",
        "Set zone on the channel or in the mapping.",
    ),
    Entry(
        "GW-3202",
        Kind.INVALID,
        "证件号码的校验位不对（{function}，规则 {rule}）。",
        "The number fails its checksum ({function}, rule {rule}).",
        "请核对来源系统中的号码。",
        "Check the number at the source.",
    ),
    Entry(
        "GW-3203",
        Kind.UNMAPPED,
        "编码系统名 {name} 没有对应的网址，未写入 system（规则 {rule}）。",
        "The coding system name {name} has no URL; the coding is without system (rule {rule}).",
        "请在映射的 systems 中登记。",
        "Add it to systems in the mapping.",
    ),
    Entry(
        "GW-3215",
        Kind.INVALID,
        "通用标识不是 OID、UUID 或 URI，未写入 system（{target}，规则 {rule}）。",
        "A universal identifier is no OID, UUID or URI; its system was left out"
        " ({target}, rule {rule}).",
        "请核对来源系统的发放机构标识及其类型。",
        "Check the assigning authority's identifier and its type at the source.",
    ),
    Entry(
        "GW-3216",
        Kind.UNMAPPED,
        "编码不在其编码系统中，只写编码、未写 system（{target}，规则 {rule}）。",
        "The code is not in its code system; it is written without system ({target}, rule {rule}).",
        "请核对来源系统的编码，或在映射的 systems 中登记本院的编码系统。",
        "Check the code at the source, or name the site's own code system in systems.",
    ),
    Entry(
        "GW-3208",
        Kind.UNMAPPED,
        "没有规则读取 {path}。",
        "No rule reads {path}.",
        "请补充规则，或在 ignore 中写明原因。",
        "Add a rule, or name it in ignore with the reason.",
    ),
    Entry(
        "GW-3209",
        Kind.INVALID,
        "{path} 的值不能按 {function} 读取，未写入（{target}，规则 {rule}）。",
        "{path} cannot be read as {function}; it was left out ({target}, rule {rule}).",
        "请在来源系统更正该值。",
        "Correct the value at the source.",
    ),
    Entry(
        "GW-3210",
        Kind.INVALID,
        "{path} 的起止时间精度不同，较细的按较粗的写出（{target}，规则 {rule}）。",
        "Start and end of {path} differ in precision; the finer is cut ({target}, rule {rule}).",
        "请在来源系统以同样的精度填写起止时间。",
        "Give both with the same precision at the source.",
    ),
    Entry(
        "GW-3211",
        Kind.INVALID,
        "{path} 的结束早于开始，结束未写入（{target}，规则 {rule}）。",
        "The end of {path} is before its start; it was left out ({target}, rule {rule}).",
        "请在来源系统更正起止时间。",
        "Correct the times at the source.",
    ),
    Entry(
        "GW-3205",
        Kind.INVALID,
        "时间的精度或时区不足以写成 {function}（{target}，规则 {rule}）。",
        "The time is not precise enough, or has no zone, for {function} ({target}, rule {rule}).",
        "请在来源系统补全时间。",
        "Complete the time at the source.",
    ),
    Entry(
        "GW-3207",
        Kind.UNMAPPED,
        "代码表 {table} 中没有该代码对应的行，未写入（{target}，规则 {rule}）。",
        "The code table {table} has no row for this code; it was left out ({target}, rule {rule}).",
        "请在代码表中增加一行。",
        "Add a row to the table.",
    ),
    Entry(
        "GW-3217",
        Kind.INVALID,
        "来源要求删除 {target}（规则 {rule}）；已存的值将被清除。",
        "The source deletes {target} (rule {rule}); what is stored of it goes.",
        '若非本意，请在来源系统更正：空字段表示不变，"" 表示删除。',
        'If that was not meant, correct the source: an empty field changes nothing, "" deletes.',
    ),
    Entry(
        "GW-3206",
        Kind.INVALID,
        "同一记录中两个 {type} 的业务标识相同，后者只补充前者没有的元素（规则 {rule}）。",
        "Two {type} have the same key; the later only fills what the earlier lacks (rule {rule}).",
        "请核对来源记录或映射的 key。",
        "Check the source record or the mapping's key.",
    ),
)

ENTRIES: tuple[Entry, ...] = (*_COMPILE, *_RUN, *_WARN)
