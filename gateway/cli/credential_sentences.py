"""The words in which ``tongban credential`` says why: Chinese, English."""

from typing import Final

from adapters.credential import CredentialFault
from gateway.credential.judging import CredentialDoubt, CredentialNote
from keys.sd_jwt.errors import SdJwtFault

REFUSALS: Final = {
    CredentialFault.NOT_VALID: (
        "证照核验结论不是“有效”，不予签发。",
        "the licence was not found valid, and there is no credential of it",
    ),
    CredentialFault.NOT_ACTIVE: (
        "证照不在有效状态，或状态不明；不予签发。",
        "the licence is not in force, or nobody knows; there is no credential of it",
    ),
    CredentialFault.NOT_YET: ("证照有效期尚未开始。", "the licence is not valid yet"),
    CredentialFault.ENDED: ("证照有效期已过。", "the licence has expired"),
    CredentialFault.END_NOT_STATED: (
        "证照既未载明截止日期，也未载明长期有效。",
        "the licence states neither a last day nor that it has none",
    ),
    CredentialFault.NO_TYPE: (
        "没有证照类型代码；请用 --type 指定凭证类型。",
        "there is no code of the licence type; name the type with --type",
    ),
    CredentialFault.NOTHING_TO_SHOW: ("没有可写入凭证的字段。", "there is nothing that the credential could say"),
    CredentialFault.NOT_WRITABLE: (
        "字段过多，或字段名为格式所保留。",
        "there is more than a credential holds, or a name that belongs to its format",
    ),
}
FAULTS: Final = {
    SdJwtFault.TOO_LARGE: ("超过允许的长度。", "it is beyond a bound"),
    SdJwtFault.FORM: ("不是 SD-JWT 的紧凑格式。", "it is not the compact form of SD-JWT"),
    SdJwtFault.BASE64: ("Base64url 编码有误。", "something is not base64url"),
    SdJwtFault.JSON: ("内容不是无歧义的 JSON。", "something is no JSON that everybody reads alike"),
    SdJwtFault.HEADER: (
        "头部不符：类型、密钥编号或扩展。",
        "the header names another form, no key, or an extension",
    ),
    SdJwtFault.CLAIMS: ("缺少必备声明，或其类型不符。", "a registered claim is missing or of another type"),
    SdJwtFault.UNKNOWN_ISSUER: (
        "签发方或其密钥不在信任之列，或不在其有效期内。请向签发方索取其公钥文件，置于 issuers/。",
        "no key of this issuer with this id is believed now; ask the issuer for its file, and put it into issuers/",
    ),
    SdJwtFault.ALGORITHM: ("签名算法与登记的密钥不符。", "it is signed with another algorithm than the key's"),
    SdJwtFault.SIGNATURE: ("签发方签名不成立：内容被改动，或非其签发。", "the issuer's signature does not verify"),
    SdJwtFault.DIGEST_ALGORITHM: ("摘要算法不受支持。", "its digest is one that we do not have"),
    SdJwtFault.DISCLOSURE: ("出示的字段格式有误。", "something disclosed is not in its form"),
    SdJwtFault.DIGEST_TWICE: (
        "同一字段出示两次，或摘要重复。",
        "something is disclosed twice, or a digest stands twice",
    ),
    SdJwtFault.NOT_REFERENCED: (
        "出示的字段不在签发内容之中。",
        "something is disclosed that the issuer never signed",
    ),
    SdJwtFault.RESERVED_NAME: ("字段名为格式所保留。", "a name belongs to the format"),
    SdJwtFault.NAME_TWICE: (
        "出示的字段与已有字段重名。",
        "something is disclosed in the place of what is there already",
    ),
    SdJwtFault.NOT_DISCLOSABLE: (
        "必须公开的声明被当作可选择出示。",
        "a claim that must stand in the open is a disclosure",
    ),
    SdJwtFault.TYPE: (
        "凭证类型不是所要求的，或不属该签发方可签发的类型。",
        "it is of another type than was asked for, or than its issuer is believed for",
    ),
    SdJwtFault.EXPIRED: ("凭证已过期。请持证人重新申领。", "it has expired; its holder needs a new one"),
    SdJwtFault.NOT_YET_VALID: ("凭证尚未生效，或本机时钟有误。", "it is not valid yet, or the clock here is wrong"),
    SdJwtFault.BINDING_MISSING: (
        "持证人未签名证明凭证归其持有。",
        "its holder has not signed: possession is not proven",
    ),
    SdJwtFault.BINDING_UNEXPECTED: (
        "其中有对某次询问的签名回应；请用 --audience 与 --nonce 给出所问，签发与再次出示须用原凭证。",
        "it answers some question; say which with --audience and --nonce, or use the credential itself",
    ),
    SdJwtFault.HOLDER_KEY: (
        "持证人密钥缺失、不可用或不是这一把。",
        "the holder's key is missing, unusable or another one",
    ),
    SdJwtFault.BINDING_SIGNATURE: ("持证人签名不成立。", "the holder's signature does not verify"),
    SdJwtFault.BINDING_CLAIMS: ("持证人签名的内容不完整。", "what the holder signed is not complete"),
    SdJwtFault.AUDIENCE: ("是向别的核验方出示的。", "it was made for somebody else"),
    SdJwtFault.NONCE: ("不是对本次询问的回应，可能是重放。", "it was made for another question: it may be a replay"),
    SdJwtFault.BINDING_TIME: ("持证人签名的时刻过早，或在将来。", "the holder signed too long ago, or in the future"),
    SdJwtFault.BINDING_DIGEST: (
        "持证人签名针对的是另一组字段或另一份凭证。",
        "the holder signed for other disclosures, or for another credential",
    ),
    SdJwtFault.NO_SUCH_CLAIM: ("凭证中没有此路径可供出示。", "there is nothing of this path to disclose"),
}
DOUBTS: Final = {
    CredentialDoubt.LICENCE_STATUS: ("凭证载明证照不在有效状态。", "it says itself that the licence is not in force"),
    CredentialDoubt.STATUS_NOT_STATED: ("凭证未载明证照状态。", "it does not say how its licence stands"),
    CredentialDoubt.STATUS_NOT_ASKED: (
        "凭证指明须另行查询是否吊销，尚未查询。",
        "it names a place where its revocation is to be asked for, and nobody has asked",
    ),
    CredentialDoubt.STATUS_OLD: (
        "签发过久，此后是否吊销不得而知。请持证人重新申领，或按本单位规定放宽 --tolerance-hours。",
        (
            "it was issued too long ago, and nobody knows what was revoked since; have a new one issued, or allow more "
            "with --tolerance-hours, if your rules do"
        ),
    ),
}
NOTES: Final = {
    CredentialNote.POSSESSION_NOT_PROVEN: (
        "未要求持证人签名：出示人未必是持证人。",
        "nobody asked for the holder's signature: who shows it need not be its holder",
    ),
    CredentialNote.UNDER_OBJECTION: ("对该证照有异议，正在处理。", "somebody objects to the licence"),
}
