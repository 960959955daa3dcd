"""Errors GW-4xxx: validation.

GW-40xx structure and primitives, 41xx terminology, 42xx references and bundles, 43xx rules of
profiles, 44xx text, extensions and attachments, 45xx conformance resources, 49xx FHIRPath.
``element`` is the FHIRPath of the element; every text says what to do.
"""

from gateway.errors.kinds import Entry, Kind


def _finding(number: str, code: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Entry:
    return Entry(number, Kind.INVALID, zh, en, remedy_zh, remedy_en, issue_code=code)


ENTRIES: tuple[Entry, ...] = (
    _finding(
        "GW-4001", "structure",
        "{element} 不是 {type} 的元素。", "{element} is no element of {type}.",
        "请删除它，或改用 FHIR R4 的元素名、扩展。", "Remove it, or use R4's element name or an extension.",
    ),
    _finding(
        "GW-4002", "required",
        "{element} 缺少必填元素 {member}。", "{element} lacks the required element {member}.",
        "请补充 {member}。", "Add {member}.",
    ),
    _finding(
        "GW-4003", "structure",
        "{element} 只能有一个值，却是数组。", "{element} takes one value but is an array.",
        "请去掉方括号，只留一个值。", "Drop the brackets and keep one value.",
    ),
    _finding(
        "GW-4004", "structure",
        "{element} 可重复，必须是数组。", "{element} repeats and must be an array.",
        "请放入方括号中。", "Put it in brackets.",
    ),
    _finding(
        "GW-4005", "structure",
        "{element} 为空。", "{element} is empty.",
        "没有内容的元素不要写出。", "Leave out what has no content.",
    ),
    _finding(
        "GW-4006", "structure",
        "{element} 的 JSON 类型不对：{type} 应是 {expected}。",
        "{element} has the wrong JSON type: {type} is {expected}.",
        "请按该类型书写。", "Write it as that type.",
    ),
    _finding(
        "GW-4007", "value",
        "{element} 不合 {type} 的格式（{form}）。", "{element} is not in the form of {type} ({form}).",
        "请改为该格式。", "Write it in that form.",
    ),
    _finding(
        "GW-4008", "structure",
        "{element} 的可选类型元素 {member}[x] 出现了多个。",
        "{element} has several values of the choice element {member}[x].",
        "只能保留其中一个。", "Keep one of them.",
    ),
    _finding(
        "GW-4009", "structure",
        "{element} 的资源类型缺失或不是 R4 资源。", "{element} has no resourceType of R4.",
        "请写明正确的 resourceType。", "State the right resourceType.",
    ),
    _finding(
        "GW-4010", "structure",
        "{element} 的扩展部分 _{member} 与值的个数或形式不一致。",
        "{element}: the sibling _{member} does not match its values in number or form.",
        "_{member} 应与 {member} 形式相同，空缺处用 null。",
        "Give _{member} the shape of {member}, with null where there is nothing.",
    ),
    _finding(
        "GW-4011", "too-long",
        "嵌套超过 {limit} 层。", "It is nested deeper than {limit} levels.",
        "请减少嵌套。", "Nest less.",
    ),
    _finding(
        "GW-4012", "invariant",
        "{element} 违反规则 {key}：{human}。", "{element} breaks the rule {key}: {human}.",
        "请按该规则修改。", "Change it to keep the rule.",
    ),
    _finding(
        "GW-4013", "exception",
        "{element} 的规则 {key} 无法求值（{problem}）。",
        "The rule {key} cannot be evaluated at {element} ({problem}).",
        "请核对该处元素的个数与类型。", "Check the number and type of the elements there.",
    ),
    _finding(
        "GW-4014", "invalid",
        "{element} 含有首尾空白。", "{element} has leading or trailing white space.",
        "请去掉首尾空白。", "Trim it.",
    ),
    _finding(
        "GW-4101", "code-invalid",
        "{element} 的代码不在必选值集 {value_set} 中。",
        "{element} has no code of the required value set {value_set}.",
        "请改用该值集中的代码。", "Use a code of that value set.",
    ),
    _finding(
        "GW-4102", "code-invalid",
        "{element} 的代码不在可扩展值集 {value_set} 中。",
        "{element} has no code of the extensible value set {value_set}.",
        "值集中有合适代码时应使用它。", "Use one of its codes where one fits.",
    ),
    _finding(
        "GW-4103", "code-invalid",
        "{element} 的代码系统 {system} 中没有该代码。", "{element}: the code is not in the code system {system}.",
        "请核对代码与代码系统。", "Check the code and its system.",
    ),
    _finding(
        "GW-4104", "not-found",
        "{element} 绑定的值集 {value_set} 无法核对：{reason} 未载入。",
        "{element} cannot be checked against {value_set}: {reason} is not loaded.",
        "请载入该代码系统或值集，或人工核对。", "Load it, or check the code by hand.",
    ),
    _finding(
        "GW-4105", "invalid",
        "{element} 的显示名与代码系统 {system} 的不符。", "{element} is not the display of its code in {system}.",
        "请使用代码系统中的显示名，或省略。", "Use the display of the code system, or leave it out.",
    ),
    _finding(
        "GW-4106", "code-invalid",
        "{element} 的系统 {system} 是值集而不是代码系统。", "{element}: {system} is a value set, no code system.",
        "请填写代码系统的 URL。", "State the url of the code system.",
    ),
    _finding(
        "GW-4107", "invalid",
        "{element} 的 system 不是绝对 URL。", "{element} has a system that is no absolute url.",
        "请填写绝对 URL（http:、urn:）。", "State an absolute url (http:, urn:).",
    ),
    _finding(
        "GW-4108", "code-invalid",
        "{element} 中没有取自最大值集 {value_set} 的代码。",
        "{element} has no code of the maximum value set {value_set}.",
        "请改用该值集中的代码。", "Use a code of that value set.",
    ),
    _finding(
        "GW-4201", "structure",
        "{element} 不能引用 {found}，只允许 {allowed}。", "{element} may not refer to {found}; allowed: {allowed}.",
        "请引用允许的资源类型。", "Refer to an allowed type.",
    ),
    _finding(
        "GW-4202", "not-found",
        "{element} 引用的内含资源不存在。", "{element} refers to a contained resource that is not there.",
        "请加入该内含资源，或改正引用。", "Contain it, or correct the reference.",
    ),
    _finding(
        "GW-4203", "not-found",
        "{element} 引用的条目不在 Bundle 中。", "{element} refers to an entry that is not in the Bundle.",
        "请加入该条目，或改正引用（与 fullUrl 一致）。", "Add the entry, or correct the reference (it follows the fullUrl).",
    ),
    _finding(
        "GW-4204", "structure",
        "{element} 的 type 与所引用的资源类型不一致。", "{element}: its type is not that of the resource referred to.",
        "请改正 Reference.type。", "Correct Reference.type.",
    ),
    _finding(
        "GW-4205", "invariant",
        "{element} 的内含资源未被引用（dom-3）。", "{element} is contained but nothing refers to it (dom-3).",
        "请引用它，或删除它。", "Refer to it, or remove it.",
    ),
    _finding(
        "GW-4206", "invariant",
        "{element} 违反内含资源的规则 {key}。", "{element} breaks the rule {key} of contained resources.",
        "内含资源不能再内含资源，也不能带版本、更新时间和安全标签。",
        "A contained resource contains none and has no version, time of update or security label.",
    ),
    _finding(
        "GW-4207", "invalid",
        "{element} 与另一内含资源的 id 重复或没有 id。", "{element} has no id, or that of another contained resource.",
        "请给每个内含资源唯一的 id。", "Give every contained resource its own id.",
    ),
    _finding(
        "GW-4210", "invalid",
        "{element} 缺少 fullUrl。", "{element} lacks a fullUrl.",
        "除 transaction 和 batch 外，每个有资源的条目都要有 fullUrl。",
        "Every entry with a resource has one, except in transactions and batches.",
    ),
    _finding(
        "GW-4211", "invalid",
        "{element} 的 fullUrl 不是绝对 URL。", "{element} has a fullUrl that is not absolute.",
        "请填写绝对 URL 或 urn:uuid:。", "State an absolute url or urn:uuid:.",
    ),
    _finding(
        "GW-4212", "invalid",
        "{element} 的 fullUrl 与资源的类型和 id 不一致。", "{element}: the fullUrl does not end with the type and id of its resource.",
        "fullUrl 应以 类型/id 结尾，或使用 urn:uuid:。", "End it with Type/id, or use urn:uuid:.",
    ),
    _finding(
        "GW-4213", "invalid",
        "{element} 的引用在 Bundle 中有多个匹配。", "{element} matches several entries of the Bundle.",
        "请使 fullUrl 唯一，或引用具体版本。", "Make the fullUrls distinct, or refer to a version.",
    ),
    _finding(
        "GW-4214", "invalid",
        "{element}：{type} 类型的 Bundle 的第一个条目必须是 {expected}。",
        "{element}: the first entry of a {type} Bundle is a {expected}.",
        "请把 {expected} 放在第一个条目。", "Put the {expected} first.",
    ),
    _finding(
        "GW-4215", "invalid",
        "{element}：检索结果中的资源必须有 id。", "{element}: resources in search results have ids.",
        "请补充 id。", "Add the id.",
    ),
    _finding(
        "GW-4216", "invalid",
        "{element}：条目的 request 与资源不一致（{reason}）。", "{element}: the request does not fit the entry ({reason}).",
        "请改正 request.method 与 request.url。", "Correct request.method and request.url.",
    ),
    _finding(
        "GW-4217", "informational",
        "{element} 从文档的 Composition 不可达。", "{element} cannot be reached from the document's Composition.",
        "请从 Composition 引用它，或删除该条目。", "Refer to it from the Composition, or remove the entry.",
    ),
    _finding(
        "GW-4218", "invalid",
        "{element}：该链接关系只用于检索结果。", "{element}: this link relation belongs to search results only.",
        "请删除该链接。", "Remove the link.",
    ),
    _finding(
        "GW-4219", "invalid",
        "{element} 的资源类型与检索不符（期望 {expected}）。", "{element} is not of the type searched for ({expected}).",
        "请改正条目或 search.mode。", "Correct the entry or its search.mode.",
    ),
    _finding(
        "GW-4220", "duplicate",
        "{element} 与另一条目的 fullUrl 和版本相同。", "{element} has the fullUrl and version of another entry.",
        "请使每个条目的 fullUrl 唯一。", "Give each entry its own fullUrl.",
    ),
    _finding(
        "GW-4221", "structure",
        "{element} 引用的资源不符合所要求的规范：{allowed}。", "{element} refers to a resource that meets none of the profiles {allowed}.",
        "请使被引用的资源符合其中之一。", "Make the resource meet one of them.",
    ),
    _finding(
        "GW-4222", "structure",
        "{element} 的引用方式不合聚合规则（{allowed}）。", "{element} refers in a way that aggregation does not allow ({allowed}).",
        "请按规则内含、放入 Bundle 或引用外部。", "Contain it, bundle it or refer outside, as allowed.",
    ),
    _finding(
        "GW-4301", "structure",
        "{element}：{member} 至少 {least} 个，实有 {count} 个（{profile}）。",
        "{element}: {member} is needed at least {least} times and stands {count} times ({profile}).",
        "请补足。", "Add what is missing.",
    ),
    _finding(
        "GW-4302", "structure",
        "{element}：{member} 至多 {most} 个，实有 {count} 个（{profile}）。",
        "{element}: {member} is allowed at most {most} times and stands {count} times ({profile}).",
        "请减少到允许的个数。", "Remove what is too much.",
    ),
    _finding(
        "GW-4303", "value",
        "{element} 的值必须是规范 {profile} 固定的值。", "{element} must have the value fixed by {profile}.",
        "请改为规范规定的值。", "Use the fixed value.",
    ),
    _finding(
        "GW-4304", "value",
        "{element} 不合规范 {profile} 的模式（{missing}）。", "{element} does not meet the pattern of {profile} ({missing}).",
        "请补充或改正模式要求的内容。", "Add or correct what the pattern asks for.",
    ),
    _finding(
        "GW-4305", "structure",
        "{element} 的类型 {found} 不被规范 {profile} 允许（{allowed}）。",
        "{element} has the type {found}, which {profile} does not allow ({allowed}).",
        "请改用允许的类型。", "Use an allowed type.",
    ),
    _finding(
        "GW-4306", "structure",
        "{element} 不属于规范 {profile} 的任何切片，而切片是封闭的。",
        "{element} fits no slice of {profile}, and its slicing is closed.",
        "请改为某一切片的形式，或删除。", "Make it fit a slice, or remove it.",
    ),
    _finding(
        "GW-4307", "invalid",
        "{element} 同时匹配多个切片：{slices}（{profile}）。", "{element} matches several slices: {slices} ({profile}).",
        "请使其只匹配一个切片。", "Make it match one slice only.",
    ),
    _finding(
        "GW-4308", "structure",
        "{element} 的顺序不合规范 {profile} 的切片次序。", "{element} is out of the order of the slices of {profile}.",
        "请按规范的次序排列。", "Order it as the profile does.",
    ),
    _finding(
        "GW-4309", "invalid",
        "{element} 超出范围：{bound} {limit}（{profile}）。", "{element} is out of range: {bound} {limit} ({profile}).",
        "请改为范围内的值。", "Use a value within the range.",
    ),
    _finding(
        "GW-4310", "too-long",
        "{element} 超过 {limit} 个字符（{profile}）。", "{element} is longer than {limit} characters ({profile}).",
        "请缩短。", "Shorten it.",
    ),
    _finding(
        "GW-4311", "structure",
        "{element} 不符合任何所允许的规范：{allowed}。", "{element} meets none of the allowed profiles: {allowed}.",
        "请使其符合其中之一。", "Make it meet one of them.",
    ),
    _finding(
        "GW-4312", "not-found",
        "找不到规范 {profile}，无法按其校验。", "The profile {profile} is not known, so it cannot be checked.",
        "请载入该规范或改正 meta.profile。", "Load the profile, or correct meta.profile.",
    ),
    _finding(
        "GW-4313", "invalid",
        "规范 {profile} 用于 {expected}，不适用于 {found}。", "The profile {profile} is for {expected}, not for {found}.",
        "请改用适用的规范。", "Use a profile for this type.",
    ),
    _finding(
        "GW-4314", "invalid",
        "{element} 必须有值（{profile}）。", "{element} must have a value ({profile}).",
        "请填写值。", "State the value.",
    ),
    _finding(
        "GW-4315", "invalid",
        "{element} 短于 {limit} 个字符（{profile}）。", "{element} is shorter than {limit} characters ({profile}).",
        "请补全。", "Complete it.",
    ),
    _finding(
        "GW-4316", "exception",
        "规范 {profile} 的快照无法生成：{problem}。", "The snapshot of the profile {profile} cannot be made: {problem}.",
        "请改正规范的 differential。", "Correct the profile's differential.",
    ),
    _finding(
        "GW-4401", "invalid",
        "{element} 不是合格的 XHTML：{problem}。", "{element} is no proper XHTML: {problem}.",
        "叙述只能用 FHIR 允许的标签和属性，不得有脚本。", "Use only the elements and attributes that FHIR allows, no active content.",
    ),
    _finding(
        "GW-4402", "invalid",
        "{element} 没有可见内容。", "{element} has no visible content.",
        "请写入文字或图像。", "Give it some text or an image.",
    ),
    _finding(
        "GW-4403", "invalid",
        "{element} 的 url 必须是绝对 URL。", "{element} needs an absolute url.",
        "请填写扩展定义的规范 URL。", "State the canonical url of the extension.",
    ),
    _finding(
        "GW-4404", "structure",
        "{element} 的扩展 {url} 没有已知定义。", "{element}: the extension {url} has no known definition.",
        "请载入其定义，或改用已定义的扩展。", "Load its definition, or use a defined extension.",
    ),
    _finding(
        "GW-4405", "structure",
        "{element} 处不允许使用扩展 {url}，只允许 {allowed}。", "{element}: the extension {url} is not allowed here; allowed: {allowed}.",
        "请放到允许的位置。", "Move it to where it is allowed.",
    ),
    _finding(
        "GW-4406", "structure",
        "{element} 的扩展 {url} 与其定义的修饰性不一致。", "{element}: the extension {url} is a modifier or none, unlike its definition.",
        "修饰扩展放在 modifierExtension，其他放在 extension。", "Put modifiers in modifierExtension, others in extension.",
    ),
    _finding(
        "GW-4407", "structure",
        "{element} 的大小与内容不符。", "{element}: the stated size is not that of its data.",
        "请改正 size（字节）。", "Correct the size (bytes).",
    ),
    _finding(
        "GW-4408", "structure",
        "{element} 的散列值与内容不符。", "{element}: the stated hash is not that of its data.",
        "请改正 hash（SHA-1，base64）。", "Correct the hash (SHA-1, base64).",
    ),
    _finding(
        "GW-4409", "invalid",
        "{element} 是示例 URL，这里不允许。", "{element} is an example url, not allowed here.",
        "请使用真实的 URL。", "Use a real url.",
    ),
    _finding(
        "GW-4410", "invalid",
        "{element} 含有类似 HTML 标签的文字。", "{element} holds text that looks like HTML.",
        "请去掉标签；需要格式时使用 markdown 或 Narrative。", "Drop the tags; use markdown or Narrative for form.",
    ),
    _finding(
        "GW-4411", "business-rule",
        "{element} 的叙述语言分段不合规范要求（{problem}）。", "{element}: the language sections are not as the profile asks ({problem}).",
        "请按规范增删语言分段。", "Add or remove language sections as it asks.",
    ),
    _finding(
        "GW-4501", "business-rule",
        "{element}：{problem}。", "{element}: {problem}.",
        "请改正定义。", "Correct the definition.",
    ),
    _finding(
        "GW-4810", "not-found",
        "文件 {file} 无法读取（{problem}）。", "The file {file} cannot be read ({problem}).",
        "请核对路径与权限。", "Check its path and permissions.",
    ),
    Entry(
        "GW-4801",
        Kind.INVALID,
        "资源未通过校验，有 {count} 处错误。",
        "The resource is not valid: {count} errors.",
        "请按所列各项改正后重发。",
        "Correct what is listed and send it again.",
    ),
    Entry(
        "GW-4802",
        Kind.FAULT,
        "业务规则相互触发，{rounds} 轮后仍未停止，未作任何更改。",
        "The rules of the domain went on answering each other after {rounds} rounds.",
        "请告知网关管理员。",
        "Tell the gateway's operator.",
    ),
    Entry(
        "GW-4901",
        Kind.UNSUPPORTED,
        "FHIRPath 表达式第 {column} 列有误：{problem}。",
        "The FHIRPath expression is wrong at column {column}: {problem}.",
        "请在该列改正表达式。",
        "Correct the expression at that column.",
        issue_code="invalid",
    ),
    Entry(
        "GW-4902",
        Kind.INVALID,
        "FHIRPath 表达式在第 {column} 列无法求值：{problem}。",
        "The FHIRPath expression cannot be evaluated at column {column}: {problem}.",
        "请核对该处元素的个数与类型。",
        "Check the number and type of the elements there.",
        issue_code="exception",
    ),
)  # fmt: skip
