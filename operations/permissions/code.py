"""Find the AWS calls that each function makes, by abstract interpretation of its source.

The interpreter starts from everything that a function's modules define. It evaluates names,
attributes and calls to sets of possible values: a client of S3, the text `submissions/*.json`, an
instance of a class and so on. It takes every branch, and an unknown value is the pattern `*`. The
result is an upper bound: it contains every call that the code can make, and the parts of a key that
are known only at run time are `*`.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import botocore.session
from aws_lambda_powertools.utilities.idempotency.persistence import dynamodb
from botocore import xform_name

from operations import ROOT

_LAYER = ROOT / "layer"
_FUNCTIONS = ROOT / "functions"
_ANY = "*"
_MOST_TEXTS = 40  # a text with more possible values becomes `*`


@dataclass(frozen=True, slots=True)
class AwsCall:
    """An AWS call that a function can make.

    Attributes:
        service: the service, as botocore names it.
        operation: the operation, as AWS's API names it, e.g. `PutItem`.
        parameters: names and values of the parameters that identify a resource. `*` stands for
            unknown text, `{name}` for the value of the setting of that name.
        place: the file and function that make the call.
        handles_missing: whether the calling code handles `NoSuchKey`, so that S3 has to
            distinguish a missing object from a forbidden one.
    """

    service: str
    operation: str
    parameters: tuple[tuple[str, str], ...]
    place: str
    handles_missing: bool = False


@cache
def calls_of(function: str) -> frozenset[AwsCall]:
    """Return every AWS call that `functions/<function>` can make.

    Args:
        function: name of the folder, e.g. `submit_step`.
    """
    return frozenset(_Reading(_FUNCTIONS / function).calls())


# Possible values of an expression ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    pattern: str


@dataclass(frozen=True, slots=True)
class _Listed:
    """Part of the response to a listing; every text in it starts with the listing's prefix."""

    pattern: str


@dataclass(frozen=True, slots=True)
class _Record:
    fields: tuple[tuple[str, "_Value"], ...]


@dataclass(frozen=True, slots=True)
class _External:
    """An object imported from outside the project, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class _Client:
    service: str


@dataclass(frozen=True, slots=True)
class _Table:
    name: str


@dataclass(frozen=True, slots=True)
class _Operation:
    service: str
    operation: str
    bound: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Paginator:
    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class _Paginators:
    """The method `get_paginator` of a client."""

    service: str


@dataclass(frozen=True, slots=True)
class _Tables:
    """The method `Table` of DynamoDB's service resource."""


@dataclass(frozen=True, slots=True)
class _Module:
    name: str


@dataclass(frozen=True, slots=True)
class _Class:
    module: str
    node: ast.ClassDef

    @property
    def name(self) -> str:
        return self.node.name

    def members(self) -> dict[str, ast.FunctionDef]:
        """Return the methods by name."""
        return {each.name: each for each in self.node.body if isinstance(each, ast.FunctionDef)}

    def fields(self) -> dict[str, ast.expr]:
        """Return the annotations of annotated fields by name."""
        return {
            each.target.id: each.annotation
            for each in self.node.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }


@dataclass(eq=False, slots=True)
class _Instance:
    cls: _Class
    fields: dict[str, "_Value"] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Scope:
    module: str
    place: str  # file and function, as printed on the page
    parent: "_Scope | None" = None
    names: dict[str, "_Value"] = field(default_factory=dict)
    returned: "_Value" = frozenset()
    node: ast.AST | None = None

    def bind(self, name: str, value: "_Value") -> None:
        """Add possible values to a name; a name keeps the values of all its assignments."""
        self.names[name] = self.names.get(name, frozenset()) | value


@dataclass(frozen=True, slots=True)
class _Function:
    module: str
    node: ast.FunctionDef | ast.Lambda
    scope: _Scope | None = None
    this: _Instance | _Class | None = None
    owner: str = ""


type _Atom = (
    _Text | _Listed | _Record | _External | _Client | _Table | _Operation | _Paginator
    | _Paginators | _Tables | _Module | _Class | _Instance | _Function
)  # fmt: skip
type _Value = frozenset[Any]

_UNKNOWN: _Value = frozenset()
# Parameters that identify a resource, in the services that the functions call.
_NAMING = (
    "Bucket", "Key", "Prefix", "TableName", "IndexName", "QueueUrl", "JobFlowId", "ClusterId",
    "Name", "PhoneNumber", "phoneNumber", "TopicArn",
)  # fmt: skip


@cache
def operations_of(service: str) -> dict[str, str]:
    """Map boto3's method names of a service to its API operations, e.g. `put_item` to `PutItem`.

    Args:
        service: the service, as botocore names it.
    """
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


