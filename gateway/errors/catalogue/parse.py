"""Errors GW-2xxx: reading a native record."""

from gateway.errors.kinds import Entry, Kind

_HL7V2 = (
    Entry(
        "GW-2101",
        Kind.UNREADABLE,
        "HL7 v2 消息不是以 MSH 段开头。",
        "The HL7 v2 message does not begin with an MSH segment.",
        "请让发送系统从 MSH 开始发送完整消息。",
        "Have the sender send the whole message, beginning with MSH.",
    ),
    Entry(
        "GW-2102",
        Kind.UNREADABLE,
        "MSH-1 或 MSH-2 中的分隔符缺失、重复或不合法。",
        "The delimiters in MSH-1 and MSH-2 are missing, repeated or not allowed.",
        "常用分隔符为 |^~\\&，请检查发送系统的接口设置。",
        "The usual delimiters are |^~\\&; check the sender's interface settings.",
    ),
    Entry(
        "GW-2103",
        Kind.UNREADABLE,
        "该行不是以三个字符的段名开头。",
        "The line does not begin with a three-character segment name.",
        "段内文字的换行应写作 \\.br\\，段与段之间用回车符分隔。",
        "Write line breaks within a value as \\.br\\ and separate segments by carriage returns.",
    ),
    Entry(
        "GW-2104",
        Kind.UNREADABLE,
        "MSH-9 没有写明消息类型。",
        "MSH-9 does not name the message type.",
        "请在 MSH-9 填写消息类型与触发事件，例如 ORU^R01。",
        "Fill MSH-9 with the message type and trigger event, such as ORU^R01.",
    ),
    Entry(
        "GW-2105",
        Kind.INVALID,
        "批次结尾 {segment} 声明 {declared} 条消息，实际收到 {found} 条。",
        "The batch trailer {segment} declares {declared} messages, {found} were found.",
        "请核对发送系统是否截断了批次。",
        "Check whether the sender truncated the batch.",
    ),
    Entry(
        "GW-2106",
        Kind.UNREADABLE,
        "批次中没有消息。",
        "The batch holds no message.",
        "请检查发送系统的批次生成。",
        "Check how the sender builds its batches.",
    ),
    Entry(
        "GW-2107",
        Kind.TOO_LARGE,
        "消息超过 {limit} 个段。",
        "The message holds more than {limit} segments.",
        "请拆分成多条消息。",
        "Split it into several messages.",
    ),
)

_XML = (
    Entry(
        "GW-2301",
        Kind.UNREADABLE,
        "XML 不合规：{reason_zh}。",
        "The XML is not well-formed: {reason}.",
        "请在所示行列修正后重发；原始记录已保留。",
        "Correct it at the line and column shown and send it again; the raw record is kept.",
    ),
    Entry(
        "GW-2302",
        Kind.UNREADABLE,
        "XML 含有 DOCTYPE 声明，出于安全原因不予读取。",
        "The XML has a DOCTYPE declaration, which is not read for safety.",
        "请去掉 DOCTYPE 与实体定义。",
        "Remove the DOCTYPE and its entities.",
    ),
    Entry(
        "GW-2303",
        Kind.TOO_LARGE,
        "XML 的嵌套层数或单个文本的长度超出限度。",
        "The XML nests too deep or holds too long a text.",
        "元素嵌套不超过 {depth} 层，单个文本不超过 {text} 字节。",
        "Elements may nest {depth} levels and one text may hold {text} bytes.",
    ),
    Entry(
        "GW-2304",
        Kind.UNREADABLE,
        "路径 {path} 没有指向一份 base64 文档。",
        "The path {path} does not lead to a base64 document.",
        "请核对通道选项 unwrap 与发送内容。",
        "Check the channel's option unwrap and what is sent.",
    ),
)

_JSON = (
    Entry(
        "GW-2401",
        Kind.UNREADABLE,
        "JSON 不合规：{reason_zh}。",
        "The JSON is not valid: {reason}.",
        "请在所示行列修正后重发。",
        "Correct it at the line and column shown and send it again.",
    ),
    Entry(
        "GW-2402",
        Kind.TOO_LARGE,
        "JSON 嵌套超过 {limit} 层。",
        "The JSON nests deeper than {limit} levels.",
        "请检查发送系统的数据结构。",
        "Check the structure that the sender builds.",
    ),
    Entry(
        "GW-2403",
        Kind.UNREADABLE,
        "JSON 对象中同一个键出现两次。",
        "A key stands twice in one JSON object.",
        "请只保留一个；两者取谁无法推定。",
        "Keep one; which of them is meant cannot be known.",
    ),
    Entry(
        "GW-2404",
        Kind.UNREADABLE,
        "按路径 {path} 在消息中找不到记录。",
        "The path {path} finds no record in the message.",
        "请核对通道选项 records 与消息结构。",
        "Check the channel's option records against the message.",
    ),
)

