"""The site folder that ``tongban init`` writes: complete, commented in Chinese and English, and safe as it stands.

``examples/site`` in the repository is the same, file by file.
"""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

_SETTINGS: Final = """\
# 通办网关配置。修改后重启生效；未知的键会被拒绝，避免拼写错误被悄悄忽略。
# Settings of the gateway. Restart after a change; unknown keys are refused, so that no misspelling passes silently.

[gateway]
# 本网关名称（英文、中文）。The name of this gateway.
name = "Example Province e-licence gateway"
name_zh = "示例省电子证照网关"
# 行政区划代码，六位（GB/T 2260）。The region, six digits (GB/T 2260).
region = "370000"
# 调用方令牌中 aud 必须等于此值。What callers must put into "aud" of their tokens.
audience = "https://tongban.example.gov.cn"
# 可选："watch"（默认）站点改动停稳后自动读取；"signal" 仅在 tongban reload 或 SIGHUP 时读取。
# Optional: "watch", the site is read again when a change has come to rest, or "signal", on tongban reload or SIGHUP.
# reload = "watch"

[http]
# 以下均为默认值，可删除。All of these are the defaults and may be left out.
# 单个证照文件的最大字节数，至多 20 MiB。The largest document in bytes, at most 20 MiB.
max_document_bytes = 20971520
# 接收整个请求内容的时限、两段数据之间的时限（秒）。Seconds for a whole body, and between two pieces of it.
body_timeout_seconds = 30.0
body_idle_timeout_seconds = 10.0
# 一次请求从收到请求头到答复的总时限（秒）。Seconds from the header to the answer.
request_timeout_seconds = 60.0
# 一次批量请求的总时限（秒），其中每一行另受上述时限约束。Seconds for a batch; each of its lines has those of a request.
batch_timeout_seconds = 300.0
# 空闲连接保持时间（秒），宜长于前置反向代理。Seconds that an idle connection is kept; longer than the proxy's.
keepalive_timeout_seconds = 75.0
# 被拒绝的请求，其余内容最多再接收并丢弃多久（秒）。Seconds for which the rest of a refused body is dropped.
lingering_seconds = 3.0
# 大于此字节数的文件在线程中核验。Documents above this many bytes are verified in a thread.
inline_document_bytes = 262144
# 核验线程数，一般等于 CPU 核数。Threads that verify, usually one for each core.
verification_threads = 2
# 等待线程的核验任务上限，超过则答复繁忙。Verifications that may wait for a thread before callers hear "busy".
max_waiting_verifications = 64
# 所有正在接收或处理的请求内容的内存上限（字节）；每个请求按 2.5 倍计（内容及解码后的文件）。
# Memory for all bodies together, in bytes; each counts 2.5 times its size: the body, and the document decoded from it.
# 此外，每个核验线程另需至多约 150 MiB。Beside that, each thread that verifies may need up to about 150 MiB.
max_buffered_bytes = 268435456

[limits]
# 每个调用方（其全部密钥与连接合计）：平均每秒请求数、可一次到达的请求数、同时办理的请求数；可在 callers/*.toml 的
# [limits] 中另行规定。配置 [redis] 后由各进程、各机器合计，否则每个进程各自计数。
# Each caller, with all its keys and connections: requests a second, how many may come at once, and how many are
# answered at once; [limits] in callers/*.toml may say otherwise. With [redis] all processes and machines count
# together, without it each process for itself.
rate_per_second = 200
burst = 400
concurrency = 64
# 可选：每日（北京时间）请求数上限。Optional: requests of a day in China.
# daily_quota = 1000000

[shedding]
# 一个进程达到以下任一数值即拒绝新的请求（503，Retry-After），耗费大的请求在此之前先被拒绝：
# 正在办理的请求数、事件循环延迟（毫秒）、等待写入访问日志的条目数。
# From any of these on a process refuses requests (503, Retry-After), and costly ones before that: requests being
# answered, how long everything waits for its turn in milliseconds, entries that wait for the access log.
requests = 1024
loop_lag_milliseconds = 1000
log_waiting = 512

[trust]
# 信任名单的一个版本最多改变多少条目而无需批准（占原有条目的比例）。
# The share of its entries that a version of a trust list may change without approval.
max_change = 0.2
# 每隔多少秒查看一次 trust/，有变动即重新读取，无需重启。
# Seconds between two looks at trust/; what changed there is read again, without a restart.
poll_seconds = 1.0

[policy]
# 扩大提供范围的策略须经几人批准方可生效，至少 2 人；批准人见 approvers/。
# How many people approve a policy that widens what is shared, 2 at least; who may: approvers/.
approvals = 2
# 每隔多少秒查看一次 policies/。Seconds between two looks at policies/.
poll_seconds = 1.0
# 比对类问题最早在多少毫秒后答复，使“不符”与“查无此人”耗时相同；应长于核验一份通常证照的时间。
# No question that compares is answered sooner, in milliseconds, so that "no" and "nobody" take the same time; longer
# than a usual licence takes to verify.
match_floor_milliseconds = 50
# 假名主密钥文件：state/ 下的文件，或绝对路径（如系统挂载的凭据）；其他用户不得读取。不设则假名一律不提供。
# 生成：umask 077; head -c 32 /dev/urandom | base64 > state/pseudonym.key
# The file of the master key of pseudonyms: below state/, or an absolute path, such as that of a credential which the
# system mounts; nobody else may read it. Without one pseudonyms are withheld. The line above makes one.
# pseudonym_key = "state/pseudonym.key"
# 改为其他数字，所有假名随之更换。Another number gives everybody other pseudonyms.
# pseudonym_epoch = 1

# 可选：把答复签发为持证人保管的可验证凭证（SD-JWT VC）；不设 issuer 则不签发。
# 密钥由 tongban keys new --purpose credential 生成；keys 为其文件夹，passphrase 为口令文件，days 为凭证有效天数。
# Optional: answers as credentials that holders carry (SD-JWT VC); without an issuer there are none. docs/sd-jwt.md
# [credentials]
# issuer = "https://licences.example.gov.cn"
# keys = "/var/lib/tongban/keys"
# passphrase = "/run/credentials/tongban-keys"
# days = 30

[second_opinion]
# 每百万次 SM2 验签中由第二个库复核的次数；0 为不复核。
# Of a million SM2 verifications, how many a second library repeats; 0: none.
per_million = 0
# 最多保留多少个分歧案例（state/second-opinion/）。How many cases of disagreement are kept at most.
max_cases = 100

# 可选：把部分请求的用时明细（链路追踪）发往采集端（OTLP/HTTP），须安装 tongban[telemetry]；其中没有个人信息。
# Optional: traces of a share of the requests, sent to a collector by OTLP over HTTP (pip install 'tongban[telemetry]');
# nothing personal is in them. docs/operate.md
# [telemetry]
# endpoint = "http://127.0.0.1:4318/v1/traces"
# sample = 0.01

[store]
# 自有证照库：state/ 下的文件，或绝对路径；用 tongban store 管理。
# The gateway's own licences: a file below state/, or an absolute path; kept with tongban store.
file = "state/licences.sqlite"
# 以 PostgreSQL 存放证照库：内含 postgresql://… 地址的文件，仅本用户可读；此时 file 不起作用。
# The store in PostgreSQL: a file with its address, postgresql://…, that nobody else may read; file is not used then.
# database = "state/store.address"

[sources]
# 一次提问中向其他系统（systems.toml、sources.toml）查询合计的期限（秒）。
# Seconds that all other systems together may take over one question.
deadline_seconds = 10
# 同一系统同时受理的提问数，以及此外可排队的数量（每个进程）。
# Questions that one system gets at once, and how many more wait for their turn; in each process.
concurrency = 8
waiting = 64
# 对方要求稍后再试或拒绝连接时，最多再问几次。
# How often a question is asked again, where the system wants it later or refuses the connection.
retries = 1
# 留存答复（供调用方以 tolerance_seconds 使用）所占内存上限（MiB，每个进程）；0 为不留存。
# MiB of kept answers in each process, for callers with a tolerance_seconds; 0: none is kept.
kept_mib = 32

# 可选：多个进程、多台机器共用的 Redis（7.0 及以上）或其集群；不设则各进程各自缓存和计数。见 docs/operate.md。
# 地址不含口令；口令写入仅本用户可读的文件。多个地址须 cluster = true。Redis 不可用时网关继续作答。
# Optional: a Redis (7.0 or later) that several processes and machines share, or a cluster; without it each process
# keeps and counts for itself. Addresses hold no password, a file does that nobody else may read. Several addresses
# need cluster = true. The gateway goes on when Redis does not. docs/operate.md
# [redis]
# urls = ["rediss://redis.example.gov.cn:6379"]
# cluster = false
# username = "tongban"
# password_file = "state/redis.password"
# ca_file = "/etc/ssl/certs/example-ca.pem"
# prefix = "tongban:"
# 一次命令、一次连接最多等待多少秒。Seconds that a question waits for a command at most, and for a connection.
# command_seconds = 0.05
# connect_seconds = 0.2
# 每个进程同时向一台服务器发出的命令数。Commands that one server gets at once from each process.
# connections = 32

[cache]
# 已核验文件的结论留存备用：所依据的信任、吊销信息或时刻一有变化即不再采用。设为 false 则每次都重新核验。
# What documents came to is kept until anything changes that it rests on: trust, evidence, the clock. false: never.
enabled = true
# 每个进程用于留存的内存上限（字节）。Memory for it in each process, in bytes.
max_bytes = 67108864
# 与其他进程、机器共用缓存（[redis]）时，内容以此文件中的密钥封存；首次启动时生成，共用的各台机器须放同一文件。
# cipher 可为 aes-256-gcm 或 sm4-gcm。
# What is shared with others, in [redis], is sealed with the key in this file, which is made at the first start;
# machines that share have the same file. The cipher is aes-256-gcm or sm4-gcm.
key = "state/cache.key"
cipher = "aes-256-gcm"

[audit]
# 开启日志非公开部分须几名审计员：2 为一人申请、另一人批准；1 仅供人员很少的单位。
# How many auditors it takes to open private parts: 2, one asks and another approves; 1 for a very small site.
openers = 2
# 日志文件（/log）是否不凭令牌即可读取；其中没有个人信息，但可见各系统的业务量。
# Whether the files of the log (/log) are read without a token; they name no person, and show how much each system asks.
public = false
# 第二份日志头所在文件夹，宜在另一块磁盘；不设则与日志放在一起。Where second heads lie, best on another disk.
# heads = "/mnt/other/tongban-heads"
# 以 PostgreSQL 存放日志：内含 postgresql://… 地址的文件，仅本用户可读。
# The log in PostgreSQL: a file with its address, postgresql://…, that nobody else may read.
# database = "state/audit.address"

[audit.retention_days]
# 非公开部分按条目种类保存多少天；提供类不少于 1096，其余不少于 184。Days for which private parts are kept, by kind.
access = 1096
match = 1096
deny = 1096
consent = 1096
admin = 1096

[audit.witness]
# 见证本网关访问日志的各方及规定数量：witness/ 中的 tlog-policy 文件；不设则无人见证。见 witness/README.md。
# Who witnesses the access log of this gateway, and how many must: a tlog-policy in witness/; without one nobody does.
# policy = "own.policy"
# 每隔多少秒请各见证方共签一次，5 至 300。Seconds between two rounds in which witnesses are asked, 5 to 300.
interval_seconds = 15
# 本网关见证其他日志所用密钥的名称；默认为 witness.行政区划代码。
# The name of the key with which this gateway witnesses other logs; by default witness. and the region.
# name = "witness.370000"

# 仿真接口：按另一系统的接口应答（docs/adapters.md）。不设则没有；调用方须在 callers/ 中以 [facade] 登记。
# Façades: answering in the form of another system (docs/adapters.md). None without this; the caller has a [facade].
# [[facade]]
# system = "shandong"
# caller = "partner-platform"
# item = "EX-SC-01"
"""

