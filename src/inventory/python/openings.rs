//! Functions that open an address which somebody else gives: `def connect(url): return create_engine(url)`.
//!
//! Who calls such a function says by the arguments what is opened, maybe by passing on what it is given itself. An
//! object may keep the address from its constructor until a method opens it; then who makes the object says it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::TextRange;

use super::chains::SUPER;
use super::hints::{Defaults, Hints, hints_with};
use super::links::{Link, Links, Touch, TouchKind, arguments};
use super::program::{How, ScopeIx, ScopeKind, Use};
use super::resolve::{Resolver, Target};
use super::signs::{Address, SignBook, Sought, words_of};

/// How far functions are followed whose parameters are the address that they open.
const ROUNDS: usize = 4;

/// As many calls of one function are told apart by the parameters that they open.
const OPENED: usize = 32;

/// A call that opens an address which the caller of a function gives.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// The function whose parameters say what is opened: the scope itself, or a constructor that keeps them.
    pub(super) by: ScopeIx,
    /// The positions of these parameters.
    pub(super) parameters: Vec<usize>,
    /// The scope and place of the call.
    pub(super) at: ScopeIx,
    pub(super) range: TextRange,
    pub(super) guard: bool,
    /// The names that it goes through.
    pub(super) via: Box<[u64]>,
    pub(super) what: String,
    /// The project's database is meant where nobody says otherwise.
    pub(super) database: bool,
    /// What the defaults of the parameters say, for who says nothing else.
    pub(super) usual: Vec<Sought>,
    /// Where the address is opened in the end.
    pub(super) place: UnknownCall,
}

/// A call that may open a database of which nothing says which it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnknownCall {
    pub(super) at: ScopeIx,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) what: String,
}

impl Opening {
    /// Returns what hints say of the address that is opened.
    fn address(&self, book: &SignBook<'_>, hints: &Hints) -> Address {
        let address = book.address(hints);
        if self.database { book.of_database(address) } else { address }
    }
}

impl UnknownCall {
    pub(super) fn new(at: ScopeIx, range: TextRange, what: &str) -> Self {
        Self { at, start: range.start().to_u32(), end: range.end().to_u32(), what: what.to_owned() }
    }

    pub(super) fn range(&self) -> TextRange {
        TextRange::new(self.start.into(), self.end.into())
    }
}

/// Finds what is opened by functions that open what they are given: their callers say it by their arguments. Where
/// none of them does, a database is the project's own.
pub(super) fn open_all(
    resolver: &Resolver<'_, '_, '_>,
    book: &SignBook<'_>,
    scopes: &[ScopeIx],
    all: &mut [Links],
) {
    let mut asked: BTreeSet<ScopeIx> = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut opening: BTreeMap<ScopeIx, OpenedBy> = BTreeMap::new();
        for links in &mut *all {
            for found in std::mem::take(&mut links.opens) {
                // A function that opens what it is given through itself would go round for ever.
                if !asked.contains(&found.by) {
                    opening.entry(found.by).or_default().add(resolver, found);
                }
            }
        }
        if opening.is_empty() {
            return;
        }
        asked.extend(opening.keys());
        let found: Vec<(ScopeIx, Opened)> = scopes
            .par_iter()
            .filter_map(|scope| {
                let opened = openings(resolver, book, *scope, &all[scope.0 as usize], &opening);
                (!opened.said.is_empty() || !opened.touches.is_empty()).then_some((*scope, opened))
            })
            .collect();
        let mut said: BTreeSet<ScopeIx> = BTreeSet::new();
        for (at, opened) in found {
            let links = &mut all[at.0 as usize];
            links.touches.extend(opened.touches);
            links.unknown.extend(opened.unknown);
            links.opens.extend(opened.passes_on);
            said.extend(opened.said);
        }
        for open in opening.into_iter().filter(|(by, _)| !said.contains(by)).flat_map(|(_, open)| open.all) {
            all[open.at.0 as usize].of_nobody(book, open);
        }
    }
    for links in &mut *all {
        for open in std::mem::take(&mut links.opens) {
            links.of_nobody(book, open);
        }
    }
}

/// Words in the names of classes that stand in for others.
const STAND_INS: &[&str] = &["dummy", "fake", "mock", "spy", "stub"];

/// What a function opens that its callers say.
#[derive(Default)]
struct OpenedBy {
    all: Vec<Opening>,
    /// Those that differ in what of a call says it, or in the class whose method opens it.
    told_apart: Vec<(Option<ScopeIx>, Opening)>,
}

