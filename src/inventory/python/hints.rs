//! What an expression gives away about an address: the literal texts, numbers and names that it is made of.

use std::collections::{BTreeSet, HashMap};

use ruff_python_ast::{Expr, ExprFString, InterpolatedStringElement, Number};

use super::chains::{chain_of, is_name};
use super::program::{Binding, Program, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};
use super::shapes::returns_of;
use super::visible::parametrised;

/// How deep values are followed, and how many expressions are looked at for one address.
const MAX_DEPTH: u32 = 8;
const MAX_LOOKS: u32 = 200;

/// The parts of an expression, followed through names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// Literal texts, those of f-strings among them.
    pub(super) texts: Vec<String>,
    /// Literal whole numbers.
    pub(super) numbers: Vec<u64>,
    /// Names of variables, attributes and environment variables.
    pub(super) words: Vec<String>,
    /// The parameters that it depends on, each by its function and position: of the function around, or of the
    /// constructor that keeps them.
    pub(super) open: Vec<(ScopeIx, usize)>,
}

/// Whether the defaults of parameters count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    Count,
    LeftOut,
}

/// Returns what an expression within a scope is made of.
pub(super) fn hints_of<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    exprs: impl IntoIterator<Item = &'s Expr>,
) -> Hints {
    hints_with(resolver, scope, exprs, Defaults::Count)
}

/// Returns what an expression within a scope is made of, with or without what parameters are where nobody says otherwise.
pub(super) fn hints_with<'s>(
    resolver: &Resolver<'_, 's, '_>,
    scope: ScopeIx,
    exprs: impl IntoIterator<Item = &'s Expr>,
    defaults: Defaults,
) -> Hints {
    let (hints, seen) = (Hints::default(), BTreeSet::new());
    let mut reader = Reader { resolver, hints, seen, looks: MAX_LOOKS, defaults };
    for expr in exprs {
        reader.read(scope, expr, MAX_DEPTH);
    }
    reader.hints
}

/// Returns whether a call or a subscript of this name asks for a variable of the environment.
fn asks_environment(chain: &[&str]) -> bool {
    chain.contains(&"environ")
        || chain.last().is_some_and(|last| matches!(*last, "getenv" | "config"))
        || chain.first() == Some(&"env")
}

/// The methods that validate the fields of pydantic's classes.
pub(super) type Validators<'s> = HashMap<ScopeIx, HashMap<&'s str, Vec<ScopeIx>>>;

/// Finds the validators of all classes: `@field_validator("url")`.
pub(super) fn validators<'s>(program: &Program<'s>) -> Validators<'s> {
    let mut found = Validators::new();
    for method in program.scope_indices() {
        let scope = program.scope(method);
        let (ScopeKind::Function(def), Some(class)) = (scope.kind, scope.parent) else { continue };
        for decorator in &def.decorator_list {
            let Expr::Call(call) = &decorator.expression else { continue };
            if is_name(&call.func, &["field_validator", "validator"]) {
                let fields = call.arguments.args.iter().filter_map(Expr::as_string_literal_expr);
                for field in fields {
                    found.entry(class).or_default().entry(field.value.to_str()).or_default().push(method);
                }
            }
        }
    }
    found
}

struct Reader<'r, 'p, 's, 't> {
    resolver: &'r Resolver<'p, 's, 't>,
    hints: Hints,
    seen: BTreeSet<(ScopeIx, String)>,
    looks: u32,
    defaults: Defaults,
}

