"""Reads one ``[[field]]`` of a mapping file: where a value goes, where it stands, and the codecs between."""

from collections.abc import Sequence

from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.codecs.codec import LongTerm, MalformedCodecError, Sort
from adapters.mapping.fault import Words, nearest, quote, show
from adapters.mapping.forms.xml import TEXT
from adapters.mapping.path import ATTRIBUTE, ROOT_PATH, MessagePath, Operation
from adapters.mapping.rule import Condition, Direction, Evidence, FieldRule
from adapters.mapping.scope import Scope, listed
from adapters.mapping.table import Table
from adapters.mapping.target import CARRIED, EXPECTED, HOLDERS, SCALARS, VALID_TO, Target, parse_target


def read_field(table: Table, scope: Scope, evidence: Evidence) -> FieldRule:
    """Read one field; ``evidence`` is that of the system, which counts where the field has none."""
    target = _target(table)
    paths = scope.paths(table)
    constant = table.optional("constant")
    if "to" not in table and (constant is None or "at" not in table):
        expected = Words("to（目标字段），或 at 与 constant", "to, or at together with constant")
        table.fault("to", expected=expected, found=show(None))
    elif target is not None and ("at" in table) == (constant is not None):
        expected = Words("at 与 constant 二者之一", "either at or constant")
        found = Words("两者皆有", "both") if paths else Words("两者皆无", "neither")
        table.fault("at", expected=expected, found=found)
    if target is not None and target.is_whole_surface:
        chain = scope.text_chain(table)
    else:
        chain = _chain(table, scope, target, parts=len(paths))
    default = table.optional("default")
    rule = FieldRule(
        place=table.path,
        target=target,
        paths=paths,
        chain=chain,
        constant=constant,
        default=default,
        condition=_condition(table, scope, paths),
        direction=table.choice("only", Direction, default=Direction.BOTH),
        evidence=table.choice("evidence", Evidence, default=evidence),
        loses=table.text("loses", default=""),
        name_prefix=table.text("prefix", default=""),
        pair=_pair(table, scope),
        also=scope.paths(table, "also"),
    )
    _check_lists(table, rule)
    _check_other_names(table, rule)
    table.finish()
    return rule


def _target(table: Table) -> Target | None:
    if "to" not in table:
        table.optional("to")
        return None
    name = table.text("to", expected=EXPECTED)
    target = parse_target(name)
    if target is None and name:
        table.fault("to", expected=EXPECTED, found=quote(name), meant=nearest(name, [*SCALARS, *CARRIED]))
    return target


def _chain(table: Table, scope: Scope, target: Target | None, *, parts: int) -> Chain:
    """Return the chain of a field; both its ends must fit."""
    codecs = scope.codecs(table)
    try:
        chain = compose(codecs)
    except MalformedCodecError as error:
        table.fault("codec", expected=error.expected, found=listed(codecs))
        return compose(())
    if parts > 1 and chain.foreign is not Sort.TEXTS:
        expected = Words(
            f"合并 {parts} 个字段的编解码，如 join:-", f"a codec that joins {parts} fields, such as join:-"
        )
        table.fault("codec", expected=expected, found=listed(codecs))
    elif any(codec.name == "day-parts" for codec in codecs) and parts != 3:  # noqa: PLR2004 -- year, month, day
        expected = Words("年、月、日三个路径", "three paths, of year, month and day")
        table.fault("at", expected=expected, found=Words(f"{parts} 个", f"{parts} of them"))
    elif parts == 1 and chain.foreign is Sort.TEXTS:
        expected = Words("at 为多个路径的列表", "a list of paths in at")
        table.fault("at", expected=expected, found=Words("一个路径", "one path"))
    if target is None or "constant" in table:
        return chain
    wanted = {target.sort, Sort.TEXTS} if target.column is not None else {target.sort}
    if chain.neutral not in wanted and not table.faults:
        expected = Words(f"结果为 {target.sort} 的编解码", f"codecs that make {target.sort}")
        table.fault("codec", expected=expected, found=listed(codecs))
    if any(LongTerm.LONG_TERM in codec.written for codec in codecs) and target.text != VALID_TO:
        expected = Words("仅在 valid_to 使用 long-term", "long-term with valid_to only")
        table.fault("codec", expected=expected, found=listed(codecs))
    return chain