impl OpenedBy {
    fn add(&mut self, resolver: &Resolver<'_, '_, '_>, found: Opening) {
        let class = resolver.class_around(found.at);
        let same = |(by, other): &(Option<ScopeIx>, Opening)| {
            *by == class
                && other.parameters == found.parameters
                && other.database == found.database
                && other.usual == found.usual
        };
        if !self.told_apart.iter().any(same) {
            if self.told_apart.len() < OPENED {
                self.told_apart.push((class, found.clone()));
            } else {
                // Of so many nobody knows any more whose they are.
                self.told_apart.iter_mut().for_each(|(by, _)| *by = None);
            }
        }
        self.all.push(found);
    }
}

/// What a scope opens through functions that open what they are given.
#[derive(Default)]
struct Opened {
    touches: Vec<Touch>,
    unknown: Vec<UnknownCall>,
    /// It passes on what it is given itself.
    passes_on: Vec<Opening>,
    /// The functions that it calls and says the address to, or passes it on.
    said: Vec<ScopeIx>,
}

fn openings(
    resolver: &Resolver<'_, '_, '_>,
    book: &SignBook<'_>,
    scope: ScopeIx,
    links: &Links,
    opening: &BTreeMap<ScopeIx, OpenedBy>,
) -> Opened {
    let mut opened = Opened::default();
    if !links.out.iter().any(|link| opening.contains_key(&link.to)) {
        return opened;
    }
    for used in &resolver.program.scope(scope).uses {
        let through = links.out.iter().filter(|link| link.range == used.range);
        for (link, open) in through.filter_map(|link| Some((link, opening.get(&link.to)?))) {
            let How::Call(call) = used.how else {
                // `Thread(target=connect)`: it is called with nothing.
                if matches!(used.how, How::Argument) {
                    for (_, open) in open.told_apart.iter().filter(|(_, open)| !open.usual.is_empty()) {
                        opened.call(book, &Hints::default(), scope, used, link, open);
                    }
                }
                continue;
            };
            opened.said.push(link.to);
            let made = Made::by(resolver, scope, used, link);
            for (other, open) in &open.told_apart {
                if made.as_ref().is_some_and(|made| made.leaves(resolver, *other, open)) {
                    continue;
                }
                let given = given(resolver.program.scope(link.to).kind, &open.parameters, call);
                let hints = |defaults| {
                    let mut hints = hints_with(resolver, scope, given.iter().copied(), defaults);
                    // `redis_url` is an address of Redis, `redis` is mostly a client that somebody has made.
                    hints.words.retain(|word| words_of(word).len() > 1);
                    hints
                };
                let with = hints(Defaults::Count);
                if with.open.first().is_none_or(|(by, _)| *by != scope) {
                    opened.call(book, &with, scope, used, link, open);
                    continue;
                }
                // It passes on a parameter of its own, whose default holds for callers that say nothing else.
                let without = hints(Defaults::LeftOut);
                let usual = match (open.address(book, &with), open.address(book, &without)) {
                    (Address::Of(services), Address::Unknown) => services,
                    _ => open.usual.clone(),
                };
                opened.call(book, &without, scope, used, link, &Opening { usual, ..open.clone() });
            }
        }
    }
    opened
}

/// The class of an object that a call makes, where its name shows it.
struct Made<'u> {
    class: ScopeIx,
    /// The class that has the constructor.
    keeper: ScopeIx,
    /// The object may be one of a class that inherits: `super().__init__(url)`.
    or_below: bool,
    name: &'u str,
}

impl<'u> Made<'u> {
    /// Reads a call of a constructor. What a variable, an attribute or a function gives may be one of several classes.
    fn by(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx, used: &Use<'u>, link: &Link) -> Option<Self> {
        let program = resolver.program;
        if program.scope(link.to).name != "__init__" {
            return None;
        }
        let keeper = resolver.class_around(program.written_as(link.to))?;
        let name = used.chain.last().copied()?;
        if matches!(*used.chain, [SUPER, "__init__"]) {
            let class = resolver.class_around(program.written_as(scope))?;
            return Some(Self { class, keeper, or_below: true, name });
        }
        let class = match resolver.resolve(scope, &used.chain).target? {
            Target::Scope(class) => program.written_as(class),
            Target::Instance(_) | Target::External(_) => return None,
        };
        let plain = matches!(program.scope(class).kind, ScopeKind::Class(_))
            && program.scope(class).name == name
            && !matches!(used.chain.first(), Some(&("self" | "cls")))
            && resolver.mro(class).iter().all(|base| match base {
                Target::Scope(base) => program.scope(*base).binding("__new__").is_none(),
                _ => true,
            });
        plain.then_some(Self { class, keeper, or_below: false, name })
    }

