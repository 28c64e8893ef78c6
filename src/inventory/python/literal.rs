//! Values that can be told without running anything, and the ids that pytest makes of them.

use ruff_python_ast::{Expr, Number, Operator, UnaryOp};

use super::chains::chain_of;
use super::program::{Binding, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};

/// How deep values are followed.
const MAX_DEPTH: u32 = 12;
/// The longest list that is spelled out.
const MAX_ITEMS: usize = 20_000;

/// What a value is, as far as an id or a mark's argument can tell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Bytes(Vec<u8>),
    Int(i128),
    Float(f64),
    Bool(bool),
    None,
    /// Something whose text is known: a class, a function, a member of an enumeration.
    Shown(String),
    /// An object of which only that it is none of the above is known.
    Object,
    /// A list or tuple.
    List(Vec<Self>),
}

/// Returns the value of an expression, or nothing where only running it would tell.
pub(super) fn literal<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    expr: &'s Expr,
) -> Option<Literal> {
    evaluate(resolver, scope, expr, MAX_DEPTH)
}

fn evaluate<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    expr: &'s Expr,
    depth: u32,
) -> Option<Literal> {
    let depth = depth.checked_sub(1)?;
    let inner = |expr: &'s Expr| evaluate(resolver, scope, expr, depth);
    Some(match expr {
        Expr::StringLiteral(text) => Literal::Text(text.value.to_str().to_owned()),
        Expr::BytesLiteral(bytes) => Literal::Bytes(bytes.value.bytes().collect()),
        Expr::BooleanLiteral(value) => Literal::Bool(value.value),
        Expr::NoneLiteral(_) => Literal::None,
        Expr::EllipsisLiteral(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::DictComp(_)
        | Expr::SetComp(_)
        | Expr::Generator(_) => Literal::Object,
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => Literal::Int(int.as_u64().map(i128::from)?),
            Number::Float(value) => Literal::Float(*value),
            Number::Complex { .. } => return None,
        },
        Expr::UnaryOp(unary) => match (unary.op, inner(&unary.operand)?) {
            (UnaryOp::USub, Literal::Int(value)) => Literal::Int(-value),
            (UnaryOp::USub, Literal::Float(value)) => Literal::Float(-value),
            (UnaryOp::UAdd, value @ (Literal::Int(_) | Literal::Float(_))) => value,
            (UnaryOp::Not, Literal::Bool(value)) => Literal::Bool(!value),
            _ => return None,
        },
        Expr::BinOp(binary) => operation(binary.op, inner(&binary.left)?, inner(&binary.right)?)?,
        Expr::FString(text) => {
            let mut whole = String::new();
            for element in text.value.elements() {
                match element {
                    ruff_python_ast::InterpolatedStringElement::Literal(literal) => {
                        whole.push_str(&literal.value);
                    }
                    ruff_python_ast::InterpolatedStringElement::Interpolation(part) => {
                        if part.conversion != ruff_python_ast::ConversionFlag::None
                            || part.format_spec.is_some()
                            || part.debug_text.is_some()
                        {
                            return None;
                        }
                        match inner(&part.expression)? {
                            Literal::Text(text) => whole.push_str(&text),
                            Literal::Int(value) => whole.push_str(&value.to_string()),
                            _ => return None,
                        }
                    }
                }
            }
            Literal::Text(whole)
        }
        Expr::List(list) => Literal::List(items(resolver, scope, &list.elts, depth)?),
        Expr::Tuple(tuple) => Literal::List(items(resolver, scope, &tuple.elts, depth)?),
        Expr::Lambda(_) => Literal::Shown("<lambda>".to_owned()),
        Expr::Name(_) | Expr::Attribute(_) => return named(resolver, scope, expr, depth),
        Expr::Call(call) => return called(resolver, scope, call, depth),
        _ => return None,
    })
}

fn items<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    elements: &'s [Expr],
    depth: u32,
) -> Option<Vec<Literal>> {
    let mut values = Vec::new();
    for element in elements {
        match element {
            Expr::Starred(starred) => match evaluate(resolver, scope, &starred.value, depth)? {
                Literal::List(more) => values.extend(more),
                _ => return None,
            },
            element => values.push(evaluate(resolver, scope, element, depth)?),
        }
        if values.len() > MAX_ITEMS {
            return None;
        }
    }
    Some(values)
}