_README: Final = """\
# 站点文件夹 / Site folder

这是一个完整的通办网关站点文件夹。 This is a complete site folder of a Tongban gateway.

| 文件 File | 内容 Content |
|---|---|
| `tongban.toml` | 网关配置 Settings |
| `trust/` | 信任的证书与吊销列表 Trusted certificates and revocation lists |
| `callers/*.toml` | 可调用本网关的系统及其公钥 Systems that may call, with their public keys |
| `policies/*.toml` | 共享策略（示例）：提供什么、给谁 Sharing policy (an example): what is shared, with whom |
| `approvers/*.toml` | 可选：谁可批准扩大提供范围的策略 Optional: who may approve a policy that widens what is shared |
| `alarms.toml` | 告警规则与工作日历：哪些查询须由人复核 Alarms: accesses to look at; the working calendar |
| `watchlists/` | 可选：重点保护人员与诱饵证照名单 Optional: lists of protected persons and of decoy licences |
| `withholding.toml` | 依法应当保密、在期限内不向持证人显示的查询 Accesses that holders are not shown for a fixed time |
| `adapters/*.toml` | 其他系统的映射与传输配方 Mappings and transport recipes of other systems |
| `adapters/codes/*.toml` | 可选：本地的机构、证照类型、主体类型 Optional: own issuers and types |
| `systems.toml` | 可选：其他系统的地址、账号与机密文件 Optional: addresses, accounts and secrets of other systems |
| `sources.toml` | 可选：向哪些系统查询哪些证照 Optional: which systems are asked for which licences |
| `status/*.toml` | 可选：吊销状态的来源（CRL、OCSP、状态订阅） Optional: where revocation status is fetched |
| `witness/` | 可选：见证本网关日志的各方、本网关见证的日志 Optional: who witnesses our log, and whose logs we witness |
| `state/` | 由网关写入；证照库 `licences.sqlite` 勿删 Written by the gateway; never delete `licences.sqlite` |

启动 / Start:

```sh
tongban serve --site .
```

1. 在 `tongban.toml` 中填写名称、行政区划和 `audience`。
   Fill in the names, the region and `audience` in `tongban.toml`.
2. 将电子印章制章人、签章人所属 CA 的证书放入 `trust/`；没有信任证书时，结论只会是“未知”或“无效”。
   Put the CA certificates of seal makers and signers into `trust/`; without them an answer is never `valid`.
3. 为每个调用系统在 `callers/` 中建立一个文件，参见 `callers/example.toml`。
   Make one file for each calling system in `callers/`, as in `callers/example.toml`.

文件夹中的错误会在启动时一次全部列出。 All faults in this folder are listed together at start.
文件夹中不应有任何私钥。 No private key belongs into this folder.
"""

