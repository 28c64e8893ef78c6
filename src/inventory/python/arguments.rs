//! Functions and classes as calls see them that say something by their arguments.
//!
//! `Service(client=FakeRedis())` never comes to `self.client = client or redis.Redis()`, and `connect()` never to what
//! stands behind `if url is not None`. For every such call, as it is known what of its arguments are `None`, false or
//! anything, the function stands in the program once more, without what does not run then; and a class that keeps in
//! its objects what it is given stands there as a class that inherits from itself, whose objects know it.
//!
//! Who calls a function is looked for by its name alone here: what a call leads to is known only later, and one that
//! leads nowhere does no harm.

use std::collections::{HashMap, HashSet, VecDeque};

use ruff_python_ast::{Expr, ExprCall, Number, StmtFunctionDef};

use super::chains::{chain_of, decorator_chain};
use super::conditions::{Condition, Known, Subject, kept};
use super::program::{Binding, How, Knowledge, Program, Scope, ScopeIx, ScopeKind, Told, Use};
use super::resolve::{Resolver, Target};
use super::visible::parametrised;

/// As many functions and classes stand in the program once more, with as many uses of names in all: what is in a project
/// decides how much memory they take. Beyond them, every call sees a function as it is written.
const MAX_VARIANTS: usize = 50_000;
const MAX_USES: usize = 1_000_000;

/// As many of one function.
const MAX_OF_ONE: usize = 16;

/// Functions of one name, of which there are more, are not told apart by their calls.
const MAX_OF_A_NAME: usize = 32;

/// As many parameters of one function matter.
const MAX_PARAMETERS: usize = 12;

/// How far parameters are followed that are handed on to others.
const ROUNDS: usize = 3;

/// How far a value is followed through the names that stand for it.
const MAX_DEPTH: u32 = 4;

/// Words in the names of what makes, or is, a stand-in: that is an object, and never nothing.
const STAND_INS: &[&str] = &["dummy", "fake", "inmemory", "in_memory", "mock", "noop", "spy", "stub"];

/// Decorators that leave the arguments of a function alone: who calls it gives them all.
const LEAVE_ARGUMENTS: &[&str] = &[
    "abstractmethod",
    "asynccontextmanager",
    "cache",
    "classmethod",
    "contextmanager",
    "final",
    "lru_cache",
    "overload",
    "override",
    "staticmethod",
];

/// A function whose calls matter by their arguments, or a class by those of its constructor.
#[derive(Debug)]
struct Callee<'s> {
    /// The function, or the constructor of the class.
    function: ScopeIx,
    /// The parameters that matter.
    matter: Vec<&'s str>,
    /// Those of them that it hands on to others.
    handed_on: Vec<&'s str>,
    /// What is known of them, and what stands in the program for calls that say so.
    variants: Vec<(Knowledge<'s>, ScopeIx)>,
}

/// The functions and classes whose calls matter by their arguments.
#[derive(Debug, Default)]
pub(super) struct Callees<'s> {
    by_scope: HashMap<ScopeIx, Callee<'s>>,
    /// The attributes that anything but their own object is seen to give: `store.client = client`.
    pub(super) set_from_outside: HashSet<&'s str>,
}

impl<'s> Callees<'s> {
    /// Returns a function or a class as a call within a scope sees it.
    pub(super) fn variant(
        &self,
        program: &Program<'s>,
        scope: ScopeIx,
        callee: ScopeIx,
        call: &ExprCall,
    ) -> ScopeIx {
        let Some(known) = self.by_scope.get(&callee).filter(|callee| !callee.variants.is_empty()) else {
            return callee;
        };
        let said = Caller { program, scope, told: told_in(program, scope) }.says(known, call);
        // What an object keeps may say more than was known when the variants were made.
        let fits = |parameters: &Knowledge<'s>| parameters.iter().all(|known| said.contains(known));
        let fitting = known.variants.iter().filter(|(parameters, _)| fits(parameters));
        let most =
            fitting.max_by_key(|(parameters, variant)| (parameters.len(), std::cmp::Reverse(variant.0)));
        most.map_or(callee, |(_, variant)| *variant)
    }
}