fn operation(op: Operator, left: Literal, right: Literal) -> Option<Literal> {
    let number = |value: &Literal| match value {
        Literal::Int(value) => Some(*value as f64),
        Literal::Float(value) => Some(*value),
        _ => None,
    };
    Some(match (op, left, right) {
        (Operator::Add, Literal::Int(a), Literal::Int(b)) => Literal::Int(a.checked_add(b)?),
        (Operator::Sub, Literal::Int(a), Literal::Int(b)) => Literal::Int(a.checked_sub(b)?),
        (Operator::Mult, Literal::Int(a), Literal::Int(b)) => Literal::Int(a.checked_mul(b)?),
        (Operator::FloorDiv, Literal::Int(a), Literal::Int(b)) if b > 0 => Literal::Int(a.div_euclid(b)),
        (Operator::Pow, Literal::Int(a), Literal::Int(b)) => {
            Literal::Int(a.checked_pow(u32::try_from(b).ok()?)?)
        }
        (Operator::LShift, Literal::Int(a), Literal::Int(b)) if (0..64).contains(&b) => {
            Literal::Int(a.checked_mul(1_i128 << b)?)
        }
        (Operator::Add, Literal::Text(a), Literal::Text(b)) => Literal::Text(a + &b),
        (Operator::Add, Literal::Bytes(a), Literal::Bytes(b)) => Literal::Bytes([a, b].concat()),
        (Operator::Add, Literal::List(a), Literal::List(b)) => Literal::List([a, b].concat()),
        (Operator::Mult, Literal::Text(text), Literal::Int(times))
        | (Operator::Mult, Literal::Int(times), Literal::Text(text)) => {
            let times = usize::try_from(times.max(0)).ok()?;
            if text.len().checked_mul(times)? > 1 << 20 {
                return None;
            }
            Literal::Text(text.repeat(times))
        }
        (Operator::Mult, Literal::List(list), Literal::Int(times)) => {
            let times = usize::try_from(times.max(0)).ok()?;
            if list.len().checked_mul(times)? > MAX_ITEMS {
                return None;
            }
            Literal::List(std::iter::repeat_n(list, times).flatten().collect())
        }
        (op, a, b) => {
            let (a, b) = (number(&a)?, number(&b)?);
            Literal::Float(match op {
                Operator::Add => a + b,
                Operator::Sub => a - b,
                Operator::Mult => a * b,
                Operator::Div if b != 0.0 => a / b,
                _ => return None,
            })
        }
    })
}

fn named<'s>(resolver: &Resolver<'_, 's, '_>, scope: ScopeIx, expr: &'s Expr, depth: u32) -> Option<Literal> {
    let chain = chain_of(expr)?;
    let program = resolver.program;
    match resolver.resolve(scope, &chain).target {
        Some(Target::Scope(ix)) => {
            let target = program.scope(ix);
            match target.kind {
                ScopeKind::Class(_) | ScopeKind::Function(_) => Some(Literal::Shown(target.name.to_owned())),
                ScopeKind::Value(value) => {
                    let parent = target.parent.unwrap_or(ix);
                    if let ScopeKind::Class(_) = program.scope(parent).kind
                        && let Some(member) = enum_member(resolver, parent, target.name, value, depth)
                    {
                        return Some(member);
                    }
                    // One name that is bound twice is decided by running.
                    let bound =
                        program.scope(parent).names.iter().filter(|(name, _)| *name == target.name).count();
                    if bound == 1 { evaluate(resolver, parent, value, depth) } else { None }
                }
                ScopeKind::Module => Some(Literal::Object),
            }
        }
        Some(Target::Instance(class)) => instance(resolver, class),
        Some(Target::External(path)) => external_name(&path),
        None => match (chain.len(), chain[0]) {
            (1, name) if BUILTINS.contains(&name) => Some(Literal::Shown(name.to_owned())),
            _ => None,
        },
    }
}

/// Names of classes and functions that are always there.
const BUILTINS: &[&str] = &[
    "int",
    "str",
    "float",
    "bool",
    "bytes",
    "list",
    "dict",
    "set",
    "tuple",
    "object",
    "type",
    "frozenset",
    "bytearray",
    "complex",
    "len",
    "sum",
    "min",
    "max",
    "sorted",
    "reversed",
    "repr",
    "print",
    "iter",
    "next",
    "abs",
    "all",
    "any",
    "range",
    "Exception",
    "ValueError",
    "TypeError",
    "KeyError",
    "RuntimeError",
    "AttributeError",
    "IndexError",
    "OSError",
    "IOError",
    "NotImplementedError",
    "StopIteration",
    "ZeroDivisionError",
    "AssertionError",
    "ImportError",
    "ConnectionError",
    "TimeoutError",
    "PermissionError",
    "FileNotFoundError",
    "KeyboardInterrupt",
    "SystemExit",
    "BaseException",
    "ArithmeticError",
    "LookupError",
    "UnicodeDecodeError",
    "ConnectionResetError",
    "ConnectionRefusedError",
    "BrokenPipeError",
    "EOFError",
    "MemoryError",
    "OverflowError",
    "RecursionError",
    "FileExistsError",
    "InterruptedError",
    "Warning",
    "UserWarning",
    "DeprecationWarning",
    "memoryview",
    "callable",
    "id",
    "hash",
    "map",
    "filter",
    "zip",
    "enumerate",
];

