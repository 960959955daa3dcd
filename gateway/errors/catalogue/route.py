"""Errors GW-6xxx: delivery (61xx), settlement, oversight (62xx) and subscriptions (63xx)."""

from gateway.errors.kinds import Entry, Kind

DELIVERY = (
    Entry(
        "GW-6102",
        Kind.FORBIDDEN,
        "通知地址的主机 {host} 指向未获允许的内部网络。",
        "The host {host} of the notice address lies in an inside network that is not allowed.",
        "请改用公开地址，或由管理员把该网段写入 allowed_networks。",
        "Use a public address, or have the network added to allowed_networks.",
    ),
    Entry(
        "GW-6103",
        Kind.UNAVAILABLE,
        "无法解析通知地址的主机名 {host}。",
        "The host name {host} of the notice address cannot be resolved.",
        "请核对地址与域名服务；网关会稍后重试。",
        "Check the address and the name service; the gateway tries again later.",
    ),
    Entry(
        "GW-6104",
        Kind.UNAVAILABLE,
        "接收方 {host} 没有及时应答或连接中断（{cause}）。",
        "The receiver {host} did not answer in time or broke the connection ({cause}).",
        "请检查接收系统是否在线；网关会稍后重试。",
        "Check that the receiving system is up; the gateway tries again later.",
    ),
    Entry(
        "GW-6105",
        Kind.UNAVAILABLE,
        "接收方 {host} 应答 HTTP {status}。",
        "The receiver {host} answered HTTP {status}.",
        "请检查接收系统的日志；网关会稍后重试。",
        "Check the receiving system's log; the gateway tries again later.",
    ),
    Entry(
        "GW-6106",
        Kind.INVALID,
        "接收方 {host} 以 HTTP {status} 拒收通知。",
        "The receiver {host} refused the notice with HTTP {status}.",
        "请核对登记的地址和凭据；更正后用 gateway deliveries replay 重发。",
        "Check the registered address and credentials; then use gateway deliveries replay.",
    ),
    Entry(
        "GW-6107",
        Kind.INVALID,
        "通知地址 {url} 不是可用的 http 或 https 地址。",
        "The notice address {url} is not a usable http or https address.",
        "请更正登记的地址。",
        "Correct the registered address.",
    ),
    Entry(
        "GW-6108",
        Kind.UNAVAILABLE,
        "接收方 {host} 的证书或加密连接无法确认。",
        "The certificate or encrypted connection of the receiver {host} cannot be verified.",
        "请检查接收方证书的有效期与签发者；网关会稍后重试。",
        "Check validity and issuer of the receiver's certificate; the gateway tries again later.",
    ),
    Entry(
        "GW-6110",
        Kind.NOT_FOUND,
        "没有编号为 {delivery} 的通知。",
        "There is no delivery {delivery}.",
        "请用 gateway deliveries list 查看编号。",
        "Look the number up with gateway deliveries list.",
    ),
)

NATIVE = (
    Entry(
        "GW-6120",
        Kind.UNAVAILABLE,
        "接收方 {host} 应答 {code}，暂未收下。",
        "The receiver {host} answered {code} and has not taken the record yet.",
        "请检查接收系统的日志；网关会稍后重试。",
        "Check the receiving system's log; the gateway tries again later.",
    ),
    Entry(
        "GW-6121",
        Kind.INVALID,
        "接收方 {host} 以 {code} 拒收。",
        "The receiver {host} refused the record with {code}.",
        "请按接收系统的日志改正映射或登记，再用 gateway deliveries replay 重发。",
        "Correct mapping or registration by the receiver's log, then gateway deliveries replay.",
    ),
    Entry(
        "GW-6122",
        Kind.UNAVAILABLE,
        "已放入 {place}，接收方尚未取走。",
        "It was laid into {place}; the receiver has not taken it yet.",
        "请检查接收系统的取件程序；同一转诊的后续通知在取走后发出。",
        "Check what fetches it there; later notices of the same referral follow once it was taken.",
    ),
    Entry(
        "GW-6123",
        Kind.UNAVAILABLE,
        "接收方 {host} 的应答无法读取，或不是对本消息的应答。",
        "The answer of the receiver {host} cannot be read, or answers another message.",
        "请检查接收系统；应答须以 MSA-2 写回 MSH-10。网关会稍后重试。",
        "Check the receiver; MSA-2 has to give back MSH-10. The gateway tries again later.",
    ),
    Entry(
        "GW-6124",
        Kind.INVALID,
        "记录含字符集 {charset} 没有的字符，无法写出。",
        "The record holds a character that the charset {charset} lacks.",
        "请把通道的字符集改为 gb18030 或 utf-8，再重发。",
        "Give the channel the charset gb18030 or utf-8, then replay.",
    ),
    Entry(
        "GW-6125",
        Kind.UNAVAILABLE,
        "无法写入 {place}（{reason}）。",
        "{place} cannot be written ({reason}).",
        "请检查文件夹或中间表是否存在、权限与空间；网关会稍后重试。",
        "Check that folder or table exist, rights and space; the gateway tries again later.",
    ),
)