    /// Returns whether the object certainly leaves something alone that a method of a class opens: the class is another
    /// that inherits the constructor, or the object is a stand-in.
    fn leaves(&self, resolver: &Resolver<'_, '_, '_>, by: Option<ScopeIx>, open: &Opening) -> bool {
        let program = resolver.program;
        let Some(other) = by.map(|by| program.written_as(by)) else { return false };
        // `FakeSolr("http://solr:8983")` keeps an address for methods of its base that it replaces.
        let stands_in = words_of(self.name).iter().any(|word| STAND_INS.contains(&word.as_str()));
        if stands_in && other != self.class && program.scope(open.at).name != "__init__" {
            return true;
        }
        let inherits = |class, from| class == from || resolver.mro(class).contains(&Target::Scope(from));
        other != self.keeper
            && inherits(other, self.keeper)
            && !inherits(self.class, other)
            && !(self.or_below && inherits(other, self.class))
    }
}

impl Opened {
    /// Adds what a call opens with arguments that come to these hints.
    fn call(
        &mut self,
        book: &SignBook<'_>,
        hints: &Hints,
        scope: ScopeIx,
        used: &Use<'_>,
        link: &Link,
        open: &Opening,
    ) {
        let via: Box<[u64]> = link.via.iter().chain(&open.via).copied().collect();
        let touch = |service| Touch {
            service,
            kind: TouchKind::Client,
            range: used.range,
            guard: used.guard,
            via: via.clone(),
            what: used.chain.join("."),
        };
        match open.address(book, hints) {
            Address::Of(services) => self.touches.extend(services.into_iter().map(touch)),
            Address::None => {}
            Address::Unknown => match hints.open.first().copied() {
                Some((by, _)) => self.passes_on.push(Opening {
                    by,
                    parameters: parameters_of(hints, by),
                    at: scope,
                    range: used.range,
                    guard: used.guard,
                    via,
                    ..open.clone()
                }),
                None if !open.usual.is_empty() => self.touches.extend(open.usual.iter().copied().map(touch)),
                None if open.database => match book.database {
                    Some(database) => self.touches.push(touch(database)),
                    None => self.unknown.push(open.place.clone()),
                },
                None => {}
            },
        }
    }
}

/// Returns the positions of the parameters of a function that hints depend on.
pub(super) fn parameters_of(hints: &Hints, by: ScopeIx) -> Vec<usize> {
    hints.open.iter().filter(|(scope, _)| *scope == by).map(|(_, at)| *at).collect()
}

/// Returns the arguments of a call that a function's parameters get; all of them where the call spreads a list.
fn given<'s>(callee: ScopeKind<'s>, parameters: &[usize], call: &'s ExprCall) -> Vec<&'s Expr> {
    let spread = call.arguments.args.iter().any(Expr::is_starred_expr)
        || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
    let ScopeKind::Function(def) = callee else { return arguments(call).collect() };
    if spread {
        return arguments(call).collect();
    }
    let names: Vec<&str> =
        (&*def.parameters).into_iter().map(|parameter| parameter.name().as_str()).collect();
    let own = usize::from(matches!(names.first(), Some(&("self" | "cls"))));
    let of = |at: &usize| {
        let keyword = call.arguments.find_keyword(names.get(*at)?).map(|keyword| &keyword.value);
        keyword.or_else(|| call.arguments.args.get(at.checked_sub(own)?))
    };
    parameters.iter().filter_map(of).collect()
}

impl Links {
    /// Adds what a function opens of which none of its callers says what it is.
    fn of_nobody(&mut self, book: &SignBook<'_>, open: Opening) {
        let services = match book.database {
            _ if !open.usual.is_empty() => open.usual,
            _ if !open.database => Vec::new(),
            Some(service) => vec![service],
            None => {
                self.unknown.push(open.place);
                Vec::new()
            }
        };
        self.touches.extend(services.into_iter().map(|service| Touch {
            service,
            kind: TouchKind::Client,
            range: open.range,
            guard: open.guard,
            via: open.via.clone(),
            what: open.what.clone(),
        }));
    }
}