_TRUST: Final = """\
# 信任的证书与吊销列表 / Trusted certificates and revocation lists

| 位置 Place | 用途 Purpose |
|---|---|
| `seal-makers/` | 制章人证书的签发 CA：CAs that issue certificates of seal makers |
| `signers/` | 签章人证书的签发 CA：CAs that issue certificates of signers |
| `timestamps/` | 时间戳服务的签发 CA：CAs of time stamp services |
| 本文件夹 this folder | 以上全部用途：all of these purposes |
| `lists/`, `roots.json` | 已签名的信任名单及其根密钥，用 `tongban trust` 管理：signed lists and their root keys |

证书可为 PEM 或 DER；一个 PEM 文件可含多张证书。吊销列表（CRL）放在任何一个文件夹均可，须定期更新。
Certificates are PEM or DER; a PEM file may hold several. Revocation lists may lie in any of the folders;
keep them current: a missing or stale list makes `revocation` unknown.
"""


def _purpose(chinese: str, english: str) -> str:
    return f"{chinese}，仅用于此用途。\n{english}, for this purpose only.\n"


_CALLER: Final = '''\
# 一个调用系统：谁可以调用本网关，用哪一把密钥证明身份。
# One calling system: who may ask, and the key that proves it.

# 令牌中的 iss。What the token's "iss" says.
id = "example-service-hall"
name = "Example service hall"
name_zh = "示例政务服务大厅"
# 统一社会信用代码。Unified social credit code of the organisation.
organisation = "11370000000000000X"
# 行政区划代码。Region.
region = "370000"

# 可选：单位名称，供持证人查看“谁查看了我的证照”。Optional: the organisation's name, for holders who ask who looked.
# organisation_name = "Example administrative approval bureau"
# organisation_name_zh = "示例市行政审批服务局"

# 可选：身份。business 业务系统（默认），auditor 审计员，identity-provider 统一身份认证平台；各自只能使用自己的接口。
# Optional: business (the default), auditor, or identity-provider (vouches for holders); each uses its own addresses.
# role = "business"

# 调用方种类，即 policies/ 中 [[caller_kind]] 的 id；不写则只得到核验结论，得不到任何信息项。
# The kind of caller, an id of [[caller_kind]] in policies/; without one it is given the verdict, and no field.
# kind = "counter"
# 是否可为持证人登记同意（POST /v1/consents）；仅限受托取得同意的系统。
# Whether it may register what holders have agreed to; for systems that are trusted to have the holder's word.
# may_register_consent = false
# 是否可为持证人申领可验证凭证；仅限受托将其交给持证人的系统，如政务服务 App。
# Whether it may receive credentials for holders; for systems that are trusted to hand them to the holder.
# may_receive_credentials = false

# 可选：once 令牌（按其 jti）只能使用一次；默认 reusable，过期前可重复使用。
# Optional: "once", a token works once, by its jti; the default is "reusable", until it expires.
# tokens = "once"

# 令牌头中的 alg 与 kid，必须完全一致。The token's "alg" (EdDSA, ES256 or SM2) and "kid", exactly.
algorithm = "EdDSA"
kid = "2026-1"
# 公钥（PEM），也可写同一文件夹中的文件名。此处的私钥已销毁，请换成自己的公钥：
# The public key in PEM, or the name of a file beside this one.
# The private half of this one was destroyed; put your own in its place:
#   openssl genpkey -algorithm ed25519 -out caller.key
#   openssl pkey -in caller.key -pubout
key = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAhN3WL9XBkKTyIcQfoTqKwxAjsygxJWH5H8oZUA37kEg=
-----END PUBLIC KEY-----
"""

# 换好密钥后改为 true。Set to true once the key is your own.
enabled = false
# 可选的有效期，含起不含止。Optional period: from (inclusive) to (exclusive).
# valid_from = 2026-01-01T00:00:00+08:00
# valid_to = 2027-01-01T00:00:00+08:00

# 可选：与 tongban.toml 的 [limits] 不同的限额；写了 rate_per_second 而未写 burst 的，为两秒的请求数。
# Optional: limits other than those of [limits] in tongban.toml; a rate without a burst has one of two seconds.
# [limits]
# rate_per_second = 20
# concurrency = 8
# daily_quota = 50000

# 按其他系统的接口查询的调用方，以 [facade] 代替 algorithm、kid、key（docs/adapters.md）。
# A caller that asks in the form of another system has a table [facade] in place of algorithm, kid and key.
'''

