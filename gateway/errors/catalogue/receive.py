"""Errors GW-1xxx: message intake."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "GW-1001",
        Kind.NOT_FOUND,
        "没有名为 {channel} 的接入通道。",
        "There is no channel named {channel}.",
        "请核对地址中的通道名，或由管理员用 gateway channel add 登记。",
        "Check the name in the address, or have it registered with gateway channel add.",
    ),
    Entry(
        "GW-1002",
        Kind.UNREADABLE,
        "消息为空。",
        "The message is empty.",
        "请把原始记录放在请求体中再发送。",
        "Send the native record as the body.",
    ),
    Entry(
        "GW-1003",
        Kind.TOO_LARGE,
        "消息超过上限 {limit} 字节。",
        "The message is larger than the limit of {limit} bytes.",
        "请拆分后再发送，或由管理员调整 max_message_bytes。",
        "Split it, or have max_message_bytes raised.",
    ),
    Entry(
        "GW-1010",
        Kind.INVALID,
        "没有名为 {name} 的设置。",
        "There is no setting named {name}.",
        "全部设置见 docs/settings.md。",
        "docs/settings.md lists them all.",
    ),
    Entry(
        "GW-1011",
        Kind.INVALID,
        "设置 {name} 的值不是 {kind}。",
        "The value of the setting {name} is no {kind}.",
        "请改正后重新启动。",
        "Correct it and start again.",
    ),
    Entry(
        "GW-1012",
        Kind.INVALID,
        "连续 {count} 条记录都被暂存，其余记录未处理。",
        "{count} records in a row were parked; the rest of the message was not processed.",
        "请先按前面各条的说明修正文件或映射，再重放整条消息。",
        "Mend the file or the mapping as those records say, then replay the whole message.",
    ),
    Entry(
        "GW-1013",
        Kind.INVALID,
        "处理到此处时网关进程已 {count} 次意外终止，本条及其余记录不再自动处理。",
        "The gateway's process ended {count} times while it was at this record; this one and the "
        "rest of the message are not tried again.",
        "请联系供应商并附上该消息；修正文件或映射后重放整条消息。",
        "Show the message to your supplier; replay it when the file or the mapping is mended.",
    ),
    Entry(
        "GW-1020",
        Kind.INVALID,
        "联合体描述文件有误：{problem}。",
        "The description of the consortium is not right: {problem}.",
        "请在所示位置改正；各字段见 docs/recipes/add-a-hospital.md。",
        "Correct it at the place named; docs/recipes/add-a-hospital.md explains the fields.",
    ),
    Entry(
        "GW-1900",
        Kind.FAULT,
        "网关内部出错，该记录已暂存。",
        "The gateway itself failed; the record is parked.",
        "请把消息编号告知网关管理员，修复后可重放。",
        "Give the message id to the gateway's operator; it can be replayed once mended.",
    ),
)