/// Returns what is known of the parameters in a scope.
fn told_in<'p, 's>(program: &'p Program<'s>, scope: ScopeIx) -> &'p [(&'s str, Known)] {
    program.scope(scope).told.as_ref().map_or(&[], |told| &told.parameters)
}

/// Returns the functions and classes whose calls matter by their arguments.
pub(super) fn callees<'s>(resolver: &Resolver<'_, 's, '_>) -> Callees<'s> {
    let program = resolver.program;
    let asked_of_objects: HashSet<&str> = program
        .scopes
        .iter()
        .flat_map(|scope| &scope.conditions)
        .filter_map(|condition| match condition.subject {
            Subject::Own(name) => Some(name),
            Subject::Parameter(_) | Subject::Mark(_) | Subject::Setting(_) => None,
        })
        .collect();
    let mut matter: HashMap<ScopeIx, Vec<&'s str>> = HashMap::new();
    for ix in program.scope_indices() {
        let found = matters_in(program, ix, &asked_of_objects);
        if !found.is_empty() {
            matter.insert(ix, found);
        }
    }
    let modules = program.modules.iter().flat_map(|module| &program.scope(module.scope).rebound);
    let set_from_outside = modules.map(|(name, _)| *name).collect();
    if matter.is_empty() {
        return Callees { by_scope: HashMap::new(), set_from_outside };
    }
    let constructed = constructors(resolver);
    let mut handed_on: HashMap<ScopeIx, Vec<&'s str>> = HashMap::new();
    for _ in 0..ROUNDS {
        let names = by_name(program, &constructed, &matter);
        let mut more: Vec<(ScopeIx, &'s str)> = Vec::new();
        for ix in program.scope_indices() {
            let ScopeKind::Function(def) = program.scope(ix).kind else { continue };
            for (call, callee) in calls_in(program, ix, &names) {
                let function = constructed.get(&callee).copied().unwrap_or(callee);
                let Some(wanted) = matter.get(&function) else { continue };
                let Some(bound) = Bound::of(program, function, call) else { continue };
                for argument in wanted.iter().filter_map(|name| bound.given(name)) {
                    if let Expr::Name(name) = argument
                        && let Some(parameter) = def.parameters.find(name.id.as_str())
                    {
                        more.push((ix, parameter.parameter.name.as_str()));
                    }
                }
            }
        }
        let mut changed = false;
        for (ix, name) in more {
            let known = matter.entry(ix).or_default();
            if known.len() >= MAX_PARAMETERS {
                continue;
            }
            if !known.contains(&name) {
                known.push(name);
            }
            let handed = handed_on.entry(ix).or_default();
            if !handed.contains(&name) {
                handed.push(name);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let functions = matter.keys().copied().filter(|function| program.scope(*function).name != "__init__");
    let functions = functions.map(|function| (function, function));
    let classes = constructed.iter().map(|(class, constructor)| (*class, *constructor));
    let callee = |(callee, function): (ScopeIx, ScopeIx)| {
        let matter = matter.get(&function)?.clone();
        let handed_on = handed_on.get(&function).cloned().unwrap_or_default();
        Some((callee, Callee { function, matter, handed_on, variants: Vec::new() }))
    };
    Callees { by_scope: functions.chain(classes).filter_map(callee).collect(), set_from_outside }
}

/// Adds what some calls see to the program: first those of the sources as they are written, then those of what was added.
pub(super) fn add_variants<'s>(program: &mut Program<'s>, callees: &mut Callees<'s>) {
    let mut names: HashMap<&'s str, Vec<ScopeIx>> = HashMap::new();
    // In their order: which of too many variants there are must not differ from run to run.
    let mut sorted: Vec<ScopeIx> = callees.by_scope.keys().copied().collect();
    sorted.sort_unstable();
    for callee in sorted {
        names.entry(program.scope(callee).name).or_default().push(callee);
    }
    names.retain(|_, namesakes| namesakes.len() <= MAX_OF_A_NAME);
    let mut open: VecDeque<(ScopeIx, Knowledge<'s>)> =
        program.scope_indices().map(|ix| (ix, Knowledge::default())).collect();
    let (mut added, mut uses) = (0, 0);
    while let Some((scope, told)) = open.pop_front() {
        let mut wanted: Vec<(ScopeIx, Knowledge<'s>)> = Vec::new();
        let caller = Caller { program, scope, told: &told };
        for (call, callee) in calls_in(program, scope, &names) {
            let Some(known) = callees.by_scope.get(&callee) else { continue };
            let said = caller.says(known, call);
            if !said.is_empty() && known.changes(program, callee, &said, &callees.set_from_outside) {
                wanted.push((callee, said));
            }
        }
        for (callee, said) in wanted {
            let Callees { by_scope, set_from_outside } = &mut *callees;
            let Some(known) = by_scope.get_mut(&callee) else { continue };
            if added == MAX_VARIANTS
                || uses > MAX_USES
                || known.variants.len() == MAX_OF_ONE
                || known.variants.iter().any(|(parameters, _)| *parameters == said)
            {
                continue;
            }
            let variant = known.variant(program, callee, &said, set_from_outside);
            let ix = ScopeIx(u32::try_from(program.scopes.len()).unwrap_or(u32::MAX));
            added += 1;
            uses += program.scope(known.function).uses.len();
            program.scopes.push(variant);
            known.variants.push((said.clone(), ix));
            open.push_back((known.function, said));
        }
    }
}

/// Returns a function without what does not run where this is known of its parameters and of its object's attributes.
pub(super) fn as_told<'s>(
    mut scope: Scope<'s>,
    parameters: &[(&'s str, Known)],
    attributes: &[(&'s str, Known)],
) -> Scope<'s> {
    let uses = std::mem::take(&mut scope.uses);
    scope.uses = uses.into_iter().filter(|used| runs(&scope, used, parameters, attributes)).collect();
    // What was given is what the name stands for: `client = client or make()` changes nothing.
    let given = |name: &str| {
        parameters.iter().any(|(known, what)| *known == name && what.is_given()) && is_steady(&scope, name)
    };
    let kept: Vec<_> = scope
        .names
        .iter()
        .filter(|(name, binding)| matches!(binding, Binding::Parameter(_)) || !given(name))
        .copied()
        .collect();
    scope.names = kept;
    scope.sort_names();
    scope
}

/// Returns whether something that a function uses runs where this is known, as far as that says.
pub(super) fn runs<'s>(
    scope: &Scope<'s>,
    used: &Use<'s>,
    parameters: &[(&'s str, Known)],
    attributes: &[(&'s str, Known)],
) -> bool {
    let fails = |condition: &Condition<'s>| {
        let of = |name: &str, known: &[(&'s str, Known)]| {
            known.iter().find(|(known, _)| *known == name).map(|(_, known)| *known)
        };
        let known = match condition.subject {
            Subject::Own(name) => of(name, attributes),
            Subject::Parameter(name) => of(name, parameters).filter(|known| {
                if known.is_given() {
                    is_steady(scope, name)
                } else {
                    scope.rebound.iter().all(|(rebound, _)| *rebound != name)
                }
            }),
            Subject::Mark(_) | Subject::Setting(_) => None,
        };
        known
            .and_then(|known| known.answer(condition.question))
            .is_some_and(|answer| answer != condition.answer)
    };
    !scope.conditions_of(used).any(fails)
}

/// Returns whether a parameter gets another value only where it was given none.
fn is_steady(scope: &Scope<'_>, name: &str) -> bool {
    scope.rebound.iter().all(|(rebound, steady)| *rebound != name || *steady)
}

impl<'s> Callee<'s> {
    /// Returns whether what a call says changes what runs.
    fn changes(
        &self,
        program: &Program<'s>,
        callee: ScopeIx,
        said: &[(&'s str, Known)],
        set_from_outside: &HashSet<&str>,
    ) -> bool {
        let function = program.scope(self.function);
        said.iter().any(|(name, _)| self.handed_on.contains(name))
            || function.uses.iter().any(|used| !runs(function, used, said, &[]))
            || (callee != self.function
                && !kept_in(program, callee, self.function, said, set_from_outside).is_empty())
    }

    /// Returns the function, or the class, as calls see it that say this.
    fn variant(
        &self,
        program: &Program<'s>,
        callee: ScopeIx,
        said: &Knowledge<'s>,
        set_from_outside: &HashSet<&str>,
    ) -> Scope<'s> {
        let written = program.scope(callee).clone();
        if callee == self.function {
            let mut scope = as_told(written, said, &[]);
            let told =
                Told { of: callee, constructor: None, parameters: said.clone(), attributes: Box::default() };
            scope.told = Some(Box::new(told));
            return scope;
        }
        let kept = kept_in(program, callee, self.function, said, set_from_outside);
        let told = Told {
            of: callee,
            constructor: Some(self.function),
            parameters: said.clone(),
            attributes: kept.iter().map(|(name, known, _)| (*name, *known)).collect(),
        };
        let names = kept.into_iter().map(|(name, _, value)| (name, Binding::Local(value, self.function)));
        let mut scope = Scope {
            names: names.collect(),
            sorted: Box::default(),
            uses: Vec::new(),
            patches: Vec::new(),
            conditions: Vec::new(),
            rebound: Vec::new(),
            told: Some(Box::new(told)),
            ..written
        };
        scope.sort_names();
        scope
    }
}

/// Returns the attributes in which a constructor keeps what it is given for good, with what is known of each.
fn kept_in<'s>(
    program: &Program<'s>,
    class: ScopeIx,
    constructor: ScopeIx,
    said: &[(&'s str, Known)],
    set_from_outside: &HashSet<&str>,
) -> Vec<(&'s str, Known, &'s Expr)> {
    let function = program.scope(constructor);
    let Some(owner) = function.parent.map(|parent| program.scope(parent)) else { return Vec::new() };
    let given = |attribute: &str| {
        let bindings = owner.names.iter().filter(|(name, _)| *name == attribute);
        bindings.filter(|(_, binding)| matches!(binding, Binding::Local(_, at) if *at == constructor)).count()
    };
    let mut found: Vec<(&'s str, Known, &'s Expr)> = Vec::new();
    for (attribute, binding) in &owner.names {
        let Binding::Local(value, at) = binding else { continue };
        let Some(kept @ Expr::Name(name)) = kept(value).filter(|_| *at == constructor) else { continue };
        let Some((name, known)) = said.iter().find(|(said, _)| *said == name.id.as_str()) else { continue };
        let is_it = *known == Known::True || known.is_given() && value.is_name_expr();
        let steady = |scope: &Scope<'_>| is_steady(scope, attribute);
        if is_it
            && is_steady(function, name)
            && steady(owner)
            && steady(program.scope(class))
            // What it gives more than once, it may give something else.
            && given(attribute) == 1
            && !set_from_outside.contains(attribute)
        {
            found.push((attribute, *known, kept));
        }
    }
    found
}

/// Returns the parameters of a function that matter by themselves: what runs depends on them, or on the attribute that
/// keeps them.
fn matters_in<'s>(program: &Program<'s>, ix: ScopeIx, asked_of_objects: &HashSet<&str>) -> Vec<&'s str> {
    let scope = program.scope(ix);
    if !matches!(scope.kind, ScopeKind::Function(_)) {
        return Vec::new();
    }
    let mut found: Vec<&'s str> = Vec::new();
    let mut add = |name: &'s str| {
        if found.len() < MAX_PARAMETERS && !found.contains(&name) {
            found.push(name);
        }
    };
    for used in scope.uses.iter().filter(|used| used.condition != 0) {
        scope
            .conditions_of(used)
            .filter_map(|condition| match condition.subject {
                Subject::Parameter(name) => Some(name),
                Subject::Own(_) | Subject::Mark(_) | Subject::Setting(_) => None,
            })
            .for_each(&mut add);
    }
    if scope.name == "__init__"
        && let Some(class) = scope.parent
    {
        for (attribute, binding) in &program.scope(class).names {
            if let Binding::Local(value @ Expr::Name(name), at) = binding
                && *at == ix
                && asked_of_objects.contains(attribute)
                && value.is_name_expr()
            {
                add(name.id.as_str());
            }
        }
    }
    found
}

/// Returns the constructor of every class, where the sources have it.
fn constructors(resolver: &Resolver<'_, '_, '_>) -> HashMap<ScopeIx, ScopeIx> {
    let program = resolver.program;
    let classes = program.scope_indices().filter(|ix| matches!(program.scope(*ix).kind, ScopeKind::Class(_)));
    let constructor = |class: ScopeIx| {
        let order = resolver.mro(class);
        let own =
            order.iter().map_while(|base| if let Target::Scope(base) = *base { Some(base) } else { None });
        let mut found = own.filter_map(|base| match program.scope(base).binding("__init__") {
            Some(Binding::Scope(constructor)) => Some(constructor),
            _ => None,
        });
        found.next()
    };
    classes.filter_map(|class| Some((class, constructor(class)?))).collect()
}

/// Returns the functions and classes whose calls matter, by the names that they are called by.
fn by_name<'s>(
    program: &Program<'s>,
    constructed: &HashMap<ScopeIx, ScopeIx>,
    matter: &HashMap<ScopeIx, Vec<&'s str>>,
) -> HashMap<&'s str, Vec<ScopeIx>> {
    let mut names: HashMap<&'s str, Vec<ScopeIx>> = HashMap::new();
    let functions = matter.keys().copied().filter(|function| program.scope(*function).name != "__init__");
    let classes =
        constructed.iter().filter(|(_, function)| matter.contains_key(function)).map(|(class, _)| *class);
    let mut callees: Vec<ScopeIx> = functions.chain(classes).collect();
    callees.sort_unstable();
    for callee in callees {
        names.entry(program.scope(callee).name).or_default().push(callee);
    }
    names.retain(|_, namesakes| namesakes.len() <= MAX_OF_A_NAME);
    names
}

/// Returns the calls in a scope, each with all that its name may mean.
fn calls_in<'a, 's>(
    program: &'a Program<'s>,
    scope: ScopeIx,
    names: &'a HashMap<&'s str, Vec<ScopeIx>>,
) -> impl Iterator<Item = (&'s ExprCall, ScopeIx)> + use<'a, 's> {
    program.scope(scope).uses.iter().flat_map(|used| {
        let called = if let How::Call(call) = used.how { Some(call) } else { None };
        let meant = called.and_then(|call| Some((call, names.get(used.chain.last()?)?)));
        meant.into_iter().flat_map(|(call, callees)| callees.iter().map(move |callee| (call, *callee)))
    })
}

/// The arguments of a call by the parameters that get them.
struct Bound<'c, 's> {
    def: &'s StmtFunctionDef,
    call: &'c ExprCall,
    /// How many parameters the object takes.
    own: usize,
    /// The call spreads a list or a dictionary, of which nobody knows what it gives.
    spread: bool,
}

impl<'c, 's> Bound<'c, 's> {
    fn of(program: &Program<'s>, function: ScopeIx, call: &'c ExprCall) -> Option<Self> {
        let scope = program.scope(function);
        let ScopeKind::Function(def) = scope.kind else { return None };
        let last = |decorator| decorator_chain(decorator).and_then(|chain| chain.last().copied());
        let is = |name: &str| def.decorator_list.iter().any(|decorator| last(decorator) == Some(name));
        // A decorator that is not known may give arguments of its own.
        if !def.decorator_list.iter().all(|one| last(one).is_some_and(|name| LEAVE_ARGUMENTS.contains(&name)))
        {
            return None;
        }
        let class = scope.parent.filter(|parent| matches!(program.scope(*parent).kind, ScopeKind::Class(_)));
        // `Store.save(store, row)` gives the object itself.
        let of_class_itself = class.is_some() && !(is("staticmethod") || is("classmethod")) && {
            let chain = chain_of(&call.func);
            let before = chain.as_ref().and_then(|chain| chain.iter().rev().nth(1));
            before.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        };
        if of_class_itself {
            return None;
        }
        Some(Self {
            def,
            call,
            own: usize::from(class.is_some() && !is("staticmethod")),
            spread: call.arguments.args.iter().any(Expr::is_starred_expr)
                || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none()),
        })
    }

    /// Returns the argument that a parameter gets.
    fn given(&self, name: &str) -> Option<&'c Expr> {
        if let Some(keyword) = self.call.arguments.find_keyword(name) {
            return Some(&keyword.value);
        }
        let parameters = &self.def.parameters;
        let mut positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let at = positional.position(|parameter| parameter.parameter.name.as_str() == name)?;
        let args = &self.call.arguments.args;
        let at = at.checked_sub(self.own)?;
        (!args.iter().take(at + 1).any(Expr::is_starred_expr)).then(|| args.get(at)).flatten()
    }

    /// Returns the default that a parameter gets which is not given.
    fn default(&self, name: &str) -> Option<&'s Expr> {
        if self.spread {
            return None;
        }
        self.def.parameters.find(name)?.default.as_deref()
    }
}

/// Whoever calls something.
struct Caller<'p, 's> {
    program: &'p Program<'s>,
    scope: ScopeIx,
    /// What is known of its own parameters.
    told: &'p [(&'s str, Known)],
}

impl<'s> Caller<'_, 's> {
    /// Returns what a call says of the parameters that matter.
    fn says(&self, callee: &Callee<'s>, call: &ExprCall) -> Knowledge<'s> {
        let Some(bound) = Bound::of(self.program, callee.function, call) else { return Knowledge::default() };
        let known = |name: &&'s str| {
            let known = match bound.given(name) {
                Some(argument) => self.known(self.scope, argument, MAX_DEPTH),
                // A default is read where it is written; only what is literal says something.
                None => bound.default(name).and_then(literal),
            };
            known.map(|known| (*name, known))
        };
        callee.matter.iter().filter_map(known).collect()
    }

    /// Returns what is known of an expression within a scope.
    fn known(&self, scope: ScopeIx, expr: &Expr, depth: u32) -> Option<Known> {
        let depth = depth.checked_sub(1)?;
        if let Some(known) = literal(expr) {
            return Some(known);
        }
        match expr {
            Expr::Lambda(_) => Some(Known::True),
            // Any other call may give nothing, or a thing that comes to the service in its own way.
            Expr::Call(call) => {
                let chain = chain_of(&call.func)?;
                is_stand_in(chain.last()?).then_some(Known::True)
            }
            Expr::Await(inner) => self.known(scope, &inner.value, depth),
            Expr::Named(named) => self.known(scope, &named.value, depth),
            Expr::If(choice) => {
                let known = self.known(scope, &choice.body, depth)?;
                (self.known(scope, &choice.orelse, depth)? == known).then_some(known)
            }
            Expr::Name(name) => self.name(scope, name.id.as_str(), depth),
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(name) if name.id.as_str() == "self" => {
                    self.attribute(scope, attribute.attr.as_str(), depth)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn name(&self, scope: ScopeIx, name: &str, depth: u32) -> Option<Known> {
        let mut at = Some(scope);
        while let Some(ix) = at {
            let here = self.program.scope(ix);
            let mut bound =
                here.names.iter().filter(|(bound, _)| *bound == name).map(|(_, binding)| *binding);
            if let Some(first) = bound.next() {
                let one = |binding| self.bound(ix, name, binding, depth);
                let known = one(first);
                // A parameter that gets another value where it is missing is there whatever was given.
                let steady = is_steady(here, name);
                return bound.fold(known, |known, binding| match (known, one(binding)) {
                    (known, other) if known == other => known,
                    (Some(known), Some(other)) if known.is_given() && other.is_given() => {
                        Some(Known::Something)
                    }
                    (None | Some(Known::Null), Some(other)) if steady && other.is_given() => {
                        matches!(first, Binding::Parameter(_)).then_some(Known::Something)
                    }
                    _ => None,
                });
            }
            at = here.parent;
        }
        None
    }

    /// What is known of one of the values that a name stands for.
    fn bound(&self, scope: ScopeIx, name: &str, binding: Binding<'s>, depth: u32) -> Option<Known> {
        match binding {
            Binding::Parameter(_) => {
                let told = self.told.iter().find(|(told, _)| *told == name).filter(|_| scope == self.scope);
                told.map(|(_, known)| *known).or_else(|| self.parameter(scope, name))
            }
            Binding::Local(value, owner) => self.known(owner, value, depth),
            Binding::Scope(value) => match self.program.scope(value).kind {
                // Another function may well give the module's name a value that is nothing at first.
                ScopeKind::Value(value) => {
                    self.known(scope, value, depth).filter(|known| *known != Known::Null)
                }
                ScopeKind::Function(_) | ScopeKind::Class(_) => Some(Known::True),
                ScopeKind::Module => None,
            },
            Binding::Import(_) | Binding::Element(..) | Binding::Opaque => None,
        }
    }

    /// What a fixture gives a test under the name of a stand-in is an object.
    fn parameter(&self, function: ScopeIx, name: &str) -> Option<Known> {
        let ScopeKind::Function(def) = self.program.scope(function).kind else { return None };
        let parameter = def.parameters.find(name)?;
        let of_test = self.program.is_for_tests(function) && is_stand_in(name);
        (of_test && parameter.default.is_none() && parametrised(def, name).is_none()).then_some(Known::True)
    }

    /// What an object keeps that was given to its constructor, or what a test class sets up.
    fn attribute(&self, scope: ScopeIx, name: &str, depth: u32) -> Option<Known> {
        let here = self.program.scope(scope);
        let class = here.seen.map(|seen| seen.class).or(here.parent)?;
        let class = self.program.scope(class);
        if let Some((_, known)) =
            class.told.iter().flat_map(|told| told.attributes.iter()).find(|(told, _)| *told == name)
        {
            return Some(*known);
        }
        if !self.program.is_for_tests(scope) {
            return None;
        }
        let mut bound = class.names.iter().filter(|(bound, _)| *bound == name).map(|(_, binding)| binding);
        match (bound.next(), bound.next()) {
            (Some(Binding::Local(value, owner)), None) => self.known(*owner, value, depth),
            _ => None,
        }
    }
}

/// Returns whether something is named like a stand-in for another.
pub(super) fn is_stand_in(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    STAND_INS.iter().any(|word| name.contains(word))
}

/// Returns what a literal is known to be; an empty list may be filled.
pub(super) fn literal(expr: &Expr) -> Option<Known> {
    let true_if = |is: bool| Some(if is { Known::True } else { Known::False });
    match expr {
        Expr::NoneLiteral(_) => Some(Known::Null),
        Expr::BooleanLiteral(literal) => true_if(literal.value),
        Expr::StringLiteral(text) => true_if(!text.value.is_empty()),
        Expr::BytesLiteral(bytes) => true_if(!bytes.value.is_empty()),
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => true_if(int.as_u64() != Some(0)),
            Number::Float(float) => true_if(*float != 0.0),
            Number::Complex { .. } => None,
        },
        Expr::List(list) if !list.elts.iter().any(Expr::is_starred_expr) => {
            (!list.elts.is_empty()).then_some(Known::True)
        }
        Expr::Tuple(tuple) if !tuple.elts.iter().any(Expr::is_starred_expr) => {
            true_if(!tuple.elts.is_empty())
        }
        Expr::Dict(dict) if dict.items.iter().all(|item| item.key.is_some()) => {
            (!dict.items.is_empty()).then_some(Known::True)
        }
        _ => None,
    }
}