/// What a name of a library most surely is: a class bears its own name.
fn external_name(path: &str) -> Option<Literal> {
    match path {
        "math.inf" | "numpy.inf" => return Some(Literal::Float(f64::INFINITY)),
        "math.nan" | "numpy.nan" => return Some(Literal::Float(f64::NAN)),
        "math.pi" => return Some(Literal::Float(std::f64::consts::PI)),
        _ => {}
    }
    let last = path.rsplit('.').next().unwrap_or(path);
    let camel = last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase);
    let class_above = path.rsplit('.').nth(1).is_some_and(|above| above.starts_with(char::is_uppercase));
    (camel && !class_above).then(|| Literal::Shown(last.to_owned()))
}

/// An object of a class of the program shows as its argument's name, unless the class is a text or a number.
fn instance(resolver: &Resolver<'_, '_, '_>, class: ScopeIx) -> Option<Literal> {
    let opaque = resolver.mro(class).iter().all(|base| match base {
        Target::Scope(base) => resolver.program.scope(*base).binding("__name__").is_none(),
        Target::External(path) => !matches!(path.as_str(), "enum.Enum" | "enum.IntEnum" | "enum.StrEnum"),
        Target::Instance(_) => true,
    });
    let plain = match resolver.program.scope(class).kind {
        ScopeKind::Class(def) => !def.bases().iter().any(|base| matches!(base, Expr::Name(name) if matches!(name.id.as_str(), "str" | "int" | "float" | "bytes"))),
        _ => false,
    };
    (opaque && plain).then_some(Literal::Object)
}

/// Returns how a member of an enumeration shows, where the class is one.
fn enum_member<'s>(
    resolver: &Resolver<'_, 's, '_>,
    class: ScopeIx,
    name: &str,
    value: &'s Expr,
    depth: u32,
) -> Option<Literal> {
    let bases = resolver.mro(class);
    let is = |wanted: &[&str]| {
        bases.iter().any(|base| matches!(base, Target::External(path) if wanted.contains(&path.as_str())))
    };
    let mixes = |wanted: &str| {
        bases.iter().any(|base| match base {
            Target::Scope(base) => match resolver.program.scope(*base).kind {
                ScopeKind::Class(def) => def
                    .bases()
                    .iter()
                    .any(|base| matches!(base, Expr::Name(name) if name.id.as_str() == wanted)),
                _ => false,
            },
            _ => false,
        })
    };
    let enumeration = is(&[
        "enum.Enum",
        "enum.IntEnum",
        "enum.StrEnum",
        "enum.Flag",
        "enum.IntFlag",
        "django.db.models.TextChoices",
        "django.db.models.IntegerChoices",
    ]);
    if !enumeration {
        return None;
    }
    if is(&["enum.StrEnum", "enum.IntEnum"]) || mixes("str") {
        return match evaluate(resolver, class, value, depth)? {
            text @ (Literal::Text(_) | Literal::Int(_)) => Some(text),
            _ => None,
        };
    }
    is(&["enum.Enum"]).then(|| Literal::Shown(format!("{}.{name}", resolver.program.scope(class).name)))
}