class _Reading:
    """The interpreter of one function's source."""

    def __init__(self, folder: Path) -> None:
        self._files = {_dotted(file, folder): file for file in folder.rglob("*.py")}
        self._roots = list(self._files)
        self._files |= {_dotted(file, _LAYER): file for file in _LAYER.rglob("*.py")}
        self._trees: dict[str, ast.Module] = {}
        self._modules: dict[str, _Scope] = {}
        self._returns: dict[Any, _Value] = {}
        self._instances: dict[Any, _Instance] = {}
        self._calls: set[AwsCall] = set()

    def calls(self) -> set[AwsCall]:
        """Interpret every module-level function of the folder and return the AWS calls found."""
        for name in self._roots:
            scope = self._module(name)
            for node in ast.walk(self._trees[name]):
                if isinstance(node, ast.FunctionDef) and node in self._trees[name].body:
                    self._apply(_Function(name, node, scope), [], {})
        return self._calls

    # Modules and names

    def _module(self, name: str) -> _Scope:
        if name not in self._modules:
            file = self._files[name]
            place = str(file.relative_to(ROOT))
            scope = self._modules[name] = _Scope(name, place)
            self._trees[name] = ast.parse(file.read_text())
            self._run(self._trees[name].body, scope)
        return self._modules[name]

    def _import(self, node: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            if isinstance(node, ast.Import):
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                scope.bind(name.partition(".")[0], frozenset([self._named(top)]))
                continue
            dotted = f"{node.module}.{alias.name}"
            if dotted in self._files:
                scope.bind(name, frozenset([_Module(dotted)]))
            elif node.module in self._files:
                scope.bind(name, self._module(node.module).names.get(alias.name, _UNKNOWN))
            else:
                scope.bind(name, frozenset([_External(dotted)]))

    def _named(self, dotted: str) -> _Module | _External:
        return _Module(dotted) if dotted in self._files else _External(dotted)

    def _look_up(self, name: str, scope: _Scope | None) -> _Value:
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return _UNKNOWN

    # Statements

    def _run(self, body: Iterable[ast.stmt], scope: _Scope) -> None:
        for statement in body:
            self._execute(statement, scope)

    def _execute(self, node: ast.stmt, scope: _Scope) -> None:  # noqa: PLR0912
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.FunctionDef():
                for decorator in node.decorator_list:
                    self._evaluate(decorator, scope)
                outer = scope if scope.node is not None else self._modules[scope.module]
                scope.bind(node.name, frozenset([_Function(scope.module, node, outer)]))
            case ast.ClassDef():
                scope.bind(node.name, frozenset([_Class(scope.module, node)]))
            case ast.Return(value=value) if value is not None:
                scope.returned |= self._evaluate(value, scope)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, scope)
            case (
                ast.AnnAssign(target=target, value=value)
                | ast.AugAssign(target=target, value=value)
            ) if value is not None:
                self._assign(target, value, scope)
            case ast.For(target=target, iter=each):
                self._bind(target, self._evaluate(each, scope), scope)
                self._run([*node.body, *node.orelse], scope)
            case ast.With():
                for item in node.items:
                    held = self._evaluate(item.context_expr, scope)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, held, scope)
                self._run(node.body, scope)
            case _:
                self._inside(node, scope)

    def _inside(self, node: ast.AST, scope: _Scope) -> None:
        """Interpret the parts, in order, of a statement without a rule of its own."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._execute(child, scope)
            elif isinstance(child, ast.expr):
                self._evaluate(child, scope)
            else:  # exception handlers and match cases
                self._inside(child, scope)

    def _assign(self, target: ast.expr, value: ast.expr, scope: _Scope) -> None:
        pairs = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        if pairs and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
            for each, part in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
                self._assign(each, part, scope)
        else:
            self._bind(target, self._evaluate(value, scope), scope)

    def _bind(self, target: ast.expr, value: _Value, scope: _Scope) -> None:
        match target:
            case ast.Name(id=name):
                scope.bind(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._bind(part, value, scope)
            case ast.Attribute(value=owner, attr=name):
                for atom in self._evaluate(owner, scope):
                    if isinstance(atom, _Instance):
                        atom.fields[name] = atom.fields.get(name, _UNKNOWN) | value
            case ast.Subscript(value=owner):
                self._bind(owner, value, scope) if isinstance(owner, ast.Name) else None

    # Expressions; the value of a container is the union of its elements' values

    def _evaluate(self, node: ast.expr, scope: _Scope) -> _Value:  # noqa: PLR0911, PLR0912
        match node:
            case ast.Name(id=name):
                return self._look_up(name, scope)
            case ast.Constant(value=str(text)):
                return frozenset([_Text(text)])
            case ast.JoinedStr():
                return self._joined(node, scope)
            case ast.Attribute(value=owner, attr=name):
                return _union(self._attribute(a, name) for a in self._evaluate(owner, scope))
            case ast.Call():
                return self._call(node, scope)
            case ast.Lambda():
                return frozenset([_Function(scope.module, node, scope)])
            case ast.Dict():
                return self._record(node, scope)
            case ast.Subscript(value=owner, slice=index):
                self._evaluate(index, scope)
                return self._evaluate(owner, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, value, scope)
                return self._evaluate(value, scope)
            case ast.Yield(value=value) | ast.YieldFrom(value=value) if value is not None:
                scope.returned |= self._evaluate(value, scope)
                return _UNKNOWN
            case ast.IfExp() | ast.BoolOp() | ast.Tuple() | ast.List() | ast.Set() | ast.Starred():
                return _union([self._evaluate(part, scope) for part in _parts(node)])
            case _:
                for part in _parts(node):
                    self._evaluate(part, scope)
                return _UNKNOWN

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: _Scope
    ) -> _Value:
        inner = _Scope(scope.module, scope.place, scope, node=scope.node)
        for each in node.generators:
            self._bind(each.target, self._evaluate(each.iter, inner), inner)
            for condition in each.ifs:
                self._evaluate(condition, inner)
        if isinstance(node, ast.DictComp):
            self._evaluate(node.key, inner)
            return self._evaluate(node.value, inner)
        return self._evaluate(node.elt, inner)

    def _record(self, node: ast.Dict, scope: _Scope) -> _Value:
        fields: list[tuple[str, _Value]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            held = self._evaluate(value, scope)
            if key is None:
                fields += [pair for a in held if isinstance(a, _Record) for pair in a.fields]
            else:
                fields += [(text, held) for text in _texts(self._evaluate(key, scope))]
        return frozenset([_Record(tuple(fields))])

    def _joined(self, node: ast.JoinedStr, scope: _Scope) -> _Value:
        parts = [
            [part.value]
            if isinstance(part, ast.Constant)
            else _texts(self._evaluate(part.value, scope))  # type: ignore[attr-defined]
            for part in node.values
        ]
        joined = {"".join(map(str, choice)) for choice in product(*parts)}
        return frozenset(_Text(text) for text in joined) if len(joined) <= _MOST_TEXTS else _UNKNOWN

    def _attribute(  # noqa: PLR0911, PLR0912
        self, atom: _Atom, name: str
    ) -> _Value:
        match atom:
            case _Module(name=package):
                dotted = f"{package}.{name}"
                if dotted in self._files:
                    return frozenset([_Module(dotted)])
                return self._module(package).names.get(name, _UNKNOWN)
            case _External(name=dotted):
                return frozenset([_External(f"{dotted}.{name}")])
            case _Instance():
                return self._member(atom, name)
            case _Class():
                for each in self._lineage(atom):
                    if member := each.members().get(name):
                        owner = self._module(each.module)
                        return frozenset([_Function(each.module, member, owner, atom, each.name)])
                return _UNKNOWN
            case _Listed():
                return frozenset([atom])
            case _Record():
                return frozenset([atom])
            case _Client(service="dynamodb-resource"):
                if name == "Table":
                    return frozenset([_Tables()])
                if name == "meta":
                    return frozenset([atom])
                if name == "client":
                    return frozenset([_Client("dynamodb")])
                return _atoms(_operation("dynamodb", name))
            case _Client(service=service):
                if name == "get_paginator":
                    return frozenset([_Paginators(service)])
                return _atoms(_operation(service, name))
            case _Table(name=table):
                found = "batch_write_item" if name == "batch_writer" else name
                return _atoms(_operation("dynamodb", found, (("TableName", table),)))
            case _Paginator(service=service, operation=operation) if name == "paginate":
                return frozenset([_Operation(service, operation)])
        return _UNKNOWN

    def _member(self, instance: _Instance, name: str) -> _Value:
        found = instance.fields.get(name)
        if found:
            return found
        lineage = self._lineage(instance.cls)
        for cls in lineage:
            module = self._module(cls.module)
            if member := cls.members().get(name):
                method = _Function(cls.module, member, module, instance, cls.name)
                decorators = {ast.unparse(each) for each in member.decorator_list}
                if decorators & {"property", "cached_property"}:
                    return self._apply(method, [], {})
                return frozenset([method])
            if annotation := cls.fields().get(name):
                if any(each.name == "Settings" for each in lineage):
                    return frozenset([_Text(f"{{{name}}}")])
                return self._typed(annotation, module)
        return _UNKNOWN

    def _lineage(self, cls: _Class) -> list[_Class]:
        """Return a class and those of our classes that it inherits from, the nearest first."""
        found = [cls]
        for base in cls.node.bases:
            for atom in self._evaluate(base, self._module(cls.module)):
                if isinstance(atom, _Class):
                    found += [each for each in self._lineage(atom) if each not in found]
        return found

    # Calls

    def _call(self, node: ast.Call, scope: _Scope) -> _Value:
        positional = [self._evaluate(each, scope) for each in node.args]
        named: dict[str, _Value] = {}
        for keyword in node.keywords:
            value = self._evaluate(keyword.value, scope)
            if keyword.arg is not None:
                named[keyword.arg] = value
            else:
                for record in value:
                    if isinstance(record, _Record):
                        for name, held in record.fields:
                            named[name] = named.get(name, _UNKNOWN) | held
        callees = self._evaluate(node.func, scope)
        if not callees:  # an unknown function may call the functions among its arguments
            self._escape([*positional, *named.values()])
        return _union(self._applied(each, positional, named, scope) for each in callees)

    def _applied(  # noqa: PLR0911
        self, callee: _Atom, positional: list[_Value], named: dict[str, _Value], scope: _Scope
    ) -> _Value:
        match callee:
            case _Function():
                return self._apply(callee, positional, named)
            case _Class():
                return self._construct(callee, positional, named)
            case _Operation():
                return self._record_call(callee, named, scope)
            case _Tables():
                return frozenset(_Table(text) for text in _texts(positional[0]))
            case _Paginators(service=service):
                names = operations_of(service)
                return frozenset(_Paginator(service, names[t]) for t in _texts(positional[0]))
            case _Listed():
                return frozenset([callee])
            case _External(name=name):
                return self._external(name, positional, named, scope)
            case _Record():
                return _union(held for _, held in callee.fields) | frozenset([callee])
        return _UNKNOWN

    def _external(
        self, name: str, positional: list[_Value], named: dict[str, _Value], scope: _Scope
    ) -> _Value:
        """Interpret the call of a library: one that makes a client, calls AWS, or calls back."""
        if name == "boto3.client":
            return frozenset(_Client(service) for service in _texts(positional[0]))
        if name == "boto3.resource":
            return frozenset(_Client(f"{service}-resource") for service in _texts(positional[0]))
        if name.endswith("parameters.get_parameter"):
            call = _Operation("ssm", "GetParameter")
            return self._record_call(call, {"Name": positional[0]}, scope)
        if name.endswith("idempotency.DynamoDBPersistenceLayer"):
            for operation in _powertools_idempotency():
                call = _Operation("dynamodb", operation)
                self._record_call(call, {"TableName": named["table_name"]}, scope)
            return _UNKNOWN
        self._escape([*positional, *named.values()])
        return _UNKNOWN

    def _escape(self, values: Iterable[_Value]) -> None:
        for value in values:
            for atom in value:
                if isinstance(atom, _Function):
                    self._apply(atom, [], {})

    def _construct(self, cls: _Class, positional: list[_Value], named: dict[str, _Value]) -> _Value:
        key = (cls, tuple(positional), tuple(sorted(named.items())))
        if key not in self._instances:
            instance = self._instances[key] = _Instance(cls)
            initialiser = cls.members().get("__init__")
            if initialiser is not None:
                module = self._module(cls.module)
                method = _Function(cls.module, initialiser, module, instance, cls.name)
                self._apply(method, positional, named)
            else:
                instance.fields |= dict(zip(cls.fields(), positional, strict=False))
                instance.fields |= named
        return frozenset([self._instances[key]])

    def _apply(
        self, function: _Function, positional: list[_Value], named: dict[str, _Value]
    ) -> _Value:
        bound = self._arguments(function, positional, named)
        key = (function, tuple(sorted((name, value) for name, value in bound.items())))
        if key in self._returns:
            return self._returns[key]
        self._returns[key] = _UNKNOWN  # ends the recursion of a function that calls itself
        outer = function.scope
        file = self._files[function.module].relative_to(ROOT)
        node = function.node
        if isinstance(node, ast.Lambda):
            inner = _Scope(function.module, outer.place if outer else str(file), outer, node=node)
            inner.node = outer.node if outer else node
            inner.names |= bound
            result = self._evaluate(node.body, inner)
        else:
            qualified = f"{function.owner}.{node.name}" if function.owner else node.name
            place = outer.place if outer and outer.node is not None else f"{file}: {qualified}"
            inner = _Scope(function.module, place, outer, node=node)
            inner.names |= bound
            self._run(node.body, inner)
            result = inner.returned
            if not result and node.returns is not None:
                result = self._returned(function, node.returns)
        self._returns[key] = result
        return result

    def _arguments(
        self,
        function: _Function,
        positional: Sequence[_Value],
        named: Mapping[str, _Value],
    ) -> dict[str, _Value]:
        arguments = function.node.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        values = list(positional)
        decorators = (
            {ast.unparse(each) for each in function.node.decorator_list}
            if isinstance(function.node, ast.FunctionDef)
            else set()
        )
        if function.this is not None and "staticmethod" not in decorators:
            values.insert(0, frozenset([function.this]))
        bound = dict(zip(names, values, strict=False))
        known = {*names, *(each.arg for each in arguments.kwonlyargs)}
        bound |= {name: value for name, value in named.items() if name in known}
        if arguments.kwarg is not None:
            rest = tuple((name, value) for name, value in named.items() if name not in known)
            bound[arguments.kwarg.arg] = frozenset([_Record(rest)])
        module = self._module(function.module)
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if not bound.get(each.arg) and each.annotation is not None:
                bound[each.arg] = self._typed(each.annotation, module)
        return bound

    def _returned(self, function: _Function, annotation: ast.expr) -> _Value:
        """Return what a function whose result is unknown returns according to its annotation."""
        this = function.this
        if isinstance(annotation, ast.Name) and annotation.id == "Self" and this is not None:
            cls = this.cls if isinstance(this, _Instance) else this
            return frozenset([self._instances.setdefault(("typed", cls), _Instance(cls))])
        return self._typed(annotation, self._module(function.module))

    def _typed(self, annotation: ast.expr, module: _Scope) -> _Value:
        """Return an instance, with unknown fields, of each of our classes in an annotation."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        found: set[Any] = set()
        for node in ast.walk(annotation):
            if isinstance(node, ast.Name):
                for atom in self._look_up(node.id, module):
                    if isinstance(atom, _Class):
                        found.add(self._instances.setdefault(("typed", atom), _Instance(atom)))
        return frozenset(found)

    def _record_call(
        self, operation: _Operation, named: Mapping[str, _Value], scope: _Scope
    ) -> _Value:
        choices = {name: _texts(named[name]) for name in _NAMING if named.get(name)}
        if named.get("RequestItems"):
            choices["TableName"] = _keys(named["RequestItems"])
        if named.get("Delete"):
            choices["Key"] = _held(named["Delete"], "Key")
        for choice in product(*choices.values()):
            parameters = (*operation.bound, *zip(choices, choice, strict=True))
            missing = scope.node is not None and "NoSuchKey" in ast.dump(scope.node)
            self._calls.add(
                AwsCall(operation.service, operation.operation, parameters, scope.place, missing)
            )
        if operation.operation.startswith("List") and "Prefix" in choices:
            return frozenset(_Listed(f"{prefix}{_ANY}") for prefix in choices["Prefix"])
        return _UNKNOWN


