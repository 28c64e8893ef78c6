//! Parametrisation: the ids that pytest makes of literal values, and the marks that single sets of values bear.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{Expr, ExprCall};

use super::chains::{chain_of, strings_of};
use super::literal::{Literal, escaped, literal, members};
use super::marks::{Mark, MarkLevel, listed};
use super::program::ScopeIx;
use super::resolve::{Resolver, Target};

/// More items than this of one function are not spelled out.
const MAX_ITEMS: usize = 50_000;

/// One parametrisation: every set of values with its id and its marks.
#[derive(Clone, Debug)]
pub(super) struct Axis<'s> {
    pub(super) names: Vec<String>,
    /// Nothing where only running would tell.
    pub(super) sets: Option<Vec<(String, Vec<Mark<'s>>)>>,
    /// The arguments are fixtures that get the values, not values themselves.
    pub(super) indirect: BTreeSet<String>,
    /// What the ids show, for looking at what makes them unstable: the ids themselves where they are given, else the values.
    pub(super) shown: Option<&'s Expr>,
}

/// Returns what a `parametrize` mark gives.
pub(super) fn axis_of_mark<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    call: &'s ExprCall,
) -> Axis<'s> {
    let argument = |at: usize, name: &str| {
        let keyword = call.arguments.find_keyword(name);
        call.arguments.args.get(at).or(keyword.map(|keyword| &keyword.value))
    };
    let names = argument(0, "argnames").map(|expr| names_of(resolver, scope, expr)).unwrap_or_default();
    let values = argument(1, "argvalues");
    let ids = argument(3, "ids").filter(|expr| !matches!(expr, Expr::NoneLiteral(_)));
    let indirect = match argument(2, "indirect") {
        Some(Expr::BooleanLiteral(value)) if value.value => names.iter().cloned().collect(),
        Some(expr @ (Expr::List(_) | Expr::Tuple(_))) => {
            strings_of(expr).into_iter().map(str::to_owned).collect()
        }
        _ => BTreeSet::new(),
    };
    let single = argument(0, "argnames")
        .is_some_and(|expr| matches!(expr, Expr::StringLiteral(text) if !text.value.to_str().contains(',')));
    let sets = values.and_then(|values| sets_of(resolver, scope, &names, single, values, ids));
    Axis { names, sets, indirect, shown: ids.or(values) }
}

/// Returns what the `params` of a fixture give.
pub(super) fn axis_of_fixture<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    name: &str,
    call: &'s ExprCall,
) -> Option<Axis<'s>> {
    let keyword = |name: &str| call.arguments.find_keyword(name).map(|keyword| &keyword.value);
    let values = keyword("params").filter(|expr| !matches!(expr, Expr::NoneLiteral(_)))?;
    let ids = keyword("ids").filter(|expr| !matches!(expr, Expr::NoneLiteral(_)));
    let names = vec![name.to_owned()];
    let sets = sets_of(resolver, scope, &names, true, values, ids);
    Some(Axis { names, sets, indirect: BTreeSet::new(), shown: Some(ids.unwrap_or(values)) })
}