_WITHHOLDING: Final = """\
# 依照法律规定应当保密的查询：在规定天数内不向持证人显示，期满后自动显示；审计员不受限制。修改后重启生效。
# 规则集的摘要写入访问日志；每次隐去了几条、依据哪条规则，也写入日志。没有规则时，全部如实显示。
# Accesses that the law keeps secret: not shown to holders for so many days, shown when these are over; auditors see
# everything. Restart after a change. The digest of the rules is an entry of the access log, and so is how many entries
# each rule hid from each answer. Without rules everything is shown.
#
# [[rule]]
# id = "criminal-investigation"
# # 法律依据（使用前须逐条核实）。The legal basis; verify it before use.
# basis = "中华人民共和国刑事诉讼法（条款待核实）"
# # 查询单位的统一社会信用代码、事项编码：至少写一项；两项都写的，须同时符合。
# # Credit codes of the organisations that ask, codes of items: one of them at least; where both are given, both count.
# organisations = ["11370000000000000X"]
# items = ["EX-GA-99"]
# # 自查询之日起隐去的天数，至多 730 天（记录至少保存三年，届满后仍有一年可供查看）。
# # Days from the day of the access, 730 at most: records are kept for three years, so a year is left to see them.
# hidden_for_days = 180
# # 可选：对谁隐去。everybody 所有人（默认）；representatives 仅代理人，本人可见。
# # Optional: from whom; everybody (the default), or representatives only, while the holder is shown it.
# hides_from = "everybody"
# # 可选：适用于何时的查询，含起不含止。Optional: accesses of which time, from (inclusive) to (exclusive).
# since = 2026-01-01T00:00:00+08:00
# until = 2027-01-01T00:00:00+08:00
"""