impl<'s> Reader<'_, '_, 's, '_> {
    fn read(&mut self, scope: ScopeIx, expr: &'s Expr, depth: u32) {
        // A name is nothing by itself, and each is followed once.
        let chain = if expr.is_name_expr() || expr.is_attribute_expr() { chain_of(expr) } else { None };
        let step = u32::from(chain.is_none());
        let (Some(depth), Some(looks)) = (depth.checked_sub(step), self.looks.checked_sub(1)) else { return };
        self.looks = looks;
        match expr {
            Expr::StringLiteral(text) => self.hints.texts.push(text.value.to_str().to_owned()),
            Expr::NumberLiteral(number) => {
                if let Number::Int(int) = &number.value {
                    self.hints.numbers.extend(int.as_u64());
                }
            }
            Expr::FString(text) => self.formatted(scope, text, depth),
            Expr::Name(_) | Expr::Attribute(_) => {
                if let Some(chain) = chain {
                    self.name(scope, &chain, depth);
                } else if let Expr::Attribute(attribute) = expr {
                    self.hints.words.push(attribute.attr.as_str().to_owned());
                    // `get_settings().database_url`: the attribute of what the call gives.
                    match self.resolver.value(scope, &attribute.value, &mut Vec::new(), 16) {
                        Some(Target::Instance(class) | Target::Scope(class)) => {
                            self.attribute(class, attribute.attr.as_str(), depth);
                        }
                        _ => self.read(scope, &attribute.value, depth),
                    }
                }
            }
            Expr::Call(call) => {
                if let Some(chain) = chain_of(&call.func) {
                    if asks_environment(&chain)
                        && let Some(Expr::StringLiteral(name)) = call.arguments.args.first()
                        && self.variable(name.value.to_str())
                    {
                        return;
                    }
                    self.hints.words.extend(chain.last().map(|name| (*name).to_owned()));
                    if let Some(Target::Scope(callee)) = self.resolver.resolve(scope, &chain).target {
                        self.scope(callee, depth);
                    }
                    // `url.replace("+asyncpg", "")` is still about `url`.
                    if chain.len() > 1 {
                        self.name(scope, &chain[..chain.len() - 1], depth);
                    }
                } else {
                    self.read(scope, &call.func, depth);
                }
                for arg in &call.arguments.args {
                    self.read(scope, arg, depth);
                }
                for keyword in &call.arguments.keywords {
                    if let Some(name) = &keyword.arg {
                        self.hints.words.push(name.as_str().to_owned());
                    }
                    self.read(scope, &keyword.value, depth);
                }
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.read(scope, element, depth)),
            Expr::List(list) => list.elts.iter().for_each(|element| self.read(scope, element, depth)),
            Expr::Dict(dict) => {
                for item in &dict.items {
                    self.read(scope, &item.value, depth);
                }
            }
            Expr::BinOp(binary) => {
                self.read(scope, &binary.left, depth);
                self.read(scope, &binary.right, depth);
            }
            Expr::BoolOp(choice) => choice.values.iter().for_each(|value| self.read(scope, value, depth)),
            Expr::If(choice) => {
                self.read(scope, &choice.body, depth);
                self.read(scope, &choice.orelse, depth);
            }
            Expr::Await(inner) => self.read(scope, &inner.value, depth),
            Expr::Subscript(subscript) => {
                if let (Expr::StringLiteral(name), Some(chain)) =
                    (&*subscript.slice, chain_of(&subscript.value))
                    && asks_environment(&chain)
                    && self.variable(name.value.to_str())
                {
                    return;
                }
                self.read(scope, &subscript.value, depth);
                if let Expr::StringLiteral(key) = &*subscript.slice {
                    self.hints.words.push(key.value.to_str().to_owned());
                }
            }
            Expr::Starred(starred) => self.read(scope, &starred.value, depth),
            Expr::Named(named) => self.read(scope, &named.value, depth),
            _ => {}
        }
    }

    fn formatted(&mut self, scope: ScopeIx, text: &'s ExprFString, depth: u32) {
        let mut whole = String::new();
        let mut first_put_in = None;
        for element in text.value.elements() {
            match element {
                InterpolatedStringElement::Literal(literal) => whole.push_str(&literal.value),
                InterpolatedStringElement::Interpolation(inner) => {
                    whole.push('…');
                    let before = self.hints.texts.len();
                    self.read(scope, &inner.expression, depth);
                    first_put_in.get_or_insert(before..self.hints.texts.len());
                }
            }
        }
        // `f"django.db.backends.{engine}"`, `f"{scheme}://db"`: what is put in says it.
        if whole.contains("backends.…") || whole.starts_with("…://") || whole.starts_with("…+") {
            let plain = |text: &&String| {
                text.starts_with(|first: char| first.is_ascii_lowercase())
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+'))
            };
            let put_in = self.hints.texts[first_put_in.unwrap_or_default()].iter().filter(plain);
            let complete: Vec<String> = put_in.map(|text| whole.replacen('…', text, 1)).collect();
            self.hints.texts.extend(complete);
        }
        self.hints.texts.push(whole);
    }

    fn name(&mut self, scope: ScopeIx, chain: &[&'s str], depth: u32) {
        self.hints.words.extend(chain.iter().map(|name| (*name).to_owned()));
        // What a function assigned, read in its own right: a `Local` holds more than the class of its value.
        let mut at = Some(scope);
        while let Some(ix) = at {
            let here = self.resolver.program.scope(ix);
            match here.binding(chain[0]) {
                Some(Binding::Parameter(_)) if matches!(here.kind, ScopeKind::Function(_)) => {
                    if !matches!(chain[0], "self" | "cls") {
                        // `config.database_url`, where a fixture gives the configuration.
                        if let [before @ .., last] = chain
                            && !before.is_empty()
                            && self.resolver.fixtures.find(self.resolver.program, ix, chain[0]).is_some()
                            && let Some(Target::Instance(class)) = self.resolver.resolve(scope, before).target
                        {
                            self.attribute(class, last, depth);
                        }
                        self.parameter(ix, chain[0], depth);
                        return;
                    }
                    break;
                }
                Some(Binding::Element(values, owner)) => {
                    if self.seen.insert((ix, chain[0].to_owned())) {
                        self.read(owner, values, depth);
                    }
                    return;
                }
                Some(Binding::Local(value, owner)) => {
                    if self.seen.insert((ix, chain[0].to_owned())) {
                        let written = self.resolver.program.written_as(ix);
                        for (name, binding) in &here.names {
                            if let (true, Binding::Local(other, owner)) = (*name == chain[0], binding) {
                                self.read(if *owner == written { ix } else { *owner }, other, depth);
                            }
                        }
                        // `if not url: url = config.url`: what the parameter is may be meant as well.
                        let is_given = |(name, binding): &(&str, Binding<'_>)| {
                            *name == chain[0] && matches!(binding, Binding::Parameter(_))
                        };
                        if matches!(here.kind, ScopeKind::Function(_)) && here.names.iter().any(is_given) {
                            self.given(ix, chain[0]);
                        }
                        if chain.len() > 1
                            && let Some(Target::Instance(class)) =
                                self.resolver.value(owner, value, &mut Vec::new(), 16)
                        {
                            self.attribute(class, chain[1], depth);
                        }
                    }
                    return;
                }
                Some(_) => break,
                None => at = here.parent,
            }
        }
        match self.resolver.resolve(scope, chain).target {
            Some(Target::Scope(target)) => self.scope(target, depth),
            _ if chain.len() > 1 => {
                if let Some(Target::Instance(class) | Target::Scope(class)) =
                    self.resolver.resolve(scope, &chain[..chain.len() - 1]).target
                {
                    match self.resolver.program.scope(class).kind {
                        ScopeKind::Class(_) => self.attribute(class, chain[chain.len() - 1], depth),
                        ScopeKind::Value(value) => {
                            let owner = self.resolver.program.scope(class).parent.unwrap_or(class);
                            if let Some(Target::Instance(class)) =
                                self.resolver.value(owner, value, &mut Vec::new(), 16)
                            {
                                self.attribute(class, chain[chain.len() - 1], depth);
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// What a parameter is, a fixture or a mark may say; else who calls the function, and mostly it is its default.
    fn parameter(&mut self, scope: ScopeIx, name: &str, depth: u32) {
        let program = self.resolver.program;
        let ScopeKind::Function(def) = program.scope(scope).kind else { return };
        if let Some(fixture) = self.resolver.fixtures.find(program, scope, name) {
            return self.scope(fixture, depth);
        }
        if let Some(values) = parametrised(def, name) {
            return self.read(scope, values, depth);
        }
        let mut parameters = (&*def.parameters).into_iter().enumerate();
        let Some((at, parameter)) = parameters.find(|(_, parameter)| parameter.name().as_str() == name)
        else {
            return;
        };
        self.hints.open.push((scope, at));
        if let Some(default) = parameter.default().filter(|_| self.defaults == Defaults::Count) {
            self.read(scope, default, depth);
        }
    }

    /// Notes that who calls a function says what a parameter is.
    fn given(&mut self, scope: ScopeIx, name: &str) {
        if let ScopeKind::Function(def) = self.resolver.program.scope(scope).kind
            && let Some(at) = (&*def.parameters).into_iter().position(|it| it.name().as_str() == name)
        {
            self.hints.open.push((scope, at));
        }
    }

    /// Reads what a variable of the environment is while the tests run, where that is known.
    fn variable(&mut self, name: &str) -> bool {
        let known = self.resolver.variables.get(name);
        self.hints.texts.extend(known.cloned());
        known.is_some()
    }

    /// Reads a setting that the environment gives: `database_url` of a class of pydantic's settings.
    fn setting(&mut self, class: ScopeIx, name: &str) -> bool {
        let variables = &self.resolver.variables;
        let of_settings = || {
            let order = self.resolver.mro(class);
            order.iter().any(|base| matches!(base, Target::External(path) if path.ends_with("BaseSettings")))
        };
        if variables.is_empty() || !of_settings() {
            return false;
        }
        let variable = name.to_ascii_uppercase();
        if self.variable(&variable) {
            return true;
        }
        // Settings may have a prefix: `APP_DATABASE_URL`.
        let ending = format!("_{variable}");
        let mut prefixed = variables.iter().filter(|(known, _)| known.ends_with(&ending));
        match (prefixed.next(), prefixed.next()) {
            (Some((_, value)), None) => {
                self.hints.texts.push(value.clone());
                true
            }
            _ => false,
        }
    }

    /// Reads what a validator of pydantic's puts together for a field: `return PostgresDsn.build(…)`.
    fn validated(&mut self, class: ScopeIx, name: &str, depth: u32) {
        let validators = self.resolver.validators.get(&class).and_then(|fields| fields.get(name));
        for method in validators.into_iter().flatten() {
            let ScopeKind::Function(def) = self.resolver.program.scope(*method).kind else { continue };
            for value in returns_of(&def.body).into_iter().filter(|value| value.is_call_expr()) {
                self.read(*method, value, depth);
            }
        }
    }

    fn attribute(&mut self, class: ScopeIx, name: &'s str, depth: u32) {
        if self.setting(class, name) {
            return;
        }
        for base in self.resolver.mro(class).iter() {
            let Target::Scope(base) = *base else { continue };
            match self.resolver.program.scope(base).binding(name) {
                Some(Binding::Scope(target)) => {
                    return self.scope(self.resolver.as_seen(class, target), depth);
                }
                Some(Binding::Local(value, owner)) => {
                    // What another method writes there as well may be what is meant.
                    let read = !value.is_literal_expr();
                    let first = self.first_given(base, name).filter(|_| read);
                    let (value, owner) = first.unwrap_or((value, owner));
                    let owner = self.resolver.as_seen(class, owner);
                    if self.seen.insert((base, name.to_owned())) {
                        self.read(owner, value, depth);
                    }
                    return;
                }
                // `dsn: PostgresDsn`, which the environment gives.
                Some(Binding::Parameter(Some(annotation))) => {
                    self.hints.words.extend(
                        chain_of(annotation).and_then(|chain| chain.last().map(|name| (*name).to_owned())),
                    );
                    self.validated(base, name, depth);
                    return;
                }
                _ => {}
            }
        }
    }

    /// Returns the text or number that a constructor gives an attribute: what other methods read from a file or from the
    /// environment holds only for who calls them.
    fn first_given(&self, class: ScopeIx, name: &str) -> Option<(&'s Expr, ScopeIx)> {
        let program = self.resolver.program;
        program.scope(class).names.iter().find_map(|(bound, binding)| match *binding {
            Binding::Local(value, owner) if *bound == name && program.scope(owner).name == "__init__" => {
                let says = match value {
                    Expr::StringLiteral(text) => !text.value.is_empty(),
                    Expr::NumberLiteral(number) => {
                        matches!(&number.value, Number::Int(number) if number.as_u64().is_some_and(|it| it > 0))
                    }
                    _ => false,
                };
                says.then_some((value, owner))
            }
            _ => None,
        })
    }

    fn scope(&mut self, target: ScopeIx, depth: u32) {
        let scope = self.resolver.program.scope(target);
        if !self.seen.insert((target, String::new())) {
            return;
        }
        if let (ScopeKind::Value(_), Some(class)) = (scope.kind, scope.parent)
            && matches!(self.resolver.program.scope(class).kind, ScopeKind::Class(_))
        {
            if self.setting(class, scope.name) {
                return;
            }
            self.validated(class, scope.name, depth);
        }
        match scope.kind {
            ScopeKind::Value(value) => self.read(target, value, depth),
            ScopeKind::Function(def) => {
                for value in returns_of(&def.body) {
                    self.read(target, value, depth);
                }
            }
            _ => {}
        }
    }
}