fn names_of<'s>(resolver: &Resolver<'_, 's, '_>, scope: ScopeIx, expr: &'s Expr) -> Vec<String> {
    match literal(resolver, scope, expr) {
        Some(Literal::Text(text)) => {
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        }
        Some(Literal::List(items)) => items
            .into_iter()
            .filter_map(|item| if let Literal::Text(text) = item { Some(text) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the elements of the expression that holds all sets of values, each with the scope it is written in.
fn elements<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    values: &'s Expr,
    depth: u32,
) -> Option<Vec<(ScopeIx, &'s Expr)>> {
    let depth = depth.checked_sub(1)?;
    match values {
        Expr::List(list) => spread(resolver, scope, &list.elts, depth),
        Expr::Tuple(tuple) => spread(resolver, scope, &tuple.elts, depth),
        Expr::BinOp(sum) if sum.op == ruff_python_ast::Operator::Add => {
            let mut all = elements(resolver, scope, &sum.left, depth)?;
            all.extend(elements(resolver, scope, &sum.right, depth)?);
            Some(all)
        }
        Expr::Call(call)
            if call.arguments.args.len() == 1
                && matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "list" | "tuple")) =>
        {
            elements(resolver, scope, &call.arguments.args[0], depth)
        }
        Expr::Name(_) | Expr::Attribute(_) => match resolver.resolve(scope, &chain_of(values)?).target? {
            Target::Scope(ix) => match resolver.program.scope(ix).kind {
                super::program::ScopeKind::Value(value) => {
                    let owner = resolver.program.scope(ix).parent.unwrap_or(ix);
                    let name = resolver.program.scope(ix).name;
                    // What is bound twice, or added to, is decided by running.
                    let bound = resolver
                        .program
                        .scope(owner)
                        .names
                        .iter()
                        .filter(|(other, _)| *other == name)
                        .count();
                    if bound == 1 { elements(resolver, owner, value, depth) } else { None }
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn spread<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    list: &'s [Expr],
    depth: u32,
) -> Option<Vec<(ScopeIx, &'s Expr)>> {
    let mut all = Vec::new();
    for element in list {
        match element {
            Expr::Starred(starred) => all.extend(elements(resolver, scope, &starred.value, depth)?),
            element => all.push((scope, element)),
        }
    }
    Some(all)
}

fn sets_of<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    names: &[String],
    single: bool,
    values: &'s Expr,
    ids: Option<&'s Expr>,
) -> Option<Vec<(String, Vec<Mark<'s>>)>> {
    if names.is_empty() {
        return None;
    }
    let given: Option<Vec<Literal>> = match ids {
        None => None,
        Some(expr) => match literal(resolver, scope, expr)? {
            Literal::List(items) => Some(items),
            // `ids=str`, which shows most values as pytest would.
            Literal::Shown(name) if matches!(name.as_str(), "str" | "repr") => {
                return by_function(resolver, scope, single, values, &name);
            }
            _ => return None,
        },
    };
    let mut sets = Vec::new();
    if let Some(found) = elements(resolver, scope, values, 8) {
        for (at, (owner, element)) in found.into_iter().enumerate() {
            let (parts, own_id, marks) = set_of(resolver, owner, element, single)?;
            let listed = given.as_ref().and_then(|given| given.get(at)).filter(|id| **id != Literal::None);
            let id = match (own_id, listed) {
                (Some(id), _) => escaped(&id),
                (None, Some(id)) => id
                    .id()
                    .or_else(|| if let Literal::Text(text) = id { Some(escaped(text)) } else { None })?,
                (None, None) => {
                    let mut pieces = Vec::new();
                    for (position, name) in names.iter().enumerate() {
                        pieces.push(part_id(&parts, position, name, at)?);
                    }
                    pieces.join("-")
                }
            };
            sets.push((id, marks));
        }
    } else {
        // What is no list that is written out may still be a value that can be told: `range(3)`, an enumeration.
        let Literal::List(items) =
            literal(resolver, scope, values).or_else(|| members(resolver, scope, values, 4))?
        else {
            return None;
        };
        for (at, item) in items.into_iter().enumerate() {
            let listed = given.as_ref().and_then(|given| given.get(at)).filter(|id| **id != Literal::None);
            let id = if let Some(id) = listed {
                id.id()?
            } else {
                let parts = if single {
                    vec![item]
                } else if let Literal::List(parts) = item {
                    parts
                } else {
                    return None;
                };
                if parts.len() != names.len() {
                    return None;
                }
                names
                    .iter()
                    .zip(&parts)
                    .map(|(name, part)| part.id().unwrap_or_else(|| format!("{name}{at}")))
                    .collect::<Vec<_>>()
                    .join("-")
            };
            sets.push((id, Vec::new()));
        }
    }
    if sets.is_empty() {
        sets.push(("NOTSET".to_owned(), Vec::new()));
    }
    make_unique(&mut sets);
    Some(sets)
}

fn by_function<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    single: bool,
    values: &'s Expr,
    function: &str,
) -> Option<Vec<(String, Vec<Mark<'s>>)>> {
    if function != "str" || !single {
        return None;
    }
    let mut sets = Vec::new();
    for (owner, element) in elements(resolver, scope, values, 8)? {
        let (parts, own_id, marks) = set_of(resolver, owner, element, single)?;
        let id = match (own_id, parts.first()?) {
            (Some(id), _) => escaped(&id),
            (None, Part::Known(Literal::Text(text))) => escaped(text),
            (
                None,
                Part::Known(value @ (Literal::Int(_) | Literal::Float(_) | Literal::Bool(_) | Literal::None)),
            ) => value.id()?,
            _ => return None,
        };
        sets.push((id, marks));
    }
    make_unique(&mut sets);
    Some(sets)
}

enum Part<'s> {
    Known(Literal),
    Open(&'s Expr),
}

/// Returns the values of one set, its own id and its marks.
fn set_of<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    element: &'s Expr,
    single: bool,
) -> Option<(Vec<Part<'s>>, Option<String>, Vec<Mark<'s>>)> {
    let part = |expr: &'s Expr| literal(resolver, scope, expr).map_or(Part::Open(expr), Part::Known);
    if let Expr::Call(call) = element
        && chain_of(&call.func).is_some_and(|chain| chain.last() == Some(&"param"))
    {
        let keyword = |name: &str| call.arguments.find_keyword(name).map(|keyword| &keyword.value);
        let id = match keyword("id").filter(|expr| !matches!(expr, Expr::NoneLiteral(_))) {
            None => None,
            Some(expr) => match literal(resolver, scope, expr)? {
                Literal::Text(text) => Some(text),
                _ => return None,
            },
        };
        let marks = keyword("marks")
            .map(|expr| listed(resolver, scope, expr, MarkLevel::Parameters))
            .unwrap_or_default();
        return Some((call.arguments.args.iter().map(part).collect(), id, marks));
    }
    if single {
        return Some((vec![part(element)], None, Vec::new()));
    }
    match element {
        Expr::Tuple(tuple) => Some((tuple.elts.iter().map(part).collect(), None, Vec::new())),
        Expr::List(list) => Some((list.elts.iter().map(part).collect(), None, Vec::new())),
        element => match literal(resolver, scope, element)? {
            Literal::List(parts) => Some((parts.into_iter().map(Part::Known).collect(), None, Vec::new())),
            _ => None,
        },
    }
}

fn part_id(parts: &[Part<'_>], position: usize, name: &str, at: usize) -> Option<String> {
    match parts.get(position)? {
        Part::Known(value) => Some(value.id().unwrap_or_else(|| format!("{name}{at}"))),
        Part::Open(expr) => shown_object(expr).then(|| format!("{name}{at}")),
    }
}

/// Returns whether an expression surely gives an object that shows as its argument's name: a list or dict that
/// holds what can't be told.
fn shown_object(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Dict(_)
            | Expr::Set(_)
            | Expr::ListComp(_)
            | Expr::DictComp(_)
            | Expr::SetComp(_)
            | Expr::Generator(_)
    )
}

/// Numbers the ids that are there more than once, as pytest does.
fn make_unique(sets: &mut [(String, Vec<Mark<'_>>)]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (id, _) in sets.iter() {
        *counts.entry(id.clone()).or_default() += 1;
    }
    if counts.values().all(|count| *count == 1) {
        return;
    }
    let mut taken: BTreeSet<String> = counts.keys().cloned().collect();
    let mut suffixes: BTreeMap<String, usize> = BTreeMap::new();
    for (id, _) in sets.iter_mut() {
        if counts.get(id.as_str()).is_some_and(|count| *count > 1) {
            let parting = if id.ends_with(|c: char| c.is_numeric()) { "_" } else { "" };
            let suffix = suffixes.entry(id.clone()).or_default();
            let mut fresh = format!("{id}{parting}{suffix}");
            while taken.contains(&fresh) {
                *suffix += 1;
                fresh = format!("{id}{parting}{suffix}");
            }
            *suffix += 1;
            taken.insert(fresh.clone());
            *id = fresh;
        }
    }
}

/// One item of a function: what stands between the brackets of its id, and the marks of its values alone.
pub(super) type Item<'s> = (String, Vec<Mark<'s>>);

/// Returns every combination of the axes, or nothing where one of them is not known or there are too many.
pub(super) fn combined<'s>(axes: &[Axis<'s>]) -> Option<Vec<Item<'s>>> {
    let mut items: Vec<Item<'s>> = vec![(String::new(), Vec::new())];
    for (at, axis) in axes.iter().enumerate() {
        let sets = axis.sets.as_ref()?;
        if items.len().checked_mul(sets.len())? > MAX_ITEMS {
            return None;
        }
        let mut next = Vec::with_capacity(items.len() * sets.len());
        for (id, marks) in &items {
            for (part, more) in sets {
                let joined = if at == 0 { part.clone() } else { format!("{id}-{part}") };
                next.push((joined, marks.iter().chain(more).cloned().collect()));
            }
        }
        items = next;
    }
    Some(items)
}

