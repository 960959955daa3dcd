"""What libxml2's error numbers mean, in words that quote nothing from the document."""

from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document is not well-formed; ``is_limit`` where it is only too large or too deep."""

    zh: str
    en: str
    is_limit: bool = False


_FAULTS = {
    "ERR_TAG_NAME_MISMATCH": Fault("结束标签与开始标签不一致", "start and end tag differ"),
    "ERR_TAG_NOT_FINISHED": Fault("文档在元素结束之前中断", "the document ends within an element"),
    "ERR_GT_REQUIRED": Fault("标签没有以 > 结束", "a tag is not closed by >"),
    "ERR_LTSLASH_REQUIRED": Fault("缺少结束标签", "an end tag is missing"),
    "ERR_PI_NOT_STARTED": Fault("<? 之后没有名称", "<? is not followed by a name"),
    "ERR_PI_NOT_FINISHED": Fault("处理指令没有以 ?> 结束", "an instruction is not closed by ?>"),
    "ERR_COMMENT_NOT_FINISHED": Fault("注释没有以 --> 结束", "a comment is not closed by -->"),
    "ERR_HYPHEN_IN_COMMENT": Fault("注释中有 --", "a comment holds --"),
    "ERR_CDATA_NOT_FINISHED": Fault("CDATA 没有以 ]]> 结束", "CDATA is not closed by ]]>"),
    "ERR_NAME_REQUIRED": Fault("缺少名称", "a name is missing"),
    "ERR_EQUAL_REQUIRED": Fault("属性缺少等号", "an attribute lacks its equals sign"),
    "ERR_ATTRIBUTE_NOT_STARTED": Fault("属性值没有引号", "an attribute value lacks its quotes"),
    "ERR_ATTRIBUTE_NOT_FINISHED": Fault("属性值的引号没有闭合", "an attribute value is not closed"),
    "ERR_ATTRIBUTE_WITHOUT_VALUE": Fault("属性没有值", "an attribute has no value"),
    "ERR_ATTRIBUTE_REDEFINED": Fault("同一属性出现两次", "an attribute stands twice"),
    "ERR_SPACE_REQUIRED": Fault("缺少空格", "white space is missing"),
    "ERR_LT_IN_ATTRIBUTE": Fault("属性值中有 <", "an attribute value holds <"),
    "ERR_INVALID_CHAR": Fault("含有 XML 不允许的字符", "a character that XML does not allow"),
    "ERR_INVALID_CHARREF": Fault("字符引用无效", "a character reference is not valid"),
    "ERR_ENTITYREF_NO_NAME": Fault("& 须写作 &amp;", "& must be written as &amp;"),
    "ERR_ENTITYREF_SEMICOL_MISSING": Fault("& 须写作 &amp;", "& must be written as &amp;"),
    "ERR_UNDECLARED_ENTITY": Fault("实体没有声明", "an entity is not declared"),
    "ERR_DOCUMENT_EMPTY": Fault("没有根元素", "there is no root element"),
    "ERR_DOCUMENT_END": Fault("根元素之后还有内容", "content after the root element"),
    "ERR_RESERVED_XML_NAME": Fault("XML 声明不在开头", "the XML declaration is not at the start"),
    "ERR_XMLDECL_NOT_FINISHED": Fault("XML 声明没有结束", "the XML declaration is not closed"),
    "NS_ERR_UNDEFINED_NAMESPACE": Fault("命名空间前缀没有声明", "a prefix is not declared"),
    "NS_ERR_QNAME": Fault("带前缀的名称不合规", "a prefixed name is not valid"),
    "ERR_RESOURCE_LIMIT": Fault("超出限度", "a limit is exceeded", is_limit=True),
    "ERR_ENTITY_LOOP": Fault("实体循环", "entities refer to each other", is_limit=True),
    "ERR_NAME_TOO_LONG": Fault("名称过长", "a name is too long", is_limit=True),
    "ERR_ATTRIBUTE_TOO_LONG": Fault("属性值过长", "an attribute value is too long", is_limit=True),
}
_BY_CODE: dict[int, Fault] = {
    getattr(etree.ErrorTypes, name): fault
    for name, fault in _FAULTS.items()
    if hasattr(etree.ErrorTypes, name)
}


def fault_of(code: int) -> Fault:
    """Give the fault of an error number; rare ones by the number alone."""
    return _BY_CODE.get(code) or Fault(f"libxml2 错误 {code}", f"libxml2 error {code}")