_WITNESS: Final = """\
# 见证 / Witnesses

见证方定期共签访问日志的检查点：日志被回退或分叉，随即暴露。见证方只见到日志的大小与树根，见不到条目。
Witnesses cosign the checkpoints of an access log, so that a rollback or a fork shows at once. They learn sizes and
roots, and nothing about entries.

**见证本网关日志的各方**：一个 tlog-policy 文件，文件名写入 `tongban.toml` 的 `[audit.witness] policy`；不写 `log` 行。
**Who witnesses our log**: a tlog-policy, named by `[audit.witness] policy` in `tongban.toml`; without a line `log`.

```text
witness anhui witness.340000+5a6b7c8d+BH… https://gateway.ah.example/witness/v1
witness henan witness.410000+9e8f7a6b+BJ… https://gateway.ha.example/witness/v1
witness centre witness.000000+0a1b2c3d+BK… https://witness.example/witness/v1
group partners 2 anhui henan centre
quorum partners
```

**本网关见证的日志**：每份日志一个 `*.toml` 文件。公钥取自对方公布的信任策略（`tongban audit trust-policy`）。
**Whose logs we witness**: one file `*.toml` for each. The keys are those of the trust policy that its operator
publishes (`tongban audit trust-policy`).

```toml
# 各半年分段均予见证，公钥相同；只见证一个分段的，写 origin = "gw.340000/access/2026h2"。
# All half-yearly shards, which have the same keys; for one shard alone write origin.
origin_prefix = "gw.340000/access/"
keys = ["gw.340000/access/2026h2+1f2e3d4c+AZ…"]
since = 2026-07-01T00:00:00+08:00
```

本网关的见证公钥：`tongban audit witness-key --site .`。 Our own key as a witness: the same command.
"""