_ROWS = (
    Entry(
        "GW-2501",
        Kind.UNREADABLE,
        "该行有 {found} 个单元格，表头有 {expected} 列。",
        "The row has {found} cells, the header has {expected} columns.",
        "含分隔符或换行的内容须加引号；请修正该行后重发。",
        "Quote values that hold delimiters or line breaks; correct the row and send it again.",
    ),
    Entry(
        "GW-2502",
        Kind.UNREADABLE,
        "该行的引号或内容不合规：{reason}。",
        "The quoting or content of the row is not valid: {reason}.",
        "值中的引号须写成两个引号。",
        "Write a quote within a value as two quotes.",
    ),
    Entry(
        "GW-2503",
        Kind.UNREADABLE,
        "表头中的列 {column} 出现两次。",
        "The column {column} stands twice in the header.",
        "请改名或从同义词表中去掉一个。",
        "Rename one, or take one out of the synonyms.",
    ),
    Entry(
        "GW-2504",
        Kind.UNREADABLE,
        "文件没有表头行。",
        "The file has no header row.",
        "第一行须为列名；没有列名的文件请在通道选项 header 中列出。",
        "The first row must name the columns; else list them in the channel's option header.",
    ),
    Entry(
        "GW-2505",
        Kind.UNREADABLE,
        "文件缺少列 {column}，通道选项 {option} 需要它。",
        "The file lacks the column {column} that the channel's option {option} needs.",
        "请核对文件与通道选项。",
        "Check the file against the channel's options.",
    ),
)

_CHARSET = (
    Entry(
        "GW-2601",
        Kind.UNREADABLE,
        "不认识字符集 {charset}。",
        "The character set {charset} is not known.",
        "请更正 MSH-18、XML 声明或通道的 charset，例如 utf-8、gb18030。",
        "Correct MSH-18, the XML declaration or the channel's charset, such as utf-8 or gb18030.",
    ),
    Entry(
        "GW-2602",
        Kind.UNREADABLE,
        "第 {offset} 个字节不符合字符集 {charset}。",
        "Byte {offset} is not valid in the character set {charset}.",
        "请核对发送系统实际使用的字符集，并在通道上声明（例如 gb18030）。",
        "Find the character set the sender really uses and declare it at the channel.",
    ),
    Entry(
        "GW-2603",
        Kind.UNREADABLE,
        "消息以 {mark} 的字节顺序标记开头，却声明为 {charset}。",
        "The message begins with the byte order mark of {mark} but is declared as {charset}.",
        "请更正通道的 charset 或发送系统的声明。",
        "Correct the channel's charset or the sender's declaration.",
    ),
    Entry(
        "GW-2604",
        Kind.UNREADABLE,
        "内容同时符合 {charsets}，无法判定字符集。",
        "The content is valid in {charsets} alike; the character set cannot be decided.",
        "请在通道上声明字符集后重放。",
        "Declare the character set at the channel and replay.",
    ),
    Entry(
        "GW-2605",
        Kind.UNREADABLE,
        "内容不符合 {charsets} 中的任何一种。",
        "The content is valid in none of {charsets}.",
        "请在通道上声明字符集后重放。",
        "Declare the character set at the channel and replay.",
    ),
    Entry(
        "GW-2606",
        Kind.UNREADABLE,
        "{charset} 没有字节顺序标记，无法判定字节顺序。",
        "{charset} without a byte order mark does not tell its byte order.",
        "请在通道上声明 {charset}-le 或 {charset}-be。",
        "Declare {charset}-le or {charset}-be at the channel.",
    ),
    Entry(
        "GW-2607",
        Kind.UNREADABLE,
        "内容中有空字符（NUL）。",
        "There is a null character within the content.",
        "文件或传输已损坏，请重新导出后再发送。",
        "The file or its transmission is damaged; export it anew and send it again.",
    ),
)

_FRAMING = (
    Entry(
        "GW-2701",
        Kind.UNREADABLE,
        "MLLP 帧之间有 {count} 个多余字节。",
        "{count} bytes stand between MLLP frames.",
        "每条消息须以 0x0B 开头，以 0x1C 0x0D 结尾。",
        "Each message begins with 0x0B and ends with 0x1C 0x0D.",
    ),
    Entry(
        "GW-2702",
        Kind.TOO_LARGE,
        "MLLP 帧超过上限 {limit} 字节。",
        "The MLLP frame is larger than the limit of {limit} bytes.",
        "请拆分消息，或由管理员调整上限。",
        "Split the message, or have the limit raised.",
    ),
    Entry(
        "GW-2703",
        Kind.UNREADABLE,
        "MLLP 帧在 {count} 字节后没有结束标记。",
        "The MLLP frame has no end after {count} bytes.",
        "发送系统须在每条消息后发送 0x1C 0x0D。",
        "The sender must send 0x1C 0x0D after each message.",
    ),
)

_ANY = (
    Entry(
        "GW-2001",
        Kind.TOO_LARGE,
        "记录有 {size} 字节，上限为 {limit} 字节。",
        "The record has {size} bytes, the limit is {limit}.",
        "请拆分后再发送。",
        "Split it and send the parts.",
    ),
    Entry(
        "GW-2002",
        Kind.UNREADABLE,
        "记录没有内容。",
        "The record is empty.",
        "请检查发送系统的导出。",
        "Check the sender's export.",
    ),
    Entry(
        "GW-2003",
        Kind.INVALID,
        "通道选项 {option} 不可用：{reason}。",
        "The channel's option {option} cannot be used: {reason}.",
        "请由管理员更正通道选项。",
        "Have the channel's options corrected.",
    ),
    Entry(
        "GW-2004",
        Kind.TOO_LARGE,
        "一条记录的数据项超过 {limit} 个。",
        "One record holds more than {limit} values.",
        "请拆分成多条记录后重发。",
        "Split it into several records and send them again.",
    ),
)

ENTRIES: tuple[Entry, ...] = (
    *_ANY,
    *_HL7V2,
    *_XML,
    *_JSON,
    *_ROWS,
    *_CHARSET,
    *_FRAMING,
)