/// Returns what in the values of a parametrisation gives another id in every run, with where it stands.
#[expect(clippy::too_many_lines, reason = "one table: a kind of expression, and why it differs")]
pub(super) fn unstable<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    values: &'s Expr,
) -> Option<(ScopeIx, ruff_text_size::TextRange, &'static str)> {
    use ruff_text_size::Ranged as _;
    let mut open = vec![(scope, values, 0_u32)];
    while let Some((scope, expr, depth)) = open.pop() {
        if depth > 6 {
            continue;
        }
        let mut push = |inner: &'s Expr| open.push((scope, inner, depth + 1));
        match expr {
            Expr::List(list) => list.elts.iter().rev().for_each(&mut push),
            Expr::Tuple(tuple) => tuple.elts.iter().rev().for_each(&mut push),
            Expr::Starred(starred) => push(&starred.value),
            // `ids=lambda value: str(id(value))`
            Expr::Lambda(lambda) => push(&lambda.body),
            Expr::BinOp(sum) => {
                push(&sum.left);
                push(&sum.right);
            }
            // The order of a set of texts differs from run to run.
            Expr::Set(set)
                if depth == 0
                    && set.elts.len() > 1
                    && set
                        .elts
                        .iter()
                        .any(|element| matches!(element, Expr::StringLiteral(_) | Expr::FString(_))) =>
            {
                return Some((scope, expr.range(), "the order of a set of texts"));
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let ruff_python_ast::InterpolatedStringElement::Interpolation(part) = element {
                        push(&part.expression);
                    }
                }
            }
            Expr::Call(call) => {
                if let Some((range, why)) = made_of(resolver, scope, call) {
                    return Some((scope, range, why));
                }
                let Some(chain) = chain_of(&call.func) else { continue };
                if chain.last() == Some(&"param") {
                    let has_id = call.arguments.find_keyword("id").is_some();
                    if !has_id {
                        call.arguments.args.iter().rev().for_each(&mut push);
                    }
                    continue;
                }
                // A list of a set has the order of the set.
                if let (["list" | "tuple"], [listed]) = (&*chain, &*call.arguments.args) {
                    open.push((scope, listed, depth));
                    continue;
                }
                if let (["set" | "frozenset"], 0) = (&*chain, depth) {
                    return Some((scope, expr.range(), "the order of a set"));
                }
                // What makes a text or number of them shows it.
                if matches!(
                    chain.last(),
                    Some(
                        &"str"
                            | &"repr"
                            | &"int"
                            | &"hex"
                            | &"format"
                            | &"isoformat"
                            | &"strftime"
                            | &"timestamp"
                    )
                ) {
                    call.arguments.args.iter().for_each(&mut push);
                    if let Expr::Attribute(attribute) = &*call.func {
                        push(&attribute.value);
                    }
                }
                if let Some(Target::External(path)) = resolver.resolve(scope, &chain).target {
                    let why = match path.as_str() {
                        "time.time" | "time.time_ns" | "time.monotonic" | "time.perf_counter" => "the time",
                        "random.random"
                        | "random.randint"
                        | "random.choice"
                        | "random.sample"
                        | "random.randrange"
                        | "random.uniform"
                        | "secrets.token_hex"
                        | "secrets.token_urlsafe"
                        | "secrets.randbelow"
                        | "os.urandom" => "a random value",
                        "os.getpid" => "the process's number",
                        "tempfile.mkdtemp" | "tempfile.mktemp" | "tempfile.gettempdir" => "a temporary path",
                        _ => continue,
                    };
                    return Some((scope, expr.range(), why));
                }
                if shows(&chain) {
                    return Some((scope, expr.range(), "the memory address of an object"));
                }
            }
            Expr::Attribute(attribute) => {
                // `uuid.uuid4().hex`
                push(&attribute.value);
            }
            Expr::Name(_) => {
                if let Some(chain) = chain_of(expr)
                    && let Some(Target::Scope(ix)) = resolver.resolve(scope, &chain).target
                    && let super::program::ScopeKind::Value(value) = resolver.program.scope(ix).kind
                {
                    open.push((
                        resolver.program.scope(ix).parent.unwrap_or(ix),
                        value,
                        depth + u32::from(depth > 0),
                    ));
                }
            }
            _ => {}
        }
    }
    None
}