SETTLEMENT = (
    Entry(
        "GW-6220",
        Kind.INVALID,
        "结算金额不平衡：{equation}。",
        "The settlement's amounts do not balance: {equation}.",
        "请与医保结算回执核对所列字段；网关不改动金额。",
        "Compare the named fields with the insurer's answer; the gateway changes no amount.",
        issue_code="business-rule",
    ),
    Entry(
        "GW-6221",
        Kind.INVALID,
        "无法核对 {equation}：缺少或重复 {field}。",
        "{equation} cannot be checked: {field} is missing or given twice.",
        "如需核对，请补全该字段。",
        "Supply the field if the check is wanted.",
        issue_code="incomplete",
    ),
    Entry(
        "GW-6222",
        Kind.INVALID,
        "Claim.total 与费用明细之和不一致。",
        "Claim.total differs from the sum of its items.",
        "请核对是否有未上传、重复或已冲销的明细。",
        "Look for items not sent, sent twice or reversed.",
        issue_code="business-rule",
    ),
    Entry(
        "GW-6223",
        Kind.INVALID,
        "Claim.total 与结算回执的 medfee_sumamt 不一致。",
        "Claim.total differs from medfee_sumamt of the settlement's answer.",
        "请与医保结算回执核对总费用。",
        "Compare the total cost with the insurer's answer.",
        issue_code="business-rule",
    ),
    Entry(
        "GW-6224",
        Kind.CONFLICT,
        "同一就诊有 {count} 份结算，费用明细未自动分摊。",
        "The encounter has {count} settlements; its charge items were not divided between them.",
        "请在各结算中写明费用期间（billablePeriod）。",
        "State the billable period of each settlement (billablePeriod).",
        issue_code="multiple-matches",
    ),
)

OVERSIGHT = (
    Entry(
        "GW-6230",
        Kind.INVALID,
        "指标 {measure} 的分母为零，不能计算比率。",
        "The denominator of the indicator {measure} is zero; no rate can be computed.",
        "请核对统计期间与数据来源；网关不以 0 代替未知的比率。",
        "Check the period and the sources; the gateway does not give 0 for an unknown rate.",
        issue_code="business-rule",
    ),
)

SUBSCRIPTIONS = (
    Entry(
        "GW-6301",
        Kind.INVALID,
        "订阅的 {element} 无法执行；可用：{allowed}。",
        "The subscription's {element} cannot be done; allowed: {allowed}.",
        "请更正订阅后重新提交。",
        "Correct the subscription and send it again.",
        issue_code="not-supported",
    ),
    Entry(
        "GW-6302",
        Kind.INVALID,
        "没有主题 {topic}；可订阅：{known}。",
        "There is no topic {topic}; there are {known}.",
        "请从 CapabilityStatement 列出的主题中选择。",
        "Choose one of the topics that the CapabilityStatement lists.",
        issue_code="not-supported",
    ),
    Entry(
        "GW-6303",
        Kind.INVALID,
        "订阅条件含链式、反向链式或不能逐条判断的检索参数。",
        "The criteria hold a chain, a reverse chain or a parameter that one record cannot answer.",
        "请只用资源自身的参数（令牌、引用、日期、数值、字符串、uri）。",
        "Use the resource's own parameters only: token, reference, date, number, string, uri.",
        issue_code="not-supported",
    ),
    Entry(
        "GW-6304",
        Kind.INVALID,
        "新订阅的状态应为 requested 或 off。",
        "A new subscription's status is requested or off.",
        "请提交 status=requested；网关确认接收地址后改为 active。",
        "Send status requested; the gateway makes it active once the receiver answered.",
        issue_code="business-rule",
    ),
)

ENTRIES: tuple[Entry, ...] = (
    *DELIVERY,
    *NATIVE,
    *SUBSCRIPTIONS,
    *SETTLEMENT,
    *OVERSIGHT,
)