fn called<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    call: &'s ruff_python_ast::ExprCall,
    depth: u32,
) -> Option<Literal> {
    let chain = chain_of(&call.func)?;
    let args = &call.arguments.args;
    let inner = |at: usize| args.get(at).and_then(|arg| evaluate(resolver, scope, arg, depth));
    match resolver.resolve(scope, &chain).target {
        Some(Target::Scope(ix)) => match resolver.program.scope(ix).kind {
            ScopeKind::Class(_) => instance(resolver, ix),
            _ => None,
        },
        Some(Target::External(path)) => {
            if path.as_str() == "re.compile" {
                inner(0).and_then(|pattern| {
                    if let Literal::Text(text) = pattern { Some(Literal::Shown(text)) } else { None }
                })
            } else {
                let last = path.rsplit('.').next().unwrap_or(&path);
                let known = matches!(
                    path.as_str(),
                    "datetime.date"
                        | "datetime.datetime"
                        | "datetime.timedelta"
                        | "decimal.Decimal"
                        | "uuid.UUID"
                        | "pathlib.Path"
                        | "fractions.Fraction"
                        | "datetime.time"
                        | "functools.partial"
                );
                let camel = last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase);
                (known || camel).then_some(Literal::Object)
            }
        }
        Some(Target::Instance(_)) => None,
        None => match (&*chain, args.len()) {
            (["range"], 1..=3) if call.arguments.keywords.is_empty() => {
                let number = |at: usize| match inner(at) {
                    Some(Literal::Int(value)) => Some(value),
                    _ => None,
                };
                let (first, end, stride) = match args.len() {
                    1 => (0, number(0)?, 1),
                    2 => (number(0)?, number(1)?, 1),
                    _ => (number(0)?, number(1)?, number(2)?),
                };
                let mut values = Vec::new();
                let mut at = first;
                while stride != 0 && (stride > 0 && at < end || stride < 0 && at > end) {
                    values.push(Literal::Int(at));
                    at += stride;
                    if values.len() > MAX_ITEMS {
                        return None;
                    }
                }
                Some(Literal::List(values))
            }
            (["list" | "tuple"], 1) => match args[0] {
                Expr::Name(_) | Expr::Attribute(_) => {
                    members(resolver, scope, &args[0], depth).or_else(|| match inner(0)? {
                        list @ Literal::List(_) => Some(list),
                        _ => None,
                    })
                }
                _ => match inner(0)? {
                    list @ Literal::List(_) => Some(list),
                    _ => None,
                },
            },
            (["object" | "dict" | "set" | "frozenset" | "bytearray" | "iter"], _) => Some(Literal::Object),
            (["str"], 1) => match inner(0)? {
                Literal::Int(value) => Some(Literal::Text(value.to_string())),
                text @ Literal::Text(_) => Some(text),
                _ => None,
            },
            (["float"], 1) => match inner(0)? {
                Literal::Text(text) => match text.as_str() {
                    "inf" => Some(Literal::Float(f64::INFINITY)),
                    "-inf" => Some(Literal::Float(f64::NEG_INFINITY)),
                    "nan" => Some(Literal::Float(f64::NAN)),
                    _ => None,
                },
                _ => None,
            },
            ([name], _) if name.ends_with("Error") || *name == "Exception" => Some(Literal::Object),
            _ => None,
        },
    }
}

/// Returns the members of an enumeration in their order.
pub(super) fn members<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    expr: &'s Expr,
    depth: u32,
) -> Option<Literal> {
    let Some(Target::Scope(class)) = resolver.resolve(scope, &chain_of(expr)?).target else { return None };
    let program = resolver.program;
    if !matches!(program.scope(class).kind, ScopeKind::Class(_)) {
        return None;
    }
    let mut values = Vec::new();
    for (name, binding) in &program.scope(class).names {
        if let Binding::Scope(ix) = binding
            && let ScopeKind::Value(value) = program.scope(*ix).kind
            && !name.starts_with('_')
        {
            values.push(enum_member(resolver, class, name, value, depth)?);
        }
    }
    (!values.is_empty()).then_some(Literal::List(values))
}

impl Literal {
    /// Returns the text that pytest puts into an id for the value, where it does not fall back on the argument's
    /// name.
    pub(super) fn id(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => {
                if text.chars().count() > 100 {
                    return None;
                }
                escaped(text)
            }
            Self::Bytes(bytes) => {
                if bytes.len() > 100 {
                    return None;
                }
                bytes.iter().map(|byte| escaped_byte(*byte)).collect()
            }
            Self::Int(value) => value.to_string(),
            Self::Float(value) => python_float(*value),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::None => "None".to_owned(),
            Self::Shown(text) => escaped(text),
            Self::Object | Self::List(_) => return None,
        })
    }
}

/// Returns a text in ASCII as Python's `unicode_escape` writes it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out
}

fn escaped_byte(byte: u8) -> String {
    match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    }
}

/// Returns a number as Python's `repr` writes it.
fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let magnitude = value.abs();
    if value != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = value.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_show_as_in_python() {
        for (value, shown) in [
            (1.0, "1.0"),
            (2.5, "2.5"),
            (1e20, "1e+20"),
            (1.5e-7, "1.5e-07"),
            (-0.001, "-0.001"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(python_float(value), shown);
        }
        assert_eq!(Literal::Text("é\n\\☃".to_owned()).id().as_deref(), Some("\\xe9\\n\\\\\\u2603"));
        assert_eq!(Literal::Text("x".repeat(101)).id(), None);
    }
}