def _dotted(file: Path, folder: Path) -> str:
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _operation(
    service: str, method: str, bound: tuple[tuple[str, str], ...] = ()
) -> _Operation | None:
    name = operations_of(service).get(method)
    return _Operation(service, name, bound) if name else None


def _atoms(atom: Any) -> _Value:
    return frozenset([atom]) if atom else _UNKNOWN


def _union(values: Iterable[_Value]) -> _Value:
    return frozenset().union(*values)


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child


def _texts(value: _Value) -> list[str]:
    """Return the texts that a value may be; `*` alone if it is not known to be a text."""
    found = sorted({a.pattern for a in value if isinstance(a, _Text | _Listed)})
    return found or [_ANY]


def _keys(value: _Value) -> list[str]:
    return [name for atom in value if isinstance(atom, _Record) for name, _ in atom.fields]


def _held(value: _Value, wanted: str) -> list[str]:
    """Return the texts under a key, at any depth."""
    found: list[str] = []
    for atom in value:
        if isinstance(atom, _Record):
            for name, held in atom.fields:
                found += _texts(held) if name == wanted else _held(held, wanted)
    return found


@cache
def _powertools_idempotency() -> tuple[str, ...]:
    """Return the DynamoDB operations of Powertools' persistence layer, read from its source."""
    names = operations_of("dynamodb")
    tree = ast.parse(Path(dynamodb.__file__).read_text())
    return tuple(
        sorted(
            {
                names[node.func.attr]
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) == "self.client"
                and node.func.attr in names
            }
        )
    )
