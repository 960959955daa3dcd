"""Errors GW-103x to GW-107x: carriers of native records, and whose records they bring."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "GW-1030",
        Kind.INVALID,
        "记录中没有机构代码（{path}），无法判断属于哪个成员机构。",
        "The record holds no organisation code ({path}), so it is not known whose it is.",
        "请由发送方补上机构代码后重新发送。",
        "Have the sender fill in the organisation code and send it again.",
    ),
    Entry(
        "GW-1031",
        Kind.FORBIDDEN,
        "该机构代码不在通道 {channel} 可代为上报的机构之列。",
        "The organisation code belongs to no member that the channel {channel} may speak for.",
        "请核对机构代码；确应上报的，在该通道的 members 选项 allowed 或 codes 中登记后重放。",
        "Check the code; if it is right, add the member under allowed or codes of the channel's "
        "members option and replay.",
    ),
    Entry(
        "GW-1032",
        Kind.INVALID,
        "通道 {channel} 的 members 选项不正确：需要能编译的 path 与 allowed 列表。",
        "The members option of channel {channel} is not right: it takes a path that compiles and "
        "a list allowed.",
        "请按 docs/recipes/connect-a-system.md 改正后重放。",
        "Correct it as docs/recipes/connect-a-system.md says, then replay.",
    ),
    Entry(
        "GW-1040",
        Kind.UNAVAILABLE,
        "监视文件夹 {folder} 无法使用（{reason}）。",
        "The watched folder {folder} cannot be used ({reason}).",
        "请检查挂载、权限与磁盘空间；恢复后自动继续，不会丢失也不会重复。",
        "Check mount, rights and space; it goes on by itself, nothing is lost or doubled.",
    ),
    Entry(
        "GW-1041",
        Kind.INVALID,
        "接入方式 {carrier} 的选项有误：{problem}。",
        "An option of the carrier {carrier} is not right: {problem}.",
        "请按 docs/recipes/connect-a-system.md 改正。",
        "Correct it as docs/recipes/connect-a-system.md says.",
    ),
    Entry(
        "GW-1050",
        Kind.UNAVAILABLE,
        "数据库视图 {view} 暂时无法读取（{reason}）。",
        "The database view {view} cannot be read at the moment ({reason}).",
        "请检查网络、账号权限与视图名、列名；恢复后从上次的位置继续。",
        "Check network, account, view and columns; polling goes on from where it stood.",
    ),
    Entry(
        "GW-1051",
        Kind.INVALID,
        "没有安装数据库 {dialect} 的驱动程序。",
        "No driver for the database {dialect} is installed.",
        "Oracle 请安装 consortium-fhir-gateway[oracle]，SQL Server 请安装 [sqlserver]。",
        "Install consortium-fhir-gateway[oracle] or [sqlserver].",
    ),
    Entry(
        "GW-1052",
        Kind.INVALID,
        "视图的列 {column} 是二进制内容，不能作为一行记录的值。",
        "The view's column {column} is binary, which is no value of a row.",
        "请在视图中去掉该列，或在 columns 选项中只列出需要的列。",
        "Leave the column out of the view, or name the wanted columns in the option columns.",
    ),
    Entry(
        "GW-1053",
        Kind.UNAVAILABLE,
        "接入状态文件 {file} 无法读写（{reason}）。",
        "The carrier's state file {file} cannot be read or written ({reason}).",
        "请检查磁盘空间与权限；在此之前不会确认任何消息。",
        "Check disk space and rights; until then no message is acknowledged.",
    ),
    Entry(
        "GW-1060",
        Kind.UNAVAILABLE,
        "前置机暂时无法把消息交给网关 {url}（{reason}）。",
        "The relay cannot hand messages over to the gateway {url} at the moment ({reason}).",
        "消息已保存在前置机，恢复后按次序补传；401、403、404 请核对客户端、权限与通道名。",
        "They are kept here and follow in order; for 401, 403, 404 check client, scope, channel.",
    ),
)