def _condition(table: Table, scope: Scope, paths: Sequence[MessagePath]) -> Condition | None:
    if "when" not in table:
        table.raw("when")
        return None
    inner = table.table("when")
    path = scope.path(inner, "at")
    equals = inner.text("is")
    inner.finish()
    is_beside = (
        len(paths) == 1
        and path.steps[:-1] == paths[0].steps[:-1]
        and len(path.steps) > 1
        and not (path.steps[-1].operations or paths[0].steps[-1].operations)
    )
    if not is_beside:
        expected = Words("与 at 同处一个对象的字段", "a field beside the one in at")
        inner.fault("at", expected=expected, found=quote(path.text))
    return Condition(key=path.steps[-1].key, equals=equals)


def _pair(table: Table, scope: Scope) -> tuple[str, str] | None:
    if "pairs" not in table:
        table.raw("pairs")
        return None
    inner = table.table("pairs")
    paths = [scope.path(inner, key) for key in ("name", "value")]
    inner.finish()
    name, value = (path.steps[-1].key for path in paths)
    keyed = [path for path in paths if len(path.steps) == 2 and not path.lists]  # noqa: PLR2004 -- the entry, and a key
    is_own_text = scope.is_xml and paths[1] == ROOT_PATH and value == TEXT and name[:1] == ATTRIBUTE
    if len(keyed) != len(paths) - is_own_text or paths[0] not in keyed:
        expected = Words(
            'pairs = {name = "$.名", value = "$.值"}；XML 中还可为 {name = "/@名", value = "$"}',
            'pairs = {name = "$.n", value = "$.v"}; in XML also {name = "/@n", value = "$"}',
        )
        table.fault("pairs", expected=expected, found=Words("其他路径", "other paths"))
    return name, value


def _check_lists(table: Table, rule: FieldRule) -> None:
    """Check that lists in a path and in a target go together, and that options of surface.* belong to it."""
    target = rule.target
    is_whole = target is not None and target.is_whole_surface
    misplaced = ("when", "default", "constant") if is_whole else ("prefix", "pairs")
    for key in misplaced:
        if key in table:
            expected = (
                Words("不用于 surface.*", "another target than surface.*")
                if is_whole
                else Words("仅用于 surface.*", "surface.* as target")
            )
            table.fault(key, expected=expected, found=show(table.peek("to")))
    if len(rule.paths) > 1 and (is_whole or target is None):
        table.fault("at", expected=Words("一个路径", "one path"), found=show(table.peek("at")))
    lists = max((path.lists for path in rule.paths), default=0)
    if not _fits(rule, lists):
        table.fault(
            "at",
            expected=Words("路径中的 [*] 与目标中的 [] 一一对应", "as many [*] in the path as [] in the target"),
            found=show(table.peek("at")),
        )
    if lists and rule.chain.neutral is Sort.TEXTS:
        expected = Words("列表中每项一个文本的编解码", "codecs that make one text of each entry of a list")
        table.fault("codec", expected=expected, found=listed(rule.chain.codecs))
    if lists and len(rule.paths) > 1:
        expected = Words("列表中只用一个路径", "one path in a list")
        table.fault("at", expected=expected, found=show(table.peek("at")))
    if any(
        step.operations[-1:] != (Operation.EACH,)
        for path in rule.paths
        for step in path.steps
        if Operation.EACH in step.operations
    ):
        expected = Words("[*] 之后不接 @json 或 @xml", "no @json or @xml behind [*]")
        table.fault("at", expected=expected, found=show(table.peek("at")))


def _fits(rule: FieldRule, lists: int) -> bool:
    """Say whether a path through so many lists leads to the target."""
    target = rule.target
    if target is not None and target.is_whole_surface:
        return lists == (1 if rule.pair else 0)
    if target is None or target.column is None:
        return lists == 0
    if target.slot == HOLDERS:
        return lists <= 1
    if lists == 0:
        return target.column == "" and rule.chain.neutral is Sort.TEXTS
    return lists == 1 and (target.column == "") == any(path.is_plain_list for path in rule.paths)


def _check_other_names(table: Table, rule: FieldRule) -> None:
    """Check that other names stand for one value of the record, which is read wherever it stands."""
    target = rule.target
    is_single = target is not None and not target.is_whole_surface and len(rule.paths) == 1 and rule.condition is None
    is_read = rule.direction is not Direction.OUT and rule.constant is None
    if rule.also and not (is_single and is_read and not any(path.lists for path in (*rule.paths, *rule.also))):
        expected = Words(
            "仅用于一个路径、无 [*] 与 when、会读取的字段", "also only with one path that is read, without [*] and when"
        )
        table.fault("also", expected=expected, found=show(table.peek("also")))