/// `str(uuid.uuid4())`, `datetime.now().isoformat()`: texts that differ in every run.
fn made_of(
    resolver: &Resolver<'_, '_, '_>,
    scope: ScopeIx,
    call: &ExprCall,
) -> Option<(ruff_text_size::TextRange, &'static str)> {
    use ruff_text_size::Ranged as _;
    let fresh = |expr: &Expr| {
        let Expr::Call(inner) = expr else { return None };
        let chain = chain_of(&inner.func)?;
        match resolver.resolve(scope, &chain).target {
            Some(Target::External(path)) => match path.as_str() {
                "uuid.uuid1" | "uuid.uuid4" | "uuid.uuid6" | "uuid.uuid7" => Some("a fresh uuid"),
                "datetime.datetime.now"
                | "datetime.datetime.utcnow"
                | "datetime.datetime.today"
                | "datetime.date.today" => Some("the present time"),
                _ => None,
            },
            _ => match &*chain {
                ["object"] => Some("the memory address of an object"),
                _ => None,
            },
        }
    };
    if matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "id") {
        return Some((call.range(), "the memory address of an object"));
    }
    let shown = match &*call.func {
        Expr::Name(name) if matches!(name.id.as_str(), "str" | "repr" | "hash") => {
            call.arguments.args.first()?
        }
        Expr::Attribute(attribute)
            if matches!(
                attribute.attr.as_str(),
                "isoformat" | "strftime" | "timestamp" | "format" | "hex"
            ) =>
        {
            &attribute.value
        }
        _ => return None,
    };
    fresh(shown).map(|why| (call.range(), why))
}

fn shows(chain: &[&str]) -> bool {
    matches!(chain, ["id"])
}