_POLICIES: Final = """\
# 示例共享策略 / Example sharing policy

哪个字段、以何种形式、为何事项、提供给谁。未写明提供的，一律不提供。
Which field, in which form, for which item, to whom. What no rule grants is withheld.

**这是示例，不是法律文本。** 事项名称取自跨省通办事项清单的整理稿，编码（`EX-…`）均为示例。
标有“待核实”的依据和条款号，使用前须逐条核实；其余条款号按 2025 年 4 月前公开的法律文本核对。
含 `DEM` 的证照类型代码为演示用的虚构代码。

**This is an example and no legal text.** Item names are from a working list of cross-province items; their codes
(`EX-…`) are illustrative. Verify every basis marked 待核实 (to be verified) before use; other articles were compared
with public texts as of April 2025. Licence type codes with `DEM` in them are invented for the demo.

| 文件 File | 内容 Content |
|---|---|
| `bundle.toml` | 名称、版本、有效期 Name, version, validity |
| `callers.toml` | 八种调用方 Eight kinds of callers |
| `licences-*.toml` | 十六种证照及其字段 Sixteen licence types and their fields |
| `items-*.toml` | 四十一个事项及其用证上限（跨省通办三十六个） 41 items with ceilings, 36 of them cross-province |
| `rules-*.toml` | 按部门的共享规则及其测试 Sharing rules by department, with their tests |
| `rules-status.toml` | 证照已不在有效状态的，只告知状态 Of a licence out of force only the status is told |
| `rules-minors.toml` | 未满十四周岁未成年人的保护 Protection of children under 14 |
| `together.toml` | 不得同时提供的字段 Fields that may not leave together |
| `budgets.toml` | 用量上限，含防试探 Budgets, against probing too |

读法 / How to read it:

1. 能比对的只比对（`match`），能答是否的只答是否（`attest`）；其次为掩码（`mask`）、概括（`general`），最后才是原值。
   What a comparison or a yes-or-no answer can do is not shown; then come masks and coarser values, the value last.
2. 规则编号以部门开头，`…-9xx` 告知状态；同一事项、证照、调用方只有一条主规则，例外以 `overrides` 写明。
   Ids of rules begin with the department, `…-9xx` tell the status. For an item, a licence and a caller one rule
   counts; exceptions say what they override.
3. 年龄无法确定的，按未满十四周岁对待；只有文件、未查到现时状态的，可更严。
   Whose age is not known is treated as under 14; where only a document is known and no status, less may be shown.
4. 测试写明谁见到什么、其他调用方一律不见，以及留痕、保存天数、限次和水印。未写明的条件为一切可能的取值；
   状态和核验结论未写明的，为有效；同意未写明的，按事项要求。`{ except = [...] }` 为所列以外的一切取值。
   Tests say who sees what, that nobody else sees anything, and the obligations. What a test does not say stands for
   everything that can occur; but status, outcome and consent for active, valid and as the item asks.
   `{ except = [...] }` is all but what it lists.
5. 测试覆盖全部可达到的方案（100%）；规则改动一处而使答复或义务有所不同的，必有测试不通过。
   Tests reach every plan that can be reached (100 %); one change in a rule that changes an answer or an obligation
   fails one.
"""


def _example_files(folder: str) -> dict[str, str]:
    """Return the example policies or adapters; in the repository they are those of `examples/site`, by a link."""
    linked = resources.files("gateway").joinpath(f"example_{folder}")
    names = sorted(file.name for file in linked.iterdir() if file.name.endswith(".toml"))
    return {f"{folder}/{name}": linked.joinpath(name).read_text(encoding="utf-8") for name in names}


def _example_alarms() -> str:
    """Return the rules of alarms; in the repository they are those of `examples/site`, likewise."""
    return resources.files("gateway").joinpath("example_alarms.toml").read_text(encoding="utf-8")


FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tongban.toml": _SETTINGS,
        "README.md": _README,
        "trust/README.md": _TRUST,
        "trust/seal-makers/README.md": _purpose("制章人证书的签发 CA", "CAs that issue certificates of seal makers"),
        "trust/signers/README.md": _purpose("签章人证书的签发 CA", "CAs that issue certificates of signers"),
        "trust/timestamps/README.md": _purpose("时间戳服务的签发 CA", "CAs of time stamp services"),
        "callers/example.toml": _CALLER,
        "alarms.toml": _example_alarms(),
        "withholding.toml": _WITHHOLDING,
        "witness/README.md": _WITNESS,
        "policies/README.md": _POLICIES,
        **_example_files("policies"),
        **_example_files("adapters"),
    }
)


def write_site(folder: Path) -> tuple[Path, ...]:
    """Write the folder and return the files.

    Raises:
        FileExistsError: the folder exists and is not empty, or is no folder; nothing was written.

    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"an empty or new folder was expected, got {folder}")
    written = []
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return tuple(written)
